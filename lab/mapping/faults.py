"""What can be made to go wrong, each with its probability, drawn from the engine's one source of chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """Probabilities between 0 and 1, each drawn anew at its own occasion; rates below 1 let every schedule end.

    AWS promises at-least-once delivery in order per shard, and nothing more: all of these may happen in production.
    """

    duplicate_delivery: float = 0.0  # a batch that succeeded is delivered once more
    lease_loss: float = 0.0  # progress since the last checkpoint is forgotten, also after a success
    throttled_read: float = 0.0  # GetRecords is refused for now
    crash_before_effects: float = 0.0  # the function dies before it did anything
    crash_after_effects: float = 0.0  # it did everything, but its answer is lost
    refused_invocation: float = 0.0  # Lambda throttles: the function is not reached
    delayed_shard: float = 0.0  # a shard is noticed only after ``shard_delay_seconds``
    shard_delay_seconds: float = 30.0
    shuffled_shards: bool = False  # shards take their turns in any order instead of one after another


NO_FAULTS = FaultRates()


class Faults:
    """Draws the faults of one engine."""

    def __init__(self, rates: FaultRates, chance: random.Random) -> None:
        self._rates = rates
        self._chance = chance

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self._chance.random() < rate

    def repeats_delivery(self) -> bool:
        return self._strikes(self._rates.duplicate_delivery)

    def loses_lease(self) -> bool:
        return self._strikes(self._rates.lease_loss)

    def throttles_read(self) -> bool:
        return self._strikes(self._rates.throttled_read)

    def crashes_before(self) -> bool:
        return self._strikes(self._rates.crash_before_effects)

    def crashes_after(self) -> bool:
        return self._strikes(self._rates.crash_after_effects)

    def refuses(self) -> bool:
        return self._strikes(self._rates.refused_invocation)

    def shard_delay(self) -> float:
        return self._rates.shard_delay_seconds if self._strikes(self._rates.delayed_shard) else 0.0

    def arrange[T](self, turns: list[T]) -> list[T]:
        """The order in which shards take their turns in this step."""
        if self._rates.shuffled_shards:
            self._chance.shuffle(turns)
        return turns
