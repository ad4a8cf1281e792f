"""An account's family as its owner sees it, and whose codes an account shows, for whoever settles with them."""

import base64
from datetime import datetime

from msgspec import Struct

from yibao import registry
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.service.family import rules, store
from yibao.service.family.types import Application, Link, Request


class Relative(Struct, frozen=True):
    """Somebody who shows this person's code."""

    link: Link
    name: str
    relation: str


class Member(Struct, frozen=True):
    """Somebody whose code this account shows; the name is masked."""

    link: Link
    name: str
    relation: str
    others: tuple[Relative, ...] = ()  # Who else shows the code of a child, for its guardian.


class Asked(Struct, frozen=True):
    """Somebody asks this person, or is asked by this account. Whoever is asked sees the asker's whole name."""

    request: Request
    name: str
    relation: str


class Applied(Struct, frozen=True):
    application: Application
    name: str
    says: tuple[str, ...]  # What did not agree, in words.
    reason: str


class Family(Struct, frozen=True):
    """Everything on the page 我的家庭成员."""

    members: tuple[Member, ...]
    relatives: tuple[Relative, ...]
    asks_me: tuple[Asked, ...]
    asked: tuple[Asked, ...]
    applications: tuple[Applied, ...]


async def family(tx: Tx | Pool, vault: Vault, *, account_id: str, person_id: str, at: datetime) -> Family:
    """Return an account's family: whose codes it shows, who shows its owner's, and what is still open."""
    return Family(
        members=tuple(
            [
                Member(
                    link,
                    await _masked(tx, vault, link.person_id),
                    rules.RELATIONS[link.relation],
                    await relatives_of(tx, vault, link.person_id, but=account_id, at=at)
                    if link.method == "guardian"
                    else (),
                )
                for link in await store.links_of_account(tx, account_id)
                if link.lives(at)
            ]
        ),
        relatives=await relatives_of(tx, vault, person_id, at=at),
        asks_me=tuple(
            [
                Asked(one, (await registry.person(tx, vault, one.relative)).name, rules.BACKWARDS[one.relation])
                for one in await store.open_requests_of_member(tx, person_id, at=at)
            ]
        ),
        asked=tuple(
            [
                Asked(one, await _masked(tx, vault, one.person_id), rules.RELATIONS[one.relation])
                for one in await store.open_requests_of_account(tx, account_id, at=at)
            ]
        ),
        applications=tuple(
            [await applied(tx, vault, one) for one in await store.applications_of_account(tx, account_id)]
        ),
    )


async def relatives_of(
    tx: Tx | Pool, vault: Vault, person_id: str, *, but: str = "", at: datetime
) -> tuple[Relative, ...]:
    """Return who shows a person's code, the account `but` left out."""
    return tuple(
        [
            Relative(link, await _masked(tx, vault, link.relative), rules.BACKWARDS[link.relation])
            for link in await store.links_of_member(tx, person_id)
            if link.lives(at) and link.account_id != but
        ]
    )


async def links(tx: Tx | Pool, *, account_id: str, person_id: str) -> list[Link]:
    """Return every link in which somebody shows a code or has theirs shown, those that have ended too."""
    return await store.links_ever(tx, account_id=account_id, person_id=person_id)


async def member(tx: Tx | Pool, vault: Vault, link: Link) -> Member:
    """Return a member as the page of their code names them."""
    return Member(link, await _masked(tx, vault, link.person_id), rules.RELATIONS[link.relation])


async def applied(tx: Tx | Pool, vault: Vault, application: Application) -> Applied:
    """Return an application in the words of its pages. Refusals: core.SealBroken."""
    reason = ""
    if application.reason is not None:
        reason = vault.open(
            application.reason, table="family.application", column="reason", person=application.person_id
        )
    return Applied(
        application,
        await _masked(tx, vault, application.person_id),
        tuple(rules.FINDINGS[one] for one in application.findings),
        reason,
    )


async def _masked(tx: Tx | Pool, vault: Vault, person_id: str) -> str:
    return registry.masked_name((await registry.person(tx, vault, person_id)).name)


async def pictures(tx: Tx | Pool, vault: Vault, application: Application) -> list[bytes]:
    """Return the pictures of an application that is not decided. Refusals: core.SealBroken."""
    return [
        base64.b64decode(
            vault.open(row["picture"], table="family.proof", column="picture", person=application.person_id)
        )
        for row in await store.proofs(tx, application.person_id, application.application_id)
    ]


async def shown_by(tx: Tx | Pool, account_id: str) -> dict[str, Link]:
    """Return the links of an account by their person.

    Leave for a short while that is just over is among them: what was begun with it may still be paid.
    """
    return {link.person_id: link for link in await store.links_of_account(tx, account_id)}
