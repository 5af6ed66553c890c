"""GetDigest, GetBlock and GetRevision: what a client verifies offline.

Source: docs/format.md, "Digest" and "Proofs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.errors import CounterfoilError, NotFoundError
from counterfoil.ion.codec import decode_datagram
from counterfoil.ion.value_text import render_text
from counterfoil.journal import BlockAddress, Digest, parse_address_text
from counterfoil.merkle import Hash
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import invalid_parameter, precondition_not_met
from counterfoil.protocol.hosting import Engine

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class ProofOperations:
    directory: Directory

    def digest(self, parameters: Parameters) -> Answer:
        name = parameters["Name"]
        digest = _digest(self.directory.engine(name), name)
        address = {"strandId": digest.tip_address.strand_id, "sequenceNo": digest.tip_address.sequence_no}
        return {"Digest": bytes(digest.hash), "DigestTipAddress": _text(address)}

    def block(self, parameters: Parameters) -> Answer:
        engine, address, tip = self._asked(parameters)
        answer = {"Block": _text(decode_datagram(_block(engine, address)))}
        if tip is not None:
            answer["Proof"] = _proof(engine.prove_block(address, tip))
        return answer

    def revision(self, parameters: Parameters) -> Answer:
        engine, address, tip = self._asked(parameters)
        document_id = parameters["DocumentId"]
        _block(engine, address)
        answer = {"Revision": _text(engine.revision(address, document_id))}
        if tip is not None:
            answer["Proof"] = _proof(engine.prove_revision(address, document_id, tip))
        return answer

    def _asked(self, parameters: Parameters) -> tuple[Engine, BlockAddress, BlockAddress | None]:
        """The ledger, the block, and the last block under the digest that is to be proved against, if any."""
        name = parameters["Name"]
        engine = self.directory.engine(name)
        address = _address(engine, parameters, "BlockAddress")
        if "DigestTipAddress" not in parameters:
            return engine, address, None
        tip = _address(engine, parameters, "DigestTipAddress")
        last = _digest(engine, name).tip_address
        if tip.sequence_no > last.sequence_no:
            raise invalid_parameter(
                "DigestTipAddress", f"is behind the ledger's last block, which is {last.sequence_no}"
            )
        if address.sequence_no > tip.sequence_no:
            raise invalid_parameter(
                "BlockAddress", f"is behind DigestTipAddress {tip.sequence_no}, so no digest there covers it"
            )
        return engine, address, tip


def _digest(engine: Engine, name: str) -> Digest:
    try:
        return engine.digest()
    except NotFoundError:
        raise precondition_not_met(
            "Ledger", name, "has no block yet, and so no digest: commit a transaction first"
        ) from None


def _block(engine: Engine, address: BlockAddress) -> bytes:
    """A block that is not there is an invalid parameter, as the service's documents say."""
    try:
        return engine.block(address)
    except NotFoundError as error:
        raise invalid_parameter("BlockAddress", f"names no block: {error}") from None


def _address(engine: Engine, parameters: Parameters, name: str) -> BlockAddress:
    text = parameters[name].get("IonText")
    if text is None:
        raise invalid_parameter(name, "needs an IonText")
    try:
        address = parse_address_text(text)
    except CounterfoilError as error:
        raise invalid_parameter(name, f"is no block address: {error}") from None
    if address.strand_id != engine.strand_id:
        raise invalid_parameter(
            name, f"is of strand {address.strand_id}, but the ledger's strand is {engine.strand_id}"
        )
    return address


def _text(value: Any) -> dict[str, str]:
    return {"IonText": render_text(value)}


def _proof(path: Sequence[Hash]) -> dict[str, str]:
    return _text([bytes(each) for each in path])
