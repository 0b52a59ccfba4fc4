"""Imports that meet each other, themselves, and everybody else. Beside each lock stands what comes of it without."""

from collections import Counter
from uuid import UUID

import pytest
from django.db import IntegrityError

from common.models import Event, User
from common.tests.factories import NOW, SYSTEM, a_learner
from common.tests.races import holding, meet, rival, wave
from courses.tests.factories import an_open_course, seats_and_line
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Import as ImportFile
from enrollments.models import PartnerLearner
from enrollments.services import import_runs
from enrollments.tests.factories import (
    a_partner,
    a_row,
    an_import,
    counters_equal_rows,
    enroll,
    learners,
    rows_of,
    run,
    withdraw,
)

pytestmark = pytest.mark.django_db(transaction=True)


def batch_of(one: enrollments.Import) -> None:
    """All rows of an import of one course have their results."""
    rows = import_runs.selectors.pending_rows(import_id=one.id, after=0, limit=1000)
    import_runs._do_together(one.id, rows, NOW)


def begun(partner_id: UUID, *rows: tuple[str, str, str, str]) -> enrollments.Import:
    """A running import, none of whose rows is done."""
    one = an_import(partner_id, *rows)
    import_runs._begin(one.id)
    return one


def result_counts(one: enrollments.Import) -> dict[str, int]:
    return Counter(str(row.result) for row in rows_of(one))


class TestOverlappingFiles:
    def test_at_once_neither_deadlock_nor_give_a_seat_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_runs, "_ROWS_IN_TRANSACTION", 7)
        courses = [an_open_course(capacity=20, waitlist_enabled=number % 2 == 0) for number in range(5)]
        rows = [a_row(courses[number % 5], number % 60) for number in range(300)]
        files = [rows, rows[::-1], rows[150:] + rows[:150], rows[::2] + rows[1::2]]
        imports = [an_import(a_partner(), *dict.fromkeys(file)) for file in files]
        done = [each for each in wave(run, imports) if isinstance(each, enrollments.Import)]
        assert [one.status for one in done] == ["completed"] * 4
        assert [one.rows_processed for one in done] == [one.rows_total for one in done]
        assert sum(one.counts.failed for one in done) == 0
        for course_id in courses:
            assert counters_equal_rows(course_id)
            assert seats_and_line(course_id)[0] == 12
        assert User.objects.count() == 60
        assert EnrollmentRow.objects.count() == sum(one.counts.enrolled + one.counts.waitlisted for one in done) == 60

    def test_of_a_scarce_course_fill_it_exactly(self) -> None:
        course_id = an_open_course(capacity=50, waitlist_enabled=True)
        imports = [
            an_import(a_partner(), *(a_row(course_id, 100 * part + number) for number in range(40)))
            for part in range(4)
        ]
        done = [each for each in wave(run, imports) if isinstance(each, enrollments.Import)]
        assert (sum(one.counts.enrolled for one in done), sum(one.counts.waitlisted for one in done)) == (50, 110)
        assert seats_and_line(course_id) == (50, 110)
        positions = Event.objects.filter(type="waitlist.joined").values_list("data__position", flat=True)
        assert sorted(positions) == list(range(1, 111))

    def test_see_the_same_stranger_at_once_and_make_one_account(self) -> None:
        first, second = (begun(a_partner(), a_row(an_open_course())) for _ in range(2))
        with holding(lambda: batch_of(first)) as one, rival(lambda: batch_of(second)) as other:
            assert other.waits_for(one)
            one.commit()
            other.result()
        assert (User.objects.count(), PartnerLearner.objects.count(), EnrollmentRow.objects.count()) == (1, 2, 2)

    def test_make_the_account_that_a_rival_made_and_undid(self) -> None:
        first, second = (begun(a_partner(), a_row(an_open_course())) for _ in range(2))
        with holding(lambda: batch_of(first)) as one, rival(lambda: batch_of(second)) as other:
            assert other.waits_for(one)
            one.undo()
            other.result()
        assert (User.objects.count(), PartnerLearner.objects.count(), EnrollmentRow.objects.count()) == (1, 1, 1)


