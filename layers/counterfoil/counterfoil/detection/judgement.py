"""A block judged by the fraud rules: account states before it in, findings and states behind it out.

Blocks of a strand are judged in order, each once per account. After a crash some of a block's accounts may be ahead of it:
their states hold this block already, others' do not. Findings are written before any state (services/detect), so that one
account ahead means that every finding of this block was written: what concerns an account that is ahead is then not judged
again, nor is what concerns several accounts at once, and the others are brought up to the block as if nothing had happened.

What is looked for is in the rules (``rule``): the judge asks each rule by the class of its kind, in the configuration's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any, Final, NamedTuple

from counterfoil.detection.account import AccountState, Holding, Movement, party_of
from counterfoil.detection.account_book import AccountBook
from counterfoil.detection.finding import Finding
from counterfoil.detection.fraud_rules import (
    AccountKind,
    ConservationOfMoney,
    Contribution,
    Network,
    Sighting,
)
from counterfoil.detection.fraud_rules.conservation import Tally
from counterfoil.detection.fraud_rules.event import Event, instant, microseconds
from counterfoil.detection.fraud_rules.kind import Value, Values
from counterfoil.detection.fraud_rules.network import MODEL_SCORE
from counterfoil.detection.fraud_rules.texts import listed
from counterfoil.detection.money import plain, total
from counterfoil.detection.network.measures import PLACES
from counterfoil.detection.network.model import Scorer
from counterfoil.detection.network.observation import Observation, observe
from counterfoil.detection.rule import Rule, shown
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.transfer import Balance, Source, Statement, Transfer, Unreadable, read_document
from counterfoil.journal import BlockAddress, Revision

# A finding by a model names this many of the measures that made it, those that did most.
MAX_EXPLAINED: Final = 12


class AssembledBlock(NamedTuple):
    """A verified block with its verified revisions, each with its table's name, in the block's own order.

    ``complete`` of ``False``: revisions that the block lists are missing.
    """

    address: BlockAddress
    revisions: tuple[tuple[str, Revision], ...]
    complete: bool
    statements: tuple[Statement, ...] = ()


class Contents(NamedTuple):
    """What of a block the rules look at, in the block's order; versions of one document from old to new."""

    address: BlockAddress
    complete: bool
    transfers: tuple[Transfer, ...]
    balances: tuple[Balance, ...]
    unreadable: tuple[Unreadable, ...]
    statements: tuple[Statement, ...] = ()

    def account_ids(self) -> set[str]:
        parties = {party for each in self.transfers for party in (each.from_account, each.to_account)}
        named = {each.account_id for each in self.unreadable if each.account_id and each.what == "account"}
        return parties | named | {each.account_id for each in self.balances}

    def transaction_ids(self) -> set[str]:
        return {each.transaction_id for each in self.transfers}


class Ground(NamedTuple):
    """What a finding stands on: the revision or statement it was seen in, and the account it is about."""

    evidence: Mapping[str, str]
    account_id: str | None
    document_id: str | None


class Assessment(NamedTuple):
    """What the rules, and a model if one is asked, say of a transfer between two accounts."""

    observation: Observation
    contributions: tuple[Contribution, ...]

    @property
    def by_typology(self) -> dict[str, int]:
        """The scores of the rules added up, by typology."""
        found: dict[str, int] = {}
        for each in self.contributions:
            found[each.typology] = found.get(each.typology, 0) + each.score
        return found


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
        block.statements,
    )


