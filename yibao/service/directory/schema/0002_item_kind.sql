-- A day in bed is limited apart from other services, so the till must know it from them.
ALTER TABLE directory.item DROP CONSTRAINT item_kind_check;
ALTER TABLE directory.item ADD CONSTRAINT item_kind_check CHECK (kind IN ('drug', 'service', 'material', 'bed'));

DROP FUNCTION directory.items_of(text[]);
CREATE FUNCTION directory.items_of(_codes text[])
RETURNS TABLE (code text, name text, unit text, kind text, charge_class text, own_pay_rate text, price text,
               price_limit text)
LANGUAGE sql STABLE AS $$
    SELECT code, name, unit, kind, charge_class, own_pay_rate::text, price::text, price_limit::text
    FROM directory.item WHERE code = ANY (_codes)
$$;
