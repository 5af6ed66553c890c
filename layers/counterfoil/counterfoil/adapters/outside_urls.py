"""URLs of servers that are asked by name of a person: witnesses, time-stamping authorities."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from counterfoil.errors import InputError

_ON_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_url(url: str, whose: str, *, plain: bool = False, query: bool = False) -> None:
    """They are asked over HTTPS; on this machine, or where ``plain`` allows it, HTTP will do. Another URL is an ``InputError``.

    It has a query only where ``query`` allows one.
    """
    try:
        parts = urlsplit(url)
        by_http = parts.scheme == "http" and (plain or parts.hostname in _ON_THIS_MACHINE)
        more = parts.username or parts.fragment or (parts.query and not query)
        held = parts.hostname and (parts.scheme == "https" or by_http) and not more
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        held = False
    if not held or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"{url[:200]!r} is no URL of {whose}: https://")
