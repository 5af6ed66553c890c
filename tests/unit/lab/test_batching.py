"""Which records are delivered together, and when."""

from lab.invocation import PAYLOAD_LIMIT_BYTES


def test_a_batch_holds_at_most_batch_size_records(scene):
    world = scene(BatchSize=3)
    world.put("abcdefgh")
    world.run()
    assert world.calls == ["abc", "def", "gh"]


def test_a_batch_holds_at_most_batch_size_records_where_more_of_them_wait(scene):
    world = scene(BatchSize=2, MaximumBatchingWindowInSeconds=60)
    world.put("a")
    world.engine.step()
    world.put("bc")
    world.run()
    assert world.calls == ["ab", "c"]


def test_without_a_window_what_is_there_is_delivered_at_once(scene):
    world = scene(BatchSize=100)
    world.put("ab")
    started = world.clock.now
    world.run()
    assert world.calls == ["ab"]
    assert world.times == [started]


def test_a_window_waits_for_more_records_until_it_closes(scene):
    world = scene(BatchSize=100, MaximumBatchingWindowInSeconds=5)
    world.put("a")
    opened = world.clock.now
    while not world.calls:
        if not world.engine.step():
            world.clock.advance(1)
            if world.clock.now == opened + 2:
                world.put("b")
    assert world.calls == ["ab"]
    assert world.times == [opened + 5]


def test_a_full_batch_does_not_wait_for_its_window(scene):
    world = scene(BatchSize=2, MaximumBatchingWindowInSeconds=60)
    world.put("ab")
    started = world.clock.now
    while world.engine.step():
        pass
    assert world.calls == ["ab"]
    assert world.times == [started]


def test_a_batch_is_cut_where_the_payload_would_pass_six_megabytes(scene):
    world = scene(BatchSize=100)
    for letter in "abc":
        world.stream.put("strand", letter.encode() * 2_000_000)
    sizes = []
    invoke = world._invoke
    world.engine._invoke = lambda payload: sizes.append(len(payload)) or invoke(payload)
    world.run()
    assert [len(event["Records"]) for event in world.events] == [2, 1]
    assert max(sizes) <= PAYLOAD_LIMIT_BYTES


def test_a_record_that_fits_into_no_payload_is_discarded_and_the_next_one_is_delivered(scene):
    world = scene(BatchSize=100, MaximumRetryAttempts=1)
    world.stream.put("strand", b"x" * 5_000_000)
    world.put("b")
    world.run()
    assert world.calls == ["b"]
    assert [len(letters) for letters in world.discarded] == [5_000_000]


def test_the_function_gets_the_event_as_kinesis_gives_it(scene):
    world = scene()
    (number,) = world.put("a")
    world.run()
    assert world.events == [
        {
            "Records": [
                {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": "strand",
                        "sequenceNumber": number,
                        "data": "YQ==",
                        "approximateArrivalTimestamp": 1_600_000_000.0,
                    },
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": f"shardId-000000000000:{number}",
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": "arn:aws:iam::123456789012:role/auditor",
                    "awsRegion": "us-east-1",
                    "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/journal",
                }
            ]
        }
    ]


def test_a_disabled_mapping_delivers_nothing(scene):
    world = scene(Enabled=False)
    world.put("abc")
    world.run()
    assert world.calls == []


def test_metrics_count_what_was_polled_and_invoked_and_how_old_it_was(scene):
    world = scene(BatchSize=2)
    world.put("abc")
    world.clock.advance(7)
    world.run()
    metrics = world.engine.metrics
    assert (metrics.polled_event_count, metrics.invoked_event_count, metrics.invocations) == (3, 3, 2)
    assert metrics.maximum_iterator_age_ms == 7000
