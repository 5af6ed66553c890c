"""Laws of the auditor: how a batch is cut, doubled or put in order changes nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.journal import digest_of
from lab.producer import streamed
from tests.audit_worlds import AuditWorld, without_time
from tests.journals import FEW, STRAND, journals


def datas_of(journal):
    return [record.data for block in journal.blocks for record in streamed(block).records]


def conclusion(world):
    world.wait(61)
    world.wait(10_000)
    state = world.state()
    findings = {key: without_time(each) for key, each in world.findings.findings.items()}
    segments = [each.segment for each in state.segments] if state else None
    return segments, world.heads.blocks, findings


def cut(data, datas):
    """The datas in batches, cut at drawn places."""
    places = sorted(data.draw(st.sets(st.integers(0, len(datas)))))
    edges = [0, *places, len(datas)]
    return [datas[begin:end] for begin, end in pairwise(edges)]


@FEW
@given(journals(), st.data())
def test_how_a_stream_is_cut_into_batches_changes_nothing(journal, data):
    datas = datas_of(journal)
    whole, parts = AuditWorld(), AuditWorld()
    whole.deliver(datas)
    for batch in cut(data, datas):
        parts.deliver(batch)
    assert conclusion(parts) == conclusion(whole)


@FEW
@given(journals(), st.data())
def test_order_and_repetition_change_nothing(journal, data):
    datas = datas_of(journal)
    once, often = AuditWorld(), AuditWorld()
    once.deliver(datas)
    repeated = data.draw(st.permutations([*datas, *data.draw(st.lists(st.sampled_from(datas), max_size=6))]))
    for batch in cut(data, repeated):
        often.deliver(batch)
    assert conclusion(often) == conclusion(once)


@FEW
@given(journals(max_size=7), st.data())
def test_an_honest_journal_has_the_builders_digest_and_no_failure(journal, data):
    world = AuditWorld()
    for batch in cut(data, datas_of(journal)):
        report = world.deliver(batch)
        assert report.failed_index is None
        assert report.hash_failures == 0
    assert digest_of(world.state().head) == journal.builder.digest()
    assert not world.state().awaited


@FEW
@given(journals(min_size=3), st.data())
def test_whatever_is_left_out_is_missed(journal, data):
    """Any one record withheld for good ends in a finding that names its place, or, of the last block, in a shorter head."""
    records = [(block, record) for block in journal.blocks for record in streamed(block).records]
    left_out = data.draw(st.integers(0, len(records) - 1))
    block, record = records[left_out]
    world = AuditWorld()
    world.deliver([each.data for index, (_, each) in enumerate(records) if index != left_out])
    world.wait(10_000)
    number = block.address.sequence_no
    is_summary = record.data == streamed(block).summary.data
    missed = {place for rule, place, _ in world.found() if rule in {"audit.gap", "audit.missing-revision"}}
    if not is_summary:
        assert f"{STRAND}#{number}" in missed
    elif number == journal.blocks[-1].address.sequence_no:
        assert world.state().head.end == number
    elif number == 0:
        assert world.state().head.begin == 1
        assert digest_of(world.state().head) is None
    else:
        assert f"{STRAND}#{number + 1}" in missed
