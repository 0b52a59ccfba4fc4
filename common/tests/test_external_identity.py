"""The tokens of a company's identity provider open the API beside our own; whoever it sends has an account."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import time as now
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rest_framework_simplejwt.tokens import AccessToken

from common.accounts import external, issuer_keys
from common.models import ExternalIdentity, User
from common.tests.factories import PASSWORD, ApiClient, a_person, client_of, staff_member, usr
from common.tests.issuer import AUDIENCE, Issuer, an_issuer
from common.tests.problems import refused
from common.tests.races import holding, rival
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs

ADA = {"email": "ada@example.org", "email_verified": True, "name": "Ada"}


class Time:
    """What `common.accounts.issuer_keys` takes for the time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """A clock that stands still until a test moves it on."""
    made = Time()
    monkeypatch.setattr(issuer_keys, "time", made)
    return made


@pytest.fixture
def issuer(settings: Any, time: Time) -> Iterator[Issuer]:
    """The provider whose tokens are taken."""
    with an_issuer() as made:
        settings.AUTH_JWKS_URL, settings.AUTH_ISSUER, settings.AUTH_AUDIENCE = f"{made.url}/keys", made.url, AUDIENCE
        external._keys.cache_clear()
        yield made
        external._keys.cache_clear()


def bearer(token: str) -> ApiClient:
    return client_of(Authorization=f"Bearer {token}")


def me(token: str) -> Any:
    return bearer(token).get("users/me")


def shut_out(token: str) -> None:
    """The token is no good, and has left no trace."""
    with nothing_changed():
        response = me(token)
    refused(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


def sign_in(email: str = "ada@example.org") -> Any:
    return client_of().post("auth/token", {"email": email, "password": PASSWORD})


def register(email: str = "ada@example.org") -> User:
    client_of().post("auth/register", {"email": email, "password": PASSWORD, "display_name": "Ada"})
    return User.objects.get(email=email)


@pytest.mark.django_db
class TestTokens:
    def test_are_good_for_what_our_own_are(self, issuer: Issuer) -> None:
        ada = bearer(issuer.token(**ADA))
        assert ada.post(f"courses/{crs(an_open_course())}/enrollments").status_code == 201
        assert len(ada.get("enrollments").json()["data"]) == 1
        refused(ada.post("courses", {"title": "Knots"}), 403, "permission_denied")
        refused(ada.get("partner/enrollments"), 401, "unauthenticated")

    def test_of_our_own_go_on(self, issuer: Issuer) -> None:
        assert client_of(a_person()).get("users/me").status_code == 200
        assert issuer.fetches == 0

    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": "another"},
            {"aud": None},
            {"iss": "https://another.example"},
            {"iss": None},
            {"exp": None},
            {"exp": int(now()) - 40},
            {"exp": "tomorrow"},
            {"nbf": int(now()) + 86_400},  # this is read when the suite begins
            {"sub": None},
            {"sub": ""},
            {"sub": 5},
            {"sub": "a\0"},
            {"sub": "x" * 256},
        ],
    )
    def test_need_every_claim_to_be_right(self, issuer: Issuer, claims: dict[str, Any]) -> None:
        shut_out(issuer.token(**{**ADA, **claims}))

    def test_may_have_run_out_half_a_minute_ago(self, issuer: Issuer) -> None:
        assert me(issuer.token(exp=int(now()) - 10)).status_code == 200

    def test_need_a_signature_of_the_provider(self, issuer: Issuer) -> None:
        claims = jwt.decode(issuer.token(), options={"verify_signature": False})
        stranger = Issuer(1)
        shut_out(jwt.encode(claims, stranger.keys["first"], algorithm="ES256", headers={"kid": "first"}))
        shut_out(jwt.encode(claims, issuer.keys["first"], algorithm="ES256"))
        deep = urlsafe_b64encode(b"[" * 5_000).decode()
        for part in (
            "x.y.z",
            f"{deep}.e30.e30",
            "W10.e30.e30",
            "ImFsZyI.e30.e30",
            issuer.token()[:-4] + "AAAA",
            issuer.token().rsplit(".", 1)[0] + ".",
        ):
            shut_out(part)

    def test_without_a_signature_are_none(self, issuer: Issuer) -> None:
        claims = jwt.decode(issuer.token(), options={"verify_signature": False})
        for algorithm in ("none", "None", "NONE"):
            header = urlsafe_b64encode(b'{"typ":"JWT","kid":"first","alg":"%s"}' % algorithm.encode())
            payload = jwt.encode(claims, "x" * 32, algorithm="HS256").split(".")[1]
            shut_out(f"{header.decode().rstrip('=')}.{payload}.")

    def test_signed_with_the_public_key_as_a_secret_are_none(self, issuer: Issuer) -> None:
        public = issuer.keys["first"].public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        # By hand, since PyJWT refuses to sign like that.
        header = urlsafe_b64encode(b'{"typ":"JWT","kid":"first","alg":"HS256"}').rstrip(b"=")
        content = header + b"." + issuer.token().split(".")[1].encode()
        signature = urlsafe_b64encode(hmac.digest(pem, content, "sha256")).rstrip(b"=")
        shut_out(f"{content.decode()}.{signature.decode()}")

    def test_signed_with_another_kind_of_key_than_the_published_are_none(self, issuer: Issuer) -> None:
        claims = jwt.decode(issuer.token(), options={"verify_signature": False})
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        shut_out(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "first"}))

    def test_of_nobodys_provider_are_none_where_none_is_set(self, issuer: Issuer, settings: Any) -> None:
        settings.AUTH_JWKS_URL = ""
        shut_out(issuer.token(**ADA))
        assert issuer.fetches == 0

    def test_of_our_own_kind_are_none_when_they_claim_to_be_the_providers(self, issuer: Issuer) -> None:
        token = AccessToken.for_user(a_person())
        claims = {**token.payload, "iss": issuer.url, "aud": AUDIENCE}
        shut_out(jwt.encode(claims, "x" * 50, algorithm="HS256", headers={"kid": "first"}))


