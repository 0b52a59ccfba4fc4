"""The WSGI entry point that gunicorn serves."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from common.wsgi import Application  # noqa: E402  it needs the settings

application = Application()
