"""States that no use case can reach, written by plain SQL: only for tests of repairs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import connection

from common import clock, db, ids
from common.tests.factories import a_learner

_LIVE_INDEX = "enrollment_one_live_standing"


def _run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def set_places(course_id: UUID, **columns: object) -> None:
    """The places of the course say this, whatever its rows say."""
    changes = ", ".join(f"{name} = %s" for name in columns)
    _run(f"UPDATE courses_courseplaces SET {changes} WHERE course_id = %s", *columns.values(), course_id)


def set_row(row_id: UUID, **columns: object) -> None:
    """The row says this, and its course does not know of it."""
    changes = ", ".join(f"{name} = %s" for name in columns)
    _run(f"UPDATE enrollments_enrollment SET {changes} WHERE id = %s", *columns.values(), row_id)


def a_stray_row(
    course_id: UUID,
    status: str,
    *,
    learner_id: UUID | None = None,
    queue_number: int | None = None,
    at: datetime | None = None,
) -> UUID:
    """A row of a learner, new unless given, of which neither its course nor the event log know."""
    row_id, at = ids.new_uuid(), at or clock.now()
    is_seated = status in {"active", "completed", "withdrawn", "revoked"}
    _run(
        "INSERT INTO enrollments_enrollment (id, course_id, learner_id, status, source, queue_number, joined_at,"
        " enrolled_at, ended_at, external_id) VALUES (%s, %s, %s, %s, 'self', %s, %s, %s, %s, '')",
        row_id,
        course_id,
        learner_id or a_learner(),
        status,
        queue_number,
        at,
        at if is_seated else None,
        None if status in {"active", "waiting"} else at,
    )
    return row_id


def forget_events(subject: str, *types: str) -> None:
    """The log has lost the events of these types about the subject, or all about it."""
    _check_now()
    _run("ALTER TABLE common_event DISABLE TRIGGER USER")
    _run("DELETE FROM common_event WHERE subject = %s AND type = ANY(%s)", subject, list(types))
    _check_now()
    _run("ALTER TABLE common_event ENABLE TRIGGER USER")


def drop_live_index() -> None:
    """Nothing keeps a learner from being in a course twice, until the transaction is rolled back."""
    _check_now()
    _run(f"DROP INDEX {_LIVE_INDEX}")


@contextmanager
def without_live_index() -> Iterator[None]:
    """Inside the block nothing keeps a learner from being in a course twice. The index is back after the test."""
    definition = db.fetch_one("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [_LIVE_INDEX])
    assert definition is not None
    drop_live_index()
    yield
    _check_now()
    _run(definition[0])


def _check_now() -> None:
    """Tables cannot be altered while foreign keys are still to be checked at the end of the transaction."""
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    _run("SET CONSTRAINTS ALL DEFERRED")
