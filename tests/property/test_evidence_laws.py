"""A bundle with anything in it changed is refused, or what was changed is nothing that a bundle proves."""

import copy
import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.evidence.bundle import MAX_BLOCKS, MAX_BUNDLE_BYTES, parse_bundle, render_bundle
from counterfoil.detection.evidence.verification import verify_bundle
from counterfoil.errors import CounterfoilError, InputError, IntegrityError, LimitError
from tests.audit_worlds import user_datas
from tests.damage import damaged
from tests.evidence_worlds import (
    LOG_PUBLIC,
    SNAPSHOT_PUBLIC,
    altered_hash,
    audit_world,
    forged,
    fraud_world,
    records_of,
)
from tests.journals import STRAND, transfers

KEYS = (LOG_PUBLIC, SNAPSHOT_PUBLIC)

# What is the word of whoever made the finding: no hash and no signature covers it, and the verdict says so.
WORDS = {"reason", "severity", "status", "foundAt", "score", "shadow", "actions"}


@cache
def payment():
    finding, sources = fraud_world(3)
    return sources.make(finding).data


@cache
def window():
    finding, sources = fraud_world(8, "fraud.round-amounts")
    return sources.make(finding).data


@cache
def fork():
    journal = transfers(5)
    datas = user_datas(journal.blocks) + records_of(journal.blocks[2], forged(journal, 2, rehashed=True))[:1]
    findings, sources = audit_world(journal, datas)
    return sources.make(findings["audit.fork"]).data


@cache
def mismatch():
    journal = transfers(4)
    datas = user_datas(journal.blocks[:2]) + records_of(journal.blocks[2], forged(journal, 2, rehashed=False))
    findings, sources = audit_world(journal, datas)
    return sources.make(findings["audit.revision-mismatch"]).data


BUNDLES = {"payment": payment, "window": window, "fork": fork, "mismatch": mismatch}


def leaves(value, place=()):
    """(place, value) of everything in a JSON document that holds nothing itself."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*place, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*place, index))
    else:
        yield place, value


def put(document, place, value):
    changed = copy.deepcopy(document)
    holder = changed
    for each in place[:-1]:
        holder = holder[each]
    holder[place[-1]] = value
    return json.dumps(changed).encode()


def others(value):
    """Values nearly like one: one character another, shorter, longer, of another type."""
    if isinstance(value, str):
        middle = len(value) // 2
        yield value[:middle] + ("A" if value[middle : middle + 1] != "A" else "B") + value[middle + 1 :]
        yield value[:-1]
        yield value + "A"
    elif isinstance(value, bool) or value is None:
        yield 7
    elif isinstance(value, int):
        yield value + 1
    yield [value]


def words_of(data):
    """Names of the finding's evidence that the verdict calls words."""
    (sentence,) = [each for each in verify_bundle(parse_bundle(data), KEYS).claimed if each.startswith("the finding's")]
    return set(sentence.partition("of its evidence ")[2].split(", "))


def is_word(place, words):
    return place[0] == "finding" and (place[1] in WORDS or (place[1] == "evidence" and place[2] in words))


def refused(data):
    try:
        return not verify_bundle(parse_bundle(data), KEYS).complete
    except (IntegrityError, InputError):
        return True


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_bundle_changed_in_any_part_that_is_not_a_mere_word_is_refused(kind):
    document, words = json.loads(BUNDLES[kind]()), words_of(BUNDLES[kind]())
    assert not refused(json.dumps(document).encode())
    let_through = [
        (place, other)
        for place, value in leaves(document)
        if not is_word(place, words)
        for other in others(value)
        if not refused(put(document, place, other))
    ]
    assert [(place, other) for place, other in let_through if not unsigned(document, place, other)] == []


def unsigned(document, place, other):
    """A document's label of its key, which no signature covers and nothing is concluded from."""
    if place[0] != "statements" or place[2] != "text" or not isinstance(other, str):
        return False
    before, after = document["statements"][place[1]]["text"], other
    return before.replace("alias/test", "") == after.replace("alias/tesA", "").replace("aliasAtest", "")


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_bundle_without_any_of_its_parts_is_refused_or_unproven(kind):
    document = json.loads(BUNDLES[kind]())
    for name in ("blocks", "records", "statements"):
        for index in range(len(document[name])):
            changed = copy.deepcopy(document)
            del changed[name][index]
            assert refused(json.dumps(changed).encode())
    for index, each in enumerate(document["blocks"]):
        for part in ("revisions", "proofs"):
            for number in range(len(each.get(part, []))):
                changed = copy.deepcopy(document)
                del changed["blocks"][index][part][number]
                if part == "proofs" and len(each["proofs"]) == 2:
                    assert refused(json.dumps(changed).encode()) == (len(document["blocks"]) == 1)
                else:
                    assert refused(json.dumps(changed).encode())


