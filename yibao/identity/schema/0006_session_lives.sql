-- Whether somebody is still signed in there: what was handed to a phone beforehand ends with the sign-in.
CREATE FUNCTION identity.session_lives(_digest bytea, _at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM identity.session s WHERE s.token_digest = _digest AND s.expires_at > _at)
$$;
