"""The service models of ``qldb`` and ``qldb-session``, shipped with this package (models/README.md)."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Final

from botocore.model import ServiceModel

from counterfoil.server.client_env import MODELS

_VERSIONS: Final = {"qldb": "2019-01-02", "qldb-session": "2019-07-11"}


@cache
def service_model(service: str) -> ServiceModel:
    data = (MODELS / service / _VERSIONS[service] / "service-2.json.gz").read_bytes()
    return ServiceModel(json.loads(gzip.decompress(data)), service)
