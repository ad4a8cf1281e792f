"""SQL of the credential room."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.credential.types import (
    Activation,
    Change,
    Channel,
    ChannelKey,
    ChannelState,
    Clerk,
    Redeemed,
    Scan,
    ScanFacts,
    Spend,
)

CODE = re.compile(r"[a-z][a-z0-9_]{1,31}")


async def holder(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM credential.holder WHERE person_id = $1", person_id)


async def bind(tx: Tx, *, person_id: str, account_id: str, psn_no: str, place: str, at: datetime) -> bool:
    """Store who holds the credential; False if another account holds it."""
    bound = await tx.fetchval(
        """
        INSERT INTO credential.holder AS h (person_id, account_id, psn_no, place, bound_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person_id) DO UPDATE
            SET account_id = $2, psn_no = $3, place = $4, bound_at = $5, agreed_at = NULL, unbound_at = NULL,
                free_limit_fen = 0
            -- A credential that only relatives show is taken over by its owner.
            WHERE h.unbound_at IS NOT NULL OR h.account_id IN ($2, '')
        RETURNING person_id
        """,
        person_id,
        account_id,
        psn_no,
        place,
        at,
    )
    return bound is not None


async def agree(tx: Tx, *, person_id: str, psn_no: str, place: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.holder SET psn_no = $2, place = $3, agreed_at = $4 WHERE person_id = $1",
        person_id,
        psn_no,
        place,
        at,
    )


async def choose_place(tx: Tx, *, person_id: str, psn_no: str, place: str) -> None:
    await tx.execute(
        "UPDATE credential.holder SET psn_no = $2, place = $3 WHERE person_id = $1", person_id, psn_no, place
    )


async def set_free_limit(tx: Tx, person_id: str, limit_fen: int) -> None:
    await tx.execute("UPDATE credential.holder SET free_limit_fen = $2 WHERE person_id = $1", person_id, limit_fen)


async def take_device_number(tx: Tx, device_number: str, person_id: str) -> bool:
    """Reserve a device number for a person; False if it is taken."""
    taken = await tx.fetchval(
        "INSERT INTO credential.device_locator VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING device_number",
        device_number,
        person_id,
    )
    return taken is not None


async def add_device(
    tx: Tx,
    *,
    person_id: str,
    device_number: str,
    account_id: str,
    channel: str,
    browser: bytes,
    session: bytes | None = None,
    offline_until: datetime | None = None,
    at: datetime,
) -> None:
    await tx.execute(
        "INSERT INTO credential.device"
        " (person_id, device_number, account_id, channel, browser, activated_at, session, offline_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        person_id,
        device_number,
        account_id,
        channel,
        browser,
        at,
        session,
        offline_until,
    )


async def unbind_devices(tx: Tx, person_id: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $2 WHERE person_id = $1 AND unbound_at IS NULL", person_id, at
    )


async def unbind_holder(tx: Tx, person_id: str, at: datetime) -> None:
    await tx.execute("UPDATE credential.holder SET unbound_at = $2 WHERE person_id = $1", person_id, at)


async def devices(tx: Tx | Pool, person_id: str) -> list[Row]:
    """Return the activations, each once: but for used-up numbers, which go on under another, and offline ones."""
    return await tx.fetch(
        "SELECT device_number, channel, activated_at, unbound_at, activation_id::text, account_id, browser"
        " FROM credential.device WHERE person_id = $1 AND next_ticket < 10000 AND offline_until IS NULL"
        " ORDER BY activated_at DESC, device_number",
        person_id,
    )


async def next_ticket(tx: Tx | Pool, person_id: str, browser: bytes) -> Row | None:
    """Take the next ticket of the activation in this browser, and return it with the chosen place."""
    return await tx.fetchrow(
        """
        UPDATE credential.device d SET next_ticket = d.next_ticket + 1
        FROM credential.holder h
        WHERE d.person_id = $1 AND d.browser = $2 AND d.unbound_at IS NULL AND d.next_ticket < 10000
          AND d.offline_until IS NULL AND h.person_id = d.person_id AND h.unbound_at IS NULL
        RETURNING d.device_number, d.next_ticket - 1 AS ticket, h.place
        """,
        person_id,
        browser,
    )


async def take_tickets(
    tx: Tx, *, person_id: str, browser: bytes, session: bytes, count: int, until: datetime
) -> Row | None:
    """Hand out tickets of this sign-in's last offline number, good until then; None if it has none left."""
    return await tx.fetchrow(
        """
        UPDATE credential.device d SET next_ticket = d.next_ticket + $4, offline_until = $5
        FROM credential.holder h
        WHERE d.person_id = $1 AND d.browser = $2 AND d.unbound_at IS NULL AND d.session = $3
          AND d.next_ticket + $4 <= 10000 AND h.person_id = d.person_id AND h.unbound_at IS NULL
          AND d.activated_at = (SELECT max(l.activated_at) FROM credential.device l
                                WHERE l.person_id = $1 AND l.browser = $2 AND l.session = $3)
        RETURNING d.device_number, d.next_ticket - $4 AS first, h.place
        """,
        person_id,
        browser,
        session,
        count,
        until,
    )


