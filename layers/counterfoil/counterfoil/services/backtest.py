"""The detector run over transactions of the past, and how well it would have done: by what people found out later.

What is judged and what is known about it are kept apart: the judge sees blocks, the labels are looked at when all of it is judged.
The judge is the one of the Lambda (``detection/judgement``) with the same rules, the same states and the same model.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from statistics import median
from typing import Final, NamedTuple

from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.judgement import Assessment, Judge
from counterfoil.detection.network.model import Scorer
from counterfoil.detection.past import Label, Past
from counterfoil.detection.rule_config import RuleConfig

# Blocks judged with one memory of transaction ids: an id that comes back later than that is not noticed in a backtest.
_ROUND: Final = 10_000
_STRAND: Final = "backtest"


class Judged(NamedTuple):
    """A transfer between two accounts, and what was said of it. ``fired`` are the rules that scored it, with their scores."""

    step: int
    score: float
    fired: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Run:
    """``judged`` and ``labels`` are in step; ``findings`` counts by rule. Both are of the scored part alone."""

    judged: list[Judged] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)
    blocks: int = 0


def judge_past(
    warm_up: Iterable[Past],
    scored: Iterable[Past],
    config: RuleConfig,
    scorer: Scorer | None,
    now: datetime,
    seen: Callable[[Assessment], None] | None = None,
) -> Run:
    """Judge both parts in turn and keep what was said of the second; ``seen`` is told every assessment, of both."""
    run, book = Run(), AccountBook(_STRAND, {})
    for part, counts in ((warm_up, False), (scored, True)):
        for some in batched(part, _ROUND, strict=False):
            book = book.carried_on()
            judge = Judge(book, config, now, scorer)
            for past in some:
                _enter(past, book)
                judge.judge(past.contents)
                run.blocks += 1
                for assessment in judge.assessments:
                    if seen is not None:
                        seen(assessment)
                    if counts:
                        run.judged.append(_judged(past.step, assessment))
                        run.labels.append(past.label_of(assessment.observation.transfer.transaction_id))
                judge.assessments.clear()
            if counts:
                run.findings.update(finding.rule_id for finding in judge.findings.values())
    return run


def _enter(past: Past, book: AccountBook) -> None:
    """What the past says its accounts held before the block."""
    for account_id, (document_id, holding) in past.before.items():
        book.account(account_id).hold(document_id, holding)


def _judged(step: int, assessment: Assessment) -> Judged:
    score = assessment.observation.score
    if score is None:
        score = float(max(assessment.by_typology.values(), default=0))
    return Judged(step, score, tuple((each.rule_id, each.score) for each in assessment.contributions))


@dataclass(frozen=True, slots=True)
class Measured:
    """How a run did at a number of alerts per step.

    ``precision`` and ``recall`` are of the alerts, ``average_precision`` and ``auc`` of the order of all transfers. A pattern is hit
    when one of its transfers is alerted; ``delay`` counts the steps from its first transfer to the first that is. What cannot be
    said, for want of bad or of good transfers, is ``None``.
    """

    transfers: int
    bad: int
    alerts: int
    precision: float | None
    recall: float | None
    average_precision: float | None
    auc: float | None
    patterns_hit: int
    patterns_total: int
    delay_steps_median: float | None
    by_typology: Mapping[str, tuple[int, int]]
    alerted: frozenset[int]


def measure_run(run: Run, alerts_per_step: int) -> Measured:
    """Compare what was said with what is known."""
    return _measured(run, [each.score for each in run.judged], alerts_per_step)


def measure_rules(run: Run, alerts_per_step: int) -> dict[str, Measured]:
    """The same for each rule as if it were the only one; rules that scored nothing are left out."""
    scores: dict[str, dict[int, float]] = defaultdict(dict)
    for index, each in enumerate(run.judged):
        for rule_id, score in each.fired:
            scores[rule_id][index] = scores[rule_id].get(index, 0.0) + score
    everything = range(len(run.judged))
    return {
        rule_id: _measured(run, [found.get(index, 0.0) for index in everything], alerts_per_step)
        for rule_id, found in sorted(scores.items())
    }


def _measured(run: Run, scores: Sequence[float], alerts_per_step: int) -> Measured:
    bad = [label.bad for label in run.labels]
    alerted = frozenset(_alerts([each.step for each in run.judged], scores, alerts_per_step))
    hits = sum(1 for index in alerted if bad[index])
    first_bad: dict[str, int] = {}
    first_hit: dict[str, int] = {}
    typologies: dict[str, str] = {}
    for index, (each, label) in enumerate(zip(run.judged, run.labels, strict=True)):
        if label.bad:
            typologies[label.pattern] = label.typology
            first_bad.setdefault(label.pattern, each.step)
            if index in alerted:
                first_hit.setdefault(label.pattern, each.step)
    by_typology: dict[str, tuple[int, int]] = {}
    for pattern, typology in sorted(typologies.items()):
        hit, total = by_typology.get(typology, (0, 0))
        by_typology[typology] = (hit + (pattern in first_hit), total + 1)
    delays = [step - first_bad[pattern] for pattern, step in first_hit.items()]
    return Measured(
        transfers=len(bad),
        bad=sum(bad),
        alerts=len(alerted),
        precision=hits / len(alerted) if alerted else None,
        recall=hits / sum(bad) if any(bad) else None,
        average_precision=average_precision(scores, bad),
        auc=area_under_curve(scores, bad),
        patterns_hit=len(first_hit),
        patterns_total=len(first_bad),
        delay_steps_median=float(median(delays)) if delays else None,
        by_typology=by_typology,
        alerted=alerted,
    )


def _alerts(steps: Sequence[int], scores: Sequence[float], most: int) -> Iterator[int]:
    """The indexes of the transfers alerted: of each step the highest scores, earlier ones first among equals; none of score 0."""
    by_step: dict[int, list[int]] = defaultdict(list)
    for index, step in enumerate(steps):
        if scores[index] > 0:
            by_step[step].append(index)
    for indexes in by_step.values():
        yield from sorted(indexes, key=lambda index: -scores[index])[:most]


def average_precision(scores: Sequence[float], bad: Sequence[bool]) -> float | None:
    """The mean, over bad ones in order of score, of the share of bad ones among those scored at least as high; equals count as one."""
    total = sum(bad)
    if not total:
        return None
    found = seen = 0
    area = 0.0
    for bads, count in _levels(scores, bad):
        seen += count
        found += bads
        area += bads * found / seen
    return area / total


def area_under_curve(scores: Sequence[float], bad: Sequence[bool]) -> float | None:
    """How often a bad one is scored above a good one, equals counting half (Mann and Whitney's statistic)."""
    total = sum(bad)
    good = len(bad) - total
    if not total or not good:
        return None
    above = 0
    area = 0.0
    for bads, count in _levels(scores, bad):
        area += (count - bads) * (above + bads / 2)
        above += bads
    return area / total / good


def _levels(scores: Sequence[float], bad: Sequence[bool]) -> list[tuple[int, int]]:
    """From the highest score down: how many bad ones have it, and how many in all."""
    levels: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for score, is_bad in zip(scores, bad, strict=True):
        levels[score][0] += is_bad
        levels[score][1] += 1
    return [(levels[score][0], levels[score][1]) for score in sorted(levels, reverse=True)]
