-- A reason that a clerk writes may name people: from now on it is sealed. What was written before is never changed.
ALTER TABLE identity.counter_case ALTER COLUMN reason DROP NOT NULL;
ALTER TABLE identity.counter_case ADD COLUMN sealed_reason bytea;
ALTER TABLE identity.counter_case ADD CHECK ((reason IS NULL) <> (sealed_reason IS NULL));
