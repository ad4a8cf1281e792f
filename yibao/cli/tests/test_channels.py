"""The sandbox's channels are let in through the credential's own action, at every start of the demonstration (E10)."""

from datetime import datetime
from pathlib import Path

from yibao.cli import world
from yibao.core.database import Pool, transaction
from yibao.credential import Clerk, channels, queries
from yibao.sandbox.channels import CHANNELS, ensure_keys


async def test_another_start_brings_only_what_is_new(pool: Pool, at: datetime, tmp_path: Path) -> None:
    """Another address is taken over; what the agency has suspended or revoked stays so."""
    keys = ensure_keys(tmp_path)

    async def start(address: str) -> None:
        await world.accredit(pool, keys, returns=address, at=at)

    await start("http://127.0.0.1:31001")
    known = {channel.code: channel for channel in await queries.channels(pool)}
    for channel in CHANNELS:
        admitted, bank = known[channel.code], channel.kind == "bank"
        assert (admitted.name, admitted.kind, admitted.state) == (channel.name, channel.kind, "active")
        home = f"http://127.0.0.1:31001/channels/{channel.code}"
        assert admitted.returns == (home,)
        assert (admitted.way, admitted.address) == (" › ".join(channel.entrances[0].way), home if not bank else "")
    clerk = Clerk("A510500-01", "经办窗口")
    async with transaction(pool) as tx:
        await channels.move(tx, code="wechat", to="suspended", reason="核查", clerk=clerk, at=at)
        [key] = await queries.channel_keys(tx, "alipay")
        await channels.revoke_key(tx, code="alipay", key_id=key.key_id, clerk=clerk, at=at)
    for _ in range(2):
        await start("http://127.0.0.1:31002")
    wechat = await queries.channel(pool, "wechat")
    assert wechat is not None
    assert (wechat.state, wechat.returns) == ("suspended", ("http://127.0.0.1:31002/channels/wechat",))
    [key] = await queries.channel_keys(pool, "alipay")
    assert key.revoked_at == at
    changes = [change.done for change in await queries.channel_changes(pool, "wechat")]
    assert changes[0] == "更改：返回地址、入口网址"
    assert changes.count(changes[0]) == 1
