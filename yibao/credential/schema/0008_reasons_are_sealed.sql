-- Why somebody's code was unbound by a clerk or a channel's hotline is told in the list of who looked, where it is sealed
-- and the person reads it. Here it stood in the clear and nobody read it.
ALTER TABLE credential.device DROP COLUMN unbound_why;
