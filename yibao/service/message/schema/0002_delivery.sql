-- The ways besides the app in which a message went out, for the person to see.
CREATE TABLE message.delivery (
    person_id text        NOT NULL,
    event_id  bigint      NOT NULL,
    way       text        NOT NULL, -- sms, or the code of a channel
    state     text        NOT NULL CHECK (state IN ('sent', 'refused')),
    at        timestamptz NOT NULL,
    PRIMARY KEY (person_id, event_id, way)
);

-- Messages, each with the ways besides the app in which it went out.
CREATE VIEW message.told AS
    SELECT m.*, ARRAY(SELECT d.way FROM message.delivery d WHERE d.person_id = m.person_id AND d.event_id = m.event_id
                      AND d.state = 'sent' ORDER BY d.way) AS ways
    FROM message.message m;

GRANT SELECT, INSERT ON message.delivery TO yibao_app;
GRANT SELECT ON message.told TO yibao_app, yibao_reader;
GRANT SELECT ON message.delivery TO yibao_reader;
-- Whoever closes their account takes their messages with them.
GRANT DELETE ON message.message, message.delivery TO yibao_app;
