"""A review that is not there yet: all there is to know before it is written, and all that writing it comes to.

Each is one statement, to which each app contributes its part. In between the hold rules judge while nothing is locked:
so the second one writes only if what was known is still so.
"""

import json
from typing import NamedTuple
from uuid import UUID

from common import db
from common.events import services as events
from common.types import Actor
from courses import services as courses
from reviews.models import HistoryEntry, Review
from reviews.services import state
from reviews.types import Around

_LOOK = """
    SELECT EXISTS ({course}), EXISTS ({admission}),
        (
            SELECT id FROM reviews_review
            WHERE author_id = %(around_author_id)s AND course_id = %(around_course_id)s AND retracted_at IS NULL
        ),
        (SELECT display_name FROM common_user WHERE id = %(around_author_id)s AND is_active), around.*
    FROM ({around}) AS around
"""
# `statement_timestamp()` is when the lock was had, which `now()` may be long before.
_REVIEW = """
    INSERT INTO reviews_review (
        id, course_id, author_id, status, held_reason, rating, comment, rating_details, revision, public_rating,
        public_comment, public_rating_details, public_revision, public_updated_at, open_reports, version, created_at,
        updated_at, submitted_at
    )
    SELECT %(review_id)s, %(review_course_id)s, %(review_author_id)s, %(review_status)s, %(review_held_reason)s,
        %(review_rating)s, %(review_comment)s, %(review_details)s::jsonb, 1, %(review_public_rating)s::smallint,
        %(review_public_comment)s, %(review_public_details)s::jsonb, %(review_public_revision)s::int,
        CASE WHEN %(review_public_revision)s::int IS NOT NULL THEN statement_timestamp() END, 0, 1,
        statement_timestamp(), statement_timestamp(), statement_timestamp()
    FROM around
    WHERE (ended_as, ended_for, stands_elsewhere, written_in_window)
        = (%(review_ended_as)s, %(review_ended_for)s, %(review_elsewhere)s, %(review_written)s)
    RETURNING *
"""
_REVISION = """
    INSERT INTO reviews_revision (review_id, number, author_id, rating, comment, rating_details, digest, created_at)
    SELECT id, revision, author_id, rating, comment, rating_details, %(around_digest)s::bytea, updated_at FROM review
"""
_ENTRY = """
    INSERT INTO reviews_historyentry (
        review_id, revision, actor, change, from_status, to_status, from_held_reason, reason, automated, public_text,
        note
    )
    SELECT review.id, review.revision, %({name}_actor)s, %({name}_change)s, %({name}_from_status)s, review.status,
        %({name}_from_held_reason)s, %({name}_reason)s, %({name}_automated)s, '', ''
    FROM {source} RETURNING id
"""


class Seen(NamedTuple):
    """What there is to know before a review is written.

    `author_name`: None without an active account. `live_id`: of the review that is there already.
    """

    is_public_course: bool
    is_admitted: bool
    live_id: UUID | None
    author_name: str | None
    around: Around


def look(*, course_id: UUID, admission: db.Part, question: db.Part) -> Seen:
    """All that decides on a new review; `admission` finds a row if its author may write it, for `question` see
    `selectors.ask_around`.
    """
    course = courses.public_course(course_id=course_id)
    sql = _LOOK.format(course=course.sql, admission=admission.sql, around=question.sql)
    row = db.fetch_one(sql, {**course.values, **admission.values, **question.values})
    assert row is not None
    is_public_course, is_admitted, live_id, author_name, *around = row
    return Seen(is_public_course, is_admitted, live_id, author_name, Around(*around))


def create(row: Review, *, question: db.Part, around: Around, machine: str, actor: Actor) -> bool:
    """The row, a new one, is in its table, as are its text, its history, its events and its rating.

    Unless the answer to `question` is `around` no longer: then nothing is written, and the answer is False.
    """
    parts = [question, _review(row, around), db.Part("revision", _REVISION, {})]
    parts += _telling("created", row, actor=actor, before=state.Before())
    if row.held_reason:
        cause, before = Actor(name=machine, request_id=actor.request_id), state.Before.of(row)
        parts += _telling("held", row, after="created", actor=cause, before=before, **state.reason_of_hold(row))
    else:
        # All who write about this course wait for each other from here to the end of the statement.
        parts += state.counting(course_id=row.course_id, before=None, after=row.public_rating, source="review")
    lock = state.alone(author_id=row.author_id, digest=question.values["around_digest"])
    written = db.fetch_one_behind(lock, *db.joined(parts, "SELECT created_at FROM review"))
    if written is None:
        return False
    row.created_at = row.updated_at = row.submitted_at = written[0]
    return True


def _review(row: Review, around: Around) -> db.Part:
    values = {
        "review_id": row.pk,
        "review_course_id": row.course_id,
        "review_author_id": row.author_id,
        "review_status": row.status,
        "review_held_reason": row.held_reason,
        "review_rating": row.rating,
        "review_comment": row.comment,
        "review_details": _json(row.rating_details),
        "review_public_rating": row.public_rating,
        "review_public_comment": row.public_comment,
        "review_public_details": _json(row.public_rating_details),
        "review_public_revision": row.public_revision,
        "review_ended_as": around.ended_as,
        "review_ended_for": around.ended_for,
        "review_elsewhere": around.stands_elsewhere,
        "review_written": around.written_in_window,
    }
    return db.Part("review", _REVIEW, values)


def _json(value: dict[str, int] | None) -> str | None:
    return None if value is None else json.dumps(value)


def _telling(
    change: str, row: Review, *, after: str = "", actor: Actor, before: state.Before, **details: object
) -> list[db.Part]:
    """As `state.tell`, as parts of the statement that writes the review. It follows the change `after`, if any."""
    entry = state.entry_of(row, change=change, actor=actor, before=before, **details)
    event = state.event_of(f"review.{change}", row, actor, **state.told(row, entry))
    return [
        _entry(entry, source=f"review, {after}" if after else "review"),
        events.recording(f"{change}_event", **event, source=f"{after}_event" if after else "review"),
    ]


def _entry(entry: HistoryEntry, *, source: str) -> db.Part:
    name = entry.change
    values = {
        f"{name}_actor": entry.actor,
        f"{name}_change": name,
        f"{name}_from_status": entry.from_status,
        f"{name}_from_held_reason": entry.from_held_reason,
        f"{name}_reason": entry.reason,
        f"{name}_automated": entry.automated,
    }
    return db.Part(name, _ENTRY.format(name=name, source=source), values)
