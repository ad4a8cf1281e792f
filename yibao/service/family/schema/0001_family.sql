-- Whose code a relative's phone may show: who asked, who agreed or proved it, and since when.
CREATE SCHEMA family;

-- A locator: what an account asked for and what it may show lead to their person. The ids are random.
CREATE TABLE family.locator (
    id         text PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('link', 'request', 'application')),
    account_id text NOT NULL,
    person_id  text NOT NULL
);
CREATE INDEX locator_account ON family.locator (account_id, kind);

CREATE TABLE family.link (
    person_id  text        NOT NULL, -- the member, whose code is shown
    link_id    text        NOT NULL,
    account_id text        NOT NULL, -- that shows it
    relative   text        NOT NULL, -- the person behind that account
    relation   text        NOT NULL CHECK (relation IN ('spouse', 'parent', 'child', 'other')), -- member is the relative's …
    method     text        NOT NULL CHECK (method IN ('agreement', 'face', 'guardian')),
    since_at   timestamptz NOT NULL,
    until_at   timestamptz,          -- a child's coming of age, or the end of a single use
    shown_at   timestamptz,          -- when the member was last told that their code is on the relative's phone
    ended_at   timestamptz,
    ended_by   text CHECK (ended_by IN ('member', 'relative', 'time', 'credential')),
    PRIMARY KEY (person_id, link_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX link_live ON family.link (person_id, account_id) WHERE ended_at IS NULL;

-- An adult is asked to agree on their own phone, or proves themselves with their face on the relative's.
CREATE TABLE family.request (
    person_id  text        NOT NULL,
    request_id text        NOT NULL,
    account_id text        NOT NULL,
    relative   text        NOT NULL,
    relation   text        NOT NULL,
    method     text        NOT NULL CHECK (method IN ('agreement', 'face')),
    state      text        NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'allowed', 'declined', 'withdrawn')),
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    PRIMARY KEY (person_id, request_id)
);
CREATE UNIQUE INDEX request_open ON family.request (person_id, account_id, method) WHERE state = 'asked';

-- A guardian proves with papers that a child is theirs.
CREATE TABLE family.application (
    person_id      text        NOT NULL, -- the child
    application_id text        NOT NULL,
    account_id     text        NOT NULL,
    relative       text        NOT NULL, -- the guardian
    place          text        NOT NULL, -- where the child is insured: its agency decides what the machine cannot
    state          text        NOT NULL
        CHECK (state IN ('reading', 'differs', 'review', 'accepted', 'refused', 'withdrawn')),
    round          int         NOT NULL DEFAULT 1, -- how many times papers were sent
    papers         text[]      NOT NULL DEFAULT '{}', -- the kinds that were recognised
    findings       text[]      NOT NULL DEFAULT '{}', -- what did not agree: `rules.FINDINGS`
    applied_at     timestamptz NOT NULL,
    due_on         date,                 -- of a review
    decided_at     timestamptz,
    decided_by     text,                 -- staff login; empty where the papers agreed by themselves
    reason         bytea,                -- of the staff, sealed: it may speak of people
    PRIMARY KEY (person_id, application_id)
);
CREATE UNIQUE INDEX application_open ON family.application (person_id, account_id)
    WHERE state IN ('reading', 'differs', 'review');
CREATE INDEX application_review ON family.application (place, due_on) WHERE state = 'review';

-- The pictures, sealed, until the application is decided.
CREATE TABLE family.proof (
    person_id      text  NOT NULL,
    application_id text  NOT NULL,
    number         int   NOT NULL,
    picture        bytea NOT NULL,
    PRIMARY KEY (person_id, application_id, number)
);

-- How often an account named somebody, so that nobody finds out names and numbers by trying.
CREATE TABLE family.attempt (
    account_id text NOT NULL,
    tried_on   date NOT NULL,
    tries      int  NOT NULL,
    PRIMARY KEY (account_id, tried_on)
);

GRANT USAGE ON SCHEMA family TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA family TO yibao_app;
GRANT DELETE ON family.proof TO yibao_app;
GRANT SELECT ON family.locator, family.link, family.request, family.application, family.attempt TO yibao_reader;
