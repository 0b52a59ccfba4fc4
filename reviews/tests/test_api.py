"""What authors meet over HTTP. `ApiClient` compares every answer with the OpenAPI document."""

from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from common import ids
from common.tests.factories import ApiClient, a_person, client_of, usr
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import withdraw
from reviews.services import creating, writing
from reviews.tests.bodies import bad_bodies
from reviews.tests.factories import (
    APPROVE,
    CLEAN,
    DETAILS,
    HIDE,
    WITH_LINK,
    Written,
    a_held_review,
    a_review,
    an_author,
    decide,
    retract,
    rev,
    reviews_of,
    rewrite,
)

pytestmark = pytest.mark.django_db
TEXT = {"rating": 4, "comment": CLEAN}
GIVEN = {"clarity": 5, "pace": 3, "support": 4}
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def mine(review: Written) -> tuple[ApiClient, str]:
    return client_of(review.author), f"{reviews_of(review.course_id)}/me"


bad_texts = bad_bodies(
    {**TEXT, "rating_details": GIVEN},
    (0, "/rating"), (6, "/rating"), ("5", "/rating"), (4.5, "/rating"), (True, "/rating"), (None, "/rating"),
    (10**30, "/rating"), ("x" * 5001, "/comment"), (7, "/comment"), (None, "/comment"), ("a\0b", "/comment"),
    *((value, "/rating_details") for value in (4, "5", [5, 3, 4])),
    *((value, f"/rating_details/{detail}") for detail in GIVEN for value in (0, 6, "5", 4.5, True, None)),
    (5, "/rating_details/price"),
)  # fmt: skip


