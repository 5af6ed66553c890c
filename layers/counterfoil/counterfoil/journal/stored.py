"""Blocks as a ledger stores them: binary datagrams in the whole form, read as far as a stream or an export needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from counterfoil.errors import InputError
from counterfoil.ion import read_single
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal.address import required
from counterfoil.journal.publication import StreamedBlock, streamed_block


def block_time(data: bytes) -> datetime:
    """When a stored block was committed, in UTC."""
    return required(read_single(data).fields(), "blockTimestamp").as_timestamp().to_datetime()


def block_fields(data: bytes) -> dict[str, Any]:
    """A stored block as Python values, its fields in order."""
    fields = decode_datagram(data)
    if not isinstance(fields, dict):
        raise InputError("a stored block that is not a struct")
    return fields


def streamed_datagram(data: bytes, stream_arn: str) -> StreamedBlock:
    """The stream records of a stored block."""
    return streamed_block(block_fields(data), stream_arn)
