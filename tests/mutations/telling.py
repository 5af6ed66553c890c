"""Mutants of alerts and snapshots."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

NOTIFIER = "tests/unit/services/test_notifier.py"
SNAPSHOTTER = "tests/unit/services/test_snapshotter.py"
DOCUMENTS = "tests/unit/detection/test_snapshot_documents.py"

ALERTS = [
    Mutant(
        "an alert is noted before it is sent",
        "services/notify.py",
        "                channel.send(alert)\n                self.log.note_sent(note, self.clock())\n",
        "                self.log.note_sent(note, self.clock())\n                channel.send(alert)\n",
        (NOTIFIER, "-k", "crash or down"),
    ),
    Mutant(
        "an alert that was sent is not noted",
        "services/notify.py",
        "                self.log.note_sent(note, self.clock())\n",
        "",
        (NOTIFIER, "-k", "once"),
    ),
    Mutant(
        "goes on behind a finding that a channel did not take",
        "services/notify.py",
        "                break\n",
        "",
        (NOTIFIER, "-k", "stops"),
    ),
    Mutant(
        "off by one on redelivery (findings)",
        "services/notify.py",
        "report.failed_index, report.failure = index, str(error)",
        "report.failed_index, report.failure = index + 1, str(error)",
        (NOTIFIER, "-k", "failed_later or down"),
    ),
    Mutant(
        "told on one channel is told on all",
        "services/notify.py",
        'note = f"{alert.alert_id}/{channel.name}"',
        "note = alert.alert_id",
        (NOTIFIER, "-k", "every_channel_once or channel_once"),
    ),
    Mutant(
        "the same alert in every status",
        "detection/alert.py",
        'return f"{self.finding.finding_id}/{self.finding.status}"',
        "return self.finding.finding_id",
        (NOTIFIER, "-k", "each_status"),
    ),
    Mutant(
        "the least severity that is told is not told",
        "detection/alert.py",
        "return finding.severity >= self.minimum_severity",
        "return finding.severity > self.minimum_severity",
        (NOTIFIER, "-k", "policy"),
    ),
    Mutant(
        "a subject longer than SNS takes",
        "detection/alert.py",
        'text.encode("ascii", "replace").decode()[:MAX_SUBJECT_CHARACTERS]',
        'text.encode("ascii", "replace").decode()',
        ("tests/unit/detection/test_alert_messages.py",),
    ),
]

SNAPSHOTS = [
    Mutant(
        "a snapshot that does not check extension",
        "services/snapshot.py",
        "        if grown != head.range:\n",
        "        if grown.end != head.range.end:\n",
        (SNAPSHOTTER, "-k", "altered or never_were"),
    ),
    Mutant(
        "a snapshot's signature is not verified",
        "services/snapshot.py",
        "            self.signer.verify(signed_bytes(last), signature)\n",
        "",
        (SNAPSHOTTER, "-k", "altered or key"),
    ),
    Mutant(
        "a head may shrink",
        "services/snapshot.py",
        "        if last.range.end > head.end:\n",
        "        if last.range.end < 0:\n",
        (SNAPSHOTTER, "-k", "shrank"),
    ),
    Mutant(
        "a snapshot of another strand is compared",
        "services/snapshot.py",
        "if last.tip_address.strand_id != head.strand_id or last.range.begin != head.begin:",
        "if last.range.begin != head.begin:",
        (SNAPSHOTTER, "-k", "another_strand"),
    ),
    Mutant(
        "every snapshot says it extends the one before",
        "services/snapshot.py",
        "(last[0], finding is None)",
        "(last[0], True)",
        (SNAPSHOTTER, "-k", "shrank"),
    ),
    Mutant(
        "a snapshot that does not extend is no finding",
        "services/snapshot.py",
        "            self.findings.record([finding])\n",
        "            pass\n",
        (SNAPSHOTTER, "-k", "shrank"),
    ),
    Mutant(
        "the finding recorded after the snapshot (crash window)",
        "services/snapshot.py",
        """        if finding is not None:
            self.findings.record([finding])
        name = snapshot_name(snapshot)
        self.snapshots.keep(name, render_document(snapshot, self.signer.sign(signed_bytes(snapshot))))
""",
        """        name = snapshot_name(snapshot)
        self.snapshots.keep(name, render_document(snapshot, self.signer.sign(signed_bytes(snapshot))))
        if finding is not None:
            self.findings.record([finding])
""",
        (SNAPSHOTTER, "-k", "away"),
    ),
    Mutant(
        "a diverged strand is called verified",
        "services/snapshot.py",
        'status = "VERIFIED" if state.diverged_at is None else f"DIVERGED at {state.diverged_at}"',
        'status = "VERIFIED"',
        (SNAPSHOTTER, "-k", "diverged"),
    ),
    Mutant(
        "a signature for anything is a signature for a snapshot",
        "detection/snapshot.py",
        "return CONTEXT + _canonical(_fields(snapshot))",
        "return _canonical(_fields(snapshot))",
        (DOCUMENTS,),
    ),
    Mutant(
        "a digest that the nodes do not give is believed",
        "detection/snapshot.py",
        'if fields["digest"] != _fields(snapshot)["digest"]:',
        "if not _fields(snapshot):",
        (DOCUMENTS, "-k", "damaged_field"),
    ),
]

TELLING = [*ALERTS, *SNAPSHOTS]
