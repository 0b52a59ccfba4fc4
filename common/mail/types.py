"""What a mail is, and which events are a reason to write one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.events.types import Data


class MailStatus(StrEnum):
    """What has become of a mail."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is written because of an event of type `event`, to the person whose public id its data has as `to`.

    `template` is the name of two templates, without `.txt` and `.html`. They, and `subject` as a format, know the data
    of the event, what `details` makes of it, and `recipient`, the name of the person.
    """

    event: str
    to: str
    subject: str
    template: str
    details: Callable[[Data], Mapping[str, Any]]
