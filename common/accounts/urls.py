from django.urls import path

from common.accounts import views

urlpatterns = [
    path("auth/register", views.Register.as_view(), name="register"),
    path("auth/token", views.CreateToken.as_view(), name="createToken"),
    path("auth/token/refresh", views.RefreshToken.as_view(), name="refreshToken"),
    path("auth/token/revoke", views.RevokeToken.as_view(), name="revokeToken"),
    path("users/me", views.Me.as_view(), name="me"),
]
