"""What accounts' states keep in lists: windows over it, what is forgotten, and its JSON, against the plain way to do each."""

import json
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.detection.account import MAX_INFLOWS, MAX_PAYEES, Movement, Movements, Payees
from counterfoil.detection.network.entries import Entries, Timed, picked
from counterfoil.detection.network.flows import Flow, Flows
from counterfoil.detection.network.limits import (
    FORTNIGHT,
    MAX_FLOWS,
    MAX_PARTIES,
    MAX_SHARED,
    MAX_TAKEN,
    MAX_TRACED,
    MONTH,
    MOST,
    SLACK,
)
from counterfoil.detection.network.profile import Dealings, Parties, Profile, Sharing
from counterfoil.detection.network.traces import Trace, Traces

NAMES = ("a", 'b"],["', "漢字", "\u0000\\", "plain")
# Mostly onwards, now and then back: a clock that is set.
steps = st.lists(st.integers(-3, 12), max_size=60)


def times(moves):
    at, found = 0, []
    for each in moves:
        at += each
        found.append(at)
    return found


def movement(number, at, *, incoming=False):
    return Movement(
        at,
        number,
        incoming,
        Decimal("1.50"),
        "EUR",
        f"t{number}",
        f"d{number}",
        "00",
        NAMES[number % 5],
        number % 3 == 0,
    )


def flow(number, at, party="a"):
    return Flow(number, 0, at, party, 1.5, "EUR", number % 2 == 0, number % 4, 0.25)


@given(steps, st.integers(1, 40), st.integers(-5, 5))
def test_a_window_has_what_is_near_enough(moves, span, ahead):
    flows, movements = Flows(), Timed()
    for number, at in enumerate(times(moves)):
        flows.enter(flow(number, at))
        movements.enter(movement(number, at))
    now = (flows[-1].at if flows else 0) + ahead
    near = [number for number, each in enumerate(flows) if abs(now - each.at) < span]
    assert list(flows.times.near(now, span)) == near
    assert list(Flows(flows).times.near(now, span)) == near
    assert [each.sequence_no for each in movements.within(now, span)] == near
    assert [each.sequence_no for each in Timed(movements).within(now, span)] == near
    assert list(picked(flows.depths, flows.times.near(now, span))) == [flows[number].depth for number in near]


