"""Where proposals wait that would lose their places to others', for one who leads to commit them all.

Items of the projections' table: ``W#<strand id>`` / the block behind which it was left and the transaction's id: a proposal;
``W#<strand id>#lead`` / ``-``: who leads (``leader``) and until when (``endsMs``). All are gone when ``expiresAt`` is over. Nothing
depends on being seen here, or on one leading alone: only the journal says what became of a proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.effects import parse_effects, render_effects
from counterfoil.adapters.dynamodb.journal import MAX_INLINE_BYTES
from counterfoil.adapters.dynamodb.placing import WaitingProposal
from counterfoil.adapters.dynamodb.projections import block_key, key
from counterfoil.errors import ConflictError, InputError, IntegrityError, UnavailableError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ledger.concurrency import Footprint
from counterfoil.ledger.times import milliseconds_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Nobody commits a proposal that has waited for longer: its owner has given up by then.
WAITING_MS: Final = 15_000

# How long one leads before it says so again; who is killed meanwhile holds up the others for that long.
LEAD_MS: Final = 200

# Who was left behind a block further back than this has another reason to wait than that others were faster.
BLOCKS_BACK: Final = 50

# More are not committed in one step.
MAX_FOUND: Final = 25

# What has waited is of use to nobody after this; DynamoDB removes it some time later.
KEPT_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class WaitingRoom:
    """The proposals of one strand that wait."""

    client: DynamoDBClient
    ddb_table: str
    strand_id: str
    clock: Callable[[], datetime]
    # Who this is, where it leads.
    name: str

    def leave(self, waiting: WaitingProposal, tip: int) -> bool:
        """Leave a proposal behind the block ``tip``; whether it is small enough for that."""
        now = self.clock()
        data = render_waiting(waiting)
        if len(data) > MAX_INLINE_BYTES:
            return False
        item = key(f"W#{self.strand_id}", f"{block_key(tip)}#{waiting.transaction_id}") | {
            "proposal": {"B": data},
            "sinceMs": {"N": str(milliseconds_of(now))},
            "expiresAt": {"N": str(int(now.timestamp()) + KEPT_SECONDS)},
        }
        with translated("leaving a proposal to be committed"):
            self.client.put_item(TableName=self.ddb_table, Item=item)
        return True

    def found(self, tip: int) -> Iterator[WaitingProposal]:
        """Proposals that were left lately, the last ones first. Perhaps not the very last: nothing depends on it."""
        condition: Any = {
            "KeyConditionExpression": "pk = :pk AND sk >= :first",
            "ExpressionAttributeValues": {
                ":pk": {"S": f"W#{self.strand_id}"},
                ":first": {"S": block_key(max(0, tip - BLOCKS_BACK))},
            },
            "ScanIndexForward": False,
            "Limit": MAX_FOUND,
        }
        with translated("looking for proposals that wait"):
            items = self.client.query(TableName=self.ddb_table, **condition)["Items"]
        now_ms = milliseconds_of(self.clock())
        for item in items:
            since_ms = int(item["sinceMs"]["N"])
            if now_ms <= since_ms + WAITING_MS:
                with suppress(IntegrityError):  # its owner commits it
                    yield parse_waiting(item["proposal"]["B"])

    def leads(self) -> bool:
        """Become the one who leads, or stay it for longer; whether that is so."""
        try:
            self._lead(milliseconds_of(self.clock()) + LEAD_MS)
        except ConflictError:
            return False
        return True

    def is_led(self) -> bool:
        """Whether somebody leads. Perhaps not since this very moment: nothing depends on it."""
        with translated("looking who leads"):
            answer = self.client.get_item(TableName=self.ddb_table, Key=key(f"W#{self.strand_id}#lead"))
        return int(answer.get("Item", {}).get("endsMs", {}).get("N", "0")) > milliseconds_of(self.clock())

    def hand_on(self) -> None:
        """Do not lead any more."""
        with suppress(UnavailableError):  # then it ends by itself
            self._lead(0)

    def _lead(self, ends_ms: int) -> None:
        now = self.clock()
        with translated("leading"):
            self.client.put_item(
                TableName=self.ddb_table,
                Item=key(f"W#{self.strand_id}#lead")
                | {
                    "leader": {"S": self.name},
                    "endsMs": {"N": str(ends_ms)},
                    "expiresAt": {"N": str(int(now.timestamp()) + KEPT_SECONDS)},
                },
                ConditionExpression="attribute_not_exists(pk) OR leader = :me OR endsMs < :now",
                ExpressionAttributeValues={":me": {"S": self.name}, ":now": {"N": str(milliseconds_of(now))}},
            )


def render_waiting(waiting: WaitingProposal) -> bytes:
    return encode(
        {
            "transactionId": waiting.transaction_id,
            "snapshotNo": waiting.snapshot_no,
            "read": [list(each) if isinstance(each, tuple) else each for each in waiting.read],
            "txTimeMs": waiting.tx_time_ms,
            "block": waiting.block,
            "effects": render_effects(waiting.effects),
        }
    )


def parse_waiting(data: bytes) -> WaitingProposal:
    """Read what ``render_waiting`` wrote; ``IntegrityError`` for anything else."""
    try:
        document = decode_datagram(data)
        return WaitingProposal(
            document["transactionId"],
            document["snapshotNo"],
            tuple(map(_footprint, document["read"])),
            document["txTimeMs"],
            document["block"],
            parse_effects(document["effects"]),
        )
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"a proposal that waits cannot be read: {error!r}") from None


def _footprint(value: Any) -> Footprint:
    return tuple(value) if isinstance(value, list) else value
