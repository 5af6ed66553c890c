"""Mutants of jobs that functions carry out call by call, and of records that are set aside for being too large."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

PUBLISHING = "tests/unit/services/test_stream_publishing.py"
EXPORTING = "tests/unit/services/test_export_running.py"
ASKED = "tests/unit/services/test_asked_jobs.py"
ASIDE = "tests/unit/services/test_set_aside.py"
POINTER = "tests/unit/journal/test_set_aside.py"
STORE = "tests/contract/test_set_aside.py"
COMMAND = "tests/unit/cli/test_streams.py"

STREAMS_BY_CALLS = [
    Mutant(
        "a stream that is held is published",
        "services/stream_publishing.py",
        "if each.status.running and not each.paused]",
        "if each.status.running]",
        (PUBLISHING,),
    ),
    Mutant(
        "a stream that is held is published when asked for",
        "services/stream_publishing.py",
        "job.status.running and not job.paused else []",
        "job.status.running else []",
        (PUBLISHING,),
    ),
    Mutant(
        "a stream that has ended is published",
        "services/stream_publishing.py",
        "if each.status.running and not each.paused]",
        "if not each.paused]",
        (PUBLISHING,),
    ),
    Mutant(
        "every stream is published whatever strand has gone on",
        "services/stream_publishing.py",
        "if self._strand_of(each) in wanted])",
        "if wanted])",
        (PUBLISHING,),
    ),
    Mutant(
        "streams of a deleted ledger stay",
        "services/stream_publishing.py",
        "                self.jobs.forget(job.stream_id)\n",
        "",
        (PUBLISHING,),
    ),
    Mutant(
        "a conflict counts as something in the way",
        "services/stream_publishing.py",
        "            except ConflictError:\n                report.unfinished",
        "            except ZeroDivisionError:\n                report.unfinished",
        (PUBLISHING,),
    ),
    Mutant(
        "what mends itself is not delivered again",
        "services/stream_publishing.py",
        "                report.failed_strands.add(strand_id)\n        return report\n\n    def _publish_one",
        "        return report\n\n    def _publish_one",
        (PUBLISHING,),
    ),
    Mutant(
        "a cursor is saved over what another call saved",
        "services/stream_publishing.py",
        "                self.jobs.advance_stream(before, after)\n",
        "                self.jobs.save_stream(after)\n",
        (PUBLISHING,),
    ),
    Mutant(
        "a mended stream stays impaired",
        "services/stream_publishing.py",
        "before, after = reached, healthy(each)",
        "before, after = reached, each",
        (PUBLISHING,),
    ),
    Mutant(
        "a call goes on when its time is up",
        "services/stream_publishing.py",
        "if self.clock() >= until and reached.status.running:",
        "if False:",
        (PUBLISHING,),
    ),
    Mutant(
        "a call that ran out of time does not say so",
        "services/stream_publishing.py",
        "                    report.unfinished.append(job.stream_id)\n                    return\n",
        "                    return\n",
        (PUBLISHING,),
    ),
    Mutant(
        "what mends itself impairs a stream",
        "services/stream_publishing.py",
        "        except (ConflictError, UnavailableError):\n            raise\n",
        "        except ConflictError:\n            raise\n",
        (PUBLISHING,),
    ),
    Mutant(
        "an impaired stream loses what it had published in the call",
        "services/stream_publishing.py",
        "self.jobs.advance_stream(reached, impaired(reached, error, now))",
        "self.jobs.save_stream(impaired(job, error, now))",
        (PUBLISHING,),
    ),
    Mutant(
        "a stream that moves is not changed",
        "services/stream_publishing.py",
        "    for _ in range(ATTEMPTS):\n",
        "    for _ in range(1):\n",
        (PUBLISHING,),
    ),
    Mutant(
        "letting go on holds as well",
        "services/stream_publishing.py",
        "lambda job: job.with_paused(paused=paused)",
        "lambda job: job.with_paused(paused=True)",
        (PUBLISHING, COMMAND),
    ),
    Mutant(
        "a replay may pass blocks over",
        "ledger/jobs.py",
        "if not 0 <= sequence_no <= (self.next_sequence_no or 0):",
        "if sequence_no < 0:",
        (PUBLISHING, COMMAND),
    ),
    Mutant(
        "a replay begins behind its block",
        "ledger/jobs.py",
        "return replace(self, next_sequence_no=sequence_no)",
        "return replace(self, next_sequence_no=min(sequence_no + 1, self.next_sequence_no or 0))",
        (PUBLISHING, COMMAND),
    ),
    Mutant(
        "a stream that has ended is held",
        "ledger/jobs.py",
        "        self._check_running()\n        return replace(self, paused=paused)\n",
        "        return replace(self, paused=paused)\n",
        (PUBLISHING,),
    ),
    Mutant(
        "COMPLETED comes before the end is sure",
        "services/publish.py",
        "if now >= job.exclusive_end + END_GRACE:",
        "if now >= job.exclusive_end:",
        (PUBLISHING,),
    ),
    Mutant(
        "blocks behind the end are published",
        "services/publish.py",
        "return begin, first_block_at(self.reader, job.exclusive_end, begin, behind)",
        "return begin, behind",
        (PUBLISHING,),
    ),
]

EXPORTS_BY_CALLS = [
    Mutant(
        "an export that has ended is run again",
        "services/export_running.py",
        "            if job.status is not ExportStatus.IN_PROGRESS:\n                continue\n",
        "",
        (EXPORTING,),
    ),
    Mutant(
        "an export's progress is saved over another's",
        "services/export_running.py",
        "                self.jobs.advance_export(reached, each)\n",
        "                self.jobs.save_export(each)\n",
        (EXPORTING,),
    ),
    Mutant(
        "an export goes on when the call's time is up",
        "services/export_running.py",
        "if running_out() and reached.status is ExportStatus.IN_PROGRESS:",
        "if False:",
        (EXPORTING,),
    ),
    Mutant(
        "an export that has just ended is said to be unfinished",
        "services/export_running.py",
        "if running_out() and reached.status is ExportStatus.IN_PROGRESS:",
        "if running_out():",
        (EXPORTING,),
    ),
    Mutant(
        "what mends itself ends an export",
        "services/export_running.py",
        "        except (ConflictError, UnavailableError):\n            raise\n",
        "        except ConflictError:\n            raise\n",
        (EXPORTING,),
    ),
    Mutant(
        "what mends itself is not tried again soon",
        "services/export_running.py",
        "                report.failures[job.export_id] = str(error)\n                report.unfinished.append(job.export_id)\n",
        "                report.failures[job.export_id] = str(error)\n",
        (EXPORTING,),
    ),
    Mutant(
        "an ended export forgets what it had written",
        "services/export_running.py",
        "ended = replace(reached, status",
        "ended = replace(job, status",
        (EXPORTING,),
    ),
    Mutant(
        "an export that somebody ended is ended again",
        "services/export_running.py",
        "                self.jobs.advance_export(reached, ended)\n",
        "                self.jobs.save_export(ended)\n",
        (EXPORTING,),
    ),
    Mutant(
        "exports of a deleted ledger stay",
        "services/export_running.py",
        "            self.jobs.forget(job.export_id)\n",
        "",
        (EXPORTING,),
    ),
]

JOBS_ASKED_FOR = [
    Mutant(
        "a function is asked before its job is kept",
        "services/asked_jobs.py",
        "        self.store.save_stream(job)\n",
        "        with suppress(UnavailableError):\n            self.ask_publisher({})\n        self.store.save_stream(job)\n",
        (ASKED,),
    ),
    Mutant(
        "a job fails where its function could not be asked",
        "services/asked_jobs.py",
        '        with suppress(UnavailableError):\n            self.ask_exporter({"export": job.export_id})\n',
        '        self.ask_exporter({"export": job.export_id})\n',
        (ASKED,),
    ),
    Mutant(
        "a cancelled stream keeps what was in its way",
        "services/asked_jobs.py",
        "ended_at=self.clock(), error_cause=None)",
        "ended_at=self.clock())",
        (ASKED,),
    ),
    Mutant(
        "a stream that has ended is cancelled",
        "services/asked_jobs.py",
        "            if not job.status.running:\n",
        "            if False:\n",
        (ASKED,),
    ),
    Mutant(
        "a stream is cancelled over what was published meanwhile",
        "services/asked_jobs.py",
        "                self.store.advance_stream(job, ended)\n",
        "                self.store.save_stream(ended)\n",
        (ASKED,),
    ),
    Mutant(
        "another ledger's streams are forgotten",
        "services/asked_jobs.py",
        "            if stream.ledger_name == ledger_name:\n",
        "            if stream.ledger_name:\n",
        (ASKED,),
    ),
]

SET_ASIDE = [
    Mutant(
        "altered bytes are read",
        "journal/set_aside.py",
        "if len(data) != place.size_bytes or found != place.sha256:",
        "if len(data) != place.size_bytes:",
        (POINTER, ASIDE),
    ),
    Mutant(
        "a pointer's size is not held against the bytes",
        "journal/set_aside.py",
        "if len(data) != place.size_bytes or found != place.sha256:",
        "if found != place.sha256:",
        (POINTER, ASIDE),
    ),
    Mutant(
        "a pointer may lead anywhere",
        "journal/set_aside.py",
        "if named is None or named[1] != digest.hex():",
        "if named is not None and named[1] != digest.hex():",
        (POINTER,),
    ),
    Mutant(
        "a pointer's key need not be its hash",
        "journal/set_aside.py",
        "if named is None or named[1] != digest.hex():",
        "if named is None:",
        (POINTER,),
    ),
    Mutant(
        "any size is fetched",
        "journal/set_aside.py",
        "if size_bytes > MAX_SET_ASIDE_BYTES:",
        "if False:",
        (POINTER,),
    ),
    Mutant(
        "a pointer leads to another block's record",
        "journal/stream_record.py",
        "if found != (pointer.stream_arn, pointer.record_type, pointer.address):",
        "if found[:2] != (pointer.stream_arn, pointer.record_type):",
        (POINTER,),
    ),
    Mutant(
        "a pointer leads to a record of another kind",
        "journal/stream_record.py",
        "if found != (pointer.stream_arn, pointer.record_type, pointer.address):",
        "if found[2] != pointer.address:",
        (POINTER,),
    ),
    Mutant(
        "a record of the limit's size is set aside",
        "journal/publication.py",
        "if len(record.data) <= limit_bytes:",
        "if len(record.data) < limit_bytes:",
        (POINTER,),
    ),
    Mutant(
        "what is published again expires with what was published before",
        "journal/set_aside.py",
        '{day.isoformat()}/{digest.hexdigest()}"',
        '2026-01-31/{digest.hexdigest()}"',
        (ASIDE,),
    ),
    Mutant(
        "a repeated block is put whole, however large",
        "services/publish.py",
        "        self._put(job, list(self._fitted(data, job.arn).records))\n",
        "        self._put(job, list(streamed_datagram(data, job.arn).records))\n",
        (ASIDE,),
    ),
    Mutant(
        "a batch reads whatever it is pointed to",
        "services/set_aside.py",
        "        self.left_bytes -= pointer.place.size_bytes\n",
        "",
        (ASIDE,),
    ),
    Mutant(
        "a record that cannot be fetched is passed over by the detector",
        "services/arrivals.py",
        "            self.failures.append((item.outer_index, error))\n",
        "            self.unverified += error is not None\n",
        (ASIDE,),
    ),
    Mutant(
        "an altered summary leaves its strand whole",
        "services/verification.py",
        "        if of_block:\n",
        "        if False:\n",
        (ASIDE,),
    ),
    Mutant(
        "of altered bytes the pointer alone is kept",
        "services/verification.py",
        "self._keep(error.data)",
        "self._keep(pointer.place.key.encode())",
        (ASIDE,),
    ),
    Mutant(
        "whatever lies there is read to its end",
        "adapters/memory/set_aside.py",
        "return self.kept[place.key][: place.size_bytes + 1]",
        "return self.kept[place.key]",
        (STORE,),
    ),
]