@pytest.mark.parametrize("kind", BUNDLES)
def test_what_is_not_of_the_format_is_refused(kind):
    document = json.loads(BUNDLES[kind]())
    for place in ((), ("finding",), ("blocks", 0), ("statements", 0), ("blocks", 0, "proofs", 0)):
        changed = copy.deepcopy(document)
        holder = changed
        for each in place:
            holder = holder[each]
        holder["more"] = 1
        assert refused(json.dumps(changed).encode())
    text = BUNDLES[kind]().decode()
    assert refused(text.replace('"format":', '"format": "x", "format":', 1).encode())
    assert refused(text.replace("counterfoil-evidence/v1", "counterfoil-evidence/v2").encode())


def test_a_proof_of_another_block_is_refused():
    document = json.loads(window())
    first, second = document["blocks"][:2]
    first["proofs"], second["proofs"] = second["proofs"], first["proofs"]
    with pytest.raises(IntegrityError, match="leads"):
        verify_bundle(parse_bundle(json.dumps(document).encode()), KEYS)


def test_a_proof_to_the_other_statement_is_refused():
    document = json.loads(payment())
    proofs = document["blocks"][0]["proofs"]
    proofs[0]["statement"], proofs[1]["statement"] = 1, 0
    assert refused(json.dumps(document).encode())


@pytest.mark.parametrize("number", range(2))
def test_a_proof_that_leads_elsewhere_is_refused(number):
    document = json.loads(payment())
    document["blocks"][0]["proofs"][number]["path"][0] = altered_hash("elsewhere")
    with pytest.raises(IntegrityError):
        verify_bundle(parse_bundle(json.dumps(document).encode()), KEYS)


def test_another_block_of_the_ledger_with_its_own_proof_is_not_what_the_finding_rests_on():
    """A bundle of one finding with all the evidence of another, each part of it genuine."""
    finding, sources = fraud_world(3)
    mine, other = json.loads(payment()), json.loads(window())
    mine["blocks"], mine["statements"] = other["blocks"], other["statements"]
    with pytest.raises(InputError, match="does not rest on block"):
        verify_bundle(parse_bundle(json.dumps(mine).encode()), KEYS)
    assert finding.finding_id == mine["finding"]["findingId"]
    assert sources.stored


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_truncated_bundle_is_bad_input(kind):
    data = BUNDLES[kind]()
    for size in (0, 1, len(data) // 2, len(data) - 3):
        with pytest.raises(InputError):
            parse_bundle(data[:size])


def test_a_bundle_beyond_its_limits_is_refused():
    document = json.loads(payment())
    with pytest.raises(LimitError, match="bytes"):
        parse_bundle(b" " * (MAX_BUNDLE_BYTES + 1))
    document["blocks"] *= MAX_BLOCKS + 1
    with pytest.raises(LimitError, match="blocks has"):
        parse_bundle(json.dumps(document).encode())


def test_what_is_read_is_written_the_same():
    for make in BUNDLES.values():
        assert render_bundle(parse_bundle(make())) == make()


@given(st.data())
def test_damaged_bytes_are_refused_with_a_typed_error_or_say_the_same(data):
    original = data.draw(st.sampled_from(sorted(BUNDLES)))
    try:
        verdict = verify_bundle(parse_bundle(data.draw(damaged(st.just(BUNDLES[original]())))), KEYS)
    except CounterfoilError:
        return
    honest = verify_bundle(parse_bundle(BUNDLES[original]()), KEYS)
    assert set(verdict.proven) <= set(honest.proven)
    assert f"{STRAND}#" in verdict.finding.place


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_json_in_any_place_is_a_typed_error_or_no_more_than_was_proven(data):
    kind = data.draw(st.sampled_from(sorted(BUNDLES)))
    document = json.loads(BUNDLES[kind]())
    place, _ = data.draw(st.sampled_from(sorted(leaves(document), key=str)))
    cut = data.draw(st.integers(1, len(place)))
    try:
        verdict = verify_bundle(parse_bundle(put(document, place[:cut], data.draw(values))), KEYS)
    except CounterfoilError:
        return
    assert set(verdict.proven) <= set(verify_bundle(parse_bundle(BUNDLES[kind]()), KEYS).proven)
