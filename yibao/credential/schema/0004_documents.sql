-- A visit is opened by a code or by a document that the cashier has compared with the person, who needs no phone for it.
ALTER TABLE credential.visit ALTER COLUMN device_number DROP NOT NULL;
ALTER TABLE credential.visit ADD COLUMN medium text NOT NULL DEFAULT '01'
    CHECK (medium IN ('01', '02', '03')); -- mdtrt_cert_type: code, certificate, social-security card
ALTER TABLE credential.visit ADD COLUMN checked_by text NOT NULL DEFAULT ''; -- the till that said so, of a document
ALTER TABLE credential.visit ADD CHECK ((medium = '01') = (device_number IS NOT NULL));
ALTER TABLE credential.visit ADD CHECK ((medium = '01') = (checked_by = ''));

-- Documents that led to nobody, apart from bad codes: a broken scanner must not keep the cards out as well.
CREATE TABLE credential.bad_document (
    institution text        NOT NULL,
    till        text        NOT NULL,
    tried_at    timestamptz NOT NULL
);
CREATE INDEX bad_document_recent ON credential.bad_document (institution, tried_at);

-- As before, but also for a visit without a phone, whose account is the one that holds the credential, and for people
-- who hold none: their place and account are empty.
DROP FUNCTION credential.visit_of(text, text);
CREATE FUNCTION credential.visit_of(_person text, _token text)
RETURNS TABLE (institution text, expires_at timestamptz, place text, account_id text, free_limit_fen bigint,
               device_unbound boolean, medium text)
LANGUAGE sql STABLE AS $$
    SELECT v.institution, v.expires_at, coalesce(h.place, ''), coalesce(d.account_id, h.account_id, ''),
           coalesce(h.free_limit_fen, 0), d.unbound_at IS NOT NULL, v.medium
    FROM credential.visit v
    LEFT JOIN credential.holder h ON h.person_id = v.person_id AND h.unbound_at IS NULL
    LEFT JOIN credential.device d ON d.person_id = v.person_id AND d.device_number = v.device_number
    WHERE v.person_id = _person AND v.token = _token
$$;

GRANT SELECT, INSERT, DELETE ON credential.bad_document TO yibao_app;
GRANT SELECT ON credential.bad_document TO yibao_reader;
