"""Account states: what they remember, in what bounds, and that they survive being written and read."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.account import (
    MAX_FIRING,
    MAX_HOLDINGS,
    MAX_INFLOWS,
    MAX_OUTFLOWS,
    MAX_PAST,
    MAX_PAYEES,
    AccountState,
    Holding,
    Movement,
    Movements,
    Past,
    Payees,
    Spent,
    TransactionState,
    parse_account,
    parse_transaction,
    party_of,
)
from counterfoil.detection.stream_cursor import (
    Blob,
    HeldRecord,
    Range,
    StreamCursor,
    pack,
    parse_cursor,
    render_cursor,
    unpack,
)
from counterfoil.errors import UnavailableError
from counterfoil.journal import BlockAddress
from tests.fraud_court import MORNING

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
amounts = st.decimals(min_value=Decimal("0.01"), max_value=10**20, places=5)
movements = st.builds(
    Movement,
    st.integers(-(2**60), 2**60),
    st.integers(0, 2**63 - 1),
    st.booleans(),
    amounts,
    texts,
    texts,
    texts,
    texts,
    texts,
    st.booleans(),
)
holdings = st.builds(Holding, st.integers(0, 2**63 - 1), st.decimals(-(10**20), 10**20, places=5), texts)
states = st.builds(
    AccountState,
    st.integers(-1, 2**63 - 1),
    st.lists(movements, max_size=4).map(Movements),
    st.dictionaries(texts, holdings, max_size=3),
    st.lists(texts, max_size=4).map(Payees),
    st.lists(texts, max_size=4),
    st.lists(st.builds(Spent, texts, amounts), max_size=4).map(Past),
    st.none() | st.integers(-(2**60), 2**60),
)


def movement(number, *, incoming=False, at=0):
    return Movement(at, number, incoming, Decimal(1), "EUR", f"t{number}", f"d{number}", "00")


@given(states)
def test_a_state_survives_being_written(state):
    assert parse_account(state.render()) == state
    assert parse_account(state.render()).render() == state.render()


def test_the_largest_state_fits_an_item():
    longest = "漢" * 42 + "xx"
    state = AccountState(2**63 - 1)
    for number in range(2_000):
        row = Movement(
            10**17,
            2**63 - 1,
            number % 2 == 0,
            Decimal("9" * 38),
            "A" * 12,
            longest,
            "d" * 64,
            "f" * 64,
            party_of("x" * 64),
            is_new=True,
        )
        state.movements.add(row, 1)
        state.pay(f"{number:04}" + longest[:40] + "x" * 4, row)
        state.hold(f"{number:064}", Holding(2**63 - 1, Decimal("-" + "9" * 38), "A" * 12))
        state.rises(f"fraud.negative-balance:{number:064}", holds=True)
    assert len(state.movements) == MAX_INFLOWS + MAX_OUTFLOWS
    assert (len(state.payees), len(state.holdings), len(state.firing)) == (MAX_PAYEES, MAX_HOLDINGS, MAX_FIRING)
    assert len(state.render().encode()) < 380_000


def test_the_newest_movements_stay():
    state = AccountState()
    for number in range(MAX_OUTFLOWS + 5):
        state.movements.add(movement(number), 1)
    assert [state.movements[0].sequence_no, state.movements[-1].sequence_no] == [5, MAX_OUTFLOWS + 4]


def test_movements_beyond_the_horizon_are_forgotten():
    state = AccountState()
    for number, at in enumerate((0, 5, 10)):
        state.movements.add(movement(number, at=at), 10)
    assert [each.sequence_no for each in state.movements] == [1, 2]


def test_the_payee_paid_last_stays_longest():
    state = AccountState(payees=Payees("abc"))
    state.pay("a", movement(1))
    assert list(state.payees) == ["b", "c", "a"]


def test_a_condition_rises_once_until_it_fell():
    state = AccountState()
    held = [state.rises("r", holds=holds) for holds in (False, True, True, False, True)]
    assert held == [False, True, False, False, True]


@pytest.mark.parametrize("text", ["", "{", "null garbage"])
def test_a_damaged_state_stops_the_strand_and_says_which(text):
    with pytest.raises(UnavailableError, match="restore or delete"):
        parse_account(text)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=8), st.data())
def test_a_transaction_answers_alike_when_its_documents_are_judged_again(seen, data):
    """Whatever was seen behind a version, the answers for that version stay what they were."""
    versions: dict[str, int] = {}
    state, answers = TransactionState(), []
    for document, step, effective in seen:
        version = versions.get(document, data.draw(st.integers(-1, 2))) + 1 + step
        versions[document] = version
        duplicate = state.is_new_duplicate(document, version)
        moves = state.moves(document, version, effective=effective)
        answers.append((document, version, effective, duplicate, moves))
        state.see(document, version, moves=moves)
        state = parse_transaction(state.render())
    for document, version, effective, duplicate, moves in answers:
        assert state.is_new_duplicate(document, version) == duplicate
        assert state.moves(document, version, effective=effective) is moves
        before = state.render()
        state.see(document, version, moves=moves)
        assert state.render() == before


def test_a_document_moves_its_money_once():
    state = TransactionState()
    moved = []
    for version, effective in enumerate((False, True, True, False, True)):
        moves = state.moves("d", version, effective=effective)
        state.see("d", version, moves=moves)
        moved.append(moves)
    assert moved == [False, True, False, False, False]


@given(st.lists(st.tuples(st.integers(0, 10**12), st.binary(max_size=50)), max_size=5))
def test_held_records_survive_being_packed(rows):
    from datetime import timedelta

    records = [HeldRecord(MORNING + timedelta(microseconds=at), data) for at, data in rows]
    assert list(unpack(pack(records))) == records


def test_a_cursor_survives_being_written():
    cursor = StreamCursor("s", 5, "ab", MORNING, (Range(0, 3),), "", (Blob("000000000001-00", 2),))
    assert parse_cursor("s", render_cursor(cursor)) == cursor
    assert parse_cursor("s", render_cursor(StreamCursor("s"))) == StreamCursor("s")
    assert not StreamCursor("s").passed_over(0)
    assert [cursor.passed_over(number) for number in (0, 2, 3)] == [True, True, False]
    with pytest.raises(UnavailableError, match="strand s"):
        parse_cursor("s", "{")


def test_a_state_kept_before_counterparties_and_the_past_were_remembered_is_read():
    body = {
        "applied": 3,
        "movements": [[0, 1, False, "1", "EUR", "t1", "d1", "00"]],
        "holdings": {},
        "payees": ["B"],
        "firing": [],
    }
    state = parse_account(json.dumps(body))
    assert (state.movements[0].counterparty, state.movements[0].is_new) == ("", False)
    assert (state.past, state.last_out) == ([], None)


@pytest.mark.parametrize(
    ("account_id", "kept"), [("a" * 64, True), ("a" * 65, False), ("\\" * 32, True), ("\\" * 33, False)]
)
def test_a_counterparty_takes_a_bounded_place(account_id, kept):
    assert (party_of(account_id) == account_id) is kept
    assert len(json.dumps(party_of(account_id))) <= 64 + 2


def test_the_amounts_paid_last_are_remembered_and_when():
    state = AccountState()
    for number in range(MAX_PAST + 3):
        state.pay("B", movement(number, at=number)._replace(amount=Decimal(number)))
    assert [each.amount for each in state.past] == list(range(3, MAX_PAST + 3))
    assert state.last_out == MAX_PAST + 2


def test_states_are_compact_json():
    state = AccountState(
        3,
        Movements([movement(1)._replace(counterparty="B", is_new=True)]),
        {"d": Holding(1, Decimal("1.50"), "EUR")},
        Payees(["B"]),
        ["r:EUR"],
        Past([Spent("EUR", Decimal("2.50"))]),
        7,
    )
    assert json.loads(state.render()) == {
        "applied": 3,
        "movements": [[0, 1, False, "1", "EUR", "t1", "d1", "00", "B", True]],
        "holdings": {"d": [1, "1.50", "EUR"]},
        "payees": ["B"],
        "firing": ["r:EUR"],
        "past": [["EUR", "2.50"]],
        "last_out": 7,
        "network": {},
    }
    assert " " not in state.render()
    assert str(BlockAddress("s", 3)) == "s#3"
