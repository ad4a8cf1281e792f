-- The code on a phone behind the phone's own screen lock (B6), where its owner wants that; of one activation, so it ends
-- with it. The phone keeps the key, and signs only for whoever opens its lock.
CREATE TABLE credential.screen_lock (
    person_id      text        NOT NULL,
    browser        bytea       NOT NULL, -- as in credential.device
    origin         text        NOT NULL, -- where it was set, and the only place for which the phone signs
    credential_id  bytea       NOT NULL,
    public_key     bytea       NOT NULL, -- COSE
    sign_count     bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    unlocked_until timestamptz NOT NULL,
    PRIMARY KEY (person_id, browser)
);

-- What the phone is asked to sign next: one question at a time, answered once.
CREATE TABLE credential.lock_challenge (
    person_id text        NOT NULL,
    browser   bytea       NOT NULL,
    challenge bytea       NOT NULL,
    asked_at  timestamptz NOT NULL,
    PRIMARY KEY (person_id, browser)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON credential.screen_lock, credential.lock_challenge TO yibao_app;
