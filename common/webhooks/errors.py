"""What can go wrong with webhooks, in the domain's words."""

from common.errors import DomainError, NotFound


class WebhookNotFound(DomainError):
    """The caller has no webhook with this id."""

    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("There is no webhook with this id.")


class DeliveryNotFound(NotFound):
    """The webhook was never to be told of this event, or it is too long ago."""

    def __init__(self) -> None:
        super().__init__("This webhook has no delivery of an event with this id.")


class WebhookDisabled(DomainError):
    """Nothing is sent to a webhook that is disabled."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__("The webhook is disabled. Make a new one.", current_status="disabled")


class WebhookActive(DomainError):
    """What is not disabled cannot be enabled."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__("The webhook is not disabled.", current_status="active")
