"""Accounts over HTTP: registering, signing in and out, one's own profile."""

import re
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.http import HttpResponse
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from common.models import User
from common.tests.factories import PASSWORD, ApiClient, a_person, client_of, staff_member, usr
from common.tests.problems import pointers, refused
from common.tests.races import holding, rival
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs

ADA = {"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada"}
SIGN_IN = {"email": ADA["email"], "password": PASSWORD}
CHALLENGE = 'Bearer realm="api"'
DEEP = f"Bearer {urlsafe_b64encode(b'[' * 5_000).decode()}.e30.e30"


def register(**changes: Any) -> HttpResponse:
    return client_of().post("auth/register", {**ADA, **changes})


def sign_in(**changes: Any) -> HttpResponse:
    return client_of().post("auth/token", {**SIGN_IN, **changes})


def refresh(token: str) -> HttpResponse:
    return client_of().post("auth/token/refresh", {"refresh": token})


def revoke(token: str) -> HttpResponse:
    return client_of().post("auth/token/revoke", {"refresh": token})


def bearer(token: str) -> ApiClient:
    return ApiClient(headers={"Authorization": f"Bearer {token}"})


def pair() -> dict[str, Any]:
    """The tokens of Ada, who has registered."""
    register()
    body: dict[str, Any] = sign_in().json()
    return body


def patch_me(client: ApiClient, body: Any) -> HttpResponse:
    return client.patch("users/me", body, content_type="application/json")


@pytest.mark.django_db
class TestRegister:
    def test_makes_an_account(self) -> None:
        response = register()
        person = User.objects.get()
        assert response.status_code == 201
        body = response.json()
        assert {**body, "created_at": ""} == {
            "id": usr(person.pk),
            "email": "ada@example.org",
            "display_name": "Ada",
            "created_at": "",
        }
        assert re.fullmatch(r"usr_[0-7][0-9a-hjkmnp-tv-z]{25}", body["id"])
        assert datetime.fromisoformat(body["created_at"]) == person.created_at
        assert body["created_at"].endswith("Z")

    def test_makes_nobody_staff_and_keeps_no_password_in_clear(self) -> None:
        register()
        person = User.objects.get()
        assert (person.is_staff, person.is_superuser, person.groups.count()) == (False, False, 0)
        assert PASSWORD not in person.password

    @pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@Example.Org", " ada@example.org "])
    def test_takes_each_email_once_whatever_its_case(self, email: str) -> None:
        register()
        with nothing_changed():
            refused(register(email=email), 409, "email_already_registered")

    def test_keeps_the_email_as_it_was_written(self) -> None:
        assert register(email="Ada.L@Example.org").json()["email"] == "Ada.L@Example.org"

    @pytest.mark.parametrize("email", ["a+b@example.org", "a@sub.example.org", "a@例え.jp", "x" * 64 + "@example.org"])
    def test_takes_every_email_that_can_be_one(self, email: str) -> None:
        assert register(email=email).json()["email"] == email

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@b",
            "a b@example.org",
            "<ada@example.org>",
            "ada@example.org,bob@example.org",
            "ada@@example.org",
            "ada@example..org",
            "é@example.org",
            "\u017fam@example.org",
            "\u212aim@example.org",
            "ada@example.org\nBcc: bob@example.org",
            "x" * 250 + "@example.org",
        ],
    )
    def test_refuses_what_is_no_email(self, email: str) -> None:
        with nothing_changed():
            assert pointers(register(email=email)) == {"/email"}

    @pytest.mark.parametrize(
        "password",
        ["", "short", "1234567890123", "password", "qwertyuiop", "ada@example.org", "Ada Lovelace", "x" * 129],
    )
    def test_refuses_weak_passwords(self, password: str) -> None:
        with nothing_changed():
            assert pointers(register(password=password, display_name="Ada Lovelace")) == {"/password"}

    def test_says_everything_that_is_wrong_with_a_password(self) -> None:
        errors = refused(register(password="123456"), 400, "invalid_request")["errors"]
        assert [entry["code"] for entry in errors] == ["weak_password"] * 3
        assert "at least 8 characters" in errors[0]["detail"]

    def test_needs_no_token_and_looks_at_none(self) -> None:
        assert bearer("expired").post("auth/register", ADA).status_code == 201


