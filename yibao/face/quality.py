"""Whether a frame is good for comparing, and if not, why: numbers in, causes out.

The limits were found on few faces, most of them of Western adults, and on pictures spoilt on purpose; what each catches
and misses is told in docs/explain/face.md.
"""

from msgspec import Struct

from yibao.face.types import Cause


class Seen(Struct, frozen=True):
    """What was measured on a picture. Lumas run from 0 to 255; `faces` is 0 where all but `image_luma` is unknown."""

    image_luma: float
    faces: int = 0  # The largest, and those that come near it.
    face_luma: float = 0.0
    around_luma: float = 0.0  # of the background
    glare: float = 0.0  # Which part of the face is as white as can be.
    beyond: float = 0.0  # Which part of the face's box lies outside the picture.
    oval: float = 1.0  # Which part of the face's outline lies inside.
    width: int = 0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    presence: float = 0.0  # The mesh's own belief in a whole and bare face.
    odd_colour: float = 0.0  # How far nose, cheeks, chin or jaws are in colour from the skin between the eyes.
    sockets: float = 1.0  # Luma of the darker eye, as a part of the cheeks'; so are the next two.
    under_eyes: float = 1.0
    lids: float = 1.0
    eyes: float = 1.0
    mouth: float = 0.0
    sharpness: float = 0.0


DARK, PITCH_DARK = 55, 35  # of the face; of a picture in which no face was found
BRIGHT, GLARE, WHITE = 205, 0.10, 225
BACKLIT, SHADED = 75, 110
BEYOND, OVAL = 0.02, 0.97
WIDTH = 110
YAW, PITCH_DOWN, PITCH_UP, ROLL = 15, 16, 20, 20  # A phone is held low rather than high.
PRESENCE = 14
ODD_COLOUR = 34
SOCKETS = 0.42
TINTED_UNDER, TINTED_LIDS = 0.50, 0.62
EYES = 0.12  # The narrowest open eyes that were measured: it finds few closed ones, and bars nobody.
SHARPNESS = 12

REFERENCE_WIDTH = 30  # Below it, too many of the same person are taken for another.


def of_frame(seen: Seen) -> tuple[Cause, ...]:
    """Return all causes for which a frame of the camera is no good, in the order in which they are told.

    Where no face is found because it is dark, or nothing but glare, that is the cause.
    """
    if not seen.faces:
        return _unlit(seen.image_luma) or ("no_face",)
    turned = abs(seen.yaw) > YAW or not -PITCH_DOWN <= seen.pitch <= PITCH_UP
    tinted = seen.under_eyes < TINTED_UNDER and seen.lids < TINTED_LIDS  # Tinted glasses darken both eyes.
    covered = seen.presence < PRESENCE or seen.odd_colour > ODD_COLOUR or (seen.sockets < SOCKETS and not tinted)
    found: dict[Cause, bool] = {
        **_light(seen),
        "backlit": seen.around_luma - seen.face_luma > BACKLIT and seen.face_luma < SHADED,
        "several_faces": seen.faces > 1,
        "not_whole": seen.beyond > BEYOND or seen.oval < OVAL,
        "too_far": seen.width < WIDTH,
        "not_straight": turned or abs(seen.roll) > ROLL,
    }
    # What lies over a face is told by its colours, which bad light takes away; and a face that is cut off or turned
    # aside hides a part of itself.
    clear = not turned and not any(found[cause] for cause in ("too_dark", "too_bright", "not_whole"))
    found |= {
        "covered": clear and covered,
        "tinted_glasses": clear and tinted,
        "eyes_closed": seen.eyes < EYES,
        "blurred": seen.sharpness < SHARPNESS,
    }
    return tuple(cause for cause, applies in found.items() if applies)


def of_reference(seen: Seen) -> tuple[Cause, ...]:
    """Return why a photo on record is not clear enough to compare with."""
    if not seen.faces:
        return _unlit(seen.image_luma) or ("no_face",)
    found: dict[Cause, bool] = {
        **_light(seen),
        "too_far": seen.width < REFERENCE_WIDTH,
        "blurred": seen.sharpness < SHARPNESS,
    }
    return tuple(cause for cause, applies in found.items() if applies)


def _light(seen: Seen) -> dict[Cause, bool]:
    return {"too_dark": seen.face_luma < DARK, "too_bright": seen.face_luma > BRIGHT or seen.glare > GLARE}


def _unlit(luma: float) -> tuple[Cause, ...]:
    if luma < PITCH_DARK:
        return ("too_dark",)
    return ("too_bright",) if luma > WHITE else ()
