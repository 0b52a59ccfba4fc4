"""What pages need and the API does not: sessions, and what rests on them.

The API knows a caller by the Authorization header alone: for it no cookie is read, and none is set.
"""

from collections.abc import Callable

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse

_API = "/api/v1/"


class _PagesOnly:
    get_response: Callable[[HttpRequest], HttpResponse]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[no-any-return]


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Sessions."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """Who is signed in by the session."""


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """What one page tells on the next."""
