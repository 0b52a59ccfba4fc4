"""Accounts over HTTP: registering, and one's own profile."""

import re
from datetime import datetime

import pytest

from common.models import User
from common.tests.accounts import ADA, bearer, patch_me, register
from common.tests.factories import PASSWORD, a_person, client_of, usr
from common.tests.problems import pointers, refused
from common.tests.races import holding, rival
from common.tests.unchanged import nothing_changed


@pytest.mark.django_db
class TestRegister:
    def test_makes_an_account(self) -> None:
        response = register()
        person = User.objects.get()
        assert response.status_code == 201
        body = response.json()
        assert {**body, "created_at": ""} == {
            "id": usr(person.pk),
            "email": "ada@example.org",
            "display_name": "Ada",
            "created_at": "",
        }
        assert re.fullmatch(r"usr_[0-7][0-9a-hjkmnp-tv-z]{25}", body["id"])
        assert datetime.fromisoformat(body["created_at"]) == person.created_at
        assert body["created_at"].endswith("Z")

    def test_makes_nobody_staff_and_keeps_no_password_in_clear(self) -> None:
        register()
        person = User.objects.get()
        assert (person.is_staff, person.is_superuser, person.groups.count()) == (False, False, 0)
        assert PASSWORD not in person.password

    @pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@Example.Org", " ada@example.org "])
    def test_takes_each_email_once_whatever_its_case(self, email: str) -> None:
        register()
        with nothing_changed():
            refused(register(email=email), 409, "email_already_registered")

    def test_keeps_the_email_as_it_was_written(self) -> None:
        assert register(email="Ada.L@Example.org").json()["email"] == "Ada.L@Example.org"

    @pytest.mark.parametrize("email", ["a+b@example.org", "a@sub.example.org", "a@例え.jp", "x" * 64 + "@example.org"])
    def test_takes_every_email_that_can_be_one(self, email: str) -> None:
        assert register(email=email).json()["email"] == email

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@b",
            "a b@example.org",
            "<ada@example.org>",
            "ada@example.org,bob@example.org",
            "ada@@example.org",
            "ada@example..org",
            "é@example.org",
            "\u017fam@example.org",
            "\u212aim@example.org",
            "ada@example.org\nBcc: bob@example.org",
            "x" * 250 + "@example.org",
        ],
    )
    def test_refuses_what_is_no_email(self, email: str) -> None:
        with nothing_changed():
            assert pointers(register(email=email)) == {"/email"}

    @pytest.mark.parametrize(
        "password",
        ["", "short", "1234567890123", "password", "qwertyuiop", "ada@example.org", "Ada Lovelace", "x" * 129],
    )
    def test_refuses_weak_passwords(self, password: str) -> None:
        with nothing_changed():
            assert pointers(register(password=password, display_name="Ada Lovelace")) == {"/password"}

    def test_says_everything_that_is_wrong_with_a_password(self) -> None:
        errors = refused(register(password="123456"), 400, "invalid_request")["errors"]
        assert [entry["code"] for entry in errors] == ["weak_password"] * 3
        assert "at least 8 characters" in errors[0]["detail"]

    def test_needs_no_token_and_looks_at_none(self) -> None:
        assert bearer("expired").post("auth/register", ADA).status_code == 201


@pytest.mark.django_db
class TestMe:
    def test_is_the_account_of_the_caller(self) -> None:
        ada = a_person(email="ada@example.org", display_name="Ada")
        a_person()
        body = client_of(ada).get("users/me").json()
        assert {**body, "created_at": ""} == {
            "id": usr(ada.pk),
            "email": "ada@example.org",
            "display_name": "Ada",
            "created_at": "",
        }

    def test_may_go_by_another_name(self) -> None:
        ada, bob = a_person(), a_person(display_name="Bob")
        response = patch_me(client_of(ada), {"display_name": "Ada L."})
        assert (response.status_code, response.json()["display_name"]) == (200, "Ada L.")
        assert response.json() == client_of(ada).get("users/me").json()
        bob.refresh_from_db()
        assert bob.display_name == "Bob"

    @pytest.mark.parametrize("field", ["email", "id", "password", "is_staff", "created_at"])
    def test_may_change_nothing_else(self, field: str) -> None:
        client = client_of(a_person())
        with nothing_changed():
            assert pointers(patch_me(client, {"display_name": "A", field: "x"})) == {f"/{field}"}

    def test_is_for_nobody_without_a_token(self) -> None:
        refused(client_of().get("users/me"), 401, "unauthenticated")
        refused(patch_me(client_of(), {"display_name": "A"}), 401, "unauthenticated")


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_with_one_email_make_one_account(self) -> None:
        with holding(register) as first, rival(lambda: register(email="ADA@example.org")) as second:
            assert second.waits_for(first)
            first.commit()
            assert first.result().status_code == 201
            refused(second.result(), 409, "email_already_registered")
        assert User.objects.count() == 1

    def test_with_one_email_let_the_second_in_when_the_first_comes_to_nothing(self) -> None:
        with holding(register) as first, rival(lambda: register(email="ADA@example.org")) as second:
            assert second.waits_for(first)
            first.undo()
            assert second.result().status_code == 201
        assert User.objects.get().email == "ADA@example.org"
