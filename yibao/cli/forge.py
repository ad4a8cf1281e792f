"""`yibao forge`: try to get past the till with codes that no phone shows at this moment, as many as asked for.

Every attempt goes through `credential.redeem` on a real database. Nothing is counted against a till here, so that the
limits on bad scans do not help: what is measured is the code alone. Genuine codes are mixed in, which must be accepted,
or a gate that refuses everything would look safe.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from yibao import credential
from yibao.cli import instance
from yibao.core.clock import now
from yibao.core.database import Pool, open_pool, transaction
from yibao.core.gm import hmac_sm3_under
from yibao.core.refusal import Refusal
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault

PHONES = 100  # Every other one draws its codes itself, without a network.
LOST = 20  # Further ones that draw their codes, whose owners have signed them out from elsewhere.
TICKETS = 5_000  # So many each phone has shown, or holds; the first half of them is spent.
SESSION = b"signed in"
PLACE, PROVINCE, INSTITUTION = "510500", "510000", "P51050099001"
FIRST_PERSON, FIRST_DEVICE = 700_000_000_000, 700_000_000
GENUINE_EVERY = 200
AT_ONCE = 64

# What is tried, and how often in twenty. Wrong tags on tickets that were shown are the dearest to refuse: a day of
# half minutes is searched for each, to tell an old code from a forged one.
WEIGHTS = {"blind": 8, "unseen": 3, "replayed": 3, "expired": 3, "lost": 1, "tampered": 1, "spliced": 1}
NAMES = {
    "blind": "盲猜：随机的 28 位",
    "unseen": "真设备，没有出示过的票",
    "replayed": "用过的码再用",
    "expired": "过期的码",
    "lost": "已退出登录的手机离线出的码",
    "tampered": "真码改一位",
    "spliced": "两个真码拼接",
    "genuine": "真码（应当通过）",
}


@dataclass
class Outcome:
    """How the attempts of each kind ended: accepted, or refused with a code."""

    ended: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, kind: str, how: str) -> None:
        self.ended.setdefault(kind, Counter())[how] += 1

    @property
    def wrongly_accepted(self) -> int:
        return sum(counter["accepted"] for kind, counter in self.ended.items() if kind != "genuine")

    @property
    def wrongly_refused(self) -> int:
        genuine = self.ended.get("genuine", Counter())
        return genuine.total() - genuine["accepted"]

    @property
    def attempts(self) -> int:
        return sum(counter.total() for counter in self.ended.values())


def run(console: Console, *, count: int, seed: int) -> Outcome:
    """Attack a database of its own, in a folder that is deleted, and print what came of it."""
    with (
        tempfile.TemporaryDirectory(prefix="yibao-forge-") as folder,
        instance.opened(Settings(home=Path(folder)), server_settings={"shared_buffers": "256MB"}) as found,
    ):
        outcome = asyncio.run(_run(found, console, count=count, seed=seed))
    _show(console, outcome)
    return outcome


async def _run(found: instance.Instance, console: Console, *, count: int, seed: int) -> Outcome:
    keys = instance.keys_of(found.settings)
    await instance.migrated(found.settings)
    owner = await open_pool(found.superuser_url, role="none", size=1)
    await prepare(owner, keys, at=now())
    await owner.execute("VACUUM ANALYZE credential.device, credential.device_locator, credential.spent")
    await owner.close()
    pool = await open_pool(found.settings.database_url, size=4)
    columns = (TextColumn("伪造"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("codes", total=count)
        outcome = await attack(
            pool, keys, count=count, random=Random(seed), clock=now, progress=lambda: progress.advance(task)
        )
    await pool.close()
    return outcome


async def prepare(pool: Pool, keys: Keys, *, at: datetime) -> None:
    """Write phones that have shown their tickets, half of which are spent. The pool's role must own the tables."""
    vault = Vault(keys)
    phones = [(str(FIRST_PERSON + n), _device(n)) for n in range(PHONES + LOST)]
    until = at + timedelta(days=7)
    sessions = [None if n < PHONES and n % 2 else SESSION if n < PHONES else b"ended" for n in range(PHONES + LOST)]
    async with transaction(pool) as tx:

        async def copy(schema: str, table: str, columns: list[str], records: list[tuple[object, ...]]) -> None:
            await tx.copy_records_to_table(table, schema_name=schema, columns=columns, records=records)

        name = [vault.seal("甲", table="registry.person", column="name", person=person) for person, _ in phones]
        await copy(
            "registry",
            "person",
            ["person_id", "name", "cert_type", "cert_no", "gender", "birth_on"],
            [(p, sealed, "01", sealed, "1", at.date()) for (p, _), sealed in zip(phones, name, strict=True)],
        )
        await copy(
            "credential",
            "holder",
            ["person_id", "account_id", "psn_no", "place", "bound_at", "agreed_at"],
            [(p, p, p, PLACE, at, at) for p, _ in phones],
        )
        await copy(
            "credential",
            "device",
            [
                *("person_id", "device_number", "account_id", "channel", "browser", "next_ticket", "activated_at"),
                *("session", "offline_until"),
            ],
            [
                (p, d, p, "web", d.encode(), TICKETS, at, session, until if session else None)
                for (p, d), session in zip(phones, sessions, strict=True)
            ],
        )
        await copy(
            "identity",
            "session",
            ["token_digest", "account_id", "device", "started_at", "expires_at"],
            [(SESSION, phones[0][0], "phone", at, until)],
        )
        await copy("credential", "device_locator", ["device_number", "person_id"], [(d, p) for p, d in phones])
        await copy(
            "credential",
            "spent",
            ["person_id", "device_number", "ticket", "institution", "spent_at"],
            [(p, d, ticket, INSTITUTION, at) for p, d in phones for ticket in range(TICKETS // 2)],
        )


def _device(n: int) -> str:
    return f"{FIRST_DEVICE + n * 7_919:09d}"


async def attack(
    pool: Pool,
    keys: Keys,
    *,
    count: int,
    random: Random,
    clock: Callable[[], datetime],
    progress: Callable[[], None] = lambda: None,
) -> Outcome:
    """Try `count` codes, each at a till of its own, and return how they ended."""
    codes = credential.Codes(keys)
    gate = credential.Gate(pool, codes=codes, tokens=credential.Tokens(keys), vault=Vault(keys))
    outcome = Outcome()
    forger = _Forger(codes, random)
    numbers = iter(range(count))

    async def attempts() -> None:
        for n in numbers:
            at = clock()
            kind, code = forger.next(n, at)
            try:
                await credential.redeem(gate, code=code, institution=INSTITUTION, till=str(n), at=at)
            except Refusal as refusal:
                outcome.count(kind, refusal.code)
            else:
                outcome.count(kind, "accepted")
            progress()

    began = time.perf_counter()
    await asyncio.gather(*(attempts() for _ in range(AT_ONCE)))
    outcome.seconds = time.perf_counter() - began
    return outcome


class _Forger:
    """Knows every code that the phones have ever shown, and no key; only the genuine ones come from the keys."""

    def __init__(self, codes: credential.Codes, random: Random) -> None:
        self._codes = codes
        self._random = random
        self._kinds = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
        self._unspent = self._one_by_one()

    def next(self, n: int, at: datetime) -> tuple[str, str]:
        if n % GENUINE_EVERY == 0:
            phone, ticket = next(self._unspent)
            return "genuine", self._shown(phone, ticket, at)
        kind = self._kinds[n % len(self._kinds)]
        return kind, getattr(self, f"_{kind}")(at)

    @staticmethod
    def _one_by_one() -> Iterator[tuple[int, int]]:
        """Yield tickets of the last quarter, each once: what is accepted must not have been before."""
        for ticket in range(TICKETS * 3 // 4, TICKETS):
            for phone in range(PHONES):
                yield phone, ticket

    def _shown(self, phone: int, ticket: int, at: datetime) -> str:
        return self._codes.make(device_number=_device(phone), ticket=ticket, province=PROVINCE, at=at)

    def _live(self, at: datetime) -> str:
        """Return a code that would be accepted now, of a ticket that the genuine ones leave alone."""
        ticket = self._random.randrange(TICKETS // 2, TICKETS * 3 // 4)
        return self._shown(self._random.randrange(PHONES), ticket, at)

    def _blind(self, _: datetime) -> str:
        return f"{self._random.randrange(10**22):022d}{PROVINCE}"

    def _unseen(self, at: datetime) -> str:
        """A ticket that the phone has not shown yet, with its right tag: more than any forger can have."""
        return self._shown(self._random.randrange(PHONES), self._random.randrange(TICKETS, 10_000), at)

    def _replayed(self, at: datetime) -> str:
        return self._shown(self._random.randrange(PHONES), self._random.randrange(TICKETS // 2), at)

    def _expired(self, at: datetime) -> str:
        """From a minute and a half to ten minutes ago, as from a photograph."""
        return self._live(at - timedelta(seconds=self._random.randrange(90, 600)))

    def _lost(self, at: datetime) -> str:
        """With the right tag: the phone does not know that it may not any more."""
        return self._shown(self._random.randrange(PHONES, PHONES + LOST), self._random.randrange(TICKETS), at)

    def _tampered(self, at: datetime) -> str:
        code, place = self._live(at), self._random.randrange(22)
        other = (int(code[place]) + self._random.randrange(1, 10)) % 10
        return f"{code[:place]}{other}{code[place + 1 :]}"

    def _spliced(self, at: datetime) -> str:
        one = other = self._live(at)
        while other[:13] == one[:13]:
            other = self._live(at)
        return one[:13] + other[13:]


def _show(console: Console, outcome: Outcome) -> None:
    table = Table("做法", "次数", "通过", "拒绝的理由", box=None)
    for kind, name in NAMES.items():
        ended = outcome.ended.get(kind, Counter())
        reasons = "，".join(f"{code} {n:,}" for code, n in ended.most_common() if code != "accepted")
        table.add_row(name, f"{ended.total():,}", f"{ended['accepted']:,}", reasons)
    console.print(table)
    rate, limit = outcome.attempts / outcome.seconds, _tags_per_second()
    console.print(f"  每秒验码 {rate:,.0f} 个；上限：同一台机器每秒算标签 {limit:,.0f} 个")


def _tags_per_second() -> float:
    mac, done, began = hmac_sm3_under(b"k" * 32), 0, time.perf_counter()
    while time.perf_counter() - began < 0.5:
        for _ in range(1_000):
            mac(b"1234567890123510000592000000")
        done += 1_000
    return done / (time.perf_counter() - began)
