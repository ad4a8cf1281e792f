from yibao.service.family.tests.scene import house, reader, town

__all__ = ["house", "reader", "town"]
