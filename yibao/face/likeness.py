"""Whether two faces are of one person.

The lines were found on few people: of 1 484 pairs of 5 people none was told wrong between 0.363 and 0.50, and of 153
pairs of 7 people the least alike of one person had 0.556, the most alike of two 0.317. Faces of East Asians, of old
people and of children were not among them; docs/explain/face.md says what that means.
"""

import math
from collections.abc import Sequence
from typing import Literal

Verdict = Literal["same", "unsure", "different"]

SAME_MIN = 0.50
SAME_CHIP_MIN = 0.42  # The photo in a card's chip is 102 by 126 pixels, and costs a tenth of the likeness.
DIFFERENT_MAX = 0.363
SAME_FRAME_MIN = 0.6  # Between frames of one session, which share light, camera and day.


def verdict(a: Sequence[float], b: Sequence[float], *, chip_photo: bool) -> Verdict:
    """Return whether two embeddings are of one person; one of them may come from a chip photo."""
    likeness = cosine(a, b)
    if likeness >= (SAME_CHIP_MIN if chip_photo else SAME_MIN):
        return "same"
    return "unsure" if likeness >= DIFFERENT_MAX else "different"


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the likeness of two embeddings, from -1 to 1; what has no face is like nothing, and gives 0."""
    size = math.hypot(*a) * math.hypot(*b)
    if not size or len(a) != len(b):
        return 0.0
    return sum(x * y for x, y in zip(a, b, strict=True)) / size
