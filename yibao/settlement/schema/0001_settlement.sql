-- Bills settled between a person, the funds and an institution. Settlements are appended; a cancelling is a row of its own.
CREATE SCHEMA settlement;

-- The row that everything which settles a person locks. Its serial guards what was read and numbers what is written.
CREATE TABLE settlement.person (
    person_id text   PRIMARY KEY,
    serial    bigint NOT NULL DEFAULT 0
);

-- Year-to-date counters that benefit rules read and write: deductible met, fund paid, ….
CREATE TABLE settlement.tally (
    person_id text  NOT NULL,
    place     text  NOT NULL,
    insutype  text  NOT NULL,
    year      int   NOT NULL,
    counters  jsonb NOT NULL, -- name to fen
    PRIMARY KEY (person_id, place, insutype, year)
);

CREATE TABLE settlement.settlement (
    person_id      text        NOT NULL,
    settlement_id  text        NOT NULL,
    serial         bigint      NOT NULL,
    reverses       text,       -- the settlement that this row cancels
    institution    text        NOT NULL,
    place          text        NOT NULL, -- of the insurance
    insutype       text        NOT NULL,
    visit_kind     text        NOT NULL,
    settled_at     timestamptz NOT NULL,
    year           int         NOT NULL, -- of the counters
    total_fen      bigint      NOT NULL,
    full_own_fen   bigint      NOT NULL,
    over_limit_fen bigint      NOT NULL,
    first_own_fen  bigint      NOT NULL,
    in_scope_fen   bigint      NOT NULL,
    deductible_fen bigint      NOT NULL,
    fund_fen       bigint      NOT NULL,
    account_fen    bigint      NOT NULL,
    mutual_aid_fen bigint      NOT NULL,
    cash_fen       bigint      NOT NULL,
    hospital_fen   bigint      NOT NULL,
    tally_before   jsonb       NOT NULL,
    tally_after    jsonb       NOT NULL,
    policy         text        NOT NULL,
    trace          jsonb       NOT NULL,
    PRIMARY KEY (person_id, settlement_id),
    UNIQUE (person_id, serial),
    UNIQUE (person_id, reverses), -- cancelled once at most
    CHECK (total_fen = fund_fen + account_fen + mutual_aid_fen + cash_fen + hospital_fen),
    CHECK (total_fen = full_own_fen + over_limit_fen + first_own_fen + in_scope_fen),
    CHECK (CASE WHEN reverses IS NULL
        THEN 0 <= LEAST(full_own_fen, over_limit_fen, first_own_fen, in_scope_fen, deductible_fen,
                        fund_fen, account_fen, mutual_aid_fen, cash_fen, hospital_fen)
        ELSE 0 >= GREATEST(full_own_fen, over_limit_fen, first_own_fen, in_scope_fen, deductible_fen,
                           fund_fen, account_fen, mutual_aid_fen, cash_fen, hospital_fen) END)
);

CREATE TABLE settlement.line (
    person_id      text           NOT NULL,
    settlement_id  text           NOT NULL,
    line_no        int            NOT NULL,
    code           text           NOT NULL,
    name           text           NOT NULL,
    unit           text           NOT NULL,
    charge_class   text           NOT NULL,
    own_pay_rate   numeric(5, 4)  NOT NULL,
    quantity       numeric(16, 4) NOT NULL,
    unit_price     numeric(16, 6) NOT NULL,
    amount_fen     bigint         NOT NULL,
    full_own_fen   bigint         NOT NULL,
    over_limit_fen bigint         NOT NULL,
    first_own_fen  bigint         NOT NULL,
    in_scope_fen   bigint         NOT NULL,
    PRIMARY KEY (person_id, settlement_id, line_no),
    CHECK (amount_fen = full_own_fen + over_limit_fen + first_own_fen + in_scope_fen)
);

CREATE TABLE settlement.fund (
    person_id     text   NOT NULL,
    settlement_id text   NOT NULL,
    fund          text   NOT NULL, -- fund_pay_type
    amount_fen    bigint NOT NULL CHECK (amount_fen <> 0),
    PRIMARY KEY (person_id, settlement_id, fund)
);

