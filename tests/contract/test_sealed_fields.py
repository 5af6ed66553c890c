"""Sealed fields in every store: clear to readers, ciphertext in the journal, gone with the document's key, proved all along."""

import pytest

from counterfoil.adapters.memory.document_keys import MemoryDocumentKeys
from counterfoil.errors import (
    InputError,
    LimitError,
    OccConflictError,
    PreconditionError,
    StatementError,
    UnavailableError,
)
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Annotated, RepeatedStruct
from counterfoil.journal import Receipt, digest_of, extend, verify_receipt
from counterfoil.journal.builder import Statement, digest_of_statement
from counterfoil.ledger.erasure import certificate_id
from counterfoil.ledger.sealing import veil_under, veiled
from tests.ledgers import KINDS, ledger_on, online, rows, verified_blocks
from tests.sealed_ledgers import (
    CERTIFICATES,
    ERASE,
    ERASED,
    HISTORY,
    NAME,
    PERSON,
    SECRET,
    TABLE,
    blocks,
    is_sealed,
    memory_seals,
    receipts_of,
    revisions_of,
    with_people,
)

BY = ("Ada", "asked for by the person")


class Losing(MemoryDocumentKeys):
    """A store of keys that fails when it is told to destroy one: before it did, or after."""

    fails = None

    def destroy(self, document_id, at_ms, /):
        if self.fails == "before":
            raise UnavailableError("not now")
        destroyed = super().destroy(document_id, at_ms)
        if self.fails == "after":
            raise UnavailableError("the answer is lost")
        return destroyed


@pytest.fixture
def keys():
    return Losing()


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path, keys):
    with ledger_on(request.param, tmp_path, seals=memory_seals(keys)) as opened:
        yield opened


@pytest.fixture
def person(ledger):
    """The table's and the document's id."""
    return with_people(ledger)


def erase(ledger, person):
    (row,) = rows(ledger, ERASE, *person, *BY)
    return row


def certificates(ledger):
    return rows(ledger, "SELECT VALUE c FROM counterfoil_erasures AS c")


# ---- while the key is there ------------------------------------------------------------------------------------------


def test_readers_see_what_was_written_in_every_view_and_version(ledger, person):
    rows(ledger, "UPDATE People AS p SET p.name = ?, p.country = ? WHERE p.name = ?", "Margot", "BE", SECRET)
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == [PERSON | {"name": "Margot", "country": "BE"}]
    assert rows(ledger, "SELECT VALUE c.data.name FROM _ql_committed_People AS c") == ["Margot"]
    assert [each["name"] for each in rows(ledger, HISTORY)] == [SECRET, "Margot"]
    assert rows(ledger, "SELECT VALUE p.born FROM People AS p BY id WHERE id = ?", person[1]) == [1931]


def test_a_transaction_sees_its_own_documents_clear(ledger, person):
    def work(tx):
        tx.execute("INSERT INTO People ?", {"name": "Bob", "country": "DE"})
        tx.execute("UPDATE People AS p SET p.born = ? WHERE p.name = ?", 1950, "Bob")
        return list(tx.execute("SELECT p.name, p.born FROM People AS p WHERE p.country = ?", "DE"))

    assert ledger.execute(work) == [{"name": "Bob", "born": 1950}]
    assert rows(ledger, NAME, "DE") == ["Bob"]


def test_the_journal_has_ciphertext_only_and_every_version_another(ledger, person):
    rows(ledger, "UPDATE People AS p SET p.country = ?", "BE")
    for data in ledger.blocks(0, ledger.head.sequence_no + 1):
        assert SECRET.encode() not in data
    first, second = (each["data"] for each in revisions_of(ledger, person[1]))
    assert all(is_sealed(each[name]) for each in (first, second) for name in ("name", "born"))
    assert first["name"] != second["name"]
    assert (first["country"], second["country"]) == ("NL", "BE")


def test_the_digest_of_a_statement_does_not_tell_what_its_parameters_were(ledger, person):
    """Two equal statements of two transactions: whoever guesses the parameters cannot see that he is right."""
    for _ in range(2):
        rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
        rows(ledger, "SELECT * FROM People AS p WHERE p.name = ?", "Margot")
    told = [
        (block["transactionId"], each["statement"], each["statementDigest"])
        for block in blocks(ledger)[-4:]
        for each in block["transactionInfo"]["statements"]
    ]
    assert len({digest for _, _, digest in told}) == 4
    for transaction_id, text, digest in told:
        guessed = digest_of_statement(Statement(text, ("Margot",)))
        assert digest not in {bytes(guessed), bytes(veiled(guessed, veil_under(transaction_id, {})))}


