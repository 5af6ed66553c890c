"""The ledger's function behind a URL of this machine that verifies signatures: two instances that share their state take turns."""

import itertools
import json
import os
import threading

from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.system import system_clock
from counterfoil.server.client_env import url_env
from counterfoil.server.ledger_api import NOWHERE, Outside, instance, outside_in_memory
from lab.function_url import FunctionUrl, Principal
from lab.invocation import InvocationResult, Outcome
from lab.local_server import LocalServer
from tests.function_urls import ACCOUNT

ENVIRON = {**NOWHERE, "COUNTERFOIL_ADAPTERS": "memory", "PERMISSIONS_DEFAULT": "allow"}


class SharedLedger(MemoryLedger):
    """Belongs to several instances: none of them closes it, and whatever one lets go of another may ask for."""

    def close(self):
        pass

    def release(self, sequence_no):
        pass


class ServedUrl:
    """A URL from the beginning of a ``with`` block to its end; ``calls`` counts the invocations of each instance."""

    def __init__(self):
        stores = {}
        memory = outside_in_memory(system_clock)
        outside = Outside(
            memory.registry,
            memory.permissions,
            memory.sessions,
            memory.jobs,
            lambda ledger: stores.setdefault(ledger.ledger_id, SharedLedger(ledger.ledger_id, system_clock)),
            memory.ask_exporter,
            memory.ask_publisher,
        )
        self.instances = [instance(ENVIRON, outside, system_clock) for _ in range(2)]
        self.calls = [0, 0]
        self._next = itertools.count()
        self._busy = [threading.Lock(), threading.Lock()]
        self.principal = Principal(
            access_key_id="AKIATELLER", secret="teller's secret", user_arn=f"arn:aws:iam::{ACCOUNT}:user/teller"
        )

    def __enter__(self):
        self.function_url = FunctionUrl(self.invoke, [self.principal])
        self.server = LocalServer(self.function_url, "function-url")
        self.url = self.server.url
        return self

    def __exit__(self, *_):
        self.server.close()
        self.function_url.close()

    def invoke(self, payload):
        """An instance carries out one request at a time, as on Lambda."""
        number = next(self._next)
        at = number % 2
        with self._busy[at]:
            self.calls[at] += 1
            answer = self.instances[at].answer(json.loads(payload))
        return InvocationResult(Outcome.ANSWERED, json.dumps(answer).encode(), str(number))

    def environment(self, **more):
        """What ``client-env --url`` prints and the keys of a principal, over this process's variables without AWS's."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        keys = {"AWS_ACCESS_KEY_ID": self.principal.access_key_id, "AWS_SECRET_ACCESS_KEY": self.principal.secret}
        return {**inherited, **url_env(self.url, "eu-central-1"), **keys, "AWS_EC2_METADATA_DISABLED": "true", **more}

    def client(self, service="qldb", secret=None, models=None):
        """A botocore client that signs as it is told; its models are those for URLs unless others are given."""
        import botocore.session
        from botocore.config import Config

        from counterfoil.server.client_env import MODELS_FOR_URLS

        session = botocore.session.Session()
        session.get_component("data_loader").search_paths.append(str(models or MODELS_FOR_URLS))
        return session.create_client(
            service,
            region_name="eu-central-1",
            endpoint_url=self.url,
            aws_access_key_id=self.principal.access_key_id,
            aws_secret_access_key=secret or self.principal.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )
