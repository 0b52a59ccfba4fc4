"""What the database itself sees to: history that only grows, states that cannot be, reasons from the first day."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.db.models.functions import Now

from reviews.models import HistoryEntry, Review, Revision
from reviews.tests.factories import APPROVE, Written, a_held_review, a_hidden_review, a_review, decide, retract, rewrite


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
class TestTheTriggers:
    @pytest.mark.parametrize("table", ["reviews_historyentry", "reviews_revision"])
    @pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
    def test_let_nobody_change_or_delete_what_was(self, table: str, statement: str) -> None:
        review = a_review()
        rewrite(review, comment="On second thought.")
        with pytest.raises(IntegrityError, match=f"The table {table} only grows."):
            execute(statement.format(table))
        assert HistoryEntry.objects.count() == Revision.objects.count() == 2

    @pytest.mark.parametrize("model", [HistoryEntry, Revision])
    def test_let_no_code_do_so_either(self, model: type[Model]) -> None:
        a_review()
        row = model._default_manager.get()
        for change in (row.save, row.delete):
            with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
                change()


@pytest.mark.django_db
class TestTheConstraints:
    @pytest.mark.parametrize(
        ("make", "changes", "name"),
        [
            (a_review, {"rating": 6}, "review_rating_of_five"),
            (a_review, {"rating": 0}, "review_rating_of_five"),
            (a_review, {"rating_details": {"clarity": 5, "pace": 3}}, "review_details_of_five"),
            (a_review, {"rating_details": {"clarity": 5, "pace": 3, "support": 6}}, "review_details_of_five"),
            (a_review, {"rating_details": {"clarity": 5, "pace": None, "support": 5}}, "review_details_of_five"),
            (a_review, {"rating_details": [5, 3, 4]}, "review_details_of_five"),
            (a_review, {"public_rating_details": {"clarity": 0, "pace": 3, "support": 4}}, "review_details_of_five"),
            (a_review, {"public_rating": 6}, "review_public_as_a_whole"),
            (a_review, {"public_revision": None}, "review_public_as_a_whole"),
            (a_review, {"public_revision": 2}, "review_public_as_a_whole"),
            (a_review, {"public_updated_at": None}, "review_public_as_a_whole"),
            (a_held_review, {"public_rating": 3}, "review_public_as_a_whole"),
            (a_held_review, {"public_comment": "!"}, "review_public_as_a_whole"),
            (a_held_review, {"status": "published", "held_reason": ""}, "review_published_is_public"),
            (a_review, {"revision": 2}, "review_published_is_public"),
            (a_review, {"status": "hidden"}, "review_hidden_is_not_public"),
            (a_review, {"retracted_at": Now()}, "review_retracted_is_not_public"),
            (a_review, {"status": "pending"}, "review_pending_for_a_reason"),
            (a_held_review, {"held_reason": ""}, "review_pending_for_a_reason"),
            (a_review, {"held_reason": "links"}, "review_pending_for_a_reason"),
            (a_hidden_review, {"status": "gone"}, "review_pending_for_a_reason"),
        ],
    )
    def test_refuse_what_cannot_be(self, make: Callable[[], Written], changes: dict[str, Any], name: str) -> None:
        rows = Review.objects.filter(pk=make().id)
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**changes)

    def test_refuse_a_second_live_review(self) -> None:
        review = a_review()
        retract(review)
        decide(a_held_review(course_id=review.course_id, author=review.author), APPROVE)
        with pytest.raises(IntegrityError, match="review_one_live"), transaction.atomic():
            Review.objects.filter(pk=review.id).update(
                retracted_at=None, public_rating=4, public_revision=1, public_updated_at=Now()
            )


@pytest.mark.django_db(transaction=True)
class TestTheMigrations:
    @pytest.fixture(autouse=True)
    def back_to_the_newest(self) -> Iterator[None]:
        yield
        migrate_to_newest()

    def test_can_be_taken_back_and_run_again(self) -> None:
        migrate("reviews", None)
        assert not [name for name in connection.introspection.table_names() if name.startswith("reviews_")]
        reason = migrate_to_newest().get_model("reviews", "ModerationReason")
        assert set(reason.objects.values_list("code", flat=True)) == {
            *("fine", "advertising", "abuse", "off_topic", "personal_data", "copied"),
        }
        assert list(reason.objects.filter(decision="approve").values_list("code", flat=True)) == ["fine"]

    def test_leave_the_reasons_that_staff_have_made(self) -> None:
        before = migrate("reviews", "0002_history_only_grows").get_model("reviews", "ModerationReason")
        before.objects.create(code="fine", label="Good", public_text="Well done.")
        after = migrate_to_newest().get_model("reviews", "ModerationReason")
        assert (after.objects.get(code="fine").public_text, after.objects.count()) == ("Well done.", 6)


def migrate_to_newest() -> Apps:
    """The app is at its last migration. Returns the models as of there."""
    return migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes("reviews")[0])


def migrate(app: str, name: str | None) -> Apps:
    """The app is at this migration; None for before its first. Returns the models as of there."""
    executor = MigrationExecutor(connection)
    return executor.migrate([(app, name)]).apps  # type: ignore[list-item]
