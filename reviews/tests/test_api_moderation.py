"""What moderators meet over HTTP. `ApiClient` compares every answer with the OpenAPI document."""

from collections.abc import Callable
from typing import Any

import pytest

from common.models import User
from common.tests.factories import a_person, client_of, staff_member, usr
from common.tests.problems import parameters, pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import an_enrollment
from reviews import services as reviews
from reviews.tests.bodies import bad_bodies
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    DETAILS,
    HIDE,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_reason,
    a_review,
    decide,
    moderator,
    report,
    report_by,
    retract,
    rev,
    reviews_of,
    rewrite,
    standing,
)

pytestmark = pytest.mark.django_db
QUEUE = "moderation/reviews"
UNKNOWN = "rev_01h455vb4pex5vsknk084sn02q"
DECISION = {"decision": "approve", "version": 1}


def file_of(review: Written) -> str:
    return f"{QUEUE}/{rev(review)}"


def decisions_on(review: Written) -> str:
    return f"{QUEUE}/{rev(review)}/decisions"


class TestWhoMayModerate:
    @pytest.mark.parametrize(
        ("person", "status", "code"),
        [
            (lambda: None, 401, "unauthenticated"),
            (a_person, 403, "permission_denied"),
            (staff_member, 403, "permission_denied"),
        ],
    )
    def test_is_nobody_but_moderators(self, person: Callable[[], User | None], status: int, code: str) -> None:
        review, client = a_held_review(), client_of(person())
        with nothing_changed():
            refused(client.get(QUEUE), status, code)
            refused(client.get(file_of(review)), status, code)
            refused(client.post(decisions_on(review), DECISION), status, code)
            refused(client.get(f"{QUEUE}/{UNKNOWN}"), status, code)

    def test_is_not_the_author_though_a_moderator(self) -> None:
        course_id, author = an_open_course(), moderator()
        an_enrollment(course_id, author.pk)
        review = a_held_review(course_id=course_id, author=author)
        with nothing_changed():
            refused(client_of(author).post(decisions_on(review), DECISION), 403, "permission_denied")
        assert client_of(author).get(file_of(review)).status_code == 200


class TestQueue:
    def test_shows_the_newest_text_with_what_moderators_need(self) -> None:
        review = a_review(rating=4)
        rewrite(review, rating=1, comment=WITH_LINK)
        report(review)
        (row,) = client_of(moderator()).get(QUEUE).json()["data"]
        assert row == {
            "id": rev(review),
            "course_id": crs(review.course_id),
            "author": {"id": usr(review.author.pk), "display_name": review.author.display_name},
            "rating": 1,
            "comment": WITH_LINK,
            "rating_details": None,
            "status": "pending",
            "edited": True,
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "report_count": 1,
            "held_reason": "links",
            "version": 2,
        }

    def test_sorts_and_filters(self) -> None:
        held, hidden, public = a_held_review(), a_hidden_review(), a_review()
        report_by(public, people=2)
        client = client_of(moderator())

        def found(query: str) -> list[str]:
            return [row["id"] for row in client.get(f"{QUEUE}?{query}").json()["data"]]

        assert found("") == found("sort=oldest") == [rev(held), rev(hidden), rev(public)]
        assert found("sort=newest") == [rev(public), rev(hidden), rev(held)]
        assert found("sort=most_reported") == [rev(public), rev(hidden), rev(held)]
        assert [found(f"status={status}") for status in ("pending", "hidden", "published")] == [
            [rev(held)], [rev(hidden)], [rev(public)]
        ]  # fmt: skip
        assert found(f"course_id={crs(hidden.course_id)}") == [rev(hidden)]
        assert found(f"course_id={crs(hidden.course_id)}&status=pending") == []
        assert found(f"course_id={crs(a_draft())}") == []

    @pytest.mark.parametrize(
        ("query", "parameter"), [("status=gone", "status"), ("sort=best", "sort"), ("limit=0", "limit"), ("x=1", "x")]
    )
    def test_refuses_a_query_that_is_wrong_and_names_the_parameter(self, query: str, parameter: str) -> None:
        assert parameters(client_of(moderator()).get(f"{QUEUE}?{query}")) == {parameter}

    @pytest.mark.parametrize("course", ["crs_01h455vb4pex5vsknk084sn02q", "nonsense", UNKNOWN])
    def test_of_a_course_that_is_not_there_is_not_found(self, course: str) -> None:
        refused(client_of(moderator()).get(f"{QUEUE}?course_id={course}"), 404, "course_not_found")

    def test_goes_on_from_page_to_page_and_binds_the_cursor_to_filter_sort_and_caller(self) -> None:
        written = [a_held_review() for _ in range(3)]
        person = moderator()
        client = client_of(person)
        page = client.get(f"{QUEUE}?status=pending&limit=2").json()
        cursor = page["page"]["next_cursor"]
        rest = client.get(f"{QUEUE}?status=pending&cursor={cursor}").json()
        assert [row["id"] for row in [*page["data"], *rest["data"]]] == [rev(review) for review in written]
        for other in ("", "status=hidden", "status=pending&sort=newest"):
            refused(client.get(f"{QUEUE}?{other}&cursor={cursor}"), 400, "invalid_cursor")
        refused(client_of(moderator()).get(f"{QUEUE}?status=pending&cursor={cursor}"), 400, "invalid_cursor")


