"""An account's state at its fullest still fits into an item of DynamoDB: else nothing of its strand could be judged any more."""

from decimal import Decimal

from counterfoil.detection import account as limits
from counterfoil.detection.account import AccountState, Holding, Movement, parse_account, party_of
from counterfoil.detection.network.flows import Flow
from counterfoil.detection.network.limits import MAX_DAYS, MAX_TRACED, MOST
from counterfoil.detection.network.profile import node_of
from counterfoil.detection.network.traces import NOWHERE
from counterfoil.detection.transfer import MAX_CURRENCY_CHARACTERS, MAX_ID_BYTES

# An item may have 409,600 bytes, the names of its attributes and its key of at most 2,048 among them.
ROOM = 400_000

AMOUNT = Decimal("1234567890123456789012345678901234567.8")
CURRENCY = "A" * MAX_CURRENCY_CHARACTERS
AT = 1_772_366_400


def name(number):
    """The longest id that is read: in JSON each of its characters takes two."""
    return f"{number:06d}".ljust(MAX_ID_BYTES, '"')


def fullest():
    last = 10**14
    state = AccountState(applied=last)
    for index in range(limits.MAX_OUTFLOWS + limits.MAX_INFLOWS):
        movement = Movement(
            AT * 1_000_000, last + index, index >= limits.MAX_OUTFLOWS, AMOUNT, CURRENCY, name(index), "d" * 64, "f" * 64,
            party_of(name(index)), is_new=True,
        )  # fmt: skip
        state.movements.add(movement, 10**18)
        state.pay(name(index), movement)
    for index in range(limits.MAX_HOLDINGS):
        state.hold(f"{index:022d}", Holding(10**9, AMOUNT, CURRENCY))
    for index in range(limits.MAX_FIRING):
        state.rises(f"fraud.privileged-out-of-hours~1000000:{index}{CURRENCY}", holds=True)
    for index in range(1_000):
        flow = Flow(
            last + index, 99, AT, node_of(name(index)), float(AMOUNT), CURRENCY, first=True, depth=10, score=0.1234,
            payer_rate=1234.56, payee_rate=1234.56,
        )  # fmt: skip
        others = [node_of(name(index + each)) for each in range(1, 49)]
        state.profile.pay(flow, others, node_of(name(10**6 - 1)))
        # A trace of each payer alone takes more than the same number of origins in one.
        state.profile.receive(flow, others, NOWHERE, node_of(name(10**6 - 1)))
    for day in range(MAX_DAYS):
        state.profile.spend((20_000 + day) * 86_400, float(AMOUNT), cash=False)
    state.profile.spend(AT, 1.0, cash=True)
    return state


def test_the_fullest_state_fits_into_an_item_and_can_be_read_back():
    state = fullest()
    assert len(state.movements) == limits.MAX_OUTFLOWS + limits.MAX_INFLOWS
    assert len(state.profile.traces) == MOST * MAX_TRACED
    rendered = state.render()
    assert len(rendered.encode()) < ROOM
    assert parse_account(rendered).render() == rendered
