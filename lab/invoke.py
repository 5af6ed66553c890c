"""Runs one sample event through its function's real handler, without Docker: ``python -m lab.invoke events/F__case.json``.

The file's name says which function: what is before the two underscores is its folder under functions/. The handler runs
in a process of its own under AWS's runtime client, with the template's settings, and prints its answer as JSON; its log
goes to standard error. Without ``--stack`` the function keeps its state in memory (COUNTERFOIL_ADAPTERS=memory); with it
the template is deployed to the emulator first. Exit status: 0 answered, 1 the function failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.emulator import REGION, ROOT
from lab.invocation import InvocationResult, Outcome
from lab.mapping.template import Template
from lab.runtime import FunctionHost, LambdaFunction
from lab.stack import TEMPLATE, Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

_STACK_NAME: Final = "counterfoil"


class UsageError(Exception):
    """The event's file or the function it names is not there."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.invoke", description="run one event through its function")
    parser.add_argument("event", type=Path, metavar="EVENT.json")
    parser.add_argument("--stack", action="store_true", help="deploy the template to the emulator and run it there")
    options = parser.parse_args(arguments)
    try:
        return _report(*run(options.event, on_stack=options.stack))
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2


def _report(result: InvocationResult, log: Sequence[str]) -> int:
    print("\n".join(log), file=sys.stderr)
    print(json.dumps(result.answer, indent=2, ensure_ascii=False))
    return 0 if result.outcome is Outcome.ANSWERED else 1


def run(event: Path, *, on_stack: bool = False) -> tuple[InvocationResult, list[str]]:
    """The function's answer and log."""
    function_id = function_for(event)
    payload = _read(event)
    if on_stack:
        with Stack.up() as stack:
            return stack.invoke(function_id, json.loads(payload)), stack.logs(function_id)
    with FunctionHost(memory_function(function_id)) as host:
        result = host.invoke(payload)
    return result, host.log.tail()  # whole only now: what a process prints is read behind its back


def function_for(event: Path) -> str:
    """Logical id of the function that ``<function>__<case>.json`` is for."""
    name = event.stem.partition("__")[0]
    template = Template.read(TEMPLATE)
    for logical_id in template.functions():
        if Path(template.function_properties(logical_id)["CodeUri"]).name == name:
            return logical_id
    raise UsageError(f"{event.name} is for functions/{name}, but the template has no such function")


def memory_function(function_id: str) -> LambdaFunction:
    """The function from its sources, with everything it would ask AWS for in memory.

    The library comes from the project's own environment instead of the layer; names that only a deployment knows are
    the resources' logical ids.
    """
    template = Template.read(TEMPLATE)
    template.resource = lambda logical_id, _attribute: logical_id
    template.pseudo_parameters = {
        "AWS::StackName": _STACK_NAME,
        "AWS::Region": REGION,
        "AWS::Partition": "aws",
        "AWS::AccountId": "000000000000",
    }
    properties = template.function_properties(function_id)
    variables = template.resolve(properties.get("Environment", {})).get("Variables", {})
    return LambdaFunction(
        name=function_id,
        arn=f"arn:aws:lambda:{REGION}:000000000000:function:{function_id}",
        handler=properties["Handler"],
        code_folder=ROOT / properties["CodeUri"],
        environment={**{key: str(value) for key, value in variables.items()}, "COUNTERFOIL_ADAPTERS": "memory"},
        timeout_seconds=float(template.resolve(properties.get("Timeout", 3))),
        memory_mb=int(template.resolve(properties.get("MemorySize", 128))),
    )


def _read(event: Path) -> bytes:
    try:
        payload = event.read_bytes()
        json.loads(payload)
    except (OSError, ValueError) as error:
        raise UsageError(f"{event} is not a readable JSON file: {error}") from error
    return payload


if __name__ == "__main__":
    sys.exit(main())
