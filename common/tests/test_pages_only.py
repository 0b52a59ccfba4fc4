"""Sessions and messages are for pages; the API does without."""

import pytest
from django.test import Client

from common.tests.factories import client_of, staff_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in() -> Client:
    client = Client()
    client.force_login(staff_member())
    return client


def test_the_api_does_not_look_at_a_session(signed_in: Client) -> None:
    response = signed_in.get("/api/v1/users/me")
    assert response.status_code == 401
    assert not hasattr(response.wsgi_request, "session")


@pytest.mark.parametrize("path", ["courses", "nowhere"])
def test_the_api_sets_no_cookie(path: str) -> None:
    response = client_of(staff_member()).get(path)
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies


def test_pages_look_at_it(signed_in: Client) -> None:
    response = signed_in.get("/admin/")
    assert response.status_code == 200
    assert response.wsgi_request.session.session_key