class TestFile:
    def test_tells_the_history_and_the_reports(self) -> None:
        review, person, reporter = a_review(rating=4, rating_details=DETAILS), moderator(), a_person()
        report(review, reporter, note="It sells something.")
        rewrite(review, comment=WITH_LINK)
        decide(review, HIDE, moderator=person, reason=a_reason(), note="Again.")
        response = client_of(person).get(file_of(review))
        body = response.json()
        assert (body["status"], body["report_count"], body["held_reason"], body["version"]) == ("hidden", 0, None, 3)
        assert [(entry["change"], entry["actor"], entry["automated"]) for entry in body["history"]] == [
            ("created", usr(review.author.pk), False),
            ("updated", usr(review.author.pk), False),
            ("held", "system:hold-rules", True),
            ("hidden", usr(person.pk), False),
        ]
        last = body["history"][-1]
        assert last == {
            "at": last["at"],
            "actor": usr(person.pk),
            "change": "hidden",
            "from_status": "pending",
            "to_status": "hidden",
            "rating": 4,
            "comment": WITH_LINK,
            "rating_details": {"clarity": 5, "pace": 3, "support": 4},
            "reason": "advertising",
            "public_text": "Your review advertises something.",
            "note": "Again.",
            "automated": False,
        }
        (told,) = body["reports"]
        assert (told["reporter_id"], told["note"], told["resolution"]) == (
            usr(reporter.pk),
            "It sells something.",
            "upheld",
        )
        assert client_of(person).get(file_of(review), headers={"If-None-Match": response["ETag"]}).status_code == 304

    def test_of_a_review_that_was_taken_back_is_still_there(self) -> None:
        review = a_review()
        retract(review)
        body = client_of(moderator()).get(file_of(review)).json()
        assert (body["comment"], body["history"][-1]["change"]) == (CLEAN, "retracted")
        assert client_of(moderator()).get(QUEUE).json()["data"] == []

    @pytest.mark.parametrize("which", [UNKNOWN, "rev_1", "usr_01h455vb4pex5vsknk084sn02q"])
    def test_of_one_that_is_not_there_is_not_found(self, which: str) -> None:
        client = client_of(moderator())
        refused(client.get(f"{QUEUE}/{which}"), 404, "review_not_found")
        refused(client.post(f"{QUEUE}/{which}/decisions", DECISION), 404, "review_not_found")


