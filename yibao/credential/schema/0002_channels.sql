-- Channels: whose apps and pages lead people here, with which keys, and what they may do; who changed that, and when.
CREATE TABLE credential.channel (
    code          text        PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{1,31}$'),
    name          text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('wechat', 'alipay', 'national', 'province', 'city', 'bank')),
    functions     text[]      NOT NULL,
    hotline       text        NOT NULL,
    contact       text        NOT NULL,
    returns       text[]      NOT NULL, -- the addresses to which people may be led back
    own_bank_card boolean     NOT NULL, -- activation takes only who has bound a bank card of their own there
    state         text        NOT NULL CHECK (state IN ('applied', 'active', 'suspended')),
    applied_at    timestamptz NOT NULL
);

-- SM2 public keys, several at a time so that a channel can change over. Private keys never leave the channel.
CREATE TABLE credential.channel_key (
    channel     text        NOT NULL,
    key_id      text        NOT NULL CHECK (key_id ~ '^[0-9a-f]{16}$'), -- the beginning of the key's SM3 digest
    public      bytea       NOT NULL CHECK (length(public) = 64),
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
    revoked_at  timestamptz,
    PRIMARY KEY (channel, key_id)
);

CREATE TABLE credential.channel_audit (
    channel   text        NOT NULL,
    audit_id  bigint      GENERATED ALWAYS AS IDENTITY,
    done      text        NOT NULL, -- what was done, in words
    login     text        NOT NULL, -- of the clerk
    clerk     text        NOT NULL,
    done_at   timestamptz NOT NULL,
    PRIMARY KEY (channel, audit_id)
);

-- A signed call is taken once: its nonce is kept as long as its time is fresh.
CREATE TABLE credential.channel_nonce (
    channel    text        NOT NULL,
    nonce      text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (channel, nonce)
);
CREATE INDEX channel_nonce_expiry ON credential.channel_nonce (channel, expires_at);

-- Wrong signatures are counted by where they come from, so that a stranger cannot shut a channel out.
CREATE TABLE credential.channel_peer (
    channel  text        NOT NULL,
    peer     text        NOT NULL,
    failures int         NOT NULL,
    since    timestamptz NOT NULL,
    right_at timestamptz, -- when a right signature last came from there
    PRIMARY KEY (channel, peer)
);

-- A ticket leads one browser in, once, within two minutes. What the channel says of its user is sealed.
CREATE TABLE credential.entry (
    ticket_digest bytea       PRIMARY KEY,
    channel       text        NOT NULL,
    claim         bytea       NOT NULL,
    path          text        NOT NULL,
    made_at       timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX entry_made ON credential.entry (made_at);

-- What a channel last said of its user: a claim, never a proof.
CREATE TABLE credential.claim (
    account_id text        NOT NULL,
    channel    text        NOT NULL,
    claim      bytea       NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, channel)
);

-- How far an account has come with activating in one browser.
CREATE TABLE credential.activation (
    account_id text        NOT NULL,
    browser    bytea       NOT NULL,
    channel    text        NOT NULL,
    place      text        NOT NULL, -- the insured place, as its owner said before anything was proved
    back       text        NOT NULL,
    agreed_at  timestamptz NOT NULL,
    proved_at  timestamptz,
    PRIMARY KEY (account_id, browser)
);

GRANT SELECT, INSERT, UPDATE ON credential.channel, credential.channel_key, credential.channel_peer, credential.entry,
    credential.claim, credential.activation TO yibao_app;
GRANT SELECT, INSERT ON credential.channel_audit, credential.channel_nonce TO yibao_app;
GRANT DELETE ON credential.channel_nonce, credential.channel_peer, credential.entry, credential.claim,
    credential.activation TO yibao_app;
GRANT SELECT ON credential.channel, credential.channel_audit TO yibao_reader;
