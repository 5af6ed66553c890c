"""Files of proofs that lie beside an export: what in them looks like a receipt, wherever it stands and whatever it is wrapped in.

Nobody documents the layout of such files (``*.proofs.json``), so none is asked for. JSON of any layout is gone through, and an
object with a proof in it is made into what ``journal.receipt`` reads: names in any case, with or without underscores, Ion text bare
or wrapped as the API does, addresses and revisions as JSON, hashes in base64 or hex, a proof as Ion text or as an array of hashes. A
digest or an address that stands in an object around counts for the proofs in it. What is not understood is given as such, never
passed over.

Source: docs/format.md, section "Files of proofs"; docs/decisions/0036.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from io import StringIO
from typing import Any, Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.journal.address import ID_PATTERN
from counterfoil.journal.receipt import MAX_PATH, parse_json, text_of_json
from counterfoil.merkle import Hash

# As much as a receipt may have by itself.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
# Values of one JSON text, strings with brackets and commas counted as if they were several: each costs up to 150 bytes of memory.
MAX_VALUES: Final = 3_000_000
MAX_LINES: Final = 1_000_000
MAX_DEPTH: Final = 64
# Values side by side that are told one by one.
MAX_NAMED: Final = 10
_MAX_PLACE: Final = 200

_NOTHING: Final = "nothing in it is known as a proof"
_SUFFIX: Final = ".proofs.json"

_NAMES: Final = {
    name.lower(): name
    for name in (
        "Proof", "Revision", "Block", "RevisionHash", "BlockHash", "Hash", "BlockAddress", "DocumentId", "Digest", "DigestTipAddress",
        "LedgerDigest", "IonText", "StrandId", "SequenceNo",
    )
} | {"address": "BlockAddress", "tipaddress": "DigestTipAddress"}  # fmt: skip
_PROOFS_OF: Final = {"blockproof": "Block", "revisionproof": "Revision"}
_LONGEST_NAME: Final = 40
_LEAVES: Final = ("Revision", "Block")
_CONTEXT: Final = {"BlockAddress", "Digest", "DigestTipAddress", "LedgerDigest"}

_ADDRESS_KEY: Final = re.compile(r"(?P<strand>[0-9A-Za-z_-]{1,64})#(?P<number>\d{1,19})", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64: Final = re.compile(r"[0-9A-Za-z+/]{43}=")


class FoundProof(NamedTuple):
    """What may be a receipt, as ``journal.receipt`` reads it; it may lack a digest, in whole or its tip address alone.

    ``place`` says where in the file it stands. ``kind_told`` is false where only a hash stands there, a block's or a revision's: it is
    then given as a revision's.
    """

    place: str
    document: dict[str, Any]
    kind_told: bool


class NotUnderstood(NamedTuple):
    """A value, or several (``values``), in which nothing is known as a proof, and why."""

    place: str
    reason: str
    values: int = 1


type _Found = Generator[FoundProof | NotUnderstood, None, bool]


def is_proofs_file(name: str) -> bool:
    """Whether that is the name of a file of proofs."""
    return name.endswith(_SUFFIX)


def find_proofs(data: bytes) -> Iterator[FoundProof | NotUnderstood]:
    """All that may be proofs in a file, one JSON text or one on each line; bytes of any kind are taken."""
    try:
        text = text_of_json(data, "the file")
    except InputError as error:
        yield NotUnderstood("$", str(error))
        return
    try:
        document = _parsed(text)
    except InputError as error:
        if "\n" not in text.strip():
            yield NotUnderstood("$", str(error))
            return
    else:
        yield from _told(document, "$")
        return
    for count, (number, line) in enumerate(_lines(text)):
        if count == MAX_LINES:
            yield NotUnderstood(f"line {number}", f"more than {MAX_LINES:,} lines")
            return
        try:
            each = _parsed(line)
        except InputError as error:
            yield NotUnderstood(f"line {number}", str(error))
        else:
            yield from _told(each, f"line {number} $")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1, one at a time."""
    return ((number, line) for number, line in enumerate(StringIO(text), 1) if not line.isspace())


def _parsed(text: str) -> Any:
    if text.count("[") + text.count("{") + text.count(",") > MAX_VALUES:
        raise InputError(f"more than {MAX_VALUES:,} values in one JSON text")
    return parse_json(text, "it")


