"""The fixtures of whoever calls the command line."""

from tests.command_line import run, write

__all__ = ["run", "write"]
