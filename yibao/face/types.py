"""Whom a check is about, and what a frame shows."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

# What is proved by the face; the proof of one purpose is none for another.
Purpose = Literal[
    "real_name",  # 实名认证
    "reset_login",  # 忘记登录密码
    "reset_pay",  # 忘记交易密码
    "change_phone",  # 更换手机号
    "activate",  # 激活医保码
    "unbind",  # 解除绑定
    "elder",  # 家人代老人激活
    "till",  # 定点机构刷脸
]

# Why a frame cannot be used, in the order in which it is told.
Cause = Literal[
    "no_face",
    "too_dark",
    "too_bright",
    "backlit",
    "several_faces",
    "not_whole",
    "too_far",
    "not_straight",
    "covered",
    "tinted_glasses",
    "eyes_closed",
    "mouth_open",
    "blurred",
]


class Subject(Struct, frozen=True):
    """Who somebody says they are; `cert_type` is the national psn_cert_type."""

    name: str
    cert_type: str
    cert_no: str

    def __repr__(self) -> str:
        return "Subject(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []


class Attempt(Struct, frozen=True):
    """A try of somebody's face, and how it ended; nothing where it was left."""

    started_at: datetime
    mode: str
    outcome: str | None


class Look(Struct, frozen=True):
    """What was measured on one frame. Angles are degrees, lengths pixels, openings ratios; nothing but numbers."""

    causes: tuple[Cause, ...]  # In the order of `Cause`; empty for a frame that is good for comparing.
    width: int = 0  # of the face, in the picture as it was given, however a small one was enlarged
    yaw: float = 0.0  # Turned to the person's own left is positive.
    pitch: float = 0.0  # Lifted is positive.
    roll: float = 0.0  # Leaning to the person's own left shoulder is positive.
    eyes: float = 0.0  # How far the eyes are open: height to width, the mean of both.
    mouth: float = 0.0  # How far the mouth is open: height to width.
    sharpness: float = 0.0
    embedding: tuple[float, ...] = ()  # 128 numbers; empty without a face. Compared by their cosine.

    def __repr__(self) -> str:
        return f"Look(causes={self.causes})"
