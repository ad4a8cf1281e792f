-- Ending a unit's sessions finds them without reading everybody's.
CREATE INDEX session_unit ON identity.session (unit) WHERE unit IS NOT NULL;
