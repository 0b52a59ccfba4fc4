"""No password, token, key or email comes where people look for faults, whatever goes wrong, through whichever door."""

import logging
import smtplib
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.db import connection, transaction
from django.test import Client

from common import jobs
from common.accounts import services as accounts
from common.mail import jobs as mail_jobs
from common.models import User
from common.tests import sample_jobs
from common.tests.factories import ApiClient, client_of
from common.tests.issuer import AUDIENCE, an_issuer
from common.tests.receiver import receiving, status
from common.tests.webhooks import hand_on
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_key, a_partner

EMAIL, PASSWORD, WRONG = "canary.ada@example.org", "canary-right horse", "canary-wrong battery"
OTHER_EMAIL = "canary.bob@example.org"


class Story:
    """What was sent and handed out that nobody else may see, and what everybody could see of it."""

    def __init__(self) -> None:
        self.secrets = {EMAIL, OTHER_EMAIL, PASSWORD, WRONG}
        self.parts: set[str] = set()
        self.problems: list[str] = []

    def ask(self, client: ApiClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request, whatever comes of it. What is said of its failure is kept."""
        client.raise_request_exception = False
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        response = getattr(client, method)(path, **content, headers=headers)
        if response.status_code >= 400:
            self.problems.append(response.content.decode() + str(response.headers))
        return response.json() if response.content else {}


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """All that was written to the log in the test, as it would have been in production."""
    written = StringIO()
    handlers = [each for each in logging.getLogger().handlers if each.name == "stderr"]
    assert handlers
    streams = [each.setStream(written) for each in handlers]  # type: ignore[attr-defined]
    with structlog.testing.capture_logs() as lines:
        yield lambda: "\n".join([written.getvalue(), *map(str, lines)])
    for handler, stream in zip(handlers, streams, strict=True):
        handler.setStream(stream)  # type: ignore[attr-defined]


def people_sign_in(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right, wrong, twice, with more than was asked for, and while the service breaks."""
    new = {"email": EMAIL, "password": PASSWORD, "display_name": "Ada"}
    anybody = client_of()
    for body in (new, new, {**new, "password": "123"}, {**new, "pass": PASSWORD}, {**new, "email": f"{EMAIL}@"}):
        story.ask(anybody, "post", "auth/register", body)
    sign_in = {"email": EMAIL, "password": PASSWORD}
    for body in (
        {**sign_in, "password": WRONG},
        {**sign_in, "email": OTHER_EMAIL},
        {**sign_in, "password": [PASSWORD]},
        {**sign_in, "password": PASSWORD * 9},
        PASSWORD,
    ):
        story.ask(anybody, "post", "auth/token", body)
    Client().post("/admin/login/", {"username": EMAIL, "password": WRONG})

    pair = story.ask(anybody, "post", "auth/token", sign_in)
    renewed = story.ask(anybody, "post", "auth/token/refresh", {"refresh": pair["refresh"]})
    story.secrets |= {pair["access"], pair["refresh"], renewed["access"], renewed["refresh"]}
    for path in ("auth/token/refresh", "auth/token/revoke"):
        story.ask(anybody, "post", path, {"refresh": pair["refresh"]})
    story.ask(client_of(Authorization=f"Bearer {pair['access']}x"), "get", "users/me")
    story.ask(anybody, "get", f"courses?password={WRONG}&token={pair['access']}")

    with monkeypatch.context() as broken:
        broken.setattr(accounts.tokens, "issue", lambda _: 1 / 0)
        story.ask(anybody, "post", "auth/token", sign_in)
        broken.setattr(accounts, "validate_password", lambda *_: breaks_a_constraint())
        story.ask(anybody, "post", "auth/register", new)
        repeated = f"{sign_in} Authorization: Bearer {pair['access']} refresh={pair['refresh']}"
        broken.setattr(accounts, "authenticate", lambda **_: raises(RuntimeError(repeated)))
        story.ask(anybody, "post", "auth/token", sign_in)


def raises(fault: Exception) -> None:
    raise fault


def breaks_a_constraint() -> None:
    User.objects.create(email=EMAIL, display_name="Ada")


def a_provider_sends_somebody(story: Story, settings: Any) -> None:
    with an_issuer() as issuer:
        settings.AUTH_JWKS_URL, settings.AUTH_ISSUER, settings.AUTH_AUDIENCE = issuer.url, issuer.url, AUDIENCE
        person = {"email": OTHER_EMAIL, "email_verified": True}
        tokens = [issuer.token(**person), issuer.token("another", **person), issuer.token(exp=1), issuer.token(aud="x")]
        story.secrets |= set(tokens)
        for token in tokens:
            story.ask(client_of(Authorization=f"Bearer {token}"), "get", "users/me")


def a_partner_calls(story: Story, settings: Any) -> None:
    """With a good key and a bad one, with a webhook that fails, and with a file whose rows are bad."""
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
    key, course = a_key(a_partner()), crs(an_open_course())
    # The digits before the last part are known to staff, who tell keys by them.
    story.parts = {key.split("_", 2)[2]}
    story.secrets |= {key, *story.parts}
    partner = client_of(Authorization=f"Api-Key {key}")
    story.ask(client_of(Authorization=f"Api-Key {key}x"), "get", "partner/enrollments")
    learner = {"external_id": "e-1", "email": EMAIL, "name": "Ada"}
    for body in ({"course_id": course, "learner": learner}, {"course_id": "crs_0", "learner": learner}):
        story.ask(partner, "post", "partner/enrollments", body)
        story.ask(partner, "post", "partner/enrollments", {**body, "learner": {**learner, "email": f"{EMAIL} "}})

    with receiving(status(500)) as receiver:
        hook = {"url": receiver.url, "event_types": ["enrollment.created", "import.completed"]}
        for _ in range(2):
            made = story.ask(partner, "post", "partner/webhooks", hook, Idempotency_Key="hook")
            story.secrets |= {made["secret"]} - {None}
        story.ask(partner, "post", "partner/webhooks", {**hook, "url": f"https://{WRONG}:{PASSWORD}@example.org"})
        rows = [
            {"course_id": course, "external_id": "e-2", "email": OTHER_EMAIL, "name": "Bob"},
            {"course_id": course, "external_id": "e-3", "email": f"{OTHER_EMAIL}@", "name": "Bob"},
            {"course_id": "crs_0", "external_id": "e-4", "email": EMAIL, "name": "Ada"},
        ]
        story.ask(partner, "post", "partner/imports", {"rows": rows})
        work()
        story.ask(partner, "post", "partner/imports", {"rows": [{**rows[0], "password": WRONG}]})


def work() -> None:
    """What a worker does, whatever fails."""
    hand_on()
    mail_jobs.hand_on()
    try:
        jobs.run_pending()
    except Exception:
        logging.getLogger("worker").exception("A job has failed")


def jobs_break(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """One repeats all that it knows, and the mail server repeats whom it refuses."""
    repeated = " ".join([f"password={WRONG!r}", *(story.secrets - {PASSWORD, WRONG, *story.parts})])
    monkeypatch.setattr(sample_jobs, "BAD_LUCK", repeated)
    with transaction.atomic():
        jobs.defer(sample_jobs.fail_at_once)
    work()
    refused = smtplib.SMTPRecipientsRefused({EMAIL: (550, f"no mailbox {EMAIL}".encode())})
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", lambda *_: raises(refused))
    work()


# Where people and their secrets are kept, and may be.
KEPT = {"common_user", "enrollments_importrow"}


def everything_kept() -> Iterator[tuple[str, str]]:
    """Every row of every table, but of those where it belongs."""
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - KEPT:
            cursor.execute(f'SELECT one::text FROM "{table}" AS one')
            yield from ((table, row) for (row,) in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_secrets_stay_secret(logged: Callable[[], str], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    people_sign_in(story, monkeypatch)
    a_provider_sends_somebody(story, settings)
    a_partner_calls(story, settings)
    jobs_break(story, monkeypatch)

    assert len(story.secrets) > 12
    assert len(story.problems) > 20
    log = logged()
    assert "ZeroDivisionError" in log
    assert "user_one_email" in log
    seen = [("log", line) for line in log.splitlines()] + [("problem", each) for each in story.problems]
    secrets = [each.casefold() for each in story.secrets]
    told = [each for each in [*seen, *everything_kept()] if any(secret in each[1].casefold() for secret in secrets)]
    assert told == []
