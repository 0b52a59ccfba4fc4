"""What people are told by mail: of which events, in which words, and once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.db.models import F

from common import ids, jobs
from common.events import services as events
from common.mail import composing, services
from common.mail import jobs as mail_jobs
from common.mail.errors import MailUnderWay
from common.models import Event, FeedReader, Mail, User
from common.tests.factories import a_person
from common.tests.mail_server import MailServer, mail_server
from common.tests.races import holding, rival, wave
from courses.tests.factories import an_open_course, change
from enrollments.tests.factories import a_full_course, a_partner, an_enrollment, enroll, through_partner, withdraw
from reviews.tests.factories import APPROVE, HIDE, a_held_review, a_reason, a_review, decide, moderator, report_by, undo


def hand_on() -> None:
    """What a worker does every second."""
    while events.place_committed():
        pass
    mail_jobs.hand_on()


def deliver() -> list[Any]:
    """All mails that are due have been sent. Returns those that are new."""
    before = len(django_mail.outbox)
    hand_on()
    jobs.run_pending()
    return django_mail.outbox[before:]


def forget_what_was() -> None:
    """Nobody is told of what it took to set the scene."""
    hand_on()
    Mail.objects.all().delete()


def pass_time(seconds: float) -> None:
    span = timedelta(seconds=seconds)
    Mail.objects.update(due_at=F("due_at") - span, since=F("since") - span)


def html_of(mail: EmailMultiAlternatives) -> str:
    ((content, media_type),) = mail.alternatives
    assert media_type == "text/html"
    return str(content)


@pytest.mark.django_db
class TestWords:
    def test_of_an_enrollment(self) -> None:
        ada = a_person(display_name="Ada", email="ada@example.org")
        course = an_open_course(title="Bread & Roses <1>")
        enroll(course, ada.pk)
        (mail,) = deliver()

        assert (mail.to, mail.subject) == (["ada@example.org"], "You are enrolled in Bread & Roses <1>")
        assert mail.body.startswith("Hello Ada,\n\nyou have a seat in “Bread & Roses <1>”.\n")
        assert "<strong>Bread &amp; Roses &lt;1&gt;</strong>" in html_of(mail)
        assert mail.from_email == "Lectern <lectern@localhost>"

    def test_of_an_enrollment_through_a_partner(self) -> None:
        through_partner(a_partner(), an_open_course())
        (mail,) = deliver()

        assert "Your organization has enrolled you." in mail.body
        assert "Your organization has enrolled you." in html_of(mail)

    def test_are_for_nobody_without_an_email(self) -> None:
        # As people of an identity provider can be, which has not verified their emails.
        enroll(an_open_course(), a_person(email="0a1b@no-mail.invalid").pk)
        assert deliver() == []
        assert [(mail.status, mail.fault) for mail in Mail.objects.all()] == [("failed", "This person has no email.")]

    def test_of_a_place_in_line_and_of_the_promotion_from_it(self) -> None:
        course, (seated,), _ = a_full_course(title="Knots", waiting=1)
        forget_what_was()
        bea = a_person(email="bea@example.org")
        enroll(course, bea.pk)
        (waitlisted,) = deliver()
        withdraw(course, seated)
        (other,) = deliver()
        withdraw(course, User.objects.get(email=other.to[0]).pk)
        (promoted,) = deliver()

        assert (waitlisted.subject, waitlisted.to) == ("You are on the waitlist of Knots", ["bea@example.org"])
        assert "at position 2" in waitlisted.body
        assert "at position 2" in html_of(waitlisted)
        assert (promoted.subject, promoted.to) == ("You have a seat in Knots", ["bea@example.org"])
        assert "it is your turn" in promoted.body

    def test_of_a_decision_with_its_public_reason_and_without_its_private_note(self) -> None:
        reason = a_reason("rude", "Please say it <kindly>.", decision=HIDE)
        review = a_held_review()
        forget_what_was()
        decide(review, HIDE, reason=reason, note="the third time this week")
        (mail,) = deliver()

        assert mail.to == [review.author.email]
        assert mail.subject.endswith("was taken down")
        assert "Please say it <kindly>." in mail.body
        assert "Please say it &lt;kindly&gt;." in html_of(mail)
        assert "third time" not in mail.body + html_of(mail)

    @pytest.mark.parametrize(("was_public", "said"), [(False, "It is public now."), (True, "It stays public.")])
    def test_of_an_approval(self, was_public: bool, said: str) -> None:
        review = a_review() if was_public else a_held_review()
        if was_public:
            report_by(review, people=1)
        forget_what_was()
        decide(review, APPROVE)
        (mail,) = deliver()

        assert mail.subject.endswith("is public")
        assert said in mail.body
        assert said in html_of(mail)

    def test_are_those_of_the_course_as_it_is_called_now(self) -> None:
        course = an_open_course(title="Knots")
        enroll(course)
        change(course, title="Knots\u2028and\tbends")
        (mail,) = deliver()

        assert mail.subject == "You are enrolled in Knots and bends"


@pytest.mark.django_db
class TestReasonsToWrite:
    def test_are_these_and_no_others(self) -> None:
        assert set(composing.letters()) == {
            "enrollment.created",
            "waitlist.joined",
            "waitlist.promoted",
            "review.approved",
            "review.hidden",
        }

    def test_are_not_what_people_do_themselves(self) -> None:
        course = an_open_course()
        ada = a_person()
        an_enrollment(course, ada.pk)
        a_review(course, ada)
        forget_what_was()
        withdraw(course, ada.pk)

        assert deliver() == []

    def test_include_a_decision_that_is_taken_back(self) -> None:
        review, person = a_held_review(), moderator()
        decide(review, HIDE, moderator=person)
        forget_what_was()
        undo(review, person)

        assert deliver() == []  # it waits again, as before
        assert Event.objects.filter(type="review.held").count() == 2


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
