"""What a witness signs, and how it refuses."""

import pytest

from counterfoil.transparency.checkpoint import SignedCheckpoint
from counterfoil.transparency.tree import EMPTY, prove_consistency
from counterfoil.transparency.witness import (
    AddCheckpoint,
    RefusedError,
    admit,
    parse_request,
    render_request,
    split_view,
)
from tests.transparency_logs import LOG, ORIGIN, entries, node_reader, private_key, signed, tiled

SIZES = [0, 3, 8, 13]
_, CHECKPOINTS = tiled(*SIZES)
AT = dict(zip(SIZES, CHECKPOINTS, strict=True))
READ = node_reader(entries(13))
FORGED = dict(zip(SIZES, tiled(*SIZES, fork=2)[1], strict=True))
LOGS = {ORIGIN: LOG}


def ask(old, new, checkpoint=None, path=None):
    proved = prove_consistency(READ, old, new) if path is None and old <= new else path or ()
    return parse_request(render_request(AddCheckpoint(old, proved, checkpoint or AT[new])))


def refusal(request, last, logs=LOGS):
    with pytest.raises(RefusedError) as caught:
        admit(request, logs, last)
    return caught.value.status, caught.value.size


@pytest.mark.parametrize(("old", "new"), [(0, 3), (0, 0), (0, 13), (3, 3), (3, 8), (3, 13), (8, 13)])
def test_what_extends_the_last_is_admitted(old, new):
    for last in [AT[old]] if old else [None, AT[0]]:
        assert admit(ask(old, new), LOGS, last).head == AT[new].head


def test_a_log_that_is_not_watched_is_404():
    assert refusal(ask(0, 3), None, {}) == (404, None)
    assert refusal(ask(0, 3, signed(AT[3].head, origin="ledger.example/other")), None) == (404, None)


def test_what_the_log_did_not_sign_is_403():
    assert refusal(ask(0, 3, signed(AT[3].head, private_key(ORIGIN, salt="thief"))), None) == (403, None)
    other = SignedCheckpoint(AT[3].checkpoint, AT[3].note._replace(signatures=AT[8].note.signatures))
    assert refusal(ask(0, 3, other), None) == (403, None)


def test_an_older_size_than_the_checkpoint_has_is_400():
    assert refusal(ask(8, 3), AT[8]) == (400, None)


@pytest.mark.parametrize(("old", "new", "last"), [(0, 3, 8), (3, 8, 8), (3, 8, 13), (0, 13, 3), (3, 13, 0), (3, 3, 8)])
def test_another_last_size_is_409_and_says_which(old, new, last):
    """A replay of what was signed before among them."""
    assert refusal(ask(old, new), AT[last]) == (409, last)


def test_another_root_of_the_size_signed_last_is_409():
    assert refusal(ask(8, 8, FORGED[8]), AT[8]) == (409, 8)
    assert split_view(FORGED[8], AT[8])
    assert not split_view(AT[8], AT[8])
    assert not split_view(FORGED[13], AT[8])


@pytest.mark.parametrize("size", [8, 13])
def test_another_history_is_422_whatever_is_shown_for_it(size):
    forged = node_reader(entries(13, fork=2))
    for path in (prove_consistency(forged, 3, size), prove_consistency(READ, 3, size), ()):
        assert refusal(ask(3, size, FORGED[size], path), AT[3]) == (422, None)


@pytest.mark.parametrize("path", [(), (AT[3].head.root,), (AT[3].head.root,) * 63])
def test_a_proof_that_does_not_hold_is_422(path):
    assert refusal(ask(3, 8, path=path), AT[3]) == (422, None)
    if path:
        assert refusal(ask(0, 8, path=path), None) == (422, None)


def test_the_first_checkpoint_of_an_empty_log_is_one():
    assert admit(ask(0, 0), LOGS, None).head == EMPTY
