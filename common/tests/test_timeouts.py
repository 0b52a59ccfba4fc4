"""Through PgBouncer, the timeouts belong to the role; who forgot them is told."""

import pytest
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

pytestmark = pytest.mark.django_db

NAMES = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")


def warned(*, databases: list[str] | None) -> list[str]:
    return [message.msg.split()[0] for message in run_checks(databases=databases) if message.id == "common.W001"]


@pytest.fixture
def through_pgbouncer(settings: Settings) -> None:
    settings.THROUGH_PGBOUNCER = True
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f"SET LOCAL {name} = '1min'")


@pytest.mark.usefixtures("through_pgbouncer")
class TestTimeouts:
    def test_of_the_role_are_enough(self) -> None:
        assert warned(databases=["default"]) == []

    @pytest.mark.parametrize("name", NAMES)
    def test_that_are_off_are_said(self, name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {name} = 0")
        assert warned(databases=["default"]) == [name]

    def test_are_not_asked_for_where_no_database_is(self) -> None:
        assert warned(databases=None) == []
