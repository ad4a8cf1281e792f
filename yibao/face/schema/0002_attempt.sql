-- A check may be tried several times; each try is a challenge of its own. What is measured while it runs is in `state`,
-- sealed, and gone when it ends.
ALTER TABLE face.check
    ADD COLUMN state  bytea,
    ADD COLUMN serial integer NOT NULL DEFAULT 0; -- of the next frame; a frame with another one does nothing
CREATE INDEX check_started ON face.check (started_at);

-- Tries are counted, by device and by the keyed digest of the certificate, so that faces are not tried out. No personal
-- data: whose certificate it was cannot be read from here.
CREATE TABLE face.attempt (
    check_id   text        NOT NULL,
    nonce      text        NOT NULL,
    device     text        NOT NULL,
    mark       bytea       NOT NULL,
    mode       text        NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    outcome    text, -- 'passed', or why not
    PRIMARY KEY (check_id, nonce)
);
CREATE INDEX attempt_device ON face.attempt (device, started_at);
CREATE INDEX attempt_mark ON face.attempt (mark, ended_at);

GRANT SELECT, INSERT, UPDATE ON face.attempt TO yibao_app;
