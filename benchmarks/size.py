"""What a cold start pays: the layer's size, and the time to import each function's handler from it."""

from __future__ import annotations

import os
import statistics
import subprocess
from pathlib import Path

BUILD = Path(".aws-sam/build")
LAYER = BUILD / "CounterfoilLayer/python"
FUNCTIONS = ("JournalAuditorFunction", "FraudDetectorFunction", "AlertNotifierFunction", "DigestSnapshotFunction")
ROUNDS = 9

ENVIRONMENT = {
    "COUNTERFOIL_ADAPTERS": "memory",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "counterfoil",
    "PYTHONDONTWRITEBYTECODE": "1",  # /opt is read-only on Lambda
}


def run() -> dict[str, float]:
    subprocess.run(["make", "--silent", "build"], check=True, capture_output=True)
    megabytes = sum(path.stat().st_size for path in LAYER.rglob("*") if path.is_file()) / 1e6
    print(f"layer {megabytes:.1f} MB unzipped (wanted: below 30)")
    slowest = 0.0
    floor = _import_milliseconds("botocore.session", BUILD)
    for function in FUNCTIONS:
        taken = _import_milliseconds("app", BUILD / function)
        slowest = max(slowest, taken)
        print(f"  import of {function:24} {taken:5.0f} ms (wanted: below 500); botocore alone takes {floor:.0f} ms")
    return {"layer_megabytes": megabytes, "import_ms": slowest}


def _import_milliseconds(module: str, folder: Path) -> float:
    """Median time of an import in a fresh interpreter, with the function's folder and the layer as Lambda lays them out."""
    code = f"import time; t = time.perf_counter(); import {module}; print((time.perf_counter() - t) * 1000)"
    path = os.pathsep.join([str(folder), str(LAYER)])
    times = [
        float(
            subprocess.run(
                [Path(".venv/bin/python"), "-c", code],
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
                check=True,
                capture_output=True,
                text=True,
            ).stdout.splitlines()[-1]
        )
        for _ in range(ROUNDS)
    ]
    return statistics.median(times)
