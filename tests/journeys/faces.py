"""Films of faces for the fake camera, and pictures for the upload: two portraits that blink, turn and speak.

Each scene is what goes wrong before a real camera, made from a portrait. The pictures come from the tests' own data
directory; none is in the repository.
"""

import io
import math
import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tests.journeys.camera import SIZE, film
from yibao.face import models
from yibao.face.challenge import Action
from yibao.face.tests.warp import HOME, Sitter

Array = Any
WIDTH, HEIGHT = SIZE
MOVES: dict[Action, dict[str, float]] = {
    "blink": {"blink": 1.0},
    "mouth": {"mouth": 1.0},
    "left": {"turn": 0.9},
    "right": {"turn": -0.9},
}
ASTRONAUT, HOPPER = "astronaut.png", "grace_hopper.jpg"
# The surest challenge: a turned head is never taken for one at rest, however slow the machine is.
ACTS: tuple[Action, Action] = ("left", "left")


@cache
def sitter(name: str) -> Sitter:
    return Sitter(models.portraits(HOME) / name, models.ensure(HOME))


def before_camera(face: Array, *, scale: float = 1.0, dx: int = 0, ground: int = 110) -> Array:
    """Return a whole camera frame with this square picture in it, `dx` pixels beside the middle."""
    side = round(HEIGHT * scale)
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
    left, top = (WIDTH - side) // 2 + dx, (HEIGHT - side) // 2
    a, b = max(0, left), min(WIDTH, left + side)
    frame[top : top + side, a:b] = small[:, a - left : b - left]
    return frame


def straight(name: str = ASTRONAUT) -> Array:
    return before_camera(sitter(name).frame())


def moved(action: Action, name: str = ASTRONAUT, *, amount: float = 1.0) -> Array:
    return before_camera(sitter(name).frame(**{part: size * amount for part, size in MOVES[action].items()}))


def spoilt() -> dict[str, Array]:
    """Return, for each cause that can be staged, a camera frame that has it."""
    good, face = straight(), sitter(ASTRONAUT).frame()
    mesh = sitter(ASTRONAUT).mesh.points
    eyes = mesh[[33, 133, 362, 263], :2]
    low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
    masked, shaded = face.copy(), face.copy()
    cv2.rectangle(
        masked, (int(low[0]), int(mesh[4, 1])), (int(high[0]), int(high[1])), (200, 120, 40), -1
    )  # A blue mask from the tip of the nose to the chin.
    for pair in (eyes[:2], eyes[2:]):
        centre, radius = pair.mean(0), float(np.linalg.norm(pair[1] - pair[0]))
        cv2.circle(shaded, (int(centre[0]), int(centre[1])), int(radius * 0.95), (12, 12, 12), -1)
    half = cv2.resize(face, (HEIGHT * 2 // 3, HEIGHT * 2 // 3), interpolation=cv2.INTER_AREA)
    two = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    two[80 : 80 + len(half), : len(half)] = half
    two[80 : 80 + len(half), WIDTH - len(half) :] = half
    return {
        "no_face": np.full((HEIGHT, WIDTH, 3), 110, np.uint8),
        "too_dark": np.clip(good * 0.12, 0, 255).astype(np.uint8),
        "too_bright": np.clip(good * 1.4 + 120, 0, 255).astype(np.uint8),
        "several_faces": two,
        "not_whole": before_camera(face, dx=-250),
        "too_far": before_camera(face, scale=0.4),
        "not_straight": before_camera(sitter(ASTRONAUT).frame(turn=1.0)),
        "covered": before_camera(masked),
        "tinted_glasses": before_camera(shaded),
    }


def _picture(frame: Array) -> Image.Image:
    return Image.fromarray(frame[:, :, ::-1])


def jpeg(frame: Array) -> bytes:
    drawn = io.BytesIO()
    _picture(frame).save(drawn, "JPEG", quality=92)
    return drawn.getvalue()


def acting_film(path: Path, *actions: Action, name: str = ASTRONAUT) -> Path:
    """Write a film in which the portrait does these movements in turn, slowly, with rests between them."""

    def frames() -> Iterator[Image.Image]:
        rest = _picture(straight(name))
        for action in actions:
            going = [_picture(moved(action, name, amount=step / 4)) for step in (1, 2, 3)]
            held = _picture(moved(action, name))
            yield from (*[rest] * 45, *going, *[held] * (24 if action == "blink" else 42), *reversed(going))
        yield from [rest] * 30

    return film(path, frames())


def turning_film(path: Path, *, name: str = ASTRONAUT) -> Path:
    """Write a film that passes `ACTS`: the head turns and comes back, again and again."""
    rest, held = _picture(straight(name)), _picture(moved("left", name))
    going = [_picture(moved("left", name, amount=step / 4)) for step in (1, 2, 3)]
    return film(path, [*[rest] * 36, *going, *[held] * 48, *reversed(going)])


def spoilt_film(path: Path, *causes: str, seconds: float) -> Path:
    """Write a film in which one thing after the other is wrong."""
    scenes = spoilt()
    return film(path, [picture for cause in causes for picture in [_picture(scenes[cause])] * round(30 * seconds)])


def speaking_film(path: Path, *, name: str = ASTRONAUT) -> Path:
    """Write a film in which the mouth opens and shuts about twice a second."""
    steps = [_picture(moved("mouth", name, amount=(1 - math.cos(2 * math.pi * k / 8)) / 2)) for k in range(8)]
    return film(path, [picture for picture in steps for _ in range(2)])


def voice(path: Path) -> Path:
    """Write a .wav in which a voice is heard again and again, with silence between."""
    rate, spoken, pause = 48_000, 0.3, 0.4
    time = np.arange(int(rate * spoken)) / rate
    phase = 2 * math.pi * np.cumsum(130 + 12 * np.sin(2 * math.pi * 2 * time)) / rate
    formants = ((700, 130), (1220, 170), (2600, 250))
    sung = sum(
        (sum(math.exp(-(((130 * k - f) / w) ** 2)) for f, w in formants) + 0.03) * np.sin(k * phase)
        for k in range(1, 30)
    )
    sung = 0.5 * sung / np.abs(sung).max() * np.sin(math.pi * time / spoken) ** 0.3
    return _sound(path, np.tile(np.concatenate([sung, np.zeros(int(rate * pause))]), 10))


def silence(path: Path) -> Path:
    """Write a .wav of a microphone that is covered."""
    return _sound(path, np.zeros(48_000))


def noise(path: Path) -> Path:
    """Write a .wav of a loud room, in which no voice stands out."""
    return _sound(path, np.random.default_rng(7).normal(0, 0.2, 48_000 * 5).clip(-1, 1))


def _sound(path: Path, samples: Any) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path
