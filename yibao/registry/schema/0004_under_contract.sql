-- Institutions under contract with the name of their place, for the rooms that say more of them.
CREATE FUNCTION registry.under_contract()
RETURNS TABLE (code text, name text, place text, place_name text, kind text, level text, address text, phone text,
               services text[])
LANGUAGE sql STABLE AS $$
    SELECT i.code, i.name, i.place, coalesce(r.name, i.place), i.kind, i.level, i.address, i.phone, i.services
    FROM registry.institution i LEFT JOIN registry.region r ON r.code = i.place
    WHERE i.active
$$;
