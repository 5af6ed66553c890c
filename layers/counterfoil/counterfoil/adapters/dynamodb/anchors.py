"""Where a strand begins that does not begin with block 0: an item of the journal's table, put before the strand's first block.

Its key is the strand and ``ANCHOR_NO``, which no block has; ``anchor`` (text) is the anchor as JSON. It is put where none is and where
no block 0 is, and never changed. So a strand that has a block and no anchor never gets one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from counterfoil.adapters.boto_errors import translated
from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal.anchor import ANCHOR_NO, TrustAnchor, anchor_text, parse_trust_anchor
from counterfoil.ports import AnchorSource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def anchor_key(strand_id: str) -> dict[str, Any]:
    return {"strandId": {"S": strand_id}, "sequenceNo": {"N": str(ANCHOR_NO)}}


def anchor_item(anchor: TrustAnchor) -> dict[str, Any]:
    return anchor_key(anchor.strand_id) | {"anchor": {"S": anchor_text(anchor)}}


def parse_anchor_item(strand_id: str, item: Mapping[str, Any]) -> TrustAnchor:
    """Read what ``anchor_item`` made; anything else, and another strand's, is an ``IntegrityError``."""
    try:
        anchor = parse_trust_anchor(json.loads(item["anchor"]["S"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise IntegrityError(f"the trust anchor of strand {strand_id} cannot be read: {error!r}") from None
    if anchor.strand_id != strand_id:
        raise IntegrityError(f"where the trust anchor of strand {strand_id} belongs, that of {anchor.strand_id} stands")
    return anchor


@dataclass(frozen=True, slots=True)
class DynamoDbAnchors(AnchorSource):
    """The anchors in one table; never stale."""

    client: DynamoDBClient
    journal_table: str

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        with translated(f"looking where strand {strand_id} begins"):
            answer = self.client.get_item(TableName=self.journal_table, Key=anchor_key(strand_id), ConsistentRead=True)
        return parse_anchor_item(strand_id, answer["Item"]) if "Item" in answer else None
