"""Running a check: consent, the challenge frame by frame, and the comparison at its end.

No transaction is open while a picture is looked at or somebody outside is asked. Instead every frame carries the number
that is waited for, and what it led to is written only if that number still is; so a frame that comes twice, late or
from a second window does nothing.
"""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from yibao.core import gm
from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.face import challenge, digits, refusals, store
from yibao.face.actions import CHECK_LASTS, opened_subject
from yibao.face.challenge import Drawing, Mode, State
from yibao.face.digits import Listener, NoListener
from yibao.face.eyes import Eyes
from yibao.face.judge import Judge, Outcome
from yibao.face.queries import mark_of
from yibao.face.types import Look, Subject

KEPT = timedelta(days=1)  # No limit looks farther back.
KNOWN_FOR = timedelta(days=400)  # A browser keeps its mark no longer.
DEVICE_TRIES_MAX, TILL_TRIES_MAX, DEVICE_TRIES_IN = 10, 60, timedelta(hours=1)
STRANGERS_MAX, STRANGERS_IN = 10, timedelta(days=1)
MODES: tuple[Mode, ...] = get_args(Mode)


class Check(Struct, frozen=True):
    """One check as its device sees it."""

    check_id: str
    subject: Subject
    purpose: str
    back: str
    consented: bool
    passed: bool
    state: State | None  # of the challenge that runs
    serial: int
    mode: Mode | None  # of the last challenge
    outcome: str | None  # of the last challenge, if it has ended

    @property
    def at_till(self) -> bool:
        """Whether everybody stands before this device.

        It becomes nobody's known device, and answers there are counted apart: no till locks a phone, no phone a till.
        """
        return self.purpose == "till"


def _passed(check: Check) -> str:
    """Return how a challenge that was passed is noted; by `passed` alone a device is known, and longer than a day."""
    return "passed_at_till" if check.at_till else "passed"


