"""Ion text. Source: Ion specification 1.0, "Text Encoding"."""

from __future__ import annotations

import base64
import decimal
import re
from collections.abc import Callable, Iterator
from typing import Any

from counterfoil.plain.ion_binary import MAX_SYMBOLS, SYSTEM_SYMBOLS
from counterfoil.plain.values import (
    BLOB,
    BOOL,
    CLOB,
    DECIMAL,
    FLOAT,
    INT,
    LIST,
    MAX_DEPTH,
    MAX_ESCAPES,
    MAX_INT_BYTES,
    MAX_PARTS,
    MAX_VALUE_BYTES,
    MAX_VALUES,
    NEGATIVE,
    NULL,
    SEXP,
    STRING,
    STRUCT,
    SYMBOL,
    TIME,
    TYPES,
    Value,
    decimal_body,
    float_body,
    require,
    time_body,
)

MOMENT = r"(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)|T?)))"
# Python keeps a way back for each time that a group is repeated: no group is for each character, and none without a bound.
SHORT, QUOTED = [rf"{mark}[^{mark}\\]*(?:\\.[^{mark}\\]*){{0,{MAX_ESCAPES}}}{mark}" for mark in "\"'"]
LONG = rf"'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*){{0,{MAX_ESCAPES}}}'''"
REAL = r"-?(?:0|[1-9][\d_]*(?<!_))(?:\.(?:\d[\d_]*(?<!_))?)?(?:[dD][+-]?\d{1,10}|[eE][+-]?\d+)?"
NUMBER = rf"(?![-+.\w]*__)(?:-?0[xX](?!_)[0-9a-fA-F_]+(?<!_)|-?0[bB](?!_)[01_]+(?<!_)|{REAL})|[+-]inf"
STOP = r"(?=[ \t\n\r\v\f{}\[\](),\"'/]|\Z)"
TOKEN = re.compile(
    rf"(?sa)[ \t\n\r\v\f]*(?:(?P<gap>//[^\n\r]*|/\*.*?\*/)|(?P<short>{SHORT})|(?P<long>{LONG})|(?P<quoted>(?!'''){QUOTED})"
    rf"|(?P<moment>{MOMENT}){STOP}|(?P<number>{NUMBER}){STOP}|null\.(?P<null>[a-z]+)|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    rf"|(?P<blob>\{{\{{[A-Za-z0-9+/=\s]*\}}\}})|(?P<clob>\{{\{{\s*(?:{SHORT}|{LONG}(?:\s*{LONG}){{0,{MAX_PARTS}}})\s*\}}\}})"
    r"|(?P<mark>::|[\[\]{}(),:])|(?P<operator>(?!/\*)[!#%&*+\-./;<=>?@^`|~]+)|(?P<end>\Z)|(?P<other>.))"
)
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\r\n|.))", re.DOTALL)
ESCAPED = {each[0]: each[1:] for each in "0\0 a\a b\b t\t n\n f\f r\r v\v \"\" '' ?? // \\\\ \n \r".split(" ")} | {"\r\n": ""}
KEYWORDS = {"null": (NULL, None), "true": (BOOL, True), "false": (BOOL, False), "nan": (FLOAT, float_body(float("nan")))}
CONTAINERS = {"{": ("}", STRUCT), "[": ("]", LIST), "(": (")", SEXP)}


class TextReader:
    """Reads token by token: ``kind``, a group of TOKEN or a mark itself, and ``token`` are those of the next one."""

    def __init__(self, text: str) -> None:
        self.text, self.begin, self.end, self.kind, self.token = text, 0, 0, text[:0], text[:0]
        self.count, self.names = 0, dict[Any, int]()
        self.advance()

    def advance(self) -> str:
        """Go on to the next token, and return the one that was next."""
        token, kind = self.token, "gap"
        while kind == "gap":
            found = TOKEN.match(self.text, self.end)
            kind = str(found and found.lastgroup)  # there is one for every character
            self.begin, self.end = found.span(kind) if found else (0, 0)
        self.token = self.text[self.begin : self.end]
        self.kind = self.token if kind == "mark" else kind
        return token

    def counted(self, name: Any = 0) -> Any:
        """A name, or zero for a value; of both, and of different names, one value may have so many."""
        self.names[name] = self.count = self.count + 1
        return require(self.count <= MAX_VALUES and len(self.names) <= MAX_SYMBOLS, "a value with too many values or symbols", name)

    def expect(self, condition: object, what: str) -> None:
        require(condition, f"character {self.begin}: expected {what}, found {self.token[:20]!r}")

    def value(self, depth: int = 0) -> Value:
        """A value with its annotations."""
        annotations: list[Any] = []
        self.counted()
        while (symbol := self.symbol()) is not None:
            if self.kind != "::":
                return Value(SYMBOL, symbol, tuple(annotations))
            self.advance()
            annotations.append(symbol)
        if self.kind in CONTAINERS:
            return Value(*self.container(depth), tuple(annotations))
        if self.kind in {"short", "long"}:
            return Value(STRING, self.string().encode(), tuple(annotations))
        self.expect(self.kind in SCALARS, "a value")
        return SCALARS[self.kind](self.advance())._replace(annotations=tuple(annotations))

    def symbol(self) -> Any:
        """A symbol's text, or zero for ``$0``; None where none comes next."""
        if self.kind == "quoted":
            return self.counted(unquoted(self.advance()))
        if self.kind != "name" or self.token in KEYWORDS:
            return None
        name = self.advance()
        if name[0] != "$" or not name[1:].isdigit():
            return self.counted(name)
        number = int(name[1:]) if len(name) < 10 else -1
        require(number in SYSTEM_SYMBOLS, f"the text of symbol {name[:20]} is not known")
        return self.counted(SYSTEM_SYMBOLS[number])

    def string(self) -> str:
        """A short string, or long ones, which are one where they follow each other."""
        is_long, text = self.kind == "long", unquoted(self.advance())
        while is_long and self.kind == "long":
            text += unquoted(self.advance())
        return text

    def container(self, depth: int) -> tuple[int, list[Any]]:
        """A struct, a list, or an s-expression, in which operators are symbols and no commas stand."""
        require(depth < MAX_DEPTH, f"nested deeper than {MAX_DEPTH} levels")
        (closing, kind), name, items = CONTAINERS[self.advance()], None, list[Any]()
        while self.kind != closing:
            if kind == STRUCT:
                name = self.counted(self.string()) if self.kind in {"short", "long"} else self.symbol()
                self.expect(name is not None and self.kind == ":", "a field's name and ':'")
                self.advance()
            is_operator = kind == SEXP and self.kind == "operator"
            value = Value(SYMBOL, self.counted(self.advance())) if is_operator else self.value(depth + 1)
            items.append((name, value) if kind == STRUCT else value)
            self.expect(kind == SEXP or self.kind in {",", closing}, f"',' or {closing!r}")
            if kind != SEXP and self.kind == ",":
                self.advance()
        self.advance()
        return kind, items


