-- A phone without a network draws codes itself (F1), under a device number of their own, so that the key of the codes
-- that the server draws never leaves it. They end with the sign-in that fetched them, and when the phone has not been
-- heard of for too long.
ALTER TABLE credential.device ADD COLUMN offline_until timestamptz; -- null where the server draws the codes
ALTER TABLE credential.device ADD COLUMN session bytea; -- digest of the sign-in's token
ALTER TABLE credential.device ADD CHECK ((offline_until IS NULL) = (session IS NULL));
COMMENT ON COLUMN credential.device.next_ticket IS 'how many tickets were shown, or handed out to a phone beforehand';
COMMENT ON COLUMN credential.device.unbound_by IS
    'person, channel, or the login of a clerk; phone where it ended with something else of the same phone';

-- As before, and whether a code that the phone drew itself may no longer be taken.
CREATE OR REPLACE FUNCTION credential.scanned(_scans jsonb) RETURNS TABLE (n int, facts jsonb)
LANGUAGE sql STABLE AS $$
    SELECT r.n, jsonb_build_object(
        'phone', (
            SELECT jsonb_build_object(
                'person_id', d.person_id,
                'place', h.place,
                'next_ticket', d.next_ticket,
                'unbound', d.unbound_at IS NOT NULL OR h.unbound_at IS NOT NULL,
                'suspended', (SELECT jsonb_build_object('channel', c.name, 'hotline', c.hotline)
                              FROM credential.channel c WHERE c.code = d.channel AND c.state = 'suspended'),
                'spent', EXISTS (SELECT FROM credential.spent s WHERE s.person_id = d.person_id
                                 AND s.device_number = d.device_number AND s.ticket = r.ticket),
                'offline_over', d.offline_until IS NOT NULL
                                AND (d.offline_until <= r.at OR NOT identity.session_lives(d.session, r.at)
                                     OR EXISTS (SELECT FROM credential.channel c WHERE c.code = d.channel
                                                AND NOT 'show_code' = ANY (c.functions))),
                'wrong_tags', coalesce((SELECT w.tries FROM credential.wrong_tag w WHERE w.person_id = d.person_id
                                        AND w.device_number = d.device_number AND w.ticket = r.ticket), 0),
                'name', encode(f.name, 'hex'),
                'gender', f.gender)
            FROM credential.device_locator l
            JOIN credential.device d ON d.person_id = l.person_id AND d.device_number = l.device_number
            JOIN credential.holder h ON h.person_id = l.person_id
            CROSS JOIN registry.face_of(l.person_id) f
            WHERE l.device_number = r.device_number),
        'till_bad', (SELECT count(*) FROM credential.bad_scan b WHERE b.institution = r.institution
                     AND b.till = r.till AND b.scanned_at > r.at - interval '1 minute'),
        'institution_bad', (SELECT count(*) FROM credential.bad_scan b WHERE b.institution = r.institution
                            AND b.scanned_at > r.at - interval '1 hour'))
    FROM jsonb_to_recordset(_scans) AS r (n int, device_number text, ticket int, institution text, till text,
                                          at timestamptz)
$$;
