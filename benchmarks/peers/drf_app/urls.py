"""The paths."""

from django.urls import path

from benchmarks.peers.drf_app.views import CourseViewSet, EnrollmentViewSet, ReviewViewSet

urlpatterns = [
    path("api/v1/courses", CourseViewSet.as_view({"get": "list"})),
    path("api/v1/courses/<uuid:course_id>/enrollments", EnrollmentViewSet.as_view({"post": "create"})),
    path("api/v1/courses/<uuid:course_id>/reviews", ReviewViewSet.as_view({"get": "list", "post": "create"})),
]