def test_the_chain_and_every_receipt_hold(ledger, person):
    rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
    head = None
    for block in verified_blocks(ledger):
        head = extend(head, block)
    assert digest_of(head) == ledger.digest()
    assert all(isinstance(verify_receipt(each), Receipt) for each in receipts_of(ledger, person[1]))


def test_a_document_without_its_sealed_fields_has_no_key(ledger, person, keys):
    (row,) = rows(ledger, "INSERT INTO People ?", {"country": "NL"})
    assert row["documentId"] not in keys.by_document
    rows(ledger, "UPDATE People AS p BY id SET p.name = ? WHERE id = ?", None, row["documentId"])
    assert row["documentId"] in keys.by_document
    assert is_sealed(revisions_of(ledger, row["documentId"])[-1]["data"]["name"])


def test_other_fields_can_be_indexed_and_sealed_ones_cannot(ledger, person):
    with pytest.raises(StatementError, match="sealed"):
        rows(ledger, "CREATE INDEX ON People (name)")
    rows(ledger, "CREATE INDEX ON People (country)")
    online(ledger)
    assert rows(ledger, NAME, "NL") == [SECRET]
    rows(ledger, "UPDATE People AS p SET p.country = ? WHERE p.country = ?", "BE", "NL")
    assert rows(ledger, NAME, "NL") == []
    assert rows(ledger, NAME, "BE") == [SECRET]


@pytest.mark.parametrize("mark", [ERASED, Annotated(("counterfoil_sealed",), b"\1" + b"k" * 60)])
def test_only_the_ledger_says_of_a_value_that_it_is_sealed_or_erased(ledger, person, mark):
    with pytest.raises(PreconditionError, match="only the ledger"):
        rows(ledger, "INSERT INTO People ?", {"name": mark})
    with pytest.raises(PreconditionError, match="only the ledger"):
        rows(ledger, "UPDATE People AS p SET p.name = ?", mark)
    assert rows(ledger, NAME, "NL") == [SECRET]


def test_a_document_with_a_field_twice_is_refused(ledger, person):
    with pytest.raises(InputError, match="twice"):
        rows(ledger, "INSERT INTO People ?", RepeatedStruct([("name", "a"), ("name", "b")]))


def test_a_deleted_document_can_be_read_in_its_history_until_it_is_erased(ledger, person):
    rows(ledger, "DELETE FROM People AS p WHERE p.name = ?", SECRET)
    assert [each["name"] for each in rows(ledger, HISTORY)] == [SECRET]
    erase(ledger, person)
    assert [each["name"] for each in rows(ledger, HISTORY)] == [ERASED]


def test_a_ledger_without_a_place_for_keys_takes_no_sealed_fields(tmp_path):
    with ledger_on("memory", tmp_path) as bare, pytest.raises(PreconditionError, match="no place for their keys"):
        rows(bare, TABLE)


def test_which_fields_are_sealed_is_said_of_a_table(ledger, person):
    tables = rows(ledger, "SELECT t.name, t.sealed FROM information_schema.user_tables AS t")
    assert tables == [{"name": "People", "sealed": ["born", "name"]}, {"name": "counterfoil_erasures"}]


@pytest.mark.parametrize("tags", ["{'counterfoil:sealed': ''}", "{'counterfoil:sealed': '  '}"])
def test_a_tag_that_names_no_field_is_refused(ledger, tags):
    with pytest.raises(StatementError, match="names no field"):
        rows(ledger, f"CREATE TABLE Nothing WITH (aws_tags = `{tags}`)")


def test_certificates_cannot_be_sealed(ledger):
    with pytest.raises(StatementError, match="nothing in it can be sealed"):
        rows(ledger, TABLE.replace("People", "counterfoil_erasures"))


# ---- after the key was destroyed -------------------------------------------------------------------------------------


def test_an_erased_document_shows_a_mark_in_every_view_and_version_and_keeps_the_rest(ledger, person):
    rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
    (other,) = rows(ledger, "INSERT INTO People ?", {"name": "Bob", "country": "DE"})
    erase(ledger, person)
    gone = {"name": ERASED, "born": ERASED, "country": "NL"}
    assert rows(ledger, "SELECT VALUE p FROM People AS p WHERE p.country = ?", "NL") == [gone]
    assert rows(ledger, "SELECT VALUE c.data FROM _ql_committed_People AS c WHERE c.data.country = ?", "NL") == [gone]
    assert rows(ledger, f"{HISTORY} WHERE h.metadata.id = ?", person[1]) == [gone, gone]
    assert rows(ledger, "SELECT VALUE p.country FROM People AS p WHERE p.name IS NULL") == ["NL"]
    assert rows(ledger, NAME, "DE") == ["Bob"]
    assert other["documentId"]