class TestWriteReview:
    def test_answers_201_with_the_review_its_address_and_its_version(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        client = client_of(author)
        response = client.post(reviews_of(course_id), TEXT)
        assert (response.status_code, response["Location"]) == (201, f"/api/v1/{reviews_of(course_id)}/me")
        body = response.json()
        assert ids.decode(ids.REVIEW, body["id"])
        assert body == {
            "id": body["id"],
            "course_id": crs(course_id),
            "author": {"id": usr(author.pk), "display_name": author.display_name},
            "rating": 4,
            "comment": CLEAN,
            "rating_details": None,
            "status": "published",
            "edited": False,
            "created_at": body["created_at"],
            "updated_at": body["created_at"],
            "public": {"rating": 4, "comment": CLEAN, "rating_details": None},
        }
        again = client.get(response["Location"])
        assert (again.json(), again["ETag"]) == (body, response["ETag"])

    def test_tells_the_author_that_the_text_waits(self) -> None:
        course_id = an_open_course()
        body = client_of(an_author(course_id)).post(reviews_of(course_id), {"rating": 1, "comment": WITH_LINK}).json()
        assert (body["status"], body["comment"], body["public"]) == ("pending", WITH_LINK, None)
        assert client_of().get(reviews_of(course_id)).json()["data"] == []

    @pytest.mark.parametrize("details", [GIVEN, None])
    def test_takes_what_the_stars_are_for(self, details: dict[str, int] | None) -> None:
        course_id = an_open_course()
        body = client_of(an_author(course_id)).post(reviews_of(course_id), {**TEXT, "rating_details": details}).json()
        assert body["rating_details"] == body["public"]["rating_details"] == details

    @pytest.mark.parametrize("comment", ["", "x" * 5000, "Schön, 好, 👍"])
    def test_takes_comments_of_0_to_5000_characters(self, comment: str) -> None:
        course_id = an_open_course()
        response = client_of(an_author(course_id)).post(reviews_of(course_id), {"rating": 5, "comment": comment})
        assert (response.status_code, response.json()["comment"]) == (201, comment)

    @bad_texts
    def test_refuses_a_body_that_is_wrong_and_names_the_place(self, body: dict[str, Any], pointer: str) -> None:
        course_id = an_open_course()
        client = client_of(an_author(course_id))
        with nothing_changed():
            assert pointers(client.post(reviews_of(course_id), body)) == {pointer}

    def test_refuses_a_body_that_lacks_something(self) -> None:
        course_id = an_open_course()
        client = client_of(an_author(course_id))
        assert pointers(client.post(reviews_of(course_id), {})) == {"/rating", "/comment"}
        assert pointers(client.post(f"{reviews_of(course_id)}", {"rating": 5})) == {"/comment"}
        half = {**TEXT, "rating_details": {"pace": 3}}
        assert pointers(client.post(reviews_of(course_id), half)) == {
            "/rating_details/clarity",
            "/rating_details/support",
        }

    def test_refuses_in_the_order_of_the_contract(self) -> None:
        review = a_review()
        path = reviews_of(review.course_id)
        with nothing_changed():
            refused(client_of().post(path, TEXT), 401, "unauthenticated")
            body = refused(client_of(review.author).post(path, TEXT), 409, "review_already_exists")
        assert body["review_id"] == rev(review)
        stranger = client_of(a_person())
        with nothing_changed():
            refused(stranger.post(path, TEXT), 403, "review_not_allowed")
            for where in (crs(UNKNOWN), "crs_1", usr(UNKNOWN), "%00"):
                refused(stranger.post(f"courses/{where}/reviews", TEXT), 404, "course_not_found")

    def test_of_a_draft_is_not_found(self) -> None:
        client, path = client_of(a_person()), reviews_of(a_draft())
        with nothing_changed():
            refused(client.post(path, TEXT), 404, "course_not_found")

    def test_with_the_same_key_is_done_once(self) -> None:
        course_id = an_open_course()
        client = client_of(an_author(course_id), Idempotency_Key="one")
        first = client.post(reviews_of(course_id), TEXT)
        with nothing_changed():
            again = client.post(reviews_of(course_id), TEXT)
        assert (again.status_code, again.content, again["ETag"]) == (201, first.content, first["ETag"])
        assert (again["Location"], again["Idempotency-Replayed"]) == (first["Location"], "true")

    def test_is_503_when_enrollment_evidence_cannot_be_had_and_a_retry_is_safe(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course_id = an_open_course()
        client = client_of(an_author(course_id), Idempotency_Key="one")

        def look(**_: Any) -> creating.Seen:
            raise OperationalError("the connection is lost")

        with monkeypatch.context() as patched, nothing_changed():
            patched.setattr(creating, "look", look)
            body = refused(client.post(reviews_of(course_id), TEXT), 503, "dependency_unavailable")
        assert "Nothing was written" in body["detail"]
        assert client.post(reviews_of(course_id), TEXT).status_code == 201


class TestMyReview:
    def test_shows_the_newest_text_its_status_and_what_others_see(self) -> None:
        review = a_review(rating=4)
        rewrite(review, rating=1, comment=WITH_LINK)
        client, path = mine(review)
        body = client.get(path).json()
        assert (body["rating"], body["comment"], body["status"], body["edited"]) == (1, WITH_LINK, "pending", True)
        assert body["public"] == {"rating": 4, "comment": CLEAN, "rating_details": None}
        decide(review, HIDE)
        body = client.get(path).json()
        assert (body["status"], body["comment"], body["public"]) == ("hidden", WITH_LINK, None)

    def test_can_be_changed_in_part(self) -> None:
        review = a_review(rating=4)
        client, path = mine(review)
        body = client.patch(path, {"rating": 2}).json()
        assert (body["rating"], body["comment"], body["status"], body["edited"]) == (2, CLEAN, "published", True)
        body = client.patch(path, {"comment": "No."}).json()
        assert (body["rating"], body["comment"]) == (2, "No.")
        assert body["public"] == {"rating": 2, "comment": "No.", "rating_details": None}
        with nothing_changed():
            assert client.patch(path, {}).json() == body

    def test_keeps_what_the_stars_are_for_until_a_change_names_it(self) -> None:
        client, path = mine(a_review(rating_details=DETAILS))
        assert client.patch(path, {"rating": 2}).json()["rating_details"] == GIVEN
        other = {**GIVEN, "pace": 1}
        assert client.patch(path, {"rating_details": other}).json()["public"]["rating_details"] == other
        assert client.patch(path, {"rating_details": None}).json()["rating_details"] is None

    def test_has_a_version_that_a_change_can_name(self) -> None:
        review = a_review()
        client, path = mine(review)
        etag = client.get(path)["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
        changed = client.patch(path, {"rating": 1}, headers={"If-Match": etag})
        assert (changed.status_code, changed["ETag"] != etag) == (200, True)
        with nothing_changed():
            refused(client.patch(path, {"rating": 2}, headers={"If-Match": etag}), 412, "precondition_failed")
            refused(client.delete(path, headers={"If-Match": etag}), 412, "precondition_failed")
        assert client.patch(path, {"rating": 2}, headers={"If-Match": "*"}).status_code == 200
        current = client.get(path)["ETag"]
        assert client.delete(path, headers={"If-Match": current}).status_code == 204

    def test_is_at_another_version_once_a_moderator_has_decided(self) -> None:
        review = a_held_review()
        client, path = mine(review)
        etag = client.get(path)["ETag"]
        decide(review, APPROVE)
        with nothing_changed():
            refused(client.patch(path, {"rating": 2}, headers={"If-Match": etag}), 412, "precondition_failed")

    def test_weighs_who_may_before_the_version_and_the_version_before_the_body(self) -> None:
        review = a_review()
        client, path = mine(review)
        stale = {"If-Match": '"9.x"'}
        refused(client.patch(path, {"rating": 9}, headers=stale), 412, "precondition_failed")
        withdraw(review.course_id, review.author.pk)
        with nothing_changed():
            refused(client.patch(path, {"rating": 9}, headers=stale), 403, "review_not_allowed")
        retract(review)
        with nothing_changed():
            refused(client.patch(path, {"rating": 9}, headers=stale), 404, "review_not_found")
            refused(client_of().patch(path, {"rating": 9}, headers=stale), 401, "unauthenticated")

    @bad_texts
    def test_refuses_a_change_that_is_wrong_and_names_the_place(self, body: dict[str, Any], pointer: str) -> None:
        client, path = mine(a_review())
        with nothing_changed():
            assert pointers(client.patch(path, body)) == {pointer}

    def test_can_be_taken_back_without_an_enrollment_and_written_again(self) -> None:
        review = a_review()
        client, path = mine(review)
        withdraw(review.course_id, review.author.pk)
        response = client.delete(path)
        assert (response.status_code, response.content) == (204, b"")
        refused(client.get(path), 404, "review_not_found")
        refused(client.delete(path), 404, "review_not_found")
        refused(client.post(reviews_of(review.course_id), TEXT), 403, "review_not_allowed")

    def test_is_not_taken_back_by_a_request_that_says_more(self) -> None:
        client, path = mine(a_review())
        with nothing_changed():
            refused(client.delete(path, {"reason": "?"}, content_type="application/json"), 400, "invalid_request")

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_is_not_found_by_who_has_written_none(self, method: str) -> None:
        review, stranger = a_review(), client_of(a_person())
        with nothing_changed():
            for course in (crs(review.course_id), crs(UNKNOWN), "crs_1", rev(review)):
                refused(getattr(stranger, method)(f"courses/{course}/reviews/me"), 404, "review_not_found")

    def test_is_503_when_enrollment_evidence_cannot_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, path = mine(a_review())

        def has_been_admitted(**_: Any) -> bool:
            raise OperationalError("the connection is lost")

        monkeypatch.setattr(writing.enrollments, "has_been_admitted", has_been_admitted)
        with nothing_changed():
            refused(client.patch(path, {"rating": 1}), 503, "dependency_unavailable")
        assert client.delete(path).status_code == 204
