"""Yibao 医保: a complete public-service platform for China's basic medical insurance.

The rooms stand on floors (see `docs/map.md`); a room imports only from floors below its own.
"""
