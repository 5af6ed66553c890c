"""The journal of a ledger that a server keeps, block by block through GetBlock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from counterfoil.cli.answers import digest_of
from counterfoil.errors import PreconditionError
from counterfoil.ion import binary_of_text, read_single
from counterfoil.ion.codec import encode
from counterfoil.ion.value_text import parse_text
from counterfoil.journal import BlockAddress, Digest
from counterfoil.merkle import Hash
from counterfoil.ports import JournalReader

_ASK_AGAIN_SECONDS = 0.2


class ServedJournal(JournalReader):
    """``call`` carries out an operation of the control plane."""

    def __init__(self, name: str, call: Callable[[str, Mapping[str, Any]], dict[str, Any]]) -> None:
        self._name = name
        self._call = call

    def digest(self) -> Digest:
        """``PreconditionError`` while there is no block."""
        return digest_of(self._call("GetDigest", {"Name": self._name}))

    @property
    def strand_id(self) -> str:
        return self.digest().tip_address.strand_id

    def tip(self) -> int | None:
        try:
            return self.digest().tip_address.sequence_no
        except PreconditionError:
            return None

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        strand_id = self.strand_id
        return (self._block(BlockAddress(strand_id, number)) for number in range(begin, end))

    def wait_for(self, sequence_no: int, timeout: float, /) -> bool:
        until = time.monotonic() + timeout
        while not (there := (self.tip() or -1) >= sequence_no) and time.monotonic() < until:
            time.sleep(_ASK_AGAIN_SECONDS)
        return there

    def prove(self, address: BlockAddress, tip: BlockAddress, /) -> tuple[Hash, ...]:
        """The path from a block to the digest at ``tip``, as the server gives it: nothing of it is checked."""
        answer = self._call(
            "GetBlock", {"Name": self._name, "BlockAddress": _text_of(address), "DigestTipAddress": _text_of(tip)}
        )
        proof = read_single(binary_of_text(answer["Proof"]["IonText"]))
        return tuple(Hash(each.as_bytes()) for each in proof.items())

    def _block(self, address: BlockAddress) -> bytes:
        answer = self._call("GetBlock", {"Name": self._name, "BlockAddress": _text_of(address)})
        return encode(parse_text(answer["Block"]["IonText"]))


def _text_of(address: BlockAddress) -> dict[str, str]:
    return {"IonText": f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'}
