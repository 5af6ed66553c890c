"""Mutants of bundles of evidence: what of a bundle is checked, and what an incomplete one comes to."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

MAKING = "tests/unit/services/test_evidence.py"
AUDITS = "tests/unit/services/test_evidence_of_audits.py"
STATEMENTS = "tests/unit/services/test_evidence_of_statements.py"
LAWS = "tests/property/test_evidence_laws.py"
FORGERS = "tests/unit/detection/test_evidence_forgers.py"
WITNESSES = "tests/unit/detection/test_evidence_witnesses.py"
ECDSA = "tests/golden/test_ecdsa.py"

EVIDENCE = [
    Mutant(
        "evidence: whose key signed does not matter",
        "detection/evidence/verification.py",
        "    if keys and held.statements and not any(trusted):\n",
        "    if False:\n",
        (MAKING,),
    ),
    Mutant(
        "evidence: a statement of any key covers a block",
        "detection/evidence/verification.py",
        "(not keys or each.key in keys) and _witnessed(each, policy)",
        "_witnessed(each, policy)",
        (FORGERS,),
    ),
    Mutant(
        "evidence: a checkpoint without its quorum of witnesses counts",
        "detection/evidence/verification.py",
        "(not keys or each.key in keys) and _witnessed(each, policy)",
        "(not keys or each.key in keys)",
        (WITNESSES,),
    ),
    Mutant(
        "evidence: a snapshot counts where witnesses are asked for",
        "detection/evidence/verification.py",
        "    return isinstance(statement, LogStatement) and policy.satisfied(statement.checkpoint.held)\n",
        "    return not isinstance(statement, LogStatement) or policy.satisfied(statement.checkpoint.held)\n",
        (WITNESSES,),
    ),
    Mutant(
        "evidence: a witness's signature is counted unchecked",
        "detection/evidence/statements.py",
        "        held = (*signed.held, *verify_note(signed.note, policy.verifiers))\n",
        "        held = signed.note.signatures\n",
        (WITNESSES,),
    ),
    Mutant(
        "evidence: a time stamp is believed",
        "detection/evidence/verification.py",
        '        judgement.said.append(f"when {statement}, existed:',
        '        judgement.shown.append(f"when {statement}, existed:',
        (WITNESSES,),
    ),
    Mutant(
        "evidence: a snapshot's signature is not checked",
        "detection/evidence/statements.py",
        "    unverified.key.check(signed_bytes(snapshot), signature.value)\n",
        "",
        (FORGERS,),
    ),
    Mutant(
        "evidence: a proof is not followed",
        "detection/evidence/held.py",
        "        statements[proof.statement].check_block(entry, proof.path)\n",
        "        pass\n",
        (LAWS,),
    ),
    Mutant(
        "evidence: a revision need not be listed by its block",
        "detection/evidence/held.py",
        "    if listed is None or listed.document_id not in {None, revision.metadata.document_id}:\n",
        "    if False:\n",
        (FORGERS,),
    ),
    Mutant(
        "evidence: a record need not be what its name says",
        "detection/evidence/held.py",
        """    if record.name.rpartition("/")[2] != found:\n""",
        "    if False:\n",
        (LAWS, AUDITS),
    ),
    Mutant(
        "evidence: blocks of another matter are let through",
        "detection/evidence/verification.py",
        "        if item.address not in claim.blocks:\n",
        "        if False:\n",
        (LAWS,),
    ),
    Mutant(
        "evidence: the finding's parties are not looked for in its revision",
        "detection/evidence/fraud_claim.py",
        "    if missing := [name for name, value in evidence.items() if value not in said]:\n",
        "    if missing := []:\n",
        (MAKING, LAWS),
    ),
    Mutant(
        "evidence: a rule applied again need not give the same evidence",
        "detection/evidence/judging.py",
        "            self.expect(name, value)\n",
        "            pass\n",
        (AUDITS,),
    ),
    Mutant(
        "evidence: one key's two roots are no contradiction",
        "detection/evidence/statements.py",
        "        if same_place and mine.head.root != other.head.root:\n",
        "        if False:\n",
        (STATEMENTS,),
    ),
    Mutant(
        "evidence: the ledger's block is put in whatever the log has",
        "services/evidence.py",
        "        if not self.claim.disputed:\n            raise ContentsMismatchError(\n",
        "        if False:\n            raise ContentsMismatchError(\n",
        (MAKING,),
    ),
    Mutant(
        "P-256: numbers beyond the order are taken",
        "transparency/ecdsa.py",
        "not all(0 < each < _ORDER for each in numbers)",
        "not all(0 < each for each in numbers)",
        (ECDSA,),
    ),
    Mutant(
        "P-256: any two numbers are a key",
        "transparency/public_key.py",
        " and len(point) == POINT_BYTES and is_on_curve(point):",
        " and len(point) == POINT_BYTES:",
        ("tests/unit/transparency/test_public_keys.py",),
    ),
    Mutant(
        "evidence: a kept block of another hash is a side of a broken link",
        "detection/evidence/audit_claim.py",
        "    if kept is not None and str(hash_of(kept)) != named:\n",
        "    if False:\n",
        ("tests/unit/services/test_evidence_of_audits.py",),
    ),
    Mutant(
        "evidence: a broken link may be of two blocks that link",
        "detection/evidence/audit_claim.py",
        "    elif reached == follows:\n",
        "    elif False:\n",
        ("tests/unit/services/test_evidence_of_audits.py",),
    ),
]
