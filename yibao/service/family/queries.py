"""An account's family as its owner sees it, and whose codes an account shows, for whoever settles with them."""

import base64
from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from yibao import registry
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.service.family import rules, store
from yibao.service.family.types import Application, Link, Request

APPLICATIONS_SHOWN = 20


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


class Ended(Struct, frozen=True):
    """Somebody whose code this account showed until lately, and what happened."""

    name: str
    relation: str
    at: datetime
    says: str


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


class Todo(Struct, frozen=True):
    """How much the staff of a place have to do."""

    waiting: int
    late: int  # Of those that wait.
    unchecked: int  # What papers alone decided and nobody has looked at.


class Family(Struct, frozen=True):
    """Everything on the page 我的家庭成员."""

    members: tuple[Member, ...]
    ended: tuple[Ended, ...]
    relatives: tuple[Relative, ...]
    asks_me: tuple[Asked, ...]
    asked: tuple[Asked, ...]
    applications: tuple[Applied, ...]


async def family(tx: Tx | Pool, vault: Vault, *, account_id: str, person_id: str, at: datetime) -> Family:
    """Return an account's family: whose codes it shows, who shows its owner's, and what is still open.

    Three statements, however large the family is. Refusals: core.SealBroken.
    """
    found = await store.links_around(tx, account_id=account_id, person_id=person_id, ended_after=at - rules.ENDED_SHOWN)
    living = [one for one in found if one[0].lives(at)]
    requests = await store.open_requests_around(tx, account_id=account_id, person_id=person_id, at=at)
    return Family(
        members=tuple(
            Member(
                link,
                _masked(vault, link.person_id, name),
                rules.RELATIONS[link.relation],
                _relatives(vault, living, link.person_id, but=account_id) if link.method == "guardian" else (),
            )
            for link, name, _ in living
            if link.account_id == account_id
        ),
        ended=_ended(vault, [one for one in found if one[0].account_id == account_id], at=at),
        relatives=_relatives(vault, living, person_id),
        asks_me=tuple(
            Asked(one, registry.name_of(vault, one.relative, name), rules.backwards(one))
            for one, _, name in requests
            if one.person_id == person_id
        ),
        asked=tuple(
            Asked(one, _masked(vault, one.person_id, name), rules.RELATIONS[one.relation])
            for one, name, _ in requests
            if one.account_id == account_id
        ),
        applications=tuple(
            _in_words(vault, one, _masked(vault, one.person_id, name))
            for one, name in await store.named_applications(tx, account_id, most=APPLICATIONS_SHOWN)
        ),
    )


def _ended(vault: Vault, links: Sequence[tuple[Link, bytes, bytes]], *, at: datetime) -> tuple[Ended, ...]:
    """Return how it ended with whoever is no longer among the members, the latest first and everybody once."""
    last = {link.person_id: (link, name) for link, name, _ in links}
    over = [(link.ended_at or link.until_at or at, link, name) for link, name in last.values() if not link.lives(at)]
    return tuple(
        Ended(
            _masked(vault, link.person_id, name),
            rules.RELATIONS[link.relation],
            ended_at,
            rules.says_how_it_ended(link),
        )
        for ended_at, link, name in sorted(over, key=lambda one: one[0], reverse=True)
    )


def _relatives(
    vault: Vault, living: Sequence[tuple[Link, bytes, bytes]], person_id: str, *, but: str = ""
) -> tuple[Relative, ...]:
    return tuple(
        Relative(link, _masked(vault, link.relative, name), rules.backwards(link))
        for link, _, name in living
        if link.person_id == person_id and link.account_id != but
    )


async def relatives_of(tx: Tx | Pool, vault: Vault, person_id: str, *, but: str, at: datetime) -> tuple[Relative, ...]:
    """Return who shows a person's code, the account `but` left out. Refusals: core.SealBroken."""
    found = await store.links_around(tx, account_id="", person_id=person_id, ended_after=at)
    return _relatives(vault, [one for one in found if one[0].lives(at)], person_id, but=but)


async def links(tx: Tx | Pool, *, account_id: str, person_id: str) -> list[Link]:
    """Return every link in which somebody shows a code or has theirs shown, those that have ended too."""
    return await store.links_ever(tx, account_id=account_id, person_id=person_id)


async def requests(tx: Tx | Pool, *, account_id: str, person_id: str) -> list[Request]:
    """Return every request that an account made or a person received, whatever became of it."""
    return await store.requests_ever(tx, account_id=account_id, person_id=person_id)


async def applications(tx: Tx | Pool, vault: Vault, account_id: str) -> list[Applied]:
    """Return an account's applications for children, without the children. Refusals: core.SealBroken."""
    return [_in_words(vault, one, "") for one in await store.applications_ever(tx, account_id)]


async def member(tx: Tx | Pool, vault: Vault, link: Link) -> Member:
    """Return a member as the page of their code names them."""
    person = await registry.person(tx, vault, link.person_id)
    return Member(link, registry.masked_name(person.name), rules.RELATIONS[link.relation])


async def relative(tx: Tx | Pool, vault: Vault, link: Link) -> Relative:
    """Return the one who shows a member's code, as the member reads of them."""
    person = await registry.person(tx, vault, link.relative)
    return Relative(link, registry.masked_name(person.name), rules.backwards(link))


async def applied(tx: Tx | Pool, vault: Vault, application: Application) -> Applied:
    """Return an application in the words of its pages. Refusals: core.SealBroken."""
    person = await registry.person(tx, vault, application.person_id)
    return _in_words(vault, application, registry.masked_name(person.name))


async def ended_since(tx: Tx | Pool, application: Application, *, at: datetime) -> str:
    """Return how it ended if the applicant can show the child's code no longer; empty if they can, or never could."""
    link = await store.last_link(tx, person_id=application.person_id, account_id=application.account_id)
    return "" if link is None or link.lives(at) else rules.says_how_it_ended(link)


def _in_words(vault: Vault, application: Application, name: str) -> Applied:
    reason = ""
    if application.reason is not None:
        reason = vault.open(
            application.reason, table="family.application", column="reason", person=application.person_id
        )
    return Applied(application, name, tuple(rules.FINDINGS[one] for one in application.findings), reason)


def _masked(vault: Vault, person_id: str, sealed: bytes) -> str:
    return registry.masked_name(registry.name_of(vault, person_id, sealed))


async def todo(tx: Tx | Pool, *, place: str, on: date) -> Todo:
    """Return how many applications wait for the agency of a place on a day. One statement."""
    return Todo(**await store.todo(tx, place, on))


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
