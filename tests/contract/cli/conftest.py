"""The fixtures of whoever calls the command line."""

from tests.command_line import copied, run, write

__all__ = ["copied", "run", "write"]
