"""Each event becomes one delivery for each webhook that is to be told of it: once, whatever happens in between."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from common import db, jobs
from common.events import services as events
from common.models import Event, FeedReader, Webhook, WebhookDelivery
from common.tests.factories import SYSTEM
from common.tests.races import holding, rival, wave
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import OWNER, a_webhook, hand_on, happen
from common.webhooks import delivering
from common.webhooks import services as webhooks
from common.webhooks.types import Disabled

OTHER = "ptn_01m7w3nhqzfzf863a0qnbxxtp2"


def told(webhook_id: UUID) -> list[tuple[str, int]]:
    """What the webhook is to be told of, in the order in which its deliveries were made."""
    rows = WebhookDelivery.objects.filter(webhook=webhook_id).order_by("id")
    return list(rows.values_list("event__type", "sequence"))


@pytest.mark.django_db
class TestFanOut:
    def test_makes_deliveries_of_what_the_webhook_asked_for_in_the_order_of_the_feed(self) -> None:
        webhook = a_webhook()
        for type in ("enrollment.created", "review.created", "waitlist.promoted", "enrollment.withdrawn"):
            happen(type, subject=f"of {type}")
        hand_on()

        assert [type for type, _ in told(webhook)] == [
            "enrollment.created",
            "waitlist.promoted",
            "enrollment.withdrawn",
        ]

    def test_tells_everybody_of_their_own_events_and_of_no_others(self) -> None:
        first, second, other = a_webhook(), a_webhook(), a_webhook(OTHER)
        happen(owner=OWNER, subject="enr_1")
        happen(owner=OTHER, subject="enr_2")
        happen(owner="", subject="enr_3")
        hand_on()

        assert [len(told(webhook)) for webhook in (first, second, other)] == [1, 1, 1]
        assert WebhookDelivery.objects.get(webhook=other).event.subject == "enr_2"

    def test_begins_with_what_comes_after_the_webhook_was_made(self) -> None:
        happen(subject="enr_1")
        webhook = a_webhook()
        happen(subject="enr_2")
        hand_on()

        assert WebhookDelivery.objects.get(webhook=webhook).event.subject == "enr_2"

    def test_numbers_the_events_of_each_subject(self) -> None:
        webhook = a_webhook()
        for subject in ("enr_1", "enr_2", "enr_1", "enr_1", "enr_2"):
            happen(subject=subject)
        hand_on()

        assert [number for _, number in told(webhook)] == [1, 1, 2, 3, 2]

    def test_counts_events_that_the_webhook_is_not_told_of(self) -> None:
        """So the number means the same to everybody."""
        webhook = a_webhook(types=["enrollment.withdrawn"])
        happen("enrollment.created")
        happen("enrollment.withdrawn")
        hand_on()

        assert told(webhook) == [("enrollment.withdrawn", 2)]

    @pytest.mark.parametrize("how", ["deleted", "disabled"])
    def test_passes_over_webhooks_that_are_not_sent_to_any_more(self, how: str) -> None:
        webhook = a_webhook()
        if how == "deleted":
            webhooks.delete(owner=OWNER, webhook_id=webhook)
        else:
            webhooks.disable(webhook_id=webhook)
        happen()
        hand_on()

        assert told(webhook) == []

    @pytest.mark.parametrize("because", [Disabled.STAFF, Disabled.GONE])
    def test_tells_a_webhook_that_is_enabled_again_of_what_happens_from_then_on(self, because: Disabled) -> None:
        webhook = a_webhook()
        webhooks.disable(webhook_id=webhook)
        Webhook.objects.update(disabled_because=because, unanswered=9, paused_until=Now() + timedelta(hours=1))
        happen("waitlist.promoted")  # not handed on yet
        webhooks.enable(webhook_id=webhook)
        happen("enrollment.created")
        hand_on()

        assert told(webhook) == [("enrollment.created", 2)]
        assert Webhook.objects.filter(unanswered=0, paused_until__lte=Now()).exists()

    def test_goes_on_passing_over_what_its_owner_took_away(self) -> None:
        webhook = a_webhook()
        webhooks.delete(owner=OWNER, webhook_id=webhook)
        with nothing_changed(), pytest.raises(webhooks.WebhookNotFound):
            webhooks.enable(webhook_id=webhook)

    def test_goes_on_where_it_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(events, "_READ_AT_ONCE", 2)
        webhook = a_webhook()
        for number in range(5):
            happen(subject=f"enr_{number}")

        assert [delivering.fan_out() for _ in range(4)] == [True, True, True, False]
        assert len(told(webhook)) == 5

    def test_makes_nothing_twice(self) -> None:
        webhook = a_webhook()
        happen()
        hand_on()
        hand_on()

        assert len(told(webhook)) == 1

    def test_leaves_nothing_behind_when_it_breaks_and_makes_it_the_next_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        webhook = a_webhook()
        happen()
        with monkeypatch.context() as broken:
            broken.setattr(events, "_MOVE_READER", "SELECT 1 / 0, %s, %s")
            with pytest.raises(Exception, match="division by zero"):
                delivering.fan_out()
        assert told(webhook) == []
        hand_on()

        assert len(told(webhook)) == 1

    def test_would_be_refused_by_the_database_the_second_time(self) -> None:
        a_webhook()
        happen()
        hand_on()
        FeedReader.objects.update(position=0)

        with pytest.raises(IntegrityError, match="delivery_one_each"), transaction.atomic():
            delivering.fan_out()


@pytest.mark.django_db
class TestReaders:
    def test_are_there_after_each_migrate(self) -> None:
        assert FeedReader.objects.filter(name=delivering.READER).exists()

    def test_begin_at_the_end_of_the_feed(self) -> None:
        happen()
        FeedReader.objects.all().delete()
        events.make_readers([delivering.READER])
        webhook = a_webhook()
        WebhookDelivery.objects.all().delete()
        hand_on()

        assert told(webhook) == []

    def test_stay_where_they_are_when_made_again(self) -> None:
        webhook = a_webhook()
        happen()
        events.make_readers([delivering.READER])
        hand_on()

        assert len(told(webhook)) == 1


@pytest.mark.django_db
class TestTurns:
    def test_are_given_to_webhooks_for_which_something_is_due_one_to_each(self) -> None:
        busy = a_webhook()
        a_webhook(OTHER)
        for number in range(3):
            happen(subject=f"enr_{number}")
        hand_on()
        hand_on()

        assert [arguments["webhook"] for name, arguments in jobs.waiting() if name == "webhooks.take_turn"] == [
            delivering.ids.encode("whk", busy)
        ]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_what_one_hands_on_the_other_leaves_alone(self) -> None:
        webhook = a_webhook()
        happen()
        with holding(delivering.fan_out) as first:
            with rival(delivering.fan_out) as second:
                assert second.result() is False
            first.commit()

        assert len(told(webhook)) == 1
        assert delivering.fan_out() is False

    def test_what_one_did_not_live_to_commit_the_next_one_makes(self) -> None:
        webhook = a_webhook()
        happen()
        with rival(delivering.fan_out, holds=True) as first:
            first.stand_still()
            first.undo()
            first.result()
        assert told(webhook) == []
        delivering.fan_out()

        assert len(told(webhook)) == 1

    def test_many_at_once_make_each_delivery_once_while_events_come_in(self) -> None:
        webhook = a_webhook()

        def record_or_hand_on(number: int) -> None:
            if number % 2:
                with transaction.atomic():
                    events.record(
                        type="enrollment.created",
                        subject=f"enr_{number}",
                        course="",
                        data={},
                        actor=SYSTEM,
                        partner=OWNER,
                    )
            else:
                events.place_committed()
                delivering.fan_out()

        wave(record_or_hand_on, range(200))
        hand_on()

        assert len(told(webhook)) == 100
        assert Event.objects.filter(position=None).count() == 0
        assert {number for _, number in told(webhook)} == {1}

    def test_without_the_reader_s_lock_two_would_make_the_same(
        self, monkeypatch: pytest.MonkeyPatch, any_lock_order: None
    ) -> None:
        a_webhook()
        happen()
        monkeypatch.setattr(events, "_TAKE_READER", "SELECT position FROM common_feedreader WHERE name = %s")
        monkeypatch.setattr(events, "_MOVE_READER", "SELECT %s, %s")
        with holding(delivering.fan_out) as first, rival(delivering.fan_out) as second:
            assert second.waits_for(first)
            first.commit()
            with pytest.raises(IntegrityError, match="delivery_one_each"):
                second.result()

        assert db.fetch_one("SELECT count(*) FROM common_webhookdelivery") == (1,)
