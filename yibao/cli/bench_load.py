"""The load generator of `yibao bench`, a process of its own: keep-alive connections that each ask, wait, and ask again.

It writes and reads HTTP/1.1 by hand, because a general client would take more of the two cores than the server.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop

from yibao.core.clock import now
from yibao.core.vault import Keys
from yibao.credential import Codes

_DEVICE_OFFSET = 100_000_000
Ask = Callable[[], tuple[str, bytes, str]]


def _requests(order: dict[str, object]) -> Ask:
    """Return a function that gives the next request: path, body and idempotency key."""
    tokens = Path(str(order["tokens"])).read_text().splitlines()
    numbers = itertools.count(int(str(order["skip"])))
    if order["kind"] == "settle":
        lines = order["lines"]
        # The first purchase of the year of a retired person in Luzhou with a full account: SC-LZ-01.
        expected = {"total_fen": 42000, "fund_fen": 17500, "account_fen": 24500, "cash_fen": 0}

        def settle() -> tuple[str, bytes, str]:
            n = next(numbers)
            body = {"basket": {"token": tokens[n], "lines": lines, "use_account": True}, "expected": expected}
            return "/api/settlements", json.dumps(body).encode(), f"bench-{n}"

        return settle
    codes = Codes(Keys.parse(os.environ["YIBAO_KEYS"]))
    clients = int(str(order["clients"]))
    tickets = _fresh_tickets(len(tokens), clients)

    def scan() -> tuple[str, bytes, str]:
        device, ticket = next(tickets)
        code = codes.make(device_number=f"{_DEVICE_OFFSET + device:09d}", ticket=ticket, province="510000", at=now())
        return "/api/scans", json.dumps({"code": code, "till": "1"}).encode(), "scan"

    return scan


def _fresh_tickets(devices: int, run: int) -> Iterator[tuple[int, int]]:
    """Give each run tickets of its own: its number of clients is its name."""
    for ticket in itertools.count():
        for device in range(devices):
            yield device, run * 100 + ticket


async def _client(port: int, key: str, ask: Ask, until: float, out: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f" HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    while time.perf_counter() < until:
        path, body, idempotency = ask()
        started = time.perf_counter()
        writer.write(
            f"POST {path}{head}Idempotency-Key: {idempotency}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        content = await reader.readexactly(length)
        if b" 201 " not in answer[:20]:
            raise AssertionError(content.decode()[:500])
        out.append((time.perf_counter() - started) * 1000)
    writer.close()


async def _load(order: dict[str, object]) -> None:
    out: list[float] = []
    ask = _requests(order)
    started = time.perf_counter()
    until = started + float(str(order["seconds"]))
    port, key = int(str(order["port"])), str(order["key"])
    await asyncio.gather(*(_client(port, key, ask, until, out) for _ in range(int(str(order["clients"])))))
    sys.stdout.write(json.dumps({"elapsed": time.perf_counter() - started, "milliseconds": out}))


if __name__ == "__main__":
    uvloop.run(_load(json.loads(sys.argv[1])))