@pytest.mark.django_db
class TestKeys:
    def test_are_fetched_once(self, issuer: Issuer) -> None:
        assert [me(issuer.token()).status_code for _ in range(3)] == [200] * 3
        assert issuer.fetches == 1

    def test_that_are_new_are_found(self, issuer: Issuer, time: Time) -> None:
        me(issuer.token())
        issuer.add_key("second")
        time.now += 10
        assert me(issuer.token(key_id="second")).status_code == 200
        assert me(issuer.token()).status_code == 200
        assert issuer.fetches == 2

    def test_that_are_withdrawn_are_soon_no_longer_good(self, issuer: Issuer, time: Time) -> None:
        token = issuer.token()
        assert me(token).status_code == 200
        issuer.keys = {}
        issuer.add_key("second")
        time.now += 300
        shut_out(token)

    def test_that_nobody_has_are_looked_for_once_in_a_while(self, issuer: Issuer, time: Time) -> None:
        me(issuer.token())
        stranger = Issuer(1)
        for number in range(21):
            stranger.add_key(f"made-up-{number}")
            shut_out(stranger.token(key_id=f"made-up-{number}", iss=issuer.url))
            time.now += 1
        assert issuer.fetches == 3

    @pytest.mark.parametrize("is_up", [True, False])
    def test_that_many_ask_for_at_once_are_fetched_once(self, issuer: Issuer, *, is_up: bool) -> None:
        issuer.is_up = is_up
        keys = issuer_keys.IssuerKeys(f"{issuer.url}/keys")

        def find(_number: int) -> bool:
            try:
                return keys.find("first") is not None
            except issuer_keys.ProviderAway:
                return False

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(find, range(16))) == {is_up}
        assert issuer.fetches == 1

    def test_go_on_while_the_provider_is_away(self, issuer: Issuer, time: Time) -> None:
        token = issuer.token()
        me(token)
        issuer.is_up = False
        for _ in range(3):
            time.now += 300
            assert me(token).status_code == 200
        assert issuer.fetches == 4

    def test_that_never_came_leave_the_question_open(self, issuer: Issuer, time: Time) -> None:
        issuer.is_up = False
        refused(me(issuer.token()), 503, "dependency_unavailable")
        assert client_of(a_person()).get("users/me").status_code == 200
        issuer.is_up = True
        time.now += 10
        assert me(issuer.token()).status_code == 200

    def test_with_which_anybody_could_sign_are_left_out(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        shared = {"kty": "oct", "k": "eA" * 32, "kid": "shared", "alg": "HS256"}
        published = issuer.key_set()
        monkeypatch.setattr(issuer, "key_set", lambda: {"keys": [*published["keys"], shared]})
        keys = issuer_keys.IssuerKeys(f"{issuer.url}/keys")
        assert keys.find("first") is not None
        assert keys.find("shared") is None


@pytest.mark.django_db
class TestFirstSight:
    def test_makes_an_account_without_a_password(self, issuer: Issuer) -> None:
        body = me(issuer.token(**ADA)).json()
        person = User.objects.get()
        assert (body["id"], body["email"], body["display_name"]) == (usr(person.pk), "ada@example.org", "Ada")
        assert (person.is_staff, person.is_superuser, person.has_usable_password()) == (False, False, False)
        identity = ExternalIdentity.objects.get()
        assert (identity.issuer, identity.subject, identity.person_id) == (issuer.url, "ada", person.pk)

    def test_is_once_whatever_the_provider_says_later(self, issuer: Issuer) -> None:
        me(issuer.token(**ADA))
        with nothing_changed():
            assert me(issuer.token(email="other@example.org", email_verified=True)).json()["display_name"] == "Ada"

    @pytest.mark.parametrize(
        "claims",
        [
            {},
            {"email": "ada@example.org"},
            {"email": "ada@example.org", "email_verified": False},
            {"email": "ada@example.org", "email_verified": "true"},
            {"email": "nonsense", "email_verified": True},
            {"email": ["ada@example.org"], "email_verified": True},
        ],
    )
    def test_takes_no_email_that_is_not_verified(self, issuer: Issuer, claims: dict[str, Any]) -> None:
        local = register()
        body = me(issuer.token(**claims)).json()
        assert body["id"] != usr(local.pk)
        assert body["email"].endswith("@no-mail.invalid")
        assert me(issuer.token(**claims)).json() == body
        assert sign_in().status_code == 200

    @pytest.mark.parametrize("name", [None, "", "x" * 101, "a\nb", 5])
    def test_makes_do_without_a_name(self, issuer: Issuer, name: Any) -> None:
        assert me(issuer.token(name=name)).json()["display_name"] == "Learner"

    def test_of_a_verified_email_finds_the_account_and_ends_the_password_that_was_set_here(
        self, issuer: Issuer
    ) -> None:
        local = register()
        pair = sign_in().json()
        assert me(issuer.token(email="ADA@example.org", email_verified=True)).json()["id"] == usr(local.pk)
        refused(sign_in(), 401, "invalid_credentials")
        refresh = client_of().post("auth/token/refresh", {"refresh": pair["refresh"]})
        refused(refresh, 401, "unauthenticated")

    def test_leaves_staff_their_password(self, issuer: Issuer) -> None:
        staff = staff_member(email="ada@example.org")
        staff.set_password(PASSWORD)
        staff.save()
        assert bearer(issuer.token(**ADA)).post("courses", {"title": "Knots"}).status_code == 201
        assert sign_in().status_code == 200

    def test_does_not_give_somebody_new_the_account_of_who_had_the_email(self, issuer: Issuer) -> None:
        me(issuer.token("ada", **ADA))
        shut_out(issuer.token("another-ada", **ADA))

    @pytest.mark.parametrize("is_known", [True, False])
    def test_or_later_is_refused_to_who_is_deactivated(self, issuer: Issuer, *, is_known: bool) -> None:
        if is_known:
            me(issuer.token(**ADA))
            User.objects.update(is_active=False)
        else:
            a_person(email="ada@example.org", is_active=False)
        shut_out(issuer.token(**ADA))


@pytest.mark.django_db(transaction=True)
class TestRivals:
    @pytest.mark.parametrize("claims", [ADA, {}])
    def test_that_come_for_the_first_time_together_are_one_person(self, issuer: Issuer, claims: dict[str, Any]) -> None:
        token = issuer.token(**claims)
        with holding(lambda: me(token)) as first, rival(lambda: me(token)) as second:
            assert second.waits_for(first)
            first.commit()
            assert first.result().json() == second.result().json()
        assert User.objects.count() == ExternalIdentity.objects.count() == 1
