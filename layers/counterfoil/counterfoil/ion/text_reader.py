"""Reads Ion text into values, in time that grows with its length alone, whatever the text.

amazon.ion's reader in C refuses strings of more than some 20,000 characters and cuts long numbers; its reader in Python takes
minutes for a long string. Text comes from clients and from archives, so it is read here.

Source: Ion specification 1.0, "Text Encoding"; compared with amazon.ion in tests/property/test_text_reader_laws.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NoReturn

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_DEPTH, IonType
from counterfoil.ion.streams import MAX_SIZE_BYTES
from counterfoil.ion.text_scalars import TIME_PATTERN, blob_of, clob_of, number_of, text_of_quoted, time_of
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value

# What a value costs to hold, some hundred bytes each, bounds how many one text may have; names are counted with them. No block of a
# transaction of 4 MB comes near it, and no document of 128 KB has so many escapes, or a clob so many parts.
MAX_VALUES: Final = 1_500_000
MAX_ESCAPES: Final = 500_000
MAX_PARTS: Final = 1_000

# Possessive throughout: what a hostile text could make the search try again would be tried for every character of it.
_SPACE: Final = r"(?:[ \t\n\r\v\f]++|//[^\n\r]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+"
_SHORT: Final = rf'"[^"\\]*+(?:\\.[^"\\]*+){{0,{MAX_ESCAPES}}}+"'
_LONG: Final = rf"'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+){{0,{MAX_ESCAPES}}}+'''"
_QUOTED: Final = rf"'(?!'')[^'\\]*+(?:\\.[^'\\]*+){{0,{MAX_ESCAPES}}}+'"
_DIGITS: Final = r"\d(?:_?\d)*+"
_STOP: Final = r"(?=[ \t\n\r\v\f{}\[\](),\"'/]|\Z)"
_TOKEN: Final = re.compile(
    _SPACE
    + r"(?:"
    + rf"(?P<short>{_SHORT})|(?P<long>{_LONG})|(?P<quoted>{_QUOTED})"
    + rf"|(?P<time>{TIME_PATTERN}){_STOP}"
    + r"|(?P<number>-?(?:0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*+|0[bB][01](?:_?[01])*+"
    + rf"|(?:0(?![\d_])|[1-9](?:_?\d)*+)(?:\.(?:{_DIGITS})?+)?+(?:[dDeE][+-]?\d++)?+)){_STOP}"
    + rf"|(?P<infinity>[+-]inf){_STOP}"
    + r"|(?P<null>null\.[a-z]+)"
    + r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*+)"
    + r"|(?P<blob>\{\{[A-Za-z0-9+/= \t\n\r\v\f]*+\}\})"
    + rf"|(?P<clob>\{{\{{[ \t\n\r\v\f]*+(?:{_SHORT}|{_LONG}(?:\s*+{_LONG}){{0,{MAX_PARTS}}}+)[ \t\n\r\v\f]*+\}}\}})"
    + r"|(?P<mark>::|[\[\](){},:])"
    + r"|(?P<end>\Z)"
    + r")",
    re.DOTALL | re.ASCII,
)
# What journals are made of, a field or an item at once, up to the ',' or the bracket behind it; anything else goes by tokens.
_COMMON: Final = (
    r'(?:"(?P<short>[^"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]*+)"|(?P<blob>\{\{[A-Za-z0-9+/=]*+\}\})|(?P<open>[{\[])(?!\{)'
    rf"|(?P<time>{TIME_PATTERN})|(?P<int>-?(?:0|[1-9]\d{{0,17}}+))|(?P<number>-?(?:0|[1-9]\d{{0,17}}+)\.\d{{0,17}}+)"
    r"|(?P<name>true|false|null))"
)
_FIELD: Final = re.compile(
    _SPACE
    + r'(?:((?!(?:null|true|false|nan)\b)[A-Za-z_][A-Za-z0-9_]*+)|"([^"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]*+)")'
    + rf"{_SPACE}:{_SPACE}{_COMMON}(?(open)|{_SPACE}(?=[,}}]))",
    re.ASCII,
)
_ITEM: Final = re.compile(rf"{_SPACE}{_COMMON}(?(open)|{_SPACE}(?=[,\]]))", re.ASCII)
# A comment that does not end is no operator: it would be sought to the end for each of many.
_OPERATOR: Final = re.compile(_SPACE + r"((?!/\*)[!#%&*+\-./;<=>?@^`|~]++)")
_LOB_PART: Final = re.compile(rf"({_SHORT})|({_LONG})", re.DOTALL)

# How much of what was found is shown in a message.
MAX_SHOWN: Final = 20

_VERSION_MARKER: Final = "$ion_1_0"
_OPENING: Final = frozenset("[({")
_KEYWORDS: Final[Mapping[str, Value]] = {"null": None, "true": True, "false": False, "nan": float("nan")}
_NULLS: Final[Mapping[str, Value]] = {"null": None} | {
    each.name.lower(): IonNull(each)
    for each in (
        IonType.BOOL, IonType.INT, IonType.FLOAT, IonType.DECIMAL, IonType.TIMESTAMP, IonType.SYMBOL, IonType.STRING,
        IonType.CLOB, IonType.BLOB, IonType.LIST, IonType.SEXP, IonType.STRUCT,
    )
}  # fmt: skip
_SYSTEM_SYMBOLS: Final = (
    "$ion", "$ion_1_0", "$ion_symbol_table", "name", "version", "imports", "symbols", "max_id", "$ion_shared_symbol_table",
)  # fmt: skip


def read_text(text: str) -> Value:
    """The one value of Ion text; none, several, or anything malformed is an ``InputError`` that says where."""
    values = read_texts(text)
    if len(values) != 1:
        raise InputError(f"{len(values)} values of Ion text where one was expected")
    return values[0]


def read_texts(text: str) -> list[Value]:
    """All values of Ion text, in order."""
    if len(text) > MAX_SIZE_BYTES:
        raise InputError(f"{len(text)} characters of Ion text; at most {MAX_SIZE_BYTES} are read")
    return _Reader(text).values()


class _Reader:
    """One token ahead: ``kind`` is a group of ``_TOKEN``, or the mark itself; ``token`` its characters, which begin at ``begin``."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._count = 0
        self.kind = ""
        self.token = ""
        self.begin = 0
        self._advance()

    def values(self) -> list[Value]:
        found = []
        while self.kind != "end":
            if self.kind == "name" and self.token == _VERSION_MARKER:
                self._advance()
                continue
            self._take(1)
            value = self._value(0)
            if isinstance(value, Annotated) and value.annotations[0] == "$ion_symbol_table":
                self._fail("a local symbol table stands in the text, which is not read")
            found.append(value)
        return found

    def _value(self, depth: int) -> Value:
        annotations: list[str] = []
        while (symbol := self._symbol_ahead()) is not None:
            self._advance()
            self._take(1)
            if self.kind != "::":
                return _annotated(annotations, symbol)
            self._advance()
            annotations.append(_plain(symbol))
        if self.kind in _OPENING:
            return _annotated(annotations, self._container(depth))
        return _annotated(annotations, self._scalar())

    def _symbol_ahead(self) -> IonSymbol | None:
        """The next token, if it is a symbol."""
        if self.kind == "quoted":
            return IonSymbol(self._guarded(_short, self.token))
        if self.kind == "name" and self.token not in _KEYWORDS:
            return self._guarded(_named, self.token)
        return None

    def _scalar(self) -> Value:
        if self.kind == "long":
            return self._long_strings()
        if self.kind not in _SCALARS:
            self._fail(f"expected a value but found {self._found}")
        value = self._guarded(_SCALARS[self.kind], self.token)
        self._advance()
        return value

    def _long_strings(self) -> str:
        """Long strings that follow each other are one."""
        parts = []
        while self.kind == "long":
            parts.append(self._guarded(_long, self.token))
            self._advance()
        return "".join(parts)

    def _container(self, depth: int) -> Value:
        if depth >= MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH} levels")
        if self.kind == "{":
            return self._struct(depth)
        return self._list(depth) if self.kind == "[" else self._sexp(depth)

    def _list(self, depth: int) -> list[Value]:
        items: list[Value] = []
        while True:
            found = _ITEM.match(self._text, self._position)
            if found is None:
                self._advance()
                if self.kind == "]":
                    break
                self._take(1)
                items.append(self._value(depth + 1))
            else:
                self._take(1)
                items.append(self._common(found, depth))
            if self._ends("]"):
                break
        self._advance()
        return items

    def _struct(self, depth: int) -> dict[str, Value]:
        pairs: list[tuple[str, Value]] = []
        while True:
            found = _FIELD.match(self._text, self._position)
            if found is None:
                self._advance()
                if self.kind == "}":
                    break
                self._take(2)
                pairs.append((self._field_name(), self._value(depth + 1)))
            else:
                self._take(2)
                name, quoted = found.group(1, 2)
                pairs.append((quoted if name is None else name, self._common(found, depth)))
            if self._ends("}"):
                break
        self._advance()
        fields = dict(pairs)
        return fields if len(fields) == len(pairs) else RepeatedStruct(pairs)

    def _common(self, found: re.Match[str], depth: int) -> Value:
        """The value that ``_COMMON`` found in a container of this depth; then the token behind it is the next."""
        group = str(found.lastgroup)
        token = found[group]
        self.begin, self._position = found.start(group), found.end()
        if group == "open":
            self.kind = self.token = token
            return self._container(depth + 1)
        value = token if group == "short" else self._guarded(_COMMON_SCALARS[group], token)
        self.begin, self.kind = self._position, self._text[self._position]
        self._position += 1
        return value

    def _take(self, count: int) -> None:
        """So many values and names more."""
        self._count += count
        if self._count > MAX_VALUES:
            self._fail(f"more than {MAX_VALUES} values and names")

    def _ends(self, closing: str) -> bool:
        """Whether the container ends with this token; else another item may follow, or the end, behind a comma."""
        if self.kind not in {",", closing}:
            self._fail(f"expected ',' or {closing!r} but found {self._found}")
        return self.kind == closing

    def _field_name(self) -> str:
        """A field's name, up to the token behind its ':'."""
        symbol = self._symbol_ahead()
        if symbol is not None:
            self._advance()
            name = _plain(symbol)
        elif self.kind in {"short", "long"}:
            name = str(self._scalar())
        else:
            self._fail(f"expected a field name but found {self._found}")
        if self.kind != ":":
            self._fail(f"expected ':' behind a field name but found {self._found}")
        self._advance()
        return name

    def _sexp(self, depth: int) -> Sexp:
        """Operators stand for symbols in s-expressions, and nowhere else."""
        self._advance()
        items = Sexp()
        while self.kind != ")":
            self._take(1)
            operator = _OPERATOR.match(self._text, self.begin) if self.kind == "unknown" else None
            if operator is None:
                items.append(self._value(depth + 1))
            else:
                items.append(IonSymbol(operator[1]))
                self._position = operator.end()
                self._advance()
        self._advance()
        return items

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            self.kind, self.begin = "unknown", self._position
            self.token = self._text[self._position : self._position + MAX_SHOWN].strip()
            return
        group = str(found.lastgroup)
        self.token = found[group]
        self.kind = self.token if group == "mark" else group
        self.begin, self._position = found.span(group)

    @property
    def _found(self) -> str:
        return repr(self.token[:MAX_SHOWN]) if self.token else "the end of the text"

    def _guarded[Read](self, read: Callable[[str], Read], token: str) -> Read:
        try:
            return read(token)
        except InputError as error:
            self._fail(str(error))

    def _fail(self, what: str) -> NoReturn:
        before = self._text[: self.begin]
        line, column = before.count("\n") + 1, self.begin - before.rfind("\n")
        raise InputError(f"cannot be read as Ion text: at line {line}, column {column}: {what}")


