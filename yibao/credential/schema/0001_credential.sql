-- The electronic credential: who holds one, on which devices, which codes are spent, which institution may serve whom.
CREATE SCHEMA credential;

CREATE TABLE credential.holder (
    person_id      text        PRIMARY KEY,
    account_id     text        NOT NULL, -- the account that bound the insurance
    psn_no         text        NOT NULL,
    place          text        NOT NULL, -- the insured place the person chose
    free_limit_fen bigint      NOT NULL DEFAULT 0 CHECK (free_limit_fen >= 0), -- bills under it need no password
    bound_at       timestamptz NOT NULL,
    agreed_at      timestamptz, -- when the terms were agreed to and the credential activated
    unbound_at     timestamptz
);

-- One activation on one phone. The key is not stored: it follows from the device number.
CREATE TABLE credential.device (
    person_id     text        NOT NULL,
    device_number text        NOT NULL CHECK (device_number ~ '^[0-9]{9}$'),
    account_id    text        NOT NULL,
    channel       text        NOT NULL,
    browser       bytea       NOT NULL, -- digest of the cookie of the browser that shows the code
    next_ticket   int         NOT NULL DEFAULT 0 CHECK (next_ticket BETWEEN 0 AND 10000),
    activated_at  timestamptz NOT NULL,
    unbound_at    timestamptz,
    PRIMARY KEY (person_id, device_number)
);

-- A locator: a code names a device, and a device leads to its person.
CREATE TABLE credential.device_locator (
    device_number text PRIMARY KEY,
    person_id     text NOT NULL
);

CREATE TABLE credential.spent (
    person_id     text        NOT NULL,
    device_number text        NOT NULL,
    ticket        int         NOT NULL,
    institution   text        NOT NULL,
    spent_at      timestamptz NOT NULL,
    PRIMARY KEY (person_id, device_number, ticket)
);

-- A ticket dies after five wrong tags; nobody is locked out, the phone shows another ticket.
CREATE TABLE credential.wrong_tag (
    person_id     text NOT NULL,
    device_number text NOT NULL,
    ticket        int  NOT NULL,
    tries         int  NOT NULL,
    PRIMARY KEY (person_id, device_number, ticket)
);

-- Refused scans of an institution's tills, for slowing down whoever guesses.
CREATE TABLE credential.bad_scan (
    institution text        NOT NULL,
    till        text        NOT NULL,
    scanned_at  timestamptz NOT NULL
);
CREATE INDEX bad_scan_recent ON credential.bad_scan (institution, scanned_at);

-- What a scan gives the institution: leave to serve this person for a quarter of an hour (the national ecToken).
CREATE TABLE credential.visit (
    person_id     text        NOT NULL,
    token         text        NOT NULL,
    institution   text        NOT NULL,
    device_number text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (person_id, token)
);

CREATE FUNCTION credential.visit_of(_person text, _token text)
RETURNS TABLE (institution text, expires_at timestamptz, place text, account_id text, free_limit_fen bigint,
               device_unbound boolean)
LANGUAGE sql STABLE AS $$
    SELECT v.institution, v.expires_at, h.place, d.account_id, h.free_limit_fen, d.unbound_at IS NOT NULL
    FROM credential.visit v
    JOIN credential.holder h ON h.person_id = v.person_id
    JOIN credential.device d ON d.person_id = v.person_id AND d.device_number = v.device_number
    WHERE v.person_id = _person AND v.token = _token
$$;

-- Everything that redeeming must know, for 1..n scans, in one round trip: the phone behind the code, null if there is
-- none, and how the scans of this institution have gone. The name is still sealed.
CREATE FUNCTION credential.scanned(_scans jsonb) RETURNS TABLE (n int, facts jsonb)
LANGUAGE sql STABLE AS $$
    SELECT r.n, jsonb_build_object(
        'phone', (
            SELECT jsonb_build_object(
                'person_id', d.person_id,
                'place', h.place,
                'next_ticket', d.next_ticket,
                'unbound', d.unbound_at IS NOT NULL OR h.unbound_at IS NOT NULL,
                'spent', EXISTS (SELECT FROM credential.spent s WHERE s.person_id = d.person_id
                                 AND s.device_number = d.device_number AND s.ticket = r.ticket),
                'wrong_tags', coalesce((SELECT w.tries FROM credential.wrong_tag w WHERE w.person_id = d.person_id
                                        AND w.device_number = d.device_number AND w.ticket = r.ticket), 0),
                'name', encode(f.name, 'hex'),
                'gender', f.gender)
            FROM credential.device_locator l
            JOIN credential.device d ON d.person_id = l.person_id AND d.device_number = l.device_number
            JOIN credential.holder h ON h.person_id = l.person_id
            CROSS JOIN registry.face_of(l.person_id) f
            WHERE l.device_number = r.device_number),
        'till_bad', (SELECT count(*) FROM credential.bad_scan b WHERE b.institution = r.institution
                     AND b.till = r.till AND b.scanned_at > r.at - interval '1 minute'),
        'institution_bad', (SELECT count(*) FROM credential.bad_scan b WHERE b.institution = r.institution
                            AND b.scanned_at > r.at - interval '1 hour'))
    FROM jsonb_to_recordset(_scans) AS r (n int, device_number text, ticket int, institution text, till text,
                                          at timestamptz)
$$;

-- Spends the tickets of 1..n scans and opens their visits, and says of each whether it was the one that spent it: not
-- if somebody else was first, be it in an earlier scan, in another batch or in this one.
CREATE FUNCTION credential.spend(_spends jsonb) RETURNS TABLE (n int, spent boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(_spends)
            AS s (n int, person_id text, device_number text, ticket int, institution text, token text, at timestamptz,
                  expires_at timestamptz)
    ), first AS MATERIALIZED (
        -- In the order of the tickets, so that two batches wait for each other in one direction only.
        SELECT DISTINCT ON (person_id, device_number, ticket) * FROM asked
        ORDER BY person_id, device_number, ticket, n
    ), fresh AS (
        INSERT INTO credential.spent (person_id, device_number, ticket, institution, spent_at)
        SELECT person_id, device_number, ticket, institution, at FROM first
        ON CONFLICT DO NOTHING
        RETURNING person_id, device_number, ticket
    ), opened AS (
        INSERT INTO credential.visit (person_id, token, institution, device_number, created_at, expires_at)
        SELECT person_id, token, institution, device_number, at, expires_at
        FROM first JOIN fresh USING (person_id, device_number, ticket)
        RETURNING person_id, token
    )
    SELECT a.n, o.token IS NOT NULL
    FROM asked a LEFT JOIN opened o ON o.person_id = a.person_id AND o.token = a.token;
END $$;

GRANT USAGE ON SCHEMA credential TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA credential TO yibao_app;
GRANT DELETE ON credential.bad_scan TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA credential TO yibao_reader;