class TestOneImportRunTwice:
    def test_does_each_row_once(self) -> None:
        course_id = an_open_course(capacity=500)
        one = an_import(a_partner(), *(a_row(course_id, number) for number in range(600)))
        wave(run, [one] * 4)
        assert result_counts(one) == {"enrolled": 500, "rejected": 100}
        assert Event.objects.filter(type="enrollment.created").count() == 500
        assert Event.objects.filter(type="import.completed").count() == 1

    def test_waits_for_the_batch_at_hand(self) -> None:
        one = begun(a_partner(), a_row(an_open_course()))
        meet(lambda: batch_of(one), lambda: batch_of(one))
        assert result_counts(one) == {"enrolled": 1}
        assert ImportFile.objects.get().enrolled == 1

    def test_without_the_lock_would_count_it_twice(self, monkeypatch: pytest.MonkeyPatch, any_lock_order: None) -> None:
        monkeypatch.setattr(import_runs, "lock_import", lambda import_id: ImportFile.objects.get(pk=import_id))
        one = begun(a_partner(), a_row(an_open_course()))
        with pytest.raises(IntegrityError, match="import_counts_fit_rows"):
            meet(lambda: batch_of(one), lambda: batch_of(one))


class TestBesideOthers:
    def test_an_import_waits_for_a_course_and_decides_on_what_it_finds(self) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        one = begun(a_partner(), a_row(course_id, 1), a_row(course_id, 2))
        with holding(lambda: enroll(course_id)) as first, rival(lambda: batch_of(one)) as second:
            assert second.waits_for(first)
            first.commit()
            second.result()
        assert result_counts(one) == {"waitlisted": 2}

    def test_who_enrolls_waits_for_the_batch_and_stands_behind_it(self) -> None:
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        one, newcomer = begun(a_partner(), a_row(course_id, 1), a_row(course_id, 2)), a_learner()
        meet(lambda: batch_of(one), lambda: enroll(course_id, newcomer))
        assert learners(course_id, "waiting") == [newcomer]

    def test_a_learner_who_enrolls_meanwhile_is_unchanged(self) -> None:
        course_id = an_open_course()
        person = a_learner(email="learner1@example.org")
        one = begun(a_partner(), a_row(course_id, 1), a_row(course_id, 2))
        with holding(lambda: enroll(course_id, person)) as first, rival(lambda: batch_of(one)) as second:
            assert second.waits_for(first)
            first.commit()
            second.result()
        assert result_counts(one) == {"unchanged": 1, "enrolled": 1}

    def test_a_seat_that_is_freed_meanwhile_goes_to_the_line(self) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        leaver, waiter = a_learner(), a_learner()
        enroll(course_id, leaver)
        enroll(course_id, waiter)
        one = begun(a_partner(), a_row(course_id))
        meet(lambda: withdraw(course_id, leaver), lambda: batch_of(one))
        assert learners(course_id, "active") == [waiter]
        assert result_counts(one) == {"waitlisted": 1}

    def test_cancelling_waits_for_the_batch_and_no_other_begins(self) -> None:
        course_id = an_open_course()
        one = begun(a_partner(), a_row(course_id, 1))

        def cancel() -> enrollments.Import:
            return enrollments.cancel_import(partner_id=one.partner_id, import_id=one.id, actor=SYSTEM, now=NOW)

        _, cancelled = meet(lambda: batch_of(one), cancel)
        assert isinstance(cancelled, enrollments.Import)
        assert (cancelled.status, cancelled.counts.enrolled) == ("cancelled", 1)

    def test_many_requests_and_imports_leave_true_counters(self) -> None:
        courses = [an_open_course(capacity=15, waitlist_enabled=True) for _ in range(3)]
        imports = [
            an_import(a_partner(), *(a_row(courses[number % 3], 50 * part + number) for number in range(30)))
            for part in range(3)
        ]
        works = [lambda one=one: run(one) for one in imports]  # type: ignore[misc]
        works += [lambda course_id=course_id: enroll(course_id) for course_id in courses * 5]  # type: ignore[misc]
        wave(lambda work: work(), works)
        for course_id in courses:
            assert counters_equal_rows(course_id)
            assert seats_and_line(course_id) == (15, 20)
