"""The fixtures of `scene.py`, for the tests of this room."""

from yibao.settlement.tests.scene import desk, scan, shops, tokens

__all__ = ["desk", "scan", "shops", "tokens"]
