"""What is kept parsed between batches: entries with their texts, accounts with theirs, and never a state that is not the store's."""

import json
import tracemalloc
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.account import AccountState, StateKey, account_key
from counterfoil.detection.account_book import EMPTY_CHARACTERS, ParsedStates, StateChange
from counterfoil.detection.network.entries import Entries
from counterfoil.errors import ConflictError, UnavailableError
from tests.fraud_bank import Bank, Desk
from tests.journals import STRAND

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["],[", "]", "[", '"],["', "a],[b"]
)
rows = st.tuples(st.integers(), names, st.floats(allow_nan=False, allow_infinity=False), st.booleans())
steps = st.lists(st.lists(rows, max_size=4) | st.integers(0, 3) | st.none(), max_size=12)


@given(st.lists(rows, max_size=5), steps)
def test_entries_are_written_as_json_would_whatever_was_added_and_forgotten(first, steps):
    entries, plain = Entries(first), list(first)
    for step in steps:
        if step is None:
            assert entries.rendered() == json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        elif isinstance(step, int):
            entries.forget(step)
            del plain[:step]
        else:
            entries.extend(step)
            plain.extend(step)
    assert entries == plain
    assert entries.rendered() == json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def place(number):
    return StateKey(f"account#{number}", "state")


def test_a_state_is_used_again_only_for_the_text_it_was_kept_with():
    parsed, state = ParsedStates(), AccountState(7)
    parsed.keep(place(1), state.render(), state)
    assert parsed.take(place(1), state.render()) is state
    assert parsed.take(place(1), state.render()) is not state
    parsed.keep(place(1), state.render(), state)
    other = AccountState(8).render()
    assert parsed.take(place(1), other) == AccountState(8)


def test_states_used_longest_ago_are_forgotten_beyond_the_limit():
    states = {number: AccountState(number) for number in range(10, 14)}
    size = len(states[10].render()) + EMPTY_CHARACTERS
    parsed = ParsedStates(3 * size)
    for number in (10, 11, 12, 10, 13):
        parsed.keep(place(number), states[number].render(), states[number])
    kept = [number for number, state in states.items() if parsed.take(place(number), state.render()) is state]
    assert kept == [10, 12, 13]


@pytest.mark.parametrize(
    ("text", "pays"),
    [
        ('"holdings":{"3Qv67yjXEwB9SjmvkuG6Cp":[0,"100","EUR"]}', False),
        ('"holdings":{}', True),
    ],
)
def test_states_take_no_more_memory_than_their_limit_says_however_small_they_are(text, pays):
    """A ledger that opens three hundred thousand accounts would else fill a function's memory with what is nearly nothing."""
    flow = '[[7,0,1740800000,"ACC-00000002",99.5,"EUR",true,1,0.0,0.0,0.0]]' if pays else "[]"
    body = (
        f'{{"applied":7,"movements":[],{text},"payees":[],"firing":[],"past":[],"last_out":null,'
        f'"network":{{"paid":{flow}}}}}'
    )
    parsed = ParsedStates(400_000)
    tracemalloc.start()
    try:
        for number in range(4_000):
            state = parsed.take(place(number), body)
            parsed.keep(place(number), state.render(), state)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 10 * 400_000


def busy_bank(seed):
    chance, bank = Random(seed), Bank()
    names = [f"A{number}" for number in range(5)]
    for name in names:
        bank.open(name, 10_000)
    for _ in range(60):
        payer, payee = chance.sample(names, 2)
        bank.transfer(payer, payee, str(chance.randint(1, 99)), after=chance.choice((5, 600, 40_000)))
    return bank


def batches(records, seed):
    chance, records = Random(seed), list(records)
    while records:
        count = chance.randint(1, 25)
        yield records[:count]
        records = records[count:]


@pytest.mark.parametrize("seed", range(4))
def test_a_detector_that_keeps_states_writes_what_one_that_does_not_writes(seed):
    warm, stored = Desk(), Desk()
    for batch in batches(busy_bank(seed).records(), seed):
        warm.detect(*batch)
        Desk(accounts=stored.accounts, findings=stored.findings).detect(*batch)
    assert warm.accounts.states == stored.accounts.states
    assert list(warm.findings.findings) == list(stored.findings.findings)


def test_a_state_that_somebody_else_replaced_is_read_anew():
    bank = busy_bank(9)
    records = bank.records()
    desk = Desk()
    desk.detect(*records[:80])
    key = account_key(STRAND, "A1")
    kept = desk.accounts.states[key]
    changed = json.loads(kept.body) | {"payees": ["somebody"]}
    body = json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
    desk.accounts.save([StateChange(key, kept.version, body)])
    bank.transfer("A1", "A2", "5")
    desk.detect(*bank.records()[80:])
    assert json.loads(desk.accounts.states[key].body)["payees"][0] == "somebody"


@pytest.mark.parametrize("error", [ConflictError("somebody was first"), UnavailableError("the store is down")])
def test_what_a_failed_write_left_half_changed_is_not_used(error, monkeypatch):
    bank = busy_bank(3)
    records = bank.records()
    desk, undisturbed = Desk(), Desk()
    desk.detect(*records[:80])
    undisturbed.detect(*records[:80])
    save, failures = desk.accounts.save, [error]

    def save_later(changes):
        if failures:
            raise failures.pop()
        save(changes)

    monkeypatch.setattr(type(desk.accounts), "save", lambda _, changes: save_later(changes))
    report = desk.detect(*records[80:])
    monkeypatch.undo()
    if report.failure:
        desk.detect(*records[80:])
    desk.now += timedelta(seconds=1)
    undisturbed.detect(*records[80:])
    assert {key: each.body for key, each in desk.accounts.states.items()} == {
        key: each.body for key, each in undisturbed.accounts.states.items()
    }
