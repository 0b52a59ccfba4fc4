"""What can go wrong with mails, in the domain's words."""

from common.errors import DomainError


class MailUnderWay(DomainError):
    """A mail that is still to be sent cannot be sent again."""

    code = "invalid_transition"

    def __init__(self) -> None:
        super().__init__("This mail is still to be sent, or it was cleaned up.")
