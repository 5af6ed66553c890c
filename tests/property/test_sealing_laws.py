"""What is sealed comes back as it was, to whoever has its key and asks for it in its place; nothing else does."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapters.memory.document_keys import MemoryDocumentKeys
from counterfoil.errors import SealMismatchError
from counterfoil.ion.amazon_values import value_of
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Annotated
from counterfoil.ledger.catalogue import LedgerCatalogue, TableEntry
from counterfoil.ledger.proposal import Written
from counterfoil.ledger.reading import StoredRevision, encode_document
from counterfoil.ledger.sealing import PADDED_TO, SEALED, Seals
from tests.ion_values import nested
from tests.partiql_values import values
from tests.sealed_ledgers import cipher, is_sealed

TAGS = (("counterfoil:sealed", "name born"),)
CATALOGUE = LedgerCatalogue(1, {"T" * 22: TableEntry("T" * 22, "People", active=True, tags=TAGS)})
DOCUMENT = "d" * 22


def sealed(value, keys, document_id=DOCUMENT, field="name"):
    """A document's field as the journal has it."""
    document = {field: value, "country": "NL"}
    written = Written("T" * 22, "People", document_id, None, document, encode_document(document), (0,))
    (made,) = Seals(keys, cipher()).sealing().seal([written], CATALOGUE)
    assert made.data == encode_document(made.value)
    return made.value[field]


def opened(value, keys, document_id=DOCUMENT, field="name", *, seals=None):
    """The same as a reader has it."""
    data = encode_document({field: value, "country": "NL"})
    revision = StoredRevision("T" * 22, document_id, 0, 0, "x" * 22, 0, b"h" * 32, data)
    snapshot = SimpleNamespace(document=lambda _: revision, catalogue=CATALOGUE)
    return (seals or Seals(keys, cipher())).opening(snapshot).document(document_id).value[field]


@given(values)
def test_any_value_comes_back_as_it_was(value):
    keys = MemoryDocumentKeys()
    made = sealed(value, keys)
    assert is_sealed(made)
    assert encode([opened(made, keys)]) == encode([value])


@given(st.data())
def test_any_ion_value_comes_back_as_it_was(data):
    value = value_of(data.draw(nested(2)))
    if isinstance(value, Annotated) and value.annotations[0] in {SEALED, "counterfoil_erased"}:
        return
    keys = MemoryDocumentKeys()
    assert encode([opened(sealed(value, keys), keys)]) == encode([value])


@given(values)
def test_the_same_value_is_sealed_otherwise_each_time_and_its_length_shows_in_steps_only(value):
    keys = MemoryDocumentKeys()
    one, other = sealed(value, keys), sealed(value, keys)
    assert one != other
    assert len(one.value) == len(other.value)
    assert (len(one.value) - 1 - 22 - 12 - 16) % PADDED_TO == 0


@given(values, st.data())
def test_an_altered_value_is_refused_or_is_no_sealed_value(value, data):
    keys = MemoryDocumentKeys()
    made = sealed(value, keys)
    at = data.draw(st.integers(0, 8 * len(made.value) - 1))
    flipped = bytearray(made.value)
    flipped[at // 8] ^= 1 << at % 8
    altered = Annotated((SEALED,), bytes(flipped))
    if at // 8 < 23:  # the form and the key's id: another key's, which is not here, so it stays as it stands
        assert opened(altered, keys) == altered
    else:
        with pytest.raises(SealMismatchError):
            opened(altered, keys)


@given(values, st.integers(0, 60))
def test_a_value_cut_short_is_refused(value, length):
    keys = MemoryDocumentKeys()
    made = sealed(value, keys)
    short = Annotated((SEALED,), made.value[:length])
    if length <= 23:
        assert opened(short, keys) == short
    else:
        with pytest.raises(SealMismatchError):
            opened(short, keys)


def test_a_value_of_another_document_or_field_is_refused():
    keys = MemoryDocumentKeys()
    mine, other = sealed("mine", keys), sealed("other", keys, "e" * 22)
    assert opened(other, keys) == other  # it names a key that this document never had
    with pytest.raises(SealMismatchError):
        opened(mine, keys, field="born")
    # Somebody who may write the store of keys gives both documents the same one.
    keys.by_document["e" * 22] = keys.by_document[DOCUMENT]._replace(document_id="e" * 22)
    with pytest.raises(SealMismatchError, match="the key of document"):
        opened(mine, keys, "e" * 22)


def test_even_a_key_that_fits_opens_a_value_in_its_own_document_only():
    keys = MemoryDocumentKeys()
    mine = sealed("mine", keys)
    box = cipher()
    key = box.unwrap(keys.by_document[DOCUMENT])
    wrapped = box.seal(b"k" * 32, key.secret, box._bound("e" * 22, key.key_id))
    keys.by_document["e" * 22] = keys.by_document[DOCUMENT]._replace(document_id="e" * 22, wrapped=wrapped)
    with pytest.raises(SealMismatchError, match="version 0"):
        opened(mine, keys, "e" * 22)


def test_a_key_of_another_ledger_does_not_unwrap():
    keys = MemoryDocumentKeys()
    made = sealed("mine", keys)
    for other in (cipher(strand_id="x" * 22), cipher(key=b"o" * 32)):
        with pytest.raises(SealMismatchError):
            opened(made, keys, seals=Seals(keys, other))


def test_what_is_sealed_is_nowhere_in_the_bytes():
    made = sealed("Margarethe Blumenthal", MemoryDocumentKeys())
    assert b"Margarethe" not in encode_document({"name": made})
    assert decode_datagram(encode([made])) == [made]
