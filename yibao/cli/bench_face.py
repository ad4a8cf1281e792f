"""`yibao bench`: how long a look at one camera frame takes, beside the detector alone, and how many a second.

The limit is the plainest thing that can be done with the same frame: YuNet's one call on pixels decoded beforehand. A
look decodes the frame, and besides finding the face lays the mesh twice, reads both eyes, judges light and colour, and
makes the embedding.
"""

import resource
import statistics
import threading
import time
from collections.abc import Callable

import cv2
from rich.console import Console
from rich.table import Table

from yibao.face import models
from yibao.face.vision import OpenCvEngine, decoded
from yibao.web.assets import CHECKOUT

HOME = CHECKOUT / ".yibao"
THREADS = (1, 2)
FRAME = (360, 480)  # What the page sends of a phone held upright.


def run(console: Console, *, seconds: int) -> None:
    """Measure with the portrait of the astronaut and print what came out. Raises: ModelsUnavailable."""
    with console.status("准备人脸模型……"):
        folder = models.ensure(HOME)
        portrait = cv2.imread(str(models.portraits(HOME) / "astronaut.png"))
    assert portrait is not None
    done, encoded = cv2.imencode(".jpg", cv2.resize(portrait[:240, 130:310], FRAME, interpolation=cv2.INTER_CUBIC))
    assert done
    frame = bytes(encoded)
    pixels = decoded(frame)
    engine = OpenCvEngine(folder)
    assert engine.look(frame).embedding

    def detector() -> Callable[[], object]:
        net = cv2.FaceDetectorYN.create(str(folder / models.DETECTOR), "", FRAME)
        return lambda: net.detect(pixels)

    console.print(f"[bold]人脸[/bold]（一帧 {FRAME[0]}×{FRAME[1]}，{len(frame) / 1000:.0f} kB）")
    table = Table("线程", "每秒看", "p50 毫秒", "p95 毫秒", "只检测 p50 毫秒", "只检测每秒", "比值", box=None)
    for threads in THREADS:
        looks = _timed(lambda: lambda: engine.look(frame), threads, seconds)
        limit = _timed(detector, threads, seconds)
        table.add_row(
            str(threads),
            f"{len(looks) / seconds:,.1f}",
            f"{statistics.median(looks) * 1000:.1f}",
            f"{statistics.quantiles(looks, n=20)[-1] * 1000:.1f}",
            f"{statistics.median(limit) * 1000:.1f}",
            f"{len(limit) / seconds:,.1f}",
            f"{len(looks) / len(limit):.2f}",
        )
    console.print(table)
    console.print(f"  进程最多占用内存 {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _timed(maker: Callable[[], Callable[[], object]], threads: int, seconds: int) -> list[float]:
    """Return how long each call took, of as many as end within the time; each thread has a callable of its own."""
    times: list[list[float]] = [[] for _ in range(threads)]
    calls = [maker() for _ in range(threads)]
    until = time.perf_counter() + seconds

    def work(call: Callable[[], object], mine: list[float]) -> None:
        began = time.perf_counter()
        while began < until:
            call()
            ended = time.perf_counter()
            if ended <= until:
                mine.append(ended - began)
            began = ended

    workers = [threading.Thread(target=work, args=pair) for pair in zip(calls, times, strict=True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [each for mine in times for each in mine]
