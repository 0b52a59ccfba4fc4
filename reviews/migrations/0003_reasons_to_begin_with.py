"""Reasons that moderators can choose from the first day. Staff change them as they like."""

from django.db import migrations

REASONS = (
    ("fine", "Follows the rules", "Your review follows our rules and is public."),
    ("advertising", "Advertising or spam", "Your review advertises something. Please write about the course alone."),
    ("abuse", "Insulting or threatening", "Your review insults or threatens somebody. Please say it without that."),
    ("off_topic", "Not about the course", "Your review is not about the course."),
    ("personal_data", "Personal data", "Your review contains contact details or other personal data."),
    ("copied", "Copied text", "Your review repeats a text from elsewhere. Please use your own words."),
)


def add(apps, _schema_editor):
    reason = apps.get_model("reviews", "ModerationReason")
    for position, (code, label, public_text) in enumerate(REASONS, start=1):
        reason.objects.get_or_create(
            code=code, defaults={"label": label, "public_text": public_text, "position": position}
        )


def remove(apps, _schema_editor):
    apps.get_model("reviews", "ModerationReason").objects.filter(code__in=[code for code, _, _ in REASONS]).delete()


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_history_only_grows")]
    operations = [migrations.RunPython(add, remove)]