class TestDecisions:
    def test_answer_what_came_of_them(self) -> None:
        review = a_review()
        report_by(review, people=3)
        response = client_of(moderator()).post(
            decisions_on(review), {"decision": "approve", "version": 2, "note": "Fine."}
        )
        body = response.json()
        assert (response.status_code, body["outcome"], body["message"]) == (200, "approved", "The review is public.")
        assert body["reports_resolved"] == 3
        told = body["review"]
        assert (told["id"], told["status"], told["version"], told["report_count"]) == (rev(review), "published", 3, 0)
        assert client_of().get(reviews_of(review.course_id)).json()["data"][0]["id"] == rev(review)

    def test_hide_from_everybody_but_the_author(self) -> None:
        review = a_review()
        body = client_of(moderator()).post(decisions_on(review), {"decision": "hide", "version": 1}).json()
        assert (body["outcome"], body["review"]["status"], body["reports_resolved"]) == ("hidden", "hidden", 0)
        assert client_of().get(reviews_of(review.course_id)).json()["data"] == []
        own = client_of(review.author).get(f"{reviews_of(review.course_id)}/me").json()
        assert (own["status"], own["comment"], own["public"]) == ("hidden", CLEAN, None)

    def test_on_another_version_are_409_and_name_the_current_one(self) -> None:
        review, client = a_held_review(), client_of(moderator())
        rewrite(review, comment=f"{WITH_LINK} And more.")
        with nothing_changed():
            for version in (1, 3, 10**12):
                ask = {"decision": "approve", "version": version}
                body = refused(client.post(decisions_on(review), ask), 409, "moderation_conflict")
                assert body["current_version"] == 2

    @pytest.mark.parametrize(
        ("make", "decision", "status"),
        [(a_review, APPROVE, "published"), (a_hidden_review, HIDE, "hidden")],
    )
    def test_that_the_state_does_not_allow_are_409(
        self, make: Callable[[], Written], decision: reviews.Decision, status: str
    ) -> None:
        review, client = make(), client_of(moderator())
        ask = {"decision": decision.value, "version": 2 if status == "hidden" else 1}
        with nothing_changed():
            body = refused(client.post(decisions_on(review), ask), 409, "invalid_transition")
        assert body["current_status"] == status

    @bad_bodies(
        DECISION,
        ("keep", "/decision"), (None, "/decision"), (1, "/decision"), ("x" * 201, "/reason"), (1, "/reason"),
        ("x" * 2001, "/note"), (0, "/version"), ("1", "/version"), (None, "/version"), (True, "/version"),
    )  # fmt: skip
    def test_refuse_a_body_that_is_wrong_and_name_the_place(self, body: dict[str, Any], pointer: str) -> None:
        review, client = a_held_review(), client_of(moderator())
        with nothing_changed():
            assert pointers(client.post(decisions_on(review), body)) == {pointer}

    def test_refuse_a_reason_that_is_for_the_other_decision(self) -> None:
        review, client = a_held_review(), client_of(moderator())
        ask = {"decision": "approve", "reason": a_reason(), "version": 1}
        with nothing_changed():
            assert pointers(client.post(decisions_on(review), ask)) == {"/reason"}
        assert client.post(decisions_on(review), {**ask, "decision": "hide"}).status_code == 200

    def test_refuse_a_body_without_a_version(self) -> None:
        review, client = a_held_review(), client_of(moderator())
        with nothing_changed():
            assert pointers(client.post(decisions_on(review), {"decision": "approve"})) == {"/version"}
            assert pointers(client.post(decisions_on(review), {})) == {"/decision", "/version"}

    def test_with_the_same_key_are_done_once(self) -> None:
        review, client = a_held_review(), client_of(moderator(), Idempotency_Key="one")
        first = client.post(decisions_on(review), DECISION)
        with nothing_changed():
            again = client.post(decisions_on(review), DECISION)
        assert (again.status_code, again.content) == (200, first.content)
        assert standing(review) == ("published", "", 1)
