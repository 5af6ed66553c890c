"""The model's tables in Markdown, and their places in docs/scale.md: between ``<!-- name -->`` and ``<!-- end of name -->``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks import crowd
from benchmarks.scale import hot, limits, model
from counterfoil.adapters.dynamodb.committing import GROUP_BLOCKS

PAGE: Final = Path(__file__).resolve().parent.parent.parent / "docs/scale.md"

SKEWS: Final = (0.0, 0.6, 0.8, 1.0)
FOLLOWERS: Final = (1, 4, 16, 64, 256)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers to the right, words to the left: as the first row has them."""
    cells = [list(map(str, row)) for row in rows]
    sides = ["---:" if re.fullmatch(r"[\d.,]+( ms| s|%)?", each) else "---" for each in cells[0]]
    return "\n".join(f"| {' | '.join(each)} |" for each in (heads, sides, *cells))


def number(value: float) -> str:
    """To three digits at most."""
    if value >= 1_000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def transfers() -> str:
    few, many = model.transfer(model.FEW), model.transfer()
    crowded = model.crowd_at(model.strand_rate())
    session = asked(model.SESSION_PUTS, writes=model.SESSION_PUTS)
    pipeline = f"{units(model.PIPELINE_READS, model.AUDITOR_WRITES + model.DETECTOR_WRITES)}"
    projector = [
        asked(each.projector_requests, each.projector_read_units, each.projector_write_units) for each in (few, many)
    ]
    alone = [asked(1, writes=each.block_units) for each in (few, many)]
    kept = f"{many.block_bytes:,.0f} bytes; {many.stored_bytes:,.0f} bytes"
    streamed = f"{many.stream_bytes:,.0f} bytes in {many.stream_records:.2f} records"
    rows = [
        ("looks at the journal", *(asked(each.looks, each.look_units) for each in (few, many)), limits.MEASURED),
        ("reads of projections", *(asked(each.reads, each.read_units) for each in (few, many)), limits.MEASURED),
        ("the session's events, by a driver", session, session, "docs/decisions/0024"),
        ("commit, alone", *alone, limits.MEASURED),
        ("commit, in a crowd", "", asked(crowded.requests, writes=crowded.write_units), "simulated"),
        ("projector", *projector, limits.MEASURED),
        ("auditor and detector", pipeline, pipeline, "`python -m benchmarks writes`"),
        ("its item in the journal; all that is kept of it", kept, kept, limits.MEASURED),
        ("its records in Kinesis, in frames", streamed, streamed, limits.MEASURED),
    ]
    return table(("of one transfer", f"{model.FEW} instances", f"{model.MANY} instances", "how"), rows)


def asked(requests: float, reads: float = 0, writes: float = 0) -> str:
    return f"{requests:.3g} requests, {units(reads, writes)}"


def units(reads: float, writes: float) -> str:
    both = ((reads, "read units"), (writes, "write units"))
    return ", ".join(f"{count:.3g} {kind}" for count, kind in both if count)


def strand() -> str:
    rows = [
        (number(each.rate), each.name, "—" if each.limit is None else f"{each.limit.value:,.0f} {each.limit.unit}", each.turn)
        for each in model.strand_limits()
    ]  # fmt: skip
    return table(("transfers/s", "one strand is bounded by", "limit", "what to turn"), rows)


def followers() -> str:
    most = model.crowds()[-1]
    rows = [
        (
            instances,
            number(model.journal_reads(instances, most)),
            number(limits.PARTITION_READS.value / model.journal_reads(instances, most)),
            limits.MEASURED if model.FEW <= instances <= model.MANY else "a straight line through the measured",
        )
        for instances in FOLLOWERS
    ]
    return table(("instances that serve the strand", "read units of a transfer", "transfers/s at most", "how"), rows)


def crowds() -> str:
    rows = [
        (each.clients, number(each.rate), f"{each.wait_ms:.0f} ms", f"{each.requests:.1f}", f"{each.write_units:.1f}")
        for each in model.crowds()
    ]
    return table(("clients", "commits/s", "median wait", "requests of a commit", "write units of a commit"), rows)


def demands() -> str:
    rows = []
    for rate in model.RATES:
        each = model.demand(rate)
        rows.append(
            (
                f"{rate:,}", f"{each.strands:,}", f"{each.shards:,}", number(each.write_units), number(each.read_units),
                f"{each.partitions:,}", number(each.dynamodb_requests), number(each.api_requests), number(each.instances),
                each.followers, f"{model.growth_seconds(each.instances):,.0f} s",
            )
        )  # fmt: skip
    heads = (
        "transfers/s", "strands", "shards", "write units/s", "read units/s", "partitions", "requests to DynamoDB/s",
        "requests to `ledger_api`/s", "instances at once", "instances to a strand", "from none to all",
    )  # fmt: skip
    return table(heads, rows)


