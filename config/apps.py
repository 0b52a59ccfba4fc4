from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    """The composition root: the only place that knows every app."""

    name = "config"

    def ready(self) -> None:
        # Imported here since the apps' models must be loaded first.
        from django.conf import settings
        from django.core import checks

        from common import metrics, tracing
        from common.database.timeouts import check_timeouts
        from common.events import months
        from common.events import services as events
        from common.mail.composing import write_letters
        from config.gauges import GAUGES
        from config.groups import make_groups
        from config.jobs import READERS
        from config.letters import LETTERS
        from config.subscriptions import SUBSCRIPTIONS

        def make_readers(**_signal: Any) -> None:
            events.make_readers(READERS)

        def begin_month(**_signal: Any) -> None:
            months.begin()

        checks.register(check_timeouts, checks.Tags.database)
        tracing.start(release=settings.RELEASE)
        metrics.GAUGES.show(GAUGES)
        events.subscribe(SUBSCRIPTIONS)
        write_letters(LETTERS)
        # `migrate` sends this only for apps with models, once for each: one of them stands for all.
        for follow in (make_groups, make_readers, begin_month):
            post_migrate.connect(follow, sender=apps.get_app_config("common"), weak=False)
