"""The long-running parts: web, worker and sandbox, each ended by a signal."""

import asyncio
import contextlib
import os

import uvicorn

from yibao.cli.processes import stop_signals
from yibao.core.clock import day_of, now
from yibao.core.settings import Settings


async def serve(settings: Settings) -> None:
    """Serve pages and API until a signal comes; what is being answered then is answered."""
    from yibao.app import create_app, open_house
    from yibao.cli.instance import keys_of
    from yibao.cli.processes import free_port
    from yibao.face import models
    from yibao.web import assets

    await asyncio.to_thread(assets.ensure, settings.home)
    await asyncio.to_thread(models.ensure, settings.home)
    async with open_house(settings, keys_of(settings)) as house:
        port = free_port(settings.host, settings.port)
        await _run(create_app(house), settings.host, port)


async def _run(app: object, host: str, port: int) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        # Behind a proxy of the institution's choice the client's address is not ours to believe.
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    # uvicorn would install handlers of its own and raise the signal again when done.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    stop = asyncio.Event()
    with stop_signals(stop):
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving


async def work(settings: Settings) -> None:
    """Drain the outbox until a signal comes."""
    from yibao.app import handlers, open_house
    from yibao.cli.instance import keys_of
    from yibao.worker import Worker

    stop = asyncio.Event()
    async with open_house(settings, keys_of(settings), pool_size=4) as house:
        with stop_signals(stop):
            await Worker(house.pool, handlers(house)).run(stop)


async def sandbox(settings: Settings, *, people: int) -> None:
    """Serve the counterparts until a signal comes."""
    from yibao.cli.world import SEED
    from yibao.sandbox import app, channels, police, unionpay, world
    from yibao.sandbox.hospital import Hospital

    built = world.build(seed=SEED, people=min(people, 20_000), on=day_of(now()))
    links = [
        app.Link(title, os.environ[name])
        for title, name in (
            ("手机页面", "YIBAO_DEMO_PHONE"),
            ("收款台", "YIBAO_DEMO_TILL"),
            ("单位网页", "YIBAO_DEMO_UNIT"),
            ("经办窗口", "YIBAO_DEMO_CONSOLE"),
        )
        if name in os.environ
    ]
    start_page = app.StartPage(
        institutions=built.institutions, demo_password=world.DEMO_PASSWORD, links=links, units=built.units
    )
    await _run(
        app.create_app(
            people=built.people,
            start_page=start_page,
            sms_secret=settings.sms_secret.encode(),
            unionpay_keys=unionpay.ensure_keys(settings.home / "unionpay"),
            hospital=Hospital(
                platform=os.environ.get("YIBAO_DEMO_PHONE", ""), key=os.environ.get("YIBAO_DEMO_HOSPITAL_KEY", "")
            ),
            channels=channels.ChannelDesk(
                keys=channels.ensure_keys(settings.home / "channels"),
                platform=os.environ.get("YIBAO_DEMO_PHONE", ""),
                home=f"http://{settings.host}:{settings.port}",
            ),
            police_secret=settings.police_secret.encode(),
            police_photos=police.Photos(settings.home / "police"),
        ),
        settings.host,
        settings.port,
    )
