"""What is sent, and what becomes of it. The receivers are real servers on this machine."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import InvalidToken
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from common import outgoing
from common.models import Webhook, WebhookDelivery
from common.tests.factories import a_person, client_of
from common.tests.patience import eventually
from common.tests.receiver import Behaviour, Receiver, hang, hang_up, receiving, status, without_end
from common.tests.webhooks import OWNER, TYPES, a_webhook, deliver, delivery_of, evt, hand_on, happen, log_of, pass_time
from common.webhooks import delivering, secrets
from common.webhooks import services as webhooks
from common.webhooks.types import Disabled

pytestmark = pytest.mark.django_db

OTHER = "ptn_01m7w3nhqzfzf863a0qnbxxtp2"
DAY = outgoing.DAY


@pytest.fixture(autouse=True)
def _this_machine(settings: Any) -> None:
    """The receivers are on this machine."""
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True


@pytest.fixture
def impatient(settings: Any) -> None:
    """Whoever says nothing is not waited for long."""
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.5


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def waits_until(webhook_id: UUID) -> float:
    """In how many seconds the webhook's only delivery is due."""
    return (delivery_of(webhook_id).due_at - timezone.now()).total_seconds()


def statuses(webhook_id: UUID) -> list[str]:
    """How the webhook's deliveries stand, in alphabetical order."""
    return sorted(WebhookDelivery.objects.filter(webhook=webhook_id).values_list("status", flat=True))