-- A bill that a till has sent to the person's phone. `states.py` names its legal moves.
CREATE TABLE settlement.bill (
    person_id     text        NOT NULL,
    bill_id       text        NOT NULL,
    institution   text        NOT NULL,
    till          text        NOT NULL,
    basket        jsonb       NOT NULL, -- what the till asked to settle
    quote         jsonb       NOT NULL, -- what the person is shown and confirms
    state         text        NOT NULL CHECK (state IN ('sent', 'settled', 'declined', 'withdrawn')),
    sent_at       timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    settlement_id text,
    PRIMARY KEY (person_id, bill_id),
    CHECK ((state = 'settled') = (settlement_id IS NOT NULL))
);

-- What an institution settled on a day, brought by the outbox: institution-side rows are never written with the money.
CREATE TABLE settlement.daybook (
    institution   text        NOT NULL,
    settled_on    date        NOT NULL,
    settlement_id text        NOT NULL,
    settled_at    timestamptz NOT NULL,
    reverses      text,
    total_fen     bigint      NOT NULL,
    fund_fen      bigint      NOT NULL,
    account_fen   bigint      NOT NULL,
    cash_fen      bigint      NOT NULL,
    PRIMARY KEY (institution, settled_on, settlement_id)
);

-- What stands on a till's screen, so that a refresh or a crash of the browser loses nothing. It names nobody: the visit
-- token leads to the person for a quarter of an hour.
CREATE TABLE settlement.draft (
    institution   text        NOT NULL,
    till          text        NOT NULL,
    token         text        NOT NULL,
    lines         jsonb       NOT NULL DEFAULT '[]',
    use_account   boolean     NOT NULL DEFAULT true,
    request_id    text        NOT NULL, -- what confirming it will be called, so that a second click settles nothing
    bill_sent     boolean     NOT NULL DEFAULT false,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (institution, till)
);

-- Everything that quoting and confirming must know, for 1..n requests, in one round trip. Each room answers for itself.
CREATE FUNCTION settlement.facts(_requests jsonb) RETURNS TABLE (n int, facts jsonb)
LANGUAGE sql STABLE AS $$
    SELECT r.n, jsonb_build_object(
        'caller_person', core.person_of_caller_id(r.caller, r.operation, r.id),
        'answer', (SELECT to_jsonb(a) FROM core.answer_of(r.person_id, r.caller, r.operation, r.id) a),
        'visit', (SELECT to_jsonb(v) FROM credential.visit_of(r.person_id, r.token) v),
        'institution', (SELECT to_jsonb(i) FROM registry.institution_of(r.institution) i),
        'coverage', (SELECT jsonb_agg(to_jsonb(c)) FROM registry.coverage_of(r.person_id) c),
        'items', (SELECT jsonb_agg(to_jsonb(i)) FROM directory.items_of(r.codes) i),
        'accounts', (SELECT jsonb_agg(to_jsonb(a)) FROM ledger.accounts_of(r.person_id) a),
        'serial', (SELECT p.serial FROM settlement.person p WHERE p.person_id = r.person_id),
        'tallies', (SELECT jsonb_agg(to_jsonb(t)) FROM settlement.tally t
                    WHERE t.person_id = r.person_id AND t.year = r.year),
        'bill', (SELECT jsonb_build_object('state', b.state, 'expires_at', b.expires_at, 'institution', b.institution)
                 FROM settlement.bill b WHERE b.person_id = r.person_id AND b.bill_id = r.bill_id))
    FROM jsonb_to_recordset(_requests) AS r (n int, person_id text, caller text, operation text, id text, token text,
                                             institution text, codes text[], year int, bill_id text)
$$;

CREATE FUNCTION settlement.rows_of(_rows jsonb, _people text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(r), '[]') FROM jsonb_array_elements(_rows) r WHERE r->>'person_id' = ANY (_people)
$$;

