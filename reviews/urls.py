from django.urls import path

from reviews import views

urlpatterns = [
    path("courses/<str:course_id>/reviews", views.CourseReviews.as_view(), name="courseReviews"),
    path("courses/<str:course_id>/reviews/me", views.MyReview.as_view(), name="myReview"),
    path("courses/<str:course_id>/reviews/summary", views.ReviewSummary.as_view(), name="reviewSummary"),
    path(
        "courses/<str:course_id>/reviews/<str:review_id>/reports", views.ReviewReports.as_view(), name="reviewReports"
    ),
    path("moderation/reviews", views.ModerationQueue.as_view(), name="moderationQueue"),
    path("moderation/reviews/<str:review_id>", views.ModerationReview.as_view(), name="moderationReview"),
    path(
        "moderation/reviews/<str:review_id>/decisions",
        views.ModerationDecisions.as_view(),
        name="moderationDecisions",
    ),
]
