"""How moderators decide in the admin: one review after the other, and many at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from common import clock
from common.models import User
from common.tests.staff import StaffClient, address, messages, text
from reviews.models import Review
from reviews.tests.factories import (
    DETAILS,
    HIDE,
    WITH_LINK,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    decide,
    history,
    moderator,
    reasons_to_choose_from,
    report,
    rewrite,
    row_of,
    standing,
)
from reviews.tests.pages import LIST, at, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reasons() -> None:
    reasons_to_choose_from()


@pytest.fixture
def client() -> StaffClient:
    return StaffClient(moderator())


def claim(review: Written, by: User) -> None:
    Review.objects.filter(pk=review.id).update(claimed_by=by, claimed_until=clock.now() + timedelta(minutes=5))


class TestWorkbench:
    def test_eight_decisions_in_a_row(self, client: StaffClient) -> None:
        reviews = [a_held_review() for _ in range(8)]
        answer = client.post(address("reviews_review_next"))
        for number, review in enumerate(reviews):
            assert answer["Location"] == at(review)
            decision, reason = ("approve", "fine") if number % 2 else ("hide", "advertising")
            answer = send(client, review, decision, reason=reason)
        assert answer["Location"] == LIST
        assert messages(answer)[-1] == "Nothing waits for a decision."
        assert [standing(each)[0] for each in reviews] == ["hidden", "published"] * 4

    def test_no_author_is_told_that_a_review_is_public_because_it_advertises(self, client: StaffClient) -> None:
        review = a_held_review()
        page = send(client, review, "approve", reason="advertising")
        assert "This reason is for a decision to hide." in text(page)
        assert 'value="advertising"' in page.content.decode()
        assert standing(review)[0] == "pending"

    def test_offers_reasons_for_what_can_be_decided(self, client: StaffClient) -> None:
        said = text(client.get(at(a_held_review())))
        assert "To hide 1 Advertising or spam 2 Insulting or threatening" in said
        assert re.search(r"To approve \d Follows the rules", said)
        assert "Advertising" not in text(client.get(at(a_hidden_review())))

    def test_two_moderators_never_get_the_same(self, client: StaffClient) -> None:
        first, second = a_held_review(), a_held_review()
        other = StaffClient(moderator(display_name="Grace"))
        assert client.post(address("reviews_review_next"))["Location"] == at(first)
        assert other.post(address("reviews_review_next"))["Location"] == at(second)
        assert "Grace is looking at this review" in text(client.get(at(second)))
        assert "with Grace" in text(client.get(LIST))

    def test_the_second_is_told_who_decided_what(self, client: StaffClient) -> None:
        review = a_held_review()
        decide(review, HIDE, moderator=moderator(display_name="Grace"), reason="abuse")
        answer = send(client, review, "approve", version="1")
        assert answer["Location"] == at(review)
        assert "Hidden by Grace at" in messages(answer)[0]
        assert "(abuse)" in messages(answer)[0]
        assert standing(review)[0] == "hidden"
        assert history(review).count("approved") == 0

    def test_a_text_that_changed_meanwhile_is_not_decided_on(self, client: StaffClient) -> None:
        review = a_held_review()
        rewrite(review, comment="Or https://other.example")
        answer = send(client, review, "approve", version="1")
        assert "Nothing was done" in messages(answer)[0]
        assert standing(review)[0] == "pending"

    def test_a_change_is_shown_word_by_word(self, client: StaffClient) -> None:
        review = a_review(comment="Good knots, bad coffee.")
        rewrite(review, comment="Good knots, https://coffee.example")
        page = client.get(at(review)).content.decode()
        assert "<del> bad coffee.</del><ins> https://coffee.example</ins>" in page
        assert "the text that is public now" in page

    def test_shows_what_the_stars_are_for_and_what_they_were_for(self, client: StaffClient) -> None:
        review = a_review(rating_details=DETAILS)
        assert "Clarity 5, pace 3, support 4<" in client.get(at(review)).content.decode()
        rewrite(review, comment=WITH_LINK, rating_details=None)
        assert "No details, was clarity 5, pace 3, support 4<" in client.get(at(review)).content.decode()

    def test_shows_reports_author_enrollment_and_history(self, client: StaffClient) -> None:
        review = a_held_review()
        Review.objects.filter(pk=review.id).update(open_reports=0)
        public = a_review(course_id=review.course_id)
        report(public, note="Buys <b>followers</b>")
        page = text(client.get(at(public)))
        assert "Spam : Buys &lt;b&gt;followers&lt;/b&gt;" in page
        assert "In this course active" in page
        assert "1 in all: 1 published" in page
        assert "Written" in page

    def test_skipped_ones_come_last(self, client: StaffClient) -> None:
        first, second = a_held_review(), a_held_review()
        client.post(address("reviews_review_next"))
        assert client.post(at(first, "skip"))["Location"] == at(second)
        assert row_of(first).claimed_by_id is None
        assert client.post(at(second, "skip"))["Location"] == at(first)

    def test_undo_is_a_new_decision(self, client: StaffClient) -> None:
        review = a_held_review()
        send(client, review, "hide", reason="abuse")
        page = client.get(LIST)
        (mine,) = page.context["undoable"]
        answer = client.post(at(review, "undo"), {"version": str(mine.version)})
        assert answer["Location"] == at(review)
        assert standing(review)[0] == "pending"
        assert history(review)[-2:] == ["hidden", "undone"]
        assert client.get(LIST).context["undoable"] == []

    def test_nobody_undoes_what_a_colleague_decided(self, client: StaffClient) -> None:
        review = a_held_review()
        decide(review, HIDE, moderator=moderator(), reason="abuse")
        assert "Undo" not in text(client.get(at(review)))
        answer = client.post(at(review, "undo"), {"version": str(row_of(review).version)})
        assert "Nothing was done" in messages(answer)[0]
        assert standing(review)[0] == "hidden"

    def test_a_decision_frees_the_claim(self, client: StaffClient) -> None:
        review = a_held_review()
        client.post(address("reviews_review_next"))
        assert row_of(review).claimed_by_id == client.person.pk
        send(client, review, "approve")
        assert row_of(review).claimed_by_id is None

    def test_takes_few_queries(self, client: StaffClient) -> None:
        review = a_review(comment="Good knots, bad coffee.")
        report(review)
        rewrite(review, comment="Good knots, https://coffee.example")
        with CaptureQueriesContext(connection) as queries:
            client.get(at(review))
        assert len(queries) <= 12, [each["sql"][:150] for each in queries]


class TestBulk:
    def ask(self, client: StaffClient, *reviews: Written, action: str = "hide_selected") -> HttpResponse:
        return client.post(
            LIST,
            {
                "action": action,
                "index": "0",
                "_selected_action": [str(each.id) for each in reviews],
                "seen": [f"{each.id}:1" for each in reviews],
            },
        )

    def run(self, client: StaffClient, *reviews: Written, **more: Any) -> HttpResponse:
        seen = [f"{each.id}:1" for each in reviews]
        return client.post(
            address("reviews_review_bulk"),
            {"decision": "hide", "version": "1", "reason": "advertising", "seen": seen, **more},
        )

    def test_asks_first(self, client: StaffClient) -> None:
        reviews = [a_held_review(), a_held_review()]
        page = self.ask(client, *reviews)
        assert [row.pk for row, _ in page.context["rows"]] == [each.id for each in reviews]
        assert {standing(each)[0] for each in reviews} == {"pending"}

    def test_each_has_its_own_result(self, client: StaffClient) -> None:
        fine, changed, decided, held = (a_held_review() for _ in range(4))
        rewrite(changed, comment="Or https://other.example")
        decide(decided, HIDE, moderator=moderator(display_name="Grace"), reason="abuse")
        claim(held, moderator(display_name="Ada"))
        # What left the tab since the list was drawn is still asked about, and still reported on.
        assert len(self.ask(client, fine, changed, decided, held).context["rows"]) == 4
        page = self.run(client, fine, changed, decided, held)
        kinds = {each.review.pk: each.kind for each in page.context["results"]}
        assert kinds == {fine.id: "done", changed.id: "changed", decided.id: "changed", held.id: "held"}
        assert "Hidden by Grace" in text(page)
        assert "Ada is looking at it" in text(page)
        assert [standing(each)[0] for each in (fine, changed, held)] == ["hidden", "pending", "pending"]
        assert history(decided).count("hidden") == 1

    def test_sent_again_decides_nothing_again(self, client: StaffClient) -> None:
        review = a_held_review()
        self.run(client, review)
        assert [each.kind for each in self.run(client, review).context["results"]] == ["changed"]
        assert history(review).count("hidden") == 1

    def test_hiding_needs_a_reason(self, client: StaffClient) -> None:
        review = a_held_review()
        assert "Choose a reason" in text(self.run(client, review, reason=""))
        assert standing(review)[0] == "pending"

    def test_takes_only_reasons_for_the_decision(self, client: StaffClient) -> None:
        review = a_held_review()
        assert "Follows the rules" not in text(self.ask(client, review))
        assert "Advertising" not in text(self.ask(client, review, action="approve_selected"))
        page = self.run(client, review, decision="approve")
        assert "Select a valid choice" in text(page)
        assert standing(review)[0] == "pending"

    def test_is_bounded(self, client: StaffClient) -> None:
        seen = [f"{number:032x}:1" for number in range(201)]
        assert self.run(client, seen=seen).status_code == 400
        chosen = [each.partition(":")[0] for each in seen]
        data = {"action": "hide_selected", "index": "0", "_selected_action": chosen, "seen": seen}
        answer = client.post(LIST, data)
        assert messages(answer) == ["Choose between 1 and 200 reviews."]

    @pytest.mark.parametrize("seen", ["x:1", "1", ":", "0:0:0"])
    def test_refuses_what_no_page_sends(self, client: StaffClient, seen: str) -> None:
        assert self.run(client, seen=[seen]).status_code == 400
