-- Accounts and their two passwords, real names, sessions, staff, and the keys of institutions' systems.
CREATE SCHEMA identity;

CREATE TABLE identity.account (
    account_id   text        PRIMARY KEY,
    phone_index  bytea       NOT NULL UNIQUE, -- a locator
    phone        bytea       NOT NULL,
    login_hash   text        NOT NULL,
    pay_hash     text,
    person_id    text        UNIQUE, -- set while the insurance is bound; one person, one account
    name         bytea,      -- the next four are set when the real name is proved
    cert_type    text,
    cert_no      bytea,
    real_name_at timestamptz,
    created_at   timestamptz NOT NULL,
    CHECK (person_id IS NULL OR real_name_at IS NOT NULL)
);

-- One row a purpose and phone: a new code replaces the old one. Phones without an account have rows too, so that
-- nothing about a request tells the two apart.
CREATE TABLE identity.sms_code (
    phone_index bytea       NOT NULL,
    purpose     text        NOT NULL CHECK (purpose IN ('register', 'login', 'reset_login', 'reset_pay', 'unlock')),
    code_digest bytea       NOT NULL,
    sent_at     timestamptz NOT NULL,
    sent_today  int         NOT NULL,
    tries       int         NOT NULL DEFAULT 0,
    used_at     timestamptz,
    PRIMARY KEY (phone_index, purpose)
);

-- Failures are counted for a subject on a device, so that a stranger elsewhere cannot lock the owner out. A subject is
-- an account, a phone without one, or a member of staff. A device is known once the password was right there, or an
-- SMS code was.
CREATE TABLE identity.failure (
    subject      text        NOT NULL,
    password     text        NOT NULL CHECK (password IN ('login', 'pay', 'staff')),
    device       text        NOT NULL,
    failures     int         NOT NULL DEFAULT 0,
    locked_until timestamptz,
    known_at     timestamptz,
    PRIMARY KEY (subject, password, device)
);

-- Failures on all unknown devices of a subject together, so that many devices do not make many guesses.
CREATE TABLE identity.brake (
    subject  text        NOT NULL,
    password text        NOT NULL CHECK (password IN ('login', 'pay', 'staff')),
    failures int         NOT NULL,
    since    timestamptz NOT NULL,
    PRIMARY KEY (subject, password)
);

CREATE TABLE identity.session (
    token_digest bytea       PRIMARY KEY,
    account_id   text,
    staff_login  text,
    device       text        NOT NULL,
    started_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CHECK ((account_id IS NULL) <> (staff_login IS NULL))
);
CREATE INDEX session_account ON identity.session (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX session_staff ON identity.session (staff_login) WHERE staff_login IS NOT NULL;

CREATE TABLE identity.real_name_attempt (
    account_id      text        NOT NULL,
    order_id        text        NOT NULL,
    elements_digest bytea       NOT NULL, -- keyed: what is asked under this number, and nothing else is
    started_at      timestamptz NOT NULL,
    verdict         text        CHECK (verdict IN ('agreed', 'differs', 'unsupported')), -- empty while unknown
    PRIMARY KEY (account_id, order_id)
);

CREATE TABLE identity.staff (
    login         text    PRIMARY KEY,
    institution   text    NOT NULL,
    display_name  text    NOT NULL,
    role          text    NOT NULL CHECK (role IN ('cashier')),
    password_hash text    NOT NULL,
    active        boolean NOT NULL DEFAULT true
);

CREATE TABLE identity.api_key (
    key_digest  bytea       PRIMARY KEY,
    institution text        NOT NULL,
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX api_key_institution ON identity.api_key (institution);

GRANT USAGE ON SCHEMA identity TO yibao_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA identity TO yibao_app;
GRANT DELETE ON identity.session, identity.failure, identity.brake TO yibao_app;