async def offline_began(tx: Tx, *, person_id: str, browser: bytes, session: bytes) -> datetime | None:
    """Return when this sign-in was last given an offline number."""
    began: datetime | None = await tx.fetchval(
        "SELECT max(activated_at) FROM credential.device WHERE person_id = $1 AND browser = $2 AND session = $3",
        person_id,
        browser,
        session,
    )
    return began


async def end_other_offline(tx: Tx, *, person_id: str, browser: bytes, session: bytes, at: datetime) -> None:
    """End the offline numbers that earlier sign-ins in this browser left behind."""
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $4, unbound_by = 'phone'"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL AND session <> $3",
        person_id,
        browser,
        session,
        at,
    )


async def live_device(tx: Tx, person_id: str, browser: bytes) -> Row | None:
    """Return the activation in this browser, held so that two requests do not both give it a further number."""
    return await tx.fetchrow(
        "SELECT device_number, account_id, channel FROM credential.device"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL AND offline_until IS NULL"
        " ORDER BY activated_at, device_number LIMIT 1 FOR UPDATE",
        person_id,
        browser,
    )


async def scanned(pool: Pool, scans: Sequence[Scan]) -> list[ScanFacts]:
    """Read everything that 1..n scans need, in one round trip."""
    rows = await pool.fetch("SELECT facts FROM credential.scanned($1) ORDER BY n", numbered(scans))
    return [msgspec.convert(row["facts"], ScanFacts) for row in rows]


async def spend(pool: Pool, spends: Sequence[Spend]) -> list[bool]:
    """Spend 1..n tickets and open their visits in one statement; False for each that was spent meanwhile."""
    rows = await pool.fetch("SELECT spent FROM credential.spend($1) ORDER BY n", numbered(spends))
    return [row["spent"] for row in rows]


def numbered(items: Sequence[Scan] | Sequence[Spend]) -> list[dict[str, object]]:
    """Return scans or spends as the SQL functions take them, each with the number by which its answer is known."""
    return [{"n": n, **msgspec.structs.asdict(item)} for n, item in enumerate(items)]


async def note_wrong_tag(tx: Tx, *, device_number: str, ticket: int) -> None:
    await tx.execute(
        """
        INSERT INTO credential.wrong_tag AS w (person_id, device_number, ticket, tries)
        SELECT d.person_id, d.device_number, $2, 1
        FROM credential.device_locator l JOIN credential.device d USING (person_id, device_number)
        WHERE l.device_number = $1 AND $2 < d.next_ticket
        ON CONFLICT (person_id, device_number, ticket) DO UPDATE SET tries = w.tries + 1
        """,
        device_number,
        ticket,
    )


async def note_bad_scan(tx: Tx, *, institution: str, till: str, at: datetime) -> None:
    """Note a bad scan, and forget those that no limit looks at any more."""
    await tx.execute(
        "DELETE FROM credential.bad_scan WHERE institution = $1 AND scanned_at <= $2::timestamptz - interval '1 hour'",
        institution,
        at,
    )
    await tx.execute("INSERT INTO credential.bad_scan VALUES ($1, $2, $3)", institution, till, at)


# Unbinding one.


async def device_of(tx: Tx, person_id: str, account_id: str, activation_id: str) -> Row | None:
    """Return an activation of a person, or one that was lent to their account."""
    try:
        known_as = UUID(activation_id)
    except ValueError:
        return None
    return await tx.fetchrow(
        "SELECT person_id, account_id, channel, browser, unbound_at FROM credential.device"
        " WHERE (person_id = $1 OR account_id = $2) AND activation_id = $3",
        person_id,
        account_id,
        known_as,
    )


