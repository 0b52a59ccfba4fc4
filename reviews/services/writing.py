"""What learners do with their own review: write it, change it, take it back."""

from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now

from common import db
from common.accounts.errors import Unauthenticated
from common.compiled import insert
from common.errors import PreconditionFailed
from common.outcomes import use_case
from common.types import Actor
from courses import services as courses
from enrollments import services as enrollments
from reviews import rules, selectors
from reviews.errors import EvidenceUnavailable, ReviewAlreadyExists, ReviewNotAllowed, ReviewNotFound
from reviews.models import Report, Review, Revision
from reviews.services import creating, state
from reviews.types import Around, Circumstances, HoldReason, OwnReview, RatingDetails, Status, Text, TextChanges

_MACHINE = "system:hold-rules"
_OUTAGES = (OperationalError, InterfaceError, OSError)


@use_case
def write_review(
    *,
    course_id: UUID,
    author_id: UUID,
    rating: int,
    comment: str,
    rating_details: RatingDetails | None = None,
    actor: Actor,
    now: datetime,
) -> OwnReview:
    """The learner's review is there: public, or waiting for a moderator if its text trips a hold rule.

    Raises:
        Unauthenticated: the learner has no active account.
        CourseNotFound: there is no such course, or it is a draft.
        ReviewNotAllowed: the learner has neither an active nor a completed enrollment.
        EvidenceUnavailable: whether the learner has one cannot be found out.
        ReviewAlreadyExists: the learner has a live review of this course.
    """
    text = Text(rating=rating, comment=comment, rating_details=rating_details)
    own = None
    while own is None:
        own = _write(Review(course_id=course_id, author_id=author_id), text, actor=actor, now=now)
    return own


def _write(row: Review, text: Text, *, actor: Actor, now: datetime) -> OwnReview | None:
    """The review is there; or else, a moment ago, somebody wrote one with which this is to be judged anew."""
    _say(row, text)
    question = _ask_around(row, now=now)
    author_name, around = _look(row, question)
    _judge(row, before=state.Before(), around=around)
    with db.refusing_statement({"review_one_live": lambda: _standing_in_the_way(row.course_id, row.author_id)}):
        is_written = creating.create(row, question=question, around=around, machine=_MACHINE, actor=actor)
    return selectors.to_own(row, author_name=author_name) if is_written else None


@use_case
@transaction.atomic
def rewrite_review(
    *,
    course_id: UUID,
    author_id: UUID,
    changes: TextChanges,
    expected_version: int | None,
    actor: Actor,
    now: datetime,
) -> OwnReview:
    """The review has these changes of its text. One that trips a hold rule waits, and the public one stays.

    Raises:
        ReviewNotFound: the learner has no live review of this course.
        ReviewNotAllowed: the learner has neither an active nor a completed enrollment any longer.
        EvidenceUnavailable: whether the learner has one cannot be found out.
        PreconditionFailed: it is no longer at `expected_version`.
    """
    review_id = _find_own(course_id, author_id)
    _check_evidence(course_id, author_id)
    row = _lock_own(review_id, expected_version)
    before = state.Before.of(row)
    text = selectors.to_text(row)
    changed = text._replace(**changes)
    if changed != text:
        _say(row, changed)
        row.revision += 1
        row.updated_at = row.submitted_at = Now()
        question = _ask_around(row, now=now)
        digest = question.values["around_digest"]
        state.judge_alone(author_id=author_id, digest=digest)
        _judge(row, before=before, around=selectors.around(question))
        state.store(row, before=before)
        _keep(row, digest=digest, change="updated", before=before, actor=actor)
    return selectors.to_own(row, author_name=row.author.display_name)


@use_case
@transaction.atomic
def retract_review(*, course_id: UUID, author_id: UUID, expected_version: int | None, actor: Actor) -> None:
    """The review is gone for everybody but moderators, and its author may write another. Reports on it are answered.

    Raises:
        ReviewNotFound: the learner has no live review of this course.
        PreconditionFailed: it is no longer at `expected_version`.
    """
    row = _lock_own(_find_own(course_id, author_id), expected_version)
    before = state.Before.of(row)
    state.unpublish(row)
    row.retracted_at = Now()
    row.open_reports = 0
    entry = state.tell(row, change="retracted", actor=actor, before=before)
    # Reports before the summary, which `store` counts in: the order in which a report takes them.
    Report.objects.filter(review=row, resolution="").update(resolution="retracted", resolved_by=entry)
    state.store(row, before=before)


def get_own_to_rewrite(*, course_id: UUID, author_id: UUID) -> OwnReview:
    """The author's live review of the course, which they may change.

    Raises:
        ReviewNotFound, ReviewNotAllowed, EvidenceUnavailable: as for a change.
    """
    own = selectors.get_own(course_id=course_id, author_id=author_id)
    _check_evidence(course_id, author_id)
    return own


