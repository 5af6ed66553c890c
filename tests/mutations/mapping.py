"""Mutants of the engine behind the streams' mappings: retries, bisection, checkpoints, shards, batches."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

LAB = "tests/unit/lab"
RETRIES = f"{LAB}/test_retries.py"
PARTIAL = f"{LAB}/test_partial_failures.py"
SHARDS = f"{LAB}/test_shards.py"
BATCHING = f"{LAB}/test_batching.py"
FILTERS = f"{LAB}/test_filters.py"
DECLARATION = f"{LAB}/test_declaration.py"
SCHEDULES = "tests/simulation/test_mapping_schedules.py"

ANSWERS = [
    Mutant(
        "one retry fewer than allowed",
        "lab/mapping/answers.py",
        "failed.failures > maximum_retry_attempts:",
        "failed.failures >= maximum_retry_attempts:",
        (RETRIES, "-k", "exhausted or zero"),
    ),
    Mutant(
        "one retry more than allowed",
        "lab/mapping/answers.py",
        "failed.failures > maximum_retry_attempts:",
        "failed.failures > maximum_retry_attempts + 1:",
        (RETRIES, "-k", "exhausted or zero"),
    ),
    Mutant(
        "endless retries end",
        "lab/mapping/answers.py",
        "if maximum_retry_attempts != FOREVER and failed",
        "if failed",
        (RETRIES, "-k", "without_a_limit"),
    ),
    Mutant(
        "throttles count as retries",
        "lab/mapping/answers.py",
        "        return Sequel(retries=(batch,))\n",
        "        return _count(batch, mapping.maximum_retry_attempts)\n",
        (RETRIES, "-k", "throttles"),
    ),
    Mutant(
        "bisecting uses up retries",
        "lab/mapping/answers.py",
        "return Sequel(retries=_halves(remaining))",
        "return Sequel(retries=_halves(replace(remaining, failures=remaining.failures + 1)))",
        (RETRIES, "-k", "bisect"),
    ),
    Mutant(
        "batches of two are not bisected",
        "lab/mapping/answers.py",
        "if mapping.bisects and len(remaining.items) > 1:",
        "if mapping.bisects and len(remaining.items) > 2:",
        (RETRIES, "-k", "bisect"),
    ),
    Mutant(
        "bisecting loses the record in the middle",
        "lab/mapping/answers.py",
        "batch.part(batch.items[middle:])",
        "batch.part(batch.items[middle + 1 :])",
        (RETRIES, "-k", "bisect"),
    ),
    Mutant(
        "bisected in the middle and not at the reported record",
        "lab/mapping/answers.py",
        "if mapping.bisects and failed_at > 0:",
        "if mapping.bisects and failed_at < 0:",
        (RETRIES, "-k", "bisect"),
    ),
    Mutant(
        "the highest reported record is the checkpoint",
        "lab/mapping/answers.py",
        "return min(known) if len(known) == len(indexes) else 0",
        "return max(known) if len(known) == len(indexes) else 0",
        (PARTIAL, "-k", "lowest"),
    ),
    Mutant(
        "off by one on redelivery (the reported record itself is done)",
        "lab/mapping/answers.py",
        "replace(batch.part(batch.items[failed_at:]),",
        "replace(batch.part(batch.items[failed_at + 1 :] or batch.items[-1:]),",
        (PARTIAL, "-k", "everything_from"),
    ),
    Mutant(
        "a whole batch again where a part failed",
        "lab/mapping/answers.py",
        "replace(batch.part(batch.items[failed_at:]),",
        "replace(batch,",
        (PARTIAL, "-k", "everything_from"),
    ),
    Mutant(
        "an unknown record beside a known one is passed over",
        "lab/mapping/answers.py",
        "return min(known) if len(known) == len(indexes) else 0",
        "return min(known) if known else 0",
        (PARTIAL, "-k", "unknown"),
    ),
    Mutant(
        "an error counts as done",
        "lab/mapping/answers.py",
        "    if result.outcome is not Outcome.ANSWERED:\n        return 0\n",
        "    if result.outcome is not Outcome.ANSWERED:\n        return None\n",
        (PARTIAL, "-k", "error"),
    ),
    Mutant(
        "failures heeded that the mapping did not ask for",
        "lab/mapping/answers.py",
        "    if not reports_item_failures:\n        return None\n",
        "",
        (PARTIAL, "-k", "does_not_ask"),
    ),
]

DELIVERY = [
    Mutant(
        "retries delivered in reverse",
        "lab/mapping/engine.py",
        "lane.retries.extendleft(reversed(sequel.retries))",
        "lane.retries.extendleft(sequel.retries)",
        (RETRIES, "-k", "bisect"),
    ),
    Mutant(
        "retries wait behind what comes later",
        "lab/mapping/shard_reader.py",
        "        if lane.retries:\n            return lane.retries.popleft()\n        batch =",
        "        if lane.retries and not lane.waiting:\n            return lane.retries.popleft()\n        batch =",
        (PARTIAL, "-k", "later_records"),
    ),
    Mutant(
        "no wait between retries",
        "lab/mapping/engine.py",
        "lane.not_before = self._clock() + self._pace.backoff(lane.failures_in_a_row)",
        "lane.not_before = self._clock()",
        (RETRIES, "-k", "waits"),
    ),
    Mutant(
        "waits between retries do not double",
        "lab/mapping/engine.py",
        "self.first_backoff * 2 ** min(failures_in_a_row - 1, 20)",
        "self.first_backoff * min(failures_in_a_row, 20)",
        (RETRIES, "-k", "waits"),
    ),
    Mutant(
        "what is given up goes nowhere",
        "lab/mapping/engine.py",
        "            self._send(self._destination, discarded)\n",
        "            pass\n",
        (RETRIES, "-k", "exhausted"),
    ),
    Mutant(
        "a shard stops at a destination that refuses",
        "lab/mapping/engine.py",
        "            self.metrics.destination_delivery_failures += 1\n",
        "            self.metrics.destination_delivery_failures += 1\n            raise\n",
        (RETRIES, "-k", "refuses"),
    ),
    Mutant(
        "a failed batch counts as done at the checkpoint",
        "lab/mapping/engine.py",
        "reader.finish(batch.items[:failed_at])",
        "reader.finish(batch.items)",
        (SHARDS, SCHEDULES),
    ),
    Mutant(
        "records older than the maximum age are delivered",
        "lab/mapping/batches.py",
        "if now - item.record.arrived_at <= maximum_age_seconds]",
        "if now or maximum_age_seconds]",
        (RETRIES, "-k", "older"),
    ),
    Mutant(
        "a record that expired in the stream blocks its shard",
        "lab/mapping/engine.py",
        "return self._source.retention_seconds if limit == FOREVER else",
        "return 10.0**12 if limit == FOREVER else",
        (RETRIES, "-k", "expires"),
    ),
    Mutant(
        "a batch of one record too many",
        "lab/mapping/batches.py",
        "        if count == batch_size or (size",
        "        if count > batch_size or (size",
        (BATCHING,),
    ),
    Mutant(
        "a window begins with the last record",
        "lab/mapping/batches.py",
        "now - waiting[0].read_at >= window_seconds",
        "now - waiting[-1].read_at >= window_seconds",
        (BATCHING,),
    ),
    Mutant(
        "a full batch waits for its window",
        "lab/mapping/batches.py",
        "    if full or now",
        "    if now",
        (BATCHING,),
    ),
    Mutant(
        "a batch is cut long before six megabytes",
        "lab/mapping/batches.py",
        "(size > PAYLOAD_LIMIT_BYTES and count > 0)",
        "(size > PAYLOAD_LIMIT_BYTES // 2 and count > 0)",
        (BATCHING,),
    ),
]

SHARDS_AND_LANES = [
    Mutant(
        "children overtake their parents",
        "lab/mapping/engine.py",
        "return all(parent.finished for parent in parents if parent is not None)",
        "return all(parent.ended for parent in parents if parent is not None)",
        (SHARDS, "-k", "parent"),
    ),
    Mutant(
        "the child of a merge waits for one parent",
        "lab/mapping/engine.py",
        "return all(parent.finished for parent in parents if parent is not None)",
        "waits = [parent.finished for parent in parents if parent is not None]\n        return any(waits) or not waits",
        (SHARDS, "-k", "parent"),
    ),
    Mutant(
        "what a reshard makes is read from its end",
        "lab/mapping/engine.py",
        "        if starting:\n",
        "        if self.mapping:\n",
        (SHARDS, "-k", "latest"),
    ),
    Mutant(
        "the starting position is not looked at",
        "lab/mapping/engine.py",
        "        if starting:\n",
        "        if not self.mapping:\n",
        (SHARDS, "-k", "starts"),
    ),
    Mutant(
        "a lost lease loses what was in flight",
        "lab/mapping/shard_reader.py",
        "        self._cursor = self.checkpoint\n",
        "        self.checkpoint = self._cursor\n",
        (SHARDS, "-k", "lost_lease"),
    ),
    Mutant(
        "the checkpoint passes a record that is not done",
        "lab/mapping/shard_reader.py",
        "            if not done:\n                return\n",
        "            if not done:\n                continue\n",
        (SHARDS, SCHEDULES),
    ),
    Mutant(
        "one partition key in several lanes",
        "lab/mapping/shard_reader.py",
        "self._lanes[lane_of(record.order_key, len(self._lanes))]",
        "self._lanes[lane_of(record.sequence_number, len(self._lanes))]",
        (SHARDS, "-k", "partition_key"),
    ),
    Mutant(
        "the last record of a read is read again",
        "lab/mapping/memory_streams.py",
        "return int(record.sequence_number) > int(cursor.sequence_number)",
        "return int(record.sequence_number) >= int(cursor.sequence_number)",
        (SHARDS, BATCHING),
    ),
    Mutant(
        "all filters must admit a record",
        "lab/mapping/filters.py",
        "return any(_matches(pattern, view) for pattern in self.patterns)",
        "return all(_matches(pattern, view) for pattern in self.patterns)",
        (FILTERS,),
    ),
    Mutant(
        "one field of a pattern is enough",
        "lab/mapping/filters.py",
        "return all(_field_matches(name, rule, value) for name, rule in pattern.items())",
        "return any(_field_matches(name, rule, value) for name, rule in pattern.items())",
        (FILTERS,),
    ),
    Mutant(
        "a number is below what it equals",
        "lab/mapping/filters.py",
        '    "<": operator.lt,\n',
        '    "<": operator.le,\n',
        (FILTERS,),
    ),
    Mutant(
        "a setting that is not modelled is passed over",
        "lab/mapping/declaration.py",
        "    if unknown:\n",
        "    if len(unknown) > 100:\n",
        (DECLARATION,),
    ),
    Mutant(
        "a setting outside its limits is taken",
        "lab/mapping/declaration.py",
        "if not low <= value <= high:",
        "if not low <= value:",
        (DECLARATION,),
    ),
]

MAPPING = [*ANSWERS, *DELIVERY, *SHARDS_AND_LANES]
