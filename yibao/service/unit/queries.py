"""Who may act for which unit, and what was done in its name."""

from msgspec import Struct

from yibao import credential, identity
from yibao.core.database import Pool, Row, Tx
from yibao.core.vault import Vault
from yibao.service.unit import refusals, store
from yibao.service.unit.types import Activated, Listed, Named, Operator, Seat, SignedIn, SignIn, Unit


def certificate_index(vault: Vault, cert_type: str, cert_no: str) -> bytes:
    return vault.index(f"operator:{cert_type}", cert_no)


def operator_name(vault: Vault, row: Row) -> str:
    operator_id: str = row["operator_id"]
    return vault.open(row["operator_name"], table="unit.operator", column="name", person=operator_id)


def _operator(vault: Vault, row: Row) -> Operator:
    operator_id = row["operator_id"]
    tail, told = (
        vault.open(row[column], table="unit.operator", column=column, person=operator_id) if row[column] else ""
        for column in ("cert_tail", "told")
    )
    return Operator(
        operator_id, operator_name(vault, row), tail, told, row["legal"], row["account_id"], row["appointed_at"]
    )


async def units_of(tx: Tx | Pool, vault: Vault, account_id: str) -> list[Seat]:
    """Return the units for which an account may act: those that name its proved real name, name and number alike.

    Refusals: identity.AccountUnknown, core.SealBroken.
    """
    account = await identity.account(tx, vault, account_id)
    if account.real_name_at is None or account.cert_type is None or account.cert_no is None:
        return []
    rows = await store.seats(tx, certificate_index(vault, account.cert_type, account.cert_no))
    seats = [Seat(store.unit_of(row), _operator(vault, row)) for row in rows]
    return [seat for seat in seats if credential.same_name(seat.operator.name, account.name or "")]


class Traces(Struct, frozen=True):
    """All that is kept about somebody who acts or acted for units."""

    listed: tuple[Listed, ...]
    activated: tuple[Activated, ...]
    signed_in: tuple[SignedIn, ...]


async def traces_of(tx: Tx | Pool, vault: Vault, who: identity.Account) -> Traces:
    """Return what is kept about an account's owner as one who acts for units; three statements.

    Refusals: core.SealBroken.
    """
    if who.cert_type is None or who.cert_no is None:
        return Traces((), (), ())
    index = certificate_index(vault, who.cert_type, who.cert_no)
    return Traces(
        listed=tuple(
            Listed(row["unit"], row["credit_code"], row["legal"], row["appointed_at"], row["removed_at"])
            for row in await store.seats_ever(tx, index)
            if credential.same_name(operator_name(vault, row), who.name or "")
        ),
        activated=tuple(Activated(**row) for row in await store.activations_of(tx, index)),
        signed_in=tuple(SignedIn(**row) for row in await store.sign_ins_of(tx, index)),
    )


async def seat(tx: Tx | Pool, vault: Vault, *, unit_id: str, account_id: str) -> Seat:
    """Return as whom an account acts for a unit now. Refusals, first that applies: AccountUnknown, NotOperator."""
    for found in await units_of(tx, vault, account_id):
        if found.unit.unit_id == unit_id:
            return found
    raise refusals.NotOperator


async def operators(tx: Tx | Pool, vault: Vault, unit_id: str) -> list[Operator]:
    """Return who may act for a unit, the legal representative first. Refusals: core.SealBroken."""
    return [_operator(vault, row) for row in await store.operators(tx, unit_id)]


async def removable(tx: Tx, vault: Vault, seat: Seat, operator_id: str) -> Operator:
    """Return the operator whom somebody may take off their unit's list, held.

    Refusals, first that applies: OnlyLegal, OperatorUnknown, LegalStays, core.SealBroken.
    """
    if not seat.operator.legal:
        raise refusals.OnlyLegal
    row = await store.operator(tx, seat.unit.unit_id, operator_id)
    if row is None:
        raise refusals.OperatorUnknown
    if row["legal"]:
        raise refusals.LegalStays
    return _operator(vault, row)


async def is_legal(tx: Tx | Pool, vault: Vault, unit_id: str, named: Named) -> bool:
    """Say whether a unit's legal representative is this person already, name and number alike.

    A name that was written wrong can so be put right. Refusals: core.SealBroken.
    """
    index = certificate_index(vault, named.cert_type, named.cert_no)
    return any(
        row["legal"] and row["cert_index"] == index and credential.same_name(operator_name(vault, row), named.name)
        for row in await store.operators(tx, unit_id)
    )


async def sign_ins(tx: Tx | Pool, vault: Vault, unit_id: str, *, limit: int = 50) -> list[SignIn]:
    """Return who signed in with the unit's code, the latest first. Refusals: core.SealBroken."""
    rows = await store.sign_ins(tx, unit_id, limit=limit)
    return [SignIn(operator_name(vault, row), row["signed_in_at"]) for row in rows]


async def find(tx: Tx | Pool, text: str, *, limit: int = 50) -> list[Unit]:
    """Return units by credit code or part of the name; none for no text."""
    plain = "".join(text.split())
    return await store.find_units(tx, plain, limit=limit) if plain else []


async def phones(tx: Tx | Pool, unit_id: str, *, operator_id: str | None = None) -> int:
    """Return on how many phones a unit's code is active, of one operator or of all."""
    return await store.devices(tx, unit_id, operator_id=operator_id)
