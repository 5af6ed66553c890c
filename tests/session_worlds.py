"""One client's commands, sent to a server that holds sessions and to instances that share a log of them.

The instances take turns by chance, lose what they remember, find their log unavailable before or after it took something, and
are asked a second time; whatever they answer must be what the server answers, but for the names that each draws by itself.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.errors import UnavailableError, UnknownOutcomeError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.value_text import render_text
from counterfoil.journal.builder import Statement, digest_of_statement, hash_of_value
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.merkle import dot
from counterfoil.ports import SessionLog
from counterfoil.protocol.directory import Directory
from counterfoil.protocol.faults import ProtocolError
from counterfoil.protocol.noted import Surroundings
from counterfoil.protocol.sessions import Sessions
from counterfoil.protocol.stored_sessions import StoredSessions
from counterfoil.services.ledger import Ledger
from tests.ledgers import Ids
from tests.scripted_ledgers import Restricted

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STRAND = "0123456789abcdefABCDEF"
TELLER = Restricted("TELLER", frozenset({"qldb:SendCommand"}), frozenset({"Accounts", "Many", "Notes"}))

STATEMENTS = [
    "SELECT * FROM Accounts AS a WHERE a.accountId = ?",
    "SELECT VALUE a.balance FROM Accounts AS a",
    "UPDATE Accounts AS a SET a.balance = a.balance + 1 WHERE a.accountId = ?",
    "INSERT INTO Accounts ?",
    "DELETE FROM Accounts AS a WHERE a.accountId = ?",
    "INSERT INTO Accounts << {'accountId': 'X'}, {'accountId': 'Y'} >>",
    "INSERT INTO Accounts << {'accountId': 'Z'}, {'accountId': CAST('no' AS INT)} >>",
    "SELECT m.number FROM Many AS m",
    "SELECT VALUE CAST(m.text AS INT) FROM Many AS m",
    "SELECT m.number, a.accountId FROM Many AS m, Accounts AS a",
    "SELECT id, a.balance FROM Accounts AS a BY id",
    "INSERT INTO Accounts {'accountId': 'T', 'at': utcnow()}",
    "SELECT a.at FROM Accounts AS a WHERE a.accountId = 'T'",
    "CREATE TABLE Notes",
    "CREATE INDEX ON Notes (title)",
    "INSERT INTO Notes {'title': 'n'}",
    "SELECT * FROM Nowhere",
    "SELECT * FROM Secrets",
    "SELECT * FRM Accounts",
    "SELECT VALUE t.name FROM information_schema.user_tables AS t",
    "SELECT * FROM history(Accounts) AS h",
]
NAMES = re.compile(r"[A-Za-z0-9]{22}|token-\d+-\d+")


class RememberingLedger(MemoryLedger):
    """Forgets nothing that an old snapshot may be judged by: the instances release theirs earlier than the server.

    ``fault`` befalls the next commit: it is refused, it may happen later, or its answer is lost. ``meanwhile`` holds what is done
    right before the next commits, the last first.
    """

    fault = None
    meanwhile = ()

    def release(self, sequence_no):
        pass

    def commit(self, proposal):
        if self.meanwhile:
            self.meanwhile.pop()()
        fault, self.fault = self.fault, None
        if fault == "refused":
            raise UnavailableError("the ledger does not answer")
        if fault == "unknown":
            raise UnknownOutcomeError("it may be committed yet")
        address = super().commit(proposal)
        if fault == "lost":
            raise UnavailableError("the ledger's answer was lost")
        return address


class FlakyLog(SessionLog):
    """Sometimes does not answer: before it has taken an event, or behind it."""

    def __init__(self, log, chance):
        self.log = log
        self.chance = chance
        self.calm = False

    def append(self, session, event, expires_at, /):
        fate = 0.5 if self.calm else self.chance.random()
        if fate < 0.03:
            raise UnavailableError("the log does not answer")
        self.log.append(session, event, expires_at)
        if fate > 0.97:
            raise UnavailableError("the log's answer was lost")

    def events(self, session, /):
        return self.log.events(session)


@dataclass
class OneLedger:
    engine: Ledger

    def open(self, _):
        return self.engine


class Side:
    """One of the two ways to keep sessions, over a ledger of its own."""

    def __init__(self, name, clock, seed):
        self.name = name
        self.clock = clock
        self.ids = Ids(seed)
        self.store = self.open_store()
        self.registry = MemoryLedgerRegistry()
        self.registry.save(None, RegisteredLedger("bank", STRAND, BEGAN, LedgerState.ACTIVE, PermissionsMode.STANDARD))
        self.tokens = 0
        self.pauses = []
        self.transaction_id = None
        self.token = None
        self.pages = []
        self.rival = Ledger("bank", self.store, clock, self.ids, QLDB_LIMITS)
        for text in ("CREATE TABLE Accounts", "CREATE TABLE Many", "CREATE TABLE Secrets"):
            self.write(text)
        self.write("CREATE INDEX ON Accounts (accountId)")
        self.write(
            "INSERT INTO Accounts << {'accountId': 'A', 'balance': 1.00}, {'accountId': 'B', 'balance': 2.00} >>"
        )
        many = [{"number": number, "text": "x" if number == 410 else str(number)} for number in range(450)]
        for first in range(0, 450, 40):
            self.write("INSERT INTO Many ?", many[first : first + 40])

    def open_store(self):
        """What the ledger is kept in, for whoever writes behind the client's back."""
        return RememberingLedger(STRAND, self.clock)

    def shared_store(self):
        """The same, for an instance."""
        return self.store

    def ledger(self):
        return Ledger("bank", self.shared_store(), self.clock, self.ids, QLDB_LIMITS)

    def directory(self):
        return Directory(self.registry, OneLedger(self.ledger()))

    def instance(self, log, clock, kept):
        """An instance that continues sessions from a log."""
        surroundings = Surroundings(clock, self.ids, self.new_token, self.pauses.append)
        return StoredSessions(log, self.directory(), QLDB_LIMITS, surroundings, kept)

    def new_token(self):
        self.tokens += 1
        return f"token-{self.name}-{self.tokens}"

    def write(self, text, *parameters):
        """What somebody else commits."""
        transaction = self.rival.begin()
        list(transaction.execute(text, parameters))
        transaction.commit()


