-- What the insurance knows: drugs, service items and materials with class, own-pay rate and limits.
CREATE SCHEMA directory;

CREATE TABLE directory.item (
    code         text           PRIMARY KEY,
    name         text           NOT NULL,
    initials     text           NOT NULL, -- pinyin initials, upper case
    kind         text           NOT NULL CHECK (kind IN ('drug', 'service', 'material')),
    list_type    text           NOT NULL,
    charge_class text           NOT NULL CHECK (charge_class IN ('A', 'B', 'C')), -- 甲 乙 丙
    own_pay_rate numeric(5, 4)  NOT NULL CHECK (own_pay_rate BETWEEN 0 AND 1),
    price        numeric(16, 6) NOT NULL CHECK (price > 0), -- the highest price an institution may ask, yuan a unit
    price_limit  numeric(16, 6) CHECK (price_limit > 0),    -- what the insurance recognises at most, yuan a unit
    unit         text           NOT NULL,
    spec         text           NOT NULL,
    maker        text           NOT NULL
);
CREATE INDEX item_initials ON directory.item (initials text_pattern_ops);

CREATE FUNCTION directory.items_of(_codes text[])
RETURNS TABLE (code text, name text, unit text, charge_class text, own_pay_rate text, price text, price_limit text)
LANGUAGE sql STABLE AS $$
    SELECT code, name, unit, charge_class, own_pay_rate::text, price::text, price_limit::text
    FROM directory.item WHERE code = ANY (_codes)
$$;

GRANT USAGE ON SCHEMA directory TO yibao_app, yibao_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA directory TO yibao_app;
GRANT SELECT ON ALL TABLES IN SCHEMA directory TO yibao_reader;
