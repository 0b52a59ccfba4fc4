"""Puts the staff's own site in the place of Django's. Not in `apps.py`, which may name one configuration only."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's admin, served by `common.admin_site.StaffSite`."""

    default_site = "common.admin_site.StaffSite"
