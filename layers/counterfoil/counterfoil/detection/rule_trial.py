"""The tests that a rule brings along, run: blocks written down by hand, judged by the real judge with this rule alone.

    {"title": "21 within the hour", "expect": "found", "blocks": [{"times": 21, "after": 60, "transfers":
        [{"from": "A", "to": "B", "amount": "1"}]}]}

``found``: the rule finds something in the last block. ``nothing``: it finds nothing in any block. Every document has one of each.
A block comes ``after`` so many seconds behind the one before (60 where nothing is said), ``times`` over (1), and holds
``transfers``, ``balances``, ``statements`` and ``unreadable`` documents; ``lists`` gives entries of lists by name. docs/rules.md
lists the fields. All of it is read
strictly, and bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.fraud_rules import Kind, Network, Typology
from counterfoil.detection.fraud_rules.network import MODEL_SCORE
from counterfoil.detection.judgement import Contents, Judge
from counterfoil.detection.money import parse_amount_text
from counterfoil.detection.network.model import shipped_model
from counterfoil.detection.parameters import (
    FLAG,
    OPTIONAL_NAME,
    Json,
    choice,
    read_settings,
    refuse_unknown,
    text,
    whole,
)
from counterfoil.detection.rule import Rule
from counterfoil.detection.rule_config import RuleConfig, Surroundings
from counterfoil.detection.rule_document import RuleStatus
from counterfoil.detection.transfer import Balance, Source, Statement, Transfer, Unreadable
from counterfoil.detection.watch_list import WatchList, parse_watch_list
from counterfoil.errors import InputError
from counterfoil.journal import BlockAddress

MAX_BLOCKS: Final = 1_000
MAX_ITEMS: Final = 100

# A Saturday morning; hours and weekdays in tests count from here.
BEGINS: Final = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)

# Accounts outside the ledger, for tests of rules on everyday payments and on cash.
_OUTSIDE: Final = Surroundings(external_accounts=("CASH", "OUTSIDE"), cash_accounts=("CASH",))

_STRAND: Final = "0" * 22
_FOUND, _NOTHING = "found", "nothing"
_SECONDS: Final = 10 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class _Test:
    title: str = field(metadata=text(1, 120))
    expect: str = field(metadata=choice(_FOUND, _NOTHING))


@dataclass(frozen=True, slots=True)
class _Pace:
    after: int = field(default=60, metadata=whole(0, _SECONDS))
    times: int = field(default=1, metadata=whole(1, MAX_BLOCKS))


@dataclass(frozen=True, slots=True)
class _Transfer:
    sender: str = field(metadata=text(1, 128))
    receiver: str = field(metadata=text(1, 128))
    amount: str = field(metadata=text(1, 40))
    currency: str = field(default="EUR", metadata=text(1, 12))
    id: str | None = field(default=None, metadata=OPTIONAL_NAME)
    document: str | None = field(default=None, metadata=OPTIONAL_NAME)
    version: int = field(default=0, metadata=whole(0, 1_000))
    effective: bool = field(default=True, metadata=FLAG)
    business_time: str | None = field(default=None, metadata=OPTIONAL_NAME)
    payee_name: str | None = field(default=None, metadata=OPTIONAL_NAME)


@dataclass(frozen=True, slots=True)
class _Balance:
    account: str = field(metadata=text(1, 128))
    balance: str = field(metadata=text(1, 40))
    currency: str = field(default="EUR", metadata=text(1, 12))
    document: str | None = field(default=None, metadata=OPTIONAL_NAME)
    version: int = field(default=0, metadata=whole(0, 1_000))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    what: str = field(metadata=choice("transfer", "account"))
    problem: str = field(metadata=text(1, 200))
    account: str | None = field(default=None, metadata=OPTIONAL_NAME)


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str = field(metadata=text(1, 1_000))


def try_rule(rule: Rule[Kind]) -> None:
    """Run a rule's tests; ``InputError`` names the first that does not come out as it says."""
    expected = set()
    for index, given in enumerate(rule.document.tests):
        where = f"{rule.rule_id}: tests[{index}]"
        test, blocks, lists = _read_test(given, where)
        found = _run(rule, blocks, RuleConfig(surroundings=_OUTSIDE).with_rules((), lists))
        if test.expect == _FOUND and not (found and found[-1]):
            raise InputError(f"{where}, {test.title!r}, expects a finding in its last block; there is none")
        if test.expect == _NOTHING and any(found):
            raise InputError(f"{where}, {test.title!r}, expects nothing; block {found.index(True)} is found")
        expected.add(test.expect)
    if expected != {_FOUND, _NOTHING}:
        raise InputError(f"{rule.rule_id} needs a test that expects 'found', and a near miss that expects 'nothing'")


