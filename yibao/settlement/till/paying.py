"""What is owed and who pays it: the bill on the phone, the password at the till, and clearing it for the next."""

import msgspec
from litestar import post

from yibao import identity, settlement
from yibao.core.database import transaction
from yibao.settlement import draft, queries, refusals
from yibao.settlement.api import by_password
from yibao.settlement.till.shell import Form, Page, Till, require_shown
from yibao.settlement.types import Order, Split
from yibao.web.refusals import Malformed


@post("/send")
async def send(till: Till, data: Form) -> Page:
    return await till.after(_send(till, data))


async def _send(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    if there.bill_sent or there.settled is not None:
        return
    async with transaction(till.pool) as tx:
        await settlement.send_bill(
            till.desk,
            tx,
            basket=there.basket,
            bill_id=there.request_id,
            institution=till.institution,
            till=till.login,
            at=till.at,
        )
        await draft.mark_sent(tx, there, at=till.at)


@post("/withdraw")
async def withdraw(till: Till, data: Form) -> Page:
    return await till.after(_withdraw(till, data))


async def _withdraw(till: Till, data: dict[str, str]) -> None:
    """Take the bill back from the phone, unless the person was faster: then the page shows what they decided."""
    there = await till.draft()
    if there is None or not there.waiting:
        return
    require_shown(there, data)
    person_id = till.desk.person_of_token(there.token)
    try:
        async with transaction(till.pool) as tx:
            bill = await queries.bill(tx, person_id=person_id, bill_id=there.request_id)
            if bill is not None and bill.state not in ("declined", "withdrawn"):
                await settlement.close_bill(
                    tx, person_id=person_id, bill_id=bill.bill_id, state="withdrawn", at=till.at
                )
            await draft.reopen(tx, there, at=till.at)
    except refusals.BillClosed:
        return


@post("/confirm")
async def confirm(till: Till, data: Form, hasher: identity.Hasher) -> Page:
    return await till.after(_confirm(till, data, hasher))


async def _confirm(till: Till, data: dict[str, str], hasher: identity.Hasher) -> str | None:
    """Settle for the amounts that were on the screen, under the draft's id: a second click gets the first answer."""
    there = await till.draft_shown(data)
    if there.settled is not None:
        return None
    draft.require_open(there)
    password = data.get("password", "")
    settled = await settlement.confirm(
        till.desk,
        order=Order(there.basket, _split_shown(data), place=data.get("place", "")),
        institution=till.institution,
        caller=till.institution,
        request_id=there.request_id,
        prove=by_password(till.pool, hasher, password, device=f"till:{till.login}", at=till.at) if password else None,
        at=till.at,
    )
    now = await till.draft()
    if now is None or now.request_id != there.request_id:
        # Somebody worked on in another window meanwhile. What was paid must be seen all the same.
        return f"/till/settlements/{settled.settlement_id}"
    return None


def _split_shown(data: dict[str, str]) -> Split:
    """Return the amounts that the form was shown with. Refusals: Malformed."""
    try:
        return msgspec.convert(
            {name: data.get(name.removesuffix("_fen")) for name in Split.__struct_fields__}, Split, strict=False
        )
    except msgspec.ValidationError:
        raise Malformed(what="缺少所显示的金额。") from None


@post("/clear")
async def clear(till: Till, data: Form) -> Page:
    return await till.after(_clear(till, data))


async def _clear(till: Till, data: dict[str, str]) -> None:
    there = await till.draft()
    if there is None:
        return
    require_shown(there, data)
    async with transaction(till.pool) as tx:
        await draft.clear(tx, there)


handlers = [send, withdraw, confirm, clear]
