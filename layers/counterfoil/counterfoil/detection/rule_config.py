"""Which rules apply, with which settings, to which documents: read from JSON, strictly, and named by a hash.

    {"accounts": {"table": "Accounts", "balance": "balance", ...},
     "transactions": {"table": "Transactions", "effective": ["COMPLETED"], ...},
     "external_accounts": ["CASH"],
     "transaction_memory_days": 365,
     "rules": {"velocity-count": {"limit": 20, "window_seconds": 3600, "severity": "HIGH", "enabled": true}, ...}}

Everything may be left out; ``{}`` is the defaults. Money and ratios are strings, so that no reader rounds them. A key that
is not known, a value of another type or outside its limits is an ``InputError`` that names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, NoReturn

from counterfoil.detection.fraud_rules import (
    AccountRule,
    BlockRule,
    ConservationOfMoney,
    DuplicateTransactionId,
    NegativeBalance,
    NewPayeeHighValue,
    RapidInOut,
    Structuring,
    UnreadableAccount,
    UnreadableTransfer,
    VelocityCount,
    VelocitySum,
)
from counterfoil.detection.parameters import NAMES, Json, read_settings, refuse_unknown, whole, write_settings
from counterfoil.detection.transfer import AccountShape, TransactionShape
from counterfoil.errors import InputError

MAX_CHARACTERS: Final = 65_536

_PREFIX: Final = "fraud."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is true for all rules.

    ``external_accounts`` stand for the world outside the ledger: they have no balance here, no past, and no rule looks at them.
    ``transaction_memory_days`` is how long a transaction id is remembered; keep it longer than the stream and its redrives reach.
    """

    external_accounts: tuple[str, ...] = field(default=(), metadata=NAMES)
    transaction_memory_days: int = field(default=365, metadata=whole(1, 3_650))


@dataclass(frozen=True)
class RuleConfig:
    accounts: AccountShape = field(default_factory=AccountShape)
    transactions: TransactionShape = field(default_factory=TransactionShape)
    surroundings: Surroundings = field(default_factory=Surroundings)
    velocity_count: VelocityCount = field(default_factory=VelocityCount)
    velocity_sum: VelocitySum = field(default_factory=VelocitySum)
    structuring: Structuring = field(default_factory=Structuring)
    rapid_in_out: RapidInOut = field(default_factory=RapidInOut)
    new_payee_high_value: NewPayeeHighValue = field(default_factory=NewPayeeHighValue)
    duplicate_transaction_id: DuplicateTransactionId = field(default_factory=DuplicateTransactionId)
    negative_balance: NegativeBalance = field(default_factory=NegativeBalance)
    conservation_of_money: ConservationOfMoney = field(default_factory=ConservationOfMoney)
    unreadable_transfer: UnreadableTransfer = field(default_factory=UnreadableTransfer)
    unreadable_account: UnreadableAccount = field(default_factory=UnreadableAccount)

    @cached_property
    def account_rules(self) -> tuple[AccountRule, ...]:
        """The enabled rules on one account's past, in the order they are asked."""
        return tuple(rule for rule in self._rules if isinstance(rule, AccountRule) and rule.enabled)

    @cached_property
    def horizon(self) -> int:
        """Microseconds that the past of an account must reach back for the enabled rules."""
        return max((rule.horizon_seconds for rule in self.account_rules), default=0) * 1_000_000

    @cached_property
    def version(self) -> str:
        """SHA-256 of the configuration in force, defaults included: equal for equal behaviour, however it was written."""
        return sha256(_canonical(self.render()).encode()).hexdigest()

    @cached_property
    def settings_text(self) -> Mapping[str, str]:
        """Settings by rule id as JSON, for evidence."""
        return {rule.rule_id: _canonical(write_settings(rule)) for rule in self._rules}

    @property
    def _rules(self) -> tuple[AccountRule | BlockRule, ...]:
        return tuple(value for value in vars(self).values() if isinstance(value, (AccountRule, BlockRule)))

    def render(self) -> dict[str, Json]:
        """The whole configuration as ``parse_rule_config`` takes it."""
        return {
            "accounts": write_settings(self.accounts),
            "transactions": write_settings(self.transactions),
            **write_settings(self.surroundings),
            "rules": {rule.rule_id.removeprefix(_PREFIX): write_settings(rule) for rule in self._rules},
        }


_RULES: Final = {rule.rule_id.removeprefix(_PREFIX): type(rule) for rule in RuleConfig()._rules}  # noqa: SLF001 - its own module


def parse_rule_config(text: str) -> RuleConfig:
    """Read a configuration; ``InputError`` names what is wrong with it."""
    given = _object(_parse_json(text), "the rule configuration")
    surroundings = {key: value for key, value in given.items() if key not in {"accounts", "transactions", "rules"}}
    known = {"accounts", "transactions", "rules", *write_settings(Surroundings())}
    refuse_unknown(given, dict.fromkeys(known), "the rule configuration")
    rules = _object(given.get("rules", {}), "rules")
    refuse_unknown(rules, _RULES, "rules")
    settings: dict[str, Any] = {
        each.replace("-", "_"): read_settings(_RULES[each], value, f"rules.{each}") for each, value in rules.items()
    }
    config = RuleConfig(
        read_settings(AccountShape, given.get("accounts", {}), "accounts"),
        read_settings(TransactionShape, given.get("transactions", {}), "transactions"),
        read_settings(Surroundings, surroundings, "the rule configuration"),
        **settings,
    )
    _check_together(config)
    return config


def _check_together(config: RuleConfig) -> None:
    if config.accounts.table == config.transactions.table:
        raise InputError(f"accounts.table and transactions.table are both {config.accounts.table!r}")
    if config.rapid_in_out.lower_ratio > config.rapid_in_out.upper_ratio:
        raise InputError("rules.rapid-in-out.lower_ratio is above upper_ratio: no ratio is between them")


def _parse_json(text: str) -> Json:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a rule configuration of {len(text)} characters; at most {MAX_CHARACTERS} are read")
    try:
        parsed: Json = json.loads(
            text, parse_float=_no_float, parse_constant=_no_float, object_pairs_hook=_without_repetition
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"the rule configuration is not JSON: {error}") from None
    return parsed


def _no_float(text: str) -> NoReturn:
    raise InputError(f"{text} in the rule configuration: amounts and ratios are written as strings")


def _without_repetition(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError(f"a setting is given twice in the rule configuration, among {', '.join(sorted(found))[:200]}")
    return found


def _object(value: Json, what: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise InputError(f"{what} must be an object, not {repr(value)[:80]}")
    return value


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
