"""What a partner's rows come to: each is its own unit, and file order decides."""

from uuid import UUID

import pytest

from common import db, ids
from common.models import User
from common.tests.factories import a_person
from common.tests.recorded import recording
from common.tests.sessions import of_a_session
from courses.tests.factories import a_closed_course, a_draft, an_open_course, change, crs, seats_and_line
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import PartnerLearner
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    a_row,
    an_enrollment,
    an_import,
    counters_equal_rows,
    counts,
    imp,
    learners,
    line,
    promote,
    ptn,
    rows_of,
    run,
    withdraw,
)

pytestmark = pytest.mark.django_db
Row = tuple[str, str, str, str]


def results(*rows: Row, partner_id: UUID | None = None) -> list[tuple[str, str | None]]:
    """What each row of a file comes to, and its code."""
    one = run(an_import(partner_id or a_partner(), *rows))
    return [(str(row.result), row.code) for row in rows_of(one)]


class TestRows:
    def test_run_in_file_order_which_decides_who_gets_the_seats(self) -> None:
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        rows = [a_row(course_id, number) for number in (5, 3, 9, 1)]
        assert results(*rows) == [("enrolled", None), ("enrolled", None), ("waitlisted", None), ("waitlisted", None)]
        names = dict(User.objects.values_list("pk", "display_name"))
        assert {names[each] for each in learners(course_id, "active")} == {"Learner 5", "Learner 3"}
        assert [names[each] for each in line(course_id)] == ["Learner 9", "Learner 1"]
        assert counters_equal_rows(course_id)

    def test_wait_while_anybody_does_even_if_a_seat_is_free(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        change(course_id, capacity=9)
        assert results(a_row(course_id)) == [("waitlisted", None)]
        assert seats_and_line(course_id) == (1, 2)
        promote(course_id)
        assert seats_and_line(course_id) == (3, 0)

    def test_that_find_neither_seat_nor_line_are_rejected_from_there_on(self) -> None:
        course_id = an_open_course(capacity=2)
        assert results(*(a_row(course_id, number) for number in range(4))) == [
            ("enrolled", None),
            ("enrolled", None),
            ("rejected", "course_full"),
            ("rejected", "course_full"),
        ]

    def test_are_rejected_by_the_rules_of_everybody(self) -> None:
        unknown = "crs_01h455vb4pex5vsknk084sn02q"
        rows = [
            a_row(a_closed_course()),
            a_row(a_draft()),
            (unknown, *a_row(a_draft())[1:]),
            ("x", *a_row(a_draft())[1:]),
        ]
        codes = ["course_closed", "course_not_found", "course_not_found", "course_not_found"]
        assert results(*rows) == [("rejected", code) for code in codes]

    def test_that_are_rejected_make_nobody(self) -> None:
        course_id = an_open_course(capacity=1)
        results(*(a_row(course_id, number) for number in range(3)), a_row(a_closed_course(), 7))
        assert (User.objects.count(), PartnerLearner.objects.count()) == (1, 1)

    def test_that_are_rejected_leave_alone_who_was_known(self) -> None:
        partner_id, course_id = a_partner(), an_open_course()
        results(a_row(course_id), partner_id=partner_id)
        person = a_person(email="learner2@example.org")
        results(a_row(a_closed_course(), 1), a_row(a_closed_course(), 2), partner_id=partner_id)
        assert set(PartnerLearner.objects.values_list("external_id", flat=True)) == {"e-1"}
        assert User.objects.filter(pk=person.pk).exists()
        assert User.objects.count() == 2

    def test_of_one_person_under_two_ids_are_one_seat(self) -> None:
        course_id, other = an_open_course(), an_open_course(capacity=0)
        first, again = a_row(course_id), (crs(course_id), "e-x", "LEARNER1@example.org", "Ada")
        elsewhere = (crs(other), "e-x", "learner1@example.org", "Ada")
        assert results(elsewhere, first, again, a_row(course_id, 2)) == [
            ("rejected", "course_full"),
            ("enrolled", None),
            ("unchanged", "already_enrolled"),
            ("enrolled", None),
        ]
        assert User.objects.count() == 2

    def test_that_stand_are_unchanged_in_the_same_file_again(self) -> None:
        partner_id, course_id = a_partner(), an_open_course(capacity=1, waitlist_enabled=True)
        rows = [a_row(course_id, 1), a_row(course_id, 2)]
        results(*rows, partner_id=partner_id)
        with recording() as events:
            again = results(*rows, partner_id=partner_id)
        assert again == [("unchanged", "already_enrolled"), ("unchanged", "already_waitlisted")]
        assert [event.type for event in events] == ["import.completed"]

    def test_of_who_is_in_without_the_partner_are_unchanged_too(self) -> None:
        course_id = an_open_course()
        person = a_person(email="learner1@example.org")
        own = an_enrollment(course_id, person.pk)
        assert results(a_row(course_id)) == [("unchanged", "already_enrolled")]
        assert EnrollmentRow.objects.get().pk == own.id
        assert EnrollmentRow.objects.get().partner_id is None

    def test_of_who_has_left_enroll_anew(self) -> None:
        partner_id, course_id = a_partner(), an_open_course()
        results(a_row(course_id), partner_id=partner_id)
        withdraw(course_id, EnrollmentRow.objects.get().learner_id)
        assert results(a_row(course_id), partner_id=partner_id) == [("enrolled", None)]

    def test_twice_in_a_file_are_duplicates_from_the_second_on(self) -> None:
        course_id, other = an_open_course(), an_open_course()
        spaced = (f" {crs(course_id)}", "e-1 ", "learner1@example.org", "Ada")
        assert results(a_row(course_id), a_row(other), a_row(course_id), spaced, a_row(course_id, 2)) == [
            ("enrolled", None),
            ("enrolled", None),
            ("rejected", "duplicate_in_file"),
            ("rejected", "duplicate_in_file"),
            ("enrolled", None),
        ]

    @pytest.mark.parametrize(
        ("cells", "place"),
        [
            (("", "a@x.org", "Ada"), "external_id"),
            (("e" * 101, "a@x.org", "Ada"), "external_id"),
            (("e1", "ada", "Ada"), "email"),
            (("e1", "", "Ada"), "email"),
            (("e1", f"{'a' * 250}@x.org", "Ada"), "email"),
            (("e1", "a@x.org", ""), "name"),
            (("e1", "a@x.org", "A\x07da"), "name"),
            (("e1", "a@x.org", "A" * 101), "name"),
        ],
    )
    def test_with_a_wrong_cell_are_rejected_and_borrow_nothing(self, cells: tuple[str, str, str], place: str) -> None:
        course_id = an_open_course()
        one = run(an_import(a_partner(), a_row(course_id, 1), (crs(course_id), *cells), a_row(course_id, 2)))
        first, wrong, last = rows_of(one)
        assert (first.result, wrong.result, wrong.code, last.result) == (
            "enrolled",
            "rejected",
            "invalid_request",
            "enrolled",
        )
        assert str(wrong.detail).startswith(f"{place}: ")
        assert counts(one) == {"enrolled": 2, "rejected": 1}

    @pytest.mark.parametrize("name", ["Ada\nLovelace", " Ada \r\n Lovelace\n", "Ada\rLovelace"])
    def test_may_break_a_name_over_lines(self, name: str) -> None:
        course_id = an_open_course()
        assert results((crs(course_id), "E-1", "ada@x.org", f'"{name}"')) == [("enrolled", None)]
        assert User.objects.get(email="ada@x.org").display_name == "Ada Lovelace"

    def test_keep_their_cells_as_sent(self) -> None:
        course_id = an_open_course()
        sent = (f" {crs(course_id)} ", " =e-1", "A@x.org ", " Ada ")
        [row] = rows_of(run(an_import(a_partner(), sent)))
        assert (row.course_id, row.external_id, row.email, row.result) == (sent[0], sent[1], sent[2], "enrolled")
        assert EnrollmentRow.objects.get().external_id == "=e-1"
        assert (User.objects.get().email, User.objects.get().display_name) == ("A@x.org", "Ada")

    def test_record_the_events_of_everybody_with_who_sent_them(self) -> None:
        partner_id, course_id = a_partner(), an_open_course(capacity=1, waitlist_enabled=True)
        with recording() as events:
            one = run(an_import(partner_id, a_row(course_id, 1), a_row(course_id, 2), a_row(course_id, 1)))
        created, joined, completed = events
        rows = {row.external_id: row for row in EnrollmentRow.objects.all()}
        assert [event.type for event in events] == ["enrollment.created", "waitlist.joined", "import.completed"]
        for event, row in ((created, rows["e-1"]), (joined, rows["e-2"])):
            assert event.data["enrollment_id"] == ids.encode(ids.ENROLLMENT, row.pk)
            assert event.data["learner_id"] == ids.encode(ids.USER, row.learner_id)
            assert (event.data["source"], event.data["external_id"]) == (row.source, row.external_id)
        assert {row.source for row in rows.values()} == {"import"}
        assert joined.data["position"] == 1
        assert completed.subject == imp(one.id)
        assert completed.data["counts"] == {"enrolled": 1, "waitlisted": 1, "unchanged": 0, "rejected": 1, "failed": 0}
        assert {event.partner for event in events} == {event.actor for event in events} == {ptn(partner_id)}
        assert {event.request_id for event in events} == {"req-import"}

    def test_are_as_if_one_came_after_the_other(self) -> None:
        """In many small transactions and in one, with several courses in between each other."""

        def scene(partner_id: UUID) -> list[Row]:
            course_ids = [
                an_open_course(capacity=3, waitlist_enabled=True),
                an_open_course(capacity=4),
                a_closed_course(),
            ]
            return [a_row(course_ids[number % 3], number // 2) for number in range(40)]

        together = results(*scene(a_partner()))
        partner_id = a_partner()
        one_by_one = []
        for row in scene(partner_id):
            one_by_one += results(row, partner_id=partner_id)
        assert together == one_by_one

    @of_a_session
    def test_are_looked_for_by_plans_that_know_how_large_the_tables_are_now(self) -> None:
        """A plan kept from the first rows reads tables as a whole for all rows to come."""
        partner_id = a_partner()
        for part in range(8):
            course_id = an_open_course()
            results(*(a_row(course_id, 10 * part + number) for number in range(10)), partner_id=partner_id)
        kept = [statement for (statement,) in db.fetch_all("SELECT statement FROM pg_prepared_statements")]
        assert kept != []
        assert [one for one in kept if "= ANY" in one or ("unnest" in one and "INSERT" not in one)] == []
