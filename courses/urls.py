from django.urls import path

from courses import views

urlpatterns = [
    path("courses", views.Courses.as_view(), name="courses"),
    path("courses/<str:course_id>", views.Course.as_view(), name="course"),
    path("courses/<str:course_id>/open", views.OpenCourse.as_view(), name="openCourse"),
    path("courses/<str:course_id>/close", views.CloseCourse.as_view(), name="closeCourse"),
    path("courses/<str:course_id>/archive", views.ArchiveCourse.as_view(), name="archiveCourse"),
]
