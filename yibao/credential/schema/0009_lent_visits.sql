-- As before, and whether a relative's phone showed the code: then the password that a till asks for is the relative's.
DROP FUNCTION credential.visit_of(text, text);
CREATE FUNCTION credential.visit_of(_person text, _token text)
RETURNS TABLE (institution text, expires_at timestamptz, place text, account_id text, free_limit_fen bigint,
               device_unbound boolean, medium text, lent boolean)
LANGUAGE sql STABLE AS $$
    SELECT v.institution, v.expires_at, coalesce(h.place, ''), coalesce(d.account_id, h.account_id, ''),
           CASE WHEN v.medium = '01' AND d.account_id = h.account_id THEN h.free_limit_fen ELSE 0 END,
           d.unbound_at IS NOT NULL, v.medium, coalesce(v.medium = '01' AND d.account_id <> h.account_id, false)
    FROM credential.visit v
    LEFT JOIN credential.holder h ON h.person_id = v.person_id AND h.unbound_at IS NULL
    LEFT JOIN credential.device d ON d.person_id = v.person_id AND d.device_number = v.device_number
    WHERE v.person_id = _person AND v.token = _token
$$;
