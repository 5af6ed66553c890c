"""What the demonstration came to: as one JSON document, and as a table for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from counterfoil.journal import Receipt
from lab.demo.bank import Activity
from lab.demo.cost import Cost
from lab.demo.genuine import GenuineBlock
from lab.demo.pipeline import KeptSnapshot
from lab.demo.timeline import Delays, Timing
from lab.expectation import Comparison


@dataclass(frozen=True, slots=True)
class DemoReport:
    """``blocks_delivered`` leaves out what the attacker withheld.

    The auditor's digest, computed from the stream, stands beside the ledger's own, which ``receipt`` was verified with.
    """

    pipeline: str
    ledger: str
    activity: Activity
    seed: int
    genuine: GenuineBlock
    blocks_delivered: int
    blocks_verified: int
    near_misses: Sequence[str]
    attacks: Sequence[str]
    comparison: Comparison
    alerts_due: int
    alerts_missing: Sequence[str]
    auditors_digest: str
    receipt: Receipt
    digest_tip: str
    snapshots: Sequence[KeptSnapshot]
    timing: Timing | None
    cost: Cost | None
    seconds: float

    @property
    def ledgers_digest(self) -> str:
        return self.receipt.digest.hash.to_base64()

    @property
    def snapshots_chain(self) -> bool:
        """The first snapshot begins, every later one was shown to extend the one before."""
        extends = [each.snapshot.extends for each in self.snapshots]
        return len(extends) > 1 and extends[0] is None and all(extends[1:])

    @property
    def holds(self) -> bool:
        return (
            self.comparison.holds
            and not self.alerts_missing
            and self.blocks_verified == self.blocks_delivered
            and self.auditors_digest == self.ledgers_digest
            and self.snapshots_chain
        )

    def as_json(self) -> dict[str, Any]:
        comparison = self.comparison
        return {
            "holds": self.holds,
            "pipeline": self.pipeline,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "genuineBlock": {
                "address": str(self.genuine.address),
                "digest": self.genuine.digest.hash.to_base64(),
                "tipAddress": str(self.genuine.digest.tip_address),
                "documentId": self.genuine.document_id,
                "source": self.genuine.source,
            },
            "ledger": {
                "kept": self.ledger,
                "transactions": self.activity.transactions,
                "transfers": self.activity.transfers,
                "sessions": self.activity.sessions,
                "conflictsRetried": self.activity.conflicts,
            },
            "blocks": {
                "written": self.activity.transactions,
                "delivered": self.blocks_delivered,
                "verified": self.blocks_verified,
            },
            "attacks": list(self.attacks),
            "findings": {
                "injected": dict(comparison.expected),
                "found": dict(comparison.found),
                "missing": [
                    {"ruleId": each.rule_id, "place": each.place, "because": each.because}
                    for each in comparison.missing
                ],
                "extra": [each._asdict() for each in comparison.extra],
                "wrongStatus": [
                    {**key._asdict(), "expected": expected, "found": found}
                    for key, expected, found in comparison.wrong_status
                ],
            },
            "nearMisses": list(self.near_misses),
            "alerts": {"due": self.alerts_due, "missing": list(self.alerts_missing)},
            "digest": {"auditor": self.auditors_digest, "ledger": self.ledgers_digest, "tipAddress": self.digest_tip},
            "receipt": {
                "address": str(self.receipt.address),
                "documentId": self.receipt.document_id,
                "hashes": self.receipt.path_length,
                "digest": self.ledgers_digest,
            },
            "snapshots": [_snapshot_json(each) for each in self.snapshots],
            "timing": None if self.timing is None else _timing_json(self.timing),
            "cost": None if self.cost is None else self.cost.as_json(),
        }


def _timing_json(timing: Timing) -> dict[str, Any]:
    return {
        "commitAcknowledgedToFinding": timing.to_finding.as_json(),
        "commitAcknowledgedToAlert": timing.to_alert.as_json(),
    }


def _snapshot_json(kept: KeptSnapshot) -> dict[str, Any]:
    snapshot = kept.snapshot
    digest = snapshot.digest
    return {
        "location": kept.location,
        "tipAddress": str(snapshot.tip_address),
        "digest": None if digest is None else digest.to_base64(),
        "status": snapshot.status,
        "extends": snapshot.extends,
        "signatureHolds": True,
    }


def show(report: DemoReport, console: Console, further: Mapping[str, str]) -> None:
    """The tables at the end."""
    console.print()
    console.print(_findings_table(report.comparison))
    facts = Table.grid("", Column(overflow="fold"), padding=(0, 2, 0, 0))
    for name, value in _facts(report):
        facts.add_row(f"[bold]{name}[/]", value)
    console.print(facts)
    for problem in _problems(report):
        console.print(f"[bold red]not as expected:[/] {problem}", highlight=False, soft_wrap=True)
    console.print("\n[bold]To look further[/]")
    for what, command in further.items():
        console.print(f"  {what}: [cyan]{command}[/]", highlight=False, soft_wrap=True)
    verdict = "[bold green]all found, none extra[/]" if report.holds else "[bold red]something is not as expected[/]"
    console.print(f"\n{verdict}, in {report.seconds:.0f} seconds", highlight=False, soft_wrap=True)


def _findings_table(comparison: Comparison) -> Table:
    table = Table("rule", "injected", "found", title="Findings", title_justify="left")
    for rule_id in sorted({*comparison.expected, *comparison.found}):
        injected, found = comparison.expected.get(rule_id, 0), comparison.found.get(rule_id, 0)
        table.add_row(rule_id, str(injected), str(found), style=None if injected == found else "red")
    table.add_section()
    table.add_row("together", str(sum(comparison.expected.values())), str(sum(comparison.found.values())))
    return table


def _facts(report: DemoReport) -> Iterator[tuple[str, str]]:
    done = report.activity
    yield "ledger", report.ledger
    conflicts = f"{done.conflicts} conflicts met and retried"
    yield (
        "transactions",
        f"{done.transactions}, {done.transfers} of them transfers; {done.sessions} sessions, {conflicts}",
    )
    yield "pipeline", report.pipeline
    yield (
        "blocks",
        f"{report.blocks_verified} verified of {report.blocks_delivered} delivered ({done.transactions} written)",
    )
    yield "near misses", f"{len(report.near_misses)}, none taken for fraud" if report.comparison.holds else "see above"
    yield "alerts", f"{report.alerts_due - len(report.alerts_missing)} of {report.alerts_due} due"
    same = "the same" if report.auditors_digest == report.ledgers_digest else "NOT the same"
    yield (
        "digest",
        f"auditor's {report.auditors_digest} at {report.digest_tip}\nledger's  {report.ledgers_digest}, {same}",
    )
    receipt = report.receipt
    yield "receipt", f"the transfer in block {receipt.address}, proved to that digest with {receipt.path_length} hashes"
    for kept in report.snapshots:
        chained = {None: "the first", True: "extends the one before", False: "does NOT extend the one before"}
        yield "snapshot", f"{kept.location}\n{kept.snapshot.status}, signature holds, {chained[kept.snapshot.extends]}"
    if report.timing is not None:
        yield (
            "from the commit's answer",
            f"{_delays(report.timing.to_finding)} to the finding\n{_delays(report.timing.to_alert)} to the alert",
        )
    if report.cost is not None:
        yield "DynamoDB for a transfer", "\n".join(_dynamodb(report.cost))
        yield "a million transfers", "\n".join(_million(report.cost))


def _delays(delays: Delays) -> str:
    p50, p99 = delays.percentile(0.5), delays.percentile(0.99)
    return f"p50 {p50:.1f} s, p99 {p99:.1f} s ({len(delays.seconds)} cases)"


def _dynamodb(cost: Cost) -> Iterator[str]:
    ledger, everything = cost.ledger, cost.everything
    yield f"{ledger.requests:.1f} requests of the ledger: {ledger.read_units:.1f} read and {ledger.write_units:.1f} write units"
    yield f"{everything.requests:.1f} with all that checks it: {everything.read_units:.1f} and {everything.write_units:.1f}"


def _million(cost: Cost) -> Iterator[str]:
    ledger, everything = cost.ledger, cost.everything
    yield f"DynamoDB {ledger.dynamodb_usd:.2f} USD for the ledger, {everything.dynamodb_usd:.2f} USD with all that checks it"
    yield f"Lambda {ledger.lambda_usd:.2f} USD, at the times of this machine ({ledger.invocations:.1f} invocations a transfer)"
    yield f"QLDB would have been {cost.qldb_usd:.2f} USD of I/O requests (list prices: lab/prices.py)"


def _problems(report: DemoReport) -> Iterator[str]:
    for missing in report.comparison.missing:
        yield f"{missing.rule_id} at {missing.place} was not found ({missing.because})"
    for extra in report.comparison.extra:
        yield f"{extra.rule_id} at {extra.place} was found, and nobody did that"
    for key, expected, found in report.comparison.wrong_status:
        yield f"{key.rule_id} at {key.place} is {found}, not {expected}"
    for alert in report.alerts_missing:
        yield f"no alert came for {alert}"
