"""What people are told by mail: of which events, and in which words."""

import pytest
from django.core.mail import EmailMultiAlternatives

from common.mail import composing
from common.models import Event, Mail, User
from common.tests.factories import a_person
from common.tests.mails import deliver, forget_what_was
from courses.tests.factories import an_open_course, change
from enrollments.tests.factories import a_full_course, a_partner, an_enrollment, enroll, through_partner, withdraw
from reviews.tests.factories import APPROVE, HIDE, a_held_review, a_reason, a_review, decide, moderator, report_by, undo


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
