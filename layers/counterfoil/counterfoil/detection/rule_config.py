"""Which rules apply, with which settings, to which documents: named by a hash.

The rules are documents (``rule_document``): those of the catalogue, and those of a rule store over them. What surrounds them, and
settings of this deployment that go over the catalogue's, are read from JSON, strictly:

    {"accounts": {"table": "Accounts", "balance": "balance", ...},
     "transactions": {"table": "Transactions", "effective": ["COMPLETED"], ...},
     "external_accounts": ["CASH"],
     "transaction_memory_days": 365,
     "rules": {"velocity-count": {"threshold": "20", "window_seconds": 3600, "severity": "HIGH", "status": "paused"}, ...}}

Everything may be left out; ``{}`` is the catalogue as it is. A key that is not known, a value of another type or outside its limits
is an ``InputError`` that names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from counterfoil.detection.catalogue import catalogue
from counterfoil.detection.fraud_rules import (
    AccountKind,
    BalanceKind,
    ConservationOfMoney,
    EntryKind,
    Kind,
    Network,
    StatementKind,
    Typology,
    UnreadableDocument,
)
from counterfoil.detection.network.model import Scorer, shipped_model
from counterfoil.detection.parameters import FLAG, NAMES, Json, read_settings, refuse_unknown, whole, write_settings
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_document import RuleStatus, canonical, parse_rule_document, parse_strict
from counterfoil.detection.transfer import AccountShape, TransactionShape
from counterfoil.detection.watch_list import WatchList
from counterfoil.errors import InputError

MAX_CHARACTERS: Final = 65_536

_PREFIX: Final = "fraud."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is true for all rules.

    ``external_accounts`` stand for the world outside the ledger: they have no balance here, no past, and no rule looks at them.
    Those of them in ``cash_accounts`` stand for cash drawn or paid in. ``transaction_memory_days`` is how long a transaction id is
    remembered; keep it longer than the stream and its redrives reach. ``ask_model``: the shipped model says what it makes of each
    transfer, for the rules on it.
    """

    external_accounts: tuple[str, ...] = field(default=(), metadata=NAMES)
    cash_accounts: tuple[str, ...] = field(default=(), metadata=NAMES)
    ask_model: bool = field(default=False, metadata=FLAG)
    transaction_memory_days: int = field(default=365, metadata=whole(1, 3_650))


