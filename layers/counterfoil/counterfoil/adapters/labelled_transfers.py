"""Labelled transactions as CSV, as AMLGentex and its kin (AMLSim, PaySim) write their logs, read as blocks of the past.

A line is a step, a type, an amount, two accounts with their balances before and after, and three columns of labels. A negative
account number is the world outside; a payment of the type CASH to it is cash. Opening balances are balances, not transfers.
Each line becomes a block of its own at noon of its step's day.

The labels of a journal's transfers are read too: a line has a transaction id and the same three columns.
"""

from __future__ import annotations

import csv
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final, TextIO

from counterfoil.detection.account import Holding
from counterfoil.detection.fraud_rules import ConservationOfMoney, Kind
from counterfoil.detection.judgement import Contents
from counterfoil.detection.money import parse_amount_text
from counterfoil.detection.past import Label, Past
from counterfoil.detection.rule import Rule
from counterfoil.detection.rule_config import RuleConfig, Surroundings
from counterfoil.detection.transfer import Balance, Source, Transfer
from counterfoil.errors import InputError
from counterfoil.journal import BlockAddress

OUTSIDE: Final = "OUTSIDE"
CASH: Final = "CASH"
CURRENCY: Final = "SEK"
BEGINS: Final = datetime(2025, 1, 1, 12, tzinfo=UTC)
# Amounts and both balances are rounded to the cent each by itself: they may be a cent apart.
ROUNDING: Final = Decimal("0.01")
MAX_STEP: Final = 100_000
MAX_LINE: Final = 4_096

COLUMNS: Final = (
    "step", "type", "amount", "nameOrig", "nameDest", "oldbalanceOrig", "newbalanceOrig", "oldbalanceDest", "newbalanceDest",
    "isSAR", "patternID", "modelType",
)  # fmt: skip
LABEL_COLUMNS: Final = ("transactionId", *COLUMNS[-3:])
_LABELS: Final = 3
# All labels of a file are in memory: some hundred bytes each.
MAX_LABELS: Final = 10_000_000
_OPENING: Final = "INITALBALANCE"  # as it is spelled there
_TYPOLOGIES: Final = {
    "1": "fan_out", "2": "fan_in", "3": "cycle", "4": "bipartite", "5": "stack", "6": "random", "7": "scatter_gather",
    "8": "gather_scatter",
}  # fmt: skip
_STRAND: Final = "backtest"
_MOST: Final = Decimal(10) ** 15


def read_labelled(file: Path, first_number: int = 0) -> Iterator[Past]:
    """The lines of a file, plain or compressed with xz, as blocks numbered from ``first_number``.

    Raises ``InputError`` with the line's number for what is not such a line; the labels may be left out, and then nothing is bad.
    """
    with _opened(file) as lines:
        yield from _read(lines, file.name, COLUMNS, lambda fields, number: _past(fields, first_number + number))


