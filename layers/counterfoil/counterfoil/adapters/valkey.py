"""A cache that all instances share: Valkey, or Redis, which speak the same protocol.

It is asked on the way to a table that answers in some milliseconds, so whatever is not there quickly is not waited for; after a
failure it is left alone for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from counterfoil.errors import UnavailableError
from counterfoil.ports import SharedCache

if TYPE_CHECKING:
    from valkey import Valkey

# A cache nearby answers in a tenth of this.
ANSWER_SECONDS: Final = 0.05
CONNECT_SECONDS: Final = 0.2
# How long it is left alone after it failed.
REST_SECONDS: Final = 5.0


def connect(url: str) -> Valkey:
    """A client of ``valkey://host:port``, ``valkeys://…`` (TLS), ``redis://…`` or ``rediss://…``; it connects when first used."""
    from valkey import Valkey  # noqa: PLC0415 - only for stacks with a shared cache

    return Valkey.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        retry_on_timeout=False,
        health_check_interval=30,
    )


@dataclass(slots=True)
class ValkeyCache(SharedCache):
    """``seconds`` is a clock that never goes back."""

    client: Valkey
    seconds: Callable[[], float] = time.monotonic
    _rests_until: float = field(default=0.0)

    def get(self, names: Sequence[str], /) -> Mapping[str, bytes]:
        found: Any = self._asked(lambda: self.client.mget(list(names)))
        return {name: value for name, value in zip(names, found, strict=True) if value is not None}

    def put(self, entries: Mapping[str, bytes], seconds: int, /) -> None:
        def put_all() -> None:
            with self.client.pipeline(transaction=False) as pipeline:
                for name, value in entries.items():
                    pipeline.set(name, value, ex=seconds)
                pipeline.execute()  # type: ignore[no-untyped-call]

        self._asked(put_all)

    def _asked[Result](self, ask: Callable[[], Result]) -> Result:
        from valkey.exceptions import ValkeyError  # noqa: PLC0415 - as above

        if self.seconds() < self._rests_until:
            raise UnavailableError("the shared cache failed a moment ago")
        try:
            return ask()
        except (ValkeyError, OSError) as error:
            self._rests_until = self.seconds() + REST_SECONDS
            raise UnavailableError(f"the shared cache: {error}") from error
