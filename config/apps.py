from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    """The composition root: the only place that knows every app."""

    name = "config"

    def ready(self) -> None:
        # Imported here since the apps' models must be loaded first.
        from common.events import services as events
        from common.mail.composing import write_letters
        from config.groups import make_groups
        from config.jobs import READERS
        from config.letters import LETTERS
        from config.subscriptions import SUBSCRIPTIONS

        def make_readers(**_signal: Any) -> None:
            events.make_readers(READERS)

        events.subscribe(SUBSCRIPTIONS)
        write_letters(LETTERS)
        # `migrate` sends this only for apps with models, once for each: one of them stands for all.
        for follow in (make_groups, make_readers):
            post_migrate.connect(follow, sender=apps.get_app_config("common"), weak=False)
