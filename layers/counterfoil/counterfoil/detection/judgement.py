"""A block judged by the fraud rules: account states before it in, findings and states behind it out.

Blocks of a strand are judged in order, each once per account. After a crash some of a block's accounts may be ahead of it:
their states hold this block already, others' do not. Findings are written before any state (services/detect), so that one
account ahead means that every finding of this block was written: what concerns an account that is ahead is then not judged
again, nor is what concerns several accounts at once, and the others are brought up to the block as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from counterfoil.detection.account import AccountState, Holding, Movement
from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.finding import Finding
from counterfoil.detection.fraud_rules import AccountRule, BlockRule, Event, Sighting
from counterfoil.detection.fraud_rules.conservation import Tally
from counterfoil.detection.fraud_rules.sighting import instant, listed, microseconds, money_text
from counterfoil.detection.money import plain
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.transfer import Balance, Source, Transfer, Unreadable, read_document
from counterfoil.journal import BlockAddress, Revision


class AssembledBlock(NamedTuple):
    """A verified block with its verified revisions, each with its table's name, in the block's own order.

    ``complete`` of ``False``: revisions that the block lists are missing.
    """

    address: BlockAddress
    revisions: tuple[tuple[str, Revision], ...]
    complete: bool


class Contents(NamedTuple):
    """What of a block the rules look at, in the block's order; versions of one document from old to new."""

    address: BlockAddress
    complete: bool
    transfers: tuple[Transfer, ...]
    balances: tuple[Balance, ...]
    unreadable: tuple[Unreadable, ...]

    def account_ids(self) -> set[str]:
        parties = {party for each in self.transfers for party in (each.from_account, each.to_account)}
        named = {each.account_id for each in self.unreadable if each.account_id and each.what == "account"}
        return parties | named | {each.account_id for each in self.balances}

    def transaction_ids(self) -> set[str]:
        return {each.transaction_id for each in self.transfers}


def contents_of(block: AssembledBlock, config: RuleConfig) -> Contents:
    readings = [
        read_document(table, revision, config.accounts, config.transactions) for table, revision in block.revisions
    ]
    found = sorted((each for each in readings if each is not None), key=lambda each: each.source.version)
    return Contents(
        block.address,
        block.complete,
        tuple(each for each in found if isinstance(each, Transfer)),
        tuple(each for each in found if isinstance(each, Balance)),
        tuple(each for each in found if isinstance(each, Unreadable)),
    )


