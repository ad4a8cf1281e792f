"""Reading digits aloud: is there a voice while a digit is shown, loud enough, and does the mouth move with it?

Pure over the sound of one digit's window. Which digit was spoken nothing here can tell: that is a port, `Listener`,
for a service that understands Mandarin, and what stands in for it says that it did not check.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import webrtcvad

from yibao.face.challenge import Sound
from yibao.face.types import Look

Samples = np.ndarray[Any, np.dtype[np.float64]]

RATE = 16_000
RATES = range(8_000, 96_001)  # What browsers record with; the rest of this file hears everything at RATE.
SECONDS_MAX = 4
BYTES_MAX = SECONDS_MAX * RATES[-1] * 2

_FRAME_SECONDS = 0.03
_FRAME = int(RATE * _FRAME_SECONDS)
_VOICED_MIN = 4  # frames: a spoken digit lasts 200 ms and longer
_SILENCE = -55.0  # dB below full scale: a microphone that is off or covered
_QUIET = -40.0
_NOISE_MAX = -32.0
_ABOVE_NOISE = 8.0
MOUTH_MOVES = 0.06  # of its width


class Listener(Protocol):
    """Whoever can tell which digit was spoken."""

    def heard(self, pcm: bytes) -> str | None:
        """Return the digit in this sound, 16-bit mono at `RATE`, empty for none, or None if it was not checked."""


class NoListener:
    """Listener that does not check."""

    def heard(self, pcm: bytes) -> str | None:
        return None


def resampled(pcm: bytes, *, rate: int) -> bytes:
    """Return the sound at `RATE`; ValueError for what is no 16-bit sound of a length and rate that we hear."""
    if rate not in RATES or len(pcm) % 2 or len(pcm) > SECONDS_MAX * rate * 2:
        raise ValueError("not a sound of one window")
    given = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    count = len(given) * RATE // rate
    if rate > RATE and count:
        # Averaging first keeps what is too high for the new rate from coming back as a lower tone.
        width = max(round(rate / RATE), 1)
        given = np.convolve(given, np.full(width, 1 / width), mode="same")
    at = np.arange(count) * (rate / RATE)
    heard = np.interp(at, np.arange(len(given)), given) if count else np.zeros(0)
    return bytes(np.clip(np.rint(heard), -32768, 32767).astype("<i2").tobytes())


def judged(pcm: bytes, looks: Sequence[Look], *, digit: str, lead_seconds: float, listener: Listener) -> Sound | None:
    """Return what was wrong with the reading of one digit, None if nothing was.

    `pcm` is at `RATE` and begins `lead_seconds` before the digit was shown: what is heard then is the room. Causes, the
    first that applies: no_sound, too_noisy, too_quiet, digit_window_missed, mouth_not_moving, digit_differs.
    """
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    border = int(lead_seconds * RATE)
    before, window = samples[:border], samples[border:]
    if len(window) < _VOICED_MIN * _FRAME or _level(_loud_part(window)) < _SILENCE:
        return "no_sound"
    loud, room = _level(_loud_part(window)), _level(_quiet_part(before))
    voiced = _voiced(window)
    if voiced < _VOICED_MIN <= _voiced(before):
        return "digit_window_missed"  # It was read too early; a voice is not noise.
    if room > _NOISE_MAX and loud - room < _ABOVE_NOISE:
        return "too_noisy"
    if loud < _QUIET:
        return "too_quiet"
    if voiced < _VOICED_MIN:
        return "digit_window_missed"
    mouths = [look.mouth for look in looks if look.embedding]
    if len(mouths) < 2 or max(mouths) - min(mouths) < MOUTH_MOVES:
        return "mouth_not_moving"
    said = listener.heard(pcm)
    return None if said is None or said == digit else "digit_differs"


def _voiced(samples: Samples) -> int:
    """Return how many frames of the sound hold a voice."""
    vad = webrtcvad.Vad(2)
    frames = samples[: len(samples) // _FRAME * _FRAME].astype("<i2").reshape(-1, _FRAME)
    return sum(vad.is_speech(frame.tobytes(), RATE) for frame in frames)


def _loud_part(
    samples: Samples,
) -> Samples:
    """Return the loudest fifth of a second: a digit is short, and the silence around it tells nothing of its voice."""
    width = RATE // 5
    if len(samples) <= width:
        return samples
    power = np.cumsum(np.concatenate(([0.0], samples**2)))
    start = int(np.argmax(power[width:] - power[:-width]))
    return samples[start : start + width]


def _quiet_part(samples: Samples) -> Samples:
    """Return the quietest tenth of a second: noise lasts, and the end of the digit before is none."""
    width = RATE // 10
    if len(samples) <= width:
        return samples
    power = np.cumsum(np.concatenate(([0.0], samples**2)))
    start = int(np.argmin(power[width:] - power[:-width]))
    return samples[start : start + width]


def _level(samples: Samples) -> float:
    """Return the strength in dB below full scale."""
    if not len(samples):
        return -120.0
    return 20 * math.log10(max(math.sqrt(float(np.mean(samples**2))) / 32768, 1e-6))
