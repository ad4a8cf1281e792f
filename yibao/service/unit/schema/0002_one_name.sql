-- Relations name their employer by its name alone, so in one place only one unit may go by it and read its employees.
CREATE UNIQUE INDEX unit_employer_name ON unit.unit (place, name) WHERE kind = 'employer';