async def live_devices(tx: Tx | Pool, person_id: str, account_id: str) -> list[Row]:
    """Return the live activations of a person, and those that were lent to their account, newest first."""
    return await tx.fetch(
        "SELECT person_id, account_id, channel, browser, activation_id::text, activated_at FROM credential.device"
        " WHERE (person_id = $1 OR account_id = $2) AND unbound_at IS NULL ORDER BY activated_at DESC, device_number",
        person_id,
        account_id,
    )


async def unbind_browser(tx: Tx, person_id: str, browser: bytes, *, by: str, why: str, at: datetime) -> bool:
    """End the activation in a browser, with the numbers that it has used up; False if it had ended before."""
    ended = await tx.fetch(
        "UPDATE credential.device SET unbound_at = $3, unbound_by = $4, unbound_why = $5"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL RETURNING device_number",
        person_id,
        browser,
        at,
        by,
        why,
    )
    return bool(ended)


# Channels.


async def channel(tx: Tx | Pool, code: str) -> Channel | None:
    row = await tx.fetchrow("SELECT * FROM credential.channel WHERE code = $1", code)
    return _channel(row) if row else None


async def hold_channel(tx: Tx, code: str) -> Channel | None:
    """Return the channel and let nobody else change it until this transaction ends."""
    row = await tx.fetchrow("SELECT * FROM credential.channel WHERE code = $1 FOR UPDATE", code)
    return _channel(row) if row else None


async def channels(tx: Tx | Pool) -> list[Channel]:
    rows = await tx.fetch("SELECT * FROM credential.channel ORDER BY applied_at, code")
    return [_channel(row) for row in rows]


def _channel(row: Row) -> Channel:
    return msgspec.convert({name: row[name] for name in Channel.__struct_fields__}, Channel)


async def put_channel(tx: Tx, channel: Channel, at: datetime) -> None:
    """Store the facts of a channel; one that is new has applied, one that is known keeps its state."""
    await tx.execute(
        """
        INSERT INTO credential.channel
            (code, name, kind, functions, hotline, contact, returns, own_bank_card, state, applied_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'applied', $9)
        ON CONFLICT (code) DO UPDATE
        SET name = $2, kind = $3, functions = $4, hotline = $5, contact = $6, returns = $7, own_bank_card = $8
        """,
        channel.code,
        channel.name,
        channel.kind,
        channel.functions,
        channel.hotline,
        channel.contact,
        channel.returns,
        channel.own_bank_card,
        at,
    )


async def move_channel(tx: Tx, code: str, state: ChannelState) -> None:
    await tx.execute("UPDATE credential.channel SET state = $2 WHERE code = $1", code, state)


async def note_channel_change(tx: Tx, code: str, *, done: str, clerk: Clerk, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO credential.channel_audit (channel, done, login, clerk, done_at) VALUES ($1, $2, $3, $4, $5)",
        code,
        done,
        clerk.login,
        clerk.name,
        at,
    )


async def channel_changes(tx: Tx | Pool, code: str) -> list[Change]:
    rows = await tx.fetch(
        "SELECT done, clerk, done_at FROM credential.channel_audit WHERE channel = $1 ORDER BY audit_id DESC LIMIT 200",
        code,
    )
    return [Change(**row) for row in rows]


async def channel_keys(tx: Tx | Pool, code: str) -> list[ChannelKey]:
    rows = await tx.fetch(
        "SELECT key_id, public, valid_from, valid_until, revoked_at FROM credential.channel_key"
        " WHERE channel = $1 ORDER BY valid_from DESC, key_id",
        code,
    )
    return [ChannelKey(**row) for row in rows]


async def add_channel_key(tx: Tx, code: str, key: ChannelKey) -> bool:
    """Store a public key; False if the channel has it, or had it."""
    added = await tx.fetchval(
        "INSERT INTO credential.channel_key (channel, key_id, public, valid_from, valid_until)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key_id",
        code,
        key.key_id,
        key.public,
        key.valid_from,
        key.valid_until,
    )
    return added is not None


async def revoke_channel_key(tx: Tx, code: str, key_id: str, at: datetime) -> bool:
    """Revoke a key; False if there is none, or it was revoked before."""
    revoked = await tx.fetchval(
        "UPDATE credential.channel_key SET revoked_at = $3"
        " WHERE channel = $1 AND key_id = $2 AND revoked_at IS NULL RETURNING key_id",
        code,
        key_id,
        at,
    )
    return revoked is not None


# Calls of channels.


