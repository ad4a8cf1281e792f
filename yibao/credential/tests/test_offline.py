"""Codes that the phone draws itself (F1): what it is given, that the till takes them, and when it no longer does."""

import asyncio
import json
import secrets
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zxingcpp
from msgspec.structs import replace

from tests import assets
from yibao import credential, identity
from yibao.core.database import transaction
from yibao.core.gm import hmac_sm3_under
from yibao.core.vault import Keys
from yibao.credential import actions, offline, queries, refusals
from yibao.credential.code import STEP_SECONDS
from yibao.credential.live import PackView
from yibao.credential.types import Pack
from yibao.web.assets import CHECKOUT, NODE

from .channel import admitted
from .conftest import Holder, House
from .test_draw import painted

STEP = timedelta(seconds=STEP_SECONDS)
WEEK = timedelta(days=7)

STATIC = CHECKOUT / "yibao" / "web" / "static"

# A phone of 2015: its storage, and the page's scripts with what it has not taken away. Prints what it drew.
PHONE = """
const fs = require("fs"), vm = require("vm");
const [given, at, ...files] = process.argv.slice(1);
const kept = {};
const phone = {
  localStorage: {
    getItem: (name) => (name in kept ? kept[name] : null),
    setItem: (name, value) => { kept[name] = String(value); },
    removeItem: (name) => { delete kept[name]; },
  },
};
phone.window = phone;
phone.self = phone;
vm.createContext(phone);
vm.runInContext(`
  delete Uint32Array.prototype.__proto__.fill; delete Array.prototype.fill; delete Array.from;
  delete Array.prototype.includes; delete String.prototype.includes; delete String.prototype.codePointAt;
  delete Array.prototype.find; delete Object.assign; delete String.prototype.padStart;
  var Promise, fetch, Map, Set, Symbol;
  Date.now = function () { return clock; };
`, Object.assign(phone, { clock: 0 }));
files.forEach((file) => vm.runInContext(fs.readFileSync(file, "utf8"), phone));
const { packs, steps } = JSON.parse(given);
const drawn = steps.map((step) => {
  phone.clock = step.here;
  if (step.heard) { phone.yibaoOffline.setClock(step.heard, step.here); }
  if ("keep" in step) { phone.yibaoOffline.keep("/code", "mark", "张*", packs[step.keep]); }
  return phone.yibaoOffline.draw("/code");
});
console.log(JSON.stringify(drawn));
"""