def _told(document: Any, place: str) -> Iterator[FoundProof | NotUnderstood]:
    if not (yield from _walk(document, place, "", {}, 0)):
        yield NotUnderstood(place, _NOTHING)


def _walk(value: Any, place: str, key: str, around: Mapping[str, str], depth: int) -> _Found:
    """All proofs in a value, and what is not understood beside them; whether there was any proof. Else nothing is given."""
    if not isinstance(value, dict | list) or not value:
        return False
    if depth > MAX_DEPTH:
        yield NotUnderstood(place, f"nested deeper than {MAX_DEPTH} levels")
        return True
    inner = around
    if isinstance(value, dict):
        try:
            fields = _known(value)
            found = [
                _receipt(fields | {"Proof": proof}, leaf, place, key, around) for proof, leaf in _proofs(value, fields)
            ]
            inner = _labels(fields, around)
        except InputError as error:
            found = [NotUnderstood(place, str(error))]
        yield from found
        if found:
            return True
    return (yield from _walk_below(value, place, inner, depth))


def _walk_below(value: Any, place: str, around: Mapping[str, str], depth: int) -> _Found:
    children = value.items() if isinstance(value, dict) else enumerate(value)
    unknown: list[str] = []
    more, any_found = 0, False
    for name, each in children:
        below = f"{place}.{name}" if isinstance(name, str) else f"{place}[{name}]"
        if len(below) > _MAX_PLACE:
            below = below[:_MAX_PLACE] + "…"
        if isinstance(name, str) and _NAMES.get(_plain(name)) in _CONTEXT:
            continue
        key = name if isinstance(name, str) else ""
        if (yield from _walk(each, below, key, around, depth + 1)):
            any_found = True
        elif isinstance(each, dict | list) and each:
            if len(unknown) < MAX_NAMED:
                unknown.append(below)
            else:
                more += 1
    if any_found:
        for below in unknown:
            yield NotUnderstood(below, _NOTHING)
        if more:
            yield NotUnderstood(place, f"nothing is known as a proof in {more} values more", more)
    return any_found


def _plain(name: str) -> str:
    """A name as it is compared with others; of a longer one than any that counts, nothing."""
    return "" if len(name) > _LONGEST_NAME else name.replace("_", "").replace("-", "").lower()


