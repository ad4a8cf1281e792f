-- A channel's user goes over to an account their owner had before only when activating there is done. Until then this is
-- the account that the channel had opened; empty where it is the same.
ALTER TABLE credential.activation ADD COLUMN came_as text NOT NULL DEFAULT '';

-- What is active on the phones of one account: its owner's code, and those that were lent to it.
CREATE INDEX device_account ON credential.device (account_id) WHERE unbound_at IS NULL;
COMMENT ON COLUMN credential.device.unbound_by IS
    'person, channel, or the login of a clerk; phone where a lent code ended because its phone was unbound';

-- As before, but whoever comes with a card or a certificate always needs the password: the limit below which none is
-- asked for was set for the person's own phones, and a card may be found in the street.
CREATE OR REPLACE FUNCTION credential.visit_of(_person text, _token text)
RETURNS TABLE (institution text, expires_at timestamptz, place text, account_id text, free_limit_fen bigint,
               device_unbound boolean, medium text)
LANGUAGE sql STABLE AS $$
    SELECT v.institution, v.expires_at, coalesce(h.place, ''), coalesce(d.account_id, h.account_id, ''),
           CASE WHEN v.medium = '01' AND d.account_id = h.account_id THEN h.free_limit_fen ELSE 0 END,
           d.unbound_at IS NOT NULL, v.medium
    FROM credential.visit v
    LEFT JOIN credential.holder h ON h.person_id = v.person_id AND h.unbound_at IS NULL
    LEFT JOIN credential.device d ON d.person_id = v.person_id AND d.device_number = v.device_number
    WHERE v.person_id = _person AND v.token = _token
$$;
