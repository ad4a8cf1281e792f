-- What a person is qualified for in a place, from a day to a day: aid, civil-service supplement, a chronic disease.
CREATE TABLE registry.qualification (
    person_id text NOT NULL,
    place     text NOT NULL,
    kind      text NOT NULL, -- aid, supplement, cohort, signed: `benefit.types.QUALIFICATIONS`; or chronic
    code      text NOT NULL, -- subsistence, civil_servant, …; of a chronic disease its national code
    from_on   date NOT NULL,
    until_on  date,          -- the first day on which it no longer holds
    PRIMARY KEY (person_id, place, kind, code, from_on),
    CHECK (until_on > from_on)
);

-- The first day on which funds pay for this person; null where there is no waiting period.
ALTER TABLE registry.insurance ADD COLUMN entitled_from date;

ALTER TABLE registry.institution DROP CONSTRAINT institution_level_check;
ALTER TABLE registry.institution ADD CONSTRAINT institution_level_check CHECK (
    level IN ('village', 'community', 'primary', 'secondary', 'tertiary', 'provincial', 'special', 'none'));

DROP FUNCTION registry.coverage_of(text);
CREATE FUNCTION registry.coverage_of(_person text)
RETURNS TABLE (psn_no text, place text, insutype text, psn_type text, state text, synced boolean, entitled_from date,
               birth_on date, qualifications jsonb)
LANGUAGE sql STABLE AS $$
    SELECT i.psn_no, i.place, i.insutype, i.psn_type, i.state, i.synced, i.entitled_from, p.birth_on,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', q.kind, 'code', q.code, 'from_on', q.from_on,
                                                         'until_on', q.until_on)), '[]')
            FROM registry.qualification q WHERE q.person_id = i.person_id AND q.place = i.place)
    FROM registry.insurance i JOIN registry.person p ON p.person_id = i.person_id
    WHERE i.person_id = _person
$$;

GRANT SELECT, INSERT, UPDATE ON registry.qualification TO yibao_app;
GRANT SELECT ON registry.qualification TO yibao_reader;
