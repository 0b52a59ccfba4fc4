"""What can go wrong with accounts."""

from common.errors import DomainError


class EmailAlreadyRegistered(DomainError):
    """There is an account with this email, whatever its case."""

    code = "email_already_registered"

    def __init__(self) -> None:
        super().__init__("There is an account with this email. Sign in instead.")


class InvalidCredentials(DomainError):
    """The email and password are not those of an active account."""

    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("The email and password do not match an active account.")


class Unauthenticated(DomainError):
    """The token is malformed, expired or used up, or its account is gone."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("The token is malformed, expired or used up, or its account is no longer active.")
