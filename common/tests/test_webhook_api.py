"""Webhooks over HTTP, as a partner's system meets them."""

import json
import re
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from common import ids
from common.models import Webhook, WebhookDelivery
from common.tests.factories import ApiClient
from common.tests.patience import PATIENCE_SECONDS
from common.tests.problems import parameters, pointers, refused
from common.tests.receiver import receiving, status
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import NOWHERE, TYPES, deliver, evt, hand_on, happen, pass_time
from common.webhooks import cleaning, targets
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_partner, partner_client, ptn

pytestmark = pytest.mark.django_db

Json = dict[str, Any]
LIST = "partner/webhooks"


@pytest.fixture
def partner() -> str:
    """The public id of a partner."""
    return ptn(a_partner())


@pytest.fixture
def client(partner: str) -> ApiClient:
    """The partner's system, whose key has been used before: its first use is noted."""
    system = system_of(partner)
    system.get(LIST)
    return system


def system_of(partner: str) -> ApiClient:
    partner_id = ids.decode(ids.PARTNER, partner)
    assert partner_id is not None
    return partner_client(partner_id)


def create(client: ApiClient, *, url: str = NOWHERE, types: Any = TYPES, **headers: str) -> Json:
    response = client.post(LIST, {"url": url, "event_types": types}, headers=headers)
    assert response.status_code == 201, response.content
    body: Json = response.json()
    return body


def data(response: Any) -> list[Json]:
    assert response.status_code == 200, response.content
    rows: list[Json] = response.json()["data"]
    return rows


class TestCreate:
    def test_gives_the_webhook_and_shows_its_secret_once(self, client: ApiClient) -> None:
        response = client.post(LIST, {"url": NOWHERE, "event_types": list(TYPES)})
        body = response.json()

        assert response.status_code == 201
        assert response["Location"] == f"/api/v1/partner/webhooks/{body['id']}"
        assert (body["url"], body["event_types"]) == (NOWHERE, list(TYPES))
        assert (body["status"], body["disabled_because"]) == ("active", None)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", body["secret"])
        found = client.get(response["Location"]).json()
        assert found == {name: value for name, value in body.items() if name != "secret"}
        assert data(client.get(LIST)) == [found]

    def test_is_replayed_without_the_secret(self, client: ApiClient) -> None:
        first, replay = (
            client.post(LIST, {"url": NOWHERE, "event_types": list(TYPES)}, headers={"Idempotency-Key": "one"})
            for _ in range(2)
        )

        assert replay["Idempotency-Replayed"] == "true"
        assert replay["Location"] == first["Location"]
        assert replay.json() == {**first.json(), "secret": None}
        assert Webhook.objects.count() == 1

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("http://1.1.1.1/", "scheme"),
            ("https://127.0.0.1/", "address_refused"),
            ("https://10.0.0.1:8443/", "address_refused"),
            ("https://169.254.169.254/latest/meta-data", "address_refused"),
            ("https://[::1]/", "address_refused"),
            ("https://[::ffff:127.0.0.1]/", "address_refused"),
            ("https://[64:ff9b::7f00:1]/", "address_refused"),
            ("https://localhost/", "address_refused"),
            ("https://2130706433/", "address_refused"),
            ("https://1.1.1.1:25/", "port"),
            ("https://user:password@1.1.1.1/", "invalid"),
            ("https://1.1.1.1/#a", "invalid"),
            ("not a url", "invalid"),
        ],
    )
    def test_refuses_an_address_that_must_not_be_sent_to(self, url: str, code: str, client: ApiClient) -> None:
        with nothing_changed():
            response = client.post(LIST, {"url": url, "event_types": list(TYPES)})
        (error,) = refused(response, 400, "invalid_request")["errors"]
        assert (error["pointer"], error["code"]) == ("/url", code)

    def test_refuses_a_name_that_stands_for_a_private_address(
        self, client: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for found in (["10.1.2.3"], ["1.1.1.1", "::1"]):
            entries = [(2, 1, 6, "", (address, 443)) for address in found]
            monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, entries=entries, **__: entries)
            response = client.post(LIST, {"url": "https://hooks.example/", "event_types": list(TYPES)})
            assert refused(response, 400, "invalid_request")["errors"][0]["code"] == "address_refused"

    def test_takes_a_name_that_cannot_be_found_now(self, client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: [])
        response = client.post(LIST, {"url": "https://hooks.example/", "event_types": list(TYPES)})
        assert response.status_code == 201

    def test_waits_for_no_name_server_for_long(self, client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        is_over = threading.Event()
        monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: is_over.wait(PATIENCE_SECONDS))
        started = time.monotonic()
        response = client.post(LIST, {"url": "https://hooks.example/", "event_types": list(TYPES)})

        assert response.status_code == 201
        assert time.monotonic() - started < PATIENCE_SECONDS / 2
        is_over.set()

    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({}, {"/url", "/event_types"}),
            ({"url": NOWHERE}, {"/event_types"}),
            ({"url": NOWHERE, "event_types": []}, {"/event_types"}),
            ({"url": NOWHERE, "event_types": "enrollment.created"}, {"/event_types"}),
            ({"url": NOWHERE, "event_types": ["enrollment.created"] * 2}, {"/event_types"}),
            ({"url": NOWHERE, "event_types": ["coffee.brewed"]}, {"/event_types/0"}),
            ({"url": 5, "event_types": list(TYPES)}, {"/url"}),
            ({"url": NOWHERE, "event_types": list(TYPES), "secret": "mine"}, {"/secret"}),
        ],
    )
    def test_refuses_a_body_that_is_not_one(self, body: Json, where: set[str], client: ApiClient) -> None:
        with nothing_changed():
            assert pointers(client.post(LIST, body)) == where

    def test_refuses_one_too_many(self, client: ApiClient, settings: Any) -> None:
        settings.WEBHOOKS_PER_OWNER = 2
        first = create(client)
        create(client)
        with nothing_changed():
            response = client.post(LIST, {"url": NOWHERE, "event_types": list(TYPES)})
        assert refused(response, 400, "invalid_request")["errors"][0]["code"] == "too_many"
        client.delete(f"{LIST}/{first['id']}")
        create(client)


