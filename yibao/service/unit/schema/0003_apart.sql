-- What tells two operators of one masked name apart, and whom the registry knew when they were named, to tell them of
-- the end too; both sealed. Of those named before, neither is known.
ALTER TABLE unit.operator ADD COLUMN cert_tail bytea, ADD COLUMN told bytea;
