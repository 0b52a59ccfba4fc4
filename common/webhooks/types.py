"""What crosses from webhooks: plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Status(StrEnum):
    """What has become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Disabled(StrEnum):
    """Why nothing is sent to a webhook any more: its endpoint said so, staff did, or its owner took it away."""

    GONE = "gone"
    STAFF = "staff"
    DELETED = "deleted"


class Fault(StrEnum):
    """Why an attempt had no answer."""

    ADDRESS_REFUSED = "address_refused"
    NAME_UNKNOWN = "name_unknown"
    NOT_CONNECTED = "not_connected"
    NOT_TRUSTED = "not_trusted"
    TIMED_OUT = "timed_out"
    CUT_OFF = "cut_off"
    NOT_HTTP = "not_http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of its owner's events. `status` is active or disabled."""

    id: UUID
    url: str
    event_types: Sequence[str]
    status: str
    disabled_because: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A webhook, and the secret that it now signs with, which nobody is shown again."""

    webhook: Webhook
    secret: str
    previous_secret_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver: either the answer's status, or why there was none."""

    at: datetime
    duration_ms: int
    status_code: int | None
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook. `sequence` counts the events of the subject, in the order of the feed."""

    event_id: UUID
    event_type: str
    subject: str
    sequence: int
    status: Status
    attempts: Sequence[Attempt]
    next_attempt_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of sending once. Either `status` or `fault` is given; `retry_after` is in seconds."""

    status: int | None = None
    fault: Fault | None = None
    retry_after: float | None = None
    seconds: float = 0

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
