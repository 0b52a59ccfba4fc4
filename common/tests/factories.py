"""People for tests, and requests as they would make them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import factory
from django.contrib.auth.models import Group, Permission
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from common import ids
from common.models import User
from common.tests import conformance
from common.types import Actor

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
SYSTEM = Actor(name="system:test", request_id="test")


class PersonFactory(factory.django.DjangoModelFactory[User]):
    """An active account."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"person{number}@example.org")
    display_name = factory.Faker("name")


def a_person(*, groups: tuple[str, ...] = (), permissions: tuple[str, ...] = (), **fields: Any) -> User:
    """A person who is in these groups and has these permissions. The password is PASSWORD where one is asked for."""
    person = PersonFactory(**fields)
    person.groups.set(Group.objects.filter(name__in=groups))
    for name in permissions:
        app_label, codename = name.split(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return person


def a_learner(**fields: Any) -> UUID:
    """The id of a person without any permission."""
    return a_person(**fields).pk


def staff_member(**fields: Any) -> User:
    """One of the course staff, who may use the admin."""
    return a_person(groups=("Course staff",), is_staff=True, **fields)


class ApiClient(Client):
    """A client of the API: JSON in, and what comes out is looked at as it is, once it is what the document promises."""

    def request(self, **request: Any):  # type: ignore[no-untyped-def,override]
        response = super().request(**request)
        asked = response.wsgi_request
        if asked.path.startswith(conformance.PREFIX):
            conformance.check(response, asked)
        return response

    def generic(self, method: str, path: str, data: Any = "", content_type: str = "application/json", **extra: Any):  # type: ignore[no-untyped-def,override]
        path = path if path.startswith("/") else f"/api/v1/{path}"
        return super().generic(method, path, data, content_type=content_type, **extra)

    def post(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any):  # type: ignore[no-untyped-def,override]
        """A POST; without `data` the body is empty."""
        if data is None:
            return self.generic("POST", path, content_type=content_type if extra.pop("typed", False) else "", **extra)
        return super().post(path, data, content_type=content_type, **extra)

    def patch(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any):  # type: ignore[no-untyped-def,override]
        """A PATCH; without `data` the body is empty."""
        return super().patch(path, "" if data is None else data, content_type=content_type, **extra)


def client_of(person: User | None = None, **headers: str) -> ApiClient:
    """A client signed in as `person`, or as nobody."""
    if person is not None:
        # Not by signing in, which keeps a row for the refresh token.
        headers["Authorization"] = f"Bearer {AccessToken.for_user(person)}"
    return ApiClient(headers={name.replace("_", "-"): value for name, value in headers.items()})


def usr(person_id: UUID) -> str:
    """The public id of a person."""
    return ids.encode(ids.USER, person_id)
