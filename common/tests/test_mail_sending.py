"""Each mail is sent once: with many senders, with a mail server that refuses or is away, and again when staff ask."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import IntegrityError, transaction
from django.db.models import F

from common import ids, jobs
from common.events import services as events
from common.mail import composing, services
from common.mail import jobs as mail_jobs
from common.mail.errors import MailUnderWay
from common.models import Event, FeedReader, Mail
from common.tests.factories import a_person
from common.tests.mail_server import MailServer, mail_server
from common.tests.mails import deliver, forget_what_was, hand_on, pass_time
from common.tests.races import holding, rival, wave
from courses.tests.factories import an_open_course
from enrollments.tests.factories import enroll, withdraw
from reviews.tests.factories import HIDE, a_held_review, decide


@pytest.mark.django_db
class TestOnce:
    def test_for_each_event_whatever_is_run_again(self) -> None:
        enroll(an_open_course())
        for _ in range(3):
            deliver()
            services.take_turn()

        assert len(django_mail.outbox) == 1

    def test_for_each_event_of_one_person(self) -> None:
        ada = a_person()
        course = an_open_course()
        for _ in range(2):
            enroll(course, ada.pk)
            withdraw(course, ada.pk)

        assert len(deliver()) == 2
        assert len({mail.extra_headers["Message-ID"] for mail in django_mail.outbox}) == 2

    def test_with_an_id_that_follows_from_the_event(self) -> None:
        enroll(an_open_course())
        (mail,) = deliver()

        event = Event.objects.get(type="enrollment.created")
        assert mail.extra_headers["Message-ID"] == f"<{ids.encode(ids.EVENT, event.uuid)}@localhost>"
        assert mail.extra_headers["Auto-Submitted"] == "auto-generated"

    def test_is_what_the_database_holds_too(self) -> None:
        enroll(an_open_course())
        hand_on()
        FeedReader.objects.update(position=0)

        with pytest.raises(IntegrityError, match="mail_one_each"), transaction.atomic():
            services.write_down()

    def test_is_not_tried_by_two_at_the_same_time(self) -> None:
        enroll(an_open_course())
        hand_on()
        assert len(services._claim()) == 1
        assert services._claim() == []

        assert deliver() == []

    def test_has_one_window_in_which_it_is_sent_again_under_the_same_id(self) -> None:
        """A worker that dies between the mail server's yes and the note of it: seen as a claim that is never noted."""
        enroll(an_open_course())
        hand_on()
        (mail,) = services._claim()
        record = services.events.get_records(keys=[mail.event_id])[mail.event_id]
        composing.compose(event=record, name=mail.name, address=mail.address).send()
        pass_time(services._CLAIM_SECONDS + 1)
        deliver()

        first, second = django_mail.outbox
        assert first.extra_headers == second.extra_headers


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_what_one_writes_down_the_other_leaves_alone(self) -> None:
        enroll(an_open_course())
        events.place_committed()
        with holding(services.write_down) as first:
            with rival(services.write_down) as second:
                assert second.result() is False
            first.commit()

        assert Mail.objects.count() == 1

    def test_what_one_did_not_live_to_commit_the_next_one_writes_down(self) -> None:
        enroll(an_open_course())
        events.place_committed()
        with rival(services.write_down, holds=True) as first:
            first.stand_still()
            first.undo()
            first.result()
        assert Mail.objects.count() == 0
        services.write_down()

        assert Mail.objects.count() == 1

    def test_many_senders_send_each_mail_once(self) -> None:
        course = an_open_course()
        people = [a_person().pk for _ in range(40)]
        for person in people:
            enroll(course, person)
        hand_on()
        wave(lambda _: services.take_turn(), range(20))

        addresses = [mail.to[0] for mail in django_mail.outbox]
        assert len(addresses) == len(set(addresses)) == 40
        assert set(Mail.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.django_db
class TestMailServer:
    @pytest.fixture
    def server(self, settings: Any) -> Iterator[MailServer]:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with mail_server() as one:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", one.port
            yield one

    def statuses(self) -> list[tuple[str, int]]:
        return list(Mail.objects.order_by("id").values_list("status", "attempts"))

    def test_gets_text_and_html(self, server: MailServer) -> None:
        enroll(an_open_course(title="Zoë’s Knots"))
        deliver()

        (mail,) = server.received
        assert mail.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in mail.get_payload()] == ["text/plain", "text/html"]
        assert mail["Auto-Submitted"] == "auto-generated"
        assert self.statuses() == [("sent", 1)]

    def test_that_knows_no_such_recipient_is_not_asked_again(self, server: MailServer) -> None:
        server.answers["RCPT"] = ["550 no such mailbox", "250 fine"]
        course = an_open_course()
        enroll(course)
        enroll(course)
        deliver()

        assert self.statuses() == [("failed", 1), ("sent", 1)]
        assert "no such mailbox" in Mail.objects.earliest("id").fault

    @pytest.mark.parametrize(
        ("command", "answer"), [("RCPT", "451 greylisted"), ("END", "452 no room"), ("MAIL", "421 busy")]
    )
    def test_that_wants_time_is_asked_again_after_a_pause(self, command: str, answer: str, server: MailServer) -> None:
        server.answers[command] = [answer, "250 fine"]
        enroll(an_open_course())
        deliver()
        assert self.statuses() == [("pending", 1)]
        assert server.received == []
        deliver()
        assert self.statuses() == [("pending", 1)]
        pass_time(90)
        deliver()

        assert self.statuses() == [("sent", 2)]
        assert len(server.received) == 1

    def test_that_never_takes_it_is_asked_for_a_day(self, server: MailServer) -> None:
        server.answers["RCPT"] = ["451 greylisted"]
        enroll(an_open_course())
        deliver()
        while Mail.objects.get().status == "pending":
            pass_time(3600)
            deliver()

        ((status, attempts),) = self.statuses()
        assert (status, 10 <= attempts <= 30) == ("failed", True)

    def test_that_hangs_up_keeps_nothing_but_the_mail_at_hand(self, server: MailServer) -> None:
        server.answers["DATA"] = ["", "354 go on"]
        course = an_open_course()
        for _ in range(3):
            enroll(course)
        deliver()
        assert self.statuses() == [("pending", 1), ("pending", 0), ("pending", 0)]
        pass_time(90)
        deliver()

        assert self.statuses() == [("sent", 2), ("sent", 1), ("sent", 1)]
        assert len(server.received) == 3

    def test_that_is_away_costs_no_attempt(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with mail_server() as gone:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", gone.port
        enroll(an_open_course())
        for _ in range(5):
            deliver()
            pass_time(90)

        assert self.statuses() == [("pending", 0)]
        assert [name for name, _ in jobs.waiting()] == []

    def test_is_not_asked_each_second_while_it_is_away(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with mail_server() as gone:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", gone.port
        enroll(an_open_course())
        deliver()
        hand_on()

        assert [name for name, _ in jobs.waiting()] == []


@pytest.mark.django_db
class TestFaults:
    def test_in_the_words_of_one_mail_do_not_keep_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        course = an_open_course()
        enroll(course)
        a_held = a_held_review()
        forget_what_was()
        enroll(course)
        decide(a_held, HIDE)
        broken = composing.letters()["review.hidden"]
        monkeypatch.setitem(
            composing._letters,
            "review.hidden",
            type(broken)(**{**{f: getattr(broken, f) for f in broken.__slots__}, "template": "no/such"}),
        )
        sent = deliver()

        assert [mail.subject.startswith("You are enrolled") for mail in sent] == [True]
        assert sorted(Mail.objects.values_list("status", flat=True)) == ["pending", "sent"]
        assert "TemplateDoesNotExist" in Mail.objects.get(status="pending").fault


@pytest.mark.django_db
class TestResend:
    def test_sends_a_mail_once_more_under_its_id(self) -> None:
        enroll(an_open_course())
        deliver()
        services.resend(mail_id=Mail.objects.get().pk)
        deliver()

        first, second = django_mail.outbox
        assert first.extra_headers == second.extra_headers

    def test_is_refused_of_what_is_still_to_be_sent_or_unknown(self) -> None:
        enroll(an_open_course())
        hand_on()
        for mail_id in (Mail.objects.get().pk, 2**60):
            with pytest.raises(MailUnderWay):
                services.resend(mail_id=mail_id)


@pytest.mark.django_db
class TestForget:
    def test_drops_what_ended_long_ago(self) -> None:
        course = an_open_course()
        for _ in range(3):
            enroll(course)
        deliver()
        oldest, old, _ = Mail.objects.order_by("id")
        Mail.objects.filter(pk=oldest.pk).update(ended_at=F("ended_at") - timedelta(days=31))
        Mail.objects.filter(pk=old.pk).update(ended_at=F("ended_at") - timedelta(days=29))
        mail_jobs.forget()

        assert list(Mail.objects.filter(pk__in=[oldest.pk, old.pk])) == [old]
        assert Mail.objects.count() == 2
