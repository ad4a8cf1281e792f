-- The counters of the year 0 belong to no year: what a cancelling out of order left open until the next bill.
-- As before, but with those counters too.
CREATE OR REPLACE FUNCTION settlement.facts(_requests jsonb) RETURNS TABLE (n int, facts jsonb)
LANGUAGE sql STABLE AS $$
    SELECT r.n, jsonb_build_object(
        'caller_person', core.person_of_caller_id(r.caller, r.operation, r.id),
        'answer', (SELECT to_jsonb(a) FROM core.answer_of(r.person_id, r.caller, r.operation, r.id) a),
        'visit', (SELECT to_jsonb(v) FROM credential.visit_of(r.person_id, r.token) v),
        'institution', (SELECT to_jsonb(i) FROM registry.institution_of(r.institution) i),
        'coverage', (SELECT jsonb_agg(to_jsonb(c)) FROM registry.coverage_of(r.person_id) c),
        'items', (SELECT jsonb_agg(to_jsonb(i)) FROM directory.items_of(r.codes) i),
        'accounts', (SELECT jsonb_agg(to_jsonb(a)) FROM ledger.accounts_of(r.person_id) a),
        'serial', (SELECT p.serial FROM settlement.person p WHERE p.person_id = r.person_id),
        'tallies', (SELECT jsonb_agg(to_jsonb(t)) FROM settlement.tally t
                    WHERE t.person_id = r.person_id AND t.year IN (0, r.year)),
        'bill', (SELECT jsonb_build_object('state', b.state, 'expires_at', b.expires_at, 'institution', b.institution)
                 FROM settlement.bill b WHERE b.person_id = r.person_id AND b.bill_id = r.bill_id))
    FROM jsonb_to_recordset(_requests) AS r (n int, person_id text, caller text, operation text, id text, token text,
                                             institution text, codes text[], year int, bill_id text)
$$;