def _run(rule: Rule[Kind], blocks: Sequence[Mapping[str, Json]], config: RuleConfig) -> list[bool]:
    """Of each block, whether the rule found something in it."""
    active = replace(rule, document=replace(rule.document, status=RuleStatus.ACTIVE))
    helpers: tuple[Rule[Any], ...] = ()
    if isinstance(active.kind, Network):
        active = replace(active, kind=replace(active.kind, contributes=False))
    elif isinstance(active.kind, Typology):
        helpers = tuple(each for each in config.network_rules if each.document.typology == active.kind.of)
    scorer = shipped_model() if isinstance(rule.kind, Network) and rule.kind.on == MODEL_SCORE else None
    judge = Judge(AccountBook(_STRAND, {}), config.only(active, *helpers), BEGINS, scorer)
    places = []
    for number, (block, at) in enumerate(_timed(blocks)):
        contents = _contents(block, number, at)
        judge.judge(contents)
        places.append(str(contents.address))
    found = {finding.place for finding in judge.findings.values() if finding.rule_id == rule.rule_id}
    return [place in found for place in places]


def _read_test(given: Json, where: str) -> tuple[_Test, Sequence[Mapping[str, Json]], list[WatchList]]:
    body = dict(_object(given, where))
    blocks = body.pop("blocks", None)
    lists = _object(body.pop("lists", {}), f"{where}: lists")
    test = _settings(_Test, body, where)
    if isinstance(blocks, str) or not isinstance(blocks, Sequence) or not blocks:
        raise InputError(f"{where}: blocks must be a list of at least one")
    read = [_object(each, f"{where}: blocks[{index}]") for index, each in enumerate(blocks)]
    if sum(_pace(each).times for each in read) > MAX_BLOCKS:
        raise InputError(f"{where} has more than {MAX_BLOCKS} blocks")
    watched = [
        parse_watch_list({"id": f"list.{name}", "version": 1, "owner": "a test", "entries": entries})
        for name, entries in lists.items()
    ]
    return test, read, watched


def _timed(blocks: Sequence[Mapping[str, Json]]) -> Iterator[tuple[Mapping[str, Json], datetime]]:
    at = BEGINS
    for block in blocks:
        pace = _pace(block)
        for _ in range(pace.times):
            at += timedelta(seconds=pace.after)
            yield block, at


def _contents(block: Mapping[str, Json], number: int, at: datetime) -> Contents:
    where = f"block {number} of a test"
    refuse_unknown(block, dict.fromkeys(("after", "times", "transfers", "balances", "statements", "unreadable")), where)
    transfers = [
        _transfer(_settings(_Transfer, _renamed(each), where), f"{number}-{index}", at)
        for index, each in enumerate(_items(block, "transfers"))
    ]
    balances = [_balance(_settings(_Balance, each, where), at) for each in _items(block, "balances")]
    unreadable = [
        _unreadable(_settings(_Unreadable, each, where), f"{number}-{index}", at)
        for index, each in enumerate(_items(block, "unreadable"))
    ]
    statements = [
        Statement(index, _settings(_Statement, {"text": each}, where).text, at)
        for index, each in enumerate(_items(block, "statements"))
    ]
    return Contents(
        address=BlockAddress(_STRAND, number),
        complete=True,
        transfers=tuple(transfers),
        balances=tuple(balances),
        unreadable=tuple(unreadable),
        statements=tuple(statements),
    )


def _transfer(given: _Transfer, name: str, at: datetime) -> Transfer:
    return Transfer(
        _source(given.document or f"transfer-{name}", given.version, at),
        given.id or f"T{name}",
        given.sender,
        given.receiver,
        _positive(given.amount),
        given.currency,
        given.effective,
        given.business_time or "",
        given.payee_name or "",
    )


def _balance(given: _Balance, at: datetime) -> Balance:
    source = _source(given.document or f"account-{given.account}", given.version, at)
    return Balance(source, given.account, parse_amount_text(given.balance), given.currency)


def _unreadable(given: _Unreadable, name: str, at: datetime) -> Unreadable:
    return Unreadable(_source(f"document-{name}", 0, at), given.what, given.problem, given.account)


def _source(document_id: str, version: int, at: datetime) -> Source:
    return Source(document_id, version, sha256(f"{document_id}-{version}".encode()).hexdigest(), at)


def _positive(amount: str) -> Decimal:
    found = parse_amount_text(amount)
    if found <= 0:
        raise InputError(f"a test's transfer of {amount}, not more than 0")
    return found


def _pace(block: Mapping[str, Json]) -> _Pace:
    return read_settings(_Pace, {name: block[name] for name in ("after", "times") if name in block}, "a test's block")


def _renamed(given: Json) -> Json:
    """``from`` and ``to``, which Python has no names for."""
    names = {"from": "sender", "to": "receiver"}
    return {names.get(name, name): value for name, value in given.items()} if isinstance(given, Mapping) else given


def _items(block: Mapping[str, Json], name: str) -> Sequence[Json]:
    found = block.get(name, ())
    if isinstance(found, str) or not isinstance(found, Sequence) or len(found) > MAX_ITEMS:
        raise InputError(f"a test's {name} must be a list of at most {MAX_ITEMS}")
    return found


def _settings[T](cls: type[T], given: Json, where: str) -> T:
    try:
        return read_settings(cls, given, where)
    except TypeError:
        raise InputError(f"{where}: something is missing in {repr(given)[:80]}") from None


def _object(given: Any, where: str) -> Mapping[str, Json]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be an object, not {repr(given)[:80]}")
    return given
