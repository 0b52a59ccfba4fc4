"""The demonstration's reviews: something to do for whoever looks at the queue, and something to see in the overview."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from common import clock
from reviews.models import HistoryEntry, Report, Review, Revision
from reviews.tests.factories import summary_is_true
from reviews.types import ReportReason

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demonstration(any_lock_order: None) -> None:  # the data is one transaction, in a database that nobody else uses
    call_command("demo_data")


def test_fills_every_tab_of_the_queue() -> None:
    waiting = Review.objects.filter(status="pending", retracted_at=None)
    assert set(waiting.values_list("held_reason", flat=True)) == {
        *("links", "contact_details", "listed_words", "shouting", "same_text_elsewhere", "hidden_before", "reports"),
    }
    assert waiting.filter(revision__gt=1, public_revision=1).count() == 2
    assert set(Report.objects.filter(resolution="").values_list("reason", flat=True)) == set(ReportReason)
    assert Review.objects.filter(status="hidden").count() > 5
    assert Review.objects.exclude(retracted_at=None).count() == 1


def test_tells_of_two_weeks_of_decisions() -> None:
    decisions = HistoryEntry.objects.filter(change__in=["approved", "hidden"])
    assert len({at.date() for at in decisions.values_list("at", flat=True)}) > 10
    assert len(set(decisions.values_list("actor", flat=True))) == 2
    oldest = Review.objects.filter(status="pending", retracted_at=None).earliest("submitted_at").submitted_at
    assert timedelta(hours=31) < clock.now() - oldest < timedelta(hours=32)


def test_holds_what_holds_for_all_reviews() -> None:
    for course_id in Review.objects.values_list("course_id", flat=True).distinct():
        assert summary_is_true(course_id)
    for model in (HistoryEntry, Revision):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            model.objects.update(id=1)
