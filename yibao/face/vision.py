"""The eyes of the room: what four small nets measure on one picture.

A look goes through five steps: decode, find faces (YuNet), lay a mesh of 468 points over the largest (MediaPipe), read
the eyelids (MediaPipe's iris net), and turn the face into 128 numbers (SFace). What was measured is judged elsewhere:
whether the frame is good in `quality`, whether two faces are of one person in `likeness`. No picture is kept.

`Engine` is the port that a certified vendor can fill; docs/explain/face.md says what the built-in one does not stop.
"""

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from PIL import Image, ImageOps

from yibao.face import models, quality
from yibao.face.quality import Seen
from yibao.face.refusals import PictureUnreadable
from yibao.face.types import Cause, Look

PIXELS_MAX = 40_000_000  # The largest front camera; what claims more is refused before a pixel of it is decoded.
WHOLE_PIXELS_MAX = 12_000_000  # Of PNG and WebP, which no camera makes and which are only decoded whole.
SIDE_MAX = 960  # Nothing is measured better on more.
SIDE_MIN = 32  # No face is known from less.
REFERENCE_MIN = 240  # A chip photo is 102 wide, too few for the detector.
PRESENCE_MIN = -4.0  # Cloth and dogs that the detector takes for faces lie below, masked faces above.
STRAIGHT = 8.0  # By how many degrees the chin of a straight face lies behind its forehead.

# Otherwise it warns, at each net, of a choice of its own.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

Array = Any  # Their shapes are told by the names; numpy's types would not tell them.

# Points of the mesh, by their published numbers. Right and left are the person's own.
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)  # The corners, from the picture's left to its right.
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
FOREHEAD, CHIN, RIGHT_SIDE, LEFT_SIDE = 10, 152, 234, 454
LIPS_INSIDE, LIPS_CORNERS = (13, 14), (78, 308)
# Where every uncovered face shows skin: points, and around each a square of a twelfth of the face's width.
BRIDGE = (168, 8, 9)  # Between the eyes, where neither a fringe nor a mask reaches.
LOWER_FACE = ((4, 5), (50, 205), (280, 425), (199, 175), (214, 210), (434, 430))  # nose, cheeks, chin, jaws
CHEEKS = (50, 205, 280, 425)
RIGHT_SOCKET, LEFT_SOCKET = (159, 145, 157, 161), (386, 374, 384, 388)
RIGHT_UNDER, LEFT_UNDER = (119, 118), (348, 347)
RIGHT_LID, LEFT_LID = (222, 223), (442, 443)


class Engine(Protocol):
    """Whatever can look at a picture. Both methods may be called from several threads at once."""

    def look(self, picture: bytes) -> Look:
        """Measure a frame of the camera. Refusals: PictureUnreadable."""
        ...

    def reference(self, picture: bytes) -> Look:
        """Measure a photo on record; its causes say why it is not clear. Refusals: PictureUnreadable."""
        ...


class OpenCvEngine:
    """The built-in engine. It loads its nets at the first look, one set for each core that is busy looking."""

    def __init__(self, models: Path) -> None:
        self._folder = models
        self._sets: LifoQueue[_Nets | None] = LifoQueue()
        for _ in range(os.cpu_count() or 1):
            self._sets.put(None)

    def look(self, picture: bytes) -> Look:
        image = decoded(picture)
        with self._nets() as nets:
            return _look(nets, image)

    def reference(self, picture: bytes) -> Look:
        image = decoded(picture)
        with self._nets() as nets:
            return _reference(nets, image)

    @contextmanager
    def _nets(self) -> Iterator["_Nets"]:
        """Lend a set of nets to one thread, for a set is not made to be used by two."""
        nets = self._sets.get()
        try:
            nets = nets or _Nets(self._folder)
            yield nets
        finally:
            self._sets.put(nets)


