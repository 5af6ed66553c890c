"""The functions of a stack, by their logical ids: whoever invokes one finds it here, also while it is deployed anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from lab.child_process import Log
from lab.invocation import InvocationResult, Outcome
from lab.runtime import FunctionHost, LambdaFunction, Work


class Hosts:
    """One host for each function."""

    def __init__(self, functions: Mapping[str, LambdaFunction]) -> None:
        self._lock = threading.Lock()
        self._hosts = {name: FunctionHost(function) for name, function in functions.items()}
        self._retired: list[FunctionHost] = []

    def __getitem__(self, function_id: str) -> FunctionHost:
        with self._lock:
            return self._hosts[function_id]

    def invoke(self, function_id: str, payload: bytes, request_id: str = "") -> InvocationResult:
        """Run a function; who meets it in the moment of a deployment gets the new one."""
        while True:
            host = self[function_id]
            result = host.invoke(payload, request_id)
            if result.outcome is not Outcome.REFUSED or host is self[function_id]:
                return result

    def invoker(self, function_id: str) -> Callable[[bytes], InvocationResult]:
        return lambda payload: self.invoke(function_id, payload)

    def work(self) -> dict[str, Work]:
        """What each function has done so far, in all its deployments."""
        with self._lock:
            retired = [(each.function.label, each.work) for each in self._retired]
            found = [(name, each.work) for name, each in self._hosts.items()]
        done: dict[str, Work] = {}
        for name, work in [*retired, *found]:
            before = done.get(name, Work())
            done[name] = Work(before.invocations + work.invocations, before.seconds + work.seconds)
        return done

    def kill(self, environment_name: str) -> int:
        """Let one environment die where it is; how many there were."""
        with self._lock:
            hosts = [*self._hosts.values(), *self._retired]
        return sum(host.kill(environment_name) for host in hosts)

    def replace(self, functions: Mapping[str, LambdaFunction]) -> None:
        """Go on with functions that were deployed anew: what runs ends in its old environment, what comes starts new ones."""
        with self._lock:
            old, known = self._hosts, dict(self._hosts)
            self._hosts = {name: FunctionHost(each, _log_of(known.get(name))) for name, each in functions.items()}
            self._retired += old.values()
        for host in old.values():
            host.retire()

    def close(self) -> None:
        with self._lock:
            hosts = [*self._hosts.values(), *self._retired]
        for host in hosts:
            host.close()


def _log_of(host: FunctionHost | None) -> Log:
    return Log() if host is None else host.log
