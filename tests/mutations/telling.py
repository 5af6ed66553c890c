"""Mutants of alerts and snapshots."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

NOTIFIER = "tests/unit/services/test_notifier.py"
PEOPLE = "tests/unit/services/test_telling_people.py"
DECIDED = "tests/unit/detection/test_telling.py"
WORLDS = "tests/simulation/test_telling_worlds.py"
SNAPSHOTTER = "tests/unit/services/test_snapshotter.py"
DOCUMENTS = "tests/unit/detection/test_snapshot_documents.py"

ALERTS = [
    Mutant(
        "an alert is noted before it is sent",
        "services/notify.py",
        "                channel.send(message)\n                self.log.note_sent(note, self.clock())\n",
        "                self.log.note_sent(note, self.clock())\n                channel.send(message)\n",
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
        "            report.failed_index, report.failure = min(waiting), str(error)\n",
        "            report.failure = str(error)\n",
        (NOTIFIER, "-k", "stops"),
    ),
    Mutant(
        "off by one on redelivery (findings)",
        "services/notify.py",
        "report.failed_index, report.failure = min(waiting), str(error)",
        "report.failed_index, report.failure = min(waiting) + 1, str(error)",
        (NOTIFIER, "-k", "failed_later or down"),
    ),
    Mutant(
        "told on one channel is told on all",
        "services/notify.py",
        'note = f"{message.alert_id}/{channel.name}"',
        "note = message.alert_id",
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
        "detection/telling.py",
        "finding.severity >= self.minimum_severity",
        "finding.severity > self.minimum_severity",
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

DECISIONS = [
    Mutant(
        "telling: the worst of a batch is told last",
        "services/notify.py",
        "key=lambda index: findings[index].rank, reverse=True",
        "key=lambda index: findings[index].rank",
        (PEOPLE, "-k", "worst"),
    ),
    Mutant(
        "telling: the batch begins again behind what is still to be told",
        "services/notify.py",
        "report.failed_index, report.failure = min(waiting)",
        "report.failed_index, report.failure = waiting[0]",
        (WORLDS,),
    ),
    Mutant(
        "telling: whoever was overtaken tells none the less",
        "services/notify.py",
        "                if known is not None:\n                    return known\n",
        "                if known is not None:\n                    return decided.decision\n",
        (PEOPLE, "-k", "overtaken"),
    ),
    Mutant(
        "telling: a finding is decided anew at each delivery",
        "services/notify.py",
        "        decision = self.book.decision(Alert(finding).alert_id)\n",
        "        decision = None\n",
        (PEOPLE, "-k", "comes_again"),
    ),
    Mutant(
        "telling: a decision is kept over another one",
        "adapters/memory/desk.py",
        "            decision.news_id in self.decisions\n            or ",
        "            ",
        ("tests/contract/test_desk.py", "-k", "memory and decided_once"),
    ),
    Mutant(
        "telling: the alert's version is not looked at",
        "adapters/memory/desk.py",
        "(0 if kept is None else kept.version) != group.version - 1",
        "kept is None and group.version > 1",
        ("tests/contract/test_desk.py", "-k", "memory and stale"),
    ),
    Mutant(
        "telling: today is digested before it is over",
        "services/notify.py",
        "range(DIGEST_DAYS, 0, -1)",
        "range(DIGEST_DAYS, -1, -1)",
        (PEOPLE, "-k", "digest"),
    ),
    Mutant(
        "telling: what a tried rule saw is told",
        "detection/telling.py",
        "return not finding.shadow and ",
        "return ",
        (PEOPLE, "-k", "tried"),
    ),
    Mutant(
        "telling: a suppression never ends",
        "detection/suppression.py",
        "return self.created_at <= now < (self.expires_at if self.lifted_at is None else self.lifted_at)",
        "return self.created_at <= now",
        (DECIDED, "-k", "ends"),
    ),
    Mutant(
        "telling: a suppression of a rule and an account holds where one of them is met",
        "detection/suppression.py",
        "            and self.account_id in {None, finding.account_id}\n",
        "            or self.account_id in {None, finding.account_id}\n",
        (DECIDED, "-k", "all_that_it_names"),
    ),
    Mutant(
        "telling: a suppression silences the auditor",
        "detection/telling.py",
        "if suppression is not None and not always_told(finding):",
        "if suppression is not None:",
        (DECIDED, "-k", "silences"),
    ),
    Mutant(
        "telling: the budget holds CRITICAL findings back",
        "detection/telling.py",
        "return finding.severity is Severity.CRITICAL or is_integrity(finding.rule_id)",
        "return is_integrity(finding.rule_id)",
        (DECIDED, "-k", "critical"),
    ),
    Mutant(
        "telling: the budget is one alert larger than it says",
        "detection/telling.py",
        "day.budgeted < room",
        "day.budgeted <= room",
        (DECIDED, "-k", "share"),
    ),
    Mutant(
        "telling: findings about the journal are merged",
        "detection/alert_key.py",
        "    if is_integrity(finding.rule_id):\n        return None\n",
        "",
        (DECIDED, "-k", "alerts_of_their_own"),
    ),
    Mutant(
        "telling: a window begins at the first finding and so depends on the order",
        "detection/telling.py",
        "begin = _EPOCH + (finding.found_at - _EPOCH) // window * window",
        "begin = finding.found_at",
        (DECIDED, "-k", "any_order or midnight"),
    ),
]

TERMS = "tests/unit/detection/test_alert_terms.py"

KEYS = [
    Mutant(
        "alerts: a rule's own window is not looked at",
        "detection/telling.py",
        "terms.window_seconds or policy.window_seconds",
        "policy.window_seconds",
        (DECIDED, "-k", "window_ends"),
    ),
    Mutant(
        "alerts: a rule's own key is not looked at",
        "detection/telling.py",
        "return [finding.rule_id, key, window",
        "return [finding.rule_id, finding.account_id, window",
        (DECIDED, "-k", "agree"),
    ),
    Mutant(
        "alerts: those from before rules had keys are others now",
        "detection/telling.py",
        "    if finding.alert.usual:\n",
        "    if key == ():\n",
        (DECIDED, "-k", "met_again"),
    ),
    Mutant(
        "alerts: two windows that begin together are one",
        "detection/telling.py",
        "[finding.rule_id, key, window // timedelta(seconds=1), finding.status]",
        "[finding.rule_id, key, finding.status]",
        (DECIDED, "-k", "changes_its_terms"),
    ),
    Mutant(
        "alerts: findings that say nothing for a part are merged",
        "detection/alert_key.py",
        "return found if all(text for _, text in found) else None",
        "return found",
        (DECIDED, "-k", "alerts_of_their_own"),
    ),
    Mutant(
        "alerts: an account that is paid is its own counterparty",
        "detection/alert_key.py",
        "return payer if finding.account_id == payee else payee",
        "return payee",
        (TERMS, "-k", "other_side"),
    ),
    Mutant(
        "alerts: one that several accounts share names the first",
        "detection/telling.py",
        "finding.account_id if of_one_account else None",
        "finding.account_id",
        (DECIDED, "-k", "in_words"),
    ),
    Mutant(
        "alerts: one of several days is named on the first only",
        "detection/telling.py",
        "if held and group.held != day.day",
        "if held and group.held is None",
        (DECIDED, "-k", "several_days"),
    ),
    Mutant(
        "alerts: one is named as often as it is held back on a day",
        "detection/telling.py",
        "if held and group.held != day.day",
        "if held",
        (DECIDED, "-k", "counts_once"),
    ),
    Mutant(
        "alerts: a window drifts through the day",
        "detection/alert_terms.py",
        "    if DAY_SECONDS % given and given % DAY_SECONDS:\n",
        "    if given < 0:\n",
        (TERMS, "-k", "wrong_with_terms"),
    ),
    Mutant(
        "alerts: a window without end",
        "detection/alert_terms.py",
        "not MIN_WINDOW_SECONDS <= given <= most",
        "not MIN_WINDOW_SECONDS <= given",
        (TERMS, "-k", "wrong_with_terms"),
    ),
    Mutant(
        "alerts: a window silences what is CRITICAL for a month",
        "detection/rule_document.py",
        "critical=plain_fields.severity is Severity.CRITICAL",
        "critical=False",
        (TERMS, "-k", "of_what_is_critical"),
    ),
    Mutant(
        "alerts: the order of a key makes another rule",
        "detection/alert_terms.py",
        "return tuple(part for part in AlertPart if part in given)",
        "return tuple(map(AlertPart, given))",
        (TERMS, "-k", "order"),
    ),
    Mutant(
        "alerts: a key may name what no finding of the kind carries",
        "detection/rule.py",
        "        _check_alert(document, kind_type)\n",
        "",
        (TERMS, "-k", "of_the_kind or nothing_joins"),
    ),
    Mutant(
        "alerts: a document that says nothing of them has another hash",
        "detection/rule_document.py",
        '            **({"alert": alert} if alert else {}),\n',
        '            "alert": alert,\n',
        (TERMS, "-k", "what_it_was"),
    ),
    Mutant(
        "alerts: findings do not carry their rule's terms",
        "detection/judgement.py",
        "            alert=rule.document.alert,\n",
        "",
        (TERMS, "-k", "promises"),
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
        "            self.signer.verify(signed_bytes(unverified), signature)\n",
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
        "(kept[0], finding is None)",
        "(kept[0], True)",
        (SNAPSHOTTER, "-k", "shrank"),
    ),
    Mutant(
        "a snapshot that does not extend is no finding",
        "services/snapshot.py",
        "            self.findings.record(taken.findings)\n",
        "            pass\n",
        (SNAPSHOTTER, "-k", "shrank"),
    ),
    Mutant(
        "the finding recorded after the snapshot (crash window)",
        "services/snapshot.py",
        """        if taken.findings:
            self.findings.record(taken.findings)
        self.snapshots.keep(name, render_document(snapshot, self.signer.sign(signed_bytes(snapshot))))
""",
        """        self.snapshots.keep(name, render_document(snapshot, self.signer.sign(signed_bytes(snapshot))))
        if taken.findings:
            self.findings.record(taken.findings)
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

TELLING = [*ALERTS, *DECISIONS, *KEYS, *SNAPSHOTS]
