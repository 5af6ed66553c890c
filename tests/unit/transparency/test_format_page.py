"""docs/format.md shows what the code makes, and its policy is one."""

import re
from pathlib import Path

from counterfoil.transparency.policy import parse_policy
from counterfoil.transparency.tree import TreeHead, leaf_hash
from tests.transparency_logs import ORIGIN, entry, signed, witness_key

PAGE = (Path(__file__).parents[3] / "docs/format.md").read_text().split("\n## The log\n")[1].split("\n## ")[0]


def lines(text):
    return [line.split("  ")[0] for line in text.splitlines()]


def test_the_example_is_the_first_entry_and_the_checkpoint_over_it():
    shown = lines(PAGE.split("```")[1])
    written = entry(0).decode().splitlines()
    start = shown.index(written[0])
    assert shown[start : start + 4] == written
    assert f"{len(entry(0))} bytes" in PAGE
    checkpoint = signed(TreeHead(1, leaf_hash(entry(0)))).render().decode().splitlines()
    start = shown.index(ORIGIN)
    assert shown[start : start + 4] == checkpoint[:4]
    assert checkpoint[4].startswith(shown[start + 4].removesuffix("…"))


def test_the_policy_shown_is_one_but_for_its_keys():
    shown = PAGE.split("```text\nwitness")[1].split("```")[0]
    names = iter("abc")
    policy = parse_policy(
        re.sub(r"\S+\+[0-9a-f]{8}\+\S+", lambda _: witness_key(next(names)).key.render(), f"witness{shown}")
    )
    assert (len(policy.witnesses), policy.quorum, policy.groups["two"].needed) == (3, "two", 2)
