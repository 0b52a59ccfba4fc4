"""How a partner's system signs in."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from common import clock
from common.principals import PartnerPrincipal
from enrollments import services as enrollments


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. The key is read anew, so a revoked one is refused at once."""

    when_missing = "This is for partners' systems: send `Authorization: Api-Key <key>`."
    when_wrong = "The key is not a live one: it is wrong, expired or revoked."

    def authenticate_header(self, request: Any) -> str:
        return 'Api-Key realm="api"'

    def authenticate(self, request: Any) -> tuple[PartnerPrincipal, None] | None:
        """The partner whose key was sent, None if none was.

        Raises:
            AuthenticationFailed: it is no live key.
        """
        scheme, _, key = get_authorization_header(request).partition(b" ")
        # The name of a scheme is without case (RFC 9110, section 11.1).
        if scheme.lower() != b"api-key":
            return None
        partner_id = None
        if key.isascii() and b"\0" not in key:
            partner_id = enrollments.authenticate(key=key.strip().decode(), now=clock.now())
        if partner_id is None:
            raise AuthenticationFailed
        return PartnerPrincipal(pk=partner_id), None
