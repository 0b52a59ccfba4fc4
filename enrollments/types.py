"""What crosses from enrollments: plain values.

Those of which a page of a list has many are named tuples: one is made in a third of the time of a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from common.types import Person


class Status(StrEnum):
    """All states of the one row that a learner's way through a course is."""

    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    LEFT = "left"
    EXPIRED = "expired"


EXTERNAL_ID_LENGTH = 100
NAME_LENGTH = 100
FILE_NAME_LENGTH = 200
# What people may choose of a partner's keys: when a new one ends, and how long the one before is good beside it.
LONGEST_KEY_DAYS = 3_650
LONGEST_OVERLAP_HOURS = 720

IN_COURSE = frozenset({Status.ACTIVE, Status.COMPLETED})
LIVE = IN_COURSE | {Status.WAITING}
ENROLLMENT = IN_COURSE | {Status.WITHDRAWN, Status.REVOKED}


class Source(StrEnum):
    """Through which door a learner came in."""

    SELF = "self"
    WAITLIST = "waitlist"
    PARTNER = "partner"
    IMPORT = "import"
    STAFF = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """Through which partner a learner came, and what that partner calls them."""

    partner_id: UUID
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerOfPartner:
    """A learner as a partner names one. Email and name count only where the partner's id is seen for the first time."""

    external_id: str
    email: str
    name: str


def via_from(partner_id: UUID | None, external_id: str) -> Via | None:
    """The two columns of a row as one value, None for who came without a partner."""
    return None if partner_id is None else Via(partner_id=partner_id, external_id=external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A row in whatever state it is: whose, where, and through which partner."""

    id: UUID
    course_id: UUID
    learner_id: UUID
    status: Status
    via: Via | None


class Enrollment(NamedTuple):
    """A learner who is, or was, in a course."""

    id: UUID
    course_id: UUID
    learner_id: UUID
    status: Status
    source: Source
    enrolled_at: datetime
    ended_at: datetime | None


class WaitlistEntry(NamedTuple):
    """A learner's place in line. `status` is waiting, promoted, left or expired; `position` counts from 1."""

    id: UUID
    course_id: UUID
    learner_id: UUID
    status: str
    position: int | None
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a learner stands in a course: `status` is waiting, active or completed; one of the two values is given."""

    id: UUID
    status: Status
    enrollment: Enrollment | None
    waitlist_entry: WaitlistEntry | None

    @property
    def version(self) -> str:
        """Changes whenever the standing does, but not with the queue before it."""
        return version_of(standing_id=self.id, status=self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A company that enrolls its people through its own systems."""

    id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """An API key on the one occasion on which it can be seen. `prefix` is how it is called from then on."""

    prefix: str
    key: str
    expires_at: datetime | None


class PartnerStatus(StrEnum):
    """The states of a row in the words of partners, to whom seat and place in line are one thing."""

    ENROLLED = "enrolled"
    WAITLISTED = "waitlisted"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    LEFT_WAITLIST = "left_waitlist"
    EXPIRED = "expired"


class PartnerEnrollment(NamedTuple):
    """What came of bringing somebody to a course. `reference` stays the same from the line into the course."""

    reference: UUID
    course_id: UUID
    external_id: str
    status: PartnerStatus
    waitlist_position: int | None
    joined_at: datetime
    enrolled_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFilter:
    """Which of a partner's enrollments; None leaves a part open."""

    course_id: UUID | None = None
    external_id: str | None = None
    status: PartnerStatus | None = None


def version_of(*, standing_id: UUID, status: Status) -> str:
    """The version of a standing in this state."""
    return f"{standing_id.hex}-{status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The learner has a seat."""

    enrollment: Enrollment


@dataclass(frozen=True, slots=True, kw_only=True)
class Waitlisted:
    """The learner has a place in line."""

    waitlist_entry: WaitlistEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The learner is out. `outcome` is `withdrawn` or `left_waitlist`."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentChanged:
    """What staff did to an enrollment, and what it set in motion."""

    outcome: str
    message: str
    enrollment: Enrollment
    triggered: list[str]


class CourseLabel(Protocol):
    """How a course is called. The value is `courses`' own; this is what is known of it here."""

    @property
    def id(self) -> UUID: ...
    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...


class EnrollmentOfMine(NamedTuple):
    """An enrollment as its learner lists it, with the course's names."""

    enrollment: Enrollment
    course: CourseLabel


class RosterRow(NamedTuple):
    """An enrollment as staff list it."""

    enrollment: Enrollment
    learner: Person


class WaitlistRow(NamedTuple):
    """A place in line as staff list it."""

    waitlist_entry: WaitlistEntry
    learner: Person
    queue_number: int


class ImportStatus(StrEnum):
    """The life of an import."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RowResult(StrEnum):
    """What came of a row: `rejected` is a rule's answer, `failed` a fault that a retry may cure."""

    ENROLLED = "enrolled"
    WAITLISTED = "waitlisted"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A row as it was sent. `line` is where it begins in the file, `fault` what is wrong with its form, if anything."""

    line: int
    course_id: str
    external_id: str
    email: str
    name: str
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows have which result."""

    enrolled: int
    waitlisted: int
    unchanged: int
    rejected: int
    failed: int

    @property
    def total(self) -> int:
        """How many have one at all."""
        return self.enrolled + self.waitlisted + self.unchanged + self.rejected + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A file of learners, and how far it has come. `file_name` is None for what was sent without one."""

    id: UUID
    partner_id: UUID
    status: ImportStatus
    file_name: str | None
    rows_total: int
    counts: Counts
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def rows_processed(self) -> int:
        """How many rows have their results."""
        return self.counts.total


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """A row and what came of it; `result`, `code` and `detail` are None while it is still to be done."""

    line: int
    course_id: str
    external_id: str
    email: str
    result: RowResult | None
    code: str | None
    detail: str | None