class Booth:
    """Where checks are made: the house's eyes, its judge, and what challenges are drawn from.

    `draw` and `judge` may be exchanged; the journeys do it to know what will be asked.
    """

    def __init__(
        self,
        pool: Pool,
        vault: Vault,
        *,
        eyes: Eyes,
        judge: Judge,
        listener: Listener | None = None,
        draw: Drawing = challenge.drawn,
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._eyes = eyes
        self.judge = judge
        self.listener = listener or NoListener()
        self.draw = draw
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def listens(self) -> bool:
        """Whether it is checked which digit was spoken."""
        return not isinstance(self.listener, NoListener)

    async def check(self, check_id: str, *, device: str, at: datetime) -> Check:
        """Return a check of this device.

        Refusals, first that applies: FaceMissing, CheckEnded.
        """
        return await self._check(self._pool, check_id, device=device, at=at)

    async def view(self, check_id: str, *, device: str, at: datetime) -> Check:
        """Return a check of this device, ending a challenge whose time is over.

        Refusals, first that applies: FaceMissing, CheckEnded.
        """
        check = await self.check(check_id, device=device, at=at)
        if check.state is None:
            return check
        state = challenge.expired(check.state, at=at)
        return await self._moved(check, state, at=at) if state.phase == "over" else check

    async def consent(self, check_id: str, *, device: str, at: datetime) -> None:
        """Note that the person agreed to this check; agreeing again changes nothing.

        Refusals, first that applies: FaceMissing, CheckEnded.
        """
        async with transaction(self._pool) as tx:
            await self._check(tx, check_id, device=device, at=at)
            await store.mark_consented(tx, check_id, at=at)

    async def start(self, check_id: str, *, mode: Mode, device: str, at: datetime) -> None:
        """Begin a challenge, in place of one that runs.

        Refusals, first that applies: FaceMissing, CheckEnded, ConsentMissing, PoliceNotConnected, TooManyTries,
        TooManyStrangers, TooManyAtTills.
        """
        self_drawn, nonce = self.draw(mode), secrets.token_hex(16)
        async with transaction(self._pool) as tx:
            await store.hold_check(tx, check_id)
            check = await self._check(tx, check_id, device=device, at=at)
            if check.passed:
                return
            if not check.consented:
                raise refusals.ConsentMissing
            self.judge.require_connected()
            browser = gm.sm3(device.encode())
            await store.hold_tries(tx, browser)  # The device before the certificate, always, or two would wait forever.
            most = TILL_TRIES_MAX if check.at_till else DEVICE_TRIES_MAX
            if await store.attempts_of_device(tx, browser, since=at - DEVICE_TRIES_IN) >= most:
                raise refusals.TooManyTries(most=most)
            mark = mark_of(self._vault, check.subject.cert_no, at_till=check.at_till)
            if check.state is not None:
                await store.end_attempt(tx, check_id=check_id, nonce=check.state.nonce, outcome="left", at=at)
            await store.hold_tries(tx, mark)
            strangers = await store.strangers_since(tx, mark, since=at - STRANGERS_IN, open_since=at - CHECK_LASTS)
            if strangers >= STRANGERS_MAX and not await store.has_passed(tx, device=browser, mark=mark):
                raise refusals.TooManyAtTills if check.at_till else refusals.TooManyStrangers
            await store.forget(
                tx, states_before=at - CHECK_LASTS, checks_before=at - KEPT, passes_before=at - KNOWN_FOR
            )
            await store.add_attempt(tx, check_id=check_id, nonce=nonce, device=browser, mark=mark, mode=mode, at=at)
            state = challenge.begun(mode, draw=self_drawn, nonce=nonce, at=at)
            await store.begin_state(tx, check_id, state=self._sealed(check_id, state))

    async def stop(self, check_id: str, *, device: str, at: datetime) -> str:
        """Give up a challenge, forget what was measured, and return the path that wanted the proof.

        Refusals, first that applies: FaceMissing, CheckEnded.
        """
        async with transaction(self._pool) as tx:
            await store.hold_check(tx, check_id)
            check = await self._check(tx, check_id, device=device, at=at)
            if check.state is not None:
                await self._end(tx, check, "left", at=at)
        return check.back

    async def frame(
        self,
        check_id: str,
        *,
        nonce: str,
        serial: int,
        picture: bytes,
        device: str,
        at: datetime,
        patient: bool = False,
    ) -> Check:
        """Look at one frame of the challenge and return the check after it.

        Refusals, first that applies: FaceMissing, CheckEnded, TooBusy, PictureUnreadable.
        """
        async with self._turn(check_id):
            check = await self._awaited(check_id, nonce=nonce, serial=serial, device=device, at=at)
            if check.state is None or check.serial != serial or check.state.phase == "compare":
                return check
            look = await (self._eyes.look_patiently if patient else self._eyes.look)(picture)
            state = challenge.advance(check.state, look, at=at)
            held = await self._moved(check, state, at=at)
        if state.phase != "compare" or held.state != state:
            return held  # It goes on, or another window was first.
        return await self._compare(held, state, picture, look, at=at)

    async def window(
        self,
        check_id: str,
        *,
        nonce: str,
        serial: int,
        sound: bytes,
        rate: int,
        lead_seconds: float,
        pictures: Sequence[bytes],
        device: str,
        at: datetime,
    ) -> Check:
        """Hear one digit, look at the frames that were made meanwhile, and return the check after it.

        Refusals, first that applies: FaceMissing, CheckEnded, TooBusy, PictureUnreadable. ValueError for what is no
        sound.
        """
        async with self._turn(check_id):
            check = await self._awaited(check_id, nonce=nonce, serial=serial, device=device, at=at)
            if check.state is None or check.serial != serial or check.state.phase != "read":
                return check
            pcm = digits.resampled(sound, rate=rate)
            looks = [await self._eyes.look_patiently(picture) for picture in pictures]
            digit = check.state.digit
            wrong = digits.judged(pcm, looks, digit=digit, lead_seconds=lead_seconds, listener=self.listener)
            return await self._moved(check, challenge.read(check.state, looks, wrong, at=at), at=at)

    def _turn(self, check_id: str) -> asyncio.Lock:
        """Let one picture of a check be looked at after the other: what waited finds its number taken."""
        return self._turns.setdefault(check_id, asyncio.Lock())

    async def _awaited(self, check_id: str, *, nonce: str, serial: int, device: str, at: datetime) -> Check:
        check = await self.check(check_id, device=device, at=at)
        if check.state is not None and check.state.nonce != nonce:
            raise refusals.CheckEnded  # Another window began anew; this one must not speak into its challenge.
        if check.state is None or check.serial != serial:
            return check
        state = challenge.expired(check.state, at=at)
        if state.phase == "over":
            return await self._moved(check, state, at=at)
        return msgspec.structs.replace(check, state=state)

    async def _moved(self, check: Check, state: State, *, at: datetime) -> Check:
        """Write what a frame led to, if it was the one that was waited for, and return the check as it is then."""
        async with transaction(self._pool) as tx:
            over = state.phase == "over"
            sealed = None if over else self._sealed(check.check_id, state)
            if await store.move_state(tx, check.check_id, serial=check.serial, state=sealed) and over:
                await store.end_attempt(
                    tx, check_id=check.check_id, nonce=state.nonce, outcome=state.reason or "left", at=at
                )
            row = await store.check(tx, check.check_id)
            assert row is not None
            return await self._read(tx, row)

    async def _compare(self, held: Check, state: State, picture: bytes, look: Look, *, at: datetime) -> Check:
        outcome: Outcome = await self.judge.judge(picture, look, held.subject, at=at)
        if outcome == "pending" and state.compared + 1 < challenge.COMPARED_MAX:
            return await self._moved(held, challenge.unanswered(state, at=at), at=at)
        async with transaction(self._pool) as tx:
            row = await store.hold_check(tx, held.check_id)
            assert row is not None
            if row["serial"] == held.serial and row["state"] is not None:
                if outcome == "same":
                    await store.mark_passed(tx, held.check_id, at=at)
                await self._end(tx, held, _passed(held) if outcome == "same" else outcome, at=at)
            row = await store.check(tx, held.check_id)
            assert row is not None
            return await self._read(tx, row)

    async def _end(self, tx: Tx, check: Check, outcome: str, *, at: datetime) -> None:
        assert check.state is not None
        await store.end_state(tx, check.check_id)
        await store.end_attempt(tx, check_id=check.check_id, nonce=check.state.nonce, outcome=outcome, at=at)

    async def _check(self, tx: Tx | Pool, check_id: str, *, device: str, at: datetime) -> Check:
        row = await store.check(tx, check_id)
        if row is None or not device or row["device"] != device:
            raise refusals.FaceMissing
        if at >= row["started_at"] + CHECK_LASTS and row["passed_at"] is None:
            raise refusals.CheckEnded(back=row["back"])
        return await self._read(tx, row)

    async def _read(self, tx: Tx | Pool, row: Row) -> Check:
        last = await store.last_attempt(tx, row["check_id"])
        return Check(
            check_id=row["check_id"],
            subject=opened_subject(self._vault, row["check_id"], row["subject"]),
            purpose=row["purpose"],
            back=row["back"],
            consented=row["consented_at"] is not None,
            passed=row["passed_at"] is not None,
            state=self._opened(row["check_id"], row["state"]) if row["state"] is not None else None,
            serial=row["serial"],
            mode=last["mode"] if last else None,
            outcome=last["outcome"] if last else None,
        )

    def _sealed(self, check_id: str, state: State) -> bytes:
        text = msgspec.json.encode(state).decode()
        return self._vault.seal(text, table="face.check", column="state", person=check_id)

    def _opened(self, check_id: str, sealed: bytes) -> State:
        text = self._vault.open(sealed, table="face.check", column="state", person=check_id)
        return msgspec.json.decode(text, type=State)
