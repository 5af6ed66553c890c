"""The environment that points official AWS clients, unmodified, at a served ledger or at one behind a function's URL."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

# One folder for each service and version, as botocore looks for them.
MODELS: Final = Path(__file__).parent / "models"

# The same, but for the name that requests are signed for: Lambda checks those to a function's URL, and only for itself.
MODELS_FOR_URLS: Final = Path(__file__).parent / "models_for_urls"

# What a client signs with where the server asks for no keys; any text would do.
LOCAL_KEY_ID: Final = "counterfoil"
LOCAL_SECRET: Final = "counterfoil-local"  # noqa: S105 - no secret: without keys the server does not look at it


def client_env(port: int = 8600, host: str = "127.0.0.1") -> dict[str, str]:
    """Variables for a client on this machine.

    ``AWS_DATA_PATH`` holds the two service models, which botocore no longer has. The keys are for servers without a file of keys.
    """
    address = f"[{host}]" if ":" in host else host
    url = f"http://{address}:{port}"
    return {
        "AWS_DATA_PATH": str(MODELS),
        "AWS_ENDPOINT_URL_QLDB": url,
        "AWS_ENDPOINT_URL_QLDB_SESSION": url,
        "AWS_ACCESS_KEY_ID": LOCAL_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def url_env(url: str, region: str) -> dict[str, str]:
    """Variables for a client of a ledger behind a function's URL; it signs with the keys that it has."""
    return {
        "AWS_DATA_PATH": str(MODELS_FOR_URLS),
        "AWS_ENDPOINT_URL_QLDB": url.rstrip("/"),
        "AWS_ENDPOINT_URL_QLDB_SESSION": url.rstrip("/"),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def region_of(url: str) -> str | None:
    """The region in ``https://<id>.lambda-url.<region>.on.aws/``; ``None`` for another address."""
    parts = urlsplit(url).hostname
    names = [] if parts is None else parts.split(".")
    return names[2] if len(names) > 3 and names[1] == "lambda-url" else None
