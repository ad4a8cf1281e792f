-- Facts about people and places. Names, certificates, phones and card numbers are encrypted (core.vault).
CREATE SCHEMA registry;

CREATE TABLE registry.region (
    code   text     PRIMARY KEY, -- 医保区划
    parent text     NOT NULL,
    level  smallint NOT NULL,
    name   text     NOT NULL
);

CREATE TABLE registry.institution (
    code     text    PRIMARY KEY, -- H or P, region 6, serial 5
    name     text    NOT NULL,
    place    text    NOT NULL, -- the pooled place it settles in
    kind     text    NOT NULL CHECK (kind IN ('pharmacy', 'hospital')),
    level    text    NOT NULL CHECK (level IN ('primary', 'secondary', 'tertiary', 'none')),
    address  text    NOT NULL,
    phone    text    NOT NULL,
    services text[]  NOT NULL,
    active   boolean NOT NULL DEFAULT true
);

CREATE TABLE registry.person (
    person_id text  PRIMARY KEY CHECK (person_id ~ '^[0-9]{12}$'),
    name      bytea NOT NULL,
    cert_type text  NOT NULL, -- psn_cert_type
    cert_no   bytea NOT NULL,
    gender    text  NOT NULL,
    birth_on  date  NOT NULL  -- kept readable: benefit rules depend on the age
);

-- Where people are found by what arrives from outside, and where its uniqueness lives.
CREATE TABLE registry.person_locator (
    kind      text  NOT NULL CHECK (kind IN ('cert', 'card')),
    index     bytea NOT NULL, -- keyed SM3 of the normalised value
    person_id text  NOT NULL,
    PRIMARY KEY (kind, index)
);

CREATE TABLE registry.insurance (
    person_id text    NOT NULL,
    psn_no    text    NOT NULL,
    place     text    NOT NULL,
    insutype  text    NOT NULL, -- 310 employees, 390 residents
    psn_type  text    NOT NULL,
    state     text    NOT NULL, -- psn_insu_stas: 1 normal, 2 suspended, 3 void, 4 ended
    since_on  date    NOT NULL,
    paid_to   date    NOT NULL,
    employer  text    NOT NULL,
    synced    boolean NOT NULL, -- false while the place has not yet passed the relation on
    PRIMARY KEY (person_id, psn_no)
);

CREATE TABLE registry.card (
    person_id  text  NOT NULL,
    card_index bytea NOT NULL,
    card_no    bytea NOT NULL,
    state      text  NOT NULL CHECK (state IN ('normal', 'lost', 'frozen', 'inactive')),
    issued_on  date  NOT NULL,
    PRIMARY KEY (person_id, card_index)
);

CREATE FUNCTION registry.institution_of(_code text)
RETURNS TABLE (name text, place text, kind text, level text, services text[], active boolean)
LANGUAGE sql STABLE AS $$
    SELECT name, place, kind, level, services, active FROM registry.institution WHERE code = _code
$$;

CREATE FUNCTION registry.coverage_of(_person text)
RETURNS TABLE (psn_no text, place text, insutype text, psn_type text, state text, synced boolean, birth_on date)
LANGUAGE sql STABLE AS $$
    SELECT i.psn_no, i.place, i.insutype, i.psn_type, i.state, i.synced, p.birth_on
    FROM registry.insurance i JOIN registry.person p ON p.person_id = i.person_id
    WHERE i.person_id = _person
$$;

-- Whom a till has before it: the name is sealed, and the registry's own code opens it.
CREATE FUNCTION registry.face_of(_person text) RETURNS TABLE (name bytea, gender text)
LANGUAGE sql STABLE AS $$
    SELECT name, gender FROM registry.person WHERE person_id = _person
$$;

GRANT USAGE ON SCHEMA registry TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA registry TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA registry TO yibao_reader;
