"""Mutants of what leaves the ledger and is verified outside: streams, exports, their jobs and the directory for both."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

PUBLISH = "tests/unit/services/test_publish.py"
EXPORT = "tests/unit/services/test_export.py"
VERIFY = "tests/unit/services/test_verify_export.py"
JOBS = "tests/unit/services/test_jobs.py"
LAWS = "tests/property/test_export_laws.py"
BUCKETS = "tests/contract/test_object_store.py"
SINKS = "tests/contract/test_stream_sink.py"
READING = "tests/unit/ion/test_stream_reading.py"

OUTSIDE = [
    Mutant(
        "the cursor moves before the sink has confirmed",
        "services/publish.py",
        "                self._put(job, [record for block in batch.blocks for record in block.records])\n"
        "                job = replace(job, next_sequence_no=batch.end)\n"
        "                yield job\n",
        "                job = replace(job, next_sequence_no=batch.end)\n"
        "                yield job\n"
        "                self._put(job, [record for block in batch.blocks for record in block.records])\n",
        (PUBLISH,),
    ),
    Mutant(
        "a record that is too large is passed over",
        "services/publish.py",
        "                return _Batch(blocks, begin + len(blocks), error)",
        "                error.add_note('passed over')\n                continue",
        (PUBLISH,),
    ),
    Mutant(
        "an end time that the clock has passed by a moment ends the stream",
        "services/publish.py",
        "END_GRACE: Final = timedelta(seconds=5)",
        "END_GRACE: Final = timedelta(seconds=0)",
        (PUBLISH,),
    ),
    Mutant(
        "the end time is included",
        "services/publish.py",
        "return begin, first_block_at(self.reader, job.exclusive_end, begin, behind)",
        "return begin, min(behind, 1 + first_block_at(self.reader, job.exclusive_end, begin, behind))",
        (PUBLISH,),
    ),
    Mutant(
        "records are keyed apart, so that a strand scatters",
        "services/publish.py",
        "        yield from (OuterRecord(outer_key, each.data) for each in records)",
        "        yield from (OuterRecord(each.partition_key, each.data) for each in records)",
        (PUBLISH,),
    ),
    Mutant(
        "internal revisions are given details",
        "journal/publication.py",
        'for revision in revisions if "metadata" in revision',
        "for revision in revisions",
        (PUBLISH,),
    ),
    Mutant(
        "an object's end depends on where the run began",
        "services/export.py",
        "return hour == self.hour and self.size_bytes + len(data) <= OBJECT_BYTES",
        "return self.size_bytes + len(data) <= OBJECT_BYTES",
        (EXPORT,),
    ),
    Mutant(
        "an export goes on one block too far",
        "services/export.py",
        "next_sequence_no=each.first + len(each.blocks)",
        "next_sequence_no=each.first + len(each.blocks) + 1",
        (EXPORT,),
    ),
    Mutant(
        "blocks of an export are not verified",
        "services/export_contents.py",
        "            block = verify_block(unverified)\n",
        "            block = verify_block.__globals__['Block'](*unverified[:4], unverified.previous_block_hash, "
        "unverified.statements, unverified.documents, None, unverified.summaries, (), False)\n",
        (VERIFY,),
    ),
    Mutant(
        "objects are not linked",
        "services/export_contents.py",
        "    elif _touch(left, right):",
        "    elif False:",
        (VERIFY, LAWS),
    ),
    Mutant(
        "blocks in an object are not linked",
        "services/export_contents.py",
        "        if self.unbroken:\n",
        "        if False:\n",
        (VERIFY,),
    ),
    Mutant(
        "a block out of its place is taken",
        "services/export_contents.py",
        "if address != (self.task.name.strand_id, self.expected):",
        "if address.strand_id != self.task.name.strand_id:",
        (VERIFY,),
    ),
    Mutant(
        "an object may be shorter than its name says",
        "services/export_contents.py",
        "        if self.expected != contents.end:",
        "        if self.expected > contents.end:",
        (VERIFY,),
    ),
    Mutant(
        "a hole between objects is passed over",
        "services/export_contents.py",
        "    if left.end != right.begin:",
        "    if left.end > right.begin:",
        (VERIFY,),
    ),
    Mutant(
        "any digest will do",
        "services/verify_export.py",
        "    if reached is not None and reached == digest:",
        "    if reached is not None:",
        (VERIFY,),
    ),
    Mutant(
        "a digest that is not reached is not missed",
        "services/verify_export.py",
        "    return [found(ExportRule.DIGEST_MISMATCH, tip, reason, now)]",
        "    return [found(ExportRule.DIGEST_MISMATCH, tip, reason, now)][1:]",
        (VERIFY,),
    ),
    Mutant(
        "an object that is missing is no matter",
        "services/export_contents.py",
        "    contents.findings.append(found(ExportRule.MISSING_OBJECT, task.key, reason, task.now))",
        "    assert reason",
        (VERIFY,),
    ),
    Mutant(
        "a key may lead upwards",
        "adapters/durable_files.py",
        'plain = part != "" and not part.startswith(".")',
        'plain = part != ""',
        (BUCKETS,),
    ),
    Mutant(
        "an object is written in place",
        "adapters/durable_files.py",
        'waiting = path.with_name(f".{path.name}.partial")',
        "waiting = path",
        (BUCKETS,),
    ),
    Mutant(
        "an acknowledged file is not flushed",
        "adapters/durable_files.py",
        "            os.fsync(file.fileno())\n",
        "",
        (BUCKETS,),
    ),
    Mutant(
        "a new process overwrites the first event",
        "adapters/outbox.py",
        "                number = _next_number(directory)",
        "                number = 0",
        (SINKS,),
    ),
    Mutant(
        "a cancelled stream is brought back by its thread",
        "services/jobs.py",
        "            if kept is None or not kept.status.running:",
        "            if kept is None:",
        (JOBS,),
    ),
    Mutant(
        "an impaired stream is never given up",
        "services/jobs.py",
        "since = job.impaired_since or now",
        "since = now",
        (JOBS,),
    ),
    Mutant(
        "a restart begins anew",
        "services/jobs.py",
        "            self._store.save_export(job)\n            self._exports[job.export_id] = job\n            return True",
        "            self._exports[job.export_id] = job\n            return True",
        (JOBS,),
    ),
    Mutant(
        "symbol tables are believed behind a new version marker",
        "ion/streams.py",
        "            symbols, declared = SYSTEM_TABLE, 0\n            continue",
        "            symbols, declared = symbols, 0\n            continue",
        (READING,),
    ),
    Mutant(
        "a bracket in a string nests",
        "ion/text_stream.py",
        """_STRING: Final = r'"[^"\\\\]*+(?:\\\\.[^"\\\\]*+)*+"'""",
        """_STRING: Final = r'"[^"\\\\{}]*+(?:\\\\.[^"\\\\{}]*+)*+"'""",
        (READING,),
    ),
]
