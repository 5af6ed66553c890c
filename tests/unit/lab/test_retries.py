"""Error handling of a stream's mapping: retries, age, bisecting, backoff, destinations."""

import json

from lab.mapping.destinations import DeliveryFailedError


def test_without_a_limit_a_batch_is_retried_until_it_succeeds(scene, failed):
    world = scene()
    world.put("ab")
    world.script.extend([failed] * 12)
    world.run()
    assert world.calls == ["ab"] * 13


def test_retries_exhausted_discard_the_batch_and_the_shard_goes_on(scene, answer, failed):
    world = scene(BatchSize=2, MaximumRetryAttempts=2)
    world.put("abcd")
    world.behave = lambda letters, _event: failed if "b" in letters else answer(None)
    world.run()
    assert world.calls == ["ab", "ab", "ab", "cd"]
    assert world.discarded == ["ab"]


def test_zero_retries_mean_one_invocation(scene, failed):
    world = scene(MaximumRetryAttempts=0)
    world.put("a")
    world.script.append(failed)
    world.run()
    assert world.calls == ["a"]
    assert world.discarded == ["a"]


def test_throttles_do_not_count_as_retries(scene, throttled):
    world = scene(MaximumRetryAttempts=0)
    world.put("a")
    world.script.extend([throttled] * 5)
    world.run()
    assert world.calls == ["a"] * 6
    assert world.discarded == []


def test_bisecting_isolates_the_bad_record_and_does_not_consume_retries(scene, answer, failed):
    world = scene(BatchSize=8, BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    world.put("abcdefgh")
    world.behave = lambda letters, _event: failed if "f" in letters else answer(None)
    world.run()
    assert world.calls == ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "f", "gh"]
    assert world.discarded == ["f"]


def test_with_item_failures_the_batch_is_bisected_at_the_reported_record(scene, answer, report):
    settings = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "BisectBatchOnFunctionError": True}
    world = scene(BatchSize=8, MaximumRetryAttempts=1, **settings)
    numbers = world.put("abcdef")
    world.behave = lambda letters, _event: report(numbers[3]) if "d" in letters else answer(None)
    world.run()
    assert world.calls == ["abcdef", "def", "d", "d", "ef"]
    assert world.discarded == ["d"]


def test_partial_failures_without_bisecting_use_up_the_retries(scene, report):
    world = scene(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    numbers = world.put("abcd")
    world.script.extend([report(numbers[1]), report(numbers[2])])
    world.run()
    assert world.calls == ["abcd", "bcd"]
    assert world.discarded == ["cd"]


def test_records_older_than_the_maximum_age_are_discarded_before_they_are_delivered(scene):
    world = scene(MaximumRecordAgeInSeconds=60)
    world.put("ab")
    world.clock.advance(61)
    world.put("c")
    world.run()
    assert world.calls == ["c"]
    assert world.discarded == ["ab"]
    assert world.destination.delivered[0].condition == "RecordAgeExceeded"


def test_a_batch_that_grows_too_old_between_retries_is_discarded(scene, failed):
    world = scene(MaximumRecordAgeInSeconds=60)
    world.put("a")
    world.script.extend([failed] * 100)
    world.run()
    assert 1 < len(world.calls) < 100
    assert world.discarded == ["a"]
    assert max(world.times) - world.times[0] <= 60


def test_without_a_maximum_age_a_bad_record_blocks_its_shard_until_it_expires_in_the_stream(scene, answer, failed):
    world = scene(BatchSize=1)
    world.put("a")
    world.clock.advance(3600)
    world.put("b")
    world.behave = lambda letters, _event: failed if letters == "a" else answer(None)
    world.run()
    assert world.calls[-1] == "b"
    assert set(world.calls[:-1]) == {"a"}
    assert world.times[-1] - world.times[0] > 20 * 3600


def test_waits_between_retries_double_up_to_a_longest_one(scene, failed):
    world = scene()
    world.put("a")
    world.script.extend([failed] * 9)
    world.run()
    waits = [later - earlier for earlier, later in zip(world.times, world.times[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_another_shard_does_not_wait_for_a_shard_that_is_held_up(scene, answer, failed):
    world = scene()
    left, _right = world.stream.split("shardId-000000000000")
    keys = {world.stream.put(f"key-{n}", b"?")[0]: f"key-{n}" for n in range(20)}
    world.behave = lambda _letters, event: (
        failed if len(world.times) < 8 and event["Records"][0]["eventID"].startswith(left) else answer(None)
    )
    world.put("z", partition_key=keys["shardId-000000000002"])
    world.run()
    shards = [event["Records"][0]["eventID"].partition(":")[0] for event in world.events]
    assert shards[:2].count("shardId-000000000002") == 1
    assert shards.count(left) == 7


def test_a_bucket_gets_the_whole_event_under_the_documented_name(scene, failed):
    world = scene(MaximumRetryAttempts=0)
    numbers = world.put("ab")
    world.script.append(failed)
    world.run()
    (discarded,) = world.destination.delivered
    record = discarded.invocation_record()
    assert json.loads(record.pop("payload")) == world.events[0]
    assert record == {
        "requestContext": {
            "requestId": "request-2",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:auditor",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2020-09-13T12:26:40.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[1],
            "approximateArrivalOfFirstRecord": "2020-09-13T12:26:40.000Z",
            "approximateArrivalOfLastRecord": "2020-09-13T12:26:40.000Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/journal",
        },
    }
    folder, _, name = discarded.object_key().rpartition("/")
    assert folder == "aws/lambda/0a1b2c3d-0000-4000-8000-000000000001/shardId-000000000000/2020/09/13"
    assert name == f"2020-09-13T12.26.40-{discarded.record_id}"


def test_a_queue_or_topic_gets_metadata_only(scene, failed):
    world = scene(MaximumRetryAttempts=0)
    world.put("a")
    world.script.append(failed)
    world.run()
    assert "payload" not in world.destination.delivered[0].metadata()


def test_a_destination_that_refuses_is_counted_and_the_shard_goes_on(scene, failed):
    class Refusing:
        def deliver(self, _discarded):
            raise DeliveryFailedError("access denied")

    world = scene(MaximumRetryAttempts=0, BatchSize=1)
    world.engine._destination = Refusing()
    world.put("ab")
    world.script.append(failed)
    world.run()
    assert world.calls == ["a", "b"]
    assert world.engine.metrics.destination_delivery_failures == 1
    assert world.engine.metrics.on_failure_destination_delivered_event_count == 0


def test_metrics_count_what_failed_was_dropped_and_was_delivered_to_the_destination(scene, failed):
    world = scene(MaximumRetryAttempts=1)
    world.put("abc")
    world.script.extend([failed, failed])
    world.run()
    metrics = world.engine.metrics
    assert metrics.invoked_event_count == metrics.failed_invoke_event_count == 6
    assert metrics.dropped_event_count == metrics.on_failure_destination_delivered_event_count == 3
