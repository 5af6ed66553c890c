"""What must be found in a bank's history, worked out the long way: every rule looks at everything again at every event.

Shares nothing with the detector: no state, no windows kept, no edges remembered. The rules are written down from their
definitions, with the defaults of docs/runbook.md, for histories short enough that nothing reaches a bound.
"""

from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Moved(NamedTuple):
    number: int
    at: object
    payer: str
    payee: str
    amount: Decimal
    currency: str


def expected(history):
    """(rule, block number, account) of everything that must be found."""
    moved = list(movements(history))
    return {
        *edges(moved, "velocity-count", too_many, by_currency=False),
        *edges(moved, "velocity-sum", too_much),
        *edges(moved, "structuring", structured),
        *edges(moved, "rapid-in-out", passed_through),
        *new_payees(moved),
        *duplicates(history),
        *negatives(history),
        *imbalances(history),
    }


def movements(history):
    """Transfers in the revision in which they first took effect."""
    done = set()
    for chapter in history:
        for each in sorted(chapter.written, key=lambda row: row.version):
            if each.table != "Transactions" or each.document_id in done or each.data["status"] != "COMPLETED":
                continue
            done.add(each.document_id)
            data = each.data
            yield Moved(
                chapter.number, chapter.at, data["fromAccountId"], data["toAccountId"], data["amount"], data["currency"]
            )


def edges(moved, rule, condition, *, by_currency=True):
    """A finding wherever the condition holds and did not at the account's outflow before."""
    for index, event in enumerate(moved):
        earlier = [
            position
            for position in range(index)
            if moved[position].payer == event.payer and (not by_currency or moved[position].currency == event.currency)
        ]
        if condition(moved, index) and not (earlier and condition(moved, earlier[-1])):
            yield rule, event.number, event.payer


def within(moved, index, span):
    return [each for each in moved[: index + 1] if abs(each.at - moved[index].at) < span]


def out_of(moved, index, span):
    event = moved[index]
    same = [each for each in within(moved, index, span) if each.payer == event.payer]
    return [each for each in same if each.currency == event.currency]


def too_many(moved, index):
    return sum(each.payer == moved[index].payer for each in within(moved, index, HOUR)) > 20


def too_much(moved, index):
    return sum(each.amount for each in out_of(moved, index, DAY)) > 50_000


def structured(moved, index):
    return sum(8_000 <= each.amount < 10_000 for each in out_of(moved, index, DAY)) >= 3


def passed_through(moved, index):
    event = moved[index]
    recent = [each for each in within(moved, index, DAY) if each.currency == event.currency]
    large = [each.payee == event.payer and each.amount >= 5_000 for each in recent]
    if not any(large):
        return False
    came = sum(each.amount for each, is_large in zip(recent, large, strict=True) if is_large)
    went = sum(each.amount for each in recent[large.index(True) :] if each.payer == event.payer)
    return Decimal("0.9") * came <= went <= Decimal("1.1") * came


def new_payees(moved):
    for index, event in enumerate(moved):
        paid = {each.payee for each in moved[:index] if each.payer == event.payer}
        if paid and event.payee not in paid and event.amount >= 5_000:
            yield "new-payee-high-value", event.number, event.payer


def duplicates(history):
    carriers = {}
    for chapter in history:
        for each in sorted(chapter.written, key=lambda row: row.version):
            if each.table == "Transactions":
                known = carriers.setdefault(each.data["transactionId"], [each.document_id])
                if each.document_id not in known:
                    known.append(each.document_id)
                    yield "duplicate-transaction-id", chapter.number, each.data["fromAccountId"]


def negatives(history):
    last = {}
    for chapter in history:
        for each in sorted(chapter.written, key=lambda row: row.version):
            if each.table == "Accounts":
                if each.data["balance"] < 0 <= last.get(each.document_id, Decimal(0)):
                    yield "negative-balance", chapter.number, each.data["accountId"]
                last[each.document_id] = each.data["balance"]


def imbalances(history):
    balances = {}
    moved_in = {}
    for each in movements(history):
        moved_in.setdefault(each.number, []).append(each)
    for chapter in history:
        legs = {}
        for each in moved_in.get(chapter.number, []):
            legs[each.payer] = legs.get(each.payer, 0) - each.amount
            legs[each.payee] = legs.get(each.payee, 0) + each.amount
        before = dict(balances)
        touched = [each for each in chapter.written if each.table == "Accounts"]
        for each in touched:
            balances[each.data["accountId"]] = each.data["balance"]
        changed = {each.data["accountId"] for each in touched if each.data["accountId"] in before}
        opened = {each.data["accountId"] for each in touched} - changed
        counted = changed | {account for account in opened if account in legs}
        off = False
        for account in sorted(counted | {each for each in legs if each in before}):
            change = balances[account] - before.get(account, 0)
            if change != legs.get(account, 0):
                off = True
                yield "conservation-of-money", chapter.number, account
        if not off and sum(balances[each] - before.get(each, 0) for each in counted) != 0:
            moved = sorted(each for each in counted if balances[each] != before.get(each, 0))
            yield "conservation-of-money", chapter.number, moved[0]
