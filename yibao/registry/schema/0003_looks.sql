-- Who looked at a person's data, and why; the person can read it. A scan at a till is known by its visit instead.
CREATE TABLE registry.look (
    person_id   text        NOT NULL,
    look_id     text        NOT NULL,
    looker      text        NOT NULL, -- staff login, account id or channel code: for the audit, not shown to the person
    looker_name text        NOT NULL, -- as the person reads it: 泸州市医保经办窗口 柜员
    purpose     text        NOT NULL, -- as the person reads it: 解除手机绑定
    looked_at   timestamptz NOT NULL,
    PRIMARY KEY (person_id, look_id)
);

GRANT SELECT, INSERT ON registry.look TO yibao_app;
GRANT SELECT ON registry.look TO yibao_reader;
