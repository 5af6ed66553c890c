"""Reader of PartiQL's own test scripts (PTS, of partiql-lang-kotlin 0.2.7): ``*.sqlts``, Ion text of annotated structs."""

import re
from dataclasses import dataclass
from typing import Any

from counterfoil.ion.value_text import parse_texts
from counterfoil.ion.values import Annotated, IonSymbol, RepeatedStruct, Sexp, pairs_of
from counterfoil.partiql.equality import same
from counterfoil.partiql.kinds import type_name
from counterfoil.partiql.values import MISSING, Bag

FAILS = object()  # the expectation that a statement is refused


@dataclass
class Case:
    """One statement with what it should give. ``name`` is the script's id, numbered where a template makes several of one."""

    name: str
    statement: str
    environment: dict[str, Any]
    expected: Any


def read_script(path):
    """All the cases of a script, in order."""
    environment: dict[str, Any] = {}
    cases = []
    for value in parse_texts(path.read_text()):
        if not isinstance(value, Annotated):
            continue
        kind, body = value.annotations[0], value.value
        if kind == "set_default_environment":
            environment = _environment(body, path)
        elif kind == "test":
            cases.append(_case(body, {}, environment, path))
        elif kind == "for":
            cases += [
                _case(template.value, variables, environment, path)
                for template in body["template"]
                for variables in body["variable_sets"]
            ]
    return _numbered(cases)


def _numbered(cases):
    names = [case.name for case in cases]
    seen: dict[str, int] = {}
    for case in cases:
        if names.count(case.name) > 1:
            seen[case.name] = seen.get(case.name, 0) + 1
            case.name = f"{case.name} #{seen[case.name]}"
    return cases


def _environment(body, path):
    if isinstance(body, str):
        return _plain(parse_texts((path.parent / body).read_text())[0])
    return _plain(body)


def _case(body, variables, environment, path):
    own = body.get("environment")
    statement = _in_text(body["statement"], variables)
    expected = _filled(body["expected"], variables)
    return Case(
        str(body["id"]),
        statement,
        environment if own is None else _environment(_filled(own, variables), path),
        FAILS if expected[0] == "error" else _plain(expected[1]),
    )


def _in_text(text, variables):
    """``$x`` and ``${x}`` in a text, where ``x`` is a variable."""
    return re.sub(
        r"\$(?:\{(\w+)\}|(\w+))",
        lambda found: _text_of(variables[name]) if (name := found[1] or found[2]) in variables else found[0],
        text,
    )


def _text_of(value):
    return "[]" if value == [] else str(value)


def _filled(value, variables):
    """The value with each symbol ``$x`` replaced by the variable ``x``."""
    if type(value) is IonSymbol and value.startswith("$") and value[1:] in variables:
        return _filled(variables[value[1:]], variables)
    if type(value) is str and "${" in value:
        return _in_text(value, variables)
    if isinstance(value, dict):
        pairs = [(name, _filled(item, variables)) for name, item in pairs_of(value)]
        return RepeatedStruct(pairs) if isinstance(value, RepeatedStruct) else dict(pairs)
    if isinstance(value, list):
        return type(value)(_filled(item, variables) for item in value)
    return value


def _plain(value):
    """The suite's way to write bags and MISSING, as PartiQL's values."""
    if isinstance(value, Sexp) and value and value[0] == "bag":
        return Bag(_plain(item) for item in value[1:])
    if isinstance(value, Annotated) and value.annotations == ("missing",):
        return MISSING
    if isinstance(value, dict):
        pairs = [(name, _plain(item)) for name, item in pairs_of(value)]
        return RepeatedStruct(pairs) if isinstance(value, RepeatedStruct) else dict(pairs)
    if isinstance(value, list):
        return type(value)(_plain(item) for item in value)
    return value


def alike(value, expected):
    """Whether a result is what was expected: the same types, equal values; decimals of any scale; bags in any order."""
    if isinstance(expected, Annotated) or isinstance(value, Annotated):
        return value == expected
    if type_name(value) != type_name(expected):
        return False
    if isinstance(expected, Bag):
        return len(value) == len(expected) and _matched(list(value), expected)
    if isinstance(expected, list):
        return len(value) == len(expected) and all(map(alike, value, expected))
    if isinstance(expected, dict):
        return _fields_alike(list(pairs_of(value)), list(pairs_of(expected)))
    if type_name(expected) == "timestamp":
        return (
            value.fields == expected.fields
            and value.offset_minutes == expected.offset_minutes
            and same(value, expected)
        )
    return same(value, expected)


def _matched(left, expected):
    for item in expected:
        found = next((index for index, other in enumerate(left) if alike(other, item)), None)
        if found is None:
            return False
        del left[found]
    return True


def _fields_alike(left, expected):
    if sorted(name for name, _ in left) != sorted(name for name, _ in expected):
        return False
    return _matched([[name, value] for name, value in left], [[name, value] for name, value in expected])