def test_receipts_and_digests_from_before_hold_after_and_the_journal_is_what_it_was(ledger, person):
    rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
    before, journal = list(receipts_of(ledger, person[1])), list(ledger.blocks(0, ledger.head.sequence_no + 1))
    erase(ledger, person)
    assert list(ledger.blocks(0, len(journal))) == journal
    for each in (*before, *receipts_of(ledger, person[1])):
        assert isinstance(verify_receipt(each), Receipt)
    head = None
    for block in verified_blocks(ledger):
        head = extend(head, block)
    assert digest_of(head) == ledger.digest()


def test_the_certificate_says_who_why_and_when_and_is_proved_like_any_document(ledger, person, keys):
    row = erase(ledger, person)
    key = keys.by_document[person[1]]
    assert row == {"documentId": person[1], "keyId": key.key_id, "certificateId": certificate_id(key.key_id)}
    (certificate,) = certificates(ledger)
    told = {name: certificate[name] for name in ("documentId", "keyId", "tableName", "tableId", "by", "reason")}
    assert told == {
        "documentId": person[1], "keyId": key.key_id, "tableName": "People", "tableId": person[0],
        "by": BY[0], "reason": BY[1],
    }  # fmt: skip
    assert key.wrapped is None
    assert certificate["destroyedAt"].to_datetime().timestamp() * 1_000 == key.destroyed_ms
    (receipt,) = receipts_of(ledger, row["certificateId"])
    assert isinstance(verify_receipt(receipt), Receipt)


def test_an_erasure_that_is_asked_for_again_has_the_same_certificate(ledger, person):
    first, kept = erase(ledger, person), certificates(ledger)
    assert erase(ledger, person) == first
    assert rows(ledger, ERASE, *person, "Bob", "another reason") == [first]
    assert certificates(ledger) == kept


def test_a_key_that_a_backup_brought_back_is_destroyed_again(ledger, person, keys):
    kept = keys.by_document[person[1]]
    erase(ledger, person)
    certified = certificates(ledger)
    keys.by_document[person[1]] = kept
    assert rows(ledger, NAME, "NL") == [SECRET]
    erase(ledger, person)
    assert rows(ledger, NAME, "NL") == [ERASED]
    assert certificates(ledger) == certified


def test_what_is_erased_stays_so_while_the_rest_is_changed(ledger, person):
    erase(ledger, person)
    rows(ledger, "UPDATE People AS p SET p.country = ?", "BE")
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == [{"name": ERASED, "born": ERASED, "country": "BE"}]
    first, second = (each["data"] for each in revisions_of(ledger, person[1]))
    assert first["name"] == second["name"]
    rows(ledger, "UPDATE People AS p REMOVE p.name")
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == [{"born": ERASED, "country": "BE"}]
    with pytest.raises(PreconditionError, match="was erased"):
        rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
    rows(ledger, "DELETE FROM People AS p WHERE p.country = ?", "BE")
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == []


def test_an_update_that_read_before_the_erasure_conflicts_with_it(ledger, person):
    slow = ledger.begin()
    list(slow.execute("UPDATE People AS p SET p.country = ?", ("BE",)))
    erase(ledger, person)
    with pytest.raises(OccConflictError):
        slow.commit()
    rows(ledger, "UPDATE People AS p SET p.country = ?", "BE")
    assert rows(ledger, "SELECT VALUE p.country FROM People AS p") == ["BE"]


def test_a_transaction_that_changes_and_erases_a_document_does_both(ledger, person):
    def work(tx):
        tx.execute("UPDATE People AS p SET p.name = ?, p.country = ?", "Margot", "BE")
        tx.execute(ERASE, *person, *BY)

    ledger.execute(work)
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == [{"name": ERASED, "born": ERASED, "country": "BE"}]
    assert len(certificates(ledger)) == 1


def test_a_transaction_that_is_given_up_destroys_nothing(ledger, person, keys):
    tx = ledger.begin()
    list(tx.execute(ERASE, (*person, *BY)))
    tx.abort()
    assert keys.by_document[person[1]].wrapped is not None
    assert certificates(ledger) == []
    assert rows(ledger, NAME, "NL") == [SECRET]


def test_nothing_else_writes_certificates(ledger, person):
    erase(ledger, person)
    for text in (
        "INSERT INTO counterfoil_erasures VALUE {'documentId': 'x'}",
        "UPDATE counterfoil_erasures AS c SET c.reason = 'another'",
        "DELETE FROM counterfoil_erasures AS c WHERE c.tableName = 'People'",
    ):
        with pytest.raises(StatementError, match="only EXEC ERASE_DOCUMENT"):
            rows(ledger, text)


@pytest.mark.parametrize("arguments", [("one",), ("t" * 22, "d" * 22, "Ada", "why"), (1, 2, 3, 4), (None,) * 4])
def test_what_cannot_be_erased_is_refused(ledger, person, arguments):
    with pytest.raises(StatementError):
        rows(ledger, f"EXEC ERASE_DOCUMENT {', '.join('?' * len(arguments))}", *arguments)


