-- A code belongs to the device that asked for it: a stranger's codes neither replace the owner's nor use up its tries.
ALTER TABLE identity.sms_code ADD COLUMN device text NOT NULL DEFAULT '';
ALTER TABLE identity.sms_code ALTER COLUMN device DROP DEFAULT;
ALTER TABLE identity.sms_code DROP CONSTRAINT sms_code_pkey;
ALTER TABLE identity.sms_code ADD PRIMARY KEY (phone_index, purpose, device);
GRANT DELETE ON identity.sms_code TO yibao_app;

-- Codes that all unknown devices of a phone were sent together, so that many devices are neither many codes nor many
-- guesses.
CREATE TABLE identity.sms_brake (
    phone_index bytea       NOT NULL,
    purpose     text        NOT NULL,
    sent        int         NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (phone_index, purpose)
);
GRANT SELECT, INSERT, UPDATE ON identity.sms_brake TO yibao_app;

-- What its owner recognises a device by: the kind of phone and of browser, never a number of it.
ALTER TABLE identity.session ADD COLUMN device_name text NOT NULL DEFAULT '';

-- A clerk who has checked somebody's certificate opens a case, with the reason, before seeing their accounts; what was
-- done in it is written beside it. Neither is ever changed. The random id stands in the console's address.
CREATE TABLE identity.counter_case (
    case_id    text        PRIMARY KEY,
    cert_index bytea       NOT NULL,
    clerk      text        NOT NULL,
    place      text        NOT NULL,
    reason     text        NOT NULL,
    opened_at  timestamptz NOT NULL
);
CREATE INDEX counter_case_certificate ON identity.counter_case (cert_index);
CREATE TABLE identity.counter_act (
    account_id text        NOT NULL,
    act_id     text        NOT NULL,
    case_id    text        NOT NULL,
    act        text        NOT NULL CHECK (act IN ('phone_changed', 'phone_unbound', 'sessions_ended')),
    at         timestamptz NOT NULL,
    PRIMARY KEY (account_id, act_id)
);
CREATE INDEX counter_act_case ON identity.counter_act (case_id);
GRANT SELECT, INSERT ON identity.counter_case, identity.counter_act TO yibao_app;