class Held(Side):
    def seconds(self):
        return (self.clock() - BEGAN).total_seconds()

    def __init__(self, clock, seed):
        super().__init__(1, clock, seed)
        self.sessions = Sessions(self.directory(), QLDB_LIMITS, self.seconds, self.new_token)

    def send(self, request, number):
        return outcome_of(lambda: self.sessions.send(request, TELLER, f"request-{number}"))


class Stored(Side):
    def __init__(self, clock, seed, chance):
        self.chance = chance
        super().__init__(2, clock, seed)
        self.log = FlakyLog(self.open_log(), chance)
        self.instances = [self.any_instance() for _ in range(3)]

    def open_log(self):
        return MemorySessionLog()

    def any_instance(self):
        return self.instance(self.log, self.clock, self.chance.choice([0, 1, 64]))

    def send(self, request, number):
        """Ask until there is an answer, and sometimes once more."""
        if self.chance.random() < 0.1:
            self.instances[self.chance.randrange(3)] = self.any_instance()
        command_id = str(number).encode()
        outcome = self._once(request, number, command_id)
        while outcome == UNAVAILABLE:
            outcome = self._once(request, number, command_id)
        if self.chance.random() < 0.15 and "StartSession" not in request:
            again = self._once(request, number, command_id)
            while again == UNAVAILABLE:
                again = self._once(request, number, command_id)
            assert again == outcome or isinstance(outcome, tuple), (request, outcome, again)
        return outcome

    def _once(self, request, number, command_id):
        self.log.calm = "StartSession" in request
        sessions = self.chance.choice(self.instances)
        outcome = outcome_of(lambda: sessions.send(request, TELLER, f"request-{number}", command_id))
        return UNAVAILABLE if isinstance(outcome, tuple) and outcome[0] == "ServiceUnavailableException" else outcome