class TestWhatIsSent:
    def test_is_the_event_as_the_feed_has_it(self, receiver: Receiver) -> None:
        a_webhook(url=receiver.url)
        event_id = happen(subject="enr_1", learner_id="usr_1")
        deliver()

        (request,) = receiver.received
        feed = client_of(a_person(permissions=("common.view_event",))).get("events").json()
        assert [json.loads(request.body)] == feed["data"]
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert request.headers["webhook-id"] == evt(event_id)
        assert request.headers["webhook-sequence"] == "1"

    def test_is_signed_so_that_the_library_of_the_specification_verifies_it(self, receiver: Receiver) -> None:
        made = webhooks.register(owner=OWNER, url=receiver.url, event_types=TYPES)
        happen(name="Zoë ✓")
        deliver()

        (request,) = receiver.received
        assert Verifier(made.secret).verify(request.body, request.headers)["data"] == {"name": "Zoë ✓"}
        with pytest.raises(WebhookVerificationError):
            Verifier(secrets.make()).verify(request.body, request.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(request.body.replace(b"Zo", b"Zu"), request.headers)

    def test_keeps_its_id_and_is_signed_anew_when_sent_again(self, receiver: Receiver) -> None:
        receiver.then(status(500), status(204))
        webhook = a_webhook(url=receiver.url)
        happen()
        deliver()
        pass_time(60)
        deliver()

        first, second = receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert log_of(webhook) == [(500, None), (204, None)]


class TestRotatedSecret:
    def test_signs_beside_the_one_before_for_a_day(self, receiver: Receiver) -> None:
        made = webhooks.register(owner=OWNER, url=receiver.url, event_types=TYPES)
        changed = webhooks.rotate_secret(owner=OWNER, webhook_id=made.webhook.id)
        happen(subject="enr_1")
        deliver()
        pass_time(DAY - 60)
        happen(subject="enr_2")
        deliver()
        pass_time(120)
        happen(subject="enr_3")
        deliver()

        for request in receiver.received:
            Verifier(changed.secret).verify(request.body, request.headers)
        for request in receiver.received[:2]:
            Verifier(made.secret).verify(request.body, request.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(receiver.received[2].body, receiver.received[2].headers)

    def test_ends_the_one_before_the_last(self, receiver: Receiver) -> None:
        made = webhooks.register(owner=OWNER, url=receiver.url, event_types=TYPES)
        changed = [webhooks.rotate_secret(owner=OWNER, webhook_id=made.webhook.id) for _ in range(2)]
        happen()
        deliver()

        (request,) = receiver.received
        assert len(request.headers["webhook-signature"].split(" ")) == 2
        for each in changed:
            Verifier(each.secret).verify(request.body, request.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(request.body, request.headers)


class TestKeptSecret:
    def test_is_not_in_the_database_in_clear(self) -> None:
        made = webhooks.register(owner=OWNER, url="http://127.0.0.1:9000/", event_types=TYPES)
        kept = bytes(Webhook.objects.get(pk=made.webhook.id).secret)

        assert made.secret.removeprefix("whsec_").encode() not in kept
        assert secrets.unseal(kept) == made.secret

    def test_is_good_after_a_change_of_the_key_of_the_service_that_keeps_the_old_one(self, settings: Any) -> None:
        sealed = secrets.seal("whsec_1")
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another " * 8

        assert secrets.unseal(sealed) == "whsec_1"

    def test_cannot_be_read_with_another_key(self, settings: Any) -> None:
        sealed = secrets.seal("whsec_1")
        settings.SECRET_KEY = "another " * 8

        with pytest.raises(InvalidToken):
            secrets.unseal(sealed)


FAILURES: list[tuple[str, Behaviour, tuple[int | None, str | None]]] = [
    ("answers 500", status(500), (500, None)),
    ("redirects", status(302, Location="https://elsewhere.example/"), (302, None)),
    ("redirects for good", status(308, Location="https://elsewhere.example/"), (308, None)),
    ("refuses", status(404), (404, None)),
    ("hangs up", hang_up, (None, "cut_off")),
]
SILENCES: list[tuple[str, Behaviour]] = [
    ("hangs", hang),
    ("drips", without_end("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "x", pause=0.1)),
]


class TestFailure:
    @pytest.mark.parametrize(("does", "entry"), [each[1:] for each in FAILURES], ids=[each[0] for each in FAILURES])
    def test_is_logged_and_tried_again_of_a_receiver_that(
        self, does: Behaviour, entry: tuple[int | None, str | None], receiver: Receiver
    ) -> None:
        receiver.then(does, status(200))
        webhook = a_webhook(url=receiver.url)
        happen()
        deliver()
        assert (statuses(webhook), log_of(webhook)) == (["pending"], [entry])
        assert 3 < waits_until(webhook) < 7
        pass_time(8)
        deliver()

        assert (statuses(webhook), log_of(webhook)) == (["delivered"], [entry, (200, None)])
        assert len(receiver.received) == 2

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("does", [each[1] for each in SILENCES], ids=[each[0] for each in SILENCES])
    def test_is_not_to_answer_in_time(self, does: Behaviour, receiver: Receiver) -> None:
        receiver.then(does)
        webhook = a_webhook(url=receiver.url)
        happen()
        deliver()

        assert (statuses(webhook), log_of(webhook)) == (["pending"], [(None, "timed_out")])

    def test_is_tried_again_with_growing_pauses_for_a_day_and_then_given_up(self, receiver: Receiver) -> None:
        receiver.then(status(500))
        webhook = a_webhook(url=receiver.url)
        happen()
        pauses = []
        deliver()
        while statuses(webhook) == ["pending"]:
            pauses.append(waits_until(webhook))
            pass_time(pauses[-1] + 1)
            deliver()

        assert 10 <= len(receiver.received) <= 13
        assert pauses[:-2] == sorted(pauses[:-2])
        assert DAY - 60 < sum(pauses) < DAY + 60
        assert (statuses(webhook), len(log_of(webhook))) == (["failed"], len(receiver.received))
        pass_time(DAY)
        deliver()
        assert len(receiver.received) == len(log_of(webhook))

    def test_that_asks_for_time_is_left_alone_as_long_as_it_wants(self, receiver: Receiver) -> None:
        receiver.then(status(429, Retry_After="600"), status(200))
        webhook = a_webhook(url=receiver.url)
        happen(subject="enr_1")
        deliver()
        assert 590 < waits_until(webhook) <= 600
        happen(subject="enr_2")
        pass_time(590)
        deliver()
        assert len(receiver.received) == 1
        pass_time(11)
        deliver()

        assert len(receiver.received) == 3
        assert statuses(webhook) == ["delivered", "delivered"]

    def test_that_names_a_time_is_left_alone_until_then(self, receiver: Receiver) -> None:
        at = datetime.now(UTC) + timedelta(minutes=10)
        receiver.then(status(503, Retry_After=f"{at:%a, %d %b %Y %H:%M:%S} GMT"))
        webhook = a_webhook(url=receiver.url)
        happen()
        deliver()

        assert 590 < waits_until(webhook) <= 600

    def test_for_good_disables_the_webhook(self, receiver: Receiver) -> None:
        receiver.then(status(410))
        webhook = a_webhook(url=receiver.url)
        happen(subject="enr_1")
        deliver()
        happen(subject="enr_2")
        pass_time(60)
        deliver()

        assert (statuses(webhook), log_of(webhook)) == (["failed"], [(410, None)])
        assert Webhook.objects.get(pk=webhook).disabled_because == Disabled.GONE
        assert len(receiver.received) == 1

    def test_of_one_delivery_does_not_hold_up_the_others(self, receiver: Receiver) -> None:
        """A receiver may be unable to take one event, and nothing else."""
        receiver.then(status(500), status(200))
        webhook = a_webhook(url=receiver.url)
        for number in range(20):
            happen(subject=f"enr_{number}")
        deliver()

        assert statuses(webhook) == ["delivered"] * 19 + ["pending"]


@pytest.mark.usefixtures("impatient")
class TestSilence:
    def test_is_met_with_silence_that_grows(self, receiver: Receiver) -> None:
        receiver.then(hang)
        webhook = a_webhook(url=receiver.url)
        for number in range(30):
            happen(subject=f"enr_{number}")
        deliver()
        assert Webhook.objects.get(pk=webhook).unanswered == 1
        # Some at once before anybody knew, and then one to see.
        counts, paused = [len(receiver.received)], []
        for _ in range(3):
            paused.append((Webhook.objects.get(pk=webhook).paused_until - timezone.now()).total_seconds())
            pass_time(paused[-1] + 1)
            deliver()
            counts.append(len(receiver.received))

        assert counts == [8, 9, 10, 11]
        assert paused == sorted(paused)
        assert paused[0] > 0.5

    def test_ends_with_an_answer_of_whatever_kind(self, receiver: Receiver) -> None:
        receiver.then(hang)
        webhook = a_webhook(url=receiver.url)
        for number in range(12):
            happen(subject=f"enr_{number}")
        deliver()
        receiver.then(status(400))
        pass_time(10)
        deliver()

        assert Webhook.objects.get(pk=webhook).unanswered == 0
        assert WebhookDelivery.objects.filter(webhook=webhook, attempts=0).count() == 0

    def test_of_one_webhook_is_nothing_to_the_others(self, receiver: Receiver) -> None:
        with receiving(hang) as dead:
            a_webhook(url=dead.url)
            living = a_webhook(OTHER, url=receiver.url)
            happen(subject="enr_1")
            happen(subject="enr_2", owner=OTHER)
            deliver()

        assert log_of(living) == [(204, None)]


class TestTurn:
    def test_is_over_after_a_while_and_the_rest_has_another_behind_the_others(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What waits for one webhook never keeps the others from their turn."""
        monkeypatch.setattr(delivering, "TURN_SECONDS", 0.0)
        monkeypatch.setattr(delivering, "SENT_AT_ONCE", 1)
        busy, other = (a_webhook(owner, url=f"{receiver.url}&{owner}") for owner in (OWNER, OTHER))
        for number in range(3):
            happen(subject=f"enr_{number}")
        happen(subject="enr_of_other", owner=OTHER)
        deliver()
        assert (statuses(busy), statuses(other)) == (["delivered", "pending", "pending"], ["delivered"])
        deliver()
        deliver()

        assert statuses(busy) == ["delivered"] * 3
        assert len(receiver.received) == 4

    def test_sends_several_at_once(self, receiver: Receiver) -> None:
        """One that is slow does not make a queue of the others: it answers only when all have come."""

        def wait_for_the_others(line: socket.socket) -> None:
            assert eventually(lambda: len(receiver.received) == 8)
            status(204)(line)

        receiver.then(wait_for_the_others, status(204))
        webhook = a_webhook(url=receiver.url)
        for number in range(8):
            happen(subject=f"enr_{number}")
        deliver()

        assert statuses(webhook) == ["delivered"] * 8


class TestClaim:
    def test_keeps_others_off_until_it_can_be_over(self, receiver: Receiver) -> None:
        webhook = a_webhook(url=receiver.url)
        happen()
        hand_on()
        (claimed,) = delivering._claim(webhook, limit=8)
        assert delivering._claim(webhook, limit=8) == []
        assert claimed.attempts == 1
        pass_time(delivering._CLAIM_SECONDS + 1)

        # Longer than anything can take that is sent with the timeout of production.
        assert delivering._CLAIM_SECONDS >= 3 * 10
        (again,) = delivering._claim(webhook, limit=8)
        assert (again.id, again.attempts) == (claimed.id, 2)


class TestResend:
    def test_sends_what_was_received_once_more(self, receiver: Receiver) -> None:
        webhook = a_webhook(url=receiver.url)
        event_id = happen()
        deliver()
        delivery = webhooks.resend(owner=OWNER, webhook_id=webhook, event_id=event_id)
        assert delivery.status == "pending"
        deliver()

        assert len(receiver.received) == 2
        assert log_of(webhook) == [(204, None)] * 2

    def test_has_a_day_before_it_whenever_it_failed(self, receiver: Receiver) -> None:
        webhook = a_webhook(url=receiver.url)
        event_id = happen()
        hand_on()
        WebhookDelivery.objects.update(status="failed", ended_at=timezone.now(), attempts=12)
        pass_time(3 * DAY)
        receiver.then(status(500))
        webhooks.resend(owner=OWNER, webhook_id=webhook, event_id=event_id)
        deliver()

        assert (statuses(webhook), delivery_of(webhook).attempts) == (["pending"], 1)
        assert 3 < waits_until(webhook) < 7

    def test_does_not_wait_for_an_endpoint_that_is_left_alone(self, receiver: Receiver) -> None:
        receiver.then(status(429, Retry_After="3600"), status(200))
        webhook = a_webhook(url=receiver.url)
        event_id = happen()
        deliver()
        webhooks.resend(owner=OWNER, webhook_id=webhook, event_id=event_id)
        deliver()

        assert log_of(webhook) == [(429, None), (200, None)]

    def test_is_refused_of_what_is_disabled_or_was_never_to_be_sent(self, receiver: Receiver) -> None:
        webhook = a_webhook(url=receiver.url)
        event_id, unwanted = happen(), happen("review.created")
        hand_on()
        with pytest.raises(webhooks.DeliveryNotFound):
            webhooks.resend(owner=OWNER, webhook_id=webhook, event_id=unwanted)
        with pytest.raises(webhooks.WebhookNotFound):
            webhooks.resend(owner=OTHER, webhook_id=webhook, event_id=event_id)
        webhooks.disable(webhook_id=webhook)
        before = delivery_of(webhook).due_at
        with pytest.raises(webhooks.WebhookDisabled):
            webhooks.resend(owner=OWNER, webhook_id=webhook, event_id=event_id)
        assert delivery_of(webhook).due_at == before


class TestAddresses:
    def test_that_are_private_are_refused_at_sending_too(self, receiver: Receiver, settings: Any) -> None:
        """The name may have come to mean something else, or the setting may have changed, since it was saved."""
        webhook = a_webhook(url=receiver.url)
        settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = False
        happen()
        deliver()

        assert (statuses(webhook), log_of(webhook)) == (["pending"], [(None, "address_refused")])
        assert receiver.connections == 0
