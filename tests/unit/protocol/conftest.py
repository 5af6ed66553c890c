import pytest

from tests.scripted_ledgers import SESSIONS, Service


@pytest.fixture(params=SESSIONS)
def every_kind(request, monkeypatch):
    """The same test on sessions in a process and on sessions in a log."""
    monkeypatch.setattr(Service, "kind", request.param)
    return request.param
