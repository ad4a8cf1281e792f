-- What institutions asked to know of people, and what people allowed them.
CREATE SCHEMA authorisation;

-- A locator: a request begins without a person and is found by its random id; whoever answers it is noted here.
CREATE TABLE authorisation.request (
    request_id  text        PRIMARY KEY, -- random, in the link that the party shows
    institution text        NOT NULL,
    caller_id   text        NOT NULL, -- the party's own number for it
    digest      bytea       NOT NULL, -- of what was asked, to know a repetition from another request
    scopes      text[]      NOT NULL,
    purpose     text        NOT NULL,
    days        int         NOT NULL CHECK (days >= 0),
    number      text        NOT NULL,
    person_id   text,                 -- of the scan with which it was asked; or of whoever answered
    auth_no     text,
    answer      text        CHECK (answer IN ('allowed', 'refused', 'withdrawn')),
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    UNIQUE (institution, caller_id)
);
CREATE INDEX request_person ON authorisation.request (person_id, expires_at) WHERE answer IS NULL;

CREATE TABLE authorisation.grant (
    person_id    text        NOT NULL,
    grant_id     text        NOT NULL, -- random
    request_id   text        NOT NULL,
    institution  text        NOT NULL,
    scopes       text[]      NOT NULL,
    purpose      text        NOT NULL,
    days         int         NOT NULL,
    token        text        NOT NULL,
    auth_no      text        NOT NULL,
    granted_at   timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    checked_at   timestamptz, -- when the authorisation number was used
    used_at      timestamptz,
    uses         int         NOT NULL DEFAULT 0,
    withdrawn_at timestamptz,
    PRIMARY KEY (person_id, grant_id)
);

GRANT USAGE ON SCHEMA authorisation TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA authorisation TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA authorisation TO yibao_reader;
