from datetime import datetime, timedelta

import pytest

from yibao import identity
from yibao.core.database import Pool, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import Hasher, Session, Staff, refusals, store
from yibao.identity.tests.cast import DEVICE, PASSWORD, refused

DAY = timedelta(days=1)


async def _start(pool: Pool, account_id: str, at: datetime, *, device: str = DEVICE) -> str:
    async with transaction(pool) as tx:
        return await identity.start_session(tx, account_id=account_id, device=device, at=at)


async def test_a_session_says_whose_it_is_until_it_is_ended(
    pool: Pool, vault: Vault, named_id: str, at: datetime
) -> None:
    token = await _start(pool, named_id, at)
    assert await identity.session(pool, token, at) == Session(DEVICE, account_id=named_id)
    async with transaction(pool) as tx:
        await identity.attach_person(tx, account_id=named_id, person_id=named_id[:12])
    assert await identity.session(pool, token, at) == Session(DEVICE, account_id=named_id, person_id=named_id[:12])
    for _ in range(2):
        async with transaction(pool) as tx:
            await identity.end_session(tx, token=token)
        assert await identity.session(pool, token, at) is None


async def test_a_made_up_token_is_nobodys(pool: Pool, at: datetime) -> None:
    assert await identity.session(pool, "", at) is None
    assert await identity.session(pool, "made up", at) is None


async def test_the_database_does_not_hold_the_token(pool: Pool, account_id: str, at: datetime) -> None:
    token = await _start(pool, account_id, at)
    row = await pool.fetchrow("SELECT s::text FROM identity.session s WHERE account_id = $1", account_id)
    assert row is not None
    assert token not in row[0]
    assert token.encode().hex() not in row[0]


async def test_an_accounts_session_ends_thirty_days_after_its_last_use(
    pool: Pool, account_id: str, at: datetime
) -> None:
    unused = await _start(pool, account_id, at, device="unused")
    used = await _start(pool, account_id, at, device="used")
    assert await identity.session(pool, used, at + 20 * DAY)
    assert await identity.session(pool, unused, at + 30 * DAY) is None
    assert await identity.session(pool, used, at + 49 * DAY)
    assert await identity.session(pool, used, at + 79 * DAY) is None


async def test_using_a_session_writes_once_a_day_at_most(pool: Pool, account_id: str, at: datetime) -> None:
    token = await _start(pool, account_id, at)

    async def row_version() -> object:
        return await pool.fetchval("SELECT xmin::text FROM identity.session WHERE account_id = $1", account_id)

    first = await row_version()
    assert await identity.session(pool, token, at + DAY)
    assert await row_version() == first
    assert await identity.session(pool, token, at + DAY + timedelta(seconds=1))
    assert await row_version() != first


async def test_an_owner_sees_where_the_account_is_signed_in(pool: Pool, account_id: str, at: datetime) -> None:
    await _start(pool, account_id, at, device="first")
    await _start(pool, account_id, at + DAY, device="second")
    assert [seen.device for seen in await identity.sessions_of(pool, account_id, at + DAY)] == ["second", "first"]
    assert [seen.device for seen in await identity.sessions_of(pool, account_id, at + 30 * DAY)] == ["second"]
    await _start(pool, account_id, at + 31 * DAY, device="third")
    assert await pool.fetchval("SELECT count(*) FROM identity.session WHERE account_id = $1", account_id) == 1


@pytest.mark.parametrize("one", [True, False], ids=["one account's", "everybody's"])
async def test_the_sessions_of_a_unit_end_without_reading_everybody_elses(
    tx: Tx, account_id: str, at: datetime, *, one: bool
) -> None:
    await identity.start_unit_session(tx, unit="U1", account_id=account_id, device=DEVICE, at=at)
    other = await identity.start_unit_session(tx, unit="U2", account_id=account_id, device=DEVICE, at=at)
    await tx.execute("SET LOCAL enable_seqscan = off")  # So few rows are read at once rather than looked up.
    await identity.end_unit_sessions(tx, unit="U1", account_id=account_id if one else None)
    assert await tx.fetchval("SELECT pg_stat_get_xact_numscans('identity.session_unit'::regclass)") == 1
    [left] = await store.sessions_of(tx, account_id, at=at)
    assert left["session_id"] == identity.session_id(other)


