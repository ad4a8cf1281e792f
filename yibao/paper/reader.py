"""The engine that reads: a port, and the one that is built in."""

import asyncio
import io
from typing import Any, Protocol

from PIL import Image

from yibao.paper.types import Line


class Reader(Protocol):
    """Reads the lines of a picture; a provider's service can stand here instead of the built-in engine."""

    async def read(self, picture: bytes) -> list[Line]:
        """Return the lines on a picture that `tidy` made, in no order; none where there is no text."""
        ...


class RapidReader:
    """RapidOCR with the models of its wheel, loaded at the first picture, which it reads in a thread, one at a time.

    It takes 600 MB once it is loaded and a processor for some seconds a picture, hence one at a time.
    """

    def __init__(self) -> None:
        self._engine: Any = None
        self._turn = asyncio.Lock()

    async def read(self, picture: bytes) -> list[Line]:
        async with self._turn:
            return await asyncio.to_thread(self._read, picture)

    def _read(self, picture: bytes) -> list[Line]:
        import numpy  # Here, so that the many processes that never read a paper do not load the engine.

        if self._engine is None:
            self._engine = _engine()
        with Image.open(io.BytesIO(picture)) as image:
            pixels = numpy.asarray(image.convert("RGB"))[:, :, ::-1]  # The engine takes blue before red.
        read = self._engine(pixels)
        if read.boxes is None or read.txts is None or read.scores is None:
            return []
        return [
            Line(text, ((*map(float, a),), (*map(float, b),), (*map(float, c),), (*map(float, d),)), float(score))  # type: ignore[arg-type]
            for (a, b, c, d), text, score in zip(read.boxes, read.txts, read.scores, strict=True)
        ]


def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",  # Its log would tell what stands on people's papers.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
