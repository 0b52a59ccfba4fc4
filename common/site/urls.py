from django.urls import path

from common.site import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("metrics", views.prometheus, name="metrics"),
    path("problems", views.problem_index, name="problems"),
    path("problems/<str:slug>", views.problem_page, name="problem"),
    path("api/openapi.json", views.openapi_json, name="openapi-json"),
    path("api/openapi.yaml", views.openapi_yaml, name="openapi-yaml"),
    path("api/docs", views.docs, name="docs"),
]
