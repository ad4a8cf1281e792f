"""A portrait that blinks, opens its mouth and turns: what the tests show to a camera in place of a living person.

The picture is cut along the 468 points of the mesh and laid together again where the points have moved to. That the
built-in check takes this for a living person is its known limit (docs/explain/face.md).
"""

import math
from functools import cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from yibao.face import models, vision
from yibao.web.assets import CHECKOUT

Array = Any

HOME = CHECKOUT / ".yibao"

# The halves of each lid between the corners, point over point.
_UPPER = ((161, 160, 159, 158, 157), (384, 385, 386, 387, 388))
_LOWER = ((163, 144, 145, 153, 154), (381, 380, 374, 373, 390))
_CREASE = ((247, 30, 29, 27, 28, 56), (467, 260, 259, 257, 258, 286))
_CORNERS = (vision.RIGHT_EYE, vision.LEFT_EYE)
_INSIDE_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
_INSIDE_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
_TURN = 30.0  # Degrees at the full amount; more, and the hidden cheek would have to be invented.


class Sitter:
    """One portrait, with the mesh that was laid over it once."""

    def __init__(self, picture: Path, nets: Path) -> None:
        image = cv2.imread(str(picture))
        assert image is not None
        loaded = vision._Nets(nets)
        face = loaded.faces(image)[0]
        x, y, width, height = face.box
        # Head and shoulders, as a phone held at arm's length shows them, the face 200 pixels wide.
        side = width * 2.4
        left, top = max(0, round(x + width / 2 - side / 2)), max(0, round(y + height / 2 - side / 2))
        part = image[top : top + round(side), left : left + round(side)]
        self.image: Array = cv2.resize(part, (480, 480), interpolation=cv2.INTER_CUBIC)
        self.mesh = loaded.mesh(self.image, loaded.faces(self.image)[0])

    def frame(self, *, blink: float = 0.0, mouth: float = 0.0, turn: float = 0.0, nod: float = 0.0) -> Array:
        """Return the portrait with its eyes and mouth moved from 0 to 1, its head from -1 to 1.

        To the own left and up is positive, as in a look.
        """
        points = self.mesh.points.astype(np.float64).copy()
        for upper, lower, crease in zip(_UPPER, _LOWER, _CREASE, strict=True):
            gap = (points[list(lower)] - points[list(upper)])[:, :2]
            points[list(upper), :2] += gap * 0.98 * blink
            points[list(crease), :2] += gap.mean(0) * 0.6 * blink
        points[:, :2] += self._opened() * mouth
        points = _turned(points, yaw=turn * _TURN, pitch=nod * _TURN)
        picture = _laid(self.image, self.mesh.points, points)
        if blink > 0:
            self._close(picture, points, blink)
        if mouth > 0:
            hole = np.rint(points[[78, *_INSIDE_UPPER, 308, *reversed(_INSIDE_LOWER)], :2]).astype(np.int32)
            deep = picture.copy()
            cv2.fillPoly(deep, [hole], (30, 20, 60))
            picture = cv2.addWeighted(deep, min(1.0, mouth), picture, 1 - min(1.0, mouth), 0)
        return picture

    def _close(self, picture: Array, points: Array, blink: float) -> None:
        """Paint the lid over what is left of each eye, and the lashes along its edge."""
        for upper, lower, cheek, (right, left) in zip(_UPPER, _LOWER, (50, 280), _CORNERS, strict=True):
            x, y = np.rint(self.mesh.points[cheek, :2]).astype(int)
            skin = np.median(self.image[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3), axis=0)
            down = np.array([0, np.ptp(self.mesh.points[[*upper, *lower], 1])])
            seam = points[[right, *lower, left], :2]
            lid = np.vstack([seam - down * 0.6, seam + down * 0.25])
            painted = picture.copy()
            cv2.fillConvexPoly(painted, cv2.convexHull(np.rint(lid).astype(np.int32)), (skin * 0.92).tolist())
            lashes = np.rint(seam + down * 0.15).astype(np.int32)
            cv2.polylines(painted, [lashes], False, (skin * 0.45).tolist(), 2, cv2.LINE_AA)
            cv2.addWeighted(painted, blink, picture, 1 - blink, 0, dst=picture)

    def _opened(self) -> Array:
        """Return how far each point goes when the mouth opens: the lower lip and the jaw go down with the chin."""
        points = self.mesh.points
        nose, chin = points[2, :2], points[vision.CHIN, :2]
        down = (chin - nose) / np.linalg.norm(chin - nose)
        below = (points[:, :2] - points[13, :2]) @ down / np.linalg.norm(chin - points[13, :2])
        aside = np.abs((points[:, :2] - points[13, :2]) @ np.array([down[1], -down[0]]))
        reach = np.linalg.norm(points[vision.LEFT_SIDE, :2] - points[vision.RIGHT_SIDE, :2]) / 2
        share = np.clip(below / 0.12, 0, 1) * np.clip(1.25 - aside / reach, 0, 1)
        share[list(_INSIDE_LOWER)] = np.clip(1.25 - aside[list(_INSIDE_LOWER)] / reach, 0, 1)
        share[list(_INSIDE_UPPER)] = 0
        return share[:, None] * down * np.linalg.norm(chin - nose) * 0.3


