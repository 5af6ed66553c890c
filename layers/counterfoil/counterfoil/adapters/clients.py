"""Clients of AWS's services. They come from botocore directly, which spares the functions boto3's import."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

# What most of a cold start is spent on: botocore is imported with the first client.
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10


@cache
def client(service: str, region: str | None = None) -> Any:
    """A client of a service, one per process and region. It gives up early and often: whoever asked tries again anyway."""
    import botocore.session  # noqa: PLC0415 - wirings over memory never pay for it
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=16,
        retries={"mode": "standard", "max_attempts": 4},
    )
    return botocore.session.get_session().create_client(service, region_name=region, config=config)


def late_client(service: str) -> Any:
    """A client that most invocations do not need: it is made when it is first used."""
    return _LateClient(service)


class _LateClient:
    __slots__ = ("_service",)

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(client(self._service), name)
