"""The worker on a real outbox, and with a worker that is killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from yibao.core import outbox
from yibao.core.database import Pool, transaction
from yibao.core.outbox import Event
from yibao.worker import Worker
from yibao.worker import drain as drain_module

DIES_AFTER_HANDLING = """
import asyncio, os, signal, sys
from yibao.core.database import open_pool
from yibao.worker import Worker

async def handle(event):
    print("handled", event.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    pool = await open_pool(sys.argv[1])
    await Worker(pool, {"test.bang": [handle]}).drain_once()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
async def _outbox(owner_pool: Pool) -> AsyncIterator[None]:
    """Leave nothing of other tests in the way, and nothing of these in theirs."""
    await owner_pool.execute("DELETE FROM core.outbox")
    yield
    await owner_pool.execute("DELETE FROM core.outbox")


class Heard:
    """A handler that notes what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def words(self) -> list[str]:
        return [event.payload["word"] for event in self.events]


async def publish(pool: Pool, at: datetime, *words: str, person_id: str = "1", topic: str = "test.said") -> None:
    async with transaction(pool) as tx:
        for word in words:
            await outbox.publish(tx, person_id=person_id, topic=topic, payload={"word": word}, at=at)


async def left(pool: Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM core.outbox")
    return count


async def end_leases(pool: Pool) -> None:
    """Let the time pass that a lease or a postponement lasts."""
    await pool.execute("UPDATE core.outbox SET due_at = now()")


async def test_an_event_reaches_every_handler_of_its_topic_and_is_forgotten(pool: Pool, at: datetime) -> None:
    first, second = Heard(), Heard()
    await publish(pool, at, "hello")
    worker = Worker(pool, {"test.said": [first, second]})
    assert await worker.drain_once() == 1
    assert first.words == second.words == ["hello"]
    assert first.events[0].created_at == at
    assert await left(pool) == 0
    assert await worker.drain_once() == 0


async def test_what_nobody_hears_is_forgotten_with_one_warning(
    pool: Pool, at: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    await publish(pool, at, "a", "b", topic="test.unheard")
    assert await Worker(pool, {}).drain_once() == 2
    assert await left(pool) == 0
    assert capsys.readouterr().out.count("worker.topic_unheard") == 1


async def test_a_worker_that_is_killed_after_handling_leaves_the_event_for_the_next(
    pool: Pool, superuser_dsn: str, at: datetime
) -> None:
    await publish(pool, at, "again", topic="test.bang")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES_AFTER_HANDLING, superuser_dsn, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert out.startswith(b"handled")

    heard = Heard()
    survivor = Worker(pool, {"test.bang": [heard]})
    assert await survivor.drain_once() == 0  # Still leased to the dead one.
    await end_leases(pool)
    assert await survivor.drain_once() == 1
    assert heard.words == ["again"]
    assert heard.events[0].attempts == 2
    assert await left(pool) == 0


async def test_the_events_of_a_person_are_handled_in_their_order_and_those_of_others_meanwhile(
    pool: Pool, at: datetime
) -> None:
    words = [f"{n}" for n in range(10)]
    order: list[str] = []
    other_handled = asyncio.Event()

    async def handle(event: Event) -> None:
        if event.person_id == "2":
            other_handled.set()
            return
        await other_handled.wait()  # Nothing here moves unless the other person is served beside it.
        await pool.fetchval("SELECT 1")
        order.append(event.payload["word"])

    await publish(pool, at, *words, person_id="1")
    await publish(pool, at, "x", person_id="2")
    assert await Worker(pool, {"test.said": [handle]}).drain_once() == 11
    assert order == words
    assert await left(pool) == 0


async def test_the_order_holds_across_two_looks_at_the_outbox(pool: Pool, at: datetime) -> None:
    order: list[str] = []
    begun, go_on, beside = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(event: Event) -> None:
        word = event.payload["word"]
        if word == "first":
            begun.set()
            await go_on.wait()
        order.append(word)
        if word == "beside":
            beside.set()

    worker = Worker(pool, {"test.said": [handle]})
    await publish(pool, at, "first")
    one_look = asyncio.create_task(worker.drain_once())
    await begun.wait()
    await publish(pool, at, "second")
    await publish(pool, at, "beside", person_id="2")
    another_look = asyncio.create_task(worker.drain_once())
    await beside.wait()
    assert order == ["beside"]
    go_on.set()
    assert [await one_look, await another_look] == [1, 2]
    assert order == ["beside", "first", "second"]


async def test_an_event_that_always_fails_holds_up_no_other_and_waits_longer_each_time(
    pool: Pool, at: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard()

    async def handle(event: Event) -> None:
        if event.payload["word"] == "poison":
            raise ValueError(f"cannot swallow {event.payload['word']} of {event.person_id}")
        await heard(event)

    await publish(pool, at, "before", "poison", "after", person_id="990000000017")
    await publish(pool, at, "beside", person_id="2")
    worker = Worker(pool, {"test.said": [handle]})
    assert await worker.drain_once() == 4
    assert sorted(heard.words) == ["after", "before", "beside"]

    log = capsys.readouterr().out
    assert "worker.postponed" in log
    assert "ValueError" in log
    assert "poison" not in log  # Neither what it carried …
    assert "990000000017" not in log  # … nor whose it is.

    waits = []
    for _ in range(3):
        [row] = await pool.fetch("SELECT due_at - now() AS wait, payload FROM core.outbox")
        assert row["payload"] == {"word": "poison"}
        waits.append(row["wait"])
        await end_leases(pool)
        assert await worker.drain_once() == 1
    assert timedelta(0) < waits[0] < waits[1] < waits[2]


async def test_a_failure_of_one_handler_brings_the_event_to_all_again(pool: Pool, at: datetime) -> None:
    heard, refusals = Heard(), [RuntimeError()]

    async def stumbles(_: Event) -> None:
        if refusals:
            raise refusals.pop()

    await publish(pool, at, "word")
    worker = Worker(pool, {"test.said": [heard, stumbles]})
    await worker.drain_once()
    await end_leases(pool)
    await worker.drain_once()
    assert heard.words == ["word", "word"]
    assert heard.events[0].id == heard.events[1].id  # By which a handler knows what it has done already.
    assert await left(pool) == 0


async def test_workers_side_by_side_never_have_one_event_in_two_hands(pool: Pool, at: datetime) -> None:
    words = [f"{n}" for n in range(120)]
    stop = asyncio.Event()
    in_hand: set[int] = set()
    handled: list[str] = []

    async def handle(event: Event) -> None:
        assert event.id not in in_hand
        in_hand.add(event.id)
        await pool.fetchval("SELECT 1")
        in_hand.remove(event.id)
        handled.append(event.payload["word"])
        if len(handled) == len(words):
            stop.set()

    for word in words:
        await publish(pool, at, word, person_id=word)
    workers = [asyncio.create_task(Worker(pool, {"test.said": [handle]}, at_once=4).run(stop)) for _ in range(3)]
    async with asyncio.timeout(30):
        await asyncio.gather(*workers)
    assert await left(pool) == 0
    assert sorted(handled, key=int) == words


async def test_a_stopped_worker_finishes_what_it_has_begun(pool: Pool, at: datetime) -> None:
    begun, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: Event) -> None:
        begun.set()
        await go_on.wait()

    await publish(pool, at, "last")
    running = asyncio.create_task(Worker(pool, {"test.said": [handle]}).run(stop))
    await begun.wait()
    stop.set()
    go_on.set()
    await running
    assert await left(pool) == 0


async def test_a_handler_without_end_is_cut_off_before_the_lease_ends(
    pool: Pool, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=drain_module.HELD_SECONDS_MAX) < outbox.LEASE
    monkeypatch.setattr(drain_module, "HELD_SECONDS_MAX", 0.05)

    async def handle(_: Event) -> None:
        await asyncio.Event().wait()

    await publish(pool, at, "forever", "behind it")
    assert await Worker(pool, {"test.said": [handle]}).drain_once() == 2
    rows = await pool.fetch("SELECT payload, due_at > now() + interval '20 seconds' AS leased FROM core.outbox")
    # The first is given back; the second never began, so it is left to the lease that still covers it.
    assert {row["payload"]["word"]: row["leased"] for row in rows} == {"forever": False, "behind it": True}


async def test_a_database_that_is_away_is_a_pause(pool: Pool, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, stop = Heard(), asyncio.Event()
    lease, failures = outbox.lease, [ConnectionRefusedError()]

    async def away_once(pool: Pool, *, limit: int) -> list[Event]:
        if failures:
            raise failures.pop()
        return await lease(pool, limit=limit)

    async def handle(event: Event) -> None:
        await heard(event)
        stop.set()

    monkeypatch.setattr(outbox, "lease", away_once)
    await publish(pool, at, "after the pause")
    async with asyncio.timeout(30):
        await Worker(pool, {"test.said": [handle]}).run(stop)
    assert heard.words == ["after the pause"]
    assert not failures
    assert await left(pool) == 0
