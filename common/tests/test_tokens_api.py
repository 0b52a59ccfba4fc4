"""Tokens over HTTP: signing in and out, going on with a new pair, and what a token opens."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from common.models import User
from common.tests.accounts import ADA, SIGN_IN, bearer, pair, patch_me, refresh, register, revoke, sign_in
from common.tests.factories import PASSWORD, ApiClient, a_person, client_of, staff_member
from common.tests.problems import refused
from common.tests.races import holding, rival
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs

CHALLENGE = 'Bearer realm="api"'
DEEP = f"Bearer {urlsafe_b64encode(b'[' * 5_000).decode()}.e30.e30"


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


@pytest.mark.django_db(transaction=True)
class TestRivals:
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
