"""What readers and reporters meet over HTTP. `ApiClient` compares every answer with the OpenAPI document."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from common import ids
from common.tests.factories import a_person, client_of, usr
from common.tests.problems import parameters, pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_draft, an_open_course, crs
from reviews.tests.bodies import bad_bodies
from reviews.tests.factories import (
    CLEAN,
    DETAILS,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    report,
    report_by,
    rev,
    reviews_of,
    rewrite,
    row_of,
    standing,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
REPORT = {"reason": "spam", "note": "It sells something."}


def reports_on(review: Written) -> str:
    return f"{reviews_of(review.course_id)}/{rev(review)}/reports"


class TestListReviews:
    def test_shows_anyone_what_is_published(self) -> None:
        review = a_review(rating=4, rating_details=DETAILS)
        rewrite(review, rating=1, comment=WITH_LINK, rating_details=None)
        a_held_review(course_id=review.course_id)
        a_hidden_review(course_id=review.course_id)
        body = client_of().get(reviews_of(review.course_id)).json()
        assert body["page"] == {"limit": 20, "next_cursor": None, "has_more": False}
        (shown,) = body["data"]
        assert shown == {
            "id": rev(review),
            "course_id": crs(review.course_id),
            "author": {"id": usr(review.author.pk), "display_name": review.author.display_name},
            "rating": 4,
            "comment": CLEAN,
            "rating_details": {"clarity": 5, "pace": 3, "support": 4},
            "status": "published",
            "edited": False,
            "created_at": shown["created_at"],
            "updated_at": shown["created_at"],
        }

    @pytest.mark.parametrize(
        ("query", "ratings"),
        [("", [5, 3, 3, 1]), ("sort=newest", [5, 3, 3, 1]), ("sort=oldest", [1, 3, 3, 5]),
         ("sort=highest", [5, 3, 3, 1]), ("sort=lowest", [1, 3, 3, 5]),
         ("rating=3", [3, 3]), ("sort=highest&rating=5", [5]), ("rating=2", [])],
    )  # fmt: skip
    def test_sorts_and_filters(self, query: str, ratings: list[int]) -> None:
        course_id = an_open_course()
        for rating in (1, 3, 3, 5):
            a_review(course_id, rating=rating)
        rows = client_of().get(f"{reviews_of(course_id)}?{query}").json()["data"]
        assert [row["rating"] for row in rows] == ratings

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [("sort=best", "sort"), ("rating=0", "rating"), ("rating=6", "rating"), ("rating=x", "rating"),
         ("limit=0", "limit"), ("limit=101", "limit"), ("status=hidden", "status"), ("rating=3&rating=3", "rating")],
    )  # fmt: skip
    def test_refuses_a_query_that_is_wrong_and_names_the_parameter(self, query: str, parameter: str) -> None:
        assert parameters(client_of().get(f"{reviews_of(an_open_course())}?{query}")) == {parameter}

    def test_goes_on_from_page_to_page_and_binds_the_cursor_to_filter_sort_and_course(self) -> None:
        course_id, other = an_open_course(), an_open_course()
        for rating in (4, 4, 4):
            a_review(course_id, rating=rating)
        a_review(other)
        path, client = reviews_of(course_id), client_of()
        page = client.get(f"{path}?sort=highest&rating=4&limit=2").json()
        cursor = page["page"]["next_cursor"]
        rest = client_of(a_person()).get(f"{path}?sort=highest&rating=4&limit=5&cursor={cursor}").json()
        assert len({row["id"] for row in [*page["data"], *rest["data"]]}) == 3
        for wrong in (
            f"{path}?sort=highest",
            f"{path}?sort=newest&rating=4",
            f"{path}?sort=highest&rating=5",
            f"{reviews_of(other)}?sort=highest&rating=4",
        ):
            refused(client.get(f"{wrong}&cursor={cursor}"), 400, "invalid_cursor")

    @pytest.mark.parametrize("what", ["", "/summary"])
    def test_of_a_course_that_one_may_not_see_is_not_found(self, what: str) -> None:
        for course in (crs(a_draft()), crs(UNKNOWN), "nonsense"):
            refused(client_of().get(f"courses/{course}/reviews{what}"), 404, "course_not_found")


class TestSummary:
    def test_counts_what_is_published(self) -> None:
        course_id = an_open_course()
        path = f"{reviews_of(course_id)}/summary"
        empty = {"average": None, "count": 0, "histogram": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}}
        assert client_of().get(path).json() == empty
        for rating in (5, 5, 4):
            a_review(course_id, rating=rating)
        a_held_review(course_id=course_id, rating=1)
        body = client_of().get(path).json()
        assert body == {"average": 4.67, "count": 3, "histogram": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2}}
        assert client_of().get(f"courses/{crs(course_id)}").json()["rating"] == {"average": 4.67, "count": 3}


class TestReports:
    def test_answers_201_with_the_report(self) -> None:
        review, reporter = a_review(), a_person()
        response = client_of(reporter).post(reports_on(review), REPORT)
        body = response.json()
        assert (response.status_code, body["reason"], body["note"]) == (201, "spam", "It sells something.")
        assert (body["reporter_id"], body["resolution"]) == (usr(reporter.pk), None)
        assert ids.decode(ids.REPORT, body["id"])

    def test_hold_a_review_with_the_third(self) -> None:
        review = a_review()
        for _ in range(3):
            assert client_of(a_person()).post(reports_on(review), {"reason": "abuse"}).status_code == 201
        assert client_of().get(reviews_of(review.course_id)).json()["data"] == []
        assert standing(review) == ("pending", "reports", None)
        refused(client_of(a_person()).post(reports_on(review), REPORT), 404, "review_not_found")

    def test_is_refused_to_the_author_to_strangers_and_a_second_time(self) -> None:
        review, reporter = a_review(), a_person()
        path = reports_on(review)
        report(review, reporter)
        with nothing_changed():
            refused(client_of().post(path, REPORT), 401, "unauthenticated")
            refused(client_of(review.author).post(path, REPORT), 403, "permission_denied")
            body = refused(client_of(reporter).post(path, REPORT), 409, "already_reported")
        assert body["review_id"] == rev(review)

    def test_on_what_is_not_there_or_not_public_is_not_found(self) -> None:
        review, held, reporter = a_review(), a_held_review(), client_of(a_person())
        with nothing_changed():
            for where in (
                f"{reviews_of(held.course_id)}/{rev(review)}",
                f"{reviews_of(held.course_id)}/{rev(held)}",
                f"{reviews_of(review.course_id)}/rev_1",
                f"courses/{crs(UNKNOWN)}/reviews/{rev(review)}",
            ):
                refused(reporter.post(f"{where}/reports", REPORT), 404, "review_not_found")
            refused(reporter.post(f"courses/x/reviews/{rev(review)}/reports", REPORT), 404, "course_not_found")

    @bad_bodies(REPORT, ("rude", "/reason"), (1, "/reason"), (None, "/reason"), ("x" * 1001, "/note"), (None, "/note"))
    def test_refuses_a_body_that_is_wrong_and_names_the_place(self, body: dict[str, Any], pointer: str) -> None:
        review, reporter = a_review(), client_of(a_person())
        with nothing_changed():
            assert pointers(reporter.post(reports_on(review), body)) == {pointer}

    def test_with_the_same_key_is_done_once(self) -> None:
        review = a_review()
        client = client_of(a_person(), Idempotency_Key="one")
        first = client.post(reports_on(review), REPORT)
        report_by(review, people=2)
        with nothing_changed():
            again = client.post(reports_on(review), REPORT)
        assert (again.status_code, again.content) == (201, first.content)
        assert row_of(review).open_reports == 3


def test_each_page_costs_as_many_queries_for_one_row_as_for_many(
    django_assert_num_queries: Any, client: Client
) -> None:
    course_id = an_open_course()
    path = f"/api/v1/{reviews_of(course_id)}"
    for count in (1, 5):
        for _ in range(count):
            a_review(course_id)
        with django_assert_num_queries(1):
            assert client.get(path).status_code == 200