def _annotated(annotations: list[str], value: Value) -> Value:
    return Annotated(tuple(annotations), value) if annotations else value


def _plain(symbol: IonSymbol) -> str:
    return symbol if symbol.unknown else str(symbol)


def _named(name: str) -> IonSymbol:
    """``$4`` is the symbol of that number; only those of the system have one in text."""
    if name[0] != "$" or not name[1:].isdigit():
        return IonSymbol(name)
    number = int(name[1:10]) if len(name) < 10 else -1
    if number == 0:
        return IonSymbol("", unknown=True)
    if not 1 <= number <= len(_SYSTEM_SYMBOLS):
        raise InputError(f"the symbol {name[:MAX_SHOWN]} is not known")
    return IonSymbol(_SYSTEM_SYMBOLS[number - 1])


def _short(token: str) -> str:
    return text_of_quoted(token[1:-1])


def _long(token: str) -> str:
    return text_of_quoted(token[3:-3], long=True)


def _clob(token: str) -> Clob:
    parts = _LOB_PART.findall(token[2:-2])
    return Clob(b"".join(clob_of(short[1:-1]) if short else clob_of(long[3:-3], long=True) for short, long in parts))


def _typed_null(token: str) -> Value:
    name = token.removeprefix("null.")
    if name not in _NULLS:
        raise InputError(f"{token} is no null of Ion")
    return _NULLS[name]


_COMMON_SCALARS: Final[Mapping[str, Callable[[str], Value]]] = {
    "blob": lambda token: blob_of(token[2:-2]),
    "time": time_of,
    "int": int,
    "number": Decimal,
    "name": _KEYWORDS.__getitem__,
}
_SCALARS: Final[Mapping[str, Callable[[str], Value]]] = {
    "short": _short,
    "number": number_of,
    "time": time_of,
    "infinity": float,
    "null": _typed_null,
    "name": _KEYWORDS.__getitem__,
    "blob": lambda token: blob_of(token[2:-2]),
    "clob": _clob,
}
