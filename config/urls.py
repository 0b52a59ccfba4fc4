"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("common.site.urls")),
    path("api/v1/", include("common.accounts.urls")),
    path("api/v1/", include("courses.urls")),
    path("api/v1/", include("enrollments.urls")),
    path("api/v1/", include("reviews.urls")),
    path("api/v1/", include("common.events.urls")),
    path("api/v1/", include("common.webhooks.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "common.problems.bad_request"
handler403 = "common.problems.permission_denied"
handler404 = "common.problems.page_not_found"
handler500 = "common.problems.server_error"
