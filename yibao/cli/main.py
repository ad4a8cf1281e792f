"""The commands of `yibao`."""

import asyncio
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from yibao.cli import demo, instance, policy, serving
from yibao.cli import world as seeded
from yibao.core import clock
from yibao.core import settings as installation
from yibao.core.database import open_pool, transaction
from yibao.core.migrate import Migration, MigrationRefused
from yibao.core.postgres import PostgresUnavailable, account_directory
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.face.models import ModelsUnavailable
from yibao.web.assets import AssetsUnavailable

app = typer.Typer(help="Yibao 医保：基本医疗保险公共服务平台", no_args_is_help=True, pretty_exceptions_enable=False)
ledger_app = typer.Typer(help="总账", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")
app.add_typer(policy.app, name="policy")
console = Console()

PeopleOption = Annotated[int, typer.Option("--people", min=1, max=3_000_000, help="合成世界的人数")]


@app.command("demo")
def run_demo(people: PeopleOption = 200) -> None:
    """一条命令运行整个演示：数据库、服务、后台任务与沙盒。"""
    demo.run(installation.load(), people=people, console=console)


@app.command("serve")
def serve() -> None:
    """运行网页与接口服务（需要 YIBAO_DATABASE_URL）。"""
    uvloop.run(serving.serve(_with_database(installation.load())))


@app.command("work")
def work() -> None:
    """运行后台任务（需要 YIBAO_DATABASE_URL）。"""
    uvloop.run(serving.work(_with_database(installation.load())))


@app.command("sandbox")
def sandbox(people: PeopleOption = 200) -> None:
    """运行沙盒：短信、银联等对端的模拟程序。"""
    uvloop.run(serving.sandbox(installation.load(), people=people))


@app.command("migrate")
def run_migrations() -> None:
    """把数据库升级到本版本。"""
    with instance.opened(installation.load()) as found:
        applied = asyncio.run(instance.migrated(found.settings, progress=_say_migration))
        console.print(f"完成，执行了 {applied} 个脚本。")


def _say_migration(migration: Migration) -> None:
    console.print(f"  {migration.room.removeprefix('yibao.')}/{migration.name}")


@app.command("seed")
def seed(people: PeopleOption = 200) -> None:
    """向空数据库写入合成世界。"""
    with instance.opened(installation.load()) as found:
        asyncio.run(instance.migrated(found.settings))
        asyncio.run(load_world(found, people=people))


async def load_world(found: instance.Instance, *, people: int) -> None:
    """Write the synthetic world with progress shown; nothing if it is there."""
    from yibao import identity

    pool = await open_pool(found.settings.owner_database_url or found.settings.database_url, size=2)
    try:
        vault = Vault(instance.keys_of(found.settings))
        if await seeded.is_seeded(pool):
            return
        columns = (TextColumn("写入合成世界"), BarColumn(), MofNCompleteColumn(), TextColumn("人"))
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("people", total=people)
            await seeded.seed(
                pool,
                vault,
                hasher=identity.Hasher(vault),
                people=people,
                at=clock.now(),
                progress=lambda done: progress.update(task, completed=done),
            )
    finally:
        await pool.close()


async def let_channels_in(found: instance.Instance, *, returns: str) -> None:
    """Accredit the sandbox's channels, whose pages stand at the address `returns`."""
    from yibao.sandbox import channels

    keys = await asyncio.to_thread(channels.ensure_keys, found.settings.home / "channels")
    pool = await open_pool(found.settings.database_url, size=1)
    try:
        await seeded.accredit(pool, keys, returns=returns, at=clock.now())
    finally:
        await pool.close()


@app.command("key")
def issue_key(institution: Annotated[str, typer.Argument(help="机构编码，如 P51050000001")]) -> None:
    """为机构的系统签发一个接口密钥；只显示这一次。"""
    with instance.opened(installation.load()) as found:
        console.print(asyncio.run(_issue_key(found, institution)), soft_wrap=True)


async def _issue_key(found: instance.Instance, institution: str) -> str:
    from yibao import identity, registry

    pool = await open_pool(found.settings.database_url, size=1)
    try:
        async with transaction(pool) as tx:
            if await registry.institution(tx, institution) is None:
                raise typer.Exit(_fail("没有这个机构编码。"))
            return await identity.issue_api_key(tx, institution=institution, at=clock.now())
    finally:
        await pool.close()


@app.command("clean-data")
def clean_data() -> None:
    """删除演示数据（内置数据库与密钥），下次启动重新开始。"""
    settings = installation.load()
    if instance.demo_is_running(settings):
        raise typer.Exit(_fail("演示正在运行，请先停止（Ctrl-C）再清除。"))
    postgres = settings.home / "postgres"
    made = (settings.home / name for name in ("keys.json", "channels", "police", "unionpay"))
    for path in (postgres, account_directory(postgres), *made):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    console.print("演示数据已清除。")


@ledger_app.command("check")
def ledger_check() -> None:
    """证明账目平衡：每个账户等于其流水之和，每笔结算的各部分之和等于总额。"""
    from yibao.cli import check

    with instance.opened(installation.load()) as found:
        report = asyncio.run(check.run(found.settings))
    for line in report.lines:
        console.print(line)
    if report.findings:
        raise typer.Exit(_fail(f"发现 {len(report.findings)} 处不平。"))
    console.print("[green]账目平衡。[/green]")


@ledger_app.command("rebuild-counters")
def rebuild_counters() -> None:
    """按历次结算重建年度累计（起付线、基金已付、住院次数、病种限额）；本来相符就什么也不改。"""
    from yibao.settlement import tallies

    async def rebuild(database_url: str) -> tuple[int, int]:
        pool = await open_pool(database_url, size=1)
        try:
            async with transaction(pool) as tx:
                return await tallies.rebuild(tx), await tallies.differing(tx)
        finally:
            await pool.close()

    with instance.opened(installation.load()) as found:
        changed, left = asyncio.run(rebuild(found.settings.database_url))
    console.print(f"改正 {changed} 人年的累计。" if changed else "累计与历次结算相符，没有改动。")
    if left:
        console.print(f"另有 {left} 人年有累计而没有结算，可能是从别的系统转来的，没有改动。")


@app.command("bench")
def run_bench(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="每项测量的秒数")] = 5,
    only: Annotated[
        Literal["assess", "preview", "http", "face"] | None,
        typer.Option(help="只测待遇计算、规则变更预演、结算与扫码，或人脸"),
    ] = None,
) -> None:
    """测量待遇计算、结算与扫码、人脸的速度，并与同一次运行中别的规则引擎、数据库、人脸检测的上限比较。"""
    from yibao.cli import bench, bench_assess, bench_face, bench_preview

    if only in (None, "assess"):
        bench_assess.run(console, seconds=seconds)
    if only in (None, "preview"):
        bench_preview.run(console)
    if only in (None, "http"):
        bench.run(console, seconds=seconds)
    if only in (None, "face"):
        bench_face.run(console, seconds=seconds)


