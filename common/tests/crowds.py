"""Rows of every kind that staff have lists of, one or many."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from common import db, ids, jobs
from common.events import services as events
from common.mail import services as mail
from common.models import Invariant
from common.ops import runs
from common.ops.types import Item
from common.tests.factories import a_learner, a_person, usr
from common.tests.webhooks import a_webhook, hand_on, happen
from courses.tests.factories import an_open_course
from enrollments.tests.factories import a_full_course, a_key, a_partner, an_enrollment, an_import, run
from reviews.tests.factories import a_held_review, a_hidden_review


def a_job() -> None:
    with transaction.atomic():
        jobs.defer("enrollments.expire_waitlist", course_id="crs_nobody")


def a_worker() -> None:
    db.execute("SELECT procrastinate_register_worker_v1()")


def many_people(count: int) -> None:
    for _ in range(count):
        a_person()


def many_courses(count: int) -> None:
    for _ in range(count):
        an_open_course(capacity=3, waitlist_enabled=True)


def many_enrollments(count: int) -> None:
    course_id = an_open_course()
    for _ in range(count):
        an_enrollment(course_id)


def many_who_wait(count: int) -> None:
    a_full_course(waiting=count)


def many_groups(count: int) -> None:
    for number in range(count):
        Group.objects.create(name=f"Group {number} of {count}").permissions.set(Permission.objects.all()[:5])


def many_jobs(count: int) -> None:
    for _ in range(count):
        a_job()


def many_workers(count: int) -> None:
    for _ in range(count):
        a_worker()


def many_webhooks(count: int) -> None:
    for _ in range(count):
        a_webhook(ids.encode(ids.PARTNER, ids.new_uuid()))


def many_deliveries(count: int) -> None:
    owner = ids.encode(ids.PARTNER, ids.new_uuid())
    a_webhook(owner)
    for number in range(count):
        happen(subject=f"enr_{number}", owner=owner, learner_id=usr(a_learner()))
    hand_on()


def many_mails(count: int) -> None:
    many_enrollments(count)
    events.place_committed()
    while mail.write_down():
        pass


def many_partners(count: int) -> None:
    for _ in range(count):
        a_key(a_partner())


def many_imports(count: int) -> None:
    for _ in range(count):
        run(an_import(a_partner()))


def many_held_reviews(count: int) -> None:
    course_id = an_open_course()
    for _ in range(count):
        a_held_review(course_id=course_id)


def many_decisions(count: int) -> None:
    course_id = an_open_course()
    for _ in range(count):
        a_hidden_review(course_id=course_id)


def many_runs(count: int) -> None:
    for _ in range(count):
        _begin_run()


def many_items(count: int) -> None:
    _begin_run(*(Item(kind="seat-counters", key=ids.new_uuid(), course_id=ids.new_uuid()) for _ in range(count)))


def _begin_run(*items: Item) -> None:
    runs.begin(
        command="repair_enrollments", arguments={"checks": []}, operator="ada", holder=ids.new_uuid(), items=items
    )


def many_invariants(count: int) -> None:
    names = [f"invariant {number} of {count}" for number in range(count)]
    Invariant.objects.bulk_create(Invariant(name=name, findings=1, took_ms=1) for name in names)


MAKERS = {
    "common.user": many_people,
    "common.event": many_courses,
    "courses.course": many_courses,
    "enrollments.enrollment": many_enrollments,
    "enrollments.placeinline": many_who_wait,
    "enrollments.partner": many_partners,
    "enrollments.import": many_imports,
    "reviews.review": many_held_reviews,
    "reviews.historyentry": many_decisions,
    "auth.group": many_groups,
    "procrastinate.procrastinatejob": many_jobs,
    "procrastinate.procrastinateworker": many_workers,
    "common.webhook": many_webhooks,
    "common.webhookdelivery": many_deliveries,
    "common.mail": many_mails,
    "common.opsrun": many_runs,
    "common.opsitem": many_items,
    "common.invariant": many_invariants,
}
