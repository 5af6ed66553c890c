"""Whether a transaction was committed after all, where the ledger could not say.

Official drivers run a transaction again, as a new one, when they are told that the service is unavailable. After a commit that may
still happen that would do everything twice, so it is looked for first; and who cannot be told is told in words that no driver
takes for a reason to run it again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from counterfoil.errors import UnavailableError
from counterfoil.journal import BlockAddress
from counterfoil.protocol.hosting import Engine

# A proposal that was left for others to commit is theirs for some seconds (docs/decisions/0019); a put that is late, too.
LOOKS: Final = 40
LOOK_SECONDS: Final = 0.5


def look_for(
    engine: Engine, transaction_id: str, check_time: Callable[[], None], pause: Callable[[float], None]
) -> BlockAddress | None:
    """Where a transaction was committed, if that shows before the time is up or nothing is to be expected any more."""
    for _ in range(LOOKS):
        with suppress(UnavailableError):
            found = engine.committed(transaction_id)
            if found is not None:
                return found
        try:
            check_time()
        except UnavailableError:
            return None
        pause(LOOK_SECONDS)
    return None
