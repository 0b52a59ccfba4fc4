"""What a person may do: what they were given, and what their groups were."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from common import db

_GIVEN = """
    SELECT app_label, codename FROM auth_permission JOIN django_content_type AS type ON type.id = content_type_id
    WHERE auth_permission.id IN (
        SELECT permission_id FROM common_user_user_permissions WHERE user_id = %(person_id)s
        UNION ALL
        SELECT permission_id FROM auth_group_permissions JOIN common_user_groups USING (group_id)
        WHERE user_id = %(person_id)s
    )
"""


class Backend(ModelBackend):
    """As Django's, which builds two querysets anew for each request that asks: more than a page costs."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The names of all that the person may do, such as `courses.change_course`; remembered with the person."""
        is_given = user_obj.is_active and not user_obj.is_superuser  # as opposed to all, or nothing
        if is_given and not hasattr(user_obj, "_perm_cache"):
            given = db.fetch_all(_GIVEN, {"person_id": user_obj.pk})
            user_obj._perm_cache = {f"{app}.{name}" for app, name in given}
        return set(super().get_all_permissions(user_obj, obj))
