"""How well a detector would have done: the figures, worked by hand, and that no label ever reaches the judge."""

import csv
import lzma
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from random import Random

import pytest

from counterfoil.adapters.labelled_transfers import COLUMNS, configuration, read_labelled
from counterfoil.detection.past import Label
from counterfoil.errors import InputError
from counterfoil.services.backtest import (
    Judged,
    Run,
    area_under_curve,
    average_precision,
    judge_past,
    measure_rules,
    measure_run,
)
from tests.conftest import SHARED_VECTORS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SET = SHARED_VECTORS.parent / "datasets/amlgentex/transactions-steps-00-59.csv.xz"


def run_of(*rows):
    """A run of (step, score, pattern or nothing)."""
    run = Run()
    for step, score, pattern in rows:
        run.judged.append(Judged(step, score, (("fraud.a", int(score)),) if score >= 1 else ()))
        run.labels.append(Label(pattern is not None, pattern or "", "fan_in" if pattern else ""))
    return run


def test_alerts_are_the_highest_of_each_step():
    run = run_of((1, 5.0, None), (1, 9.0, "p"), (1, 7.0, "p"), (2, 1.0, "p"), (2, 0.0, "q"), (4, 3.0, "q"))
    found = measure_run(run, 1)
    assert (found.alerts, found.precision, found.recall) == (3, 1.0, 3 / 5)
    assert (found.patterns_hit, found.patterns_total, found.delay_steps_median) == (2, 2, 1.0)
    assert found.by_typology == {"fan_in": (2, 2)}
    assert measure_run(run, 2).alerts == 4


def test_average_precision_and_area_by_hand():
    scores, bad = [4.0, 3.0, 3.0, 1.0], [True, False, True, False]
    assert average_precision(scores, bad) == pytest.approx((1 + 2 / 3) / 2)
    assert area_under_curve(scores, bad) == pytest.approx((2 + 1.5) / 4)
    assert average_precision([1.0], [False]) is None
    assert area_under_curve([1.0], [True]) is None


def test_nothing_bad_and_nothing_at_all_have_no_figures():
    assert measure_run(run_of((1, 2.0, None)), 5).recall is None
    empty = measure_run(Run(), 5)
    assert (empty.precision, empty.auc, empty.patterns_total) == (None, None, 0)


def test_each_rule_is_measured_as_if_it_were_alone():
    found = measure_rules(run_of((1, 5.0, "p"), (1, 0.5, None), (2, 3.0, None)), 20)
    assert set(found) == {"fraud.a"}
    assert (found["fraud.a"].alerts, found["fraud.a"].precision) == (2, 0.5)


def line(step, payer, payee, amount="10.00", *, kind="TRANSFER", bad="0", pattern="-1", before="100.00"):
    sent, got = f"{float(before) - float(amount):.2f}", f"{float(before) + float(amount):.2f}"
    return [step, kind, amount, payer, payee, before, sent, before, got, bad, pattern, "2" if bad == "1" else "0"]


def write(path, lines):
    text = StringIO()
    csv.writer(text).writerows([COLUMNS, *lines])
    path.write_bytes(lzma.compress(text.getvalue().encode()) if path.suffix == ".xz" else text.getvalue().encode())
    return path


def scheme(bad="1"):
    ordinary = [line(step, payer, payee) for step in range(3) for payer, payee in ((1, 2), (3, 4), (5, -1), (-2, 6))]
    ring = [line(3, payer, 9, bad=bad, pattern="77") for payer in range(20, 28)]
    return [*ordinary, *ring, line(3, 1, 2)]


def test_a_ring_is_alerted_before_a_habit(tmp_path):
    past = list(read_labelled(write(tmp_path / "t.csv.xz", scheme())))
    run = judge_past(past[:12], past[12:], configuration(), None, NOW)
    found = measure_run(run, 5)
    assert (found.alerts, found.precision, found.patterns_hit, found.delay_steps_median) == (5, 1.0, 1, 0.0)
    assert (found.transfers, found.bad) == (9, 8)


def test_labels_change_nothing_that_is_judged(tmp_path):
    lines = scheme()
    labels = [each[-3:] for each in lines]
    Random(5).shuffle(labels)
    shuffled = [[*each[:-3], *label] for each, label in zip(lines, labels, strict=True)]
    without = [[*each[:-3], "", "", ""] for each in lines]
    runs = [
        judge_past((), read_labelled(write(tmp_path / name, rows)), configuration(), None, NOW)
        for name, rows in (("a.csv", lines), ("b.csv", shuffled), ("c.csv", without))
    ]
    assert runs[0].judged == runs[1].judged == runs[2].judged
    assert runs[0].findings == runs[1].findings == runs[2].findings
    assert runs[0].labels != runs[1].labels


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({0: "-1"}, "line 2: step"),
        ({0: "1e9"}, "line 2: step"),
        ({2: "ten"}, "line 2"),
        ({2: "NaN"}, "line 2"),
        ({2: "1" + "0" * 30}, "beyond"),
        ({3: ""}, "account"),
        ({3: "x" * 200}, "account"),
        ({9: "maybe"}, "isSAR"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path, change, named):
    fields = line(0, 1, 2)
    for place, value in change.items():
        fields[place] = value
    with pytest.raises(InputError, match=named):
        list(read_labelled(write(tmp_path / "t.csv", [fields])))


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\n", (",".join(COLUMNS) + "\n1,2\n").encode(), b"x" * 10_000]
)
def test_a_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError):
        list(read_labelled(tmp_path / "t.csv"))


def test_a_broken_archive_and_a_missing_file_are_refused(tmp_path):
    whole = lzma.compress((",".join(COLUMNS) + "\n").encode() * 100)
    (tmp_path / "t.csv.xz").write_bytes(whole[:-20])
    for name in ("t.csv.xz", "absent.csv"):
        with pytest.raises(InputError):
            list(read_labelled(tmp_path / name))


needs_the_set = pytest.mark.skipif(not SET.exists(), reason=f"{SET} is not here")


def conservation_findings(past):
    config = configuration()
    config = config.only(*(rule for rule in config.rules if rule.rule_id == "fraud.conservation-of-money"))
    return judge_past((), past, config, None, NOW).findings["fraud.conservation-of-money"]


@needs_the_set
def test_money_is_conserved_in_the_set_and_no_alteration_passes():
    """Every alteration is of at least three cents: amounts and balances of the set are rounded, each by itself, to one."""
    past = [each for _, each in zip(range(14_000), read_labelled(SET), strict=False)]
    assert conservation_findings(past) == 0
    chance = Random(11)
    moved = [index for index, each in enumerate(past) if each.contents.transfers]
    chosen = set(chance.sample(moved, 1_000))
    altered = [_altered(each, chance) if index in chosen else each for index, each in enumerate(past)]
    assert conservation_findings(altered) >= 1_000
    places = {str(past[index].contents.address) for index in chosen}
    assert len(places) == 1_000


def _altered(past, chance):
    off = Decimal(chance.choice((1, -1)) * chance.randint(3, 100_000)).scaleb(-2)
    contents = past.contents
    if chance.random() < 0.5:
        (transfer,) = contents.transfers
        changed = transfer.amount + (off if transfer.amount + off > 0 else -off)
        return past._replace(contents=contents._replace(transfers=(transfer._replace(amount=changed),)))
    first, *rest = contents.balances
    return past._replace(contents=contents._replace(balances=(first._replace(amount=first.amount + off), *rest)))
