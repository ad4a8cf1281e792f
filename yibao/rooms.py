"""Which rooms there are, for whatever has to visit each: migrations, templates, routes."""

# The rooms whose SQL is migrated, lower floors first: a room's functions may call those of the rooms before it.
MIGRATED = (
    "yibao.core",
    "yibao.face",
    "yibao.registry",
    "yibao.ledger",
    "yibao.identity",
    "yibao.credential",
    "yibao.service.authorisation",
    "yibao.service.directory",
    "yibao.service.family",
    "yibao.service.message",
    "yibao.service.unit",
    "yibao.settlement",
)

# The rooms that have pages of their own.
RENDERED = (
    "yibao.web",
    "yibao.face",
    "yibao.registry",
    "yibao.ledger",
    "yibao.identity",
    "yibao.credential",
    "yibao.service.authorisation",
    "yibao.service.directory",
    "yibao.service.family",
    "yibao.service.message",
    "yibao.service.policy_query",
    "yibao.service.unit",
    "yibao.settlement",
    "yibao.site",
)