def decoded(picture: bytes) -> Array:
    """Return the pixels of an upload as BGR, upright, no side longer than `SIDE_MAX`.

    The format is read from the bytes, never from what the sender says. Refusals: PictureUnreadable.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > (PIXELS_MAX if image.format == "JPEG" else WHOLE_PIXELS_MAX):
                raise PictureUnreadable
            image.draft("RGB", (SIDE_MAX, SIDE_MAX))  # A large JPEG is decoded at a half or a quarter.
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((SIDE_MAX, SIDE_MAX))
            if min(upright.size) < SIDE_MIN:
                raise PictureUnreadable
            return np.asarray(upright)[:, :, ::-1].copy()
    except PictureUnreadable:
        raise
    except Exception:  # Decoders raise whatever a hostile file makes them raise.
        raise PictureUnreadable from None


class _Face(NamedTuple):
    row: Array  # As YuNet gives it: box, right eye, left eye, nose, corners of the mouth, score.

    @property
    def box(self) -> tuple[float, float, float, float]:
        x, y, width, height = (float(v) for v in self.row[:4])
        return x, y, width, height

    @property
    def area(self) -> float:
        return float(self.row[2] * self.row[3])

    @property
    def score(self) -> float:
        return float(self.row[14])


class Mesh(NamedTuple):
    points: Array  # 468 x 3, pixels of the picture; smaller z is nearer to the camera.
    presence: float  # The net's own belief that this is a whole and bare face, before the sigmoid.

    def flat(self, *numbers: int) -> Array:
        return self.points[list(numbers), :2]


_EYE_OUTPUT = "output_eyes_contours_and_brows"


class _Nets:
    """One set of the four nets."""

    def __init__(self, folder: Path) -> None:
        self.detector = cv2.FaceDetectorYN.create(str(folder / models.DETECTOR), "", (320, 320), 0.6, 0.3, 50)
        self.recognizer = cv2.FaceRecognizerSF.create(str(folder / models.RECOGNIZER), "")
        # Only the classic engine gives all outputs of these two.
        classic = cv2.dnn.ENGINE_CLASSIC
        self._mesh = cv2.dnn.readNetFromTFLite(str(folder / models.MESH), engine=classic)
        self._iris = cv2.dnn.readNetFromTFLite(str(folder / models.IRIS), engine=classic)

    def faces(self, image: Array) -> list[_Face]:
        """Return the faces in a picture, the largest first."""
        height, width = image.shape[:2]
        self.detector.setInputSize((width, height))
        _, rows = self.detector.detect(image)
        return sorted(map(_Face, () if rows is None else rows), key=lambda face: -face.area)

    def embedding(self, image: Array, face: _Face) -> tuple[float, ...]:
        aligned = self.recognizer.alignCrop(image, face.row)
        return tuple(float(v) for v in self.recognizer.feature(aligned)[0])

    def mesh(self, image: Array, face: _Face) -> Mesh:
        """Lay the mesh by the box, then once more by what that found, which is much nearer."""
        x, y, width, height = face.box
        right, left = face.row[4:6], face.row[6:8]
        centre = np.array([x + width / 2, y + height / 2])
        mesh = self._mesh_in(image, _Crop(centre, max(width, height) * 1.5, _angle(left - right)))
        low, high = mesh.points[:, :2].min(0), mesh.points[:, :2].max(0)
        slope = _angle(mesh.points[263, :2] - mesh.points[33, :2])
        return self._mesh_in(image, _Crop((low + high) / 2, float((high - low).max()) * 1.5, slope))

    def _mesh_in(self, image: Array, crop: "_Crop") -> Mesh:
        self._mesh.setInput(cv2.dnn.blobFromImage(crop.of(image, 192), 1 / 255, swapRB=True))
        points, presence = self._mesh.forward(["conv2d_21", "conv2d_31"])
        return Mesh(crop.back(points.reshape(468, 3), 192), float(presence.ravel()[0]))

    def eye(self, image: Array, corners: Array, *, mirrored: bool) -> float:
        """Return how far an eye is open, by the contour that the iris net draws around it."""
        width = float(np.linalg.norm(corners[1] - corners[0]))
        crop = _Crop(corners.mean(0), width * 2.3, _angle(corners[1] - corners[0])).of(image, 64)
        if mirrored:  # The net knows right eyes.
            crop = cv2.flip(crop, 1)
        self._iris.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        contour = self._iris.forward(_EYE_OUTPUT).reshape(-1, 3)[:16, :2]
        lower, upper = contour[2:7], contour[10:15]  # Without the corners, where the lids always meet.
        gaps = np.linalg.norm(lower - upper, axis=1)
        return float(gaps.mean() / max(1e-6, np.linalg.norm(contour[8] - contour[0])))


class _Crop(NamedTuple):
    """A square of a picture, turned by an angle."""

    centre: Array
    side: float
    angle: float

    def _matrix(self, size: int) -> Array:
        scale = size / self.side
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        x, y = (float(v) for v in self.centre)
        return np.array([[cos, sin, size / 2 - cos * x - sin * y], [-sin, cos, size / 2 + sin * x - cos * y]])

    def of(self, image: Array, size: int) -> Array:
        return cv2.warpAffine(image, self._matrix(size), (size, size), flags=cv2.INTER_LINEAR)

    def back(self, points: Array, size: int) -> Array:
        """Return points of the crop as points of the picture."""
        inverse = cv2.invertAffineTransform(self._matrix(size))
        flat = points[:, :2] @ inverse[:, :2].T + inverse[:, 2]
        return np.column_stack([flat, points[:, 2] * self.side / size])


def _angle(vector: Array) -> float:
    return math.atan2(float(vector[1]), float(vector[0]))


def _look(nets: _Nets, image: Array) -> Look:
    seen, face = _seen(nets, image)
    return _told(nets, image, seen, face, quality.of_frame(seen))


def _reference(nets: _Nets, image: Array) -> Look:
    """Look at a photo on record, enlarged if it is as small as those in chips; `width` is still its own."""
    scale = max(1.0, REFERENCE_MIN / image.shape[1])
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    seen, face = _seen(nets, image, scale=scale)
    return _told(nets, image, seen, face, quality.of_reference(seen))


def _told(nets: _Nets, image: Array, seen: Seen, face: _Face | None, causes: tuple[Cause, ...]) -> Look:
    if face is None:
        return Look(causes=causes)
    return Look(
        causes=causes,
        width=seen.width,
        yaw=seen.yaw,
        pitch=seen.pitch,
        roll=seen.roll,
        eyes=seen.eyes,
        mouth=seen.mouth,
        sharpness=seen.sharpness,
        embedding=nets.embedding(image, face),
    )


def _seen(nets: _Nets, image: Array, *, scale: float = 1.0) -> tuple[Seen, _Face | None]:
    """Return all that is measured on a picture enlarged by `scale`, and the largest face."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    nothing = Seen(image_luma=float(grey.mean()))
    faces = nets.faces(image)
    if not faces:
        return nothing, None
    face = faces[0]
    mesh = nets.mesh(image, face)
    if mesh.presence < PRESENCE_MIN:
        return nothing, None
    inside, around = _masks(image, mesh)
    across = mesh.points[LEFT_SIDE] - mesh.points[RIGHT_SIDE]
    down = mesh.points[CHIN] - mesh.points[FOREHEAD]
    colours = _Colours(image, mesh, radius=max(1, round(face.box[2] / 24)))
    right, left = mesh.flat(*RIGHT_EYE), mesh.flat(*LEFT_EYE)
    seen = Seen(
        faces=1 + sum(other.area > 0.12 * face.area and other.score > 0.7 for other in faces[1:]),
        image_luma=nothing.image_luma,
        face_luma=float(grey[inside].mean()) if inside.any() else 0.0,
        around_luma=float(grey[around].mean()) if around.any() else 0.0,
        glare=float((grey[inside] > 250).mean()) if inside.any() else 0.0,
        beyond=_beyond(face.box, image.shape),
        oval=_inside(mesh.flat(*OVAL), image.shape),
        width=round(face.box[2] / scale),
        yaw=_tilt(across),
        pitch=STRAIGHT - _tilt(down),
        roll=math.degrees(_angle(left.mean(0) - right.mean(0))),
        presence=mesh.presence,
        odd_colour=max(colours.distance(spot, BRIDGE) for spot in LOWER_FACE),
        sockets=min(colours.luma(RIGHT_SOCKET), colours.luma(LEFT_SOCKET)) / colours.luma(CHEEKS),
        under_eyes=max(colours.luma(RIGHT_UNDER), colours.luma(LEFT_UNDER)) / colours.luma(CHEEKS),
        lids=max(colours.luma(RIGHT_LID), colours.luma(LEFT_LID)) / colours.luma(CHEEKS),
        eyes=(nets.eye(image, right, mirrored=False) + nets.eye(image, left, mirrored=True)) / 2,
        mouth=_ratio(mesh.flat(*LIPS_INSIDE), mesh.flat(*LIPS_CORNERS)),
        sharpness=_sharpness(grey, face.box),
    )
    return seen, face


