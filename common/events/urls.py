from django.urls import path

from common.events import views

urlpatterns = [
    path("events", views.ListEvents.as_view(), name="listEvents"),
    path("partner/events", views.ListPartnerEvents.as_view(), name="listPartnerEvents"),
]
