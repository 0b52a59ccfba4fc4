"""The admin as its users meet it."""

import re
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from common.models import User
from common.tests.factories import a_person, staff_member

REQUEST_ID = "from-the-admin"


class StaffClient(Client):
    """A browser in which `person` is signed in to the admin."""

    def __init__(self, person: User | None = None, **options: Any) -> None:
        super().__init__(headers={"X-Request-ID": REQUEST_ID}, **options)
        self.person = person or staff_member()
        self.force_login(self.person)


def a_viewer(*permissions: str) -> User:
    """Somebody who may use the admin, and has only these permissions."""
    return a_person(is_staff=True, permissions=permissions)


def a_superuser() -> User:
    """Somebody who may do everything."""
    return a_person(is_staff=True, is_superuser=True)


def address(name: str, *args: Any) -> str:
    """The address of an admin page, by its name without `admin:`."""
    return reverse(f"admin:{name}", args=args)


def text(response: HttpResponse) -> str:
    """What a page says in its main part, without tags and with single blanks."""
    html = response.content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def messages(response: HttpResponse) -> list[str]:
    """What the page after this one will say."""
    return [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]


def errors(response: HttpResponse) -> dict[str, list[str]]:
    """What the form of the page complains of, by field."""
    assert response.status_code == 200, response
    return dict(response.context["form"].errors)  # type: ignore[attr-defined]


def listed(client: StaffClient, path: str, **query: str) -> list[Any]:
    """The rows that the list at this address shows, filtered by `query`."""
    response = client.get(path, query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)
