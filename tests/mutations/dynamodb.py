"""Mutants of the ledger in DynamoDB: conditions, validation, commits for others, following, projections, redaction."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

COMMITS = "tests/simulation/test_dynamodb_commits.py"
GROUPS = "tests/simulation/test_dynamodb_groups.py"
PROJECTED = "tests/simulation/test_dynamodb_projections.py"
INSTANCES = "tests/simulation/test_dynamodb_instances.py"
ENTRIES = "tests/contract/test_dynamodb_entries.py"
REQUESTS = "tests/contract/test_dynamodb_requests.py"
STORE = "tests/contract/test_ledger_store.py"
CHAIN = "tests/property/test_chain_laws.py"
ADAPTERS = "adapters/dynamodb"

COMMITTING = [
    Mutant(
        "a block is put over another",
        f"{ADAPTERS}/journal.py",
        '            "ConditionExpression": "attribute_not_exists(strandId)",\n',
        "",
        (COMMITS,),
    ),
    Mutant(
        "whatever block is in the place is taken for one's own",
        f"{ADAPTERS}/committing.py",
        "return bool(there == bytes(item.block_hash))",
        "return bool(there)",
        (COMMITS, "-k", "race"),
    ),
    Mutant(
        "a put without an answer is said to have failed",
        f"{ADAPTERS}/committing.py",
        "raise UnknownOutcomeError(str(error)) from error",
        "raise",
        (COMMITS, "-k", "unknown"),
    ),
    Mutant(
        "a put is tried once only",
        f"{ADAPTERS}/committing.py",
        "if attempt == PUT_ATTEMPTS:",
        "if attempt:",
        (COMMITS, "-k", "repeated"),
    ),
    Mutant(
        "what was committed is not looked for before it is committed again",
        f"{ADAPTERS}/committing.py",
        "                    if number is not None:\n                        mine.answer(",
        "                    if number is True:\n                        mine.answer(",
        (COMMITS,),
    ),
    Mutant(
        "blocks that are not remembered are not looked at",
        f"{ADAPTERS}/ledger.py",
        "begin, end = proposal.snapshot_no + 1, known.log.floor + 1",
        "begin, end = known.log.floor + 1, known.log.floor + 1",
        (INSTANCES, "-k", "remembered"),
    ),
    Mutant(
        "a block of one's own leaves no footprints",
        f"{ADAPTERS}/ledger.py",
        "                    known.log.record(block.sequence_no, block.effects.footprints())\n",
        "",
        (STORE, "-k", "dynamodb"),
    ),
    Mutant(
        "a look that began before one asked answers",
        f"{ADAPTERS}/ledger.py",
        "self._looks_done > asked",
        "self._looks_done >= asked",
        (COMMITS,),
    ),
]

FOR_OTHERS = [
    Mutant(
        "a proposal of another is not checked",
        f"{ADAPTERS}/placing.py",
        "    if log.conflict(waiting.read, waiting.snapshot_no) is not None:",
        "    if waiting.snapshot_no > head.sequence_no:",
        (GROUPS,),
    ),
    Mutant(
        "those of one group are not checked against each other",
        f"{ADAPTERS}/placing.py",
        "return super().conflict(footprints, snapshot) if found is None else found",
        "return found",
        (GROUPS,),
    ),
    Mutant(
        "a proposal of another is committed again",
        f"{ADAPTERS}/committing.py",
        "if waiting.transaction_id not in self._known.transactions and waiting.transaction_id not in self.ids:",
        "if waiting.transaction_id not in self.ids:",
        (GROUPS,),
    ),
    Mutant(
        "a proposal is placed twice in one group",
        f"{ADAPTERS}/committing.py",
        "if waiting.transaction_id not in self._known.transactions and waiting.transaction_id not in self.ids:",
        "if waiting.transaction_id not in self._known.transactions:",
        (GROUPS,),
    ),
    Mutant(
        "a proposal may be committed for ever",
        f"{ADAPTERS}/waiting_room.py",
        "if now_ms <= since_ms + WAITING_MS:",
        "if now_ms:",
        (GROUPS,),
    ),
    Mutant(
        "a change of the catalogue is left to others",
        f"{ADAPTERS}/placing.py",
        "    if placed.effects.defines:\n        return None\n",
        "",
        (GROUPS,),
    ),
    Mutant(
        "one leads for ever",
        f"{ADAPTERS}/waiting_room.py",
        "attribute_not_exists(pk) OR leader = :me OR endsMs < :now",
        "attribute_not_exists(pk) OR leader = :me",
        (GROUPS,),
    ),
    Mutant(
        "everybody leads",
        f"{ADAPTERS}/waiting_room.py",
        "        except ConflictError:\n            return False\n",
        "        except ConflictError:\n            return True\n",
        (GROUPS,),
    ),
    Mutant(
        "who gives up says that nothing was written, though others may write it",
        f"{ADAPTERS}/committing.py",
        "if mine.left and isinstance(error, UnavailableError)",
        "if not mine.left and isinstance(error, UnavailableError)",
        (GROUPS,),
    ),
    Mutant(
        "one that conflicts fails its whole group",
        f"{ADAPTERS}/committing.py",
        "                    mine.answer(self._uncertain(mine, error))\n",
        "                    raise\n",
        (GROUPS,),
    ),
    Mutant(
        "one waits for a leader who is gone",
        f"{ADAPTERS}/committing.py",
        "if all(each.answered for each in group) or not self._room.is_led():",
        "if all(each.answered for each in group):",
        (GROUPS,),
    ),
    Mutant(
        "each that waits is written alone",
        f"{ADAPTERS}/committing.py",
        "for _ in range(min(len(self._queue), GROUP_BLOCKS))]",
        "for _ in range(min(len(self._queue), 1))]",
        (GROUPS,),
    ),
    Mutant(
        "a block that moves keeps its revisions' place",
        "journal/builder.py",
        'each | {"blockAddress": place} if "blockAddress" in each else each',
        "each",
        (CHAIN,),
    ),
    Mutant(
        "a block that moves keeps its header's hash",
        "journal/builder.py",
        '(hash_of_value(header), *map(Hash, block["entriesHashList"][1:]))',
        'tuple(map(Hash, block["entriesHashList"]))',
        (CHAIN,),
    ),
]

FOLLOWING = [
    Mutant(
        "the overlay forgets a block that the projections lack",
        f"{ADAPTERS}/following.py",
        "while self._blocks and self._blocks[0][0] <= sequence_no:",
        "while self._blocks and self._blocks[0][0] <= sequence_no + 1:",
        (STORE, "-k", "dynamodb"),
    ),
    Mutant(
        "a snapshot sees a later change of the overlay",
        f"{ADAPTERS}/following.py",
        "place = bisect_right(numbers, at)\n        return numbers[place - 1] if place else None",
        "place = len(numbers)\n        return numbers[place - 1] if place else None",
        (STORE, "-k", "dynamodb"),
    ),
    Mutant(
        "an instance that slept counts its catalogues anew",
        f"{ADAPTERS}/ledger.py",
        "            return known\n        return self._begin(known.versions)",
        "            return known\n        return self._begin(0)",
        (INSTANCES, "-k", "slept"),
    ),
    Mutant(
        "an instance that slept reads everything",
        f"{ADAPTERS}/ledger.py",
        "        if watermark < known.head.sequence_no + SLEPT_BLOCKS:",
        "        if watermark < known.head.sequence_no * 1000 + SLEPT_BLOCKS:",
        (REQUESTS,),
    ),
    Mutant(
        "more is held over the projections than is bounded",
        f"{ADAPTERS}/ledger.py",
        "if self._looked.blocks > MAX_OVERLAY_BLOCKS:",
        "if self._looked.blocks > 10 * MAX_OVERLAY_BLOCKS:",
        (INSTANCES, "-k", "bounded"),
    ),
    Mutant(
        "as much is asked for as one could read",
        f"{ADAPTERS}/journal.py",
        "        ahead = 1\n",
        "        ahead = READ_AHEAD_BLOCKS\n",
        (REQUESTS,),
    ),
    Mutant(
        "an object is believed unseen",
        f"{ADAPTERS}/journal.py",
        'if found != part.rpartition("/")[2]:',
        "if not found:",
        (INSTANCES, "-k", "named_after"),
    ),
]

PROJECTIONS = [
    Mutant(
        "the watermark moves before anything is written",
        f"{ADAPTERS}/projector.py",
        "                    catalogue = self._write_group(items, catalogue, writers)\n",
        "                    self._advance(items[-1].sequence_no)\n"
        "                    catalogue = self._write_group(items, catalogue, writers)\n",
        (PROJECTED,),
    ),
    Mutant(
        "the watermark goes back",
        f"{ADAPTERS}/projector.py",
        '"attribute_not_exists(n) OR n < :n"',
        '"attribute_not_exists(n) OR n <> :n"',
        (PROJECTED,),
    ),
    Mutant(
        "what is refused of a batch is left out",
        f"{ADAPTERS}/projector.py",
        'waiting = answer.get("UnprocessedItems", {}).get(self._table, [])',
        "waiting = [] if answer else []",
        (PROJECTED,),
    ),
    Mutant(
        "an old change of an entry undoes a later one",
        f"{ADAPTERS}/projector.py",
        '"attribute_not_exists(lastNo) OR lastNo < :n"',
        '"attribute_not_exists(lastNo) OR lastNo <> :n"',
        (PROJECTED, "-k", "slept"),
    ),
    Mutant(
        "an index is online before its last piece",
        f"{ADAPTERS}/projector.py",
        "if len(members) == PIECE_DOCUMENTS:",
        "if len(members) > PIECE_DOCUMENTS:",
        (PROJECTED,),
    ),
    Mutant(
        "no index is built while blocks come",
        f"{ADAPTERS}/projector.py",
        "                    catalogue = self._build(watermark, catalogue, writers)\n                    if running_out():",
        "                    if running_out():",
        (PROJECTED,),
    ),
    Mutant(
        "an index has its documents from their last change on",
        f"{ADAPTERS}/projector.py",
        "self._change(Change(entry, revision.sequence_no, enters=True, since=0))",
        "self._change(Change(entry, revision.sequence_no, enters=True, since=revision.sequence_no))",
        (ENTRIES,),
    ),
    Mutant(
        "who leaves an index was never in it",
        f"{ADAPTERS}/projector.py",
        "changes = [Change(each, number, enters=False, since=0) for each in effects.left]",
        "changes = [Change(each, number, enters=False, since=number) for each in effects.left]",
        (ENTRIES,),
    ),
    Mutant(
        "a document is found under a key that it had before",
        f"{ADAPTERS}/snapshot.py",
        "if each.data is not None and key_in(each.value, name) == key)",
        "if each.data is not None)",
        (ENTRIES,),
    ),
]

REDACTION = [
    Mutant(
        "a redaction is carried out while an old projector may be at work",
        f"{ADAPTERS}/redactor.py",
        'if int(request["askedAt"]["N"]) <= until:',
        'if int(request["askedAt"]["N"]):',
        (INSTANCES, "-k", "redact"),
    ),
    Mutant(
        "what was written outside keeps the data",
        f"{ADAPTERS}/redactor.py",
        "        self._journal.remove_objects(item.transaction_id, (kept, item.effects))\n",
        "",
        (INSTANCES, "-k", "redact"),
    ),
    Mutant(
        "the projection keeps the data",
        f"{ADAPTERS}/redactor.py",
        '"SET dataHash = :hash REMOVE #data, inBlock"',
        '"SET dataHash = :hash REMOVE #data2, inBlock"',
        (INSTANCES, "-k", "redact"),
    ),
    Mutant(
        "a block of another hash is replaced",
        f"{ADAPTERS}/redactor.py",
        'ConditionExpression="blockHash = :hash"',
        'ConditionExpression="blockHash <> :hash"',
        (INSTANCES, "-k", "redact or another"),
    ),
]

DYNAMODB_LEDGER = [*COMMITTING, *FOR_OTHERS, *FOLLOWING, *PROJECTIONS, *REDACTION]