def money() -> str:
    rows = []
    for rate in model.RATES:
        each, short = model.demand(rate), model.one_request(rate)
        rows.append(
            (
                f"{rate:,}", number(each.dynamodb_usd), number(each.provisioned_usd), number(each.lambda_usd),
                number(each.kinesis_usd), number(each.usd), number(short.usd), number(each.qldb_usd),
                number(each.stored_gb), number(model.storage_usd(each)),
            )
        )  # fmt: skip
    heads = (
        "transfers/s", "DynamoDB on demand", "or provisioned", "Lambda", "Kinesis", "in all, on demand",
        "by `POST /transactions`", "QLDB's requests", "GB kept more each month", "and their price a month",
    )  # fmt: skip
    return table(heads, rows)


def order() -> str:
    rows = [(number(each.rate), each.name, each.turn) for each in model.thresholds()]
    return table(("transfers/s", "saturates", "what to turn"), rows)


def first() -> str:
    rows = []
    met = model.thresholds()
    for rate in model.RATES:
        over = [each for each in met if each.rate <= rate]
        behind = [each for each in met if each.rate > rate]
        nearest = (
            f"{behind[0].name} (at {number(behind[0].rate)}/s)" if behind else "nothing of this list: all were met"
        )
        hottest = rate / model.demand(rate).strands * hot.touching_first(SKEWS[-1])
        rows.append(
            (
                f"{rate:,}",
                over[0].name if over else "nothing",
                len(over),
                over[-1].turn if over else "nothing",
                nearest,
                f"{hottest / model.hot_rate():.0%}",
            )
        )
    heads = (
        "transfers/s", "saturated first", "saturated by then", "the last to turn", "next",
        f"of what a strand's hottest account can take, at skew {SKEWS[-1]}",
    )  # fmt: skip
    return table(heads, rows)


def accounts() -> str:
    rows = []
    for name, reads in (("a driver", crowd.READS[-1]), ("`POST /transactions`", crowd.READS[0])):
        for rate in (10.0, 50.0, model.strand_rate()):
            seconds = model.held_seconds(rate, reads)
            found = [hot.conflicts(rate, skew, seconds) for skew in SKEWS]
            cells = (f"{each.attempts * 100:.1f} / {each.given_up * 100:.1f}" for each in found)
            rows.append((name, f"{seconds * 1_000:.0f} ms", number(rate), *cells))
    heads = ("by", "from what it sees to its commit", "transfers/s", *(f"skew {each}" for each in SKEWS))
    return table(heads, rows)


def quotas() -> str:
    rows = [(each.name, f"{each.value:,.0f} {each.unit}", each.source, each.how) for each in limits.ALL]
    return table(("limit", "value", "source", "how it is known"), rows)


def assumptions() -> str:
    crowds, here = "`benchmarks/crowd.py`", "`benchmarks/scale/model.py`"
    trips = f"{crowd.PUT:.0f} / {crowd.GET:.0f} / {crowd.TRANSACT:.0f} ms"
    reads = f"{crowd.READS[0]:.0f} / {crowd.READS[-1]:.0f} ms"
    rows = [
        ("a put / a get or query / a transaction of puts", trips, crowds),
        ("reads of a transaction, by one request / by a driver", reads, crowds),
        ("what all requests of a transfer compute", f"{model.API_COMPUTE:.0f} ms", here),
        ("a block in the projector or the publisher", f"{model.BLOCK_COMPUTE} ms", here),
        ("a stream record in the auditor or the detector", f"{model.RECORD_COMPUTE} ms", here),
        ("how much of a limit is planned for", f"{model.USED:.0%}", here),
        (
            "blocks that a leader writes at once, at most",
            GROUP_BLOCKS,
            "`committing.py`: not assumed, this is the code",
        ),
        ("accounts of a strand, for conflicts", f"{hot.ACCOUNTS:,}", "`benchmarks/scale/hot.py`"),
    ]
    return table(("what", "value", "where"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "order": order,
    "first": first,
    "demands": demands,
    "money": money,
    "strand": strand,
    "followers": followers,
    "crowds": crowds,
    "accounts": accounts,
    "transfers": transfers,
    "assumptions": assumptions,
    "quotas": quotas,
}


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The page with these tables in their places; ``ValueError`` where a place is missing."""
    for name, content in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{PAGE.name} has no place for the table {name!r}")
        text = f"{head}{begin}\n{content}\n{end}{tail}"
    return text


def write(tables: Mapping[str, str]) -> None:
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
