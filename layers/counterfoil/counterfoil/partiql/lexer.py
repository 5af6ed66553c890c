"""From a statement's text to its tokens: one regular expression, one pass, no backtracking."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql.reserved_words import RESERVED_WORDS
from counterfoil.partiql.syntax import Position

# QLDB's own limit. Source: Amazon QLDB developer guide, "Quotas and limits".
MAX_CHARACTERS: Final = 100_000

# A backtick inside Ion's strings, quoted symbols, comments, blobs and clobs does not end the literal. The alternatives exclude
# each other by their first characters and every repetition is possessive, so hostile text costs one pass.
_ION: Final = r"""`(?:
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

# What a number may not run into: "12ab" is a mistake, not a number and a name.
_NUMBER_ENDS: Final = r"(?![A-Za-z0-9_$])"

_TOKEN: Final = re.compile(
    rf"""
    (?:[ \t\r\n\f\v]++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+
    (?:
      (?P<word>[A-Za-z_$][A-Za-z0-9_$]*+)
    | (?P<operator>[-+*%=(){{}}\[\],:;@?]|\.(?![0-9])|<[<=>]?|>[>=]?|\|\||!=|/(?!\*))
    | (?P<string>'(?:[^']|'')*+')
    | (?P<int>[0-9]++){_NUMBER_ENDS}(?!\.)
    | (?P<decimal>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?{_NUMBER_ENDS})
    | (?P<quoted>"(?:[^"]|"")*+")
    | (?P<ion>{_ION})
    | (?P<end>\Z)
    | (?P<bad>.)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_GROUPS: Final = _TOKEN.groupindex
_WORD: Final = _GROUPS["word"]
_OPERATOR: Final = _GROUPS["operator"]
_END: Final = _GROUPS["end"]
_KINDS: Final = {index: name for name, index in _GROUPS.items()}
_KEYWORDS: Final = {spelling: word for word in RESERVED_WORDS for spelling in (word, word.lower())}
_UNCLOSED: Final = {"'": "a string", '"': "a quoted name", "`": "an Ion literal", "/": "a comment"}


class Tokens(NamedTuple):
    """A statement's tokens in three lists of one length; the last token is ``end``.

    A kind is the reserved word in upper case, the operator itself, or ``name``, ``quoted``, ``string``, ``int``, ``decimal``,
    ``ion``, ``end``. A text is as written, quotes included.
    """

    kinds: list[str]
    texts: list[str]
    places: list[Position]


def tokenize(text: str) -> Tokens:
    """Raises ``StatementError`` at the first character that begins no token, ``LimitError`` for too long a text."""
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"a statement of {len(text)} characters; at most {MAX_CHARACTERS} are read")
    kinds: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    for match in _TOKEN.finditer(text):
        group = match.lastindex
        assert group is not None
        token = match[group]
        starts.append(match.start(group))
        texts.append(token)
        if group == _WORD:
            kinds.append(_KEYWORDS.get(token) or _kind_of_word(token))
        elif group == _OPERATOR:
            kinds.append(token)
        else:
            kinds.append(_KINDS[group])
            if group >= _END:
                break
    places = _places(text, starts)
    if kinds[-1] == "bad":
        raise _refusal(texts[-1], places[-1])
    if not text.isascii():
        _refuse_surrogates(text)
    return Tokens(kinds, texts, places)


def _refusal(character: str, at: Position) -> StatementError:
    if character in _UNCLOSED:
        what = f"{_UNCLOSED[character]} that begins here does not end"
    elif character.isdigit() or character == ".":
        what = "a number that is malformed, or runs into a name"
    else:
        what = f"the character {character!a} begins nothing"
    return StatementError("Lexer", what, *at)


def _refuse_surrogates(text: str) -> None:
    """Half a surrogate pair is no character and has no bytes; JSON can carry one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        (at,) = _places(text, [error.start])
        raise StatementError("Lexer", "half a surrogate pair, which is no character", *at) from None


def _kind_of_word(word: str) -> str:
    upper = word.upper()
    return upper if upper in RESERVED_WORDS else "name"


def _places(text: str, starts: list[int]) -> list[Position]:
    if "\n" not in text:
        return [tuple.__new__(Position, (1, start + 1)) for start in starts]
    lines = [0, *(newline.end() for newline in re.finditer("\n", text))]
    return [_place(lines, start) for start in starts]


def _place(lines: list[int], start: int) -> Position:
    line = bisect_right(lines, start)
    return Position(line, start - lines[line - 1] + 1)
