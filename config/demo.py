"""Demonstration data: a catalogue that looks like one, people to sign in as, and what to try first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from common import ids
from common.models import User
from common.types import Actor, PageRequest
from config import demo_partners, demo_reviews
from courses import services as courses
from enrollments import services as enrollments

PASSWORD = "lectern-demo"
ADMIN, STAFF, MODERATOR, LEARNER = (f"{name}@lectern.example" for name in ("admin", "staff", "moderator", "ada"))
_ACTOR = Actor(name="system:demo")


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """A course, how far it goes in its life, and how many people ask for a seat."""

    title: str
    instructor: str
    summary: str
    values: courses.CourseChanges = field(default_factory=courses.CourseChanges)
    steps: tuple[str, ...] = ("open",)
    asking: int = 0
    opens_in_days: int | None = None
    closes_in_days: int | None = None


# fmt: off
_PLANS = (
    _Plan(title="Reading Shakespeare Aloud", instructor="Miriam Okafor", asking=9,
          summary="Six evenings, three plays, no acting experience needed.",
          values={"capacity": 12, "waitlist_enabled": True}),
    _Plan(title="Sourdough from the First Starter", instructor="Jonas Lindqvist", asking=14,
          summary="Flour, water, patience: bake a loaf each week and learn why it rose.",
          values={"capacity": 8, "waitlist_enabled": True}),
    _Plan(title="Watercolour Landscapes", instructor="Inés Duarte", asking=5,
          summary="Skies, water and the courage to leave paper white.", values={"capacity": 5}),
    _Plan(title="Statistics Without Tears", instructor="Dr. Wei Zhang", asking=22,
          summary="What averages hide, what samples tell, and how not to be fooled by a chart.",
          closes_in_days=30),
    _Plan(title="Introduction to Beekeeping", instructor="Tomasz Nowak", asking=7,
          summary="A year in the hive, from the first inspection to the honey harvest.",
          values={"capacity": 10, "waitlist_enabled": True}, closes_in_days=14),
    _Plan(title="Conversational Portuguese", instructor="Beatriz Almeida", asking=11,
          summary="Speak from the first hour: cafés, trains, neighbours, jokes.",
          values={"capacity": 16}),
    _Plan(title="Repair Your Own Bicycle", instructor="Sam Whitfield",
          summary="Brakes, gears, bearings. Bring the bicycle.", values={"capacity": 6, "waitlist_enabled": True},
          opens_in_days=7),
    _Plan(title="Astronomy for City Dwellers", instructor="Leila Haddad", asking=4, steps=("open", "close"),
          summary="What can be seen between street lamps, and what it took to know it.",
          values={"capacity": 20}),
    _Plan(title="The Art of the Short Story", instructor="Ruth Adeyemi", asking=6, steps=("open", "close"),
          summary="Write one, rewrite it three times, read it to the others.",
          values={"capacity": 6, "waitlist_enabled": True}),
    _Plan(title="Practical First Aid", instructor="Marco Bianchi", asking=8, steps=("open", "close", "archive"),
          summary="What to do in the first five minutes.", values={"capacity": 15}),
    _Plan(title="Choir for People Who Cannot Sing", instructor="Hanna Virtanen", steps=(),
          summary="They can.", values={"capacity": 40, "waitlist_enabled": True}),
    _Plan(title="Maps and How to Lie with Them", instructor="Arjun Mehta", steps=(),
          summary="Projections, borders, colours: every map is an argument."),
)
_NAMES = (
    "Ada Lovelace", "Amara Singh", "Ben Carter", "Chiara Rossi", "Dmitri Volkov", "Elif Kaya", "Farid Rahimi",
    "Grace Mensah", "Hiro Tanaka", "Isla Murray", "Joao Pereira", "Katya Ivanova", "Liam Byrne", "Maya Cohen",
    "Noor Aziz", "Oscar Nilsson", "Priya Nair", "Quentin Moreau", "Rosa Jimenez", "Sven Hansen", "Talia Levi",
    "Uma Reddy", "Viktor Novak", "Wanjiru Kamau",
)
# fmt: on
_STEPS = {"open": courses.open_course, "close": courses.close_course, "archive": courses.archive_course}


def fill(*, now: datetime) -> bool:
    """The demonstration data is there, unless there were people before. Returns whether it had to be made."""
    if User.objects.exists():
        return False
    with transaction.atomic():
        learners = _make_people()
        # Each course starts with somebody else, so that no learner is in all of them.
        made = [_make_course(plan, learners[index:] + learners[:index], now) for index, plan in enumerate(_PLANS)]
        demo_partners.fill(course_ids=made[:3], now=now)
        moderators = list(User.objects.filter(groups__name="Moderators").values_list("pk", flat=True))
        demo_reviews.fill(seats=_seats(learners), readers=learners, moderators=moderators, now=now)
    return True


def banner(*, base_url: str, now: datetime) -> list[str]:
    """What to look at, whom to sign in as, and three lines to paste into a shell."""
    page = courses.list_courses(
        filter=courses.CourseFilter(search="Conversational Portuguese"),
        sort=courses.CourseSort.NEWEST,
        with_drafts=False,
        page=PageRequest(limit=1),
        now=now,
    )
    course = ids.encode(ids.COURSE, page.rows[0].id) if page.rows else "crs_…"
    body = f'{{"email": "{LEARNER}", "password": "{PASSWORD}"}}'
    sign_in = f"curl -s {base_url}/api/v1/auth/token -H 'Content-Type: application/json' -d '{body}'"
    return [
        f"Start page  {base_url}/",
        f"API docs    {base_url}/api/docs",
        f"Admin       {base_url}/admin/",
        "",
        f"Password of every account: {PASSWORD}",
        f"  {ADMIN}      everything",
        f"  {STAFF}      course staff: courses, rosters, partners",
        f"  {MODERATOR}  moderator",
        f"  {LEARNER}        a learner",
        "",
        "Try:",
        f"  curl '{base_url}/api/v1/courses?is_open=true&limit=3'",
        f"  TOKEN=$({sign_in} | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access\"])')",
        f'  curl -X POST {base_url}/api/v1/courses/{course}/enrollments -H "Authorization: Bearer $TOKEN"',
    ]


def _make_people() -> list[UUID]:
    password = make_password(PASSWORD)
    User.objects.create(email=ADMIN, display_name="Admin", password=password, is_staff=True, is_superuser=True)
    staff = (
        (STAFF, "Course Staff", ("Course staff", "Partner staff")),
        (MODERATOR, "Moderator", ("Moderators",)),
        ("naomi@lectern.example", "Naomi Becker", ("Moderators",)),
    )
    for email, name, groups in staff:
        person = User.objects.create(email=email, display_name=name, password=password, is_staff=True)
        person.groups.set(Group.objects.filter(name__in=groups))
    learners = [
        User(email=f"{name.split()[0].lower()}@lectern.example", display_name=name, password=password)
        for name in _NAMES
    ]
    return [learner.pk for learner in User.objects.bulk_create(learners)]


def _make_course(plan: _Plan, learners: list[UUID], now: datetime) -> UUID:
    values = courses.CourseChanges(
        title=plan.title,
        instructor=plan.instructor,
        summary=plan.summary,
        **plan.values,
    )
    if plan.opens_in_days is not None:
        values["enrollment_opens_at"] = now + timedelta(days=plan.opens_in_days)
    if plan.closes_in_days is not None:
        values["enrollment_closes_at"] = now + timedelta(days=plan.closes_in_days)
    course_id = courses.create_course(values=values, actor=_ACTOR, now=now).id
    for step in plan.steps:
        if step == "close":
            _ask(course_id, learners[: plan.asking], now)
        _STEPS[step](course_id=course_id, actor=_ACTOR, now=now)
    if plan.steps == ("open",):
        _ask(course_id, learners[: plan.asking], now)
    return course_id


def _ask(course_id: UUID, learners: list[UUID], now: datetime) -> None:
    for learner_id in learners:
        enrollments.enroll(
            course_id=course_id, learner_id=learner_id, source=enrollments.Source.SELF, actor=_ACTOR, now=now
        )


def _seats(learners: list[UUID]) -> Iterator[demo_reviews.Seat]:
    """Who is in which course: first one course of each learner, then another one of each."""
    lists = [
        enrollments.list_enrollments_of_learner(learner_id=learner_id, status=None, page=PageRequest(limit=9)).rows
        for learner_id in learners
    ]
    found = [[(learner_id, row.course.id) for row in rows] for learner_id, rows in zip(learners, lists, strict=True)]
    return (seat for round in zip_longest(*found) for seat in round if seat is not None)
