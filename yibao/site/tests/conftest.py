"""The fixtures of `scene.py`, for the tests of this room."""

from yibao.site.tests.scene import clock, house, phone, stranger

__all__ = ["clock", "house", "phone", "stranger"]
