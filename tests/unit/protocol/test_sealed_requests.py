"""Sealed fields behind the protocols: a request that comes twice, a session that another instance goes on with, tags."""

import pytest

from counterfoil.adapters.memory.document_keys import MemoryDocumentKeys
from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.journal.builder import Statement
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.protocol.faults import ProtocolError
from counterfoil.protocol.one_shot import Asked, OneShot, OtherRequestError
from counterfoil.protocol.place import Place
from counterfoil.protocol.tag_operations import TagOperations
from counterfoil.server.identities import ANYBODY
from counterfoil.services.ledger import Ledger
from tests.sealed_ledgers import CERTIFICATES, ERASE, ERASED, NAME, PERSON, SECRET, TABLE, memory_seals
from tests.session_worlds import BEGAN, Side, digest_of

INSERT = "INSERT INTO People ?"
READ = "SELECT VALUE p.name FROM People AS p WHERE p.name = ?"
REPLACE = "UPDATE People AS p SET p.name = ? WHERE p.country = ?"
BY = ("Ada", "asked for")


class Sealing(Side):
    """A ledger with People, which has a place for keys; every instance opens it anew."""

    def __init__(self):
        self.keys = MemoryDocumentKeys()
        super().__init__(1, lambda: BEGAN, 1)
        self.rival = self.ledger()
        for text in (TABLE, CERTIFICATES):
            self.write(text)

    def ledger(self):
        return Ledger("bank", self.shared_store(), self.clock, self.ids, QLDB_LIMITS, seals=memory_seals(self.keys))

    def run(self, *statements, key=None):
        asked = tuple(Statement(text, tuple(parameters)) for text, *parameters in statements)
        one_shot = OneShot(self.directory(), self.clock, self.ids, self.pauses.append)
        return one_shot.run(Asked("bank", asked, key), ANYBODY)

    def rows(self, text, *parameters):
        (found,) = self.run((text, *parameters)).rows
        return found

    @property
    def table_id(self):
        return self.rival.catalogue.table("People").table_id


@pytest.fixture
def side():
    return Sealing()


# ---- a request with a key --------------------------------------------------------------------------------------------


def test_a_request_that_comes_twice_is_known_again_although_its_digest_is_hidden(side):
    first = side.run((INSERT, PERSON), (READ, SECRET), key="k")
    again = side.run((INSERT, PERSON), (READ, SECRET), key="k")
    assert again.repeated
    assert (again.address, again.rows) == (first.address, (first.rows[0], None))
    assert side.rows(NAME, "NL") == [SECRET]


@pytest.mark.parametrize(
    "others",
    [
        [(INSERT, PERSON | {"name": "Bob"})],
        [(INSERT, PERSON | {"country": "BE"})],
        [(INSERT.lower(), PERSON)],
        [(INSERT, PERSON), (INSERT, PERSON)],
        [("SELECT * FROM Accounts",)],
    ],
)
def test_a_key_that_is_taken_by_another_request_is_refused(side, others):
    side.run((INSERT, PERSON), key="k")
    with pytest.raises(OtherRequestError):
        side.run(*others, key="k")


def test_a_statement_without_sealed_fields_is_compared_as_ever(side):
    side.run(("INSERT INTO Accounts ?", {"accountId": "C"}), key="k")
    with pytest.raises(OtherRequestError):
        side.run(("INSERT INTO Accounts ?", {"accountId": "D"}), key="k")


@pytest.mark.parametrize("then", ["erased", "redacted"])
def test_once_the_parameters_cannot_be_compared_any_more_the_text_is(side, then):
    first = side.run((INSERT, PERSON), key="k")
    document_id = first.rows[0][0]["documentId"]
    if then == "erased":
        side.run((ERASE, side.table_id, document_id, *BY))
    else:
        side.run((REPLACE, "Margot", "NL"))
        address = {"strandId": first.address.strand_id, "sequenceNo": first.address.sequence_no}
        side.run(("EXEC REDACT_REVISION ?, ?, ?", address, side.table_id, document_id))
    assert side.run((INSERT, PERSON), key="k").address == first.address
    with pytest.raises(OtherRequestError):
        side.run((INSERT.lower(), PERSON), key="k")


