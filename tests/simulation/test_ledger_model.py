"""Random statements on the stores and on a plain model: the same answers now, at every old snapshot, and after a rebuild."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.adapters.sqlite.rebuild import rebuild
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.adapters.sqlite.verification import verify_file
from tests.ledger_model import POOL, Player
from tests.ledgers import ToldClock, ledger_on

values = st.sampled_from([value for value, _ in POOL])
operations = st.one_of(
    st.tuples(st.just("insert"), values, values),
    st.tuples(st.sampled_from(["set_v", "set_k"]), values, values),
    st.tuples(st.sampled_from(["remove_v", "delete"]), values),
)
steps = st.one_of(
    st.tuples(st.just("change"), st.lists(operations, min_size=1, max_size=4), st.sampled_from([True, True, False])),
    st.tuples(st.just("change"), st.lists(operations, min_size=1, max_size=2), st.just(value=True)),
    st.tuples(st.just("look")),
    st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("index")),
    st.tuples(st.just("redact"), st.integers(0, 99)),
)


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(steps, min_size=3, max_size=14))
def test_both_stores_answer_as_the_model_at_every_snapshot_and_after_a_rebuild(played):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        clock = ToldClock()
        ledgers = [ledger_on(kind, path, clock) for kind in ("memory", "sqlite")]
        player = Player(ledgers, clock)
        for name, *arguments in played:
            getattr(player, name)(*arguments)
            player.compare_now()
        while player.readers:
            player.end(0, commit=False)
        digest = ledgers[1].digest()
        ledgers[1].close()
        assert verify_file(path / FILE_NAME).problems == []
        rebuild(path)
        report = verify_file(path / FILE_NAME)
        assert (report.problems, report.digest) == ([], digest)
        with ledger_on("sqlite", path, clock, seed=2) as again:
            player.ledgers[1] = again
            player.compare_now()


@settings(max_examples=settings().max_examples // 12)
@given(st.lists(steps, min_size=3, max_size=14), st.integers(0, 2**32))
def test_the_ledger_in_dynamodb_answers_as_the_model_whenever_its_projector_runs(played, seed):
    with tempfile.TemporaryDirectory() as folder:
        clock = ToldClock()
        ledger = ledger_on("dynamodb", Path(folder), clock, seed=seed)
        player = Player([ledger], clock)
        for name, *arguments in played:
            getattr(player, name)(*arguments)
            player.compare_now()
        while player.readers:
            player.end(0, commit=False)
        ledger.close()
