"""How the emulator is started: what it does seldom, or remembers, does not change what it answers."""

from types import SimpleNamespace

from lab.emulator_process import SWEEP_SECONDS, ease, remembering, seldom


def test_what_is_done_seldom_is_done_again_when_it_is_time():
    now, done = [100.0], []
    call = seldom(lambda: done.append(now[0]), SWEEP_SECONDS, lambda: now[0])
    for now[0] in (100.0, 101.0, 109.9, 110.0, 119.9, 150.0, 151.0):
        call()
    assert done == [100.0, 110.0, 150.0]


def test_a_list_that_a_caller_changes_is_whole_for_the_next():
    asked = []

    def words(text):
        asked.append(text)
        return text.split()

    split = remembering(words)
    split("a b").clear()
    assert split("a b") == ["a", "b"]
    assert split("c") == ["c"]
    assert asked == ["a b", "c"]


def test_the_services_say_what_they_said_before():
    kinesis = SimpleNamespace(_expire_iterators=lambda: None)
    dynamodb = SimpleNamespace(_condition_syntax_error=lambda text, slot: f"{slot}: {text}", _tokenize=list)
    ease(kinesis, dynamodb)
    assert kinesis._expire_iterators() is None
    assert [dynamodb._condition_syntax_error("a =", slot) for slot in ("Key", "Filter")] == ["Key: a =", "Filter: a ="]
    assert dynamodb._tokenize("pk") == ["p", "k"]
