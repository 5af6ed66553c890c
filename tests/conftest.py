"""What every test room shares: how long hypothesis looks, and where the genuine vectors are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
SHARED_VECTORS = ROOT.parent / "shared" / "vectors"
# What `.venv/.ready` is made from (Makefile).
RENEWING = ("requirements/dev.txt", "pyproject.toml")
PROVING = os.environ.get("COUNTERFOIL_PROVE") == "1"

# Quick: the same examples every time, so that a red build is red for a reason. Prove: many new examples on every run.
settings.register_profile(
    "quick", max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "prove", max_examples=1_500, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("prove" if PROVING else "quick")


def pytest_configure(config):
    """Tests run ``make``, which renews an environment that is out of date: its programs are gone for a moment, for other tests too."""
    ready = ROOT / ".venv/.ready"
    if not getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput") or not ready.exists():
        return
    newer = [
        each for each in RENEWING if (ROOT / each).exists() and (ROOT / each).stat().st_mtime > ready.stat().st_mtime
    ]
    if newer:
        raise pytest.UsageError(f"{' and '.join(newer)} changed since .venv was made: make setup")


def pytest_collection_finish(session):
    """Tests that share a deployed stack must be on one worker: without it each worker deploys one, and sees half of what was done."""
    if getattr(session.config.option, "loadgroup", False):
        lost = [
            each.nodeid for each in session.items if each.get_closest_marker("xdist_group") and "@" not in each.nodeid
        ]
        if lost:
            raise pytest.UsageError(f"pytest-xdist has lost the group of {len(lost)} tests, such as {lost[0]}")


def pytest_runtest_setup(item):
    if not PROVING and item.get_closest_marker("prove"):
        pytest.skip("the long version: COUNTERFOIL_PROVE=1 (make prove) runs it")


@pytest.fixture(scope="session")
def shared_vectors():
    """The folder of genuine vectors; it is not part of the repository (lab/data holds one that is)."""
    if not SHARED_VECTORS.is_dir():
        pytest.skip(f"no genuine vectors at {os.path.relpath(SHARED_VECTORS, ROOT)}: this test reads them")
    return SHARED_VECTORS
