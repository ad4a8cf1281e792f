-- A device is known by a digest of its mark, as activations are, so that the database cannot be used in its place; and
-- tries are forgotten when their limits have passed. Of the tries so far none can be told from its digest.
DELETE FROM face.attempt;
ALTER TABLE face.attempt ALTER COLUMN device TYPE bytea USING device::bytea;
DROP INDEX face.attempt_mark;
CREATE INDEX attempt_mark ON face.attempt (mark, started_at);
CREATE INDEX attempt_started ON face.attempt (started_at) WHERE outcome IS DISTINCT FROM 'passed';
CREATE INDEX attempt_passed ON face.attempt (started_at) WHERE outcome = 'passed';

GRANT DELETE ON face.attempt TO yibao_app;
