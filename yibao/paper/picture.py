"""Pictures as people send them, made small and plain before anything else touches them."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageOps

from yibao.paper.refusals import NotAPicture, PictureTooLarge

BYTES_MAX = 12 * 1024 * 1024
PIXELS_MAX = 50_000_000
WHOLE_PIXELS_MAX = 12_000_000  # Of the kinds that are decoded whole; a JPEG is decoded small at once.
SIDE_MIN, SIDE_MAX = 200, 1800  # What is smaller shows no paper; what is larger reads no better, only more slowly.
_FORMATS = ("JPEG", "PNG", "WEBP")
_ONE = ThreadPoolExecutor(1, "picture")  # Decoded pictures are large: however many are sent, one is open at a time.


async def tidied(picture: bytes) -> bytes:
    """Return what `tidy` makes of a picture, in a thread, one picture after another. Refusals: those of `tidy`."""
    return await asyncio.get_running_loop().run_in_executor(_ONE, tidy, picture)


def tidy(picture: bytes) -> bytes:
    """Return a picture upright as the camera noted, as a JPEG of at most `SIDE_MAX` a side, and without its metadata.

    The place where a photograph was taken is nobody's business. Costs a fraction of a second: on the way of a
    request use `tidied`.

    Refusals, first that applies: PictureTooLarge, NotAPicture.
    """
    if len(picture) > BYTES_MAX:
        raise PictureTooLarge
    try:
        image = Image.open(io.BytesIO(picture), formats=_FORMATS)
        width, height = image.size
        pixels_max = PIXELS_MAX if image.format == "JPEG" else WHOLE_PIXELS_MAX
    except Exception:  # A broken picture makes Pillow raise whatever its bytes led to.
        raise NotAPicture from None
    if width * height > pixels_max:
        raise PictureTooLarge
    if min(width, height) < SIDE_MIN:
        raise NotAPicture
    try:
        image.draft("RGB", (SIDE_MAX, SIDE_MAX))
        plain = ImageOps.exif_transpose(image).convert("RGB")
        plain.thumbnail((SIDE_MAX, SIDE_MAX))
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=88)
    except Exception:
        raise NotAPicture from None
    return out.getvalue()
