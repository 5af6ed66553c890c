"""Witnesses and time stamps of a bundle's checkpoint: counted as a policy says, checked as a certificate allows, never believed."""

from dataclasses import replace

import pytest

from counterfoil.detection.evidence.bundle import StatementKind, parse_bundle, render_bundle
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.errors import InputError, IntegrityError, LimitError
from counterfoil.transparency.checkpoint import parse_checkpoint
from counterfoil.transparency.cosignature import cosignature, cosigned_bytes
from counterfoil.transparency.note import NoteSignature
from counterfoil.transparency.policy import Group
from counterfoil.transparency.timestamp import Timestamp, timestamp_path
from tests.evidence_worlds import LOG_PUBLIC, SNAPSHOT_PUBLIC, fraud_world, says
from tests.transparency_logs import policy_of, witness_key
from tests.tsa import NOW

TWO_OF_THREE = policy_of("a", "b", "c", quorum="two", groups={"two": Group(2, ("a", "b", "c"))})


@pytest.fixture(scope="module")
def bundle():
    finding, sources = fraud_world()
    return parse_bundle(sources.make(finding).data)


def cosigned(text, name, seconds=1_700_000_000, *, over=None):
    """A witness's signature, by rights over this very text."""
    key = witness_key(name)
    return cosignature(key.key, seconds, key.private.sign(cosigned_bytes(over or text, seconds)))


def with_signatures(bundle, *make):
    """The bundle with more signature lines under its checkpoint; each is made from the checkpoint's text."""
    first, *rest = bundle.statements
    checkpoint = parse_checkpoint(first.text.encode())
    note = checkpoint.note
    added = tuple(each(note.text) if callable(each) else cosigned(note.text, each) for each in make)
    whole = replace(checkpoint, note=note._replace(signatures=(*note.signatures, *added)))
    return replace(bundle, statements=(first._replace(text=whole.render().decode()), *rest))


def test_a_quorum_of_witnesses_is_counted_and_named(bundle):
    verdict = verify_bundle(with_signatures(bundle, "a", "c"), [LOG_PUBLIC], TWO_OF_THREE)
    assert verdict.complete
    assert says(verdict.proven, "is signed by a, c: the quorum two")


@pytest.mark.parametrize(("names", "who"), [((), "none of its witnesses"), (("b",), "signed by b")])
def test_fewer_than_the_quorum_is_not_proven(bundle, names, who):
    verdict = verify_bundle(with_signatures(bundle, *names), [LOG_PUBLIC], TWO_OF_THREE)
    assert not verdict.complete
    assert says(verdict.missing, "the quorum two", who)
    assert says(verdict.missing, "no signed statement that counts covers block")


def test_a_witness_that_the_policy_does_not_know_counts_for_nothing(bundle):
    verdict = verify_bundle(with_signatures(bundle, "a", "stranger"), [LOG_PUBLIC], TWO_OF_THREE)
    assert says(verdict.missing, "the quorum two", "signed by a")


def test_a_key_of_a_known_name_that_is_another_counts_for_nothing(bundle):
    other = witness_key("b", "another seed")

    def imposter(text):
        return cosignature(other.key, 5, other.private.sign(cosigned_bytes(text, 5)))

    assert not verify_bundle(with_signatures(bundle, "a", imposter), [LOG_PUBLIC], TWO_OF_THREE).complete


def test_a_signature_of_a_known_witness_that_does_not_hold_is_an_integrity_error(bundle):
    def over_something_else(text):
        return cosigned(text, "b", over=text.replace("\n", "x\n", 1))

    def at_another_time(text):
        good = cosigned(text, "b")
        return good._replace(value=bytes(8) + good.value[8:])

    for forged in (
        over_something_else,
        at_another_time,
        lambda _: NoteSignature("b", witness_key("b").key.key_id, b"x"),
    ):
        with pytest.raises(IntegrityError):
            verify_bundle(with_signatures(bundle, "a", "c", forged), [LOG_PUBLIC], TWO_OF_THREE)
        assert verify_bundle(with_signatures(bundle, forged), [LOG_PUBLIC]).complete


def test_a_witness_that_is_ahead_of_its_time_counts_for_nothing_and_is_named(bundle):
    judged = replace(TWO_OF_THREE, as_of=NOW)

    def late(text):
        return cosigned(text, "c", int(NOW.timestamp()) + 301)

    verdict = verify_bundle(with_signatures(bundle, "a", late), [LOG_PUBLIC], judged)
    assert not verdict.complete
    assert says(verdict.missing, "the quorum two", "signed by a")
    assert says(verdict.claimed, "the signature of c", "dated later than now")
    assert verify_bundle(with_signatures(bundle, "a", "b", late), [LOG_PUBLIC], judged).complete
    assert verify_bundle(with_signatures(bundle, "a", late), [LOG_PUBLIC], TWO_OF_THREE).complete


