"""What `EMAIL_URL` makes of Django's settings for mail."""

import runpy
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

BACKENDS = "django.core.mail.backends"


def settings_with(monkeypatch: pytest.MonkeyPatch, url: str | None) -> dict[str, Any]:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("EMAIL_URL", url)
    return runpy.run_path(str(settings.BASE_DIR / "config" / "settings.py"))


def test_without_one_mails_are_written_to_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, None)["EMAIL_BACKEND"] == f"{BACKENDS}.console.EmailBackend"


def test_a_folder_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_with(monkeypatch, "filemail:///var/mail%20of/lectern")

    assert found["EMAIL_BACKEND"] == f"{BACKENDS}.filebased.EmailBackend"
    assert found["EMAIL_FILE_PATH"] == "/var/mail of/lectern"


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp://mail.example.org:2525", 2525, False, False),
        ("smtp+tls://lectern:p%40ss@mail.example.org", 587, True, False),
        ("smtp+ssl://lectern:p%40ss@mail.example.org", 465, False, True),
    ],
)
def test_a_server_has_its_usual_port(
    url: str, port: int, tls: bool, ssl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_with(monkeypatch, url)

    assert found["EMAIL_BACKEND"] == f"{BACKENDS}.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == (("lectern", "p@ss") if "@" in url else ("", ""))


def test_one_that_is_none_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        settings_with(monkeypatch, "pigeon://loft")