UNAVAILABLE = "unavailable"


def outcome_of(call):
    try:
        (answer,) = call().values()
    except ProtocolError as error:
        return error.name, str(error), error.status, dict(error.members)
    return {name: value for name, value in answer.items() if name != "TimingInformation"}


def digest_of(transaction_id, statements):
    """The digest of a commit; each statement is a tuple that begins with its text and parameters."""
    digest = hash_of_value(transaction_id)
    for text, parameters, *_ in statements:
        digest = dot(digest, digest_of_statement(Statement(text, tuple(parameters))))
    return bytes(digest)


class Names:
    """The names that one side drew, in place of those that the other did; each stands for one other, for ever.

    Where rows come in another order, those of a page are compared without it, and those of several pages by their number.
    """

    def __init__(self, *, ordered=True):
        self.ordered = ordered
        self.there = {}
        self.back = {}

    def same(self, left, right):
        if isinstance(left, dict):
            return (
                isinstance(right, dict)
                and list(left) == list(right)
                and all(self._same_field(name, left[name], right[name]) for name in left)
            )
        if isinstance(left, list | tuple):
            return len(left) == len(right) and all(map(self.same, left, right))
        if isinstance(left, bytes):
            return isinstance(right, bytes) and self._one(left, right)
        if isinstance(left, str):
            return self._same_text(left, right)
        return type(left) is type(right) and left == right

    def _same_field(self, name, left, right):
        if name == "ReadIOs" and not self.ordered:
            return True  # how many documents a page's rows were read from depends on which come first
        if name in {"FirstPage", "Page"} and not self.ordered:
            if name == "Page" or "NextPageToken" in left:
                return left.keys() == right.keys() and len(left["Values"]) == len(right["Values"])
            return sorted(map(plain, left["Values"])) == sorted(map(plain, right["Values"]))
        if name == "IonBinary":
            return self.same(decode_datagram(left), decode_datagram(right))
        return self.same(left, right)

    def _same_text(self, left, right):
        if NAMES.sub("_", left) != NAMES.sub("_", right):
            return False
        return all(map(self._one, NAMES.findall(left), NAMES.findall(right)))

    def _one(self, left, right):
        return self.there.setdefault(left, right) == right and self.back.setdefault(right, left) == left


def plain(row):
    """A row without the names in it."""
    return NAMES.sub("_", render_text(decode_datagram(row["IonBinary"])))


