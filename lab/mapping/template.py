"""Finds functions' stream mappings in a SAM template, and works out the values that its expressions stand for.

AWS SAM Developer Guide, "Kinesis" and "DynamoDB" (event sources of AWS::Serverless::Function) and "Generated
CloudFormation resources": the mapping of event E of function F becomes the resource FE. CloudFormation User Guide,
"Intrinsic function reference": those of parameters, conditions and text are worked out here; what only a deployed
resource knows is asked from the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

_STREAM_EVENTS: Final = {"Kinesis", "DynamoDB"}
_VARIABLE: Final = re.compile(r"\$\{(!?)([^}]+)\}")
NO_VALUE: Final = object()


class TemplateError(ValueError):
    """The template uses an expression that is not understood here; the message names it."""


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms (``!Ref``, ``!GetAtt a.b``) as their long forms."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
    raise TemplateError(f"!{suffix} is not understood")


_Loader.add_multi_constructor("!", _long_form)


@dataclass(frozen=True, slots=True)
class MappingDeclaration:
    """One mapping as the template says it; ``logical_id`` is that of the resource it becomes."""

    logical_id: str
    function_id: str
    properties: Mapping[str, Any]


def _unknown_resource(logical_id: str, attribute: str) -> str:
    raise TemplateError(f"{logical_id}.{attribute} is known only when it is deployed")


@dataclass(slots=True)
class Template:
    """A template with its parameters' values; ``resource(logical_id, attribute)`` answers Ref and GetAtt of resources."""

    document: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    resource: Callable[[str, str], Any] = _unknown_resource
    pseudo_parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, parameters: Mapping[str, str] | None = None) -> Template:
        document = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506  a safe loader with tags of its own
        defaults = {
            name: str(each["Default"]) for name, each in document.get("Parameters", {}).items() if "Default" in each
        }
        return cls(document, {**defaults, **(parameters or {})})

    @property
    def resources(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document["Resources"]
        return found

    def function_properties(self, logical_id: str) -> dict[str, Any]:
        """A function's properties over those of Globals: maps are joined, the rest is replaced, lists are added."""
        general = self.document.get("Globals", {}).get("Function", {})
        merged: dict[str, Any] = _merge(general, self.resources[logical_id].get("Properties", {}))
        return merged

    def functions(self) -> list[str]:
        types = {"AWS::Serverless::Function", "AWS::Lambda::Function"}
        return [name for name, each in self.resources.items() if each["Type"] in types]

    def mappings(self) -> list[MappingDeclaration]:
        """Every mapping of a stream to a function, those of SAM events first."""
        return [*self._event_mappings(), *self._plain_mappings()]

    def _event_mappings(self) -> list[MappingDeclaration]:
        return [
            MappingDeclaration(f"{function_id}{name}", function_id, event.get("Properties", {}))
            for function_id, each in self.resources.items()
            if each["Type"] == "AWS::Serverless::Function"
            for name, event in each.get("Properties", {}).get("Events", {}).items()
            if event["Type"] in _STREAM_EVENTS
        ]

    def _plain_mappings(self) -> list[MappingDeclaration]:
        return [
            MappingDeclaration(name, _referred(each["Properties"]["FunctionName"]), each["Properties"])
            for name, each in self.resources.items()
            if each["Type"] == "AWS::Lambda::EventSourceMapping"
        ]

    # ---- expressions -------------------------------------------------------------------------------------------------

    def resolve(self, value: Any) -> Any:
        """The value of an expression; AWS::NoValue leaves a gap, as in CloudFormation."""
        match value:
            case dict() if len(value) == 1 and (name := next(iter(value))) in self._functions():
                return self._functions()[name](value[name])
            case Mapping():
                resolved = {key: self.resolve(each) for key, each in value.items()}
                return {key: each for key, each in resolved.items() if each is not NO_VALUE}
            case list():
                return [each for each in map(self.resolve, value) if each is not NO_VALUE]
        return value

    def _functions(self) -> Mapping[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": lambda parts: self.resolve(parts[1] if self.holds(parts[0]) else parts[2]),
            "Fn::Join": lambda parts: parts[0].join(map(str, self.resolve(parts[1]))),
            "Fn::Select": lambda parts: self.resolve(parts[1])[int(self.resolve(parts[0]))],
            "Fn::Split": lambda parts: str(self.resolve(parts[1])).split(parts[0]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": lambda parts: str(self.resolve(parts[0])) == str(self.resolve(parts[1])),
            "Fn::Not": lambda parts: not self.resolve(parts[0]),
            "Fn::And": lambda parts: all(map(self.resolve, parts)),
            "Fn::Or": lambda parts: any(map(self.resolve, parts)),
            "Condition": self.holds,
        }

    def holds(self, condition: str) -> bool:
        return bool(self.resolve(self.document["Conditions"][condition]))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        known = {**self.pseudo_parameters, **self.parameters}
        return known[name] if name in known else self.resource(name, "Ref")

    def _get_att(self, parts: list[str] | str) -> Any:
        logical_id, _, attribute = parts.partition(".") if isinstance(parts, str) else (parts[0], ".", parts[1])
        return self.resource(logical_id, attribute)

    def _sub(self, value: str | list[Any]) -> str:
        text, own = (value, {}) if isinstance(value, str) else (value[0], self.resolve(value[1]))
        return _VARIABLE.sub(lambda found: self._variable(found, own), text)

    def _variable(self, found: re.Match[str], own: Mapping[str, Any]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in own:
            return str(own[name])
        return str(self._get_att(name) if "." in name else self._ref(name))

    def _find_in_map(self, parts: list[Any]) -> Any:
        name, first, second = map(self.resolve, parts)
        return self.document["Mappings"][name][first][second]


def _merge(general: Any, own: Any) -> Any:
    """SAM Developer Guide, "Globals section", "Overridable properties"."""
    if isinstance(general, dict) and isinstance(own, dict) and not _is_expression(own):
        both = general.keys() & own.keys()
        return {**general, **own, **{key: _merge(general[key], own[key]) for key in both}}
    if isinstance(general, list) and isinstance(own, list):
        return [*general, *own]
    return own


def _is_expression(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::", "Condition"))


def _referred(value: Any) -> str:
    """The logical id in ``!Ref F`` or ``!GetAtt F.Arn``."""
    match value:
        case {"Ref": str() as name} | {"Fn::GetAtt": [str() as name, *_]}:
            return name
    raise TemplateError(f"{value!r} does not name a function of this template")
