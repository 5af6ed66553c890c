"""The demonstration: a bank's journal streams through the deployed functions, then an attacker has a go at it."""

from lab.demo.command import demo

__all__ = ["demo"]