@dataclass(slots=True)
class Judge:
    """Judges blocks of one strand in order, changing the states in ``book``; ``findings`` are by id, in the order found."""

    book: AccountBook
    config: RuleConfig
    found_at: datetime
    scorer: Scorer | None = None
    findings: dict[str, Finding] = field(default_factory=dict)
    assessments: list[Assessment] = field(default_factory=list)
    _contributions: dict[str, list[Contribution]] = field(default_factory=dict)

    def judge(self, contents: Contents) -> None:
        """Judge the next block and bring the states of its accounts up to it."""
        number = contents.address.sequence_no
        outside = self.config.external_accounts
        accounts = {each: self.book.account(each) for each in sorted(contents.account_ids() - outside)}
        behind = {each: state for each, state in accounts.items() if state.applied < number}
        tally = Tally(outside, known={each for each, state in accounts.items() if state.holdings})
        tally.unclear = accounts.keys() - behind.keys()
        held = {each: tuple(state.holdings.values()) for each, state in behind.items()}
        self._statements(contents)
        self._unreadable(contents, behind, tally)
        moving = [each for each in contents.transfers if self._enter(contents.address, each, tally)]
        self._balances(contents, behind, tally)
        if contents.complete:
            for rule in self.config.conservation_rules:
                self._conserve(rule, contents, tally)
        self._contributions.clear()
        for transfer in moving:
            self._move(contents.address, transfer, behind, held)
        self._observe(contents, moving, accounts, behind)
        for state in behind.values():
            state.applied = number

    def judge_alone(self, contents: Contents) -> None:
        """Judge a block that came too late for its turn, by what it says alone; no state is read or changed."""
        self._statements(contents)
        self._unreadable(contents, {}, Tally(frozenset()))
        for rule in self.config.balance_rules:
            for balance in contents.balances if rule.kind.stands_alone else ():
                if sighting := rule.kind.sees(balance, None):
                    self._find(rule, contents.address, sighting, _ground(balance.source, balance.account_id))

    def _statements(self, contents: Contents) -> None:
        for rule in self.config.statement_rules:
            for statement in contents.statements:
                if sighting := rule.kind.sees(statement, rule.when):
                    evidence = {
                        "tx_time": instant(microseconds(statement.at)),
                        "statement_number": str(statement.number),
                    }
                    self._find(rule, contents.address, sighting, Ground(evidence, None, None))

    def _unreadable(self, contents: Contents, behind: dict[str, AccountState], tally: Tally) -> None:
        for each in contents.unreadable:
            for rule in self.config.unreadable_rules:
                if rule.kind.what == each.what:
                    values = {"document": each.source.document_id, "what": each.what, "problem": each.reason}
                    sighting = Sighting(f"{each.source.document_id}-{each.source.version}", values)
                    self._find(rule, contents.address, sighting, _ground(each.source, each.account_id))
            if each.what == "transfer":
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
        for rule in self.config.entry_rules:
            if sighting := rule.kind.sees(transfer, state):
                ground = _ground(source, transfer.from_account, _about(transfer))
                self._find(rule, address, sighting, ground)
        moves = state.moves(source.document_id, source.version, effective=transfer.effective)
        state.see(source.document_id, source.version, moves=moves)
        tally.transfer(transfer, moves=moves)
        return bool(moves)

    def _balances(self, contents: Contents, behind: dict[str, AccountState], tally: Tally) -> None:
        for balance in contents.balances:
            state, source = behind.get(balance.account_id), balance.source
            if state is None:
                continue
            previous = state.holdings.get(source.document_id)
            tally.balance(balance, previous)
            state.hold(source.document_id, Holding(source.version, balance.amount, balance.currency))
            for rule in self.config.balance_rules:
                sighting = rule.kind.sees(balance, None if previous is None else previous.version)
                name = f"{rule.name}:{source.document_id}"
                if rule.kind.has_edge and not state.rises(name, holds=sighting is not None):
                    continue
                if sighting is not None:
                    self._find(rule, contents.address, sighting, _ground(source, balance.account_id))

    def _conserve(self, rule: Rule[ConservationOfMoney], contents: Contents, tally: Tally) -> None:
        imbalances = tally.imbalances(rule.kind.tolerance)
        if not imbalances:
            return
        sources = {each.account_id: each.source for each in contents.balances}
        for transfer in contents.transfers:
            sources.setdefault(transfer.from_account, transfer.source)
            sources.setdefault(transfer.to_account, transfer.source)
        involved = _all_of(contents)
        for each in imbalances:
            source = sources.get(each.account_id or "", next(iter(sources.values())))
            values: Values = {
                "account": each.account_id or "",
                "currency": each.currency,
                "finding": each.reason,
                "off_by": each.off_by,
            }
            sighting = Sighting(each.subject, values, (), each.evidence | involved)
            self._find(rule, contents.address, sighting, _ground(source, each.account_id))

    def _move(
        self,
        address: BlockAddress,
        transfer: Transfer,
        behind: dict[str, AccountState],
        held: Mapping[str, tuple[Holding, ...]],
    ) -> None:
        at = microseconds(transfer.source.at)
        if payer := behind.get(transfer.from_account):
            is_new = transfer.to_account not in payer.payees
            out = _movement(address, transfer, at, incoming=False, is_new=is_new)
            event = self._event(transfer.from_account, payer, out, transfer, held)
            payer.movements.add(out, self.config.horizon)
            self._ask_all(self.config.outflow_rules, address, event)
            payer.pay(transfer.to_account, out)
        if payee := behind.get(transfer.to_account):
            inflow = _movement(address, transfer, at, incoming=True, is_new=False)
            if any(rule.kind.needs(inflow, rule.when) for rule in self.config.inflow_keepers):
                payee.movements.add(inflow, self.config.horizon)
            event = self._event(transfer.to_account, payee, inflow, transfer, held)
            self._ask_all(self.config.inflow_rules, address, event)

    def _event(
        self,
        account_id: str,
        state: AccountState,
        movement: Movement,
        transfer: Transfer,
        held: Mapping[str, tuple[Holding, ...]],
    ) -> Event:
        before = _balance_in(transfer.currency, held[account_id])
        lists = self.config.lists
        return Event(account_id, state, movement, transfer, len(state.payees), state.last_out, before, lists)

    def _observe(
        self,
        contents: Contents,
        moving: Sequence[Transfer],
        accounts: Mapping[str, AccountState],
        behind: Mapping[str, AccountState],
    ) -> None:
        """Ask the rules on the network of accounts, and what all rules together say of each transfer."""
        places = {id(each): ordinal for ordinal, each in enumerate(contents.transfers)}
        look = observe(
            contents.address.sequence_no,
            [(places[id(each)], microseconds(each.source.at), each) for each in moving],
            {name: state.profile for name, state in behind.items()},
            {name: state.profile for name, state in accounts.items() if name not in behind},
            self.scorer,
            self.config.cash_accounts,
        )
        for observation in look.observations:
            self._judge_observed(contents.address, observation)
        look.take_in()

    def _judge_observed(self, address: BlockAddress, observation: Observation) -> None:
        transfer = observation.transfer
        for rule in self.config.network_rules:
            kind = rule.kind
            value = kind.value(observation, rule.when)
            if value is None:
                continue
            self._contribute(rule, kind.numbers(observation, value), transfer)
            if not kind.contributes:
                sighting = self._explained(rule, kind.sighting(observation, value), observation)
                self._find_observed(rule, address, sighting, transfer)
        made = tuple(self._contributions.get(transfer.source.revision_hash, ()))
        for typology in self.config.typology_rules:
            if added_up := typology.kind.sees(observation, made):
                self._find_observed(typology, address, added_up, transfer)
        self.assessments.append(Assessment(observation, made))

    def _find_observed(self, rule: Rule[Any], address: BlockAddress, sighting: Sighting, transfer: Transfer) -> None:
        ground = _ground(transfer.source, transfer.from_account, _about(transfer))
        subject = sighting._replace(scope=f"{transfer.from_account}:{transfer.source.document_id}")
        self._find(rule, address, subject, ground)

    def _explained(self, rule: Rule[Network], sighting: Sighting, observation: Observation) -> Sighting:
        """A finding by the model says which measures made it."""
        if rule.kind.on != MODEL_SCORE or self.scorer is None:
            return sighting
        owed = self.scorer.contributions(observation.measures.all())
        told = [[name, f"{observation.measures[PLACES[name]]:g}", f"{part:+.3f}"] for name, part in owed.items()]
        return sighting._replace(
            evidence={**sighting.evidence, "contributions": dumps(told[:MAX_EXPLAINED]), "model_hash": self.scorer.hash}
        )

    def _contribute(self, rule: Rule[Any], values: Mapping[str, Value], transfer: Transfer) -> None:
        if not rule.shadow:
            made = self._contributions.setdefault(transfer.source.revision_hash, [])
            made.append(Contribution(rule.rule_id, rule.document.typology, rule.score(values)))

    def _ask_all(self, rules: Iterable[Rule[AccountKind]], address: BlockAddress, event: Event) -> None:
        firing = event.account.firing
        for rule in rules:
            kind, when = rule.kind, rule.when
            if when is None or not kind.chooses_events or when(event):
                sighting = kind.sees(event, when)
                if sighting is not None or (firing and kind.has_edge):
                    self._tell(rule, address, event, sighting)
                    firing = event.account.firing

    def _tell(self, rule: Rule[AccountKind], address: BlockAddress, event: Event, sighting: Sighting | None) -> None:
        """Keep what an account rule sees, or that it sees nothing any more."""
        name = f"{rule.name}:{rule.kind.scope(event)}"
        if rule.kind.has_edge and not event.account.rises(name, holds=sighting is not None):
            return
        if sighting is not None:
            subject = f"{event.account_id}:{sighting.scope}" if sighting.scope else event.account_id
            evidence = _about(event.transfer) | _all_in(sighting)
            ground = _ground(event.transfer.source, event.account_id, evidence)
            self._contribute(rule, sighting.values, event.transfer)
            self._find(rule, address, sighting._replace(scope=subject), ground)

    def _find(self, rule: Rule[Any], address: BlockAddress, sighting: Sighting, ground: Ground) -> None:
        """Keep a finding; the sighting's scope is its subject. A shadow version's findings are apart from the active one's."""
        values = {name: shown(value) for name, value in sighting.values.items()}
        finding = Finding(
            rule_id=rule.rule_id,
            severity=rule.severity,
            place=str(address),
            reason=rule.reason(sighting.values),
            found_at=self.found_at,
            subject=f"shadow-{rule.document.version}:{sighting.scope}" if rule.shadow else sighting.scope,
            evidence={
                **ground.evidence,
                **values,
                **sighting.evidence,
                "block_address": str(address),
                **rule.evidence,
                "rule_config_version": self.config.version,
            },
            account_id=ground.account_id,
            document_id=ground.document_id,
            score=rule.score(sighting.values),
            shadow=rule.shadow,
            actions=rule.document.actions,
            alert=rule.document.alert,
        )
        self.findings.setdefault(finding.finding_id, finding)


def _ground(source: Source, account_id: str | None, evidence: Mapping[str, str] | None = None) -> Ground:
    revision = {
        "revision_hash": source.revision_hash,
        "version": str(source.version),
        "tx_time": instant(microseconds(source.at)),
    }
    return Ground({**(evidence or {}), **revision}, account_id, source.document_id)


def _balance_in(currency: str, holdings: Iterable[Holding]) -> Decimal | None:
    """What an account held in a currency; ``None`` where no balance in it is known."""
    amounts = [each.balance for each in holdings if each.currency == currency]
    return total(amounts) if amounts else None


def _movement(address: BlockAddress, transfer: Transfer, at: int, *, incoming: bool, is_new: bool) -> Movement:
    source = transfer.source
    return Movement(
        at,
        address.sequence_no,
        incoming,
        transfer.amount,
        transfer.currency,
        transfer.transaction_id,
        source.document_id,
        source.revision_hash,
        party_of(transfer.from_account if incoming else transfer.to_account),
        is_new,
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
