"""The way from the functions to AWS: everything that they ask for passes here, is counted, and may be made to fail.

units         what a DynamoDB request consumes
usage         what was asked, by function, service and operation
forwarding    connections to the emulator
faults        what goes wrong, by chance or at a certain request
asynchronous  invocations that nobody waits for
gateway       the endpoint that functions are given: Lambda's Invoke is answered here, the rest is handed on
"""

from lab.gateway.asynchronous import AsyncFunction, AsyncSettings
from lab.gateway.faults import NO_AWS_FAULTS, AwsFaults, Fate, Strike
from lab.gateway.gateway import Gateway
from lab.gateway.usage import Call, Usage

__all__ = ["NO_AWS_FAULTS", "AsyncFunction", "AsyncSettings", "AwsFaults", "Call", "Fate", "Gateway", "Strike", "Usage"]
