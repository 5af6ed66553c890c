"""A deployed stack, by its name: its outputs say where everything is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from counterfoil import wiring
from counterfoil.adapters.boto_errors import translated
from counterfoil.errors import InputError


def outputs_of(stack: str, needed: Collection[str]) -> Mapping[str, str]:
    """The outputs of a stack by name; ``InputError`` where one that is needed is not among them: it is not one of this product's."""
    with translated(f"looking for stack {stack}"):
        (found,) = wiring.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: str(each["OutputValue"]) for each in found.get("Outputs", [])}
    if missing := sorted(set(needed) - outputs.keys()):
        raise InputError(f"stack {stack} has no output {missing[0]}: it is none of counterfoil's, or an older one")
    return outputs