@given(steps, st.integers(-5, 5), st.integers(0, 60), st.integers(1, 3 * MAX_TAKEN))
def test_before_a_block_an_account_dealt_with_whom_it_did(moves, ahead, next_no, copies):
    flows, rows = Flows(), []
    for number, at in enumerate(each * FORTNIGHT // 10 for each in times(moves) for _ in range(copies % 4 + 1)):
        flows.enter(flow(number, at, f"P{number % 7}"))
        rows.append((number, at, f"P{number % 7}"))
    now = (rows[-1][1] if rows else 0) + ahead * FORTNIGHT // 10
    newest = [row for row in rows if row[0] < next_no][-MAX_TAKEN:]
    expected = [party for _, at, party in newest if abs(now - at) < FORTNIGHT]
    assert list(flows.parties_before(next_no, now)) == expected


@given(st.lists(st.tuples(st.integers(-2, 12), st.integers(1, 30)), max_size=8), st.integers(0, 9), st.integers(-5, 5))
def test_before_a_block_money_came_from_where_it_did(added, next_no, ahead):
    traces, rows, at = Traces(), [], 0
    for number, (days, origins) in enumerate(added):
        at += days * MONTH // 12
        hops = {f"O{each}": 1 + each % 5 for each in range(origins)}
        traces.add(Trace(number, at, f"V{number % 3}", hops))
        rows += [(number, at, f"V{number % 3}", *pair) for pair in hops.items()]
        rows = rows[max(len(rows) - 2 * MAX_TRACED, 0) :]
    now = at + ahead * MONTH // 12
    near = [row for row in rows if abs(now - row[1]) < MONTH]
    assert list(zip(*traces.within(now, MONTH), strict=True)) == [row[3:] for row in near]
    assert [(via, name) for via, names in traces.by_way(now, MONTH) for name in names] == [row[2:4] for row in near]
    newest = [row for row in rows if row[0] < next_no][-MAX_TAKEN:]
    assert list(zip(*traces.before(next_no, now), strict=True)) == [
        row[3:] for row in newest if abs(now - row[1]) < MONTH
    ]


@given(steps, st.integers(1, 40), st.lists(st.booleans(), min_size=60, max_size=60))
def test_movements_beyond_the_horizon_go_whichever_way_the_clock_went(moves, horizon, directions):
    kept, plain = Movements(), []
    for number, (at, incoming) in enumerate(zip(times(moves), directions, strict=False)):
        new = movement(number, at, incoming=incoming)
        kept.add(new, horizon)
        plain = [each for each in plain if abs(at - each.at) < horizon] + [new]
        assert kept == plain
        assert json.loads(kept.rendered()) == [[*each[:3], "1.50", *each[4:]] for each in plain]


def test_of_one_direction_the_oldest_gives_way_and_the_other_stays():
    kept = Movements()
    for number in range(2 * MAX_INFLOWS):
        kept.add(movement(number, number // 10, incoming=True), 10**9)
        kept.add(movement(10_000 + number, number // 10), 10**9)
    inflows = [each.sequence_no for each in kept if each.incoming]
    assert inflows == list(range(MAX_INFLOWS, 2 * MAX_INFLOWS))
    assert len(kept) == 3 * MAX_INFLOWS
    read_back = Movements(kept)
    read_back.add(movement(0, 99, incoming=True), 10**9)
    assert sum(each.incoming for each in read_back) == MAX_INFLOWS


@given(st.lists(st.sampled_from([*NAMES, *(f"P{number}" for number in range(MAX_PARTIES))]), max_size=200))
def test_parties_are_written_as_they_are(met):
    parties, plain = Parties(), {}
    for at, name in enumerate(met):
        parties.meet(name, at)
        times = plain.pop(name, [0, 0])[0] + 1
        plain[name] = [times, at]
        if len(plain) > MAX_PARTIES:
            del plain[next(iter(plain))]
        assert list(json.loads(parties.rendered()).items()) == list(plain.items())
    assert Parties({name: Dealings(*each) for name, each in plain.items()}).rendered() == parties.rendered()


@given(st.lists(st.tuples(st.sampled_from(["append", "forget", "drop", "render"]), st.integers(0, 4)), max_size=40))
@example([("append", 0), ("append", 1), ("render", 0), ("drop", 1)])
@example([("append", 0), ("append", 1), ("render", 0), ("drop", 0), ("append", 2)])
@example([("append", 0), ("append", 1), ("render", 0), ("append", 2), ("forget", 4), ("append", 3)])
def test_entries_are_written_as_they_are_whatever_was_done_to_them(steps):
    entries, plain = Entries(), []
    for number, (step, place) in enumerate(steps):
        match step:
            case "append":
                entries.append([number, NAMES[place]])
                plain.append([number, NAMES[place]])
            case "forget":
                entries.forget(place)
                del plain[:place]
            case "drop" if place < len(plain):
                entries.drop(place)
                del plain[place]
            case "render":
                assert json.loads(entries.rendered()) == plain
    assert json.loads(entries.rendered()) == plain == entries


groups = st.lists(st.sampled_from([*NAMES, *(f"P{number}" for number in range(MAX_SHARED))]), max_size=48)


@given(st.lists(groups, max_size=8))
def test_accounts_that_share_somebody_are_written_as_they_are(noticed):
    sharing, plain = Sharing(), {}
    for at, others in enumerate(noticed):
        sharing.notice(others, at, besides="a")
        for name in others:
            if name != "a":
                plain.pop(name, None)
                plain[name] = at
                if len(plain) > MAX_SHARED:
                    del plain[next(iter(plain))]
        assert list(json.loads(sharing.rendered()).items()) == list(sharing.items()) == list(plain.items())
    assert Sharing(plain).rendered() == sharing.rendered()


def test_a_party_that_fell_out_is_not_written():
    parties = Parties()
    for number in range(MAX_PARTIES + 3):
        parties.meet(f"P{number}", number)
    assert (
        list(json.loads(parties.rendered())) == list(parties) == [f"P{number}" for number in range(3, MAX_PARTIES + 3)]
    )


def test_an_everyday_payment_is_written_the_second_time_too():
    profile = Profile()
    profile.spend(0, 1.5, cash=False)
    assert json.loads(profile.render())["everyday"] == [[0, 1, 1.5]]
    profile.spend(1, 2.0, cash=False)
    assert json.loads(profile.render())["everyday"] == [[0, 2, 3.5]]


def test_movements_into_an_account_that_were_forgotten_leave_room_for_others():
    kept = Movements()
    for number in range(MAX_INFLOWS):
        kept.add(movement(number, number, incoming=True), 10**9)
    for number in range(MAX_INFLOWS):
        kept.add(movement(number, 10**9 + number, incoming=True), 10**9)
        assert sum(each.incoming for each in kept) == MAX_INFLOWS
    kept.add(movement(0, 3 * 10**9, incoming=True), 10**9)
    for number in range(1, MAX_INFLOWS):
        kept.add(movement(number, 3 * 10**9, incoming=True), 10**9)
    assert len(kept) == MAX_INFLOWS


@given(st.lists(st.tuples(st.integers(1, 49), st.integers(0, SLACK)), max_size=12))
def test_of_traces_so_many_origins_stay_as_there_is_room_for(added):
    traces, rows, sequence_no = Traces(), [], 0
    for origins, blocks in added:
        sequence_no += blocks
        trace = Trace(sequence_no, sequence_no, "via", {f"O{number}": 1 + number % 5 for number in range(origins)})
        traces.add(trace)
        rows += [(sequence_no, name) for name in trace.hops]
        old = sum(number <= sequence_no - SLACK for number, _ in rows)
        rows = rows[max(old - MAX_TRACED, len(rows) - 2 * MAX_TRACED, 0) :] if len(rows) > MAX_TRACED else rows
        assert [(each.sequence_no, name) for each in traces for name in each.hops] == rows
        assert json.loads(traces.rendered()) == [[*each[:3], dict(each.hops)] for each in traces]


@given(st.lists(st.sampled_from([*NAMES, *(f"P{number}" for number in range(MAX_PAYEES))]), max_size=200))
def test_whom_an_account_paid_is_written_as_it_is(paid):
    payees, plain = Payees(), {}
    for name in paid:
        payees.pay(name)
        plain.pop(name, None)
        plain[name] = None
        if len(plain) > MAX_PAYEES:
            del plain[next(iter(plain))]
        assert json.loads(payees.rendered()) == list(payees) == list(plain)
    assert Payees(plain).rendered() == payees.rendered()


@given(st.lists(st.integers(0, SLACK), min_size=MAX_FLOWS, max_size=3 * MAX_FLOWS))
def test_of_flows_so_many_stay_as_there_is_room_for(blocks):
    flows, rows, sequence_no = Flows(), [], 0
    for number, step in enumerate(blocks):
        sequence_no += step
        row = Flow(
            sequence_no, number, number, f"P{number}", number / 2, f"C{number}", number % 3 == 0, number,
            number / 1_000, number / 4, number / 8,
        )  # fmt: skip
        flows.add(row)
        rows.append(row)
        old = sum(each.sequence_no <= sequence_no - SLACK for each in rows)
        rows = rows[max(old - MAX_FLOWS, len(rows) - MOST * MAX_FLOWS, 0) :] if len(rows) > MAX_FLOWS else rows
        assert list(flows) == rows
    assert [Flow(*each) for each in json.loads(flows.rendered())] == rows


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=20))
def test_flows_are_written_as_they_are(parties):
    flows = Flows(flow(number, number, party) for number, party in enumerate(parties))
    assert [Flow(*each) for each in json.loads(flows.rendered())] == list(flows)
