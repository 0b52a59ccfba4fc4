"""Staff, deactivated accounts and the events of one request are found without reading all people and all events."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("common", "0002_event_log_only_grows")]
    operations = [
        AddIndexConcurrently("user", models.Index(fields=["id"], name="user_staff", condition=models.Q(is_staff=True))),
        AddIndexConcurrently(
            "user", models.Index(fields=["id"], name="user_deactivated", condition=models.Q(is_active=False))
        ),
        AddIndexConcurrently(
            "event",
            models.Index(fields=["request_id", "id"], name="event_request", condition=~models.Q(request_id="")),
        ),
    ]
