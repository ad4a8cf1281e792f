-- An account need not begin with a phone: a channel brings its user, whom the real name and the face make known.
ALTER TABLE identity.account ALTER COLUMN phone_index DROP NOT NULL;
ALTER TABLE identity.account ALTER COLUMN phone DROP NOT NULL;
ALTER TABLE identity.account ALTER COLUMN login_hash DROP NOT NULL;
ALTER TABLE identity.account ADD COLUMN cert_index bytea; -- a locator, not unique: a proved name may have two phones
CREATE INDEX account_cert ON identity.account (cert_index) WHERE cert_index IS NOT NULL;

-- A locator: who a channel's user is here.
CREATE TABLE identity.channel_user (
    channel    text        NOT NULL,
    user_index bytea       NOT NULL, -- keyed SM3 of the channel's own name for its user
    account_id text        NOT NULL,
    since_at   timestamptz NOT NULL,
    PRIMARY KEY (channel, user_index)
);
CREATE INDEX channel_user_account ON identity.channel_user (account_id);

-- A session was opened by an account, a member of staff, or an account that acts for a unit with its unit code.
ALTER TABLE identity.session ADD COLUMN channel text NOT NULL DEFAULT 'web';
ALTER TABLE identity.session ADD COLUMN unit text;
ALTER TABLE identity.session ADD CONSTRAINT session_unit_check CHECK (unit IS NULL OR account_id IS NOT NULL);

-- A clerk works for an agency; `institution` is then the code of its place.
ALTER TABLE identity.staff DROP CONSTRAINT staff_role_check;
ALTER TABLE identity.staff ADD CONSTRAINT staff_role_check CHECK (role IN ('cashier', 'clerk'));

ALTER TABLE identity.sms_code DROP CONSTRAINT sms_code_purpose_check;
ALTER TABLE identity.sms_code ADD CONSTRAINT sms_code_purpose_check CHECK (
    purpose IN ('register', 'login', 'reset_login', 'reset_pay', 'unlock', 'change_phone_old', 'change_phone_new'));

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.channel_user TO yibao_app;
