"""Mutants of the Ion reader and the Ion hash."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

ION_LAWS = "tests/property/test_ion_laws.py"
CODEC_LAWS = "tests/property/test_codec_laws.py"
ION_EDGES = "tests/unit/ion"

ION = [
    Mutant(
        "fields of a struct hashed in the order written",
        "ion/hashing.py",
        "        position = end\n    digests.sort()\n",
        "        position = end\n",
        (ION_LAWS,),
    ),
    Mutant(
        "nothing escaped",
        "ion/symbols.py",
        "if 0x0B in representation:",
        "if False:",
        (ION_LAWS,),
    ),
    Mutant(
        "the escape itself is not escaped",
        "ion/symbols.py",
        "if 0x0C in representation:",
        "if False:",
        (ION_LAWS,),
    ),
    Mutant(
        "scale of zero lost",
        "ion/hashing.py",
        "if exponent == 0 and coefficient == 0 and not negative:",
        "if coefficient == 0 and not negative:",
        (ION_LAWS,),
    ),
    Mutant(
        "sign of a negative zero decimal lost",
        "ion/hashing.py",
        'return encoded + (b"\\x80" if negative else b"")',
        "return encoded",
        (ION_LAWS,),
    ),
    Mutant(
        "leading zeros of an int hashed",
        "ion/hashing.py",
        'return escape(body.lstrip(b"\\0"))',
        "return escape(body)",
        (ION_LAWS,),
    ),
    Mutant(
        "four-byte floats hashed as written",
        "ion/hashing.py",
        "    if len(body) == 4:\n",
        "    if len(body) == 5:\n",
        (ION_LAWS,),
    ),
    Mutant(
        "annotations not hashed",
        "ion/hashing.py",
        'return b"".join((*parts, value, END))',
        "return value",
        (ION_LAWS,),
    ),
    Mutant(
        "the thirtieth of February",
        "ion/timestamps.py",
        "if body[4] > 0x9C:",
        "if body[4] > 0x9F:",
        ("tests/unit/ion/test_timestamps.py",),
    ),
    Mutant(
        "unknown offset taken for UTC",
        "ion/timestamps.py",
        'encoded = b"\\xc0" if offset is None else encode_var_int(offset)',
        "encoded = encode_var_int(offset or 0)",
        (ION_LAWS, ION_EDGES),
    ),
    Mutant(
        "no limit of depth",
        "ion/hashing.py",
        "if depth >= MAX_DEPTH:",
        "if depth >= 10 * MAX_DEPTH:",
        ("tests/unit/ion/test_reader.py", "-k", "deeper"),
    ),
    Mutant(
        "a body may reach beyond its container",
        "ion/reader.py",
        "    if end > limit:\n        raise malformed(\n",
        "    if end > len(buffer):\n        raise malformed(\n",
        ("tests/unit/ion/test_reader.py", "-k", "length or field_name"),
    ),
    Mutant(
        "a field that comes twice is taken",
        "ion/reader.py",
        "if len(fields) != len(found):",
        "if len(fields) > len(found):",
        (ION_LAWS, ION_EDGES),
    ),
    Mutant(
        "an appended table begins anew",
        "ion/streams.py",
        'value.as_text() == "$ion_symbol_table":',
        'value.as_text() == "never":',
        (ION_LAWS,),
    ),
    Mutant(
        "a symbol is numbered behind its field's name",
        "ion/writer.py",
        "    if type(inner) is IonSymbol:\n        _name(inner, symbols)\n",
        "",
        (CODEC_LAWS,),
    ),
    Mutant(
        "the two empty names are one",
        "ion/writer.py",
        'return b"\\x80" if type(text) is IonSymbol and text.unknown else symbols[""]',
        'return symbols[""]',
        (CODEC_LAWS,),
    ),
    Mutant(
        "times that differ in the digits of their fraction are one",
        "ion/scalars.py",
        "None if fraction is None else str(fraction), offset)",
        "None if fraction is None else str(fraction.normalize()), offset)",
        (CODEC_LAWS,),
    ),
    Mutant(
        "a negative zero decimal loses its sign",
        "ion/scalars.py",
        'if coefficient == 0 and whole[0] == "-":',
        'if coefficient == 0 and whole[0] == "+":',
        (CODEC_LAWS,),
    ),
    Mutant(
        "a field may reach beyond its struct",
        "ion/codec.py",
        "            if end > limit:\n",
        "            if end > len(buffer):\n",
        (CODEC_LAWS,),
    ),
    Mutant(
        "of a field that comes twice the last is kept alone",
        "ion/codec.py",
        "return fields if len(fields) == len(names) else RepeatedStruct",
        "return fields if len(fields) <= len(names) else RepeatedStruct",
        (CODEC_LAWS,),
    ),
    Mutant(
        "fields of a Python value hashed in their order",
        "ion/value_hashing.py",
        "    digests.sort()\n",
        "",
        (CODEC_LAWS,),
    ),
    Mutant(
        "an infinity is hashed as NaN",
        "ion/value_hashing.py",
        "0xF0 - (written[3:] != _NO_FRACTION)",
        "0xEF",
        (CODEC_LAWS,),
    ),
    Mutant(
        "a name of null is printed bare",
        "ion/text_writer.py",
        "(?:null|true|false|nan)",
        "(?:true|false|nan)",
        ("tests/unit/ion/test_value_text.py",),
    ),
    Mutant(
        "a decimal is rounded on its way to JSON",
        "ion/value_text.py",
        "math.isfinite(nearest) and Decimal(repr(nearest)) == number",
        "math.isfinite(nearest)",
        ("tests/unit/ion/test_value_text.py",),
    ),
    Mutant(
        "of a name that comes twice in JSON the last is kept",
        "ion/value_text.py",
        "    if len(fields) != len(pairs):\n",
        "    if len(fields) > len(pairs):\n",
        ("tests/unit/ion/test_value_text.py",),
    ),
]
