"""Laws of the fraud detector: what is found and remembered follows from the journal, not from how it was delivered."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import UnavailableError
from tests.conftest import PROVING
from tests.fraud_bank import Bank, Desk, outer
from tests.fraud_by_hand import expected
from tests.fraud_faults import CrashError, Fuse, FusedAccounts, FusedFindings, ReversedAccounts

ACCOUNTS = "ABCD"
# At the rules' edges and one cent beside them; the rest is what ordinary people pay.
AMOUNTS = "3.10", "500", "4999.99", "5000", "5500", "7999.99", "8000", "9999.99", "10000", "50000", "50000.01"


@dataclass(frozen=True)
class Step:
    payer: str
    payee: str
    amount: str
    after: int
    oddity: str


parties = st.permutations("ABCDX").map(lambda order: order[:2])
steps = st.builds(
    lambda who, amount, after, oddity: Step(*who, amount, after, oddity),
    parties,
    st.sampled_from(AMOUNTS),
    st.sampled_from([0, 1, 60, 3_599, 3_600, 43_200, 86_399, 86_400]),
    st.sampled_from(["", "", "", "", "", "skewed", "same id", "unbooked", "pending", "settled", "query"]),
)
histories = st.lists(steps, min_size=1, max_size=10)
bursts = st.builds(
    lambda step, times: [Step(step.payer, step.payee, "3.10", 60, "")] * times, steps, st.integers(18, 26)
)


def bank_of(history):
    """X is an account that nobody opened; A to D have some money, D little."""
    bank = Bank()
    for account_id, balance in zip(ACCOUNTS, (200_000, 60_000, 5_000, 1), strict=True):
        bank.open(account_id, balance)
    pending = []
    for step in history:
        act(bank, step, pending)
    return bank


def act(bank, step, pending):
    options = {"after": step.after}
    if step.oddity == "query":
        bank.query(after=step.after)
    elif step.oddity == "settled" and pending:
        document_id, data = pending.pop()
        bank.update(document_id, data | {"status": "COMPLETED"}, after=step.after)
    elif step.oddity == "pending":
        bank.transfer(step.payer, step.payee, step.amount, booked=False, status="PENDING", **options)
        last = bank.history[-1].written[0]
        pending.append((last.document_id, last.data))
    else:
        options |= {"skewed": {"skew": 7}, "same id": {"transaction_id": "T1"}, "unbooked": {"booked": False}}.get(
            step.oddity, {}
        )
        bank.transfer(step.payer, step.payee, step.amount, **options)


def ordered(bank):
    desk = Desk()
    desk.detect(*bank.records())
    return desk


@given(histories)
def test_what_is_found_is_what_the_whole_history_says(history):
    bank = bank_of(history)
    assert ordered(bank).found() == expected(bank.history)


@settings(max_examples=300 if PROVING else 10)
@given(bursts, st.lists(steps, max_size=4))
def test_bursts_are_found_as_the_whole_history_says(burst, rest):
    bank = bank_of([*burst, *rest, *burst[:5]])
    assert ordered(bank).found() == expected(bank.history)


@given(histories, st.data())
def test_neither_order_nor_batches_nor_repetition_change_anything(history, data):
    bank = bank_of(history)
    records = bank.records()
    again = data.draw(st.lists(st.sampled_from(records), max_size=10))
    delivered = data.draw(st.permutations([*records, *again]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(delivered)), max_size=6)))
    desk = Desk()
    for begin, end in zip([0, *cuts], [*cuts, len(delivered)], strict=True):
        desk.detect(*delivered[begin:end])
    assert desk.tables() == ordered(bank).tables()
    assert desk.accounts.pieces == {}


@given(histories, st.data())
def test_a_replay_changes_nothing(history, data):
    bank = bank_of(history)
    desk = ordered(bank)
    states, findings = dict(desk.accounts.states), dict(desk.findings.findings)
    desk.detect(*data.draw(st.permutations(bank.records())))
    desk.sweep(after=10_000)
    assert (desk.accounts.states, desk.findings.findings) == (states, findings)


@given(histories, st.sampled_from([CrashError, UnavailableError]), st.data())
def test_a_failure_at_any_write_and_a_redelivery_end_in_the_same_tables(history, error, data):
    bank = bank_of(history)
    clean, counting = Desk(), Fuse()
    clean.detector_on(FusedAccounts(clean.accounts, counting), FusedFindings(clean.findings, counting)).detect(
        outer(*bank.records())
    )
    fuse = Fuse(data.draw(st.integers(0, counting.writes - 1)), data.draw(st.booleans()), error)
    desk = Desk()
    store = data.draw(st.sampled_from([FusedAccounts, ReversedAccounts]))
    failing = desk.detector_on(store(inner=desk.accounts, fuse=fuse), FusedFindings(desk.findings, fuse))
    try:
        report = failing.detect(outer(*bank.records()))
        assert report.failed_index == 0
    except CrashError:
        assert error is CrashError
    assert fuse.blown
    # Lambda delivers again, not necessarily in the batches of the first time.
    cut = data.draw(st.integers(0, len(bank.records())))
    desk.detect(*bank.records()[:cut])
    desk.detect(*bank.records()[cut:])
    assert desk.tables() == clean.tables()


class Raced(FusedAccounts):
    """Lets somebody else in just before the fuse's write."""

    rival = None

    def save(self, changes):
        for change in changes:
            if self.fuse.writes == self.fuse.at:
                self.fuse.at = None
                self.rival()
            self.fuse.through(lambda change=change: self.inner.save([change]))


@given(histories, st.data())
def test_two_consumers_of_one_strand_lose_nothing_to_each_other(history, data):
    """Each has a part of the records, as with two shards; one is let in before some write of the other."""
    bank = bank_of(history)
    desk, clean = Desk(), ordered(bank)
    mine, theirs = [], []
    for record in bank.records():
        for part in data.draw(st.sampled_from([(mine,), (theirs,), (mine, theirs)])):
            part.append(record)
    raced = Raced(desk.accounts, Fuse(data.draw(st.integers(0, 12))))
    raced.rival = lambda: desk.detect(*theirs)
    assert desk.detector_on(raced, desk.findings).detect(outer(*mine)).failed == []
    if raced.fuse.at is not None:
        desk.detect(*theirs)
    assert desk.tables() == clean.tables()
