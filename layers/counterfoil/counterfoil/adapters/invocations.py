"""Functions that are asked to do something and not waited for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from counterfoil.adapters.boto_errors import translated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True, slots=True)
class Invoker:
    """Asks one function, by its name; Lambda takes the event and calls the function soon, again where that fails."""

    client: LambdaClient
    function_name: str

    def __call__(self, event: Mapping[str, Any]) -> None:
        with translated(f"asking {self.function_name}"):
            self.client.invoke(
                FunctionName=self.function_name, InvocationType="Event", Payload=json.dumps(event).encode()
            )
