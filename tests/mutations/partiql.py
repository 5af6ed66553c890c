"""Mutants of PartiQL: precedence, ways of access, queries, changes."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

LAWS = "tests/property/test_partiql_laws.py"
GRAMMAR = "partiql/grammar/expressions.py"
HOSTILE = "tests/property/test_partiql_run_hostile.py"
PARSED = "tests/unit/partiql/test_parser_expressions.py"
QUERIES = "tests/unit/partiql/test_queries.py"
ACCESS = "tests/unit/partiql/test_access.py"
CHANGES = "tests/unit/partiql/test_changes.py"
BOUNDS = "tests/contract/test_ledger_bounds.py"

READ = [
    Mutant("AND binds as OR does", GRAMMAR, "_AND: Final = 2", "_AND: Final = 1", (PARSED,)),
    Mutant("|| binds as + does", GRAMMAR, "_CONCATENATION: Final = 5", "_CONCATENATION: Final = 6", (PARSED,)),
    Mutant("NOT binds more than =", GRAMMAR, "NEGATION: Final = 3", "NEGATION: Final = 4", (PARSED,)),
    Mutant("* binds as + does", GRAMMAR, "_PRODUCT: Final = 7", "_PRODUCT: Final = 6", (PARSED,)),
    Mutant(
        "operators of one power group to the right",
        GRAMMAR,
        "if infix is None or infix[0] <= power:",
        "if infix is None or infix[0] < power:",
        (PARSED,),
    ),
    Mutant(
        "NOT IN is IN",
        "partiql/compile_operators.py",
        "return None if found is None else found is not negated\n\n    return among",
        "return found\n\n    return among",
        (LAWS,),
    ),
]  # fmt: skip

QUERIED = [
    Mutant(
        "a narrowed source is not asked the whole condition",
        "partiql/compile_sources.py",
        "    if whole is not None:\n        bind",
        "    if whole is not None and len(ranged) > 1:\n        bind",
        (LAWS,),
    ),
    Mutant(
        "an index is read for one side of OR",
        "partiql/sources.py",
        "if isinstance(part, Binary) and part.operator is Operator.AND:",
        "if isinstance(part, Binary) and part.operator in {Operator.AND, Operator.OR}:",
        (ACCESS,),
    ),
    Mutant(
        "NOT IN is read by an index",
        "partiql/access.py",
        "if isinstance(part, In) and not part.negated:",
        "if isinstance(part, In):",
        (ACCESS,),
    ),
    Mutant(
        "a key is taken from a source that is not there yet",
        "partiql/access.py",
        "if target is None or not self.needs(value) <= bound:",
        "if target is None:",
        (LAWS, ACCESS),
    ),
    Mutant(
        "the widest way is taken",
        "partiql/access.py",
        "return min(found, key=lambda access: access[0]",
        "return max(found, key=lambda access: access[0]",
        (ACCESS,),
    ),
    Mutant(
        "a key that comes twice gives its rows twice",
        "partiql/access.py",
        "return list(dict.fromkeys(key for value in values if (key := key_of(value)) is not None))",
        "return [key for value in values if (key := key_of(value)) is not None]",
        (ACCESS,),
    ),
    Mutant(
        "an id that comes twice gives its row twice",
        "partiql/access.py",
        "return list(dict.fromkeys(str(bare(value)) for value in values if is_text(value)))",
        "return [str(bare(value)) for value in values if is_text(value)]",
        (ACCESS,),
    ),
    Mutant(
        "the committed view is read by the fields of its form",
        "partiql/access.py",
        "return indexed.get(path[1:] if committed else path)",
        "return indexed.get(path[-1:])",
        (ACCESS,),
    ),
    Mutant(
        "no index is ever used",
        "partiql/compile_sources.py",
        "        if access is not None:\n            return index, access\n",
        "",
        (ACCESS,),
    ),
    Mutant(
        "an end of history in the future is taken",
        "partiql/compile_sources.py",
        "if end is not None and instant_of(end) > instant_of(now):",
        "if end is not None and instant_of(end) < instant_of(now) > instant_of(end):",
        (ACCESS,),
    ),
    Mutant(
        "DISTINCT lets everything through", "partiql/compile_queries.py", "            seen.add(key)\n", "", (LAWS,)
    ),
    Mutant(
        "OFFSET begins one row early",
        "partiql/compile_queries.py",
        "return islice(rows(frame), begin, end)",
        "return islice(rows(frame), max(begin - 1, 0), end)",
        (LAWS,),
    ),
    Mutant(
        "the largest counts are no counts",
        "partiql/compile_queries.py",
        "_MOST: Final = 1 << 61",
        "_MOST: Final = 1 << 62",
        (BOUNDS, "-k", "memory and largest_counts"),
    ),
    Mutant(
        "HAVING is not asked",
        "partiql/compile_grouping.py",
        "if having is None or having(frame):",
        "if having is None or frame:",
        (QUERIES,),
    ),
    Mutant(
        "no rows make no group",
        "partiql/compile_grouping.py",
        "        if not groups and not self._keys:",
        "        if groups and not self._keys:",
        (QUERIES,),
    ),
    Mutant(
        "texts grow without bound",
        "partiql/compile_operators.py",
        "if len(left_text) + len(right_text) > MAX_TEXT:",
        "if len(left_text) < 0:",
        (BOUNDS, "-k", "memory and constructors"),
    ),
]

CHANGED = [
    Mutant(
        "a change writes into the document that others read",
        "partiql/documents.py",
        "    changed = dict(struct)\n",
        "    changed = struct\n",
        (CHANGES, HOSTILE),
    ),
    Mutant(
        "a change of a list writes into it",
        "partiql/documents.py",
        "    changed: list[Value] = type(items)(items)\n",
        "    changed: list[Value] = items\n",
        (CHANGES, LAWS),
    ),
    Mutant(
        "structs that are missing on the way are not made",
        "partiql/documents.py",
        "    if struct is MISSING:\n        struct = {}\n",
        "",
        (CHANGES,),
    ),
    Mutant(
        "elements move while others are removed",
        "partiql/documents.py",
        "            self.shortened.add(location[:-1])\n",
        "            self.shortened.add(location[:-1])\n            self.finished()\n",
        (CHANGES,),
    ),
    Mutant(
        "MISSING is stored in a list",
        "partiql/documents.py",
        "items = [None if item is MISSING else _storable(item, left) for item in value]",
        "items = [_storable(item, left) for item in value]",
        (CHANGES, QUERIES, HOSTILE),
    ),
    Mutant(
        "a document that was not changed is written",
        "partiql/compile_changes.py",
        "            if draft.changed:\n",
        "            if draft:\n",
        (CHANGES,),
    ),
    Mutant(
        "a change sees what the statement has changed before",
        "partiql/compile_changes.py",
        "                change(frame, draft)\n",
        "                change(frame, draft)\n                frame[changed.slot] = draft.document\n",
        (LAWS,),
    ),
    Mutant(
        "an insert stores what stands before one that is none",
        "partiql/compile_changes.py",
        "        for document in [as_document(item, at) for item in several]:",
        "        for document in (as_document(item, at) for item in several):",
        (CHANGES,),
    ),
    Mutant(
        "constructors in constructors are not bounded",
        "partiql/documents.py",
        "    if left[0] < 0:\n",
        "    if left[0] > MAX_VALUES:\n",
        (BOUNDS, "-k", "memory and constructors"),
    ),
]

PARTIQL = [*READ, *QUERIED, *CHANGED]