async def take_nonce(tx: Tx, code: str, nonce: str, *, at: datetime, until: datetime) -> bool:
    """Take a nonce, and forget those whose calls are stale anyway; False if it was taken before."""
    await tx.execute("DELETE FROM credential.channel_nonce WHERE channel = $1 AND expires_at <= $2", code, at)
    taken = await tx.fetchval(
        "INSERT INTO credential.channel_nonce VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING nonce",
        code,
        nonce,
        until,
    )
    return taken is not None


async def peer_is_slowed(tx: Tx, code: str, peer: str, *, at: datetime, most: int, known_after: datetime) -> bool:
    slowed: bool | None = await tx.fetchval(
        """
        SELECT failures >= $4 AND since > $3::timestamptz - interval '1 minute' AND coalesce(right_at <= $5, true)
        FROM credential.channel_peer WHERE channel = $1 AND peer = $2
        """,
        code,
        peer,
        at,
        most,
        known_after,
    )
    return bool(slowed)


async def note_wrong_call(tx: Tx, code: str, peer: str, at: datetime) -> None:
    """Count a wrong signature in the minute that began with the first, and forget places not heard of for a day."""
    await tx.execute(
        "DELETE FROM credential.channel_peer WHERE channel = $1 AND since <= $2::timestamptz - interval '1 day'"
        " AND coalesce(right_at <= $2::timestamptz - interval '1 day', true)",
        code,
        at,
    )
    await tx.execute(
        """
        INSERT INTO credential.channel_peer AS p (channel, peer, failures, since) VALUES ($1, $2, 1, $3)
        ON CONFLICT (channel, peer) DO UPDATE
        SET failures = CASE WHEN p.since > $3::timestamptz - interval '1 minute' THEN p.failures + 1 ELSE 1 END,
            since = CASE WHEN p.since > $3::timestamptz - interval '1 minute' THEN p.since ELSE $3 END
        """,
        code,
        peer,
        at,
    )


async def note_right_call(tx: Tx, code: str, peer: str, at: datetime) -> None:
    """Note that a right signature came from a place; once an hour is enough."""
    await tx.execute(
        """
        INSERT INTO credential.channel_peer AS p (channel, peer, failures, since, right_at) VALUES ($1, $2, 0, $3, $3)
        ON CONFLICT (channel, peer) DO UPDATE SET right_at = $3
        WHERE coalesce(p.right_at <= $3::timestamptz - interval '1 hour', true)
        """,
        code,
        peer,
        at,
    )


# Entries and claims.


async def forget_entries(tx: Tx, made_before: datetime) -> None:
    await tx.execute("DELETE FROM credential.entry WHERE made_at < $1", made_before)


async def add_entry(tx: Tx, ticket_digest: bytes, *, channel: str, claim: bytes, path: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO credential.entry (ticket_digest, channel, claim, path, made_at) VALUES ($1, $2, $3, $4, $5)",
        ticket_digest,
        channel,
        claim,
        path,
        at,
    )


async def hold_entry(tx: Tx, ticket_digest: bytes) -> Row | None:
    return await tx.fetchrow("SELECT * FROM credential.entry WHERE ticket_digest = $1 FOR UPDATE", ticket_digest)


async def use_entry(tx: Tx, ticket_digest: bytes, at: datetime) -> None:
    await tx.execute("UPDATE credential.entry SET used_at = $2 WHERE ticket_digest = $1", ticket_digest, at)


