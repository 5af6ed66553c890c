"""Lists page by page: a token holds the key of the last item that was shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from counterfoil.protocol.faults import invalid_parameter

# The model's own bound, and what a request that does not say gets.
MAX_RESULTS: Final = 100


class PageRequest(NamedTuple):
    """At most ``size`` items; ``after`` is the key behind which the page begins."""

    after: str
    size: int


def page_request(parameters: Mapping[str, Any]) -> PageRequest:
    count = parameters.get("MaxResults", MAX_RESULTS)
    token = parameters.get("NextToken")
    return PageRequest("" if token is None else _key_of(token), count)


def page_of[Item](
    items: Sequence[Item], request: PageRequest, key: Callable[[Item], str], render: Callable[[Item], Any], name: str
) -> dict[str, Any]:
    """The answer with the first ``size`` of items in the order of their keys; more than those mean that a page follows."""
    shown = items[: request.size]
    answer: dict[str, Any] = {name: [render(each) for each in shown]}
    if len(items) > request.size:
        answer["NextToken"] = base64.b64encode(key(shown[-1]).encode()).decode()
    return answer


def _key_of(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_parameter("NextToken", "is not a token that a list gave") from None
