"""The `yibao` command: what an operator or developer does from a terminal."""

from yibao.cli.main import main

__all__ = ["main"]
