"""What can be decided without looking anything up."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from yibao import identity, registry
from yibao.core import gm
from yibao.face import Subject

NORMAL, TERMINATED = "1", "4"  # psn_insu_stas
ENDED = ("0", "3", TERMINATED)
_STEPPING = re.compile(r"(^|/)\.{1,2}(/|$)|%2e|%2f|%5c", re.IGNORECASE)


def browser_digest(device: str, channel: str) -> bytes:
    """Return by what an activation in a browser is known: a digest, so that the database cannot show its code.

    Each channel has an activation of its own, also where one browser shows the pages of two.
    """
    return gm.sm3(device.encode() if channel == "web" else f"{channel}\n{device}".encode())


def lent_browser(browser: bytes, account_id: str) -> bytes:
    """Return by what the activations that were lent to an account are known in one of its browsers.

    The account is part of it, so that the owner's own activation in the same browser never serves the relative, nor
    the other way round. It follows from the account's own activation there, so that both can be ended together.
    """
    return gm.sm3(f"{account_id} {browser.hex()}".encode())


def same_name(one: str, other: str) -> bool:
    """Say whether two names are one, however they are typed and wherever their spaces."""
    return _plain(one) == _plain(other)


def is_one(one: Subject, other: Subject) -> bool:
    """Say whether two claims or proofs are of one person's certificate."""
    return one.cert_type == other.cert_type and same_name(one.cert_no, other.cert_no)


def _plain(name: str) -> str:
    return identity.plain_name(name).replace(" ", "")


def is_address(text: str) -> bool:
    """Say whether a channel may have people led back there: https, or a program in the same network; nothing hidden."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        local = parts.scheme == "http" and _is_near(parts.hostname or "")
        plain = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not (parts.scheme == "https" or local) or not parts.hostname or not plain:
        return False
    return "@" not in parts.netloc and not parts.fragment and not _STEPPING.search(parts.path)


def _is_near(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_private
    except ValueError:
        return False


def leads_back(address: str, returns: tuple[str, ...]) -> bool:
    """Say whether an address is a registered one, or lies below one that ends in a slash."""
    return is_address(address) and any(
        address.partition("?")[0] == allowed or (allowed.endswith("/") and address.startswith(allowed))
        for allowed in returns
    )


def first_relation(relations: Sequence[registry.Insurance], place: str = "") -> registry.Insurance | None:
    """Return the relation to use where nobody has chosen one: passed on, in force, of the lowest number."""
    return min(
        (relation for relation in relations if relation.state not in ENDED and place in ("", relation.place)),
        key=lambda relation: (not relation.synced, relation.state != NORMAL, relation.psn_no),
        default=None,
    )


def nearest(places: Sequence[str], wanted: str) -> str:
    """Return which of somebody's places is the one they named, or lies in it; empty where none does.

    The national list names provinces and cities; insurance is also pooled in counties and by provinces themselves.
    """
    for length in (6, 4, 2):
        for code in places:
            if code[:length] == wanted[:length] and (length != 2 or wanted.endswith("0000")):
                return code
    return ""
