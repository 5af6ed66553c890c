"""Mutants of PartiQL's values: logic of unknown ones, equality and order, patterns, casts, arithmetic, aggregates."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

LAWS = "tests/property/test_partiql_laws.py"
EQUALITY = "tests/property/test_partiql_equality_laws.py"
FUNCTIONS = "tests/unit/partiql/test_functions_and_casts.py"
QUERIES = "tests/unit/partiql/test_queries.py"
COMPARED = "tests/unit/partiql/test_values_compared.py"
BOUNDS = "tests/contract/test_ledger_bounds.py"

LOGIC = [
    Mutant(
        "NULL AND TRUE is TRUE",
        "partiql/compile_operators.py",
        "return None if first is None or second is None else not deciding",
        "return None if second is None else not deciding",
        (LAWS,),
    ),
    Mutant(
        "FALSE on the right does not decide",
        "partiql/compile_operators.py",
        "        if second is deciding:\n            return deciding\n",
        "",
        (LAWS,),
    ),
    Mutant(
        "NOT NULL is TRUE",
        "partiql/compile_operators.py",
        "return None if value is None else not value",
        "return not value",
        (LAWS,),
    ),
    Mutant(
        "NULL = NULL",
        "partiql/equality.py",
        "return None if is_unknown(left) or is_unknown(right) else same(left, right)",
        "return None if is_unknown(left) and not is_unknown(right) else same(left, right)",
        (EQUALITY,),
    ),
    Mutant(
        "IN finds nothing although a member is unknown",
        "partiql/compile_operators.py",
        "return None if unknown else False",
        "return False",
        (LAWS,),
    ),
    Mutant(
        "BETWEEN without its upper end",
        "partiql/compile_operators.py",
        "(above >= 0 and below <= 0)",
        "(above >= 0 and below < 0)",
        (LAWS,),
    ),
    Mutant("<= is <", "partiql/compile_operators.py", "lambda sign: sign <= 0", "lambda sign: sign < 0", (LAWS,)),
    Mutant(
        "an unknown condition holds",
        "partiql/compilation.py",
        "        return truth(value, at) is True\n",
        "        return truth(value, at) is not False\n",
        (QUERIES,),
    ),
    Mutant(
        "annotations of unknown values make them known",
        "partiql/kinds.py",
        "return type(value) in UNKNOWN_TYPES or (type(value) is Annotated and type(value.value) in UNKNOWN_TYPES)",
        "return type(value) in UNKNOWN_TYPES",
        (EQUALITY,),
    ),
]

VALUES = [
    Mutant(
        "1 and 1.0 have two keys",
        "partiql/equality.py",
        'significant = digits.lstrip("0").rstrip("0")',
        'significant = digits.lstrip("0")',
        (EQUALITY,),
    ),
    Mutant(
        "a float is the number of its bits",
        "partiql/equality.py",
        "return Decimal(repr(number)) if type(number) is float",
        "return Decimal(number) if type(number) is float",
        (EQUALITY,),
    ),
    Mutant(
        "negative numbers have the keys of positive ones",
        "partiql/equality.py",
        "f\"n{'-' if negative else '+'}{significant}e{exponent}\"",
        'f"n{significant}e{exponent}"',
        (EQUALITY,),
    ),
    Mutant(
        "a text and a blob have one key",
        "partiql/equality.py",
        'return b"l" + value',
        'return b"s" + value',
        (EQUALITY, COMPARED),
    ),
    Mutant(
        "two lists of other lengths run into each other",
        "partiql/equality.py",
        "for part in (len(key).to_bytes(4), key)])",
        "for part in (key,)])",
        (EQUALITY,),
    ),
    Mutant(
        "the order in a bag counts",
        "partiql/equality.py",
        'b"B" + _join(sorted(identity(item) for item in value))',
        'b"B" + _join([identity(item) for item in value])',
        (EQUALITY,),
    ),
    Mutant(
        "the order in a struct counts",
        "partiql/equality.py",
        'return b"D" + _join(sorted(',
        'return b"D" + _join(list(',
        (EQUALITY,),
    ),
    Mutant(
        "a symbol is no text",
        "partiql/equality.py",
        'else b"s" + text.encode',
        "else type(text).__name__.encode() + text.encode",
        (EQUALITY,),
    ),
    Mutant(
        "keys of any length",
        "partiql/equality.py",
        "return key if len(key) <= LONGEST_PLAIN_KEY else sha256(key).digest()",
        "return key",
        (EQUALITY,),
    ),
    Mutant(
        "long keys are cut",
        "partiql/equality.py",
        "else sha256(key).digest()",
        "else key[:32]",
        (EQUALITY, COMPARED, "tests/simulation/test_ledger_model.py"),
    ),
    Mutant(
        "the fraction of a second counts for nothing",
        "partiql/equality.py",
        "timestamp.fraction or 0\n",
        "0\n",
        (EQUALITY,),
    ),
    Mutant(
        "NaN comes last",
        "partiql/ordering.py",
        "return (0,) if is_nan(value) else (1, exact(value))",
        "return (2,) if is_nan(value) else (1, exact(value))",
        (COMPARED,),
    ),
    Mutant(
        "values of two kinds compare",
        "partiql/ordering.py",
        "    if kind is not other:",
        "    if kind is None:",
        (COMPARED,),
    ),
    Mutant(
        "nulls come last also from the greatest down",
        "partiql/compile_queries.py",
        "first = key.descending if key.nulls_first is None else key.nulls_first",
        "first = bool(key.nulls_first)",
        (LAWS, QUERIES),
    ),
    Mutant(
        "the first of several keys counts least",
        "partiql/compile_queries.py",
        "for position in reversed(range(len(keys))):",
        "for position in range(len(keys)):",
        (QUERIES,),
    ),
    Mutant("_ stands for any text", "partiql/like.py", 're.escape(each) or "."', 're.escape(each) or ".*"', (LAWS,)),
    Mutant("_ stands for no line break", "partiql/like.py", ", re.DOTALL)", ")", (LAWS,)),
    Mutant(
        "the end of a pattern may overlap what comes before",
        "partiql/like.py",
        "return end >= position and",
        "return end >= 0 and",
        (FUNCTIONS,),
    ),
    Mutant(
        "a pattern without % is like every beginning",
        "partiql/like.py",
        "return len(text) == first.size and first.stands_at(text, 0)",
        "return first.stands_at(text, 0)",
        (LAWS,),
    ),
    Mutant(
        "a piece is looked for from the beginning",
        "partiql/like.py",
        "begin = text.find(self._fixed, position)",
        "begin = text.find(self._fixed)",
        (LAWS,),
    ),
    Mutant(
        "a hostile pattern may take minutes",
        "partiql/like.py",
        "        return self.size if self._fixed is None else 0\n",
        "        return 0\n",
        (BOUNDS, "-k", "memory and pattern"),
    ),
    Mutant(
        "a decimal is rounded on its way to int",
        "partiql/casts.py",
        "checked_int(int(value), at)",
        "checked_int(round(value), at)",
        (FUNCTIONS,),
    ),
    Mutant(
        "a text that is no number is zero",
        "partiql/casts.py",
        '        raise evaluator_fault("Cannot convert this text to int", at)',
        "        return 0",
        (LAWS,),
    ),
    Mutant(
        "CAST of MISSING is null",
        "partiql/casts.py",
        'return {"null": None, "missing": MISSING}.get(target, value)',
        'return {"missing": MISSING}.get(target)',
        (FUNCTIONS,),
    ),
    Mutant(
        "ints grow beyond 64 bits",
        "partiql/arithmetic.py",
        "    if LOWEST_INT <= value <= HIGHEST_INT:\n        return value\n",
        "    if at:\n        return value\n",
        (FUNCTIONS,),
    ),
    Mutant(
        "ints are divided downwards",
        "partiql/arithmetic.py",
        "return quotient if (left < 0) == (right < 0) else -quotient",
        "return left // right",
        (FUNCTIONS,),
    ),
    Mutant(
        "the 31st becomes the 28th of every shorter month",
        "partiql/calendar_arithmetic.py",
        "min(moment.day, monthrange(year, month + 1)[1])",
        "moment.day if moment.day <= monthrange(year, month + 1)[1] else 28",
        (LAWS, FUNCTIONS),
    ),
    Mutant(
        "what is added is added on UTC's clock",
        "partiql/calendar_arithmetic.py",
        "        return moment + timedelta(minutes=timestamp.offset_minutes or 0)\n",
        "        return moment\n",
        (LAWS,),
    ),
    Mutant(
        "AVG counts what is unknown",
        "partiql/compile_grouping.py",
        "            if not is_unknown(value):\n",
        "            if value is not MISSING:\n",
        (QUERIES,),
    ),
    Mutant(
        "SUM of nothing is zero",
        "partiql/functions/aggregates.py",
        "        self._sum: Value = None\n",
        "        self._sum: Value = 0\n",
        (QUERIES, FUNCTIONS),
    ),
    Mutant(
        "COUNT(DISTINCT) counts all",
        "partiql/functions/aggregates.py",
        "            self._seen.add(key)\n",
        "",
        (LAWS,),
    ),
    Mutant(
        "MAX is MIN",
        "partiql/functions/aggregates.py",
        "        return key > kept\n",
        "        return key < kept\n",
        (QUERIES, FUNCTIONS),
    ),
]

PARTIQL_VALUES = [*LOGIC, *VALUES]
