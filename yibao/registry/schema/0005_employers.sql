-- An employer asks whom it insures, across all people: for its own pages, never on the way of a settlement.
CREATE INDEX insurance_employer ON registry.insurance (employer, person_id);