@dataclass
class Client:
    """One client who speaks to both sides at once. ``stored_on`` makes the side whose sessions are in a log."""

    seed: int
    stored_on: type = None
    statements_from: list = field(default_factory=lambda: STATEMENTS)
    now: datetime = BEGAN
    number: int = 0
    statements: list = field(default_factory=list)
    failed: bool = False
    last: tuple = ()
    said: list = field(default_factory=list)

    def __post_init__(self):
        self.chance = Random(self.seed)
        self.held = Held(lambda: self.now, self.seed)
        self.stored = (self.stored_on or Stored)(lambda: self.now, self.seed, Random(self.seed + 1_000_000))
        self.sides = (self.held, self.stored)
        self.names = Names(ordered=self.stored_on is None)
        self.start()

    def send(self, make):
        """Send what ``make`` gives for each side; both answers, which must be the same."""
        self.number += 1
        requests = [make(side) for side in self.sides]
        outcomes = [side.send(request, self.number) for side, request in zip(self.sides, requests, strict=True)]
        self.said.append((requests[0], outcomes[0]))
        assert self.names.same(*outcomes), (self.seed, self.said[-8:], outcomes[1])
        return outcomes

    def command(self, name, make=lambda _: {}):
        return self.send(lambda side: {"SessionToken": side.token, name: make(side)})

    def start(self):
        outcomes = self.send(lambda _: {"StartSession": {"LedgerName": "bank"}})
        for side, outcome in zip(self.sides, outcomes, strict=True):
            side.token, side.transaction_id, side.pages = outcome["SessionToken"], "A" * 22, []

    def begin(self):
        outcomes = self.command("StartTransaction")
        if isinstance(outcomes[0], dict):
            self.statements, self.failed = [], False
            for side, outcome in zip(self.sides, outcomes, strict=True):
                side.transaction_id, side.pages = outcome["TransactionId"], []

    def execute(self):
        text = self.chance.choice(self.statements_from)
        if text.startswith("INSERT INTO Accounts ?"):
            parameters = [{"accountId": self.chance.choice("ABC"), "balance": self.number}]
        else:
            parameters = [self.chance.choice("ABCX")] * text.count("?")
        if self.chance.random() < 0.05:
            parameters.append(1)
        holders = [{"IonBinary": encode(each)} for each in parameters]
        command = {"Statement": text, "Parameters": holders}
        outcomes = self.command("ExecuteStatement", lambda side: {"TransactionId": side.transaction_id, **command})
        self.statements.append((text, tuple(parameters), isinstance(outcomes[0], dict)))
        self.note_pages(outcomes, "FirstPage")

    def note_pages(self, outcomes, name):
        for side, outcome in zip(self.sides, outcomes, strict=True):
            if isinstance(outcome, dict) and "NextPageToken" in outcome[name]:
                side.pages.append(outcome[name]["NextPageToken"])

    def fetch(self):
        at = self.chance.randrange(1 + len(self.held.pages))
        outcomes = self.command(
            "FetchPage",
            lambda side: {"TransactionId": side.transaction_id, "NextPageToken": (*side.pages, "AAAA")[at]},
        )
        self.note_pages(outcomes, "Page")

    def commit(self):
        counted = self.statements
        if self.chance.random() < 0.3:
            counted = [each for each in counted if each[2]]
        if self.chance.random() < 0.1:
            counted = counted[:-1]
        self.last = counted
        self.commit_again()

    def commit_again(self):
        counted = self.last
        self.command(
            "CommitTransaction",
            lambda side: {
                "TransactionId": side.transaction_id,
                "CommitDigest": digest_of(side.transaction_id, counted),
            },
        )

    def abort(self):
        self.command("AbortTransaction")

    def end(self):
        self.command("EndSession")
        self.start()

    def wait(self):
        self.now += timedelta(milliseconds=self.chance.choice([1, 1, 10, 1_000, 29_000, 31_000, 16 * 60_000]))

    def rival(self):
        name = self.chance.choice("AB")
        for side in self.sides:
            side.write("UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?", self.number, name)

    def play(self, steps):
        moves = [
            *[self.begin] * 6, *[self.execute] * 12, *[self.fetch] * 4, *[self.commit] * 4, self.commit_again,
            self.abort, self.rival, *[self.wait] * 2,
        ]  # fmt: skip
        for _ in range(steps):
            self.chance.choice(moves)()
            self.now += timedelta(milliseconds=1)
            if isinstance(self.said[-1][1], tuple) and "session" in self.said[-1][1][1].lower():
                self.start()
            elif self.chance.random() < 0.02:
                self.end()
        held, stored = (documents(side) for side in self.sides)
        assert held == stored, self.seed
        return self


def documents(side):
    """Everything that each table of the ledger holds, in some order."""
    snapshot = side.store.snapshot()
    return {
        entry.name: sorted(render_text(each.value) for each in snapshot.documents(entry.table_id))
        for entry in snapshot.catalogue.entries.values()
    }
