"""From a statement's text to its tokens: one regular expression, one pass, no backtracking."""

from __future__ import annotations

import re
from bisect import bisect_right
from string import ascii_letters, digits
from typing import Final, NamedTuple

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql.reserved_words import RESERVED_WORDS
from counterfoil.partiql.syntax import Position

# QLDB's own limit. Source: Amazon QLDB developer guide, "Quotas and limits".
MAX_CHARACTERS: Final = 100_000

# A backtick inside Ion's strings, quoted symbols, comments, blobs and clobs does not end the literal. The alternatives exclude
# each other by their first characters and every repetition is possessive, so hostile text costs one pass.
ION_LITERAL: Final = r"""`(?:
      [^`'"/{]
    | '''(?:[^\\']|\\.|'(?!''))*+'''
    | '(?!'')(?:[^\\']|\\.)*+'
    | "(?:[^\\"]|\\.)*+"
    | //[^\n]*+
    | /\*(?:[^*]|\*(?!/))*+\*/
    | /(?![/*])
    | \{\{(?:[^}"'`]|"(?:[^\\"]|\\.)*+"|'''(?:[^\\']|\\.|'(?!''))*+''')*+\}\}
    | \{(?!\{)
    )*+`"""

# What stands before a token, and the token. Where nothing fits, the rest of the text is taken without one, lest an unclosed
# quote be sought again from every later character. A number that runs into a name is taken whole, to be refused by its kind.
_TOKEN: Final = re.compile(
    rf"""
    ((?:[ \t\r\n\f\v]++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+)
    (?:
      ( [A-Za-z_$][A-Za-z0-9_$]*+
      | [-+*%=(){{}}\[\],:;@?]|\.(?![0-9])|<[<=>]?|>[>=]?|\|\||!=|/(?!\*)
      | '(?:[^']|'')*+'
      | [0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9])?[A-Za-z0-9_$]*+
      | \.[0-9]++(?:[eE][+-]?[0-9])?[A-Za-z0-9_$]*+
      | "(?:[^"]|"")*+"
      | {ION_LITERAL}
      | \Z
      )
    | .++
    )
    """,
    re.VERBOSE | re.DOTALL,
)
# Most statements stand on one short line: their places are made once.
_FIRST_LINE: Final = [Position(1, column) for column in range(1, 500)]
_DECIMAL: Final = re.compile(r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_OPERATORS: Final = [*"-+*/%=(){}[],:;@?.<>", "<<", "<=", "<>", ">>", ">=", "||", "!="]
_KIND_BY_FIRST: Final = {
    **dict.fromkeys(ascii_letters + "_$", "name"),
    **dict.fromkeys(digits + ".", "number"),
    "'": "string",
    '"': "quoted",
    "`": "ion",
}
_UNCLOSED: Final = {"'": "a string", '"': "a quoted name", "`": "an Ion literal", "/": "a comment"}


# Names that statements had before: clients repeat theirs, and hostile ones cannot make this larger than a few hundred kilobytes.
_KEPT_NAMES: Final = 4_096
_KEPT_LENGTH: Final = 40


class _Kinds(dict[str, str]):
    """The kind of every token: kept for words, operators and some names, told from the first character for the others."""

    def __missing__(self, token: str) -> str:
        kind = _KIND_BY_FIRST[token[0]]
        if kind == "name":
            return self._kind_of_word(token)
        if kind == "number":
            return "int" if token.isdecimal() else "decimal" if _DECIMAL.fullmatch(token) else "malformed"
        return kind

    def _kind_of_word(self, word: str) -> str:
        upper = word.upper()
        kind = upper if upper in RESERVED_WORDS else "name"
        if len(self) < _KEPT_NAMES and len(word) <= _KEPT_LENGTH:
            self[word] = kind
        return kind


_kind_of: Final = _Kinds(
    {"": "end"}
    | {operator: operator for operator in _OPERATORS}
    | {spelling: word for word in RESERVED_WORDS for spelling in (word, word.lower())}
).__getitem__


class Tokens(NamedTuple):
    """A statement's tokens in three lists of one length; the last token is ``end``.

    A kind is the reserved word in upper case, the operator itself, or ``name``, ``quoted``, ``string``, ``int``, ``decimal``,
    ``ion``, ``end``; ``malformed`` is for what begins as a number and is none. A text is as written, quotes included.
    """

    kinds: list[str]
    texts: list[str]
    places: list[Position]


def tokenize(text: str) -> Tokens:
    """Raises ``StatementError`` at the first character that begins no token, ``LimitError`` for too long a text."""
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"a statement of {len(text)} characters; at most {MAX_CHARACTERS} are read")
    pairs: list[tuple[str, str]] = _TOKEN.findall(text)
    if len(pairs) > 1 and not pairs[-2][1]:
        pairs.pop()  # the end is found twice behind a space
    texts = [token for _, token in pairs]
    kinds = [*map(_kind_of, texts)]
    starts = _starts(pairs)
    places = _places(text, starts)
    if starts[-1] < len(text):
        raise _refusal(text[starts[-1]], places[-1])
    if not text.isascii():
        _refuse_surrogates(text)
    return Tokens(kinds, texts, places)


def _refusal(character: str, at: Position) -> StatementError:
    if character in _UNCLOSED:
        what = f"{_UNCLOSED[character]} that begins here does not end"
    else:
        what = f"the character {character!r} begins nothing"
    return StatementError("Lexer", what, *at)


def _refuse_surrogates(text: str) -> None:
    """Half a surrogate pair is no character and has no bytes; JSON can carry one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        (at,) = _places(text, [error.start])
        raise StatementError("Lexer", "half a surrogate pair, which is no character", *at) from None


def _starts(pairs: list[tuple[str, str]]) -> list[int]:
    """Where each token begins, from what stands before it and itself: cheaper than asking a match object for each."""
    starts = []
    end = 0
    for gap, token in pairs:
        start = end + len(gap)
        starts.append(start)
        end = start + len(token)
    return starts


def _places(text: str, starts: list[int]) -> list[Position]:
    if "\n" in text:
        lines = [0, *(newline.end() for newline in re.finditer("\n", text))]
        return [_place(lines, start) for start in starts]
    if len(text) < len(_FIRST_LINE):
        return [*map(_FIRST_LINE.__getitem__, starts)]
    return [Position(1, start + 1) for start in starts]


def _place(lines: list[int], start: int) -> Position:
    line = bisect_right(lines, start)
    return Position(line, start - lines[line - 1] + 1)
