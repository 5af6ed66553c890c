"""Runs Lambda handlers as Lambda does, without Docker: the real runtime client over a Runtime API of our own.

function       what is to be run
runtime_api    the HTTP interface between the runtime and its environment
environment    one process, one invocation at a time
host           as many environments as are needed; also the same in this very process, for tests
"""

from lab.runtime.function import LambdaFunction
from lab.runtime.host import FunctionHost, InProcessHost, Work

__all__ = ["FunctionHost", "InProcessHost", "LambdaFunction", "Work"]