@app.command("forge")
def run_forge(
    count: Annotated[int, typer.Option(min=1, help="试多少个码")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
) -> None:
    """用伪造、用过、过期、篡改的医保码攻击一个临时数据库；有一个通过就算失败。"""
    from yibao.cli import forge

    outcome = forge.run(console, count=count, seed=seed)
    if outcome.wrongly_accepted or outcome.wrongly_refused:
        raise typer.Exit(
            _fail(f"不该通过的通过了 {outcome.wrongly_accepted} 个，真码被拒绝 {outcome.wrongly_refused} 个。")
        )


@app.command("reference")
def write_reference() -> None:
    """重写由代码生成的参考文档。"""
    import yibao.app  # noqa: F401 - every refusal is known once every room is imported.
    from yibao.site import reference

    folder = Path(__file__).parents[2] / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "errors.md").write_text(reference.errors(), "utf-8")


def _with_database(settings: installation.Settings) -> installation.Settings:
    if not settings.database_url:
        raise typer.Exit(_fail("请设置 YIBAO_DATABASE_URL，或用 yibao demo 运行自带数据库。"))
    return replace(settings, sms_secret=settings.sms_secret or secrets.token_urlsafe(24))


def _fail(text: str) -> int:
    Console(stderr=True).print(text)
    return 1


def main() -> None:
    """Run the command line. What an operator can put right is said in a line or two, without a stack trace."""
    try:
        app()
    except (
        PostgresUnavailable,
        MigrationRefused,
        AssetsUnavailable,
        ModelsUnavailable,
        installation.SettingsInvalid,
    ) as refused:
        raise SystemExit(_fail(str(refused))) from None
    except demo.ChildEnded as refused:
        raise SystemExit(_fail(str(refused))) from None
    except Refusal as refused:
        raise SystemExit(_fail(f"{refused.title}。{refused.detail_text}{refused.hint_text}")) from None
    except asyncpg.InsufficientPrivilegeError:
        raise SystemExit(_fail("数据库用户权限不足，所需授权见 docs/howto/settings.md。")) from None
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError):
        raise SystemExit(_fail("数据库地址、用户或密码不对，请核对 YIBAO_DATABASE_URL。")) from None
    except asyncpg.UndefinedTableError:
        raise SystemExit(_fail("数据库还没有建表，请先执行 yibao migrate。")) from None
    except ConnectionError:
        raise SystemExit(_fail("连不上数据库，请核对 YIBAO_DATABASE_URL，并确认数据库已启动。")) from None
