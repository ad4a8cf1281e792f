-- Everything that a settlement was assessed by is kept with it, so that it can be assessed again: by the same rules with
-- the same result, or by changed ones, to see what the change would have done (`yibao policy preview`).
ALTER TABLE settlement.settlement ADD COLUMN facts jsonb NOT NULL DEFAULT '{}'; -- the case without lines and counters
ALTER TABLE settlement.line ADD COLUMN kind text NOT NULL DEFAULT 'drug';
ALTER TABLE settlement.line ADD COLUMN price_limit numeric(16, 6);

-- A hospital's till says for which kind of visit it settles, and a chronic visit for which disease.
ALTER TABLE settlement.draft ADD COLUMN visit_kind text NOT NULL DEFAULT '';
ALTER TABLE settlement.draft ADD COLUMN disease text NOT NULL DEFAULT '';
