"""The whole platform on one machine: database, web, worker and sandbox, until somebody stops it."""

import asyncio
import contextlib
import secrets
import urllib.request
from collections.abc import Iterator
from subprocess import Popen
from urllib.error import URLError

from rich.console import Console
from rich.table import Table

from yibao.cli import instance
from yibao.cli.processes import ChildEnded, child, free_port, stop_signals
from yibao.core.clock import day_of, now
from yibao.core.settings import Settings
from yibao.face import models
from yibao.sandbox import world
from yibao.web import assets

__all__ = ["ChildEnded", "run"]


def run(settings: Settings, *, people: int, console: Console) -> None:
    """Bring everything up, say where it is, and take it down in order when a signal comes.

    Raises PostgresUnavailable, AssetsUnavailable, ModelsUnavailable, MigrationRefused, ChildEnded.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(settings, people=people, console=console))


async def _run(settings: Settings, *, people: int, console: Console) -> None:
    from yibao.cli.main import let_channels_in, load_world
    from yibao.cli.world import HOSPITAL, issue_key

    stop = asyncio.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(stop_signals(stop))
        with console.status("准备页面资源……"):
            await asyncio.to_thread(assets.ensure, settings.home)
        with console.status("准备人脸识别的模型（首次约 115 MB）……"):
            await asyncio.to_thread(models.ensure, settings.home)
        with console.status("启动数据库……"):
            found = await asyncio.to_thread(stack.enter_context, instance.opened(settings))
        settings = found.settings
        with console.status("升级数据库结构……"):
            await instance.migrated(settings)
        await load_world(found, people=people)
        phone_port = free_port(settings.host, settings.port)
        sandbox_port = free_port(settings.host, 0, taken=frozenset({phone_port}))
        phone = f"http://{settings.host}:{phone_port}"
        sandbox = f"http://{settings.host}:{sandbox_port}"
        with console.status("登记渠道……"):
            await let_channels_in(found, returns=sandbox)
        shared = {
            "YIBAO_HOME": str(settings.home),
            "YIBAO_DATABASE_URL": settings.database_url,
            "YIBAO_OWNER_DATABASE_URL": settings.owner_database_url,
            "YIBAO_HOST": settings.host,
            "YIBAO_SMS_URL": sandbox,
            "YIBAO_SMS_SECRET": (shared_secret := secrets.token_urlsafe(24)),
            "YIBAO_CHANNELS_URL": sandbox,
            "YIBAO_CHANNELS_SECRET": shared_secret,
            "YIBAO_POLICE_URL": sandbox,
            "YIBAO_POLICE_SECRET": secrets.token_urlsafe(24),
            "YIBAO_UNIONPAY_URL": sandbox,
            "YIBAO_UNIONPAY_KEYS": str(settings.home / "unionpay" / "merchant"),
            "YIBAO_DEMO_PHONE": phone,
            "YIBAO_DEMO_TILL": phone + "/till",
            "YIBAO_DEMO_UNIT": phone + "/unit",
            "YIBAO_DEMO_CONSOLE": phone + "/console",
            "YIBAO_DEMO_HOSPITAL_KEY": await issue_key(settings.database_url, HOSPITAL, at=now()),
        }
        parts = {
            "sandbox": stack.enter_context(
                child("sandbox", "--people", str(people), environment={**shared, "YIBAO_PORT": str(sandbox_port)})
            )
        }
        with console.status("启动沙盒……"):
            await _answers(sandbox + "/", parts)
        parts["serve"] = stack.enter_context(child("serve", environment={**shared, "YIBAO_PORT": str(phone_port)}))
        parts["work"] = stack.enter_context(child("work", environment={**shared, "YIBAO_PORT": "0"}))
        with console.status("启动服务……"):
            await _answers(phone + "/api/health", parts)
        instance.announce(settings, {"phone": phone, "sandbox": sandbox})
        stack.callback(instance.withdraw, settings)
        _say_where(console, phone=phone, sandbox=sandbox)
        while not stop.is_set():
            _require_alive(parts)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
        console.print("正在停止……")


def _require_alive(parts: dict[str, Popen[bytes]]) -> None:
    for name, process in parts.items():
        if process.poll() is not None:
            raise ChildEnded(f"{name} 意外退出（代码 {process.returncode}），演示停止。")


async def _answers(address: str, parts: dict[str, Popen[bytes]]) -> None:
    """Wait until a part answers; it has half a minute, or ends by itself."""
    for _ in range(300):
        _require_alive(parts)
        if await asyncio.to_thread(_is_up, address):
            return
        await asyncio.sleep(0.1)
    raise ChildEnded(f"{address} 半分钟内没有应答，演示停止。")


def _is_up(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


# Whoever tries these has seen account, chronic disease, aid, waiting period and two places at work.
_TO_TRY = (
    "luzhou_retired",
    "luzhou_employed",
    "luzhou_retired_empty",
    "luzhou_retired_exact",
    "luzhou_chronic",
    "chengdu_subsistence",
    "xian_civil_servant",
    "shanghai_retired_early",
    "newly_insured",
    "two_places",
)


def _people_to_try() -> Iterator[tuple[str, str, str]]:
    built = world.build(people=max(world.ROLES.values()) + 1, on=day_of(now()))
    for person in map(built.cast, _TO_TRY):
        yield person.name, person.phone, person.special


def _say_where(console: Console, *, phone: str, sandbox: str) -> None:
    console.print()
    console.print(f"  手机页面    {phone}/")
    console.print(f"  药店收款台  {phone}/till    工号 P51050000001-01，密码 {world.DEMO_PASSWORD}", soft_wrap=True)
    console.print(f"  医院窗口    {phone}/till    工号 H51050000004-01，密码相同", soft_wrap=True)
    console.print(f"  单位网页    {phone}/unit    经办人在手机上出示单位码，见沙盒首页", soft_wrap=True)
    console.print(f"  经办窗口    {phone}/console    工号 A510500-01，密码相同", soft_wrap=True)
    console.print(f"  示例医院    {sandbox}/hospital    医院自己的网页，用医保码登录和授权", soft_wrap=True)
    console.print(
        f"  渠道        {sandbox}/channels    微信、支付宝、银行等的仿制页面，从那里进入和激活", soft_wrap=True
    )
    console.print(f"  沙盒        {sandbox}/    测试人员的证件、社保卡、银行卡；短信；公安人像；开关", soft_wrap=True)
    console.print()
    table = Table(title="测试人员（用手机号注册，验证码在沙盒短信收件箱）", title_justify="left", box=None)
    for heading in ("姓名", "手机号", "特点"):
        table.add_column(heading)
    for row in _people_to_try():
        table.add_row(*row)
    console.print(table)
    console.print(f"  全部测试人员见 {sandbox}/    按 Ctrl-C 停止")
