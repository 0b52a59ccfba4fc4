"""What moderators find in the admin: the queue, the reasons, the overview, and who may do what there."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from common.models import User
from common.tests.factories import a_person, usr
from common.tests.staff import StaffClient, a_viewer, address, messages, text
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import an_enrollment
from reviews.admin import filters
from reviews.models import ModerationReason
from reviews.tests.factories import (
    a_held_review,
    a_hidden_review,
    a_review,
    an_author,
    history,
    moderator,
    reasons_to_choose_from,
    report,
    retract,
    rev,
    rewrite,
    standing,
    take,
)
from reviews.tests.pages import LIST, at, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reasons() -> None:
    reasons_to_choose_from()


@pytest.fixture
def client() -> StaffClient:
    return StaffClient(moderator())


def listed(client: StaffClient, **query: str) -> list[Any]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


class TestQueue:
    def test_pending_ones_stand_first_oldest_first(self, client: StaffClient) -> None:
        first, second, _ = a_held_review(), a_held_review(), a_review()
        assert listed(client) == [first.id, second.id]

    def test_each_tab_has_its_own(self, client: StaffClient) -> None:
        pending, public, hidden, reported, edited = (
            a_held_review(), a_review(), a_hidden_review(), a_review(), a_review()
        )  # fmt: skip
        report(reported)
        rewrite(edited, comment="Now at https://spam.example")
        retracted = a_held_review()
        retract(retracted)
        assert listed(client, queue="pending") == [pending.id, edited.id]
        assert listed(client, queue="edited") == [edited.id]
        assert listed(client, queue="hidden") == [hidden.id]
        assert listed(client, queue="reported") == [reported.id]
        assert set(listed(client, queue="all")) == {each.id for each in (pending, public, hidden, reported, edited)}
        assert listed(client, queue="nonsense") == []

    def test_is_narrowed_down(self, client: StaffClient) -> None:
        low, high = a_held_review(rating=1), a_held_review(rating=5)
        assert listed(client, rating="1") == [low.id]
        assert listed(client, course=crs(high.course_id)) == [high.id]
        assert listed(client, rule="links") == [low.id, high.id]
        assert listed(client, rule="shouting") == []

    def test_is_searched(self, client: StaffClient) -> None:
        public = a_review(comment="Splendid knots throughout; हिन्दी में")
        retracted = a_review()
        retract(retracted)
        assert listed(client, q=rev(public)) == [public.id]
        assert listed(client, q=rev(retracted), queue="pending") == [retracted.id]
        assert listed(client, q=usr(public.author.pk)) == [public.id]
        assert listed(client, q=public.author.email) == [public.id]
        assert listed(client, q=crs(public.course_id)) == [public.id]
        assert listed(client, q="splendid KNOTS") == [public.id]
        assert listed(client, q="हिन्दी knots") == [public.id]
        assert listed(client, q="splendid bread") == []
        assert listed(client, q="!") == []

    @pytest.mark.parametrize("most_that_are_few", [0, 5_000])
    def test_is_searched_for_words_frequent_or_rare_and_for_names(
        self, client: StaffClient, most_that_are_few: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filters, "_FEW", most_that_are_few)
        course_id = an_open_course()
        rossi, other = (
            a_review(course_id, an_author(course_id, display_name=name))
            for name in ("Chiara Rossi-Bianchi", "Chiara Volta")
        )
        named = a_review(course_id, an_author(course_id), comment="Nobody explains like Chiara.")
        assert listed(client, q="chiara rossi") == [rossi.id]
        assert set(listed(client, q="Chiara")) == {rossi.id, other.id, named.id}
        assert listed(client, q="Chiara Bread") == []
        assert listed(client, q="chiara", queue="pending") == []

    def test_a_row_is_approved_at_once(self, client: StaffClient) -> None:
        review = a_held_review()
        page = client.get(LIST, {"queue": "pending", "rating": "4"})
        assert f"{at(review, 'decide')}?version=1" in page.content.decode()
        query = {"version": "1", "decision": "approve", "back": "queue=pending&rating=4"}
        answer = client.post(at(review, "decide"), {"action": "", "index": "0"}, query_params=query)
        assert answer["Location"] == f"{LIST}?queue=pending&rating=4"
        assert standing(review) == ("published", "", 1)

    def test_a_row_is_hidden_for_a_reason(self, client: StaffClient) -> None:
        review = a_held_review()
        page = client.get(at(review, "decide"), {"decision": "hide", "back": "queue=pending"})
        assert "https://spam.example" in text(page)
        sent = {"decision": "hide", "version": "1", "back": "queue=pending"}
        assert "Choose a reason" in text(client.post(at(review, "decide"), sent))
        answer = client.post(at(review, "decide"), {**sent, "reason": "advertising"})
        assert answer["Location"] == f"{LIST}?queue=pending"
        assert standing(review) == ("hidden", "", None)

    def test_takes_few_queries(self, client: StaffClient) -> None:
        for _ in range(3):
            a_held_review()
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        assert len(queries) <= 12, len(queries)


class TestPermissions:
    def test_moderators_see_this_and_nothing_else(self, client: StaffClient) -> None:
        page = client.get("/admin/")
        names = {entry["object_name"] for section in page.context["app_list"] for entry in section["models"]}
        assert names == {"Review", "ModerationReason", "HistoryEntry", "Course"}
        for path in ("/admin/enrollments/enrollment/", "/admin/common/user/", "/admin/common/event/"):
            assert client.get(path).status_code == 403

    def test_without_moderate_review_there_are_no_buttons(self) -> None:
        viewer = StaffClient(a_viewer("reviews.view_review"))
        review = a_held_review()
        for path in (LIST, at(review)):
            page = text(viewer.get(path))
            assert "Take next" not in page
            assert "Approve" not in page
            assert "Hide" not in page.replace("Hidden", "")

    @pytest.mark.parametrize("page", ["decide", "skip", "undo"])
    @pytest.mark.parametrize("permission", ["reviews.view_review", "reviews.moderate_review"])
    def test_one_permission_is_not_enough(self, page: str, permission: str) -> None:
        viewer = StaffClient(a_viewer(permission))
        review = a_held_review()
        data = {"decision": "approve", "version": "1"}
        assert viewer.post(at(review, page), data).status_code == 403
        assert viewer.get(at(review, page)).status_code == 403
        for path in (address("reviews_review_next"), address("reviews_review_bulk")):
            assert viewer.post(path, {**data, "seen": f"{review.id}:1"}).status_code == 403
        assert history(review) == ["created", "held"]

    def test_what_changes_something_wants_a_post(self, client: StaffClient) -> None:
        review = a_held_review()
        for path in (at(review, "skip"), at(review, "undo"), address("reviews_review_next")):
            assert client.get(path).status_code == 405

    def test_nobody_decides_on_their_own(self, client: StaffClient) -> None:
        course_id = an_open_course()
        own = a_held_review(course_id=course_id, author=_learner(client.person, course_id))
        assert "your own" in text(client.get(LIST))
        assert "Approve" not in text(client.get(at(own)))
        answer = send(client, own, "approve")
        assert "your own review" in messages(answer)[0]
        assert standing(own)[0] == "pending"
        assert take(client.person) is None


class TestReasons:
    def test_are_kept_by_moderators(self, client: StaffClient) -> None:
        data = {"code": "rude", "label": "Rude", "public_text": "Be kind.", "position": "9", "is_active": "on"}
        data["decision"] = "hide"
        assert client.post(address("reviews_moderationreason_add"), data).status_code == 302
        change = address("reviews_moderationreason_change", "rude")
        assert client.post(change, {**data, "code": "other", "label": "Unkind"}).status_code == 302
        assert ModerationReason.objects.get(pk="rude").label == "Unkind"
        assert "Unkind" in text(client.get(at(a_held_review())))

    def test_are_not_for_everybody(self) -> None:
        viewer = StaffClient(a_viewer("reviews.view_moderationreason"))
        assert viewer.get(address("reviews_moderationreason_add")).status_code == 403
        assert StaffClient(a_person(is_staff=True)).get("/admin/reviews/moderationreason/").status_code == 403


def _learner(person: User, course_id: UUID) -> User:
    an_enrollment(course_id, person.pk)
    return person


class TestOverview:
    def test_counts_and_leads_to_the_lists(self, client: StaffClient) -> None:
        held, public = a_held_review(), a_review(rating=2)
        report(public)
        send(client, a_held_review(), "hide", reason="abuse")
        page = client.get("/admin/")
        said = text(page)
        assert "1 pending now" in said
        assert "1 with open reports" in said
        assert "0 approved and 1 hidden in 14 days." in said
        assert "1 published rating, 2.00 on average." in said
        assert "1 open report." in said
        assert listed(client, queue="reported", reported_for="spam") == [public.id]
        assert listed(client, queue="reported", reported_for="abuse") == []
        assert listed(client, queue="all", rating="2") == [public.id]
        assert listed(client) == [held.id]

    def test_names_the_decisions_of_a_day(self, client: StaffClient) -> None:
        review = a_held_review()
        send(client, review, "hide", reason="abuse")
        path = address("reviews_historyentry_changelist")
        today = clock.now().date().isoformat()
        for query in ({"day": today}, {"decision": "hidden"}, {"q": usr(client.person.pk)}, {"q": rev(review)}):
            page = client.get(path, query)
            assert [row.review_id for row in page.context["cl"].result_list] == [review.id], query
            assert client.person.display_name in text(page)
        assert "Nothing here" in text(client.get(path, {"decision": "approved"}))

    def test_stands_without_anything(self, client: StaffClient) -> None:
        assert "No ratings are public yet." in text(client.get("/admin/"))

    def test_takes_few_queries(self, client: StaffClient) -> None:
        with CaptureQueriesContext(connection) as queries:
            client.get("/admin/")
        assert len(queries) <= 13, len(queries)
