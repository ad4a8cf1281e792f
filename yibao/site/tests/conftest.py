"""The fixtures of `scene.py`, for the tests of this room."""

from yibao.site.tests.scene import house, phone, stranger

__all__ = ["house", "phone", "stranger"]