class _Colours:
    """The colour of the skin at points of a mesh, in Lab: light against luma, and the two chromas."""

    def __init__(self, image: Array, mesh: Mesh, *, radius: int) -> None:
        self._image, self._mesh, self._radius = image, mesh, radius

    def luma(self, points: tuple[int, ...]) -> float:
        return max(1.0, float(self._lab(points)[0]))

    def distance(self, points: tuple[int, ...], other: tuple[int, ...]) -> float:
        return float(np.linalg.norm((self._lab(points) - self._lab(other))[1:]))

    def _lab(self, points: tuple[int, ...]) -> Array:
        patches = [self._around(x, y) for x, y in self._mesh.flat(*points)]
        pixels = np.concatenate([patch.reshape(-1, 3) for patch in patches])
        if not len(pixels):  # Beyond the edge; such a face is not whole anyway.
            return np.zeros(3)
        lab = cv2.cvtColor(pixels.reshape(1, -1, 3), cv2.COLOR_BGR2LAB)
        return np.median(lab.reshape(-1, 3), axis=0).astype(float)

    def _around(self, x: float, y: float) -> Array:
        r, left, top = self._radius, round(float(x)), round(float(y))
        return self._image[max(0, top - r) : max(0, top + r + 1), max(0, left - r) : max(0, left + r + 1)]


