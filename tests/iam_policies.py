"""IAM's evaluation of policies, as far as the template's policies go.

AWS IAM User Guide, "Policy evaluation logic" for one account: an explicit Deny anywhere refuses; else an Allow of the identity's or of
the resource's policies allows; else nothing does. "IAM JSON policy elements: Condition operators" and "Creating a condition with
multiple keys or values" for the operators. What is not understood here is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

type Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what of which resource; ``keys`` are the condition keys that the service fills in, each with its values."""

    principal: str
    action: str
    resource: str
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def decision(request: Request, identity: Iterable[Statement], resource: Iterable[Statement] = ()) -> str:
    """``allowed``, ``explicitDeny`` or ``implicitDeny``, in the words of SimulatePrincipalPolicy."""
    matching = [each for each in identity if _applies(each, request)]
    matching += [each for each in resource if _names_principal(each, request) and _applies(each, request, own=True)]
    effects = {each["Effect"] for each in matching}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def _applies(statement: Statement, request: Request, *, own: bool = False) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert not unknown, unknown
    return (
        any(_like(request.action.lower(), pattern.lower()) for pattern in _listed(statement["Action"]))
        and any(own or _like(request.resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(
            _holds(operator, key, tuple(map(str, _listed(values))), request)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, values in pairs.items()
        )
    )


def _names_principal(statement: Statement, request: Request) -> bool:
    match statement["Principal"]:
        case "*":
            return True
        case {"AWS": arns}:
            return request.principal in _listed(arns) or "*" in _listed(arns)
    return False


def _holds(operator: str, key: str, wanted: tuple[str, ...], request: Request) -> bool:
    every = operator.startswith("ForAllValues:")
    name = operator.removeprefix("ForAllValues:")
    if_exists = name.endswith("IfExists")
    given = request.keys.get(key) if key != "aws:PrincipalArn" else (request.principal,)
    match name.removesuffix("IfExists"):
        case "Null":
            return (given is None) == (wanted == ("true",))
        case "StringNotEquals" | "ArnNotEquals" | "ArnNotLike" as negated:
            assert not every
            return given is None or not any(_compared(negated.replace("Not", ""), each, wanted) for each in given)
        case plain:
            if given is None:
                return every or if_exists
            quantifier = all if every else any
            return quantifier(_compared(plain, each, wanted) for each in given)


def _compared(operator: str, given: str, wanted: tuple[str, ...]) -> bool:
    match operator:
        case "StringEquals":
            return given in wanted
        case "Bool":
            return given.lower() in {each.lower() for each in wanted}
        case "StringLike" | "ArnEquals" | "ArnLike":
            return any(_like(given, each) for each in wanted)
    raise AssertionError(f"a condition operator that is not understood here: {operator}")


def _like(text: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
