"""Background work, webhooks and mails, as staff see them and what they can do about them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from common import db, ids, jobs
from common.events import services as events
from common.mail import services as mail
from common.models import Mail, User, Webhook, WebhookDelivery
from common.tests import sample_jobs
from common.tests.factories import a_person
from common.tests.staff import StaffClient, a_superuser, a_viewer, address, listed, messages, text
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import OWNER, a_webhook, evt, hand_on, happen, whk
from common.webhooks import services as webhooks
from courses.tests.factories import an_open_course
from enrollments.tests.factories import enroll

pytestmark = pytest.mark.django_db

JOBS = "/admin/procrastinate/procrastinatejob/"
WORKERS = "/admin/procrastinate/procrastinateworker/"
DELIVERIES = "/admin/common/webhookdelivery/"


def an_operator() -> User:
    return a_person(groups=("Operators",), is_staff=True)


def a_failed_job(path: str) -> int:
    """The number of a job that has failed for good."""
    with transaction.atomic():
        jobs.defer(sample_jobs.fail, path=path, request_id="r-1")
    for _ in range(3):
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        db.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    row = db.fetch_one("SELECT id FROM procrastinate_jobs WHERE status = 'failed'")
    assert row is not None
    return int(row[0])


def job_at(job_id: int, page: str = "change") -> str:
    return address(f"procrastinate_procrastinatejob_{page}", job_id)


class TestJobs:
    def test_show_what_went_wrong_at_each_attempt(self, tmp_path: Any) -> None:
        job_id = a_failed_job(str(tmp_path / "lines"))
        client = StaffClient(an_operator())
        shown = text(client.get(JOBS, {"status": "failed"}))
        assert "samples.fail" in shown
        assert "RuntimeError: a sample of bad luck" in shown
        page = text(client.get(job_at(job_id)))
        for attempt in (1, 2, 3):
            assert f"Attempt {attempt} failed" in page
        assert "Traceback" in page
        assert "deferred for retry" in page

    def test_show_when_they_are_tried_next(self, tmp_path: Any) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=str(tmp_path))
        client = StaffClient(an_operator())
        (job,) = listed(client, JOBS, status="todo")
        assert "Next try now" in text(client.get(job_at(job.pk)))
        db.execute("UPDATE procrastinate_jobs SET scheduled_at = '2099-01-31 09:00Z'")
        assert "Next try 31 Jan 2099, 09:00" in text(client.get(job_at(job.pk)))

    def test_are_found_by_state_lane_name_and_number(self, tmp_path: Any) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=str(tmp_path))
            jobs.defer(sample_jobs.wait_for_somebody, seconds=1)
        client = StaffClient(an_operator())
        waiting = listed(client, JOBS, status="todo")
        assert [job.task_name for job in waiting] == ["samples.wait_for_somebody", "samples.note"]
        assert listed(client, JOBS, lane="outbound") == waiting[:1]
        assert listed(client, JOBS, q="samples.note") == waiting[1:]
        assert listed(client, JOBS, q=str(waiting[0].pk)) == waiting[:1]
        assert listed(client, JOBS, status="failed") == []

    def test_that_failed_are_tried_again_at_the_press_of_a_button(self, tmp_path: Any) -> None:
        job_id = a_failed_job(str(tmp_path / "lines"))
        client = StaffClient(an_operator())
        assert "Try again" in text(client.get(job_at(job_id)))
        response = client.post(job_at(job_id, "retry"))
        assert messages(response) == [f"Job {job_id} waits for a worker, with all its attempts before it."]
        assert [name for name, _ in jobs.waiting()] == ["samples.fail"]
        assert "Try again" not in text(client.get(job_at(job_id)))

    def test_that_have_not_failed_are_left_alone(self, tmp_path: Any) -> None:
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=str(tmp_path))
        client = StaffClient(an_operator())
        (job,) = listed(client, JOBS)
        with nothing_changed():
            response = client.post(job_at(job.pk, "retry"))
        assert "has not failed" in text(response)

    def test_are_for_operators_and_of_no_concern_to_others(self) -> None:
        for groups in (("Course staff",), ("Moderators",)):
            client = StaffClient(a_person(groups=groups, is_staff=True))
            assert client.get(JOBS).status_code == 403
            assert "Background work" not in text(client.get("/admin/"))


class TestOverview:
    def test_says_that_nobody_works_and_what_failed(self, tmp_path: Any) -> None:
        a_failed_job(str(tmp_path / "lines"))
        with transaction.atomic():
            jobs.defer(sample_jobs.note, path=str(tmp_path))
        page = text(StaffClient(an_operator()).get("/admin/"))
        assert "0 workers alive" in page
        assert "1 job failed" in page
        assert "1 job waiting, the first of them deferred 0 seconds ago" in page

    def test_counts_a_worker_once_for_all_its_lanes(self) -> None:
        for _ in jobs.LANES:
            db.execute("SELECT procrastinate_register_worker_v1()")
        page = text(StaffClient(an_operator()).get("/admin/"))
        assert "1 worker alive" in page
        assert "0 jobs failed" in page


class TestWorkers:
    def test_are_alive_as_long_as_they_are_heard_of(self) -> None:
        for _ in range(2):
            db.execute("SELECT procrastinate_register_worker_v1()")
        db.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '3 minutes'"
            " WHERE id = (SELECT min(id) FROM procrastinate_workers)"
        )
        client = StaffClient(an_operator())
        (living,) = listed(client, WORKERS, alive="yes")
        (dead,) = listed(client, WORKERS, alive="no")
        assert living.pk > dead.pk
        page = text(client.get(WORKERS))
        assert "alive" in page
        assert "not heard of 3 minutes ago" in page

    def test_show_what_they_are_at(self) -> None:
        db.execute("SELECT procrastinate_register_worker_v1()")
        with transaction.atomic():
            jobs.defer(sample_jobs.sleep, seconds=1)
        db.execute("SELECT procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM procrastinate_workers))")
        client = StaffClient(an_operator())
        (worker,) = listed(client, WORKERS)
        assert worker.at_hand == 1
        assert "samples.sleep" in text(client.get(address("procrastinate_procrastinateworker_change", worker.pk)))


class TestWebhooks:
    def test_show_where_they_lead_and_no_secret(self) -> None:
        key = a_webhook()
        client = StaffClient(an_operator())
        response = client.get(address("common_webhook_change", key))
        page = text(response)
        assert "https://1.1.1.1/hooks" in page
        assert "enrollment.created, enrollment.withdrawn, waitlist.promoted" in page
        assert "whsec_" not in page
        assert bytes(Webhook.objects.get().secret).decode() not in response.content.decode()

    def test_are_found_by_their_id_and_by_their_owner(self) -> None:
        key = a_webhook()
        a_webhook("ptn_01m7w3nhqzfzf863a0qnbxxtp2")
        client = StaffClient(an_operator())
        path = "/admin/common/webhook/"
        for query in (whk(key), OWNER):
            assert [row.pk for row in listed(client, path, q=query)] == [key]
        assert client.get(address("find"), {"q": whk(key)})["Location"] == address("common_webhook_change", key)

    def test_are_disabled_after_a_warning(self) -> None:
        key = a_webhook()
        client = StaffClient(an_operator())
        step = address("common_webhook_disable", key)
        assert "what happened in between is not sent" in text(client.get(step))
        client.post(step)
        assert Webhook.objects.get().disabled_because == "staff"
        with nothing_changed():
            assert "is disabled" in text(client.post(step))
        assert [row.pk for row in listed(client, "/admin/common/webhook/", active="no")] == [key]

    def test_that_are_disabled_are_enabled_again(self) -> None:
        key = a_webhook()
        client = StaffClient(an_operator())
        page, step = address("common_webhook_change", key), address("common_webhook_enable", key)
        assert step not in client.get(page).content.decode()
        with nothing_changed():
            assert "is not disabled" in text(client.post(step))
        Webhook.objects.update(disabled_at=timezone.now(), disabled_because="gone")
        assert step in client.get(page).content.decode()
        assert "because its endpoint answered 410" in text(client.get(step))
        assert messages(client.post(step)) == ["The webhook is enabled."]
        assert Webhook.objects.get().disabled_at is None

    def test_that_their_owner_took_away_stay_away(self) -> None:
        key = a_webhook()
        webhooks.delete(owner=OWNER, webhook_id=key)
        client = StaffClient(an_operator())
        step = address("common_webhook_enable", key)
        assert step not in client.get(address("common_webhook_change", key)).content.decode()
        with nothing_changed():
            assert "There is no webhook" in text(client.post(step))

    def test_that_do_not_answer_are_seen_at_a_glance(self) -> None:
        a_webhook()
        Webhook.objects.update(unanswered=3)
        assert "does not answer" in text(StaffClient(an_operator()).get("/admin/common/webhook/"))


class TestDeliveries:
    @pytest.fixture
    def delivery(self) -> WebhookDelivery:
        """One that was refused, and is to be tried again."""
        a_webhook()
        happen("enrollment.created", subject="enr_1")
        hand_on()
        entry = {"at": "2026-11-21T18:44:01.000000Z", "duration_ms": 1234, "status_code": 503, "fault": None}
        WebhookDelivery.objects.update(log=[entry, {**entry, "status_code": None, "fault": "timed_out"}])
        return WebhookDelivery.objects.select_related("event", "webhook").get()

    def test_show_each_answer(self, delivery: WebhookDelivery) -> None:
        client = StaffClient(an_operator())
        page = text(client.get(address("common_webhookdelivery_change", delivery.pk)))
        assert "21 Nov 2026, 18:44 503, after 1,234 ms" in page
        assert "timed out, after 1,234 ms" in page
        assert "timed out" in text(client.get(DELIVERIES))

    def test_are_found_by_state_webhook_and_event(self, delivery: WebhookDelivery) -> None:
        client = StaffClient(an_operator())
        for query in (
            {"status": "pending"},
            {"q": whk(delivery.webhook_id)},
            {"q": evt(delivery.event.uuid)},
        ):
            assert listed(client, DELIVERIES, **query) == [delivery]
        assert listed(client, DELIVERIES, status="failed") == []
        assert "Deliveries" in text(client.get(address("common_webhook_change", delivery.webhook_id)))

    def test_are_sent_again_at_the_press_of_a_button(self, delivery: WebhookDelivery) -> None:
        WebhookDelivery.objects.update(status="failed", ended_at=timezone.now())
        response = StaffClient(an_operator()).post(address("common_webhookdelivery_resend", delivery.pk))
        assert messages(response) == ["It is sent again, soon."]
        assert WebhookDelivery.objects.get().status == "pending"

    def test_are_not_sent_again_to_a_webhook_that_is_disabled(self, delivery: WebhookDelivery) -> None:
        Webhook.objects.update(disabled_at=timezone.now(), disabled_because="gone")
        client = StaffClient(an_operator())
        with nothing_changed():
            response = client.post(address("common_webhookdelivery_resend", delivery.pk))
        assert "is disabled" in text(response)


class TestMails:
    @pytest.fixture
    def letter(self) -> Mail:
        """One that could not be sent."""
        enroll(an_open_course(), a_person(display_name="Ada", email="ada@example.org").pk)
        events.place_committed()
        mail.write_down()
        Mail.objects.update(status="failed", ended_at=timezone.now(), fault="SMTPRecipientsRefused: no such mailbox")
        return Mail.objects.select_related("event", "recipient").get()

    def test_show_what_became_of_them(self, letter: Mail) -> None:
        client = StaffClient(an_operator())
        for page in ("/admin/common/mail/", address("common_mail_change", letter.pk)):
            shown = text(client.get(page))
            assert "enrollment.created" in shown
            assert "Ada" in shown
            assert "no such mailbox" in shown

    def test_are_found_by_recipient_event_and_state(self, letter: Mail) -> None:
        client = StaffClient(an_operator())
        for query in (
            {"q": "ADA@example.org"},
            {"q": ids.encode(ids.USER, letter.recipient_id)},
            {"q": evt(letter.event.uuid)},
            {"status": "failed"},
        ):
            assert listed(client, "/admin/common/mail/", **query) == [letter]
        assert listed(client, "/admin/common/mail/", status="sent") == []

    def test_are_sent_again_at_the_press_of_a_button(self, letter: Mail) -> None:
        client = StaffClient(an_operator())
        step = address("common_mail_resend", letter.pk)
        assert messages(client.post(step)) == ["It is sent again, soon."]
        assert Mail.objects.get().status == "pending"
        with nothing_changed():
            assert "still to be sent" in text(client.post(step))

    def test_are_no_button_for_viewers(self, letter: Mail) -> None:
        client = StaffClient(a_viewer("common.view_mail"))
        assert "Send again" not in text(client.get(address("common_mail_change", letter.pk)))


def test_operators_are_a_group() -> None:
    permissions = Group.objects.get(name="Operators").permissions.values_list("codename", flat=True)
    assert {"operate_webhook", "resend_mail", "retry_job", "view_procrastinatejob"} <= set(permissions)
    assert StaffClient(a_superuser()).get("/admin/").status_code == 200
