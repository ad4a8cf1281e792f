-- A clerk adds a member at the agency's counter, where both are present: the login stays with the link.
ALTER TABLE family.link DROP CONSTRAINT link_method_check;
ALTER TABLE family.link ADD CONSTRAINT link_method_check
    CHECK (method IN ('agreement', 'face', 'guardian', 'counter'));
ALTER TABLE family.link ADD COLUMN added_by text CHECK (method <> 'counter' OR added_by IS NOT NULL);