def read_labels(file: Path) -> dict[str, Label]:
    """The labels of transfers by transaction id; a transfer without one is not bad. ``InputError`` as above, and for an id twice."""
    found: dict[str, Label] = {}
    with _opened(file) as lines:
        for transaction_id, label in _read(lines, file.name, LABEL_COLUMNS, _labelled):
            if transaction_id in found:
                raise InputError(f"{file.name} labels transaction {transaction_id[:40]!r} twice")
            if len(found) == MAX_LABELS:
                raise InputError(f"{file.name} has more than {MAX_LABELS} labels")
            found[transaction_id] = label
    return found


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    opener = lzma.open if file.suffix == ".xz" else open
    try:
        with opener(file, "rt", encoding="utf-8", newline="") as lines:
            yield lines
    except (UnicodeDecodeError, csv.Error, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{file.name} cannot be read: {error}") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None


def _read[Read](
    lines: TextIO, name: str, wanted: Sequence[str], read: Callable[[Sequence[str], int], Read]
) -> Iterator[Read]:
    """What ``read`` makes of the fields of each line, in the order of ``wanted``; the last three may be missing."""
    rows = csv.reader(_bounded(lines, name))
    header = next(rows, [])
    columns = [each.strip() for each in header]
    if missing := [each for each in wanted[:-_LABELS] if each not in columns]:
        raise InputError(f"{name} has no column {missing[0]}; it needs {', '.join(wanted[:-_LABELS])}")
    places = [columns.index(each) if each in columns else None for each in wanted]
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise InputError(f"{name}, line {number + 2}: {len(row)} fields where the first line has {len(columns)}")
        fields = ["" if place is None else row[place] for place in places]
        try:
            yield read(fields, number)
        except InputError as error:
            raise InputError(f"{name}, line {number + 2}: {error}") from None


def _bounded(lines: TextIO, name: str) -> Iterator[str]:
    while line := lines.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise InputError(f"{name} has a line of more than {MAX_LINE} characters")
        yield line


def _past(fields: Sequence[str], number: int) -> Past:
    step, kind, amount_text, payer_id, payee_id, *balances = fields[:-_LABELS]
    payer, payee = _account(payer_id, OUTSIDE), _account(payee_id, CASH if kind == "CASH" else OUTSIDE)
    amount = _amount(amount_text)
    old_payer, new_payer, old_payee, new_payee = map(_amount, balances)
    day = _whole(step)
    at = BEGINS + timedelta(days=day)
    name = str(number)
    opening = kind == _OPENING
    held = (
        {payee: (old_payee, new_payee)} if opening else {payer: (old_payer, new_payer), payee: (old_payee, new_payee)}
    )
    inside = {account: each for account, each in held.items() if account not in {OUTSIDE, CASH}}
    transfers = () if opening or not amount else (_transfer(name, payer, payee, amount, at),)
    contents = Contents(
        address=BlockAddress(_STRAND, number),
        complete=True,
        transfers=transfers,
        balances=()
        if opening or not amount
        else tuple(_balance(name, account, new, at) for account, (_, new) in inside.items()),
        unreadable=(),
        statements=(),
    )
    before = {account: (f"A{account}", Holding(2 * number, old, CURRENCY)) for account, (old, _) in inside.items()}
    return Past(day, contents, {} if opening else before, {f"T{name}": _label(fields[-_LABELS:])})


def _transfer(name: str, payer: str, payee: str, amount: Decimal, at: datetime) -> Transfer:
    return Transfer(_source(f"T{name}", 0, name, at), f"T{name}", payer, payee, amount, CURRENCY, True, "", "")  # noqa: FBT003 - it moved


def _balance(name: str, account: str, amount: Decimal, at: datetime) -> Balance:
    return Balance(_source(f"A{account}", 2 * int(name) + 1, f"{name}/{account}", at), account, amount, CURRENCY)


def _source(document_id: str, version: int, name: str, at: datetime) -> Source:
    return Source(document_id, version, sha256(name.encode()).hexdigest(), at)


def _labelled(fields: Sequence[str], _number: int) -> tuple[str, Label]:
    transaction_id = fields[0].strip()
    if not transaction_id:
        raise InputError("a label without a transaction id")
    return transaction_id, _label(fields[-_LABELS:])


def _label(fields: Sequence[str]) -> Label:
    bad, pattern, model = fields
    if bad.strip() not in {"", "0", "1"}:
        raise InputError(f"isSAR is {bad[:20]!r}, neither 0 nor 1")
    return Label(bad.strip() == "1", pattern.strip()[:40], _TYPOLOGIES.get(model.strip(), model.strip()[:40]))


def _account(text: str, outside: str) -> str:
    account = text.strip()
    if not account or len(account) > 128:
        raise InputError(f"an account of {len(account)} characters; 1 to 128 are read")
    return outside if account.startswith("-") else account


def _amount(text: str) -> Decimal:
    found = parse_amount_text(text.strip())
    if abs(found) > _MOST:
        raise InputError(f"an amount beyond {_MOST:f}")
    return found


def _whole(text: str) -> int:
    number = text.strip()  # which takes away more than int() would: a separator of groups, say
    if not re.fullmatch(r"[0-9]{1,9}", number) or int(number) > MAX_STEP:
        raise InputError(f"step is {text[:20]!r}, not a whole number up to {MAX_STEP}")
    return int(number)


def configuration(rules: tuple[Rule[Kind], ...] | None = None) -> RuleConfig:
    """A rule configuration for these files: the accounts that stand for the world outside, and room for the rounding of balances."""
    config = RuleConfig(surroundings=Surroundings(external_accounts=(CASH, OUTSIDE), cash_accounts=(CASH,)))
    chosen = config.rules if rules is None else rules
    return config.only(*(_with_room(rule) for rule in chosen))


def _with_room(rule: Rule[Kind]) -> Rule[Kind]:
    if not isinstance(rule.kind, ConservationOfMoney):
        return rule
    return replace(rule, kind=replace(rule.kind, tolerance=max(rule.kind.tolerance, ROUNDING)))