@dataclass(slots=True)
class Judge:
    """Judges blocks of one strand in order, changing the states in ``book``; ``findings`` are by id, in the order found."""

    book: AccountBook
    config: RuleConfig
    found_at: datetime
    findings: dict[str, Finding] = field(default_factory=dict)

    def judge(self, contents: Contents) -> None:
        """Judge the next block and bring the states of its accounts up to it."""
        number = contents.address.sequence_no
        outside = frozenset(self.config.surroundings.external_accounts)
        accounts = {each: self.book.account(each) for each in sorted(contents.account_ids() - outside)}
        behind = {each: state for each, state in accounts.items() if state.applied < number}
        tally = Tally(outside, known={each for each, state in accounts.items() if state.holdings})
        tally.unclear = accounts.keys() - behind.keys()
        self._unreadable(contents, behind, tally)
        moving = [each for each in contents.transfers if self._enter(contents.address, each, tally)]
        self._balances(contents, behind, tally)
        if self.config.conservation_of_money.enabled and contents.complete:
            self._conserve(contents, tally)
        for transfer in moving:
            self._move(contents.address, transfer, behind)
        for state in behind.values():
            state.applied = number

    def judge_alone(self, contents: Contents) -> None:
        """Judge a block that came too late for its turn, by what it says alone; no state is read or changed."""
        self._unreadable(contents, {}, Tally(frozenset()))
        rule = self.config.negative_balance
        for balance in contents.balances:
            if rule.enabled and balance.amount < rule.minimum.of(balance.currency):
                self._negative(contents.address, balance)

    def _unreadable(self, contents: Contents, behind: dict[str, AccountState], tally: Tally) -> None:
        for each in contents.unreadable:
            is_transfer = each.what == "transfer"
            rule = self.config.unreadable_transfer if is_transfer else self.config.unreadable_account
            if rule.enabled:
                subject = f"{each.source.document_id}-{each.source.version}"
                reason = f"document {each.source.document_id} is not a readable {each.what}: {each.reason}"
                self._find(rule, contents.address, subject, reason, {}, each.source, each.account_id)
            if is_transfer:
                continue
            if each.account_id is None:
                tally.all_clear = False
                continue
            tally.unclear.add(each.account_id)
            if each.account_id in behind:
                behind[each.account_id].holdings.pop(each.source.document_id, None)

    def _enter(self, address: BlockAddress, transfer: Transfer, tally: Tally) -> bool:
        """Take a transfer's document in; whether its money moves in this block."""
        state, source = self.book.transaction(transfer.transaction_id), transfer.source
        rule = self.config.duplicate_transaction_id
        if rule.enabled and state.is_new_duplicate(source.document_id, source.version):
            first = next(iter(state.carriers))
            subject = f"{transfer.transaction_id}:{source.document_id}"
            reason = (
                f"transaction id {transfer.transaction_id} of document {first} is used again by {source.document_id}"
            )
            evidence = {"first_document_id": first} | _about(transfer)
            self._find(rule, address, subject, reason, evidence, source, transfer.from_account)
        moves = state.moves(source.document_id, source.version, effective=transfer.effective)
        state.see(source.document_id, source.version, moves=moves)
        tally.transfer(transfer, moves=moves)
        return bool(moves)

    def _balances(self, contents: Contents, behind: dict[str, AccountState], tally: Tally) -> None:
        rule = self.config.negative_balance
        for balance in contents.balances:
            state, source = behind.get(balance.account_id), balance.source
            if state is None:
                continue
            tally.balance(balance, state.holdings.get(source.document_id))
            state.hold(source.document_id, Holding(source.version, balance.amount, balance.currency))
            below = balance.amount < rule.minimum.of(balance.currency)
            if rule.enabled and state.rises(f"{rule.rule_id}:{source.document_id}", holds=below):
                self._negative(contents.address, balance)

    def _negative(self, address: BlockAddress, balance: Balance) -> None:
        rule = self.config.negative_balance
        minimum = rule.minimum.of(balance.currency)
        reason = (
            f"the balance of {balance.account_id} is {money_text(balance.amount, balance.currency)}; "
            f"it may not be below {plain(minimum)}"
        )
        evidence = {"balance": plain(balance.amount), "currency": balance.currency, "minimum": plain(minimum)}
        subject = f"{balance.account_id}:{balance.currency}"
        self._find(rule, address, subject, reason, evidence, balance.source, balance.account_id)

    def _conserve(self, contents: Contents, tally: Tally) -> None:
        sources = {each.account_id: each.source for each in contents.balances}
        for transfer in contents.transfers:
            sources.setdefault(transfer.from_account, transfer.source)
            sources.setdefault(transfer.to_account, transfer.source)
        involved = _all_of(contents)
        for imbalance in tally.imbalances():
            subject, account_id, reason, evidence = imbalance
            source = sources.get(account_id or "", next(iter(sources.values())))
            self._find(
                self.config.conservation_of_money,
                contents.address,
                subject,
                reason,
                evidence | involved,
                source,
                account_id,
            )

    def _move(self, address: BlockAddress, transfer: Transfer, behind: dict[str, AccountState]) -> None:
        out = _movement(address, transfer, incoming=False)
        horizon = self.config.horizon
        if payer := behind.get(transfer.from_account):
            event = Event(out, transfer.to_account, transfer.to_account not in payer.payees, len(payer.payees))
            payer.move(out, horizon)
            for rule in self.config.account_rules:
                self._ask(rule, address, transfer, payer, event)
            payer.pay(transfer.to_account)
        inflow = _movement(address, transfer, incoming=True)
        payee = behind.get(transfer.to_account)
        if payee is not None and any(rule.needs(inflow) for rule in self.config.account_rules):
            payee.move(inflow, horizon)

    def _ask(
        self, rule: AccountRule, address: BlockAddress, transfer: Transfer, payer: AccountState, event: Event
    ) -> None:
        account_id = transfer.from_account
        sighting = rule.sees(account_id, payer, event)
        if rule.has_edge and not payer.rises(f"{rule.rule_id}:{rule.scope(event)}", holds=sighting is not None):
            return
        if sighting is not None:
            subject = f"{account_id}:{sighting.scope}" if sighting.scope else account_id
            evidence = _about(transfer) | _all_in(sighting) | dict(sighting.evidence)
            self._find(rule, address, subject, sighting.reason, evidence, transfer.source, account_id)

    def _find(
        self,
        rule: AccountRule | BlockRule,
        address: BlockAddress,
        subject: str,
        reason: str,
        evidence: dict[str, str],
        source: Source,
        account_id: str | None,
    ) -> None:
        finding = Finding(
            rule_id=rule.rule_id,
            severity=rule.severity,
            place=str(address),
            reason=reason,
            found_at=self.found_at,
            subject=subject,
            evidence=evidence
            | {
                "block_address": str(address),
                "revision_hash": source.revision_hash,
                "version": str(source.version),
                "tx_time": instant(microseconds(source.at)),
                "rule_settings": self.config.settings_text[rule.rule_id],
                "rule_config_version": self.config.version,
            },
            account_id=account_id,
            document_id=source.document_id,
        )
        self.findings.setdefault(finding.finding_id, finding)


def _movement(address: BlockAddress, transfer: Transfer, *, incoming: bool) -> Movement:
    source = transfer.source
    return Movement(
        microseconds(source.at),
        address.sequence_no,
        incoming,
        transfer.amount,
        transfer.currency,
        transfer.transaction_id,
        source.document_id,
        source.revision_hash,
    )


def _about(transfer: Transfer) -> dict[str, str]:
    return {
        "transaction_id": transfer.transaction_id,
        "from_account": transfer.from_account,
        "to_account": transfer.to_account,
        "amount": plain(transfer.amount),
        "currency": transfer.currency,
        "business_time": transfer.business_time,
    }


def _all_in(sighting: Sighting) -> dict[str, str]:
    seen = sighting.movements
    return {
        "transaction_ids": listed(each.transaction_id for each in seen),
        "document_ids": listed(each.document_id for each in seen),
        "revision_hashes": listed(each.revision_hash for each in seen),
        "amounts": listed(plain(each.amount) for each in seen),
        "blocks": listed(str(each.sequence_no) for each in seen),
    }


def _all_of(contents: Contents) -> dict[str, str]:
    documents: Iterable[Transfer | Balance] = (*contents.transfers, *contents.balances)
    sources = [each.source for each in documents]
    return {
        "transaction_ids": listed(each.transaction_id for each in contents.transfers),
        "document_ids": listed(each.document_id for each in sources),
        "revision_hashes": listed(each.revision_hash for each in sources),
        "amounts": listed(plain(each.amount) for each in contents.transfers),
    }
