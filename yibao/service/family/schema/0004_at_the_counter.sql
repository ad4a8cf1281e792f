-- Whoever reads how it ended is told whether the member came to the counter, or the papers did not stand.
ALTER TABLE family.link DROP CONSTRAINT link_ended_by_check;
ALTER TABLE family.link ADD CONSTRAINT link_ended_by_check
    CHECK (ended_by IN ('member', 'relative', 'guardian', 'counter', 'agency', 'time', 'credential'));
-- The look afterwards ends only what papers had proved online.
UPDATE family.link SET ended_by = 'counter'
WHERE ended_by = 'agency' AND (method <> 'guardian' OR added_by IS NOT NULL);
