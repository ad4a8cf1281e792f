-- A guardian ends another's link to the child, and the agency one that did not stand its after-check.
ALTER TABLE family.link DROP CONSTRAINT link_ended_by_check;
ALTER TABLE family.link ADD CONSTRAINT link_ended_by_check
    CHECK (ended_by IN ('member', 'relative', 'guardian', 'agency', 'time', 'credential'));

-- What papers alone decided waits here until somebody of the agency has looked: `decided_by` is empty until then.
CREATE INDEX application_unchecked ON family.application (place, decided_at)
    WHERE state = 'accepted' AND decided_by IS NULL;
