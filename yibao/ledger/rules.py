"""The names of accounts. Only a personal account has a balance that is kept; all others are sums of transfers."""


def personal(place: str) -> str:
    """Return the name of the personal account (个人账户) that a person has in an insured place."""
    return f"personal:{place}"


def contributions(place: str) -> str:
    """Return the name of the account from which a place pays into its personal accounts."""
    return f"contributions:{place}"