def _masks(image: Array, mesh: Mesh) -> tuple[Array, Array]:
    """Return which pixels are the face, and which are the background beside and above it."""
    height, width = image.shape[:2]
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(mesh.flat(*OVAL)).astype(np.int32)), 1)
    (left, top), (right, bottom) = mesh.flat(*OVAL).min(0), mesh.flat(*OVAL).max(0)
    margin = (right - left) * 0.5  # Hair is not background.
    around = np.ones((height, width), bool)
    around[max(0, int(top - margin)) :, max(0, int(left - margin)) : max(0, int(right + margin))] = False
    around[max(0, int(bottom)) :] = False  # Below are shoulders.
    return inside.astype(bool), around


def _beyond(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> float:
    """Return which part of a box lies outside the picture."""
    x, y, width, height = box
    across = min(x + width, shape[1]) - max(x, 0.0)
    down = min(y + height, shape[0]) - max(y, 0.0)
    return 1 - max(0.0, across) * max(0.0, down) / max(1.0, width * height)


def _inside(points: Array, shape: tuple[int, ...]) -> float:
    """Return which part of some points lies inside the picture."""
    x, y = points[:, 0], points[:, 1]
    return float(((x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])).mean())


def _ratio(height: Array, width: Array) -> float:
    return float(np.linalg.norm(height[1] - height[0])) / max(1e-6, float(np.linalg.norm(width[1] - width[0])))


def _tilt(vector: Array) -> float:
    """Return by how many degrees a line across the face leads away from the camera."""
    return math.degrees(math.atan2(float(vector[2]), math.hypot(float(vector[0]), float(vector[1]))))


def _sharpness(grey: Array, box: tuple[float, float, float, float]) -> float:
    """Return how much fine detail a face has, for its contrast; larger faces are measured as if 160 pixels wide."""
    x, y, width, height = (max(0, round(v)) for v in box)
    face = grey[y : y + height, x : x + width]
    if not face.size:
        return 0.0
    if width > 160:
        face = cv2.resize(face, (160, max(1, round(160 * height / width))), interpolation=cv2.INTER_AREA)
    contrast = max(1e-6, float(face.std()) / 40)
    return float(np.var(cv2.Laplacian(face, cv2.CV_64F))) / contrast**2
