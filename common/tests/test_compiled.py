"""Statements made of querysets: compiled once, run with other values each time."""

import pytest
from django.db import ProgrammingError, connection
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower
from django.test.utils import CaptureQueriesContext

from common.compiled import Slot, Statement
from common.models import User
from common.tests.factories import PersonFactory

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
