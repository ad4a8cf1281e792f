-- A closed account keeps its number, which settlements of relatives and records refer to, and nothing of its owner.
ALTER TABLE identity.account ADD COLUMN closed_at timestamptz;
GRANT DELETE ON identity.real_name_attempt, identity.sms_code TO yibao_app;
