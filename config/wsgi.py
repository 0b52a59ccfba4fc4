"""The WSGI entry point that gunicorn serves."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402  it needs the settings

from common.wsgi import Application  # noqa: E402

application = Application()
# All views are loaded now, and not by the first request.
get_resolver().url_patterns  # noqa: B018
