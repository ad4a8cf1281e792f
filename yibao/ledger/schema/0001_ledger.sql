-- Double entry in its smallest form: a row is a transfer, so an entry that does not balance cannot be written.
CREATE SCHEMA ledger;

-- Only a person's own accounts have a balance that is kept; every other account is the sum of its transfers.
CREATE TABLE ledger.account (
    person_id   text   NOT NULL,
    account     text   NOT NULL CHECK (account LIKE 'personal:%'), -- personal:<insured place>
    balance_fen bigint NOT NULL DEFAULT 0 CHECK (balance_fen >= 0),
    version     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (person_id, account)
);

CREATE TABLE ledger.transfer (
    person_id    text        NOT NULL,
    transfer_id  bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    cause        text        NOT NULL, -- the number of the settlement, or of whatever else moved the money
    from_account text        NOT NULL,
    to_account   text        NOT NULL CHECK (to_account <> from_account),
    amount_fen   bigint      NOT NULL CHECK (amount_fen > 0),
    happened_at  timestamptz NOT NULL,
    booked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, transfer_id)
);
-- A contribution is booked once, however often it is sent; a settlement has an id of its own for that.
CREATE UNIQUE INDEX transfer_contribution ON ledger.transfer (person_id, cause, to_account)
    WHERE from_account LIKE 'contributions:%';

CREATE FUNCTION ledger.accounts_of(_person text)
RETURNS TABLE (account text, balance_fen bigint, version bigint)
LANGUAGE sql STABLE AS $$
    SELECT account, balance_fen, version FROM ledger.account WHERE person_id = _person
$$;

-- Locks the accounts of these people that nobody else holds. A person whose account is missing here is busy.
CREATE FUNCTION ledger.hold_accounts(_persons text[])
RETURNS TABLE (person_id text, account text, balance_fen bigint, version bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT a.person_id, a.account, a.balance_fen, a.version FROM ledger.account a
    WHERE a.person_id = ANY (_persons)
    ORDER BY a.person_id, a.account
    FOR UPDATE SKIP LOCKED
$$;

CREATE FUNCTION ledger.open_accounts(_persons text[], _accounts text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO ledger.account (person_id, account)
    SELECT * FROM unnest(_persons, _accounts) AS t (person_id, account)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
$$;

-- The only place where a balance changes. Fails as a whole if an account is missing or would be overdrawn.
CREATE FUNCTION ledger.post(_transfers jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    missing bigint;
BEGIN
    WITH posted AS (
        INSERT INTO ledger.transfer (person_id, cause, from_account, to_account, amount_fen, happened_at)
        SELECT person_id, cause, from_account, to_account, amount_fen, happened_at
        FROM jsonb_to_recordset(_transfers) AS t (
            person_id text, cause text, from_account text, to_account text, amount_fen bigint, happened_at timestamptz)
        RETURNING person_id, from_account, to_account, amount_fen
    ), change AS (
        SELECT person_id, account, sum(delta) AS delta
        FROM (
            SELECT person_id, from_account AS account, -amount_fen AS delta FROM posted
            UNION ALL
            SELECT person_id, to_account, amount_fen FROM posted
        ) side
        WHERE account LIKE 'personal:%'
        GROUP BY person_id, account
    ), changed AS (
        UPDATE ledger.account a SET balance_fen = a.balance_fen + c.delta, version = a.version + 1
        FROM change c WHERE a.person_id = c.person_id AND a.account = c.account
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM change) - (SELECT count(*) FROM changed) INTO missing;
    IF missing <> 0 THEN
        RAISE EXCEPTION 'ledger: account missing' USING ERRCODE = 'YB001';
    END IF;
END $$;

REVOKE ALL ON FUNCTION ledger.hold_accounts, ledger.open_accounts, ledger.post FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO yibao_app, yibao_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO yibao_app, yibao_reader;
GRANT EXECUTE ON FUNCTION ledger.hold_accounts, ledger.open_accounts, ledger.post TO yibao_app;