# ---- a session that another instance goes on with --------------------------------------------------------------------


class Session:
    """A session in a log; every command goes to an instance that has not heard of it."""

    def __init__(self, side):
        self.side, self.log, self.number = side, MemorySessionLog(), 0
        self.token = self.send(StartSession={"LedgerName": "bank"}, SessionToken=None)["SessionToken"]

    def send(self, **request):
        self.number += 1
        request = {"SessionToken": self.token} | request if "StartSession" not in request else {
            "StartSession": request["StartSession"]
        }  # fmt: skip
        instance = self.side.instance(self.log, self.side.clock, 0)
        (answer,) = instance.send(request, ANYBODY, f"request-{self.number}", b"", lambda: None).values()
        return answer

    def begin(self):
        return self.send(StartTransaction={})["TransactionId"]

    def execute(self, transaction_id, text, *parameters):
        holders = [{"IonBinary": encode(each)} for each in parameters]
        command = {"TransactionId": transaction_id, "Statement": text, "Parameters": holders}
        page = self.send(ExecuteStatement=command)["FirstPage"]
        return [decode_datagram(each["IonBinary"]) for each in page["Values"]]

    def commit(self, transaction_id, *statements):
        digest = digest_of(transaction_id, [(text, parameters) for text, *parameters in statements])
        return self.send(CommitTransaction={"TransactionId": transaction_id, "CommitDigest": digest})


def test_another_instance_goes_on_with_what_is_sealed_and_the_driver_s_digest_is_the_driver_s(side):
    session = Session(side)
    transaction_id = session.begin()
    session.execute(transaction_id, INSERT, PERSON)
    assert session.execute(transaction_id, READ, SECRET) == [SECRET]
    session.execute(transaction_id, REPLACE, "Margot", "NL")
    session.commit(transaction_id, (INSERT, PERSON), (READ, SECRET), (REPLACE, "Margot", "NL"))
    assert side.rows(NAME, "NL") == ["Margot"]
    assert len(side.keys.by_document) == 1


def test_an_erasure_in_a_session_is_done_once_whoever_carries_it_out_again(side):
    (inserted,) = side.rows(INSERT, PERSON)
    session = Session(side)
    transaction_id = session.begin()
    erase = (ERASE, side.table_id, inserted["documentId"], *BY)
    (row,) = session.execute(transaction_id, *erase)
    assert side.rows(NAME, "NL") == [SECRET]  # nothing is destroyed before the commit
    session.commit(transaction_id, erase)
    assert side.rows(NAME, "NL") == [ERASED]
    (certificate,) = side.rows("SELECT VALUE c FROM counterfoil_erasures AS c")
    assert certificate["keyId"] == row["keyId"]


def test_a_session_whose_reading_was_erased_meanwhile_cannot_be_continued(side):
    (inserted,) = side.rows(INSERT, PERSON)
    session = Session(side)
    transaction_id = session.begin()
    assert session.execute(transaction_id, NAME, "NL") == [SECRET]
    side.run((ERASE, side.table_id, inserted["documentId"], *BY))
    with pytest.raises(ProtocolError) as refused:
        session.execute(transaction_id, NAME, "NL")
    assert refused.value.name == "InvalidSessionException"


# ---- tags ------------------------------------------------------------------------------------------------------------


def test_no_tag_of_the_control_plane_says_which_fields_are_sealed(side):
    tags = TagOperations(side.directory(), side.registry, None, Place())
    arn = Place().table_arn("bank", side.table_id)
    assert tags.list({"ResourceArn": arn})["Tags"] == {"counterfoil:sealed": "name born"}
    tags.tag({"ResourceArn": arn, "Tags": {"team": "hr"}})
    for change in (
        lambda: tags.tag({"ResourceArn": arn, "Tags": {"counterfoil:sealed": "name"}}),
        lambda: tags.untag({"ResourceArn": arn, "TagKeys": ["counterfoil:sealed"]}),
    ):
        with pytest.raises(ProtocolError, match="only CREATE TABLE"):
            change()
    assert tags.list({"ResourceArn": arn})["Tags"] == {"counterfoil:sealed": "name born", "team": "hr"}