def test_one_witness_twice_is_an_integrity_error(bundle):
    for again in ("a", lambda text: cosigned(text, "a", 1_800_000_000)):
        with pytest.raises(IntegrityError, match="signed twice"):
            verify_bundle(with_signatures(bundle, "a", again), [LOG_PUBLIC], TWO_OF_THREE)


def test_a_snapshot_has_no_witnesses_and_so_counts_for_nothing(bundle):
    assert verify_bundle(bundle, [SNAPSHOT_PUBLIC]).complete
    verdict = verify_bundle(with_signatures(bundle, "a", "b"), [SNAPSHOT_PUBLIC], TWO_OF_THREE)
    assert says(verdict.missing, "no signed statement that counts covers block")


def test_witnesses_do_not_stand_in_for_the_key(bundle):
    other = replace(LOG_PUBLIC, public=bytes(32))
    with pytest.raises(IntegrityError, match="nothing in the bundle is signed by a key that was given"):
        verify_bundle(with_signatures(bundle, "a", "b"), [other], TWO_OF_THREE)


def test_a_policy_that_asks_for_nobody_counts_nobody(bundle):
    verdict = verify_bundle(with_signatures(bundle, "a"), [LOG_PUBLIC], policy_of("a"))
    assert verdict.complete
    assert not says(verdict.proven, "quorum")


# Time stamps

TOKEN = b"an authority's answer"
STAMP = Timestamp(NOW, "CN=TSA", "1.2.3", 4)


def stamped(bundle, token=TOKEN):
    first, *rest = bundle.statements
    return replace(bundle, statements=(first._replace(timestamp=token), *rest))


def test_a_time_stamp_is_carried_and_what_it_says_is_proven_to_who_trusts_the_authority(bundle):
    asked = []

    def check(token, checkpoint):
        asked.append((token, checkpoint))
        return STAMP

    read = parse_bundle(render_bundle(stamped(bundle)))
    verdict = verify_bundle(read, [LOG_PUBLIC], None, check)
    assert asked == [(TOKEN, bundle.statements[0].text.encode())]
    assert says(verdict.proven, f"existed at {NOW.isoformat()}, says CN=TSA")
    assert verdict.stamps == (STAMP, None)


def test_without_a_certificate_its_time_is_a_claim(bundle):
    verdict = verify_bundle(stamped(bundle), [LOG_PUBLIC])
    assert says(verdict.claimed, "its time stamp was not checked")
    assert (verdict.complete, verdict.stamps) == (True, (None, None))


def test_one_that_does_not_hold_is_an_integrity_error(bundle):
    def refuse(*_):
        raise IntegrityError("the time stamp is over other bytes")

    with pytest.raises(IntegrityError, match="over other bytes"):
        verify_bundle(stamped(bundle), [LOG_PUBLIC], None, refuse)
    assert verify_bundle(bundle, [LOG_PUBLIC], None, refuse).complete


def test_one_that_is_too_long_or_on_a_snapshot_is_refused(bundle):
    with pytest.raises(LimitError, match="time stamp"):
        parse_bundle(render_bundle(stamped(bundle, bytes(65_537))))
    assert bundle.statements[1].kind is StatementKind.SNAPSHOT
    on_snapshot = replace(bundle, statements=(bundle.statements[0], bundle.statements[1]._replace(timestamp=TOKEN)))
    with pytest.raises(InputError, match="does not know"):
        parse_bundle(render_bundle(on_snapshot))


def test_what_is_kept_beside_the_checkpoint_goes_into_the_bundle(bundle):
    finding, sources = fraud_world()
    sources.log.add(timestamp_path(bundle.statements[0].text.encode()), TOKEN)
    made = sources.make(finding)
    assert [each.timestamp for each in parse_bundle(made.data).statements] == [TOKEN, None]


def test_one_that_is_too_long_to_be_carried_is_left_out_and_said(bundle):
    finding, sources = fraud_world()
    sources.log.add(timestamp_path(bundle.statements[0].text.encode()), bytes(65_537))
    made = sources.make(finding)
    assert says(made.left_out, "a time stamp of 65537 bytes")
    assert made.verdict.complete