def phone(packs: list[PackView], steps: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Run the page's scripts as an old phone does, at the moments given, and return what each drew.

    A step keeps the pack whose place in the list it names.
    """
    files = [assets.HOME / "assets" / name for name in ("sm3.js", "qrcode.js", "JsBarcode.code128.min.js")]
    named = [{name: getattr(pack, name) for name in pack.__struct_fields__} for pack in packs]
    given = json.dumps({"packs": named, "steps": steps})
    done = subprocess.run(
        [NODE, "-e", PHONE, given, "0", *files, STATIC / "offline.js"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    drawn: list[dict[str, Any]] = json.loads(done.stdout)
    return drawn


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


AT = datetime(2026, 5, 12, 2, 0, 7, tzinfo=UTC)


def a_pack(keys: Keys, *, tickets: int = 3) -> tuple[PackView, list[int]]:
    codes = credential.Codes(keys)
    numbers = list(range(17, 17 + tickets))
    drawn = [codes.ticket(device_number="123456789", ticket=n, province="510000") for n in numbers]
    return PackView.of(Pack(codes.device_key("123456789"), drawn, "510000", AT + WEEK), AT), numbers


def test_an_old_phone_draws_what_the_server_would_draw(keys: Keys) -> None:
    """F1, F6: HMAC-SM3, QR code and Code 128 come out alike in ES5, on a phone whose clock is hours behind."""
    pack, numbers = a_pack(keys)
    moments = [AT + timedelta(seconds=40), AT + timedelta(hours=5), AT + timedelta(days=6, hours=23)]
    behind = timedelta(hours=3, minutes=7)
    steps: list[dict[str, object]] = [{"here": milliseconds(at - behind)} for at in moments]
    heard = {"here": milliseconds(AT - behind), "heard": milliseconds(AT), "keep": 0}
    first, *rest = phone([pack], [{**heard, "here": milliseconds(AT - behind)}, *steps[1:]])
    for drawn, number, at in zip([first, *rest], numbers, [AT, *moments[1:]], strict=True):
        code = drawn["digits"].replace(" ", "")
        expected = credential.Codes(keys).make(device_number="123456789", ticket=number, province="510000", at=at)
        assert code == expected
        assert drawn["digits"] == " ".join(expected[i : i + 4] for i in range(0, 28, 4))
        assert drawn["who"] == "张*"
        [qr] = zxingcpp.read_barcodes(painted(drawn["qr"], scale=5))
        assert (qr.text, qr.format) == (code, zxingcpp.BarcodeFormat.QRCode)
        assert qr.ec_level in ("Q", "H")
        [bar] = zxingcpp.read_barcodes(painted(drawn["bar"], scale=2, height=60))
        assert (bar.text, bar.format) == (code, zxingcpp.BarcodeFormat.Code128)


def test_a_phone_shows_no_ticket_twice_and_says_why_it_shows_none(keys: Keys) -> None:
    pack, _ = a_pack(keys, tickets=2)
    here = milliseconds(AT)
    drawn = phone(
        [pack],
        [
            {"here": here},
            {"here": here, "heard": here, "keep": 0},
            {"here": here + 25_000},
            {"here": here - 120_000},
            {"here": milliseconds(AT + WEEK)},
            {"here": here + 50_000},
        ],
    )
    assert [step.get("trouble") for step in drawn] == ["none", None, None, "clock", "old", "empty"]
    assert drawn[1]["digits"][:15] != drawn[2]["digits"][:15]


def test_tickets_of_another_province_are_not_mixed_with_the_new_ones(keys: Keys) -> None:
    """B8: the province is in a ticket, so those from before the place was switched are of no use after it."""
    here, (pack, _) = milliseconds(AT), a_pack(keys)
    ticket = credential.Codes(keys).ticket(device_number="123456789", ticket=40, province="310000")
    switched = replace(pack, province="310000", tickets=[ticket])
    heard = {"here": here, "heard": here}
    _, drawn, then = phone([pack, switched], [{**heard, "keep": 0}, {**heard, "keep": 1}, {"here": here}])
    assert drawn["digits"].replace(" ", "").startswith(ticket)
    assert drawn["digits"].endswith("31 0000")
    assert then == {"trouble": "empty"}


class Signed:
    """Somebody who is signed in on their phone, where the code is active, and draws codes there as the script does."""

    def __init__(self, house: House, holder: Holder, token: str) -> None:
        self.house, self.holder, self.token = house, holder, token

    async def fetch(self, *, count: int = 100, at: datetime | None = None, until: datetime | None = None) -> Pack:
        async with transaction(self.house.pool) as tx:
            return await offline.hand_out(
                tx,
                self.house.codes,
                person_id=self.holder.person_id,
                browser=self.holder.browser,
                session=bytes.fromhex(identity.session_id(self.token)),
                count=count,
                until=until,
                at=at or self.house.at,
            )


def drawn(pack: Pack, at: datetime, *, ticket: int = 0) -> str:
    step = int(at.timestamp()) // STEP_SECONDS
    digits = pack.tickets[ticket]
    mac = hmac_sm3_under(pack.device_key)(f"{digits}{pack.province}{step}".encode())
    return f"{digits}{int.from_bytes(mac, 'big') % 10**9:09d}{pack.province}"


async def sign_in(house: House, holder: Holder, *, at: datetime | None = None) -> Signed:
    async with transaction(house.pool) as tx:
        token = await identity.start_session(
            tx, account_id=holder.account_id, device=secrets.token_hex(8), at=at or house.at
        )
    return Signed(house, holder, token)


@pytest.fixture
async def signed(house: House) -> Signed:
    return await sign_in(house, await house.active())


async def test_the_till_takes_a_code_that_the_phone_drew_once(signed: Signed, house: House) -> None:
    """F1: the ticket was fetched hours before, and the phone has been without a network since."""
    pack = await signed.fetch()
    at = house.at + timedelta(hours=5)
    code = drawn(pack, at, ticket=7)
    assert (await house.scan(code, at=at)).person_id == signed.holder.person_id
    with pytest.raises(refusals.CodeSpent):
        await house.scan(code, at=at)
    assert (await house.scan(drawn(pack, at, ticket=3), at=at + STEP)).person_id == signed.holder.person_id
    with pytest.raises(refusals.CodeExpired):
        await house.scan(drawn(pack, at, ticket=4), at=at + 3 * STEP)


async def test_what_the_phone_holds_draws_no_other_ticket(signed: Signed, house: House, institution: str) -> None:
    """B4: with the key, but without the place's, nobody makes a ticket; and the server's own codes have another key."""
    pack = await signed.fetch()
    shown = await house.show(signed.holder)
    assert house.codes.device_key(house.codes.open(shown).device_number) != pack.device_key
    number = house.codes.open(drawn(pack, house.at)).device_number
    unseen = house.codes.make(device_number=number, ticket=100, province="510000", at=house.at)
    for forged in (unseen, shown[:13] + drawn(pack, house.at)[13:], f"{pack.tickets[0][:12]}{unseen[12:]}"):
        with pytest.raises(refusals.CodeUnknown):
            await house.scan(forged, institution=institution)
    assert await house.scan(shown)


async def test_signing_out_ends_what_the_phone_holds(signed: Signed, house: House) -> None:
    """A9, F1: also when that is done from another phone."""
    pack = await signed.fetch()
    async with transaction(house.pool) as tx:
        await identity.end_session_of(
            tx, account_id=signed.holder.account_id, session_id=identity.session_id(signed.token)
        )
    with pytest.raises(refusals.OfflineOver):
        await house.scan(drawn(pack, house.at))
    assert await house.scan(await house.show(signed.holder))


async def test_a_phone_works_a_week_without_having_been_heard_of(signed: Signed, house: House) -> None:
    pack = await signed.fetch()
    assert pack.until == house.at + WEEK
    just, late = pack.until - timedelta(seconds=1), pack.until
    assert await house.scan(drawn(pack, just), at=just)
    with pytest.raises(refusals.OfflineOver):
        await house.scan(drawn(pack, late, ticket=1), at=late)

    again = await signed.fetch(count=0, at=house.at + timedelta(days=2))
    assert (again.tickets, again.device_key, again.until) == ([], pack.device_key, house.at + timedelta(days=9))
    assert await house.scan(drawn(pack, late, ticket=1), at=late)


async def test_a_code_that_may_be_shown_for_a_shorter_time_ends_then(signed: Signed, house: House) -> None:
    soon = house.at + timedelta(hours=1)
    pack = await signed.fetch(until=soon)
    with pytest.raises(refusals.OfflineOver):
        await house.scan(drawn(pack, soon), at=soon)


async def test_unbinding_ends_what_the_phone_holds(signed: Signed, house: House) -> None:
    """B6: one phone, or all."""
    pack = await signed.fetch()
    [device] = await queries.devices(house.pool, signed.holder.person_id)
    async with transaction(house.pool) as tx:
        await actions.unbind_device(
            tx, person_id=signed.holder.person_id, activation_id=device.activation_id, by="person", at=house.at
        )
    with pytest.raises(refusals.DeviceUnbound):
        await house.scan(drawn(pack, house.at))
    with pytest.raises(refusals.NotActivated):
        await signed.fetch()
    await house.activate(signed.holder)
    pack = await (await sign_in(house, signed.holder)).fetch()
    await house.unbind(signed.holder)
    with pytest.raises(refusals.DeviceUnbound):
        await house.scan(drawn(pack, house.at))


async def test_tickets_are_new_each_time_and_no_more_than_a_day_shows(signed: Signed, house: House) -> None:
    packs = [await signed.fetch(count=1_000) for _ in range(100)]
    assert len({ticket for pack in packs for ticket in pack.tickets}) == 10_000
    assert len({pack.device_key for pack in packs}) == 1
    with pytest.raises(refusals.TicketsUsedUp):
        await signed.fetch()
    tomorrow = house.at + timedelta(days=1)
    further = await signed.fetch(at=tomorrow)
    assert further.device_key != packs[0].device_key
    assert (await signed.fetch(at=tomorrow)).device_key == further.device_key
    assert await house.scan(drawn(packs[-1], tomorrow), at=tomorrow)


async def test_two_requests_at_once_add_one_number(signed: Signed, house: House) -> None:
    packs = await asyncio.gather(*(signed.fetch() for _ in range(4)))
    assert len({pack.device_key for pack in packs}) == 1
    assert len({ticket for pack in packs for ticket in pack.tickets}) == 400


async def test_an_unbinding_at_the_same_moment_ends_the_number_too(house: House) -> None:
    """B6: whichever comes first, and binding again brings nothing back."""
    for _ in range(10):
        signed = await sign_in(house, await house.active())
        fetched, _ = await asyncio.gather(signed.fetch(), house.unbind(signed.holder), return_exceptions=True)
        await house.bind(signed.holder)
        if isinstance(fetched, Pack):
            with pytest.raises(refusals.DeviceUnbound):
                await house.scan(drawn(fetched, house.at))


async def test_a_channel_that_may_show_codes_no_longer_shows_none_offline_either(signed: Signed, house: House) -> None:
    """E10."""
    partner = await admitted(house.pool, at=house.at, functions=("activate", "show_code"))
    pack = await signed.fetch()
    person_id = signed.holder.person_id
    await house.pool.execute("UPDATE credential.device SET channel = $2 WHERE person_id = $1", person_id, partner.code)
    assert await house.scan(drawn(pack, house.at))
    await house.pool.execute("UPDATE credential.channel SET functions = '{activate}' WHERE code = $1", partner.code)
    with pytest.raises(refusals.OfflineOver):
        await house.scan(drawn(pack, house.at, ticket=1))


async def test_another_sign_in_has_tickets_of_its_own(signed: Signed, house: House) -> None:
    """What an earlier sign-in left in the browser ends, and the phone is still one phone."""
    earlier = await signed.fetch()
    later = await (await sign_in(house, signed.holder)).fetch()
    assert later.device_key != earlier.device_key
    with pytest.raises(refusals.DeviceUnbound):
        await house.scan(drawn(earlier, house.at))
    assert await house.scan(drawn(later, house.at))
    assert len(await queries.devices(house.pool, signed.holder.person_id)) == 1


async def test_only_an_active_phone_is_given_tickets(house: House) -> None:
    with pytest.raises(refusals.NotActivated):
        await (await sign_in(house, await house.bound())).fetch()


def test_nobody_reads_a_key_in_a_log(keys: Keys) -> None:
    pack = Pack(b"k" * 32, ["1" * 13], "510000", AT)
    assert (repr(pack), pack.__rich_repr__()) == ("Pack(…)", [])
