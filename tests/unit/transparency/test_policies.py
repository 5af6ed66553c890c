"""Which witnesses must have signed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.errors import InputError, LimitError
from counterfoil.transparency.note import VerifierKey
from counterfoil.transparency.policy import parse_policy
from tests.transparency_logs import LOG_KEY, ORIGIN, signed, witness_key
from tests.unit.transparency.test_notes import HEAD

KEYS = {name: witness_key(f"{name}.example") for name in "abcd"}
WITNESSES = "".join(f"witness {name} {key.key.render()}\n" for name, key in KEYS.items())
TEXT = signed(HEAD).note.text


def held(names):
    return [KEYS[name].cosign(TEXT, 1) for name in names]


@pytest.mark.parametrize(
    ("rules", "enough", "too_few"),
    [
        ("quorum none", ["", "a"], []),
        ("quorum b", ["b", "ab"], ["", "acd"]),
        ("group g any a b\nquorum g", ["a", "b", "ab"], ["", "cd"]),
        ("group g all a b c\nquorum g", ["abc", "abcd"], ["ab", "abd"]),
        ("group g 2 a b c\nquorum g", ["ab", "bc", "abc"], ["a", "ad", "d"]),
        ("group x 2 a b\ngroup y any c d\ngroup g all x y\nquorum g", ["abc", "abd"], ["ab", "acd", "cd"]),
        ("group x 2 a b\nquorum a", ["a"], ["b"]),
    ],
)
def test_n_of_m(rules, enough, too_few):
    policy = parse_policy(f"# who\n\n{WITNESSES}{rules}\n")
    for names in enough:
        assert policy.satisfied(held(names)), names
    for names in too_few:
        assert not policy.satisfied(held(names)), names


@pytest.mark.parametrize(("ahead", "counts"), [(-(10**9), True), (0, True), (300, True), (301, False), (2**62, False)])
def test_a_signature_of_a_time_to_come_counts_for_nothing(ahead, counts):
    """Clocks may differ by five minutes; without a time to judge by nothing is too late."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    policy = parse_policy(f"{WITNESSES}group g 2 a b c\nquorum g")
    dated = [*held("a"), KEYS["b"].cosign(TEXT, int(now.timestamp()) + ahead)]
    judged = replace(policy, as_of=now)
    assert judged.satisfied(dated) is counts
    assert (judged.signers(dated), judged.dated_ahead(dated)) == (({"a", "b"}, set()) if counts else ({"a"}, {"b"}))
    assert policy.satisfied(dated)
    assert judged.satisfied([*dated, *held("c")])  # one clock that is wrong takes nothing from the others
    assert judged.signers([*dated, *held("b")]) == {"a", "b"}
    assert not judged.is_ahead(LOG_KEY.sign(TEXT))  # which has no time


def test_one_witness_counts_once_and_the_log_not_at_all():
    policy = parse_policy(f"{WITNESSES}group g 2 a b c d\nquorum g")
    assert not policy.satisfied([*held("a"), KEYS["a"].cosign(TEXT, 2), LOG_KEY.sign(TEXT)])
    assert policy.signers(held("ac")) == {"a", "c"}


def test_a_witness_may_say_where_it_is_asked():
    policy = parse_policy(f"witness a {KEYS['a'].key.render()} https://a.example/w/\nquorum a")
    assert policy.witnesses["a"] == (KEYS["a"].key, "https://a.example/w")
    assert [each.key for each in policy.verifiers] == [KEYS["a"].key]


@pytest.mark.parametrize(
    "line",
    [
        "quorum",
        "quorum e",
        "quorum a b",
        "quorum a\nquorum b",
        "group g 0 a",
        "group g 3 a b",
        "group g -1 a",
        "group g any",
        "group g all",
        "group g 1 a a",
        "group g 1 g",
        "group a 1 b",
        "group none 1 a",
        "group g 1 h\ngroup h 1 a",
        "witness a " + KEYS["a"].key.render(),
        "witness e " + KEYS["a"].key.render(),
        "witness e " + LOG_KEY.key.render(),
        "witness e " + witness_key("e").key.render() + " https://e x",
        "log " + ORIGIN,
        "anything",
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(line):
    with pytest.raises(InputError, match=r"line \d+ of the policy"):
        parse_policy(WITNESSES + line)


def test_a_policy_is_bounded():
    with pytest.raises(LimitError):
        parse_policy("#" * 70_000)
    with pytest.raises(InputError, match="more than 100"):
        parse_policy("".join(f"witness w{n} {witness_key(f'w{n}').key.render()}\n" for n in range(101)))


def test_one_key_under_two_names_is_one_witness():
    """Two lines with one key would let its one signature, made for both names, count for two."""
    key = KEYS["a"].key
    again = VerifierKey("another.example", key.type, key.public)
    assert again.key_id != key.key_id
    with pytest.raises(InputError, match="is another witness's"):
        parse_policy(f"witness a {key.render()}\nwitness b {again.render()}\ngroup g all a b\nquorum g")


def test_a_policy_that_forgets_its_quorum_is_refused():
    for rules in ("", "group g 2 a b", "# quorum g"):
        with pytest.raises(InputError, match="no quorum"):
            parse_policy(f"{WITNESSES}{rules}\n")
    assert parse_policy("").satisfied([])


def test_names_that_only_look_alike_are_two():
    policy = parse_policy(f"{WITNESSES}quorum a")
    cosigned = KEYS["a"].cosign(TEXT, 1)
    for name in (
        "\N{CYRILLIC SMALL LETTER A}.example",
        "a.example\N{ZERO WIDTH SPACE}",
        "A.example",
        "a.exa\N{COMBINING ACUTE ACCENT}mple",
    ):
        assert not policy.satisfied([cosigned._replace(name=name)])