@pytest.fixture
async def login(pool: Pool, hasher: Hasher, phone: str) -> str:
    """A cashier whose login nobody else has."""
    member = Staff(f"cashier {phone}", "H51050000001", "示例收费员", "cashier", await hasher.hash(PASSWORD))
    async with transaction(pool) as tx:
        await identity.add_staff(tx, [member])
    return member.login


async def _sign_in(pool: Pool, hasher: Hasher, login: str, password: str, at: datetime, *, device: str = "till") -> str:
    return await identity.sign_in_staff(pool, hasher=hasher, login=login, password=password, device=device, at=at)


async def test_staff_sign_in_for_twelve_hours(pool: Pool, hasher: Hasher, login: str, at: datetime) -> None:
    assert await _sign_in(pool, hasher, f" {login} ", PASSWORD, at) == login
    async with transaction(pool) as tx:
        token = await identity.start_staff_session(tx, login=login, device="till", at=at)
    assert await identity.session(pool, token, at + timedelta(hours=11)) == Session(
        "till", staff_login=login, institution="H51050000001", role="cashier", display_name="示例收费员"
    )
    assert await identity.session(pool, token, at + timedelta(hours=12)) is None


async def test_staff_who_have_left_are_signed_out_and_stay_so(
    pool: Pool, hasher: Hasher, login: str, at: datetime
) -> None:
    async with transaction(pool) as tx:
        token = await identity.start_staff_session(tx, login=login, device="till", at=at)
        password_hash = await hasher.hash(PASSWORD)
        await identity.add_staff(
            tx, [Staff(login, "H51050000001", "示例收费员", "cashier", password_hash, active=False)]
        )
    assert await identity.session(pool, token, at) is None
    with refused(refusals.WrongStaffPassword, left=4):
        await _sign_in(pool, hasher, login, PASSWORD, at)


async def test_staff_are_locked_like_everybody(pool: Pool, hasher: Hasher, login: str, at: datetime) -> None:
    for left in (4, 3, 2, 1):
        with refused(refusals.WrongStaffPassword, left=left):
            await _sign_in(pool, hasher, login, "not the one 1", at)
    with refused(refusals.StaffLocked, minutes=20):
        await _sign_in(pool, hasher, login, "not the one 1", at)
    with refused(refusals.StaffLocked, minutes=20):
        await _sign_in(pool, hasher, login, PASSWORD, at)
    assert await _sign_in(pool, hasher, login, PASSWORD, at, device="another till") == login


async def test_staff_are_braked_on_unknown_devices_only(pool: Pool, hasher: Hasher, login: str, at: datetime) -> None:
    await _sign_in(pool, hasher, login, PASSWORD, at)
    for number in range(20):
        with refused(refusals.WrongStaffPassword, left=4):
            await _sign_in(pool, hasher, login, "not the one 1", at, device=f"stranger {number}")
    with refused(refusals.StaffNeedsKnownDevice, minutes=60):
        await _sign_in(pool, hasher, login, PASSWORD, at, device="stranger 20")
    assert await _sign_in(pool, hasher, login, PASSWORD, at) == login


@pytest.mark.parametrize("login", ["nobody here", "", "\x00\x01", "\ud800", "x" * 5000])
async def test_a_login_that_does_not_exist_answers_just_like_one_that_does(
    pool: Pool, hasher: Hasher, login: str, at: datetime
) -> None:
    with refused(refusals.WrongStaffPassword, left=4):
        await _sign_in(pool, hasher, login, PASSWORD, at, device=f"till {login[:3]!r}")


async def test_a_key_leads_to_its_institution_until_it_is_revoked(pool: Pool, phone: str, at: datetime) -> None:
    institution = f"P{phone}"
    async with transaction(pool) as tx:
        first = await identity.issue_api_key(tx, institution=institution, at=at)
        second = await identity.issue_api_key(tx, institution=institution, at=at)
    assert first.startswith("yb_")
    assert [await identity.institution_of_key(pool, key) for key in (first, second)] == [institution] * 2
    assert await identity.institution_of_key(pool, "yb_made_up") is None
    async with transaction(pool) as tx:
        await identity.revoke_api_keys(tx, institution=institution, at=at)
    assert [await identity.institution_of_key(pool, key) for key in (first, second)] == [None] * 2
