"""What a person may do is asked once, by one statement, and is what Django would say."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from common.accounts.permissions import Backend
from common.models import User
from common.tests.factories import PersonFactory, a_person

pytestmark = pytest.mark.django_db


def anew(person: User) -> User:
    return User.objects.get(pk=person.pk)


def given(*names: str) -> list[Permission]:
    return [
        Permission.objects.get(content_type__app_label=app, codename=name)
        for app, name in (each.split(".") for each in names)
    ]


@pytest.fixture
def person() -> User:
    """Somebody with a permission of their own, two of groups, one of them twice, beside somebody with others."""
    one, other = (Group.objects.create(name=name) for name in ("one", "other"))
    one.permissions.set(given("courses.view_course", "courses.change_course"))
    other.permissions.set(given("courses.view_course"))
    made = PersonFactory()
    made.groups.set([one, other])
    made.user_permissions.set(given("reviews.view_review"))
    PersonFactory().user_permissions.set(given("common.view_event"))
    return anew(made)


class TestWhatIsGiven:
    def test_is_their_own_and_that_of_their_groups(self, person: User) -> None:
        found = Backend().get_all_permissions(person)
        assert found == {"courses.view_course", "courses.change_course", "reviews.view_review"}
        assert found == ModelBackend().get_all_permissions(anew(person))

    def test_is_asked_once_by_one_statement(self, person: User) -> None:
        with CaptureQueriesContext(connection) as asked:
            assert person.has_perm("courses.change_course")
            assert not person.has_perm("common.view_event")
            assert person.has_module_perms("reviews")
        assert len(asked) == 1

    def test_is_nothing_for_who_has_none(self) -> None:
        assert Backend().get_all_permissions(PersonFactory()) == set()


class TestWhoHasNoneOrAll:
    def test_nobody_may_anything(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(0):
            assert not AnonymousUser().has_perm("courses.view_course")

    def test_a_deactivated_person_may_nothing(
        self, person: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        person.is_active = False
        with django_assert_num_queries(0):
            assert not person.has_perm("courses.change_course")
            assert Backend().get_all_permissions(person) == set()

    def test_a_superuser_may_everything(self) -> None:
        superuser = a_person(is_superuser=True)
        assert superuser.has_perm("courses.change_course")
        assert len(Backend().get_all_permissions(superuser)) == Permission.objects.count()
