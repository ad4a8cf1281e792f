-- Checks of a face: what for, about whom, and how they ended. No frame is ever stored.
CREATE SCHEMA face;

CREATE TABLE face.check (
    check_id     text        PRIMARY KEY, -- random; whoever holds it and the device goes on with the check
    purpose      text        NOT NULL,
    subject      bytea       NOT NULL, -- name and certificate, sealed
    device       text        NOT NULL,
    back         text        NOT NULL, -- the path to lead back to
    started_at   timestamptz NOT NULL,
    consented_at timestamptz,          -- consent is asked for this check on its own
    passed_at    timestamptz,
    spent_at     timestamptz
);
CREATE INDEX check_device ON face.check (device, started_at);

GRANT USAGE ON SCHEMA face TO yibao_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON face.check TO yibao_app;
