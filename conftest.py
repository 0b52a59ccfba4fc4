"""Fixtures of every test."""

from collections.abc import Iterator

import pytest
from django.db import connection

pytest_plugins = ["common.tests.lock_order"]


@pytest.fixture(autouse=True)
def no_jobs_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that commits, take away its jobs: Django's flush leaves out tables that Django does not manage."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and bool(marker.kwargs.get("transaction"))
    if not commits and "transactional_db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