def _check_evidence(course_id: UUID, author_id: UUID) -> None:
    """The learner may review.

    If this cannot be found out, nobody guesses: a guess would publish the review of somebody who was never there, or
    tell a learner for good what is only true now.
    """
    try:
        is_admitted = enrollments.has_been_admitted(course_id=course_id, learner_id=author_id)
    except _OUTAGES as outage:
        raise EvidenceUnavailable from outage
    if not is_admitted:
        raise ReviewNotAllowed


def _look(row: Review, question: db.Part) -> tuple[str, Around]:
    """The author's name, and what is known around the text. If they may not write it, that is refused.

    The look at the evidence is one with all others. What cannot be found out is not guessed; see `_check_evidence`.
    """
    admission = enrollments.admission(course_id=row.course_id, learner_id=row.author_id)
    try:
        seen = creating.look(course_id=row.course_id, admission=admission, question=question)
    except _OUTAGES as outage:
        raise EvidenceUnavailable from outage
    if seen.author_name is None:
        raise Unauthenticated
    if not seen.is_public_course:
        raise courses.CourseNotFound
    if not seen.is_admitted:
        raise ReviewNotAllowed
    if seen.live_id is not None:
        raise ReviewAlreadyExists(seen.live_id)
    return seen.author_name, seen.around


def _standing_in_the_way(course_id: UUID, author_id: UUID) -> ReviewAlreadyExists:
    """The refusal for an author whose review stood in the way a moment ago, even if it was taken back since."""
    live = selectors.find_live(course_id=course_id, author_id=author_id)
    return ReviewAlreadyExists(live or selectors.find_newest(course_id=course_id, author_id=author_id))


def _find_own(course_id: UUID, author_id: UUID) -> UUID:
    review_id = selectors.find_live(course_id=course_id, author_id=author_id)
    if review_id is None:
        raise ReviewNotFound("You have not written a review of this course.")
    return review_id


def _lock_own(review_id: UUID, expected_version: int | None) -> Review:
    row = state.lock(review_id=review_id)
    if row.retracted_at is not None:
        raise ReviewNotFound("You have not written a review of this course.")
    if expected_version is not None and row.version != expected_version:
        raise PreconditionFailed
    return row


def _say(row: Review, text: Text) -> None:
    """The newest text is this one. Not stored yet."""
    row.rating, row.comment = text.rating, text.comment
    row.rating_details = text.rating_details._asdict() if text.rating_details else None


def _ask_around(row: Review, *, now: datetime) -> db.Part:
    policy = state.policy()
    return selectors.ask_around(
        course_id=row.course_id,
        author_id=row.author_id,
        review_id=row.pk,
        digest=rules.digest(row.comment, policy),
        since=now - policy.window,
    )


def _judge(row: Review, *, before: state.Before, around: Around) -> None:
    """Show the newest text, or hold it. Not stored yet."""
    circumstances = Circumstances(
        is_public_already=row.public_rating is not None and row.comment == row.public_comment,
        hidden_before=_was_taken_off(before, around),
        stands_elsewhere=around.stands_elsewhere,
        written_in_window=around.written_in_window,
    )
    reason = rules.hold_reason(comment=row.comment, around=circumstances, policy=state.policy())
    if reason is None:
        state.show(row)
    else:
        state.hold(row, reason)


def _was_taken_off(before: state.Before, around: Around) -> bool:
    """Whether moderators or reports took what the author said of this course off the list, and nobody put it back."""
    status, held_reason = before.status, before.held_reason
    if not status:
        # To take a hidden review back and write it again is no way around the moderators.
        status, held_reason = around.ended_as, around.ended_for
    return status == Status.HIDDEN or held_reason in {HoldReason.HIDDEN_BEFORE, HoldReason.REPORTS}


def _keep(row: Review, *, digest: bytes | None, change: str, before: state.Before, actor: Actor) -> None:
    """The text is kept as a revision, and told of; a hold by the rules is a decision of its own."""
    revision = Revision(
        review=row,
        number=row.revision,
        author_id=row.author_id,
        rating=row.rating,
        comment=row.comment,
        rating_details=row.rating_details,
        digest=digest,
        created_at=row.updated_at,
    )
    insert(revision)
    state.tell(row, change=change, actor=actor, before=before)
    if row.held_reason:
        state.tell_of_hold(row, machine=_MACHINE, actor=actor, before=state.Before.of(row), revision=row.revision)


def standing_of_author(*, course_id: UUID, author_id: UUID) -> str:
    """The status of the author's enrollment or place in line in the course, empty for neither."""
    try:
        return str(enrollments.get_standing(course_id=course_id, learner_id=author_id).status)
    except enrollments.EnrollmentNotFound:
        return ""
