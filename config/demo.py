"""Demonstration data: a catalogue that looks like one, people to sign in as, and what to try first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, cycle
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from common import ids
from common.models import User
from common.types import Actor, PageRequest
from courses import services as courses
from enrollments import services as enrollments
from reviews import services as reviews

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
# What learners say, with their rating. The later ones trip a hold rule each.
_REVIEWS = (
    (5, "I read a sonnet to my grandmother. She cried, I did not."),
    (4, "Well prepared, and patient with slow people like me. The room was cold."),
    (5, "Best evening of my week. Signing up for the next one."),
    (3, "Good teacher, too many people. I had hoped for more practice."),
    (2, "Half of it I knew already; the description should say so."),
    (4, "Finally somebody who explains why and not only how."),
    (1, "THIS WAS NOTHING LIKE WHAT THE DESCRIPTION PROMISED, GIVE ME MY EVENINGS BACK"),
    (5, "Great! More of the same for less money at https://cheap-courses.example"),
    (4, "Lovely. Call me for private lessons: +49 170 5550123"),
    (2, "The other students talk like idiots and nobody stops them."),
)
# Too short for the rule on the same text elsewhere.
_SHORT_REVIEWS = (
    (5, "Worth every evening."), (4, "Would come again."), (3, "Fine, but long."), (4, "Kind and clear."),
    (5, ""), (2, "Not for me."), (5, "I learned so much!"), (4, "Good teacher, good room."),
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
        for index, plan in enumerate(_PLANS):
            # Each course starts with somebody else, so that no learner is in all of them.
            _make_course(plan, learners[index:] + learners[:index], now)
        _make_reviews(learners, now)
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
        f"  {STAFF}      course staff: courses and rosters",
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
    for email, name, group in ((STAFF, "Course Staff", "Course staff"), (MODERATOR, "Moderator", "Moderators")):
        person = User.objects.create(email=email, display_name=name, password=password, is_staff=True)
        person.groups.add(Group.objects.get(name=group))
    learners = [
        User(email=f"{name.split()[0].lower()}@lectern.example", display_name=name, password=password)
        for name in _NAMES
    ]
    return [learner.pk for learner in User.objects.bulk_create(learners)]


def _make_course(plan: _Plan, learners: list[UUID], now: datetime) -> None:
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


def _ask(course_id: UUID, learners: list[UUID], now: datetime) -> None:
    for learner_id in learners:
        enrollments.enroll(
            course_id=course_id, learner_id=learner_id, source=enrollments.Source.SELF, actor=_ACTOR, now=now
        )


def _make_reviews(learners: list[UUID], now: datetime) -> None:
    """Some of those who are in a course review it, and three readers report one of the reviews."""
    texts = chain(_REVIEWS, cycle(_SHORT_REVIEWS))
    for learner_id in learners:
        page = PageRequest(limit=2)
        mine = enrollments.list_enrollments_of_learner(learner_id=learner_id, status=None, page=page)
        for row in mine.rows:
            rating, comment = next(texts)
            own = reviews.write_review(
                course_id=row.course.id, author_id=learner_id, rating=rating, comment=comment, actor=_ACTOR, now=now
            )
            if rating == 2 and len(comment) > 20 and own.public is not None:
                _report(own.review, [reader for reader in learners if reader != learner_id][:3])


def _report(review: reviews.Review, readers: list[UUID]) -> None:
    for reader_id in readers:
        reviews.report_review(
            course_id=review.course_id,
            review_id=review.id,
            reporter_id=reader_id,
            reason=reviews.ReportReason.OFF_TOPIC,
            note="",
            actor=_ACTOR,
        )
