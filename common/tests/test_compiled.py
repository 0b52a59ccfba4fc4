"""Statements made of querysets: compiled once, run with other values each time."""

import pytest
from django.db import ProgrammingError, connection
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower, Now
from django.test.utils import CaptureQueriesContext

from common.compiled import Slot, Statement, insert
from common.models import Event, User
from common.tests.factories import PersonFactory
from common.tests.sessions import of_a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_name() -> Statement:
    return Statement(User.objects.filter(display_name=Slot("name")).order_by("email").values_list("email"))


class TestStatement:
    def test_gives_what_the_slots_ask_for(self, by_name: Statement) -> None:
        for email, name in (("b@example.org", "Ada"), ("a@example.org", "Ada"), ("c@example.org", "Bo")):
            PersonFactory(email=email, display_name=name)
        assert by_name.rows(name="Ada") == [("a@example.org",), ("b@example.org",)]
        assert by_name.row(name="Bo") == ("c@example.org",)
        assert by_name.row(name="Cy") is None

    def test_takes_a_value_for_nothing_but_a_value(self, by_name: Statement) -> None:
        PersonFactory(email="a@example.org", display_name="' OR true --")
        PersonFactory(email="b@example.org", display_name="%s")
        assert by_name.rows(name="' OR true --") == [("a@example.org",)]
        assert by_name.rows(name="%s") == [("b@example.org",)]

    @of_a_session
    @pytest.mark.parametrize("planned_by_value", [True, False])
    def test_is_prepared_unless_its_values_decide_on_the_plan(self, *, planned_by_value: bool) -> None:
        mark = f"prepared {planned_by_value}"
        people = User.objects.filter(email=mark, display_name=Slot("name")).values_list("email")
        statement = Statement(people, planned_by_value=planned_by_value)
        for _ in range(8):
            assert statement.rows(name="Ada") == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE position(%s in statement) > 0", [mark])
            assert cursor.fetchone() == (0 if planned_by_value else 1,)

    def test_keeps_its_constants(self) -> None:
        odd = "50 % of O'Neill \\ %s"
        PersonFactory(display_name=odd.upper())
        named = User.objects.annotate(lower=Lower("display_name")).filter(lower=odd.lower(), email=Slot("email"))
        statement = Statement(named.values_list(Concat(F("display_name"), Value("%"))))
        assert statement.rows(email=User.objects.get().email) == [(odd.upper() + "%",)]

    def test_puts_only_slots_beside_its_text(self) -> None:
        """So that the server sees that a partial index applies."""
        statement = Statement(User.objects.filter(is_staff=False, version=7, pk=Slot("id")).values_list("pk")[:3])
        with CaptureQueriesContext(connection) as queries:
            statement.rows(id=None)
        assert "= 7" in queries[0]["sql"]
        assert "LIMIT 3" in queries[0]["sql"]

    def test_wants_all_its_slots(self, by_name: Statement) -> None:
        with pytest.raises(ProgrammingError, match="name"):
            by_name.rows()


class TestInsert:
    def an_event(self, **fields: object) -> Event:
        return Event(**{"type": "t", "subject": "s", "actor": "a", "data": {"of": ["%s", 1]}, **fields})

    def test_stores_what_save_stores(self) -> None:
        one, other = self.an_event(), self.an_event()
        insert(one)
        other.save(force_insert=True)
        names = [field.name for field in Event._meta.concrete_fields if field.name not in {"id", "uuid", "time"}]
        assert Event.objects.values(*names).get(pk=one.pk) == Event.objects.values(*names).get(pk=other.pk)

    @pytest.mark.parametrize("fields", [{}, {"time": Now()}])
    def test_knows_what_was_made_there(self, fields: dict[str, object]) -> None:
        row = self.an_event(**fields)
        insert(row)
        stored = Event.objects.get(uuid=row.uuid)
        assert (row.pk, row.time, row._state.adding) == (stored.pk, stored.time, False)
