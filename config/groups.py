"""The groups of staff, and what each may do."""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

GROUPS: dict[str, tuple[str, ...]] = {
    "Course staff": (
        "common.view_user",
        "courses.view_course",
        "courses.add_course",
        "courses.change_course",
        "enrollments.view_enrollment",
        "enrollments.change_enrollment",
        "common.view_invariant",
        "common.view_opsrun",
        "common.view_opsitem",
    ),
    "Partner staff": (
        "courses.view_course",
        "enrollments.view_enrollment",
        "enrollments.view_partner",
        "enrollments.change_partner",
        "enrollments.view_import",
        "enrollments.change_import",
    ),
    "Moderators": (
        "courses.view_course",
        "reviews.view_review",
        "reviews.moderate_review",
        "reviews.view_historyentry",
        "reviews.view_report",
        "reviews.view_moderationreason",
        "reviews.add_moderationreason",
        "reviews.change_moderationreason",
    ),
    "Operators": (
        "common.view_user",
        "common.view_event",
        "common.view_webhook",
        "common.operate_webhook",
        "common.view_mail",
        "common.resend_mail",
        "common.retry_job",
        "common.view_invariant",
        "common.view_opsrun",
        "common.view_opsitem",
        "procrastinate.view_procrastinatejob",
        "procrastinate.view_procrastinateworker",
    ),
}


def make_groups(**_signal: Any) -> None:
    """Every group exists and may do at least what GROUPS says. Runs after each `migrate`."""
    for label in ("common", "courses", "enrollments", "reviews", "procrastinate"):
        # Django makes each app's permissions after that app's own turn, which may be later than this.
        create_permissions(apps.get_app_config(label), verbosity=0)
    for name, permissions in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(_permission(each) for each in permissions))


def _permission(name: str) -> Permission:
    app_label, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)
