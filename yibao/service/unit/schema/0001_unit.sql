-- Employers and institutions with a credential of their own: who acts for them, on which phones, which codes are spent.
CREATE SCHEMA unit;

CREATE TABLE unit.unit (
    unit_id       text        PRIMARY KEY, -- random
    credit_code   text        NOT NULL UNIQUE, -- 统一社会信用代码
    name          text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('employer', 'institution')),
    institution   text        UNIQUE, -- the institution's code, of an institution
    place         text        NOT NULL,
    active        boolean     NOT NULL DEFAULT true,
    registered_at timestamptz NOT NULL,
    CHECK ((kind = 'institution') = (institution IS NOT NULL))
);

-- Rows of the unit, not of a person: somebody is named here before they have an account, and perhaps never gets one.
CREATE TABLE unit.operator (
    unit_id      text        NOT NULL,
    operator_id  text        NOT NULL, -- random
    name         bytea       NOT NULL,
    cert_index   bytea       NOT NULL, -- keyed SM3: enough to know them again by; the number itself is not kept
    legal        boolean     NOT NULL,
    account_id   text,                 -- since the first activation
    appointed_by text        NOT NULL, -- account id of the legal representative, staff login, or 'seed'
    appointed_at timestamptz NOT NULL,
    removed_at   timestamptz,
    PRIMARY KEY (unit_id, operator_id)
);
CREATE UNIQUE INDEX operator_once ON unit.operator (unit_id, cert_index) WHERE removed_at IS NULL;
CREATE INDEX operator_cert ON unit.operator (cert_index) WHERE removed_at IS NULL;

CREATE TABLE unit.device (
    unit_id       text        NOT NULL,
    device_number text        NOT NULL UNIQUE CHECK (device_number ~ '^[0-9]{9}$'),
    operator_id   text        NOT NULL,
    account_id    text        NOT NULL,
    browser       bytea       NOT NULL, -- digest of the cookie of the browser that shows the code
    next_ticket   int         NOT NULL DEFAULT 0 CHECK (next_ticket BETWEEN 0 AND 10000),
    activated_at  timestamptz NOT NULL,
    unbound_at    timestamptz,
    PRIMARY KEY (unit_id, device_number)
);

CREATE TABLE unit.spent (
    unit_id       text        NOT NULL,
    device_number text        NOT NULL,
    ticket        int         NOT NULL,
    spent_at      timestamptz NOT NULL,
    PRIMARY KEY (unit_id, device_number, ticket)
);

CREATE TABLE unit.wrong_tag (
    unit_id       text NOT NULL,
    device_number text NOT NULL,
    ticket        int  NOT NULL,
    tries         int  NOT NULL,
    PRIMARY KEY (unit_id, device_number, ticket)
);

-- Tries that found nothing, for slowing down whoever guesses.
CREATE TABLE unit.bad_try (
    device   text        NOT NULL, -- the browser in which the code was typed
    tried_at timestamptz NOT NULL
);
CREATE INDEX bad_try_recent ON unit.bad_try (device, tried_at);

CREATE TABLE unit.sign_in (
    unit_id      text        NOT NULL,
    sign_in_id   text        NOT NULL,
    operator_id  text        NOT NULL,
    signed_in_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, sign_in_id)
);

-- Unbinding at the counter of an agency: who did it and why.
CREATE TABLE unit.counter_case (
    unit_id    text        NOT NULL,
    case_id    text        NOT NULL,
    clerk      text        NOT NULL,
    reason     bytea       NOT NULL, -- sealed: it may name who came
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, case_id)
);

GRANT USAGE ON SCHEMA unit TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON unit.unit, unit.operator, unit.device, unit.wrong_tag TO yibao_app;
GRANT SELECT, INSERT ON unit.spent, unit.sign_in, unit.counter_case TO yibao_app;
GRANT SELECT, INSERT, DELETE ON unit.bad_try TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA unit TO yibao_reader;
