"""What changes the directory: the lists, as the authorities publish them."""

from collections.abc import Iterable
from itertools import islice

from yibao.core.database import Tx
from yibao.service.directory import store
from yibao.service.directory.types import Item

_CHUNK = 5_000


async def load_items(tx: Tx, items: Iterable[Item]) -> int:
    """Add items, or bring those whose code is known up to date, and return how many were read.

    What a new list no longer names stays, because settlements of earlier days are looked up by it.
    """
    coming = iter(items)
    count = 0
    while chunk := list(islice(coming, _CHUNK)):
        await store.put_items(tx, chunk)
        count += len(chunk)
    return count
