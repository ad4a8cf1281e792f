"""Which rooms there are, for whatever has to visit each: migrations, templates, routes."""

# The rooms whose SQL is migrated, lower floors first: a room's functions may call those of the rooms before it.
MIGRATED = (
    "yibao.core",
    "yibao.registry",
    "yibao.ledger",
    "yibao.identity",
    "yibao.credential",
    "yibao.service.directory",
    "yibao.service.message",
    "yibao.settlement",
)

# The rooms that have pages of their own.
RENDERED = (
    "yibao.web",
    "yibao.registry",
    "yibao.ledger",
    "yibao.identity",
    "yibao.credential",
    "yibao.service.directory",
    "yibao.service.message",
    "yibao.service.policy_query",
    "yibao.settlement",
    "yibao.site",
)
