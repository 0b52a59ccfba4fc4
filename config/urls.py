"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path

from common.accounts import urls as accounts
from common.events import urls as events
from common.webhooks import urls as webhooks
from courses import urls as courses
from enrollments import urls as enrollments
from reviews import urls as reviews

# In the order of the published document.
_api = (accounts, courses, enrollments, reviews, events, webhooks)

# One list, and first: each request is compared with all that stands before its own, list by list.
urlpatterns = [
    path("api/v1/", include([pattern for part in _api for pattern in part.urlpatterns])),
    path("", include("common.site.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "common.problems.bad_request"
handler403 = "common.problems.permission_denied"
handler404 = "common.problems.page_not_found"
handler500 = "common.problems.server_error"
