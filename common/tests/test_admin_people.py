"""People, groups and events, as staff see them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from common import ids
from common.models import Event, User
from common.tests.factories import PASSWORD, a_person, client_of, usr
from common.tests.staff import REQUEST_ID, StaffClient, a_superuser, a_viewer, address, listed, messages, text
from common.tests.unchanged import nothing_changed
from courses.tests.factories import crs
from enrollments.tests.factories import a_full_course, enr, row_of

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/common/user/"
EVENTS = "/admin/common/event/"


def at(person: User, page: str = "change") -> str:
    return address(f"common_user_{page}", person.pk)


def form_of(person: User, **changes: Any) -> dict[str, Any]:
    """What the form of a person would send, with these changes."""
    sent = {"email": person.email, "display_name": person.display_name, "is_active": "on", **changes}
    return {name: value for name, value in sent.items() if value is not None}


class TestPeople:
    def test_are_found_by_whole_email_and_by_id(self) -> None:
        client = StaffClient()
        ada = a_person(email="Ada@example.org", display_name="Ada Lovelace")
        for query in ("ada@EXAMPLE.org", usr(ada.pk)):
            assert listed(client, PEOPLE, q=query) == [ada]
        for query in ("ada", "Lovelace", "example.org", "%"):
            assert listed(client, PEOPLE, q=query) == []

    def test_are_filtered_by_what_they_are(self) -> None:
        client = StaffClient()
        gone, learner = a_person(is_active=False), a_person()
        assert listed(client, PEOPLE, staff="yes") == [client.person]
        assert listed(client, PEOPLE, staff="no") == [learner, gone]
        assert listed(client, PEOPLE, active="no") == [gone]
        group = Group.objects.get(name="Course staff")
        assert listed(client, PEOPLE, group=str(group.pk)) == [client.person]
        assert listed(client, PEOPLE, group="0") == []

    def test_are_there_to_read_for_staff(self) -> None:
        client, ada = StaffClient(), a_person(email="ada@example.org", display_name="Ada")
        page = client.get(at(ada))
        assert "Ada" in text(page)
        assert "ada@example.org" in text(page)
        assert "password" not in text(page).lower()
        assert "Save" not in text(page)

    @pytest.mark.parametrize("permission", ["common.view_user", "common.change_user", "common.add_user"])
    def test_are_changed_by_superusers_only(self, permission: str) -> None:
        client, ada = StaffClient(a_viewer("common.view_user", permission)), a_person()
        with nothing_changed():
            promoted = form_of(client.person, is_staff="on", is_superuser="on")
            assert client.post(at(client.person), promoted).status_code == 403
            assert client.post(address("common_user_add"), form_of(ada)).status_code == 403
            new = {"password1": PASSWORD, "password2": PASSWORD}
            assert client.post(address("auth_user_password_change", ada.pk), new).status_code == 403

    def test_can_be_made_by_superusers_with_or_without_a_password(self) -> None:
        client = StaffClient(a_superuser())
        assert client.get(address("common_user_add")).status_code == 200
        with_one = {"email": "ada@example.org", "display_name": "Ada", "usable_password": "true"}
        client.post(address("common_user_add"), {**with_one, "password1": PASSWORD, "password2": PASSWORD})
        assert User.objects.get(email="ada@example.org").check_password(PASSWORD)
        without = {"email": "bob@example.org", "display_name": "Bob", "usable_password": "false"}
        client.post(address("common_user_add"), without)
        assert not User.objects.get(email="bob@example.org").has_usable_password()

    def test_have_one_account_for_an_email(self) -> None:
        client, ada, bob = StaffClient(a_superuser()), a_person(email="ada@example.org"), a_person()
        with nothing_changed():
            page = client.post(at(bob), form_of(bob, email="ADA@example.org"))
        assert page.context["adminform"].errors == {"email": ["There is an account with this email."]}
        client.post(at(ada), form_of(ada, email="Ada@Example.org"))
        ada.refresh_from_db()
        assert ada.email == "Ada@Example.org"

    def test_are_at_a_new_version_after_a_change(self) -> None:
        ada = a_person(display_name="Ada")
        seen = client_of(ada).get("users/me")
        response = StaffClient(a_superuser()).post(at(ada), form_of(ada, display_name="Ada L."))
        assert "was changed successfully" in messages(response)[0]
        assert client_of(ada).get("users/me").json()["display_name"] == "Ada L."
        stale = client_of(ada, If_Match=seen["ETag"]).patch("users/me", {"display_name": "Countess"})
        assert stale.status_code == 412

    def test_that_are_deactivated_are_refused_at_once(self) -> None:
        ada = a_person()
        api = client_of(ada)
        StaffClient(a_superuser()).post(at(ada), form_of(ada, is_active=None))
        assert api.get("users/me").status_code == 401
        history = StaffClient(a_superuser()).get(at(ada, "history"))
        assert "Changed Active" in text(history)

    def test_keep_their_password_when_they_are_changed(self) -> None:
        ada = User.objects.create_user("ada@example.org", PASSWORD, display_name="Ada")
        StaffClient(a_superuser()).post(at(ada), form_of(ada, display_name="Ada L.", password="pwned"))
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)


class TestGroups:
    def test_say_what_they_may_do(self) -> None:
        client = StaffClient(a_superuser())
        group = Group.objects.get(name="Course staff")
        assert "change_course" in text(client.get(address("auth_group_change", group.pk)))
        assert {each.name for each in listed(client, "/admin/auth/group/")} >= {"Course staff", "Moderators"}


class TestEvents:
    def test_are_found_by_what_they_are_about(self) -> None:
        client = StaffClient(a_viewer("common.view_event"))
        course_id, (seated,), _ = a_full_course(waiting=1)
        a_full_course()
        subject = enr(row_of(course_id, seated))
        (created,) = listed(client, EVENTS, q=subject)
        assert (created.type, created.subject) == ("enrollment.created", subject)
        of_course = [event.type for event in listed(client, EVENTS, q=crs(course_id))]
        assert of_course == ["waitlist.joined", "enrollment.created", "course.opened", "course.created"]
        assert listed(client, EVENTS, q=ids.encode(ids.EVENT, created.uuid)) == [created]

    def test_are_found_by_the_request_that_caused_them(self) -> None:
        StaffClient().post(address("courses_course_new"), {"title": "Knots"})
        client = StaffClient(a_viewer("common.view_event"))
        assert [event.type for event in listed(client, EVENTS, q=REQUEST_ID)] == ["course.created"]
        assert listed(client, EVENTS, q="another") == []

    def test_are_filtered_by_type_newest_first(self) -> None:
        a_full_course(waiting=2)
        client = StaffClient(a_viewer("common.view_event"))
        joined = listed(client, EVENTS, type="waitlist.joined")
        assert [event.data["position"] for event in joined] == [2, 1]
        assert listed(client, EVENTS, type="bogus") == []

    def test_that_have_no_place_in_the_feed_yet_come_first(self) -> None:
        a_full_course(waiting=2)
        Event.objects.filter(type="waitlist.joined", data__position=1).update(position=1)
        client = StaffClient(a_viewer("common.view_event"))
        joined = listed(client, EVENTS, type="waitlist.joined")
        assert [event.position for event in joined] == [None, 1]
        assert listed(client, EVENTS)[0].type == "waitlist.joined"

    def test_show_their_data(self) -> None:
        StaffClient().post(address("courses_course_new"), {"title": "Kn<b>ts"})
        event = Event.objects.get()
        page = StaffClient(a_viewer("common.view_event")).get(address("common_event_change", event.pk))
        assert "&quot;title&quot;: &quot;Kn&lt;b&gt;ts&quot;" in page.content.decode()
        assert f"Request {REQUEST_ID}" in text(page)
