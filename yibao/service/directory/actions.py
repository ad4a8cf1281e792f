"""What changes the directory: the lists, as the authorities publish them, and what institutions tell of themselves."""

from collections.abc import Iterable, Sequence
from itertools import islice

from yibao.core.database import Tx
from yibao.service.directory import rules, store
from yibao.service.directory.refusals import InstitutionUnknown, MediumMissing, TextTooLong
from yibao.service.directory.types import Hardware, Item, Medium, Usage

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


async def describe(tx: Tx, usages: Sequence[Usage]) -> int:
    """Note how the insurance is used at institutions, and return at how many; those not under contract are left out.

    The initials by which they are found are those of their names on this day.
    """
    names = await store.names(tx, [usage.code for usage in usages])
    known = [usage for usage in usages if usage.code in names]
    await store.put_usages(tx, known, {code: rules.initials(name) for code, name in names.items()})
    return len(known)


async def tell(
    tx: Tx,
    *,
    institution: str,
    media: Sequence[Medium],
    hardware: Sequence[Hardware],
    credit: bool,
    bring: str,
    notice: str,
    hours: str,
) -> None:
    """Let an institution say how the insurance is used there; where it lies stays as it is.

    Refusals, first that applies: MediumMissing, TextTooLong, InstitutionUnknown.
    """
    if not media:
        raise MediumMissing
    for what, text, most in (
        ("要带什么", bring, rules.BRING_MAX),
        ("公告", notice, rules.NOTICE_MAX),
        ("服务时间", hours, rules.HOURS_MAX),
    ):
        if len(text) > most:
            raise TextTooLong(what=what, most=most)
    before = await store.usage(tx, institution)
    usage = Usage(
        code=institution,
        district=before.district if before else "",
        lat=before.lat if before else None,
        lng=before.lng if before else None,
        media=tuple(media),
        hardware=tuple(hardware),
        credit=credit,
        bring=bring,
        notice=notice,
        hours=hours,
    )
    if not await describe(tx, [usage]):
        raise InstitutionUnknown