def _known(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that count, by the API's names."""
    pairs = [(name, each) for key, each in value.items() if (name := _NAMES.get(_plain(key))) is not None]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InputError(f"a name comes twice, in two ways to write it, among {sorted(value)[:20]}")
    return fields


def _proofs(value: Mapping[str, Any], fields: Mapping[str, Any]) -> list[tuple[Any, str | None]]:
    """The proofs in an object, and for each which of several leaves it is for: ``None`` where there is no question."""
    if "Proof" in fields:
        path = _path_text(fields["Proof"])
        if path is None and not isinstance(fields["Proof"], dict | list):
            raise InputError("its proof is neither Ion text nor an array of hashes")
        return [] if path is None else [(path, None)]
    named = {name: path for key, each in value.items()
             if "proof" in (name := _plain(key)) and (path := _path_text(each, bare=name not in _PROOFS_OF)) is not None}  # fmt: skip
    both: list[tuple[Any, str | None]] = [(named[name], leaf) for name, leaf in _PROOFS_OF.items() if name in named]
    return both or [(path, None) for path in named.values() if len(named) == 1]


def _path_text(value: Any, *, bare: bool = False) -> str | None:
    """A proof as Ion text; ``None`` where the value has not the shape of one. ``bare``: it must show hashes to count."""
    if isinstance(value, Mapping):
        value = _known(value).get("IonText")
    if isinstance(value, str):
        return value if value.lstrip().startswith("[") and ("{{" in value or not bare) else None
    if not isinstance(value, list) or len(value) > MAX_PATH or (bare and not value):
        return None
    hashes = [_hash_text(each) for each in value]
    return None if None in hashes else "[" + ",".join(f"{{{{{each}}}}}" for each in hashes) + "]"


def _hash_text(value: Any) -> str | None:
    """A hash in base64, from base64 or hex; ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    if _HEX.fullmatch(value):
        return Hash(bytes.fromhex(value)).to_base64()
    return value if _BASE64.fullmatch(value) else None


def _receipt(
    fields: Mapping[str, Any], leaf: str | None, place: str, key: str, around: Mapping[str, str]
) -> FoundProof | NotUnderstood:
    """The receipt that an object with a proof is; ``leaf`` says which of two leaves it is for."""
    other = {"Revision": "Block", "Block": "Revision"}.get(leaf or "")
    given = {name: each for name, each in fields.items() if name != other or leaf not in fields}
    whole = {name: text for name in _LEAVES if (text := _contents(given.get(name))) is not None}
    bare = _hashes(given) or (
        {} if (text := _hash_text(given.get("Hash")) or _hash_text(key)) is None else {"Hash": text}
    )
    if not whole and not bare:
        return NotUnderstood(place, "a proof, but not the revision or block that it is for")
    address = _address(given.get("BlockAddress"))
    for name in _LEAVES:
        if not whole and address is None and isinstance(given.get(name), Mapping):
            address = _address(_known(given[name]).get("BlockAddress"))
    if not whole:
        address = address or _address(key) or around.get("BlockAddress")
    labels = {} if address is None else {"BlockAddress": address}
    if isinstance(given.get("DocumentId"), str):
        labels["DocumentId"] = given["DocumentId"]
    document = {"Proof": given["Proof"]} | _digest_of(given, around) | labels | whole
    if whole:
        return FoundProof(
            place, document | {name: each for name, each in bare.items() if name != "Hash"}, kind_told=True
        )
    # Of a revision's hash beside its block's, the proof is the revision's, unless it is said to be the other's.
    name = next(each for each in ((f"{leaf}Hash", "RevisionHash", "BlockHash", "Hash")) if each in bare)
    kind_told = name != "Hash" or "DocumentId" in labels
    return FoundProof(place, document | {"RevisionHash" if name == "Hash" else name: bare[name]}, kind_told)


def _contents(value: Any) -> str | None:
    """The Ion text of a revision or block; ``None`` where only its hash, or JSON, stands there."""
    text = _known(value).get("IonText") if isinstance(value, Mapping) else value
    return text if isinstance(text, str) and _hash_text(text) is None else None


def _hashes(fields: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of a revision and of a block that stand there alone, or in what is the revision or block as JSON."""
    found: dict[str, str] = {}
    for name, within in (("Revision", "Hash"), ("Block", "BlockHash")):
        value = fields.get(name)
        alone = _known(value).get(within) if isinstance(value, Mapping) else value
        text = _hash_text(fields.get(f"{name}Hash")) or _hash_text(alone)
        if text is not None:
            found[f"{name}Hash"] = text
    return found


def _digest_of(fields: Mapping[str, Any], around: Mapping[str, str]) -> dict[str, str]:
    """The digest that stands in an object, or else the one around it, if that is not for another tip."""
    nested = [_known(each) for name in ("LedgerDigest", "Digest") if isinstance(each := fields.get(name), Mapping)]
    held = nested[0] if nested else fields
    digest, tip = held.get("Digest"), _address(held.get("DigestTipAddress"))
    if digest is None and tip in {None, around.get("DigestTipAddress")}:
        return {name: around[name] for name in ("Digest", "DigestTipAddress") if name in around}
    found = {
        "DigestTipAddress": tip or around.get("DigestTipAddress"),
        "Digest": None if digest is None else _hash_text(digest) or "no hash",
    }
    return {name: each for name, each in found.items() if each is not None}


def _labels(fields: Mapping[str, Any], around: Mapping[str, str]) -> dict[str, str]:
    """What an object says of the proofs in it: their digest and address, or else what the one around it says."""
    address = _address(fields.get("BlockAddress")) or around.get("BlockAddress")
    return _digest_of(fields, around) | ({} if address is None else {"BlockAddress": address})


def _address(value: Any) -> str | None:
    """The Ion text of an address: wrapped as the API does, bare, as JSON, or ``strand#number``; ``None`` for another value."""
    fields = _known(value) if isinstance(value, Mapping) else {}
    strand_id, number = fields.get("StrandId"), fields.get("SequenceNo")
    if isinstance(strand_id, str) and ID_PATTERN.fullmatch(strand_id) and type(number) is int:
        return _address_text(strand_id, number)
    text = fields.get("IonText", value)
    if not isinstance(text, str):
        return None
    found = _ADDRESS_KEY.fullmatch(text)
    if found is not None:
        return _address_text(found["strand"], int(found["number"]))
    return text if text.lstrip().startswith("{") else None


def _address_text(strand_id: str, number: int) -> str:
    return f'{{strandId:"{strand_id}",sequenceNo:{number}}}'
