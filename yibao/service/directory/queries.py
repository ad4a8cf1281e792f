"""What a till and a phone ask of the directory."""

from yibao.core.database import Pool, Tx
from yibao.service.directory import rules, store
from yibao.service.directory.refusals import InstitutionUnknown
from yibao.service.directory.types import Item, Medium, Outlet, Search, Spot


async def search(tx: Tx | Pool, text: str, limit: int = 20) -> list[Item]:
    """Return items by part of the name, beginning of the pinyin initials or beginning of the code; none for no text.

    An exact code comes first, then an exact name, then exact initials, then names that begin with the text, the
    shorter ones first. Full width, small letters and surrounding spaces make no difference.
    """
    plain = rules.plain(text)
    return await store.search(tx, plain, limit) if plain else []


async def item(tx: Tx | Pool, code: str) -> Item | None:
    return await store.item(tx, code)


async def outlets(
    tx: Tx | Pool, sought: Search, *, spot: Spot | None = None, limit: int, offset: int = 0
) -> tuple[list[Outlet], int]:
    """Return one page of the institutions under contract that fit, and how many there are in all.

    Each word of the text is part of the name, of the address, of what it is (药店, 医院) or of the name's pinyin
    initials, or the beginning of the code. From a spot, or else from the middle of a district's institutions, the
    nearest come first and those whose place is unknown last; otherwise whoever reads the code comes first. One
    statement.
    """
    return await store.outlets(tx, sought, rules.plain(sought.text), spot=spot, limit=limit, offset=offset)


async def outlet(tx: Tx | Pool, code: str) -> Outlet:
    """Return one institution under contract. Refusals: InstitutionUnknown."""
    found = await store.outlet(tx, code)
    if found is None:
        raise InstitutionUnknown
    return found


async def media(tx: Tx | Pool, code: str) -> tuple[Medium, ...]:
    """Return what identifies a person at an institution; nothing where nobody has said, or no contract is in force."""
    found = await store.outlet(tx, code)
    return found.media if found else ()


async def places(tx: Tx | Pool) -> dict[str, str]:
    """Return the places that have institutions under contract, by code, with their names."""
    return await store.places(tx)


async def districts(tx: Tx | Pool, place: str) -> list[str]:
    """Return the districts of a place in which the spot of an institution is known."""
    return await store.districts(tx, place)
