"""The operators' pages in a real browser: offline, under the strict policy, for everybody, on any screen."""

from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from common import db, jobs
from common.mail import jobs as mail_jobs
from common.models import Mail, Webhook, WebhookDelivery
from common.tests import sample_jobs
from common.tests.browser import a_page, sign_in
from common.tests.crowds import a_worker, many_deliveries, many_mails
from common.tests.factories import PASSWORD, a_person, client_of, staff_member
from common.tests.staff import address
from common.tests.webhooks import hand_on
from courses.tests.factories import crs
from enrollments.tests.factories import a_full_course

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "operator@example.org"


def a_failed_job(path: Path) -> int:
    with transaction.atomic():
        jobs.defer(sample_jobs.fail, path=str(path))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            jobs.run_pending()
        db.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    ((job_id,),) = db.fetch_all("SELECT id FROM procrastinate_jobs WHERE status = 'failed'")
    return int(job_id)


def a_request() -> str:
    """The id of a request that caused events, a job and a mail."""
    course_id, _seated, _waiting = a_full_course(waiting=1)
    client_of(staff_member(), X_Request_ID="wider-1").patch(f"courses/{crs(course_id)}", {"capacity": 2})
    jobs.run_pending()
    hand_on()
    mail_jobs.hand_on()
    return "wider-1"


def test_every_page_keeps_to_itself_and_is_for_everybody(live_server: LiveServer, tmp_path: Path) -> None:
    operator = a_person(email=EMAIL, is_staff=True, groups=("Operators",))
    operator.set_password(PASSWORD)
    operator.save()
    request_id = a_request()
    job_id = a_failed_job(tmp_path / "lines")
    a_worker()
    many_deliveries(3)
    many_mails(3)
    ((worker_id,),) = db.fetch_all("SELECT id FROM procrastinate_workers")
    webhook, delivery, mail = (each.objects.latest("id").pk for each in (Webhook, WebhookDelivery, Mail))
    paths = [
        *("/admin/", "/admin/procrastinate/procrastinatejob/", "/admin/procrastinate/procrastinateworker/"),
        address("procrastinate_procrastinatejob_change", job_id),
        address("procrastinate_procrastinateworker_change", worker_id),
        *("/admin/common/webhook/", "/admin/common/webhookdelivery/?status=pending", "/admin/common/mail/"),
        *(address(f"common_webhook_{page}", webhook) for page in ("change", "disable", "enable")),
        *(address("common_webhookdelivery_change", delivery), address("common_mail_change", mail)),
        *(address("common_event_changelist"), address("common_event_request", request_id)),
    ]
    host = urlsplit(live_server.url).netloc
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url, email=EMAIL)
        for path in paths:
            answer = page.goto(f"{live_server.url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            watched.check(host=host)
            watched.check_accessibility()
            watched.check_width(400)
            watched.check_width(1280)
        page.goto(f"{live_server.url}{address('procrastinate_procrastinatejob_change', job_id)}")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".messagelist")).to_contain_text("waits for a worker")


def test_on_the_overview_nothing_touches_what_is_above(live_server: LiveServer) -> None:
    a_full_course(waiting=1)
    a_person(email=EMAIL, is_staff=True, is_superuser=True, password=make_password(PASSWORD))
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url, email=EMAIL)
        page.goto(f"{live_server.url}/admin/")
        expect(page.locator("#invariants")).to_be_visible()
        edges = page.locator(".panel:not(.charts .panel)").evaluate_all(
            "panels => panels.map(panel => panel.getBoundingClientRect()).map(box => [box.top, box.bottom])"
        )
        assert len(edges) > 2
        assert all(top - bottom >= 10 for (_, bottom), (top, _) in pairwise(edges))
