-- The caller's ids, the answers given to them, and the outbox. Each is written only together with what it speaks of.
CREATE SCHEMA core;

-- A locator: which person a caller's id was used for, so that the same id with another person is refused.
CREATE TABLE core.caller_id (
    caller    text NOT NULL,
    operation text NOT NULL,
    id        text NOT NULL,
    person_id text NOT NULL,
    PRIMARY KEY (caller, operation, id)
);

-- The first answer to a caller's id; it is given again for the same id and body.
CREATE TABLE core.answer (
    person_id   text        NOT NULL,
    caller      text        NOT NULL,
    operation   text        NOT NULL,
    id          text        NOT NULL,
    digest      text        NOT NULL,
    answer      jsonb       NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, caller, operation, id)
);

-- What other rooms must hear of. The worker leases a row by moving `due_at` on, and deletes it when it is done.
CREATE TABLE core.outbox (
    person_id  text        NOT NULL,
    outbox_id  bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    topic      text        NOT NULL,
    payload    jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL DEFAULT now(),
    attempts   int         NOT NULL DEFAULT 0,
    PRIMARY KEY (person_id, outbox_id)
);
CREATE INDEX outbox_due ON core.outbox (due_at, outbox_id);

CREATE FUNCTION core.answer_of(_person text, _caller text, _operation text, _id text)
RETURNS TABLE (digest text, answer jsonb)
LANGUAGE sql STABLE AS $$
    SELECT digest, answer FROM core.answer
    WHERE person_id = _person AND caller = _caller AND operation = _operation AND id = _id
$$;

CREATE FUNCTION core.person_of_caller_id(_caller text, _operation text, _id text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT person_id FROM core.caller_id WHERE caller = _caller AND operation = _operation AND id = _id
$$;

-- Claims the callers' ids of a batch and returns those that were free. Sorted, so that two batches cannot deadlock.
CREATE FUNCTION core.claim_ids(_callers text[], _operations text[], _ids text[], _persons text[])
RETURNS TABLE (person_id text)
LANGUAGE sql AS $$
    INSERT INTO core.caller_id AS c (caller, operation, id, person_id)
    SELECT * FROM unnest(_callers, _operations, _ids, _persons) AS t (caller, operation, id, person_id)
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
    RETURNING c.person_id
$$;

CREATE FUNCTION core.remember(_entries jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO core.answer (person_id, caller, operation, id, digest, answer, answered_at)
    SELECT person_id, caller, operation, id, digest, answer, at
    FROM jsonb_to_recordset(_entries)
        AS t (person_id text, caller text, operation text, id text, digest text, answer jsonb, at timestamptz)
$$;

-- Without NOTIFY: one per settlement halved the throughput, and the worker polls.
CREATE FUNCTION core.publish(_entries jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO core.outbox (person_id, topic, payload, created_at)
    SELECT person_id, topic, payload, at
    FROM jsonb_to_recordset(_entries) AS t (person_id text, topic text, payload jsonb, at timestamptz)
$$;

-- One row: a digest that only the keys of this database give, so that a start with other keys is refused.
CREATE TABLE core.key_check (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    mark   bytea   NOT NULL
);

GRANT USAGE ON SCHEMA core TO yibao_app, yibao_reader;
GRANT SELECT, INSERT ON core.caller_id, core.answer, core.key_check TO yibao_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.outbox TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA core TO yibao_reader;
