"""In production the service starts with secrets of its own, or says what is wrong and does not start."""

import os
import subprocess
import sys
from secrets import token_urlsafe

import pytest
from django.conf import settings

GOOD = token_urlsafe(50)
ENVIRONMENT = {"SECRET_KEY": GOOD, "HTTPS": "true", "ALLOWED_HOSTS": "example.org"}


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    """The settings of production are read, with these variables."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "DATABASE_URL"}}
    return subprocess.run(
        [sys.executable, "-c", "from config import settings"],
        cwd=settings.BASE_DIR,
        env={**kept, **ENVIRONMENT, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(**changes: str) -> str:
    """Why it does not start with these variables; no secret is told."""
    ended = start(**changes)
    assert ended.returncode == 1
    assert "ImproperlyConfigured: The environment is not usable:" in ended.stderr
    assert not [key for name, key in changes.items() if name.endswith("_KEY") and key and key in ended.stderr]
    return ended.stderr


class TestSecrets:
    def test_of_ones_own_are_good(self) -> None:
        assert start().returncode == 0
        assert start(JWT_SIGNING_KEY=token_urlsafe(32)).returncode == 0

    @pytest.mark.parametrize(
        "key",
        [
            pytest.param("", id="none"),
            pytest.param("changeme", id="short"),
            pytest.param("x" * 60, id="uniform"),
            pytest.param("abc" * 20, id="repeated"),
            pytest.param("changeme-" * 7, id="a word repeated"),
            pytest.param("django-insecure-" + GOOD, id="of a new project"),
            pytest.param("only-for-tests-" + "x" * 40, id="of these tests"),
        ],
    )
    def test_that_can_be_guessed_or_read_somewhere_are_refused(self, key: str) -> None:
        told = refusal(SECRET_KEY=key)
        assert "- SECRET_KEY: " in told
        assert "Make one: python3 -c" in told

    def test_of_tests_are_good_on_a_machine_of_ones_own(self) -> None:
        assert start(SECRET_KEY="only-for-tests-" + "x" * 40, HTTPS="false").returncode == 0

    def test_for_tokens_may_be_others_and_are_looked_at_too(self) -> None:
        assert "- JWT_SIGNING_KEY: " in refusal(JWT_SIGNING_KEY="secretsecret")

    @pytest.mark.parametrize("name", ["DATABASE_URL", "EMAIL_URL"])
    def test_in_addresses_that_are_wrong_are_not_told(self, name: str) -> None:
        told = refusal(**{name: "smtp://lectern:canary/canary@example.org"})
        assert f"- {name}: " in told
        assert "canary" not in told


class TestTheRest:
    def test_is_refused_together(self) -> None:
        told = refusal(
            DEBUG="true",
            SECRET_KEY="changeme",
            THROTTLE_READS="many",
            TRUSTED_PROXIES="all of them",
            AUTH_ISSUER="https://example.org",
        )
        for name in ("DEBUG", "SECRET_KEY", "THROTTLE_READS", "TRUSTED_PROXIES", "AUTH_JWKS_URL"):
            assert f"- {name}" in told

    def test_of_a_provider_is_read_where_nobody_can_change_it_on_the_way(self) -> None:
        provider = {"AUTH_JWKS_URL": "http://example.org", "AUTH_ISSUER": "https://example.org", "AUTH_AUDIENCE": "a"}
        assert "- AUTH_JWKS_URL: must begin with https://" in refusal(**provider)
        assert start(**{**provider, "AUTH_JWKS_URL": "https://example.org"}).returncode == 0