@pytest.mark.parametrize(
    ("by", "reason"), [("", "why"), ("  ", "why"), ("Ada", ""), ("A" * 201, "why"), ("Ada", "w" * 2_001)]
)
def test_an_erasure_has_somebody_and_a_reason(ledger, person, by, reason):
    with pytest.raises(StatementError):
        rows(ledger, ERASE, *person, by, reason)


def test_a_document_without_a_key_has_nothing_to_erase(ledger, person):
    (row,) = rows(ledger, "INSERT INTO People ?", {"country": "NL"})
    with pytest.raises(StatementError, match="nothing to erase"):
        rows(ledger, ERASE, person[0], row["documentId"], *BY)


def test_one_transaction_erases_one_document(ledger, person):
    (other,) = rows(ledger, "INSERT INTO People ?", {"name": "Bob"})

    def work(tx):
        tx.execute(ERASE, *person, *BY)
        tx.execute(ERASE, person[0], other["documentId"], *BY)

    with pytest.raises(LimitError):
        ledger.execute(work)
    assert rows(ledger, NAME, "NL") == [SECRET]


def test_without_a_table_for_certificates_nothing_is_erased(ledger, keys):
    rows(ledger, TABLE)
    (row,) = rows(ledger, "INSERT INTO People ?", PERSON)
    with pytest.raises(StatementError, match="CREATE TABLE counterfoil_erasures"):
        rows(ledger, ERASE, ledger.catalogue.table("People").table_id, row["documentId"], *BY)
    assert keys.by_document[row["documentId"]].wrapped is not None
    rows(ledger, CERTIFICATES)
    rows(ledger, ERASE, ledger.catalogue.table("People").table_id, row["documentId"], *BY)
    assert rows(ledger, NAME, "NL") == [ERASED]


# ---- cut off in between ----------------------------------------------------------------------------------------------


def test_a_key_that_could_not_be_destroyed_has_no_certificate(ledger, person, keys):
    keys.fails = "before"
    with pytest.raises(UnavailableError):
        erase(ledger, person)
    assert certificates(ledger) == []
    assert rows(ledger, NAME, "NL") == [SECRET]
    keys.fails = None
    erase(ledger, person)
    assert len(certificates(ledger)) == 1


def test_cut_off_between_the_key_and_the_certificate_asking_again_completes_it(ledger, person, keys):
    keys.fails = "after"
    with pytest.raises(UnavailableError):
        erase(ledger, person)
    keys.fails = None
    assert rows(ledger, NAME, "NL") == [ERASED]
    assert certificates(ledger) == []
    destroyed_ms = keys.by_document[person[1]].destroyed_ms
    erase(ledger, person)
    (certificate,) = certificates(ledger)
    assert certificate["destroyedAt"].to_datetime().timestamp() * 1_000 == destroyed_ms


def test_two_who_erase_at_once_make_one_certificate(ledger, person):
    one, other = ledger.begin(), ledger.begin()
    for each in (one, other):
        list(each.execute(ERASE, (*person, *BY)))
    one.commit()
    with pytest.raises(OccConflictError):
        other.commit()
    erase(ledger, person)
    assert len(certificates(ledger)) == 1


# ---- where the keys are not ------------------------------------------------------------------------------------------


def test_with_other_keys_what_is_sealed_stays_so_and_is_not_taken_for_erased(ledger, person, keys):
    kept, keys.by_document = keys.by_document, {}
    (shown,) = rows(ledger, "SELECT VALUE p FROM People AS p")
    assert is_sealed(shown["name"])
    rows(ledger, "UPDATE People AS p SET p.country = ?", "BE")
    with pytest.raises(PreconditionError, match="is not here"):
        rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")
    with pytest.raises(StatementError, match="nothing to erase"):
        erase(ledger, person)
    keys.by_document = kept
    assert rows(ledger, "SELECT VALUE p FROM People AS p") == [PERSON | {"country": "BE"}]


def test_a_ledger_that_is_opened_without_its_keys_shows_what_is_sealed_and_changes_none_of_it(tmp_path, keys):
    with ledger_on("sqlite", tmp_path, seals=memory_seals(keys)) as sealing:
        with_people(sealing)
    with ledger_on("sqlite", tmp_path, seed=2) as bare:
        (shown,) = rows(bare, "SELECT VALUE p FROM People AS p")
        assert is_sealed(shown["name"])
        with pytest.raises(PreconditionError, match="not here"):
            rows(bare, "INSERT INTO People ?", PERSON)
        assert decode_datagram(encode([shown["name"]])) == [shown["name"]]
