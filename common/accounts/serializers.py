"""The shapes of accounts on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.fields import Constant, Line, PublicId, Text
from common.texts import NO_EMAIL, fault_of_email
from common.wire import Body, View


class Email(serializers.EmailField):
    """An email address, whose part before the @ is ASCII."""

    default_error_messages = {"invalid": NO_EMAIL, "not_text": "Must be a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        email = str(super().to_internal_value(data))
        if fault_of_email(email) == NO_EMAIL:
            self.fail("invalid")
        return email


class RegisterBody(Body):
    """A new account."""

    email = Email(max_length=254, help_text="Unique without regard to case.")
    password = Text(
        max_length=128,
        trim_whitespace=False,
        help_text="At least 8 characters; no common one, not only digits, not close to the email or the name.",
    )
    display_name = Line(max_length=100)

    example: ClassVar = {"email": "ada@example.org", "password": "correct horse battery", "display_name": "Ada"}


class SignInBody(Body):
    """Who signs in."""

    email = Text(max_length=254)
    password = Text(max_length=128, trim_whitespace=False)

    example: ClassVar = {"email": "ada@example.org", "password": "correct horse battery"}


class RefreshBody(Body):
    """A refresh token."""

    refresh = Text(max_length=2000)

    example: ClassVar = {"refresh": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"}


class ProfileBody(Body):
    """What a person may change of themselves."""

    display_name = Line(max_length=100, required=False)

    example: ClassVar = {"display_name": "Ada L."}


class UserView(View):
    """A person, as they see themselves."""

    id = PublicId(ids.USER)
    email = serializers.EmailField()
    display_name = serializers.CharField()
    created_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": examples.PERSON,
        "email": "ada@example.org",
        "display_name": "Ada",
        "created_at": "2026-11-20T09:12:44.031337Z",
    }


class TokenPairView(View):
    """An access token, its lifetime in seconds, and the refresh token for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = Constant("Bearer")
    expires_in = serializers.IntegerField(min_value=1, help_text="Seconds that `access` is good for.")

    example: ClassVar = {
        "access": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl",
        "refresh": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": 900,
    }
