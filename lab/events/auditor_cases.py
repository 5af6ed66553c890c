"""What the auditor is given: blocks in every order and state, honest and forged, and bytes that are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Status
from counterfoil.journal.builder import BuiltBlock, Change, JournalBuilder, Statement, Transaction
from counterfoil.journal.set_aside import MAX_SET_ASIDE_BYTES, SetAsidePlace, set_aside_place
from lab import attacker
from lab.attacker import Attack
from lab.bank.acts import SCHEMA, Transfer
from lab.bank.ledger import BankLedger
from lab.events.case import NOTHING_FAILED, Case, Step
from lab.events.lambda_shapes import kinesis_event, kinesis_event_of_shards, raw_kinesis_record
from lab.expectation import Expected
from lab.producer import (
    RECORD_LIMIT_BYTES,
    STREAM_ARN,
    OuterRecord,
    StreamedBlock,
    UserRecord,
    control,
    outer_records,
    streamed,
)

FUNCTION: Final = "journal_auditor"
BEGAN_AT: Final = datetime(2025, 3, 3, 10, 0, tzinfo=UTC)
SWEEP: Final = {"sweep": True}
# The template's defaults for GapGraceSeconds and GapConfirmSeconds, and a little more.
PAST_GRACE, PAST_CONFIRM = 61, 901
# The transfer that attacks are made on: not the first block, not the last.
PLACE: Final = 8


@dataclass(frozen=True, slots=True)
class Journal:
    """Four accounts and six transfers between them, as the stream carries them."""

    builder: JournalBuilder
    blocks: tuple[StreamedBlock, ...]

    @property
    def strand_id(self) -> str:
        return self.builder.strand_id

    def event(self, blocks: Sequence[StreamedBlock], *, aggregation: bool = True) -> dict[str, Any]:
        return kinesis_event(self.outer(blocks, aggregation=aggregation))

    def outer(self, blocks: Sequence[StreamedBlock], *, aggregation: bool = True) -> list[OuterRecord]:
        """A frame for each block, or a Kinesis record for each user record."""
        return [
            outer
            for block in blocks
            for outer in outer_records(block.records, self.strand_id, aggregation=aggregation, max_bytes=200_000)
        ]

    def at(self, number: int) -> str:
        return str(self.blocks[number].address)


def journal() -> Journal:
    ledger = BankLedger(11, BEGAN_AT)
    for number in range(4):
        at = BEGAN_AT + timedelta(seconds=number)
        ledger.open_account(at, f"ACC-{number}", Decimal("1000.00"), "CHECKING", f"CUST-{number}")
    for number in range(6):
        order = Transfer(f"ACC-{number % 4}", f"ACC-{(number + 1) % 4}", Decimal(20 + number), description="Rent")
        ledger.transfer(BEGAN_AT + timedelta(minutes=1, seconds=number), order)
    return Journal(ledger.builder, tuple(streamed(block) for block in ledger.blocks))


def auditor_cases() -> Iterator[Case]:
    made = journal()
    yield from _deliveries(made)
    yield from _gaps(made)
    yield from _outstanding(made)
    yield from _forgeries(made)
    yield from _unreadable(made)
    yield from _notable()
    yield _large()
    yield from _set_aside(made)


def _deliveries(made: Journal) -> Iterator[Case]:
    first = made.blocks[:1]
    yield _case(
        "single",
        "one block and its revision, each in a Kinesis record of its own",
        made.event(first, aggregation=False),
    )
    yield _case("aggregated", "one block with its revision in one aggregated record", made.event(first))
    frame = list(
        outer_records((each for block in made.blocks for each in block.records), made.strand_id, max_bytes=200_000)
    )
    yield _case(
        "multi_block_aggregate", "ten blocks with their revisions in one aggregated record", kinesis_event(frame)
    )
    twice = [outer for outer in made.outer(made.blocks) for _ in range(2)]
    yield _case("duplicate", "every record twice in one batch", kinesis_event(twice))
    yield _case(
        "duplicate_batch",
        "a batch that was handled before",
        made.event(made.blocks),
        after=[Step("journal_auditor__duplicate.json")],
    )
    backwards = list(reversed(made.outer(made.blocks, aggregation=False)))
    yield _case("reversed", "the last record first, revisions before their blocks", kinesis_event(backwards))
    resharded = [(shard, outer) for shard in (1, 2) for outer in made.outer(made.blocks)]
    yield _case("reshard_replay", "the same records again from a child shard", kinesis_event_of_shards(resharded))
    yield _case("empty_batch", "no records at all", {"Records": []})
    yield _case("sweep_of_nothing", "the scheduled sweep before anything was seen", SWEEP, answer=_swept(0, 0))


def _gaps(made: Journal) -> Iterator[Case]:
    missing, behind = made.blocks[4:6], made.at(6)
    because = "blocks 4 and 5 are missing"
    around = (*made.blocks[:4], *made.blocks[6:])
    yield _case("gap", "two blocks are missing, within the grace period", made.event(around))
    gap = Step("journal_auditor__gap.json", PAST_GRACE)
    yield _case(
        "gap_opened",
        "the sweep after the grace period",
        SWEEP,
        answer=_swept(1, 1),
        findings=[Expected(AuditRule.GAP, behind, because)],
        after=[gap],
    )
    opened = Step("journal_auditor__gap_opened.json", 10)
    yield _case(
        "gap_healed",
        "the missing blocks arrive after all",
        made.event(missing),
        findings=[Expected(AuditRule.GAP, behind, because, status=Status.HEALED)],
        after=[gap, opened],
    )
    yield _case(
        "gap_confirmed",
        "the sweep after the time in which a gap may heal",
        SWEEP,
        answer=_swept(1, 1),
        findings=[Expected(AuditRule.GAP, behind, because, status=Status.CONFIRMED)],
        after=[gap, Step("journal_auditor__gap_opened.json", PAST_CONFIRM)],
    )


def _outstanding(made: Journal) -> Iterator[Case]:
    block = made.blocks[PLACE]
    lacking = replace(block, details=block.details[:2])
    blocks = (*made.blocks[:PLACE], lacking, *made.blocks[PLACE + 1 :])
    yield _case("missing_revision", "a revision that its block lists has not come yet", made.event(blocks))
    yield _case(
        "missing_revision_opened",
        "it has still not come after the grace period",
        SWEEP,
        answer=_swept(0, 1),
        findings=[Expected(AuditRule.MISSING_REVISION, str(block.address), "a revision withheld")],
        after=[Step("journal_auditor__missing_revision.json", PAST_GRACE)],
    )
    alone = kinesis_event(outer_records(block.details[2:], made.strand_id))
    yield _case("revision_without_block", "a revision whose block has not come yet", alone)
    yield _case(
        "revision_without_block_opened",
        "its block has still not come after the grace period",
        SWEEP,
        answer=_swept(0, 1),
        findings=[Expected(AuditRule.ORPHAN_REVISION, str(block.address), "a block withheld", status=Status.OPEN)],
        after=[Step("journal_auditor__revision_without_block.json", PAST_GRACE)],
    )


def _forgeries(made: Journal) -> Iterator[Case]:
    blocks, surplus = made.blocks, Decimal("25.00")
    altered = attacker.alter_amount(blocks, PLACE, Decimal("9.99"))
    yield _attack_case(made, "wrong_revision", altered, [_new_details(altered, blocks)[0].data])
    spoilt = attacker.spoil_revision_hash(blocks, PLACE)
    yield _attack_case(made, "wrong_revision_hash", spoilt, [_new_details(spoilt, blocks)[0].data])
    for field, name in (
        ("blockHash", "wrong_block_hash"),
        ("entriesHash", "wrong_entries_hash"),
        ("previousBlockHash", "wrong_previous_block_hash"),
        ("entriesHashList", "wrong_entries_hash_list"),
        ("transactionInfo", "wrong_transaction_info"),
        ("revisionSummaries", "wrong_revision_summaries"),
    ):
        spoilt = attacker.spoil_hash(blocks, PLACE, field)
        yield _attack_case(made, name, spoilt, [spoilt.blocks[PLACE].summary.data])
    broken = attacker.rehash_block(blocks, PLACE, surplus)
    yield _attack_case(made, "broken_link", broken, [each.summary.data for each in broken.blocks[PLACE : PLACE + 2]])
    forked = attacker.fork(blocks, PLACE, surplus)
    yield _attack_case(made, "fork", forked, [forked.blocks[PLACE + 1].summary.data])
    yield _attack_case(made, "orphan_revision", attacker.add_orphan(blocks, PLACE, Decimal("77.00")))
    yield _attack_case(made, "redirected_table", attacker.redirect_table(blocks, PLACE, "Archive"))


def _unreadable(made: Journal) -> Iterator[Case]:
    good = made.outer(made.blocks[:2])
    for name, (bad, expected) in (
        ("bad_md5", attacker.spoil_checksum(good[0])),
        ("truncated", attacker.truncate(good[0], 200)),
    ):
        yield _case(
            name, f"{expected.because}; its neighbour is read", kinesis_event([bad, good[1]]), [expected], [bad.data]
        )
    for name, data, because in (
        ("not_kpl", b'{"hello": "world"}', "a record that is neither aggregated nor Ion"),
        ("ion_of_another_shape", b"\xe0\x01\x00\xea\x21\x07", "the Ion number 7"),
        ("empty_record", b"", "a record without a byte"),
    ):
        event = kinesis_event([OuterRecord("key", data), *good])
        yield _case(name, f"{because}, among good ones", event, [attacker.unreadable(data, because)], [data])
    inside = UserRecord("key", b"\xe0\x01\x00\xea\xb5")
    mixed = outer_records([*made.blocks[0].records, inside, *made.blocks[1].records], made.strand_id)
    yield _case(
        "unreadable_inside_aggregate",
        "a user record of Ion that is cut short, between good ones in one aggregate",
        kinesis_event(mixed),
        [attacker.unreadable(inside.data, "Ion cut short")],
        [inside.data],
    )
    text = "this is not base64!"
    yield _case(
        "not_base64",
        "data that is not base64, as no service would send it",
        raw_kinesis_record(text),
        [attacker.unreadable(text.encode(), "not base64")],
        [text.encode()],
    )


def _notable() -> Iterator[Case]:
    for control_type in ("CREATED", "COMPLETED"):
        event = kinesis_event(outer_records([control(control_type)], "control"))
        expected = Expected(AuditRule.STREAM_CONTROL, STREAM_ARN, f"the stream was {control_type}")
        yield _case(f"control_{control_type.lower()}", f"the stream says that it was {control_type}", event, [expected])
    yield _ledger_case(
        "privileged_statement",
        "a table and its index are made",
        lambda ledger: [ledger.execute(BEGAN_AT, SCHEMA[0]), ledger.execute(_later(1), SCHEMA[3])],
        [(0, AuditRule.PRIVILEGED_STATEMENT), (1, AuditRule.PRIVILEGED_STATEMENT)],
    )
    yield _ledger_case(
        "table_dropped",
        "a table is dropped, the statement hidden behind a comment",
        lambda ledger: [ledger.execute(BEGAN_AT, "/* SELECT */ drop  table AuditLog")],
        [(0, AuditRule.TABLE_DROPPED)],
    )
    yield _ledger_case(
        "read_only",
        "a query, which makes a block without revisions",
        lambda ledger: [ledger.read_balance(BEGAN_AT, "ACC-0")],
    )
    yield _ledger_case(
        "document_deleted",
        "an account is opened, then closed",
        lambda ledger: [_opened(ledger), ledger.close_account(_later(1), "ACC-0")],
        [(1, AuditRule.DOCUMENT_DELETED)],
    )
    yield _ledger_case(
        "redaction",
        "an account is opened, then its first version redacted by a stored procedure",
        lambda ledger: [_opened(ledger), ledger.redact_first_version(_later(1), "ACC-0")],
        [(1, AuditRule.REDACTION), (1, AuditRule.PRIVILEGED_STATEMENT)],
    )
    yield _ledger_case(
        "clock_regression",
        "a block that was committed before the one it follows",
        lambda ledger: [_opened(ledger), ledger.read_balance(_later(-5), "ACC-0")],
        [(1, AuditRule.CLOCK_REGRESSION)],
    )


def _large() -> Case:
    """A transaction of nine long documents in one Kinesis record of nearly the size that a record may have."""
    terms = "The borrower repays the loan in monthly instalments as set out in the annex. "
    documents = [{"contractId": f"CON-{number}", "terms": terms * 1_480} for number in range(9)]
    ids = BankLedger(12, BEGAN_AT)
    strand_id, table_id = ids.new_id(), ids.new_id()
    changes = tuple(
        Change(ids.new_id(), 0, "Contracts", table_id, data, (number,)) for number, data in enumerate(documents)
    )
    statements = tuple(Statement("INSERT INTO Contracts ?", (data,)) for data in documents)
    transaction = Transaction(ids.new_id(), BEGAN_AT - timedelta(milliseconds=9), BEGAN_AT, statements, changes)
    block = streamed(JournalBuilder(strand_id).append(transaction))
    (outer,) = outer_records(block.records, strand_id, max_bytes=RECORD_LIMIT_BYTES - len(strand_id))
    return _case(
        "1mib_block", "one block of nine long documents, a Kinesis record of nearly 1 MiB", kinesis_event([outer])
    )


def _set_aside(made: Journal) -> Iterator[Case]:
    """Pointers to records too large for the stream, which lie in a bucket that has nothing here."""
    first, second = made.blocks[0], pointed_to(made.blocks[1])
    event = kinesis_event(
        outer for block in (first, second) for outer in made.outer([block], aggregation=block is first)
    )
    yield _case(
        "set_aside_missing",
        "a block and its revision that were set aside, and are not there yet: the batch comes again from them",
        event,
        answer={"batchItemFailures": [{"itemIdentifier": event["Records"][1]["kinesis"]["sequenceNumber"]}]},
    )
    pointer = pointed_to(first, MAX_SET_ASIDE_BYTES + 1).summary
    yield _case(
        "set_aside_too_large",
        "a pointer to a record larger than any that is set aside, which nobody fetches",
        kinesis_event([OuterRecord(made.strand_id, pointer.data)]),
        [attacker.unreadable(pointer.data, "a pointer to too much")],
        [pointer.data],
    )


def pointed_to(block: StreamedBlock, size_bytes: int | None = None) -> StreamedBlock:
    """A block all of whose records were set aside; the pointers may say another size."""

    def keep(data: bytes) -> SetAsidePlace:
        place = set_aside_place("journal-bucket", data, BEGAN_AT.date())
        return place if size_bytes is None else place._replace(size_bytes=size_bytes)

    return block.fitted(STREAM_ARN, 0, keep)


def _case(
    name: str,
    about: str,
    event: dict[str, Any],
    findings: Sequence[Expected] = (),
    quarantined: Sequence[bytes] = (),
    *,
    answer: dict[str, Any] | None = None,
    after: Sequence[Step] = (),
) -> Case:
    return Case(
        FUNCTION,
        name,
        about,
        event,
        dict(NOTHING_FAILED) if answer is None else answer,
        findings=findings,
        quarantined=quarantined,
        after=after,
    )


def _attack_case(made: Journal, name: str, attack: Attack, quarantined: Sequence[bytes] = ()) -> Case:
    return _case(name, attack.title, made.event(attack.blocks), attack.expected, quarantined)


def _ledger_case(name: str, about: str, do: Any, seen: Sequence[tuple[int, AuditRule]] = ()) -> Case:
    ledger = BankLedger(13, BEGAN_AT)
    blocks: list[BuiltBlock] = do(ledger)
    findings = [Expected(rule, str(blocks[index].address), about) for index, rule in seen]
    outer = [each for block in blocks for each in outer_records(streamed(block).records, ledger.strand_id)]
    return _case(name, about, kinesis_event(outer), findings)


def _opened(ledger: BankLedger) -> BuiltBlock:
    return ledger.open_account(BEGAN_AT, "ACC-0", Decimal("1000.00"), "CHECKING", "CUST-0")


def _later(seconds: int) -> datetime:
    return BEGAN_AT + timedelta(seconds=seconds)


def _swept(open_gaps: int, findings_written: int) -> dict[str, int]:
    return {"openGaps": open_gaps, "findingsWritten": findings_written}


def _new_details(attack: Attack, honest: Sequence[StreamedBlock]) -> list[UserRecord]:
    known = {record for block in honest for record in block.records}
    return [record for block in attack.blocks for record in block.details if record not in known]
