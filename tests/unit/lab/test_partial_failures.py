"""Configuring partial batch response: what an answer makes of its batch."""

import pytest


@pytest.fixture
def world(scene):
    return scene(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=5)


def test_everything_from_the_reported_record_on_is_delivered_again(world, report):
    numbers = world.put("abcde")
    world.script.append(report(numbers[2]))
    world.run()
    assert world.calls == ["abcde", "cde"]


def test_the_lowest_of_several_reported_sequence_numbers_is_the_checkpoint(world, report):
    numbers = world.put("abcde")
    world.script.append(report(numbers[4], numbers[1], numbers[3]))
    world.run()
    assert world.calls == ["abcde", "bcde"]


@pytest.mark.parametrize("value", [None, {}, "", [], {"batchItemFailures": []}, {"batchItemFailures": None}, {"ok": 1}])
def test_an_empty_or_null_answer_means_that_all_succeeded(world, answer, value):
    world.put("abc")
    world.script.append(answer(value))
    world.run()
    assert world.calls == ["abc"]


@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifier": "1"},
        {"id": "x"},
        {},
        "x",
        {"itemIdentifier": 7},
    ],
)
def test_an_identifier_that_is_empty_or_unknown_fails_the_whole_batch(world, answer, failure):
    world.put("abc")
    world.script.append(answer({"batchItemFailures": [failure]}))
    world.run()
    assert world.calls == ["abc", "abc"]


def test_one_unknown_identifier_beside_a_known_one_fails_the_whole_batch(world, report):
    numbers = world.put("abc")
    world.script.append(report(numbers[2], "unknown"))
    world.run()
    assert world.calls == ["abc", "abc"]


@pytest.mark.parametrize("value", ["done", 7, ["x"], {"batchItemFailures": "x"}])
def test_an_answer_of_another_shape_fails_the_whole_batch(world, answer, value):
    world.put("abc")
    world.script.append(answer(value))
    world.run()
    assert world.calls == ["abc", "abc"]


def test_an_error_fails_the_whole_batch(world, failed):
    world.put("abc")
    world.script.append(failed)
    world.run()
    assert world.calls == ["abc", "abc"]


def test_a_mapping_that_does_not_ask_for_failures_ignores_them(scene, report):
    world = scene()
    numbers = world.put("abc")
    world.script.append(report(numbers[0]))
    world.run()
    assert world.calls == ["abc"]


@pytest.mark.parametrize("lanes", [1, 2])
def test_later_records_wait_until_the_failed_ones_are_done(scene, report, lanes):
    """With two lanes more is read at once: the later records then wait in the lane of the failed ones."""
    world = scene(FunctionResponseTypes=["ReportBatchItemFailures"], BatchSize=2, ParallelizationFactor=lanes)
    numbers = world.put("abcd")
    world.script.extend([report(numbers[1]), report(numbers[1])])
    world.run()
    assert world.calls == ["ab", "b", "b", "cd"]