def unquoted(token: str) -> str:
    """What stands between quotes; in long strings lines may end, and each end becomes a line feed."""
    is_long = token.startswith("'''")
    inside = token[3:-3].replace("\r\n", "\n").replace("\r", "\n") if is_long else token[1:-1]
    control = re.search(r"[\x00-\x08\x0e-\x1f]" if is_long else r"[\x00-\x08\n\r\x0e-\x1f]", ESCAPE.sub("", inside))
    require(not control, f"a control character stands in quotes: {inside[:20]!r}")
    return ESCAPE.sub(meaning_of, inside).encode("utf-16", "surrogatepass").decode("utf-16")  # half a surrogate pair is refused


def meaning_of(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    require(code or escape[4] in ESCAPED, f"{escape[0]} is no escape of Ion")
    return chr(int(code, 16)) if code else ESCAPED[escape[4]]


def number_of(token: str) -> Value:
    """An int, a decimal or a float. Long ones are refused before they cost anything."""
    word = token.replace("_", "").lower()
    has_base = word.lstrip("-")[:2] in {"0x", "0b"}
    if not has_base and ("e" in word or "inf" in word):
        return Value(FLOAT, float_body(float(word)))
    require(len(word) <= (8 * MAX_INT_BYTES + 3 if has_base else 2470), f"a number of {len(word)} characters")
    if has_base or word.lstrip("-").isdigit():
        number = int(word, 0)
        kind, body = NEGATIVE if number < 0 else INT, abs(number).to_bytes((number.bit_length() + 7) // 8, "big")
    else:
        negative, digits, exponent = decimal.Decimal(word.replace("d", "e")).as_tuple()
        require(abs(int(exponent)) <= 100_000, f"a decimal of exponent {exponent}")
        number = int("".join(map(str, digits)))
        kind, body = DECIMAL, decimal_body(negative=negative == 1, coefficient=number, exponent=int(exponent))
    require(len(body) <= MAX_INT_BYTES, f"a number of {len(body)} bytes")
    return Value(kind, body)


def moment_of(token: str) -> Value:
    """A timestamp: year, month, day, hour, minute, second, fraction and offset, as far as they are given."""
    *fields, fraction, offset = re.findall(MOMENT, token, re.ASCII)[0]
    minutes = (60 * int(offset[1:3]) + int(offset[4:])) * (-1 if offset[0] == "-" else 1) if len(offset) > 1 else 0
    body = [int(field) for field in fields if field], len(fraction), int(fraction[:19] or 0), -minutes
    return Value(TIME, time_body(None if offset in {"", "-00:00"} else minutes, *body))


def clob_of(token: str) -> Value:
    require(token.isascii() and not any(each[2] or each[3] for each in ESCAPE.finditer(token)), "a clob that is not ASCII")
    return Value(CLOB, "".join(map(unquoted, re.findall(f"(?s){SHORT}|{LONG}", token))).encode("latin-1"))


SCALARS: dict[str, Callable[[str], Value]] = {
    "number": number_of, "moment": moment_of, "clob": clob_of,
    "name": lambda token: Value(*KEYWORDS[token]), "null": lambda token: Value(TYPES.index(token), None),
    "blob": lambda token: Value(BLOB, base64.b64decode("".join(token[2:-2].split()), validate=True)),
}  # fmt: skip


def text_values(text: str) -> Iterator[Value]:
    """The values of Ion text in order."""
    reader = TextReader(text)
    while reader.kind != "end":
        reader.count, reader.names = 0, dict.fromkeys(SYSTEM_SYMBOLS.values(), 0)
        begin, value = reader.begin, None if reader.token == "$ion_1_0" and reader.advance() else reader.value()
        is_plain = not value or value.annotations[:1] != ("$ion_symbol_table",)
        require(is_plain and reader.begin - begin <= MAX_VALUE_BYTES, f"character {begin}: a symbol table, or too large a value")
        if value:
            yield value
