"""A ledger that a server keeps, used through ``qldb-session`` as the official drivers use it.

pyqldb cannot be in one environment with a current amazon.ion, so this is a driver of our own: one session, the commit digest
computed here and compared with the server's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from counterfoil.errors import ClosedError, CounterfoilError, IntegrityError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Value
from counterfoil.journal.builder import Statement, digest_of_statement, hash_of_value
from counterfoil.merkle import dot

# Sends one command of ``qldb-session`` and gives the answer to it; raises this library's errors.
SendCommand = Callable[[Mapping[str, Any]], dict[str, Any]]


class ServedResults(Iterator[Value]):
    """The rows of one statement, a page at a time. ``read_ios`` counts the documents that were read so far."""

    def __init__(self, transaction: ServedTransaction, answer: Mapping[str, Any]) -> None:
        self._transaction = transaction
        self.read_ios = 0
        self._take("FirstPage", answer)

    def __next__(self) -> Value:
        while True:
            for value in self._values:
                return decode_datagram(value["IonBinary"])
            if self._next is None:
                raise StopIteration
            self._take("Page", self._transaction.fetch(self._next))

    def _take(self, name: str, answer: Mapping[str, Any]) -> None:
        page = answer[name]
        self._values = iter(page.get("Values", ()))
        self._next: str | None = page.get("NextPageToken")
        self.read_ios += answer.get("ConsumedIOs", {}).get("ReadIOs", 0)


class ServedTransaction:
    """A transaction on a server. It ends with ``commit`` or ``abort``."""

    def __init__(self, ledger: ServedLedger, transaction_id: str) -> None:
        self.transaction_id = transaction_id
        self._ledger = ledger
        self._digest = hash_of_value(transaction_id)
        self._ended = False

    def execute(self, text: str, parameters: Sequence[Value] = ()) -> ServedResults:
        """Carry out one statement; a server journals what it could carry out, so only that counts for the digest."""
        answer = self._ledger.command(
            "ExecuteStatement",
            TransactionId=self.transaction_id,
            Statement=text,
            Parameters=[{"IonBinary": encode(each)} for each in parameters],
        )
        self._digest = dot(self._digest, digest_of_statement(Statement(text, tuple(parameters))))
        return ServedResults(self, answer)

    def fetch(self, token: str) -> dict[str, Any]:
        return self._ledger.command("FetchPage", TransactionId=self.transaction_id, NextPageToken=token)

    def commit(self) -> None:
        """Commit; ``OccConflictError`` if what was read has changed, ``ClosedError`` if its time is up."""
        self._ended = True
        digest = bytes(self._digest)
        answer = self._ledger.command("CommitTransaction", TransactionId=self.transaction_id, CommitDigest=digest)
        if answer["CommitDigest"] != digest:
            raise IntegrityError(
                f"transaction {self.transaction_id} was committed as another one",
                expected=digest.hex(),
                found=answer["CommitDigest"].hex(),
            )

    def abort(self) -> None:
        """Forget everything; of a transaction that is over nothing happens."""
        if not self._ended:
            self._ended = True
            with suppress(CounterfoilError):
                self._ledger.command("AbortTransaction")


class ServedLedger:
    """One session with a server, begun when it is first needed and again when the server has ended it. For one thread."""

    def __init__(self, name: str, send: SendCommand) -> None:
        self.name = name
        self._send = send
        self._token: str | None = None

    def begin(self) -> ServedTransaction:
        try:
            return self._begin()
        except ClosedError:
            self._token = None
            return self._begin()

    def command(self, command: str, **members: Any) -> dict[str, Any]:
        """Send one command on the session; what the server answers to it."""
        answer: dict[str, Any] = self._send({"SessionToken": self._session(), command: members})[command]
        return answer

    def close(self) -> None:
        if self._token is not None:
            with suppress(CounterfoilError):
                self.command("EndSession")
            self._token = None

    def _begin(self) -> ServedTransaction:
        return ServedTransaction(self, self.command("StartTransaction")["TransactionId"])

    def _session(self) -> str:
        if self._token is None:
            self._token = self._send({"StartSession": {"LedgerName": self.name}})["StartSession"]["SessionToken"]
        return self._token
