from uuid import UUID

import pytest

from common import ids
from enrollments import rules
from enrollments.errors import AlreadyEnrolled, AlreadyWaitlisted, EnrollmentCompleted, InvalidEnrollmentTransition
from enrollments.types import Status

WAITING, ACTIVE, COMPLETED, WITHDRAWN, REVOKED, LEFT, EXPIRED = Status
LEGAL = {
    (WAITING, ACTIVE),
    (WAITING, LEFT),
    (WAITING, EXPIRED),
    (ACTIVE, COMPLETED),
    (ACTIVE, WITHDRAWN),
    (ACTIVE, REVOKED),
}
ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


class TestCheckTransition:
    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("wanted", Status)
    def test_lets_pass_the_six_legal_steps_and_no_other(self, status: Status, wanted: Status) -> None:
        if (status, wanted) in LEGAL:
            rules.check_transition(status=status, wanted=wanted)
            return
        with pytest.raises(InvalidEnrollmentTransition, match=f"that is {status} cannot become {wanted}") as refusal:
            rules.check_transition(status=status, wanted=wanted)
        assert refusal.value.details == {"current_status": status.value}


class TestCheckMayEnroll:
    def test_lets_a_newcomer_pass(self) -> None:
        rules.check_may_enroll(standing_id=None, status=None)

    @pytest.mark.parametrize("status", [ACTIVE, COMPLETED])
    def test_refuses_whoever_is_in_and_names_the_enrollment(self, status: Status) -> None:
        with pytest.raises(AlreadyEnrolled) as refusal:
            rules.check_may_enroll(standing_id=ROW, status=status)
        assert refusal.value.details == {"enrollment_id": ids.encode("enr", ROW)}

    def test_refuses_whoever_waits_and_names_the_place_in_line(self) -> None:
        with pytest.raises(AlreadyWaitlisted) as refusal:
            rules.check_may_enroll(standing_id=ROW, status=WAITING)
        assert refusal.value.details == {"waitlist_entry_id": ids.encode("wle", ROW)}


class TestStateAfterWithdrawing:
    @pytest.mark.parametrize(("status", "expected"), [(WAITING, LEFT), (ACTIVE, WITHDRAWN)])
    def test_depends_on_whether_the_learner_was_in(self, status: Status, expected: Status) -> None:
        assert rules.state_after_withdrawing(standing_id=ROW, status=status) is expected

    def test_refuses_a_completed_enrollment(self) -> None:
        with pytest.raises(EnrollmentCompleted) as refusal:
            rules.state_after_withdrawing(standing_id=ROW, status=COMPLETED)
        assert refusal.value.details == {"enrollment_id": ids.encode("enr", ROW)}

    @pytest.mark.parametrize("status", [WAITING, ACTIVE])
    def test_is_a_legal_step(self, status: Status) -> None:
        assert (status, rules.state_after_withdrawing(standing_id=ROW, status=status)) in LEGAL


class TestWaitlistStatus:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (WAITING, "waiting"),
            (LEFT, "left"),
            (EXPIRED, "expired"),
            (ACTIVE, "promoted"),
            (COMPLETED, "promoted"),
            (WITHDRAWN, "promoted"),
            (REVOKED, "promoted"),
        ],
    )
    def test_of_whoever_got_a_seat_is_promoted_whatever_came_after(self, status: Status, expected: str) -> None:
        assert rules.waitlist_status(status) == expected
