-- A credential may be held by nobody's account: of a child, or of an elder who never had a phone. Relatives show it.
COMMENT ON COLUMN credential.holder.account_id IS 'the account that bound the insurance; empty while only relatives show it';

-- As before, but a relative's phone always asks for the relative's password: the limit below which none is needed was
-- set by the person for their own phones.
CREATE OR REPLACE FUNCTION credential.visit_of(_person text, _token text)
RETURNS TABLE (institution text, expires_at timestamptz, place text, account_id text, free_limit_fen bigint,
               device_unbound boolean, medium text)
LANGUAGE sql STABLE AS $$
    SELECT v.institution, v.expires_at, coalesce(h.place, ''), coalesce(d.account_id, h.account_id, ''),
           CASE WHEN d.account_id <> h.account_id THEN 0 ELSE coalesce(h.free_limit_fen, 0) END,
           d.unbound_at IS NOT NULL, v.medium
    FROM credential.visit v
    LEFT JOIN credential.holder h ON h.person_id = v.person_id AND h.unbound_at IS NULL
    LEFT JOIN credential.device d ON d.person_id = v.person_id AND d.device_number = v.device_number
    WHERE v.person_id = _person AND v.token = _token
$$;
