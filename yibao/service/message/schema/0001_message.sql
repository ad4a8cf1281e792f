-- What the person is told, in the app. The text names amounts and institutions, never the person.
CREATE SCHEMA message;

CREATE TABLE message.message (
    person_id  text        NOT NULL,
    event_id   bigint      NOT NULL, -- the outbox event that caused it, so that a second delivery changes nothing
    title      text        NOT NULL,
    body       text        NOT NULL,
    href       text        NOT NULL, -- the page that shows more; empty where there is none
    created_at timestamptz NOT NULL,
    read_at    timestamptz,
    PRIMARY KEY (person_id, event_id)
);

GRANT USAGE ON SCHEMA message TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA message TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA message TO yibao_reader;
