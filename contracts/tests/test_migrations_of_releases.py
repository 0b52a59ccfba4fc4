"""From what the first release left in its database to now: nothing is lost, and its code still gets along."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from common import clock
from common.models import User
from common.ops import finding
from common.ops.kinds import checks
from common.tests.factories import ApiClient, client_of
from contracts.gate import documents
from contracts.tests.upgrading import another_database, leave_as, rows_of, what_hurts_the_code_of

FIRST = documents.releases()[0].folder


@pytest.fixture(scope="module", autouse=True)
def upgraded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of the first release, migrated as it is for a release."""
    with django_db_blocker.unblock(), another_database():
        leave_as(FIRST)
        call_command("migrate", interactive=False, verbosity=0)
        yield


BREAKAGES = {
    "courses.Course cannot be written: null value": "ALTER TABLE courses_course ADD COLUMN language text NOT NULL "
    "DEFAULT 'en'; ALTER TABLE courses_course ALTER COLUMN language DROP DEFAULT",
    "courses.Course cannot be read: column": "ALTER TABLE courses_course DROP COLUMN summary CASCADE",
    "reviews.Review cannot be read: column": "ALTER TABLE reviews_review RENAME COLUMN comment TO words",
    "enrollments.PartnerKey cannot be read: relation": "DROP TABLE enrollments_partnerkey",
    "courses.CoursePlaces cannot be written: new row": "ALTER TABLE courses_courseplaces ADD CONSTRAINT unlimited "
    "CHECK (capacity IS NULL AND status = 'none') NOT VALID",
}
ADDITIONS = [
    "ALTER TABLE courses_course ADD COLUMN language text",
    "ALTER TABLE courses_course ADD COLUMN language text NOT NULL DEFAULT 'en'",
    "CREATE INDEX ON courses_course (instructor)",
    "CREATE TABLE shelf (name text NOT NULL)",
]


def hurt_by(statement: str) -> list[str]:
    """What the code of the first release can no longer do after this statement, which is undone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        hurt = what_hurts_the_code_of(FIRST)
        transaction.set_rollback(True)
    return hurt


class TestAfterAllMigrations:
    def test_every_row_is_still_there(self) -> None:
        with connection.cursor() as cursor:
            for table, count in rows_of(FIRST).items():
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                assert cursor.fetchone()[0] >= count, table

    def test_every_invariant_holds(self) -> None:
        with finding.reading():
            broken = {name: finding.count(check, now=clock.now(), sample=3) for name, check in checks().items()}
        assert broken
        assert {name: found for name, found in broken.items() if found[0]} == {}

    def test_people_find_what_was_theirs(self) -> None:
        ada = client_of(User.objects.get(email="ada@lectern.example"))
        staff = client_of(User.objects.get(email="staff@lectern.example"))
        moderator = client_of(User.objects.get(email="moderator@lectern.example"))
        assert ada.get("enrollments").json()["data"]
        course_id = ada.get("enrollments").json()["data"][0]["course_id"]
        assert staff.get(f"courses/{course_id}/enrollments").json()["data"]
        assert moderator.get("moderation/reviews").json()["data"]
        assert ApiClient().get("courses?limit=100").json()["data"]


class TestTheCodeBefore:
    def test_reads_and_writes_as_ever(self) -> None:
        assert what_hurts_the_code_of(FIRST) == []

    @pytest.mark.parametrize("told", BREAKAGES)
    def test_is_heard_when_something_hurts_it(self, told: str) -> None:
        assert [each for each in hurt_by(BREAKAGES[told]) if each.startswith(told)]

    @pytest.mark.parametrize("statement", ADDITIONS)
    def test_does_not_mind_what_is_added(self, statement: str) -> None:
        assert hurt_by(statement) == []
