"""`manage.py demo_data`: fills an empty database with something to look at."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import clock
from config import demo


class Command(BaseCommand):
    """Refuses where people from outside may sign in: the accounts' password is public."""

    help = "Fills an empty database with demonstration courses, learners and accounts."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.HTTPS:
            raise CommandError("Demonstration accounts have a public password: set HTTPS=false first.", returncode=2)
        made = demo.fill(now=clock.now())
        self.stdout.write("Demonstration data is there." if made else "There are people already; nothing was changed.")
