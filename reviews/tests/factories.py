"""Reviews for tests, made through the services, and what must be true of them at any time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import UUID

from common import clock, ids
from common.models import Event, User
from common.tests.factories import a_person, usr
from common.types import Actor
from courses.tests.factories import an_open_course, crs, rating_of
from enrollments.tests.factories import an_enrollment
from reviews import services as reviews
from reviews.models import CourseSummary, HistoryEntry, ModerationReason, Report, Review

# Too short for the rule on the same text elsewhere, so that any number of people may say it.
CLEAN = "She cried, I did not."
WITH_LINK = "See https://spam.example for more."
APPROVE, HIDE = reviews.Decision
NO_SUMMARY = (0, 0, 0, 0, 0)
DETAILS = reviews.RatingDetails(clarity=5, pace=3, support=4)
OTHER_DETAILS = reviews.RatingDetails(clarity=1, pace=1, support=2)


@dataclass(frozen=True)
class Written:
    """A review that somebody wrote."""

    id: UUID
    course_id: UUID
    author: User


def by(person: User | UUID) -> Actor:
    """The person as the cause of a change."""
    return Actor(name=usr(person if isinstance(person, UUID) else person.pk), request_id="test")


def a_reason(
    code: str = "advertising",
    public_text: str = "Your review advertises something.",
    *,
    decision: reviews.Decision = HIDE,
    is_active: bool = True,
) -> str:
    """The code of a reason in the moderators' table."""
    fields = {"label": code, "public_text": public_text, "decision": decision, "is_active": is_active}
    ModerationReason.objects.update_or_create(code=code, defaults=fields)
    return code


def reasons_to_choose_from() -> None:
    """The first of the migration's reasons exist, also after a test that commits: Django's flush takes them away."""
    labels = {"fine": "Follows the rules", "advertising": "Advertising or spam", "abuse": "Insulting or threatening"}
    for position, (code, label) in enumerate(labels.items(), start=1):
        decision = APPROVE if code == "fine" else HIDE
        defaults = {"label": label, "public_text": f"{label}.", "position": position, "decision": decision}
        ModerationReason.objects.get_or_create(code=code, defaults=defaults)


def an_author(course_id: UUID, **fields: Any) -> User:
    """Somebody who is in the course and may review it."""
    person = a_person(**fields)
    an_enrollment(course_id, person.pk)
    return person


def moderator(**fields: Any) -> User:
    """One of the moderators."""
    return a_person(groups=("Moderators",), is_staff=True, **fields)


def write(
    course_id: UUID,
    author: User,
    rating: int = 4,
    comment: str = CLEAN,
    rating_details: reviews.RatingDetails | None = None,
) -> reviews.OwnReview:
    """What writing a first review comes to."""
    return reviews.write_review(
        course_id=course_id,
        author_id=author.pk,
        rating=rating,
        comment=comment,
        rating_details=rating_details,
        actor=by(author),
        now=clock.now(),
    )


def a_review(course_id: UUID | None = None, author: User | None = None, **text: Any) -> Written:
    """A review of this course by this author; new ones unless given."""
    course_id = course_id or an_open_course()
    author = author or an_author(course_id)
    return Written(write(course_id, author, **text).review.id, course_id, author)


def a_held_review(**text: Any) -> Written:
    """A first review that waits because of its link."""
    return a_review(**{"comment": WITH_LINK, **text})


def a_hidden_review(**text: Any) -> Written:
    """A review that a moderator has hidden."""
    review = a_review(**text)
    decide(review, HIDE)
    return review


def rewrite(review: Written, **changes: Unpack[reviews.TextChanges]) -> reviews.OwnReview:
    """The author changes the review."""
    return reviews.rewrite_review(
        course_id=review.course_id,
        author_id=review.author.pk,
        changes=changes,
        expected_version=None,
        actor=by(review.author),
        now=clock.now(),
    )


def retract(review: Written) -> None:
    """The author takes the review back."""
    reviews.retract_review(
        course_id=review.course_id, author_id=review.author.pk, expected_version=None, actor=by(review.author)
    )