def jpeg(image: Array, quality: int = 90) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return bytes(data)


@cache
def sitter(name: Literal["astronaut", "grace_hopper"]) -> Sitter:
    """Return one of the two portraits."""
    [file] = [file for file in models.PORTRAITS if file.startswith(name)]
    return Sitter(models.portraits(HOME) / file, models.ensure(HOME))


def _turned(points: Array, *, yaw: float, pitch: float) -> Array:
    """Return the points turned around the middle of the head, which lies behind the face."""
    width = np.linalg.norm(points[vision.LEFT_SIDE] - points[vision.RIGHT_SIDE])
    middle = (points[vision.LEFT_SIDE] + points[vision.RIGHT_SIDE]) / 2 + np.array([0, 0, width * 0.1])
    a, b = math.radians(yaw), math.radians(pitch)
    around_y = np.array([[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]])
    around_x = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]])
    return (points - middle) @ (around_x @ around_y).T + middle


def _laid(image: Array, source: Array, target: Array) -> Array:
    """Return the picture with each triangle of points where its points have gone, the nearest on top."""
    height, width = image.shape[:2]
    frame = np.array(
        [(x, y) for x in np.linspace(0, width - 1, 9) for y in np.linspace(0, height - 1, 9) if _edge(x, y, image)]
    )
    before = np.vstack([source[:, :2], frame]).astype(np.float32)
    after = np.vstack([target[:, :2], frame]).astype(np.float32)
    depth = np.concatenate([target[:, 2], np.full(len(frame), 1e6)])
    triangles = _triangles(before, width, height)
    triangles = triangles[np.argsort(-depth[triangles].max(1))]
    label = np.full((height, width), -1, np.int32)
    for number, triangle in enumerate(triangles):
        cv2.fillConvexPoly(label, np.rint(after[triangle] * 16).astype(np.int32), number, shift=4)
    maps = np.array([cv2.getAffineTransform(after[t], before[t]) for t in triangles])
    y, x = np.mgrid[0:height, 0:width]
    here = maps[label]
    across = here[..., 0, 0] * x + here[..., 0, 1] * y + here[..., 0, 2]
    down = here[..., 1, 0] * x + here[..., 1, 1] * y + here[..., 1, 2]
    return cv2.remap(
        image, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _edge(x: float, y: float, image: Array) -> bool:
    return x in (0, image.shape[1] - 1) or y in (0, image.shape[0] - 1)


def _triangles(points: Array, width: int, height: int) -> Array:
    net = cv2.Subdiv2D((-1, -1, width + 2, height + 2))
    number = {tuple(point): n for n, point in enumerate(points.tolist())}
    for point in points.tolist():
        net.insert(point)
    corners = np.asarray(net.getTriangleList()).reshape(-1, 3, 2)
    found = [[number.get(tuple(corner)) for corner in triangle] for triangle in corners.tolist()]
    return np.array([triangle for triangle in found if None not in triangle])
