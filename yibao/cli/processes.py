"""Child processes that end with their parent, however it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TIED = "YIBAO_TIED_TO_PARENT"


class ChildEnded(Exception):
    """A part of the demo ended by itself."""


@contextlib.contextmanager
def child(name: str, *arguments: str, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `yibao …` while the block runs. It holds the read end of a pipe, and stops when the pipe closes.

    The pipe closes also when this process is killed without a chance to say so. A session of its own keeps the
    terminal's Ctrl-C from it, so that parts are stopped in order.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", "from yibao.cli import main; main()", name, *arguments],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment, _TIED: "1"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


@contextlib.contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on INT, TERM and HUP, also where they were inherited as ignored, and when the parent is gone."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    tied = os.environ.get(_TIED) == "1"
    if tied:
        loop.add_reader(0, _on_parent_pipe, stop, loop)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
        if tied:
            loop.remove_reader(0)


def _on_parent_pipe(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    if not os.read(0, 64):
        loop.remove_reader(0)
        stop.set()


def free_port(host: str, wanted: int, *, taken: frozenset[int] = frozenset()) -> int:
    """Return `wanted`, or for 0 the first free port from 8600 on: below 32768, where no outgoing connection sits."""
    if wanted:
        return wanted
    for port in range(8600, 9600):
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise ChildEnded("8600–9599 之间没有空闲端口，请用 YIBAO_PORT 指定")
