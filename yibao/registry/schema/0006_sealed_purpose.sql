-- Why somebody looked may be typed by a clerk or an institution, and name people: from now on it is sealed. What was
-- written before cannot be sealed here, where no key is; of it the house's own words stay, and what was typed behind
-- their colon goes.
ALTER TABLE registry.look ALTER COLUMN purpose DROP NOT NULL;
ALTER TABLE registry.look ADD COLUMN sealed_purpose bytea;
UPDATE registry.look SET purpose = split_part(purpose, '：', 1);
ALTER TABLE registry.look ADD CHECK ((purpose IS NULL) <> (sealed_purpose IS NULL));
