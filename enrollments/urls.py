from django.urls import path

from enrollments import views

urlpatterns = [
    path("courses/<str:course_id>/enrollments/me", views.MyStanding.as_view(), name="myStanding"),
    path("courses/<str:course_id>/enrollments", views.CourseEnrollments.as_view(), name="courseEnrollments"),
    path("courses/<str:course_id>/waitlist", views.CourseWaitlist.as_view(), name="courseWaitlist"),
    path("enrollments", views.MyEnrollments.as_view(), name="myEnrollments"),
    path("enrollments/<str:enrollment_id>/complete", views.CompleteEnrollment.as_view(), name="completeEnrollment"),
    path("enrollments/<str:enrollment_id>/revoke", views.RevokeEnrollment.as_view(), name="revokeEnrollment"),
    path("partner/enrollments", views.PartnerEnrollments.as_view(), name="partnerEnrollments"),
    path("partner/enrollments/<str:reference>", views.PartnerEnrollment.as_view(), name="partnerEnrollment"),
    path("partner/imports", views.Imports.as_view(), name="imports"),
    path("partner/imports/<str:import_id>", views.Import.as_view(), name="import"),
    path("partner/imports/<str:import_id>/rows", views.ImportRows.as_view(), name="importRows"),
    path("partner/imports/<str:import_id>/report.csv", views.ImportReport.as_view(), name="importReport"),
    path("partner/imports/<str:import_id>/retry", views.RetryImport.as_view(), name="retryImport"),
    path("partner/imports/<str:import_id>/cancel", views.CancelImport.as_view(), name="cancelImport"),
]
