-- When the owner was last told that strangers had tried so many passwords: once an hour, not at every try.
ALTER TABLE identity.brake ADD COLUMN told_at timestamptz;
