"""Channels as parties: accredited by the agency, known by the keys with which their servers sign, stopped by it too."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import get_args

from msgspec import Struct

from yibao.core import gm
from yibao.core.database import Pool, Tx, transaction
from yibao.credential import refusals, rules, signing, store
from yibao.credential.states import MOVES
from yibao.credential.types import Channel, ChannelKey, ChannelKind, ChannelState, Clerk, Function

WRONG_MAX = 20  # a minute, from one place
KNOWN_FOR = timedelta(days=1)
WAY_MAX, ADDRESS_MAX = 100, 200  # A QR code with a longer address is too fine to be scanned from a wall.
_CODE = re.compile(r"[a-z][a-z0-9_]{1,31}")
WEB = "web"  # Our own pages, which nobody has to accredit.
FUNCTIONS: dict[Function, str] = {
    "activate": "激活",
    "show_code": "出示医保码",
    "unbind": "解绑",
    "family": "亲情账户",
    "pay": "缴费",
    "query": "查询",
}
KINDS: dict[ChannelKind, str] = {
    "wechat": "微信",
    "alipay": "支付宝",
    "national": "国家平台",
    "province": "省级平台",
    "city": "城市应用",
    "bank": "银行",
}
STATES: dict[ChannelState, str] = {"applied": "待准入", "active": "已准入", "suspended": "已暂停"}
_DONE = {
    ("applied", "active"): "准入",
    ("active", "suspended"): "暂停",
    ("suspended", "active"): "恢复",
}
assert set(FUNCTIONS) == set(get_args(Function))


class Call(Struct, frozen=True):
    """A call that a channel has signed, taken as true once its nonce is spent."""

    channel: Channel
    nonce: str


# Accreditation.


async def register(tx: Tx, channel: Channel, *, clerk: Clerk, at: datetime) -> None:
    """Take in an application, or change the facts of a channel that is known; the same again changes nothing.

    Refusals: ChannelMalformed.
    """
    _require_whole(channel)
    known = await store.hold_channel(tx, channel.code)
    if known is None:
        await store.put_channel(tx, channel, at)
        await _note(tx, channel.code, "申请", clerk, at)
        return
    changed = [label for name, label in _FACTS.items() if getattr(known, name) != getattr(channel, name)]
    if changed:
        await store.put_channel(tx, channel, at)
        await _note(tx, channel.code, f"更改：{'、'.join(changed)}", clerk, at)


_FACTS = {
    "name": "名称",
    "kind": "类别",
    "functions": "功能",
    "hotline": "客服热线",
    "contact": "联系人",
    "returns": "返回地址",
    "own_bank_card": "是否须绑定本人银行卡",
    "way": "进入的菜单",
    "address": "入口网址",
}


def _require_whole(channel: Channel) -> None:
    if not _CODE.fullmatch(channel.code) or channel.code == WEB:
        raise refusals.ChannelMalformed(what="渠道编码应为 2 到 32 个小写字母、数字或下划线，以字母开头。")
    for label, text, longest in (
        ("名称", channel.name, 40),
        ("客服热线", channel.hotline, 40),
        ("联系人", channel.contact, 100),
    ):
        if not 0 < len(text.strip()) <= longest or not text.isprintable():
            raise refusals.ChannelMalformed(what=f"请填写{label}，不超过 {longest} 个字。")
    if channel.kind not in KINDS or not set(channel.functions) <= set(FUNCTIONS):
        raise refusals.ChannelMalformed(what="请从列表中选择类别和功能。")
    if not channel.returns or not all(rules.is_address(each) and "?" not in each for each in channel.returns):
        raise refusals.ChannelMalformed(what="返回地址应为 https 开头的完整网址，一行一个，不带参数。")
    if len(channel.way) > WAY_MAX or not channel.way.isprintable():
        raise refusals.ChannelMalformed(what=f"进入的菜单写成一行，不超过 {WAY_MAX} 个字。")
    if channel.address and not (len(channel.address) <= ADDRESS_MAX and rules.is_address(channel.address)):
        raise refusals.ChannelMalformed(
            what=f"入口网址应为 https 开头的完整网址，不超过 {ADDRESS_MAX} 个字符；没有的不填。"
        )


async def add_key(
    tx: Tx, *, code: str, public: str, valid_from: datetime, valid_until: datetime, clerk: Clerk, at: datetime
) -> str:
    """Add a public key, given in hexadecimal digits, and return its id; the same again is refused.

    Refusals, first that applies: ChannelUnknown, KeyMalformed, KeyTaken.
    """
    if await store.hold_channel(tx, code) is None:
        raise refusals.ChannelUnknown
    try:
        key = gm.Verifier(bytes.fromhex("".join(public.split()))).public
    except ValueError:
        raise refusals.KeyMalformed from None
    if valid_until <= valid_from:
        raise refusals.KeyMalformed
    key = key[-64:]
    key_id = signing.key_id_of(key)
    if not await store.add_channel_key(tx, code, ChannelKey(key_id, key, valid_from, valid_until)):
        raise refusals.KeyTaken
    await _note(tx, code, f"登记公钥 {key_id}", clerk, at)
    return key_id


async def revoke_key(tx: Tx, *, code: str, key_id: str, clerk: Clerk, at: datetime) -> None:
    """Refuse what is signed with a key from now on; again changes nothing. Refusals: ChannelUnknown."""
    if await store.hold_channel(tx, code) is None:
        raise refusals.ChannelUnknown
    if await store.revoke_channel_key(tx, code, key_id, at):
        await _note(tx, code, f"吊销公钥 {key_id}", clerk, at)


async def move(tx: Tx, *, code: str, to: str, reason: str, clerk: Clerk, at: datetime) -> None:
    """Let a channel in, suspend it, or let it in again.

    From the moment of suspending its entries and its codes are refused. Refusals, first that applies: ChannelUnknown,
    ChannelMoveIllegal, ReasonMissing.
    """
    channel = await store.hold_channel(tx, code)
    if channel is None:
        raise refusals.ChannelUnknown
    wanted = next((state for state in MOVES[channel.state] if state == to), None)
    if wanted is None:
        raise refusals.ChannelMoveIllegal
    why = reason_of(reason)
    await store.move_channel(tx, code, wanted)
    await _note(tx, code, f"{_DONE[channel.state, wanted]}：{why}", clerk, at)


async def accredit(
    tx: Tx, channel: Channel, *, public: str, valid_from: datetime, valid_until: datetime, clerk: Clerk, at: datetime
) -> None:
    """Take in a channel that comes with its installation: register it, add its key and let it in.

    Again brings only what is new; a channel that the agency has suspended stays so, and a key that it has revoked.
    Refusals, first that applies: ChannelMalformed, KeyMalformed.
    """
    await register(tx, channel, clerk=clerk, at=at)
    with suppress(refusals.KeyTaken):
        await add_key(
            tx,
            code=channel.code,
            public=public,
            valid_from=valid_from,
            valid_until=valid_until,
            clerk=clerk,
            at=at,
        )
    known = await store.channel(tx, channel.code)
    if known is not None and known.state == "applied":
        await move(tx, code=channel.code, to="active", reason="随系统安装准入", clerk=clerk, at=at)


def reason_of(text: str) -> str:
    """Return why a clerk does something, as it is recorded. Refusals: ReasonMissing."""
    reason = " ".join(text.split())
    if not 2 <= len(reason) <= 100 or not reason.isprintable():
        raise refusals.ReasonMissing
    return reason


async def _note(tx: Tx, code: str, done: str, clerk: Clerk, at: datetime) -> None:
    await store.note_channel_change(tx, code, done=done, clerk=clerk, at=at)


# What a channel may do.


async def require_permitted(tx: Tx | Pool, code: str, function: Function) -> Channel | None:
    """Return the channel if it may do this now, None for our own pages.

    Refusals, first that applies: ChannelUnknown, ChannelSuspended, ChannelNotPermitted.
    """
    if code == WEB:
        return None
    channel = await store.channel(tx, code)
    if channel is None:
        raise refusals.ChannelUnknown
    require_function(channel, function)
    return channel


def require_function(channel: Channel, function: Function) -> None:
    """Refuse what a channel may not do now. A suspended one may still unbind: a lost phone does not wait.

    Refusals, first that applies: ChannelNotAdmitted, ChannelSuspended, ChannelNotPermitted.
    """
    if channel.state == "applied":
        raise refusals.ChannelNotAdmitted(channel=channel.name, hotline=channel.hotline)
    if channel.state == "suspended" and function != "unbind":
        raise refusals.ChannelSuspended(channel=channel.name, hotline=channel.hotline)
    if function not in channel.functions:
        raise refusals.ChannelNotPermitted(channel=channel.name, hotline=channel.hotline)


# Calls of a channel's server.


async def authenticated(
    pool: Pool, *, header: str, method: str, path: str, body: bytes, peer: str, at: datetime
) -> Call:
    """Return whose call it is. It takes the pool, because the count of wrong signatures must outlive the refusal.

    Wrong signatures slow down the place they come from, unless a right one came from there within a day: whoever sends
    nonsense in a channel's name shuts out neither the channel nor anybody beside it. A right signature that is stale
    counts as neither: anybody may have kept it.

    Refusals, first that applies: CallsSlowed, CallUnsigned, CallStale. Whoever acts on the call asks whether the
    channel may do so, and spends its nonce with `spend_nonce`, in the same transaction.
    """
    signed = signing.parsed(header)
    named = signed.channel if signed else ""
    async with transaction(pool) as tx:
        channel = await store.channel(tx, named)
        counted = channel.code if channel else ""  # Names that no channel has share a line.
        slowed = await store.peer_is_slowed(tx, counted, peer, at=at, most=WRONG_MAX, known_after=at - KNOWN_FOR)
        if not slowed:
            keys = await store.channel_keys(tx, named) if channel else []
            if signed and _is_signed(signed, keys, method=method, path=path, body=body, at=at):
                if signed.is_fresh(at):
                    await store.note_right_call(tx, counted, peer, at)
            else:
                await store.note_wrong_call(tx, counted, peer, at)
                channel = None
    if slowed:
        raise refusals.CallsSlowed
    if channel is None or signed is None:
        raise refusals.CallUnsigned
    if not signed.is_fresh(at):
        raise refusals.CallStale
    return Call(channel, signed.nonce)


def _is_signed(
    signed: signing.Signed, keys: Sequence[ChannelKey], *, method: str, path: str, body: bytes, at: datetime
) -> bool:
    key = next((key for key in keys if key.key_id == signed.key_id and key.holds(at)), None)
    return key is not None and signed.fits(key.public, method=method, path=path, body=body)


async def spend_nonce(tx: Tx, call: Call, *, at: datetime) -> None:
    """Take a call once. Refusals: CallRepeated."""
    # A call may come early by as much as late, so its nonce is kept for both.
    if not await store.take_nonce(tx, call.channel.code, call.nonce, at=at, until=at + 2 * signing.FRESH_FOR):
        raise refusals.CallRepeated
