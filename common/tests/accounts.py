"""An account and its tokens, as a client asks for them."""

from typing import Any

from django.http import HttpResponse

from common.tests.factories import PASSWORD, ApiClient, client_of

ADA = {"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada"}
SIGN_IN = {"email": ADA["email"], "password": PASSWORD}


def register(**changes: Any) -> HttpResponse:
    """The answer to Ada, who registers, or to somebody who differs from her in `changes`."""
    return client_of().post("auth/register", {**ADA, **changes})


def sign_in(**changes: Any) -> HttpResponse:
    """The answer to Ada, who signs in, or to somebody who differs from her in `changes`."""
    return client_of().post("auth/token", {**SIGN_IN, **changes})


def refresh(token: str) -> HttpResponse:
    """The answer to who wants a new pair for this refresh token."""
    return client_of().post("auth/token/refresh", {"refresh": token})


def revoke(token: str) -> HttpResponse:
    """The answer to who signs out with this refresh token."""
    return client_of().post("auth/token/revoke", {"refresh": token})


def bearer(token: str) -> ApiClient:
    """Whoever has this access token."""
    return ApiClient(headers={"Authorization": f"Bearer {token}"})


def pair() -> dict[str, Any]:
    """The tokens of Ada, who has registered."""
    register()
    body: dict[str, Any] = sign_in().json()
    return body


def patch_me(client: ApiClient, body: Any) -> HttpResponse:
    """The answer to a client who changes their profile."""
    return client.patch("users/me", body, content_type="application/json")
