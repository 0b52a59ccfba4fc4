"""The settings of the test run: the same service, with a fast password hasher and a database that may lose data."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("HTTPS", "false")
os.environ.setdefault("ALLOWED_HOSTS", "127.0.0.1,localhost")
# To make and drop test databases takes long on a busy machine.
os.environ.setdefault("STATEMENT_TIMEOUT_SECONDS", "60")

from config.settings import *  # noqa: F403
from config.settings import EMBEDDED_POSTGRES, THROTTLES, VAR_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMBEDDED_POSTGRES = {**EMBEDDED_POSTGRES, "DATA_DIR": VAR_DIR / "postgres-test", "DURABLE": False}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}  # Everything comes from one network here, and the same people come again and again.
THROTTLES = dict.fromkeys(THROTTLES)
# Two runs at once need a database each.
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DATABASE")}
# Nothing is collected for a test run.
STATIC_ROOT = None  # type: ignore[assignment]
