-- A visit is also opened by the face: a check of it was passed in the till's own browser, after the cashier had typed the
-- name and certificate. The dictionaries of the national interface have no face; there it is a certificate, 02.
ALTER TABLE credential.visit DROP CONSTRAINT visit_medium_check;
ALTER TABLE credential.visit ADD CONSTRAINT visit_medium_check CHECK (medium IN ('01', '02', '03', 'face'));
COMMENT ON COLUMN credential.visit.checked_by IS 'the till that vouched for a document, or at which the face was checked';

-- For which check of a face each till waits, one at a time, so that a proof serves the till that asked for it and no
-- other. Whose face it is stands in the check alone, sealed.
CREATE TABLE credential.awaited_face (
    institution text        NOT NULL,
    till        text        NOT NULL,
    check_id    text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    PRIMARY KEY (institution, till)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON credential.awaited_face TO yibao_app;
GRANT SELECT ON credential.awaited_face TO yibao_reader;