def report(review: Written, reporter: User | None = None, note: str = "") -> reviews.Report:
    """A person, new unless given, reports the review as spam."""
    reporter = reporter or a_person()
    return reviews.report_review(
        course_id=review.course_id,
        review_id=review.id,
        reporter_id=reporter.pk,
        reason=reviews.ReportReason.SPAM,
        note=note,
        actor=by(reporter),
    )


def report_by(review: Written, *, people: int) -> None:
    """So many different people report the review."""
    for _ in range(people):
        report(review)


def decide(
    review: Written,
    decision: reviews.Decision,
    *,
    moderator: User | None = None,
    version: int | None = None,
    reason: str = "",
    note: str = "",
) -> reviews.Decided:
    """A moderator, new unless given, decides on the review; on its present version unless given."""
    moderator = moderator or a_person()
    return reviews.decide_review(
        review_id=review.id,
        moderator_id=moderator.pk,
        decision=decision,
        reason=reason,
        note=note,
        version=version or row_of(review).version,
        actor=by(moderator),
    )


def undo(review: Written, moderator: User) -> reviews.ModeratedReview:
    """The moderator undoes their decision on the review."""
    return reviews.undo_decision(
        review_id=review.id,
        moderator_id=moderator.pk,
        version=row_of(review).version,
        actor=by(moderator),
        now=clock.now(),
    )


def take(moderator: User, *, skipping: tuple[UUID, ...] = ()) -> UUID | None:
    """Which review the moderator gets to look at."""
    return reviews.take_next(moderator_id=moderator.pk, skipped=skipping, now=clock.now())


# -- what there is ---------------------------------------------------------------------------------


def row_of(review: Written) -> Review:
    """The review's row, as last committed."""
    return Review.objects.get(pk=review.id)


def standing(review: Written) -> tuple[str, str, int | None]:
    """The newest text's status, what holds it, and which revision is public."""
    row = row_of(review)
    return row.status, row.held_reason, row.public_revision


def history(review: Written) -> list[str]:
    """The changes of the review, in order."""
    return list(HistoryEntry.objects.filter(review_id=review.id).order_by("id").values_list("change", flat=True))


def resolutions(review: Written) -> list[str]:
    """How the reports on the review were answered, in the order in which they came."""
    return list(Report.objects.filter(review_id=review.id).order_by("id").values_list("resolution", flat=True))


def public_ratings(course_id: UUID) -> list[int]:
    """The ratings on the public list, highest first, by reading the rows."""
    rows = Review.objects.filter(course_id=course_id, public_rating__isnull=False)
    return sorted(rows.values_list("public_rating", flat=True), reverse=True)


def kept_counts(course_id: UUID) -> tuple[int, ...]:
    """The course's summary as it is kept: how many of 1 to 5 stars."""
    rows = CourseSummary.objects.filter(pk=course_id).values_list("ones", "twos", "threes", "fours", "fives")
    return rows.first() or NO_SUMMARY


def computed_counts(course_id: UUID) -> tuple[int, ...]:
    """The course's summary as a fresh computation over the public reviews gives it."""
    ratings = public_ratings(course_id)
    return tuple(ratings.count(stars) for stars in range(1, 6))


def summary_is_true(course_id: UUID) -> bool:
    """Whether the kept summary and the rating in the catalogue are what a fresh computation gives."""
    counts = computed_counts(course_id)
    total = sum(counts)
    average = (
        round(sum(stars * count for stars, count in enumerate(counts, start=1)) / total + 1e-9, 2) if total else None
    )
    rating = rating_of(course_id)
    kept = reviews.get_summary(course_id=course_id, now=clock.now())
    return kept_counts(course_id) == counts == kept.counts and (rating.average, rating.count) == (average, total) == (
        kept.average,
        kept.count,
    )


def rev(review: Written) -> str:
    """The public id of the review."""
    return ids.encode(ids.REVIEW, review.id)


def reviews_of(course_id: UUID) -> str:
    """Where the reviews of a course are, in the API."""
    return f"courses/{crs(course_id)}/reviews"


def kinds(outcomes: Iterable[object]) -> dict[str, int]:
    """How many outcomes there are of each kind."""
    return dict(Counter(type(outcome).__name__ for outcome in outcomes))


def recorded(type: str) -> int:
    """How many events there are of this type."""
    return Event.objects.filter(type=type).count()
