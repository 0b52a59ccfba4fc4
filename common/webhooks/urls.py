from django.urls import path

from common.webhooks import views

_ONE = "partner/webhooks/<str:webhook_id>"

urlpatterns = [
    path("partner/webhooks", views.Webhooks.as_view(), name="webhooks"),
    path(_ONE, views.OneWebhook.as_view(), name="oneWebhook"),
    path(f"{_ONE}/secret", views.WebhookSecret.as_view(), name="webhookSecret"),
    path(f"{_ONE}/deliveries", views.WebhookDeliveries.as_view(), name="webhookDeliveries"),
    path(f"{_ONE}/deliveries/<str:event_id>/resend", views.WebhookResend.as_view(), name="webhookResend"),
]