async def put_claim(tx: Tx, *, account_id: str, channel: str, claim: bytes, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO credential.claim (account_id, channel, claim, claimed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, channel) DO UPDATE SET claim = $3, claimed_at = $4
        """,
        account_id,
        channel,
        claim,
        at,
    )


async def claim(tx: Tx | Pool, account_id: str, channel: str) -> bytes | None:
    sealed: bytes | None = await tx.fetchval(
        "SELECT claim FROM credential.claim WHERE account_id = $1 AND channel = $2", account_id, channel
    )
    return sealed


async def claims_of(tx: Tx | Pool, account_id: str) -> list[Row]:
    return await tx.fetch(
        """
        SELECT k.channel, k.claim FROM credential.claim k JOIN credential.channel c ON c.code = k.channel
        WHERE k.account_id = $1 AND c.state = 'active' ORDER BY k.claimed_at DESC
        """,
        account_id,
    )


async def forget_claim(tx: Tx, account_id: str, channel: str) -> None:
    await tx.execute("DELETE FROM credential.claim WHERE account_id = $1 AND channel = $2", account_id, channel)


# Activating in a channel.


async def activation(tx: Tx | Pool, account_id: str, browser: bytes) -> Activation | None:
    row = await tx.fetchrow(
        "SELECT channel, place, back, agreed_at, proved_at, came_as FROM credential.activation"
        " WHERE account_id = $1 AND browser = $2",
        account_id,
        browser,
    )
    return Activation(**row) if row else None


async def put_activation(tx: Tx, *, account_id: str, browser: bytes, activation: Activation) -> None:
    await tx.execute(
        """
        INSERT INTO credential.activation (account_id, browser, channel, place, back, agreed_at, proved_at, came_as)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (account_id, browser) DO UPDATE
        SET channel = $3, place = $4, back = $5, agreed_at = $6, proved_at = $7, came_as = $8
        """,
        account_id,
        browser,
        activation.channel,
        activation.place,
        activation.back,
        activation.agreed_at,
        activation.proved_at,
        activation.came_as,
    )


async def forget_activation(tx: Tx, account_id: str, browser: bytes) -> None:
    await tx.execute("DELETE FROM credential.activation WHERE account_id = $1 AND browser = $2", account_id, browser)


async def visits_of(tx: Tx | Pool, person_id: str, *, limit: int) -> list[Row]:
    return await tx.fetch(
        "SELECT institution, created_at, medium FROM credential.visit WHERE person_id = $1"
        " ORDER BY created_at DESC LIMIT $2",
        person_id,
        limit,
    )


async def entrust(tx: Tx, *, person_id: str, psn_no: str, place: str, at: datetime) -> None:
    """Give somebody a credential that belongs to no account; one that is bound stays as it is."""
    await tx.execute(
        """
        INSERT INTO credential.holder AS h (person_id, account_id, psn_no, place, bound_at, agreed_at)
        VALUES ($1, '', $2, $3, $4, $4)
        ON CONFLICT (person_id) DO UPDATE
            SET account_id = '', psn_no = $2, place = $3, bound_at = $4, agreed_at = $4, unbound_at = NULL,
                free_limit_fen = 0
            WHERE h.unbound_at IS NOT NULL
        """,
        person_id,
        psn_no,
        place,
        at,
    )


async def lent(tx: Tx, *, person_id: str, account_id: str, browser: bytes, since: datetime) -> Row | None:
    """Return whether somebody's code is active in this browser for another's account, and whether it was taken back."""
    return await tx.fetchrow(
        "SELECT bool_or(browser = $3 AND unbound_at IS NULL) AS active,"
        " bool_or(unbound_at > $4 AND unbound_by IS DISTINCT FROM 'phone') AS taken_back"
        " FROM credential.device WHERE person_id = $1 AND account_id = $2",
        person_id,
        account_id,
        browser,
        since,
    )


async def unbind_lent(tx: Tx, *, person_id: str, account_id: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $3 WHERE person_id = $1 AND account_id = $2 AND unbound_at IS NULL",
        person_id,
        account_id,
        at,
    )


async def open_visit(tx: Tx, visit: Redeemed, *, medium: str, institution: str, checked_by: str, at: datetime) -> None:
    """Open a visit for which no code is spent."""
    await tx.execute(
        "INSERT INTO credential.visit (person_id, token, institution, created_at, expires_at, medium, checked_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        visit.person_id,
        visit.token,
        institution,
        at,
        visit.expires_at,
        medium,
        checked_by,
    )


async def bad_documents(tx: Tx, *, institution: str, till: str, at: datetime) -> tuple[int, int]:
    """Count the documents that led to nobody: at this till within a minute, at this institution within an hour."""
    row = await tx.fetchrow(
        """
        SELECT count(*) FILTER (WHERE till = $2 AND tried_at > $3::timestamptz - interval '1 minute') AS at_till,
               count(*) AS at_institution
        FROM credential.bad_document WHERE institution = $1 AND tried_at > $3::timestamptz - interval '1 hour'
        """,
        institution,
        till,
        at,
    )
    assert row is not None
    return row["at_till"], row["at_institution"]


async def note_bad_document(tx: Tx, *, institution: str, till: str, at: datetime, forgotten_before: datetime) -> None:
    await tx.execute(
        "DELETE FROM credential.bad_document WHERE institution = $1 AND tried_at <= $2", institution, forgotten_before
    )
    await tx.execute("INSERT INTO credential.bad_document VALUES ($1, $2, $3)", institution, till, at)


async def forget_account(tx: Tx, account_id: str) -> None:
    """Delete what channels said of an account's owner, and how far activating had come."""
    await tx.execute("DELETE FROM credential.claim WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM credential.activation WHERE account_id = $1", account_id)
