-- Whoever has closed their account is told nothing of what happened before: events that were on their way at that
-- moment, or come while nobody could read of them, make no message.
CREATE TABLE message.forgotten (
    person_id    text        PRIMARY KEY,
    forgotten_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON message.forgotten TO yibao_app;
GRANT SELECT ON message.forgotten TO yibao_reader;