@dataclass(frozen=True)
class RuleConfig:
    """``rules`` are all of them, evaluated or not, in the order in which they are asked: by id, a shadow version behind the active.

    ``lists`` are by the name that rules give them; one that is not there has no entries.
    """

    accounts: AccountShape = field(default_factory=AccountShape)
    transactions: TransactionShape = field(default_factory=TransactionShape)
    surroundings: Surroundings = field(default_factory=Surroundings)
    rules: tuple[Rule[Kind], ...] = field(default_factory=lambda: tuple(catalogue()))
    lists: Mapping[str, WatchList] = field(default_factory=dict)

    @cached_property
    def evaluated(self) -> tuple[Rule[Kind], ...]:
        return tuple(rule for rule in self.rules if rule.document.status.evaluated)

    @cached_property
    def account_rules(self) -> tuple[Rule[AccountKind], ...]:
        return self._of(AccountKind)

    @cached_property
    def outflow_rules(self) -> tuple[Rule[AccountKind], ...]:
        """Those of the account rules that are asked at a transfer out of the account."""
        return tuple(rule for rule in self.account_rules if rule.kind.hears(incoming=False))

    @cached_property
    def inflow_rules(self) -> tuple[Rule[AccountKind], ...]:
        """Those that are asked at a transfer into it."""
        return tuple(rule for rule in self.account_rules if rule.kind.hears(incoming=True))

    @cached_property
    def inflow_keepers(self) -> tuple[Rule[AccountKind], ...]:
        """Those that may have to find an inflow in the account's past later."""
        return tuple(rule for rule in self.account_rules if rule.kind.looks_at_inflows)

    @cached_property
    def external_accounts(self) -> frozenset[str]:
        return frozenset(self.surroundings.external_accounts)

    @cached_property
    def cash_accounts(self) -> frozenset[str]:
        return frozenset(self.surroundings.cash_accounts)

    @cached_property
    def balance_rules(self) -> tuple[Rule[BalanceKind], ...]:
        return self._of(BalanceKind)

    @cached_property
    def entry_rules(self) -> tuple[Rule[EntryKind], ...]:
        return self._of(EntryKind)

    @cached_property
    def statement_rules(self) -> tuple[Rule[StatementKind], ...]:
        return self._of(StatementKind)

    @cached_property
    def conservation_rules(self) -> tuple[Rule[ConservationOfMoney], ...]:
        return self._of(ConservationOfMoney)

    @cached_property
    def unreadable_rules(self) -> tuple[Rule[UnreadableDocument], ...]:
        return self._of(UnreadableDocument)

    @cached_property
    def network_rules(self) -> tuple[Rule[Network], ...]:
        return self._of(Network)

    @cached_property
    def typology_rules(self) -> tuple[Rule[Typology], ...]:
        return self._of(Typology)

    @cached_property
    def scorer(self) -> Scorer | None:
        """The model that is asked, if any is."""
        return shipped_model() if self.surroundings.ask_model else None

    @cached_property
    def horizon(self) -> int:
        """Microseconds that the past of an account must reach back for the evaluated rules."""
        return max((rule.kind.horizon_seconds for rule in self.account_rules), default=0) * 1_000_000

    @cached_property
    def version(self) -> str:
        """SHA-256 of the configuration in force, defaults included: equal for equal behaviour, however it was written."""
        rules = {f"{rule.name}": [rule.document.hash, rule.settings_text] for rule in self.evaluated}
        lists = {name: watched.hash for name, watched in self.lists.items()}
        model = {} if self.scorer is None else {"model": self.scorer.hash}
        return sha256(canonical({**self._around(), **model, "rules": rules, "lists": lists}).encode()).hexdigest()

    def with_rules(self, stored: Iterable[Rule[Kind]], lists: Iterable[WatchList] = ()) -> RuleConfig:
        """This configuration with rules and lists of a store over it: an id that the store knows is the store's alone."""
        given = list(stored)
        ids = {rule.rule_id for rule in given}
        kept = [rule for rule in self.rules if rule.rule_id not in ids]
        return replace(
            self, rules=_ordered([*kept, *given]), lists={**self.lists, **{each.name: each for each in lists}}
        )

    def only(self, *rules: Rule[Kind]) -> RuleConfig:
        """This configuration with these rules and no others."""
        return replace(self, rules=_ordered(rules))

    def _of(self, kind: type[Any]) -> tuple[Any, ...]:
        """The evaluated rules whose kind is, or derives from, this one."""
        return tuple(rule for rule in self.evaluated if isinstance(rule.kind, kind))

    def _around(self) -> dict[str, Json]:
        return {
            "accounts": write_settings(self.accounts),
            "transactions": write_settings(self.transactions),
            **write_settings(self.surroundings),
        }


def parse_rule_config(text: str) -> RuleConfig:
    """Read a configuration; ``InputError`` names what is wrong with it."""
    given = _object(parse_strict(text, "the rule configuration", MAX_CHARACTERS), "the rule configuration")
    surroundings = {key: value for key, value in given.items() if key not in {"accounts", "transactions", "rules"}}
    known = {"accounts", "transactions", "rules", *write_settings(Surroundings())}
    refuse_unknown(given, dict.fromkeys(known), "the rule configuration")
    config = RuleConfig(
        read_settings(AccountShape, given.get("accounts", {}), "accounts"),
        read_settings(TransactionShape, given.get("transactions", {}), "transactions"),
        read_settings(Surroundings, surroundings, "the rule configuration"),
        _overridden(_object(given.get("rules", {}), "rules")),
    )
    if config.accounts.table == config.transactions.table:
        raise InputError(f"accounts.table and transactions.table are both {config.accounts.table!r}")
    return config


def _overridden(given: Mapping[str, Json]) -> tuple[Rule[Kind], ...]:
    """The catalogue with parameters, severities, statuses and terms of alerts of this deployment over it."""
    rules = {rule.rule_id.removeprefix(_PREFIX): rule for rule in catalogue()}
    refuse_unknown(given, rules, "rules")
    for name, settings in given.items():
        rules[name] = _override(rules[name], _object(settings, f"rules.{name}"))
    return _ordered(rules.values())


def _override(rule: Rule[Kind], settings: Mapping[str, Json]) -> Rule[Kind]:
    body = rule.document.render()
    own = {key: value for key, value in settings.items() if key in {"severity", "status", "alert"}}
    parameters = {key: value for key, value in settings.items() if key not in own}
    trees = {} if rule.document.when is None or rule.tree is None else {rule.document.when: rule.tree}
    written = _object(body["parameters"], "parameters")
    document = parse_rule_document({**body, **own, "parameters": {**written, **parameters}})
    return bind(document, trees)


def _ordered(rules: Iterable[Rule[Kind]]) -> tuple[Rule[Kind], ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.rule_id, rule.document.status is RuleStatus.SHADOW)))


def _object(value: Json, what: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise InputError(f"{what} must be an object, not {repr(value)[:80]}")
    return value