class TestOthers:
    """A partner knows its own webhooks only."""

    @pytest.mark.parametrize(
        ("method", "rest"),
        [
            ("get", ""),
            ("delete", ""),
            ("post", "/secret"),
            ("get", "/deliveries"),
            ("post", "/deliveries/{event}/resend"),
        ],
    )
    @pytest.mark.parametrize("whose", ["another's", "nobody's", "malformed"])
    def test_are_not_found(self, method: str, rest: str, whose: str, client: ApiClient) -> None:
        other = ptn(a_partner())
        theirs = create(system_of(other))["id"]
        event = evt(happen(owner=other))
        hand_on()
        webhook = {
            "another's": theirs,
            "nobody's": theirs[:-1] + ("0" if theirs[-1] != "0" else "1"),
            "malformed": "x",
        }[whose]
        with nothing_changed():
            response = getattr(client, method)(f"{LIST}/{webhook}{rest.format(event=event)}")
        refused(response, 404, "webhook_not_found")

    def test_are_not_listed(self, client: ApiClient) -> None:
        create(system_of(ptn(a_partner())))

        assert data(client.get(LIST)) == []


class TestList:
    def test_has_pages_newest_first(self, client: ApiClient) -> None:
        made = [create(client, url=f"{NOWHERE}/{number}")["id"] for number in range(5)]
        found, cursor = [], None
        while True:
            page = client.get(LIST, {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
            found += [row["id"] for row in page["data"]]
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                break

        assert found == made[::-1]


class TestDelete:
    def test_takes_the_webhook_away_and_all_that_was_kept_of_it(self, client: ApiClient, partner: str) -> None:
        webhook = create(client)["id"]
        happen(owner=partner)
        hand_on()
        response = client.delete(f"{LIST}/{webhook}")

        assert (response.status_code, response.content) == (204, b"")
        refused(client.get(f"{LIST}/{webhook}"), 404, "webhook_not_found")
        refused(client.delete(f"{LIST}/{webhook}"), 404, "webhook_not_found")
        assert data(client.get(LIST)) == []
        cleaning.give_up()
        cleaning.forget()
        assert (Webhook.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


class TestSecret:
    def test_is_changed_and_shown_once(self, client: ApiClient) -> None:
        made = create(client)
        path = f"{LIST}/{made['id']}/secret"
        first, replay = (client.post(path, {}, headers={"Idempotency-Key": "one"}) for _ in range(2))

        assert first.status_code == 200
        assert set(first.json()) == {"secret", "previous_secret_until"}
        assert first.json()["secret"] not in {None, made["secret"]}
        assert replay.json() == {**first.json(), "secret": None}


class TestDeliveries:
    def test_tell_what_became_of_each_event(self, client: ApiClient, partner: str, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
        with receiving(status(500), status(200)) as receiver:
            webhook = create(client, url=receiver.url)["id"]
            event_id = happen("enrollment.created", subject="enr_1", owner=partner)
            deliver()
            (waiting,) = data(client.get(f"{LIST}/{webhook}/deliveries"))
            pass_time(10)
            deliver()
        (delivered,) = data(client.get(f"{LIST}/{webhook}/deliveries"))

        assert (waiting["status"], len(waiting["attempts"])) == ("pending", 1)
        assert waiting["next_attempt_at"] > waiting["created_at"]
        assert (delivered["event_id"], delivered["event_type"]) == (evt(event_id), "enrollment.created")
        assert (delivered["subject"], delivered["sequence"], delivered["status"]) == ("enr_1", 1, "delivered")
        assert [(each["status_code"], each["fault"]) for each in delivered["attempts"]] == [(500, None), (200, None)]
        assert delivered["next_attempt_at"] is None

    def test_are_listed_by_status_and_in_pages(self, client: ApiClient, partner: str) -> None:
        webhook = create(client)["id"]
        for number in range(5):
            happen(subject=f"enr_{number}", owner=partner)
        hand_on()
        failed = WebhookDelivery.objects.order_by("id")[1]
        WebhookDelivery.objects.filter(pk=failed.pk).update(status="failed", ended_at=failed.created_at)
        path = f"{LIST}/{webhook}/deliveries"

        assert [row["subject"] for row in data(client.get(path))] == [f"enr_{number}" for number in (4, 3, 2, 1, 0)]
        assert [row["subject"] for row in data(client.get(path, {"status": "failed"}))] == ["enr_1"]
        first = client.get(path, {"limit": 2, "status": "pending"}).json()
        second = client.get(path, {"limit": 2, "status": "pending", "cursor": first["page"]["next_cursor"]}).json()
        assert [row["subject"] for row in first["data"] + second["data"]] == ["enr_4", "enr_3", "enr_2", "enr_0"]
        assert parameters(client.get(path, {"status": "lost"})) == {"status"}

    def test_cost_the_same_for_one_and_for_many(
        self, client: ApiClient, partner: str, django_assert_num_queries: Any
    ) -> None:
        webhook = create(client)["id"]
        for number in range(30):
            happen(subject=f"enr_{number}", owner=partner)
        hand_on()
        for limit in (1, 25):
            with django_assert_num_queries(3):
                client.get(f"{LIST}/{webhook}/deliveries", {"limit": limit})


class TestResend:
    def test_has_the_event_sent_again(self, client: ApiClient, partner: str, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
        with receiving() as receiver:
            webhook = create(client, url=receiver.url)["id"]
            event_id = evt(happen(owner=partner))
            deliver()
            response = client.post(f"{LIST}/{webhook}/deliveries/{event_id}/resend", {})
            deliver()

        assert (response.status_code, response.json()["status"]) == (200, "pending")
        assert [request.headers["webhook-id"] for request in receiver.received] == [event_id] * 2

    def test_is_refused_of_an_event_that_is_not_the_webhook_s(self, client: ApiClient, partner: str) -> None:
        webhook = create(client)["id"]
        unwanted = evt(happen("review.created", owner=partner))
        hand_on()
        for event_id in (unwanted, "evt_x", webhook):
            with nothing_changed():
                refused(client.post(f"{LIST}/{webhook}/deliveries/{event_id}/resend", {}), 404, "not_found")

    def test_is_refused_of_a_webhook_that_is_disabled(self, client: ApiClient, partner: str, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
        with receiving(status(410)) as receiver:
            webhook = create(client, url=receiver.url)["id"]
            event_id = evt(happen(owner=partner))
            deliver()
        found = client.get(f"{LIST}/{webhook}").json()
        assert (found["status"], found["disabled_because"]) == ("disabled", "gone")
        with nothing_changed():
            response = client.post(f"{LIST}/{webhook}/deliveries/{event_id}/resend", {})
        assert refused(response, 409, "invalid_transition")["current_status"] == "disabled"


class TestPartnerFeed:
    def test_has_the_events_of_the_partner_and_no_others(self, client: ApiClient, partner: str) -> None:
        course = crs(an_open_course())
        learner = {"external_id": "emp-1", "email": "ada@example.org", "name": "Ada"}
        client.post("partner/enrollments", {"course_id": course, "learner": learner})
        system_of(ptn(a_partner("Other"))).post(
            "partner/enrollments", {"course_id": course, "learner": learner | {"email": "b@example.org"}}
        )
        body = client.get("partner/events").json()

        assert [event["type"] for event in body["data"]] == ["enrollment.created"]
        assert body["data"][0]["data"]["external_id"] == "emp-1"
        assert body["page"]["has_more"] is False

    def test_is_read_on_from_its_cursor_by_this_partner_only(self, client: ApiClient, partner: str) -> None:
        for number in range(3):
            happen(subject=f"enr_{number}", owner=partner)
            happen(subject=f"of_others_{number}", owner="")
        first = client.get("partner/events", {"limit": 2}).json()
        cursor = first["page"]["next_cursor"]
        second = client.get("partner/events", {"after": cursor}).json()
        happen(subject="enr_3", owner=partner)
        third = client.get("partner/events", {"after": second["page"]["next_cursor"]}).json()

        subjects = [event["subject"] for page in (first, second, third) for event in page["data"]]
        assert subjects == [f"enr_{number}" for number in range(4)]
        refused(system_of(ptn(a_partner("Other"))).get("partner/events", {"after": cursor}), 400, "invalid_cursor")

    def test_is_filtered_by_type(self, client: ApiClient, partner: str) -> None:
        happen("enrollment.created", owner=partner)
        happen("enrollment.withdrawn", owner=partner)
        body = client.get("partner/events", {"type": "enrollment.withdrawn"}).json()

        assert [event["type"] for event in body["data"]] == ["enrollment.withdrawn"]

    def test_has_the_ids_and_shapes_of_the_webhooks(self, client: ApiClient, partner: str, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
        with receiving() as receiver:
            create(client, url=receiver.url)
            happen(owner=partner)
            deliver()
        (event,) = client.get("partner/events").json()["data"]
        (request,) = receiver.received

        assert request.headers["webhook-id"] == event["id"]
        assert request.body.decode() == json.dumps(event, ensure_ascii=False, separators=(",", ":"))


class TestCleaning:
    def test_gives_up_what_has_had_its_day_or_is_for_nobody(self, client: ApiClient, partner: str) -> None:
        webhook = create(client)["id"]
        happen(subject="enr_old", owner=partner)
        hand_on()
        pass_time(26 * 3600)
        happen(subject="enr_new", owner=partner)
        hand_on()
        cleaning.give_up()
        assert dict(WebhookDelivery.objects.values_list("event__subject", "status")) == {
            "enr_old": "failed",
            "enr_new": "pending",
        }
        client.delete(f"{LIST}/{webhook}")
        cleaning.give_up()
        assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"failed"}

    def test_keeps_what_ended_for_as_long_as_promised(self, client: ApiClient, partner: str) -> None:
        create(client)
        for subject in ("enr_older", "enr_old", "enr_waiting"):
            happen(subject=subject, owner=partner)
        hand_on()
        for days, subject in ((31, "enr_older"), (29, "enr_old")):
            delivery = WebhookDelivery.objects.get(event__subject=subject)
            ended = delivery.created_at - timedelta(days=days)
            WebhookDelivery.objects.filter(pk=delivery.pk).update(status="delivered", ended_at=ended)
        cleaning.forget()

        assert set(WebhookDelivery.objects.values_list("event__subject", flat=True)) == {"enr_old", "enr_waiting"}
