from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from common import db
from common.context import RequestContext, current_request, entered
from common.errors import NotFound
from common.models import User
from common.tests.factories import a_person
from common.tests.races import meet
from common.tests.unchanged import nothing_changed

pytestmark = pytest.mark.django_db


@db.step
def add(*, first: int, second: int) -> int:
    """The sum."""
    return first + second


class TestStep:
    def test_runs_in_the_transaction_of_a_use_case(self) -> None:
        with transaction.atomic():
            assert add(first=1, second=2) == 3

    def test_refuses_outside_although_the_test_has_a_transaction(self) -> None:
        assert transaction.get_connection().in_atomic_block
        with pytest.raises(db.NotInTransaction, match="add"):
            add(first=1, second=2)

    def test_refuses_again_after_the_use_case(self) -> None:
        with transaction.atomic():
            assert db.in_use_case()
        assert not db.in_use_case()

    def test_keeps_its_name_and_description(self) -> None:
        assert (add.__name__, add.__doc__) == ("add", "The sum.")


class TestTogether:
    def test_sends_statements_whose_effects_are_there_after_the_block(self) -> None:
        a_person(email="ada@example.org")
        with transaction.atomic():
            with db.together():
                db.execute("UPDATE common_user SET display_name = %s", ["Ben"])
                db.execute_set("UPDATE common_user SET display_name = display_name || %s", ["!"])
            assert db.fetch_all("SELECT display_name FROM common_user") == [("Ben!",)]

    def test_takes_time_that_the_request_knows_of(self) -> None:
        with entered(RequestContext()):
            with db.together():
                db.execute("SELECT pg_sleep(0.05)")
            assert 0.05 <= current_request().database_seconds < 5

    def test_says_which_constraint_one_of_them_violates(self) -> None:
        def add_again() -> None:
            with transaction.atomic(), db.together():
                db.execute(
                    "INSERT INTO common_user (id, email, display_name, password, is_active, is_staff, is_superuser,"
                    " version) SELECT gen_random_uuid(), email, 'x', '', true, false, false, 1 FROM common_user"
                )
                db.execute("UPDATE common_user SET display_name = 'never'")

        a_person(email="ada@example.org")
        with nothing_changed(), pytest.raises(IntegrityError, match="user_one_email"):
            add_again()


class TestFetchOneBehind:
    lock = db.Part("lock", "SELECT pg_advisory_xact_lock(%(lock_key)s)", {"lock_key": 7})

    @pytest.mark.django_db(transaction=True)
    def test_sees_what_was_committed_while_it_waited_for_the_lock(self) -> None:
        def sign_up() -> tuple[Any, ...] | None:
            row = db.fetch_one_behind(self.lock, "SELECT count(*) FROM common_user")
            a_person()
            return row

        assert meet(sign_up, sign_up) == ((0,), (1,))

    @pytest.mark.django_db(transaction=True)
    def test_holds_the_lock_until_the_statement_is_done_and_no_longer(self) -> None:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert db.fetch_one_behind(self.lock, held) == (1,)
        assert db.fetch_one(held) == (0,)

    def test_says_what_is_wrong_with_either(self) -> None:
        for lock, sql in ((self.lock, "SELECT 1 / 0"), (db.Part("lock", "SELECT 1 / 0", {}), "SELECT 1")):
            with pytest.raises(DataError, match="division"), transaction.atomic():
                db.fetch_one_behind(lock, sql)
        assert db.fetch_one_behind(self.lock, "SELECT %s", ["on"]) == ("on",)


class TestRefusing:
    def sign_up(self, email: str, **refusals: str) -> None:
        with db.refusing({name: lambda sentence=sentence: NotFound(sentence) for name, sentence in refusals.items()}):
            a_person(email=email)
            a_person(email="second@example.org")

    def test_lets_pass_what_is_allowed(self) -> None:
        self.sign_up("ada@example.org", user_one_email="taken")
        assert User.objects.count() == 2

    def test_turns_the_violation_of_the_named_constraint_into_its_refusal_and_undoes_the_block(self) -> None:
        a_person(email="second@example.org")
        with nothing_changed(), pytest.raises(NotFound, match="taken") as refusal:
            self.sign_up("ada@example.org", some_other="other", user_one_email="taken")
        assert isinstance(refusal.value.__cause__, IntegrityError)

    def test_lets_the_violation_of_another_constraint_out_as_it_is(self) -> None:
        a_person(email="second@example.org")
        with nothing_changed(), pytest.raises(IntegrityError) as violation:
            self.sign_up("ada@example.org", some_other="other")
        assert db.violated_constraint(violation.value) == "user_one_email"

    def test_leaves_a_larger_transaction_usable(self) -> None:
        a_person(email="second@example.org")
        with transaction.atomic():
            a_person(email="before@example.org")
            with pytest.raises(NotFound):
                self.sign_up("ada@example.org", user_one_email="taken")
            a_person(email="after@example.org")
        assert set(User.objects.values_list("email", flat=True)) == {
            "second@example.org",
            "before@example.org",
            "after@example.org",
        }

    def test_makes_the_refusal_after_the_rollback_so_that_it_may_ask_the_database(self) -> None:
        a_person(email="ada@example.org", display_name="Ada")
        with (
            pytest.raises(NotFound, match="Ada has it"),
            db.refusing({"user_one_email": lambda: NotFound(f"{User.objects.get().display_name} has it")}),
        ):
            a_person(email="ADA@example.org")

    def test_is_the_transaction_that_steps_ask_for(self) -> None:
        with db.refusing({}):
            assert add(first=1, second=2) == 3


class TestRefusingAStatement:
    def sign_up(self) -> None:
        with db.refusing_statement({"user_one_email": lambda: NotFound("taken")}):
            a_person(email="ada@example.org")

    def test_turns_the_violation_of_the_named_constraint_into_its_refusal(self) -> None:
        self.sign_up()
        with nothing_changed(), pytest.raises(NotFound, match="taken"):
            self.sign_up()

    def test_leaves_a_larger_transaction_usable(self) -> None:
        self.sign_up()
        with transaction.atomic(), pytest.raises(NotFound):
            self.sign_up()
        a_person(email="after@example.org")
        assert User.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_opens_no_transaction_of_its_own(self) -> None:
        with db.refusing_statement({}):
            assert not connection.in_atomic_block


class TestViolatedConstraint:
    def test_is_none_for_an_error_that_postgresql_did_not_raise(self) -> None:
        assert db.violated_constraint(IntegrityError("made up")) is None


class TestRows:
    def test_fetch_one_gives_the_first_or_none(self) -> None:
        assert db.fetch_one("SELECT n FROM generate_series(%s, 9) AS n ORDER BY n", [4]) == (4,)
        assert db.fetch_one("SELECT 1 WHERE false") is None

    def test_fetch_all_gives_all(self) -> None:
        assert db.fetch_all("SELECT n, %(name)s FROM generate_series(1, 2) AS n", {"name": "x"}) == [(1, "x"), (2, "x")]

    def test_execute_counts_the_rows_that_it_touched(self) -> None:
        for _ in range(3):
            a_person(display_name="Ada")
        assert db.execute("UPDATE common_user SET version = 7 WHERE display_name = %s", ["Ada"]) == 3
