"""What a till and a phone ask of the directory."""

import unicodedata

from yibao.core.database import Pool, Tx
from yibao.service.directory import store
from yibao.service.directory.types import Item


async def search(tx: Tx | Pool, text: str, limit: int = 20) -> list[Item]:
    """Return items by part of the name, beginning of the pinyin initials or beginning of the code; none for no text.

    An exact code comes first, then an exact name, then exact initials, then names that begin with the text, the
    shorter ones first. Full width, small letters and surrounding spaces make no difference.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    return await store.search(tx, plain, limit) if plain else []


async def item(tx: Tx | Pool, code: str) -> Item | None:
    return await store.item(tx, code)