-- Writes 1..n settlements, each of another person, and says of each: posted, busy (somebody else holds the person),
-- stale (what was read has changed) or taken (the caller's id is used already). All rows carry their person, so
-- leaving a settlement out is leaving its person out.
CREATE FUNCTION settlement.post(_batch jsonb) RETURNS TABLE (person_id text, outcome text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _people   text[];
    _outcomes text[];
    _ready    text[];
    _part     text;
BEGIN
    SELECT array_agg(g.person_id ORDER BY g.person_id) INTO _people
    FROM jsonb_to_recordset(_batch->'guards') AS g (person_id text);

    -- In the order of the people, so that two batches wait for each other's new rows in one direction only.
    INSERT INTO settlement.person (person_id) SELECT * FROM unnest(_people) ON CONFLICT DO NOTHING;

    WITH held AS MATERIALIZED (
        SELECT p.person_id, p.serial FROM settlement.person p
        WHERE p.person_id = ANY (_people) ORDER BY p.person_id FOR UPDATE SKIP LOCKED
    ), purse AS MATERIALIZED (
        SELECT * FROM ledger.hold_accounts(_people)
    )
    SELECT array_agg(CASE
               WHEN h.person_id IS NULL OR (g.account IS NOT NULL AND a.account IS NULL) THEN 'busy'
               WHEN h.serial <> g.serial OR a.version <> g.account_version THEN 'stale'
               ELSE 'posted' END ORDER BY g.person_id)
    INTO _outcomes
    FROM jsonb_to_recordset(_batch->'guards')
        AS g (person_id text, serial bigint, account text, account_version bigint)
    LEFT JOIN held h ON h.person_id = g.person_id
    LEFT JOIN purse a ON a.person_id = g.person_id AND a.account = g.account;

    WITH wanted AS (
        SELECT g.* FROM unnest(_people, _outcomes) AS o (person_id, outcome)
        JOIN jsonb_to_recordset(_batch->'guards') AS g (person_id text, caller text, operation text, id text)
            ON g.person_id = o.person_id
        WHERE o.outcome = 'posted'
    )
    SELECT coalesce(array_agg(c.person_id), '{}') INTO _ready
    FROM core.claim_ids(ARRAY(SELECT caller FROM wanted ORDER BY person_id),
                        ARRAY(SELECT operation FROM wanted ORDER BY person_id),
                        ARRAY(SELECT id FROM wanted ORDER BY person_id),
                        ARRAY(SELECT person_id FROM wanted ORDER BY person_id)) c;

    IF cardinality(_ready) < cardinality(_people) THEN
        FOREACH _part IN ARRAY ARRAY['settlements', 'lines', 'funds', 'tallies', 'bills', 'transfers', 'answers', 'events']
        LOOP
            _batch := jsonb_set(_batch, ARRAY[_part], settlement.rows_of(_batch->_part, _ready));
        END LOOP;
    END IF;

    UPDATE settlement.person SET serial = serial + 1 WHERE person_id = ANY (_ready);
    INSERT INTO settlement.settlement SELECT * FROM jsonb_populate_recordset(NULL::settlement.settlement, _batch->'settlements');
    INSERT INTO settlement.line SELECT * FROM jsonb_populate_recordset(NULL::settlement.line, _batch->'lines');
    INSERT INTO settlement.fund SELECT * FROM jsonb_populate_recordset(NULL::settlement.fund, _batch->'funds');
    INSERT INTO settlement.tally SELECT * FROM jsonb_populate_recordset(NULL::settlement.tally, _batch->'tallies')
        ON CONFLICT (person_id, place, insutype, year) DO UPDATE SET counters = EXCLUDED.counters;
    UPDATE settlement.bill b SET state = 'settled', settlement_id = s.settlement_id
        FROM jsonb_to_recordset(_batch->'bills')
            AS s (person_id text, bill_id text, institution text, settlement_id text)
        WHERE b.person_id = s.person_id AND b.bill_id = s.bill_id AND b.institution = s.institution;
    PERFORM ledger.post(_batch->'transfers');
    PERFORM core.remember(_batch->'answers');
    PERFORM core.publish(_batch->'events');

    RETURN QUERY
        SELECT o.person_id,
               CASE WHEN o.outcome = 'posted' AND o.person_id <> ALL (_ready) THEN 'taken' ELSE o.outcome END
        FROM unnest(_people, _outcomes) AS o (person_id, outcome);
END $$;

GRANT USAGE ON SCHEMA settlement TO yibao_app, yibao_reader;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA settlement TO yibao_app;
GRANT UPDATE ON settlement.person, settlement.tally, settlement.bill, settlement.draft TO yibao_app;
GRANT DELETE ON settlement.draft TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA settlement TO yibao_reader;
