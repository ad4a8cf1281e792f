"""Digits read aloud: what the sound of one window tells (B12)."""

import math
from random import Random

import numpy as np
import pytest

from yibao.face import digits
from yibao.face.challenge import Sound
from yibao.face.digits import RATE, NoListener, Samples
from yibao.face.tests.looks import MOUTH, NOBODY, STRAIGHT
from yibao.face.types import Look

LEAD, WINDOW = 0.4, 1.2
MOVING = (STRAIGHT, MOUTH, STRAIGHT)


def silence(*, noise: float = 0.0) -> Samples:
    """Return a whole window of a quiet room, or of one with this much noise."""
    random = Random(471)
    return np.array([random.gauss(0, 1) * noise for _ in range(int(RATE * (LEAD + WINDOW)))])


def vowel(*, strength: float, begins: float = LEAD + 0.3, lasts: float = 0.45) -> Samples:
    """Return a sound like a sung vowel: harmonics of a pitch that moves a little, stronger where a mouth resounds."""
    time = np.arange(int(RATE * (LEAD + WINDOW))) / RATE
    pitch = 130 + 12 * np.sin(2 * math.pi * 2 * time)
    phase = 2 * math.pi * np.cumsum(pitch) / RATE
    formants = ((700, 130), (1220, 170), (2600, 250))
    wave = np.zeros(len(time))
    for k in range(1, 30):
        gain = sum(math.exp(-(((130 * k - centre) / width) ** 2)) for centre, width in formants) + 0.03
        wave += gain * np.sin(k * phase)
    shape = np.where((time >= begins) & (time < begins + lasts), np.sin(math.pi * (time - begins) / lasts), 0.0)
    return np.asarray(strength * shape * wave / np.abs(wave).max())


def pcm(samples: Samples) -> bytes:
    return bytes(np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes())


class Hearing:
    """A listener who hears this digit in everything."""

    def __init__(self, digit: str) -> None:
        self.digit = digit

    def heard(self, pcm: bytes) -> str | None:
        return self.digit


@pytest.mark.parametrize(
    ("sound", "looks", "wrong"),
    [
        (vowel(strength=0.4), MOVING, None),
        (vowel(strength=0.4) + silence(noise=0.003), MOVING, None),
        (silence(), MOVING, "no_sound"),
        (silence(noise=0.0008), MOVING, "no_sound"),
        (vowel(strength=0.01), MOVING, "too_quiet"),
        (vowel(strength=0.15) + silence(noise=0.12), MOVING, "too_noisy"),
        (silence(noise=0.12), MOVING, "too_noisy"),
        (vowel(strength=0.4, begins=0.0, lasts=0.38) + silence(noise=0.012), MOVING, "digit_window_missed"),
        (vowel(strength=0.4), (STRAIGHT, STRAIGHT), "mouth_not_moving"),
        (vowel(strength=0.4), (NOBODY, MOUTH), "mouth_not_moving"),
        (vowel(strength=0.4), (), "mouth_not_moving"),
    ],
)
def test_what_was_wrong_with_a_window(sound: Samples, looks: tuple[Look, ...], wrong: Sound | None) -> None:
    assert digits.judged(pcm(sound), looks, digit="7", lead_seconds=LEAD, listener=NoListener()) == wrong


def test_who_understands_digits_is_asked_last() -> None:
    sound = pcm(vowel(strength=0.4))
    told = [
        digits.judged(sound, MOVING, digit="7", lead_seconds=LEAD, listener=Hearing(digit)) for digit in ("7", "4", "")
    ]
    assert told == [None, "digit_differs", "digit_differs"]
    assert digits.judged(pcm(silence()), MOVING, digit="7", lead_seconds=LEAD, listener=Hearing("7")) == "no_sound"


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_browsers_record_at_rates_of_their_own(rate: int) -> None:
    """The same voice is heard whatever the rate, and a tone too high for ours does not come back as a voice."""
    time = np.arange(int(rate * (LEAD + WINDOW))) / rate
    ours = vowel(strength=0.4)
    there = np.interp(time, np.arange(len(ours)) / RATE, ours)
    heard = digits.resampled(pcm(there), rate=rate)
    assert abs(len(heard) // 2 - len(ours)) <= 1
    assert digits.judged(heard, MOVING, digit="7", lead_seconds=LEAD, listener=NoListener()) is None


def test_what_is_no_sound_is_refused() -> None:
    for sound, rate in ((b"\0", 16_000), (b"\0\0", 7_999), (b"\0\0", 10**9), (b"\0\0" * (RATE * 4 + 1), RATE)):
        with pytest.raises(ValueError, match="not a sound"):
            digits.resampled(sound, rate=rate)
    assert digits.resampled(b"", rate=48_000) == b""