@pytest.mark.django_db
class TestSignIn:
    def test_gives_a_pair_of_tokens(self) -> None:
        register()
        response = sign_in()
        body = response.json()
        assert response.status_code == 200
        assert set(body) == {"access", "refresh", "token_type", "expires_in"}
        assert body["token_type"] == "Bearer"
        claims = jwt.decode(body["access"], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == body["expires_in"]
        assert bearer(body["access"]).get("users/me").json()["email"] == ADA["email"]

    def test_is_not_for_caches(self) -> None:
        tokens = pair()
        assert sign_in()["Cache-Control"] == "no-store"
        assert refresh(tokens["refresh"])["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("email", ["ADA@EXAMPLE.ORG", "Ada@example.org", " ada@example.org"])
    def test_heeds_no_case_of_the_email(self, email: str) -> None:
        register()
        assert sign_in(email=email).status_code == 200

    def test_says_the_same_whatever_is_wrong(self) -> None:
        register()
        client_of().post("auth/register", {**ADA, "email": "gone@example.org"})
        User.objects.filter(email="gone@example.org").update(is_active=False)
        a_person(email="no-password@example.org", password="!unusable")
        answers = [
            sign_in(password="wrong"),
            sign_in(password=PASSWORD.upper()),
            sign_in(email="nobody@example.org"),
            sign_in(email="not an email"),
            sign_in(email="gone@example.org"),
            sign_in(email="no-password@example.org"),
        ]
        bodies = [{**refused(answer, 401, "invalid_credentials"), "request_id": ""} for answer in answers]
        assert all(body == bodies[0] for body in bodies)
        headers = [{**answer.headers, "X-Request-ID": "", "Content-Length": ""} for answer in answers]
        assert all(each == headers[0] for each in headers)
        assert headers[0]["WWW-Authenticate"] == CHALLENGE

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "gone@example.org", "none@example.org"])
    def test_hashes_one_password_and_looks_once_whoever_it_is(
        self, email: str, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        register()
        password = User.objects.get().password
        a_person(email="gone@example.org", password=password, is_active=False)
        a_person(email="none@example.org", password="!unusable")
        hashed, encode = [], MD5PasswordHasher.encode
        monkeypatch.setattr(
            MD5PasswordHasher, "encode", lambda *arguments: hashed.append(arguments) or encode(*arguments)
        )
        with django_assert_num_queries(1):
            refused(sign_in(email=email, password="wrong"), 401, "invalid_credentials")
        assert len(hashed) == 1

    def test_is_possible_with_a_token_that_has_run_out(self) -> None:
        register()
        assert bearer("expired").post("auth/token", SIGN_IN).status_code == 200


@pytest.mark.django_db
class TestRefresh:
    def test_gives_a_new_pair_and_kills_the_old_token(self) -> None:
        old = pair()
        response = refresh(old["refresh"])
        new = response.json()
        assert response.status_code == 200
        assert set(new) == set(old)
        assert new["refresh"] != old["refresh"]
        assert bearer(new["access"]).get("users/me").status_code == 200
        with nothing_changed():
            refused(refresh(old["refresh"]), 401, "unauthenticated")
        assert refresh(new["refresh"]).status_code == 200

    def test_goes_on_along_a_chain(self) -> None:
        token = pair()["refresh"]
        for _ in range(4):
            token = refresh(token).json()["refresh"]
        assert refresh(token).status_code == 200

    def test_leaves_other_sessions_alone(self) -> None:
        first, second = pair(), sign_in().json()
        refresh(first["refresh"])
        assert refresh(second["refresh"]).status_code == 200

    @pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é🎉", "null"])
    def test_refuses_what_is_no_token(self, token: str) -> None:
        response = refresh(token)
        refused(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"].startswith(CHALLENGE)

    def test_refuses_other_tokens_than_its_own(self) -> None:
        ada = a_person()
        expired = RefreshToken.for_user(ada)
        expired.set_exp(lifetime=-timedelta(seconds=1))
        forged = jwt.encode(dict(RefreshToken.for_user(ada).payload), "x" * 50, algorithm="HS256")
        unsigned = jwt.encode(dict(RefreshToken.for_user(ada).payload), "", algorithm="none")
        for token in (str(AccessToken.for_user(ada)), str(expired), forged, unsigned):
            refused(refresh(token), 401, "unauthenticated")

    def test_refuses_the_token_of_an_account_that_is_no_longer_active(self) -> None:
        tokens = pair()
        User.objects.update(is_active=False)
        with nothing_changed():
            refused(refresh(tokens["refresh"]), 401, "unauthenticated")
        User.objects.update(is_active=True)
        assert refresh(tokens["refresh"]).status_code == 200

    def test_refuses_the_token_of_an_account_that_is_deleted(self) -> None:
        tokens = pair()
        User.objects.all().delete()
        refused(refresh(tokens["refresh"]), 401, "unauthenticated")

    def test_is_possible_with_an_access_token_that_has_run_out(self) -> None:
        token = pair()["refresh"]
        assert bearer("expired").post("auth/token/refresh", {"refresh": token}).status_code == 200


@pytest.mark.django_db
class TestRevoke:
    def test_kills_the_refresh_token(self) -> None:
        tokens = pair()
        response = revoke(tokens["refresh"])
        assert (response.status_code, response.content, "Content-Type" in response) == (204, b"", False)
        refused(refresh(tokens["refresh"]), 401, "unauthenticated")

    def test_leaves_the_access_token_to_run_out(self) -> None:
        tokens = pair()
        revoke(tokens["refresh"])
        assert bearer(tokens["access"]).get("users/me").status_code == 200

    @pytest.mark.parametrize("token", ["x", "a.b.c", "é"])
    def test_of_what_never_lived_does_nothing(self, token: str) -> None:
        with nothing_changed():
            assert revoke(token).status_code == 204

    def test_of_what_is_spent_or_no_refresh_token_does_nothing(self) -> None:
        tokens = pair()
        revoke(tokens["refresh"])
        with nothing_changed():
            assert revoke(tokens["refresh"]).status_code == 204
            assert revoke(tokens["access"]).status_code == 204
        assert bearer(tokens["access"]).get("users/me").status_code == 200


@pytest.mark.django_db
class TestAccess:
    def test_is_refused_without_credentials(self) -> None:
        response = client_of().get("users/me")
        refused(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == CHALLENGE

    @pytest.mark.parametrize("header", ["Basic YTpi", "Api-Key x", "", "Token x", "Digest username=ada"])
    def test_is_refused_to_other_schemes(self, header: str) -> None:
        refused(ApiClient(headers={"Authorization": header}).get("users/me"), 401, "unauthenticated")

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer x", "Bearer a b", "Bearer a.b.c, Bearer d", "Bearer \xe9", DEEP]
    )
    def test_is_refused_to_what_is_no_token(self, header: str) -> None:
        response = ApiClient(headers={"Authorization": header}).get("users/me")
        refused(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == f'{CHALLENGE}, error="invalid_token"'

    def test_is_refused_to_other_tokens_than_its_own(self) -> None:
        ada = a_person()
        expired = AccessToken.for_user(ada)
        expired.set_exp(lifetime=-timedelta(seconds=1))
        claims = dict(AccessToken.for_user(ada).payload)
        for token in (
            str(expired),
            str(RefreshToken.for_user(ada)),
            str(AccessToken.for_user(ada))[:-3] + "abc",
            jwt.encode(claims, "x" * 50, algorithm="HS256"),
            jwt.encode(claims, "", algorithm="none"),
        ):
            refused(bearer(token).get("users/me"), 401, "unauthenticated")

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
    def test_heeds_no_case_of_the_scheme(self, scheme: str) -> None:
        token = AccessToken.for_user(a_person())
        assert ApiClient(headers={"Authorization": f"{scheme} {token}"}).get("users/me").status_code == 200

    @pytest.mark.parametrize("path", ["users/me", "enrollments", "courses", "courses/{course}"])
    def test_is_refused_to_a_deactivated_account_at_once(self, path: str) -> None:
        path = path.format(course=crs(an_open_course()))
        staff = staff_member()
        client = client_of(staff)
        assert client.get(path).status_code == 200
        User.objects.update(is_active=False)
        refused(client.get(path), 401, "unauthenticated")
        User.objects.update(is_active=True)
        assert client.get(path).status_code == 200

    def test_changes_nothing_for_an_account_that_is_gone(self) -> None:
        course = crs(an_open_course())
        gone, inactive = a_person(), staff_member(is_active=False)
        clients = [client_of(gone), client_of(inactive)]
        gone.delete()
        with nothing_changed():
            for client in clients:
                refused(client.post(f"courses/{course}/enrollments"), 401, "unauthenticated")
                refused(client.post("courses", {"title": "Knots"}), 401, "unauthenticated")
                refused(patch_me(client, {"display_name": "A"}), 401, "unauthenticated")

    def test_lasts_a_quarter_of_an_hour(self) -> None:
        assert settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] == timedelta(minutes=15)
        assert pair()["expires_in"] == 900


@pytest.mark.django_db
class TestMe:
    def test_is_the_account_of_the_caller(self) -> None:
        ada = a_person(email="ada@example.org", display_name="Ada")
        a_person()
        body = client_of(ada).get("users/me").json()
        assert {**body, "created_at": ""} == {
            "id": usr(ada.pk),
            "email": "ada@example.org",
            "display_name": "Ada",
            "created_at": "",
        }

    def test_may_go_by_another_name(self) -> None:
        ada, bob = a_person(), a_person(display_name="Bob")
        response = patch_me(client_of(ada), {"display_name": "Ada L."})
        assert (response.status_code, response.json()["display_name"]) == (200, "Ada L.")
        assert response.json() == client_of(ada).get("users/me").json()
        bob.refresh_from_db()
        assert bob.display_name == "Bob"

    @pytest.mark.parametrize("field", ["email", "id", "password", "is_staff", "created_at"])
    def test_may_change_nothing_else(self, field: str) -> None:
        client = client_of(a_person())
        with nothing_changed():
            assert pointers(patch_me(client, {"display_name": "A", field: "x"})) == {f"/{field}"}

    def test_is_for_nobody_without_a_token(self) -> None:
        refused(client_of().get("users/me"), 401, "unauthenticated")
        refused(patch_me(client_of(), {"display_name": "A"}), 401, "unauthenticated")


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_with_one_email_make_one_account(self) -> None:
        with holding(register) as first, rival(lambda: register(email="ADA@example.org")) as second:
            assert second.waits_for(first)
            first.commit()
            assert first.result().status_code == 201
            refused(second.result(), 409, "email_already_registered")
        assert User.objects.count() == 1

    def test_with_one_email_let_the_second_in_when_the_first_comes_to_nothing(self) -> None:
        with holding(register) as first, rival(lambda: register(email="ADA@example.org")) as second:
            assert second.waits_for(first)
            first.undo()
            assert second.result().status_code == 201
        assert User.objects.get().email == "ADA@example.org"

    def test_with_one_refresh_token_get_one_pair(self) -> None:
        token = pair()["refresh"]
        with holding(lambda: refresh(token)) as first, rival(lambda: refresh(token)) as second:
            assert second.waits_for(first)
            first.commit()
            assert first.result().status_code == 200
            refused(second.result(), 401, "unauthenticated")

    def test_revoking_and_refreshing_do_not_both_win(self) -> None:
        token = pair()["refresh"]
        with holding(lambda: revoke(token)) as first, rival(lambda: refresh(token)) as second:
            assert second.waits_for(first)
            first.commit()
            refused(second.result(), 401, "unauthenticated")
