"""What learners do with their own review, through the use cases."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from common import clock, ids
from common.errors import DomainError, PreconditionFailed
from common.tests.factories import a_person
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_archived_course, an_open_course, archive, close, crs
from enrollments.tests.factories import a_full_course, an_enrollment, complete, revoke, withdraw
from reviews import services as reviews
from reviews.models import HistoryEntry, Review, Revision
from reviews.services import creating, writing
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    DETAILS,
    HIDE,
    NO_SUMMARY,
    OTHER_DETAILS,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    an_author,
    by,
    decide,
    history,
    kept_counts,
    report_by,
    resolutions,
    retract,
    rev,
    rewrite,
    row_of,
    standing,
    summary_is_true,
    write,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def an_outage(**_: Any) -> bool:
    raise OperationalError("the connection is lost")


class TestWriteReview:
    def test_publishes_a_harmless_text_at_once(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        own = write(course_id, author, rating=4, rating_details=DETAILS)
        row = Review.objects.get()
        assert own == reviews.OwnReview(
            review=reviews.Review(
                id=row.pk,
                course_id=course_id,
                author=reviews.Author(id=author.pk, display_name=author.display_name),
                rating=4,
                comment=CLEAN,
                rating_details=DETAILS,
                status=reviews.Status.PUBLISHED,
                edited=False,
                created_at=row.created_at,
                updated_at=row.created_at,
                version=1,
            ),
            public=reviews.Text(rating=4, comment=CLEAN, rating_details=DETAILS),
        )
        assert kept_counts(course_id) == (0, 0, 0, 1, 0)
        assert summary_is_true(course_id)

    def test_lets_a_text_that_trips_a_rule_wait_and_names_the_rule(self) -> None:
        review = a_held_review()
        assert standing(review) == ("pending", "links", None)
        assert reviews.get_own(course_id=review.course_id, author_id=review.author.pk).public is None
        assert kept_counts(review.course_id) == NO_SUMMARY

    @pytest.mark.parametrize("comment", [CLEAN, WITH_LINK])
    def test_answers_what_is_read_afterwards(self, comment: str) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        own = write(course_id, author, comment=comment, rating_details=DETAILS)
        assert own == reviews.get_own(course_id=course_id, author_id=author.pk)

    def test_records_a_hold_after_the_writing(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        with recording() as events:
            review = a_review(course_id, author, comment=WITH_LINK)
        assert [(event.type, event.actor) for event in events] == [
            ("review.created", by(author).name),
            ("review.held", "system:hold-rules"),
        ]
        entries = HistoryEntry.objects.filter(review_id=review.id).order_by("id")
        columns = ("change", "from_status", "to_status", "from_held_reason", "reason", "automated", "revision")
        assert list(entries.values_list(*columns)) == [
            ("created", "", "pending", "", "", False, 1),
            ("held", "pending", "pending", "links", "links", True, 1),
        ]

    def test_records_one_event_and_one_entry_of_history(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        with recording() as events:
            review = a_review(course_id, author, rating=4, rating_details=DETAILS)
        assert [event.type for event in events] == ["review.created"]
        assert (events[0].subject, events[0].course, events[0].actor) == (rev(review), crs(course_id), by(author).name)
        assert events[0].data == {
            "review_id": rev(review),
            "course_id": crs(course_id),
            "author_id": by(author).name,
            "rating": 4,
            "rating_details": {"clarity": 5, "pace": 3, "support": 4},
            "status": "published",
            "revision": 1,
            "from_status": None,
            "to_status": "published",
            "held_reason": None,
            "reason": None,
            "public_text": None,
            "automated": False,
        }
        entry = HistoryEntry.objects.get()
        assert (entry.change, entry.actor, entry.revision) == ("created", by(author).name, 1)
        assert (entry.from_status, entry.to_status, entry.automated) == ("", "published", False)

    def test_records_a_hold_as_a_decision_of_a_machine(self) -> None:
        with recording() as events:
            review = a_held_review()
        found = [event for event in events if event.type.startswith("review.")]
        assert [event.type for event in found] == ["review.created", "review.held"]
        assert (found[1].actor, found[1].request_id) == ("system:hold-rules", "test")
        assert (found[1].data["held_reason"], found[1].data["automated"]) == ("links", True)
        created, held = HistoryEntry.objects.filter(review_id=review.id).order_by("id")
        assert (created.from_status, created.to_status, created.reason) == ("", "pending", "")
        assert (held.from_status, held.to_status, held.reason) == ("pending", "pending", "links")
        assert (held.actor, held.automated, held.revision) == ("system:hold-rules", True, 1)

    @pytest.mark.parametrize("end", [close, archive])
    def test_is_open_to_learners_of_a_course_that_takes_nobody_any_more(self, end: Callable[[UUID], object]) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        close(course_id)
        if end is archive:
            archive(course_id)
        assert write(course_id, author).review.status == "published"

    def test_is_open_to_learners_who_have_completed_the_course(self) -> None:
        course_id, author = an_open_course(), a_person()
        complete(an_enrollment(course_id, author.pk).id)
        assert write(course_id, author).review.status == "published"

    @pytest.mark.parametrize("make", [an_open_course, a_closed_course, an_archived_course])
    def test_refuses_whoever_was_never_in_the_course(self, make: Callable[[], UUID]) -> None:
        course_id, stranger = make(), a_person()
        with nothing_changed(), pytest.raises(reviews.ReviewNotAllowed):
            write(course_id, stranger)

    def test_refuses_whoever_waits_has_withdrawn_or_was_revoked(self) -> None:
        waiting, withdrawn, revoked = a_person(), a_person(), a_person()
        course_id, _, _ = a_full_course(capacity=1)
        other = an_open_course()
        an_enrollment(other, withdrawn.pk)
        withdraw(other, withdrawn.pk)
        revoke(an_enrollment(other, revoked.pk).id)
        for where, person in ((course_id, waiting), (other, withdrawn), (other, revoked)):
            with nothing_changed(), pytest.raises(reviews.ReviewNotAllowed):
                write(where, person)

    @pytest.mark.parametrize("course_id", [a_draft, lambda: UNKNOWN])
    def test_refuses_a_course_that_is_a_draft_or_does_not_exist(self, course_id: Callable[[], UUID]) -> None:
        where, person = course_id(), a_person()
        with nothing_changed(), pytest.raises(reviews.CourseNotFound):
            write(where, person)

    def test_refuses_a_second_live_review_and_names_the_first(self) -> None:
        review = a_review()
        with nothing_changed(), pytest.raises(reviews.ReviewAlreadyExists) as refusal:
            write(review.course_id, review.author)
        assert refusal.value.details == {"review_id": rev(review)}

    def test_says_that_one_may_not_before_that_one_already_has(self) -> None:
        review = a_review()
        withdraw(review.course_id, review.author.pk)
        with nothing_changed(), pytest.raises(reviews.ReviewNotAllowed):
            write(review.course_id, review.author)

    @pytest.mark.parametrize("outage", [OperationalError("gone"), TimeoutError(), ConnectionResetError()])
    def test_writes_nothing_when_enrollment_evidence_cannot_be_had(
        self, outage: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course_id = an_open_course()
        author = an_author(course_id)

        def look(**_: Any) -> creating.Seen:
            raise outage

        monkeypatch.setattr(creating, "look", look)
        with nothing_changed(), pytest.raises(reviews.EvidenceUnavailable):
            write(course_id, author)

    def test_takes_a_rating_without_a_comment(self) -> None:
        review = a_review(comment="", rating=1)
        assert standing(review) == ("published", "", 1)
        assert kept_counts(review.course_id) == (1, 0, 0, 0, 0)


class TestRewriteReview:
    def test_replaces_the_public_text_at_once_if_it_trips_no_rule(self) -> None:
        review = a_review(rating=4)
        own = rewrite(review, rating=2, comment="On second thought.")
        assert (own.review.rating, own.review.comment, own.review.status) == (2, "On second thought.", "published")
        assert (own.review.edited, own.review.version) == (True, 2)
        assert own.public == reviews.Text(rating=2, comment="On second thought.", rating_details=None)
        assert standing(review) == ("published", "", 2)
        assert kept_counts(review.course_id) == (0, 1, 0, 0, 0)
        assert summary_is_true(review.course_id)

    def test_lets_a_text_that_trips_a_rule_wait_while_the_old_one_stays_public(self) -> None:
        review = a_review(rating=4, rating_details=DETAILS)
        before = row_of(review).public_updated_at
        own = rewrite(review, rating=1, comment=WITH_LINK, rating_details=OTHER_DETAILS)
        assert (own.review.rating, own.review.comment, own.review.status) == (1, WITH_LINK, "pending")
        assert own.review.rating_details == OTHER_DETAILS
        assert own.public == reviews.Text(rating=4, comment=CLEAN, rating_details=DETAILS)
        assert standing(review) == ("pending", "links", 1)
        assert (kept_counts(review.course_id), row_of(review).public_updated_at) == ((0, 0, 0, 1, 0), before)

    def test_publishes_a_waiting_review_whose_new_text_trips_no_rule(self) -> None:
        review = a_held_review()
        rewrite(review, comment=CLEAN)
        assert standing(review) == ("published", "", 2)
        assert summary_is_true(review.course_id)

    def test_publishes_a_new_rating_for_a_comment_that_is_public_whatever_is_in_it(self) -> None:
        review = a_held_review(rating=5)
        decide(review, APPROVE)
        rewrite(review, rating=1)
        assert standing(review) == ("published", "", 2)
        assert kept_counts(review.course_id) == (1, 0, 0, 0, 0)

    def test_publishes_what_the_stars_are_for_whatever_the_comment_is(self) -> None:
        review = a_held_review()
        decide(review, APPROVE)
        own = rewrite(review, rating_details=DETAILS)
        assert (own.review.status, own.public and own.public.rating_details) == ("published", DETAILS)

    @pytest.mark.parametrize(
        ("changes", "details"),
        [
            ({"rating": 1}, DETAILS),
            ({"rating_details": OTHER_DETAILS}, OTHER_DETAILS),
            ({"rating_details": None}, None),
        ],
    )
    def test_replaces_or_takes_away_what_the_stars_are_for_only_if_told_to(
        self, changes: reviews.TextChanges, details: reviews.RatingDetails | None
    ) -> None:
        review = a_review(rating_details=DETAILS)
        assert rewrite(review, **changes).review.rating_details == details
        assert (row_of(review).rating_details is None) == (details is None)

    def test_judges_a_new_rating_for_a_comment_that_waits(self) -> None:
        review = a_review(rating=5)
        rewrite(review, comment=WITH_LINK)
        rewrite(review, rating=1)
        assert standing(review) == ("pending", "links", 1)
        rewrite(review, comment=CLEAN)
        assert standing(review) == ("published", "", 4)

    def test_keeps_every_text_as_a_revision(self) -> None:
        review = a_review(rating=4)
        rewrite(review, rating=3, rating_details=DETAILS)
        rewrite(review, comment=WITH_LINK)
        rows = Revision.objects.filter(review_id=review.id).order_by("number")
        details = {"clarity": 5, "pace": 3, "support": 4}
        assert list(rows.values_list("number", "rating", "comment", "rating_details")) == [
            (1, 4, CLEAN, None),
            (2, 3, CLEAN, details),
            (3, 3, WITH_LINK, details),
        ]

    def test_records_the_change_and_a_hold_apart(self) -> None:
        review = a_review()
        with recording() as events:
            rewrite(review, comment=WITH_LINK)
        assert [event.type for event in events] == ["review.updated", "review.held"]
        _, updated, held = HistoryEntry.objects.filter(review_id=review.id).order_by("id")
        assert (updated.from_status, updated.to_status, updated.automated) == ("published", "pending", False)
        assert (held.from_status, held.to_status, held.reason) == ("pending", "pending", "links")

    @pytest.mark.parametrize("same", [{}, {"rating": 4}, {"comment": CLEAN}, {"rating_details": DETAILS}])
    def test_changes_nothing_for_the_text_that_is_there(self, same: dict[str, Any]) -> None:
        review = a_review(rating=4, rating_details=DETAILS)
        with nothing_changed():
            assert rewrite(review, **same).review.version == 1

    def test_needs_an_enrollment_as_writing_does(self) -> None:
        review = a_review()
        withdraw(review.course_id, review.author.pk)
        with nothing_changed(), pytest.raises(reviews.ReviewNotAllowed):
            rewrite(review, rating=1)

    def test_writes_nothing_when_enrollment_evidence_cannot_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        review = a_review()
        monkeypatch.setattr(writing.enrollments, "has_been_admitted", an_outage)
        with nothing_changed(), pytest.raises(reviews.EvidenceUnavailable):
            rewrite(review, rating=1)

    @pytest.mark.parametrize(("expected_version", "refusal"), [(1, None), (None, None), (2, PreconditionFailed)])
    def test_minds_the_version_that_it_is_told(
        self, expected_version: int | None, refusal: type[DomainError] | None
    ) -> None:
        review = a_review()
        values: dict[str, Any] = {"changes": {"rating": 1}, "expected_version": expected_version}
        person = {"author_id": review.author.pk, "actor": by(review.author), "now": clock.now()}
        if refusal is None:
            assert reviews.rewrite_review(course_id=review.course_id, **values, **person).review.version == 2
            return
        with nothing_changed(), pytest.raises(refusal):
            reviews.rewrite_review(course_id=review.course_id, **values, **person)

    def test_refuses_what_was_never_written_or_was_taken_back(self) -> None:
        review, stranger = a_review(), a_person()
        retract(review)
        for person in (review.author, stranger):
            with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
                rewrite(Written(ids.new_uuid(), review.course_id, person), rating=1)


class TestRetractReview:
    @pytest.mark.parametrize("make", [a_review, a_held_review, a_hidden_review])
    def test_takes_the_review_from_everybody_and_makes_room_for_another(self, make: Callable[[], Written]) -> None:
        review = make()
        retract(review)
        with pytest.raises(reviews.ReviewNotFound):
            reviews.get_own(course_id=review.course_id, author_id=review.author.pk)
        assert (row_of(review).public_rating, kept_counts(review.course_id)) == (None, NO_SUMMARY)
        assert a_review(review.course_id, review.author).id != review.id

    def test_needs_no_enrollment(self) -> None:
        review = a_review()
        withdraw(review.course_id, review.author.pk)
        retract(review)
        assert row_of(review).retracted_at is not None

    def test_answers_the_open_reports(self) -> None:
        review = a_review()
        report_by(review, people=2)
        retract(review)
        assert (resolutions(review), row_of(review).open_reports) == (["retracted"] * 2, 0)

    def test_records_one_event_and_one_entry_of_history(self) -> None:
        review = a_review()
        with recording() as events:
            retract(review)
        assert [(event.type, event.actor) for event in events] == [("review.retracted", by(review.author).name)]
        assert history(review) == ["created", "retracted"]

    def test_refuses_what_was_taken_back_already(self) -> None:
        review = a_review()
        retract(review)
        with nothing_changed(), pytest.raises(reviews.ReviewNotFound):
            retract(review)

    def test_minds_the_version_that_it_is_told(self) -> None:
        review = a_review()
        person = {"course_id": review.course_id, "author_id": review.author.pk, "actor": by(review.author)}
        with nothing_changed(), pytest.raises(PreconditionFailed):
            reviews.retract_review(expected_version=2, **person)
        decide(review, HIDE)
        reviews.retract_review(expected_version=2, **person)
        assert row_of(review).retracted_at is not None
