"""A court for single rules: blocks are given as what was read from them, and what is newly found is given back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.judgement import Contents, Judge
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.transfer import Balance, Source, Transfer
from counterfoil.journal import BlockAddress

STRAND = "JdxjkR9bSYB5jMHWcI464T"
MORNING = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)
_NUMBERS = count()


def source(document_id, version, at=MORNING):
    return Source(document_id, version, f"{next(_NUMBERS):064x}", at)


def pay(payer, payee, amount, *, currency="EUR", transaction_id=None, document_id=None, version=0, effective=True):
    number = next(_NUMBERS)
    return Transfer(
        source(document_id or f"doc{number}", version),
        transaction_id or f"T-{number}",
        payer,
        payee,
        Decimal(amount),
        currency,
        effective,
        "",
    )


def balance(account_id, amount, version, *, currency="EUR", document_id=None):
    return Balance(source(document_id or f"of-{account_id}", version), account_id, Decimal(amount), currency)


@dataclass
class Court:
    """Judges one block after the other; ``rules`` are the settings as JSON."""

    rules: str = "{}"
    next_no: int = 0
    book: AccountBook = field(default_factory=lambda: AccountBook(STRAND, {}))

    def __post_init__(self):
        self.config = parse_rule_config(self.rules)
        self.judge = Judge(self.book, self.config, MORNING)

    def block(self, *items, after=0, complete=True, unreadable=()):
        """What is told of a block ``after`` so many seconds (or a timedelta) since the morning."""
        at = MORNING + (after if isinstance(after, timedelta) else timedelta(seconds=after))
        timed = [item._replace(source=item.source._replace(at=at)) for item in items]
        contents = Contents(
            BlockAddress(STRAND, self.next_no),
            complete,
            tuple(each for each in timed if isinstance(each, Transfer)),
            tuple(each for each in timed if isinstance(each, Balance)),
            tuple(unreadable),
        )
        self.next_no += 1
        before = set(self.judge.findings)
        self.judge.judge(contents)
        return [finding for name, finding in self.judge.findings.items() if name not in before and not finding.shadow]

    def rules_of(self, *items, **options):
        return [finding.rule_id.removeprefix("fraud.") for finding in self.block(*items, **options)]


def only(rule, **settings):
    """A configuration in which this rule alone is enabled."""
    import json

    every = [each.rule_id.removeprefix("fraud.") for each in parse_rule_config("{}").rules]
    rules = {name: {"status": "paused"} for name in every}
    rules[rule] = {"status": "active", **settings}
    return json.dumps({"rules": rules})
