-- How the insurance is used at an institution: what it reads, with what, on credit or not, what it tells people.
CREATE TABLE directory.usage (
    code     text             PRIMARY KEY, -- of the institution
    initials text             NOT NULL, -- pinyin initials of its name, upper case
    district text             NOT NULL,
    lat      double precision CHECK (lat BETWEEN -90 AND 90),
    lng      double precision CHECK (lng BETWEEN -180 AND 180),
    media    text[]           NOT NULL CHECK (media <@ ARRAY['code', 'card', 'id_card', 'face'] AND media <> '{}'),
    hardware text[]           NOT NULL CHECK (hardware <@ ARRAY['scanner', 'kiosk', 'camera']),
    credit   boolean          NOT NULL, -- 信用就医
    bring    text             NOT NULL,
    notice   text             NOT NULL,
    hours    text             NOT NULL,
    CHECK ((lat IS NULL) = (lng IS NULL))
);

GRANT SELECT, INSERT, UPDATE ON directory.usage TO yibao_app;
GRANT SELECT ON directory.usage TO yibao_reader;

-- An institution that nobody has described yet is there all the same: people need its address before its scanner.
CREATE FUNCTION directory.outlets()
RETURNS TABLE (code text, name text, place text, place_name text, kind text, level text, address text, phone text,
               services text[], initials text, district text, lat double precision, lng double precision, media text[],
               hardware text[], credit boolean, bring text, notice text, hours text)
LANGUAGE sql STABLE AS $$
    SELECT i.code, i.name, i.place, i.place_name, i.kind, i.level, i.address, i.phone, i.services,
           coalesce(u.initials, ''), coalesce(u.district, ''), u.lat, u.lng, coalesce(u.media, '{}'),
           coalesce(u.hardware, '{}'), coalesce(u.credit, false), coalesce(u.bring, ''), coalesce(u.notice, ''),
           coalesce(u.hours, '')
    FROM registry.under_contract() i LEFT JOIN directory.usage u ON u.code = i.code
$$;
