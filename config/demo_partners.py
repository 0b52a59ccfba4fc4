"""A partner of the demonstration, and a file that it has sent: some rows enroll, some wait, some are wrong.

Its webhook leads nowhere, as `.example` is nobody's (RFC 2606): so there is one that does not answer.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common import ids
from common.types import Actor
from common.webhooks import services as webhooks
from enrollments import services as enrollments

_PEOPLE = (
    ("n-101", "astrid.berg@nordlicht.example", "Astrid Berg"),
    ("n-102", "emil.larsen@nordlicht.example", "Emil Larsen"),
    ("n-103", "freja.holm@nordlicht.example", "Freja Holm"),
    ("n-104", "ada@lectern.example", "Ada Lovelace"),
    ("n-105", "gustav.nordlicht.example", "Gustav Dahl"),
    ("n-101", "astrid.berg@nordlicht.example", "Astrid Berg"),
)
_WEBHOOK = "https://hooks.nordlicht.example/lectern"
_LONG_ENOUGH_SECONDS = 60


def fill(*, course_ids: Sequence[UUID], now: datetime) -> None:
    """The partner is there, and its file for these courses has been done."""
    partner = enrollments.create_partner(name="Nordlicht Shipping", now=now)
    owner = ids.encode(ids.PARTNER, partner.id)
    webhooks.register(owner=owner, url=_WEBHOOK, event_types=["waitlist.promoted", "import.completed"])
    people = [(course_id, *person) for course_id in course_ids for person in _PEOPLE]
    sent = enrollments.take_import(
        partner_id=partner.id,
        rows=[
            enrollments.SentRow(
                line=line, course_id=ids.encode(ids.COURSE, course_id), external_id=external_id, email=email, name=name
            )
            for line, (course_id, external_id, email, name) in enumerate(people, start=2)
        ],
        file_name="autumn-intake.csv",
        actor=Actor(name=owner),
        now=now,
    )
    enrollments.run_import(import_id=sent.id, seconds=_LONG_ENOUGH_SECONDS, now=now)
