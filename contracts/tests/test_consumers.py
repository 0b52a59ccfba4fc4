"""What consumers really use: the contract has it, the service does it, a breaking change says whom it hurts."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.gate import consumers, documents
from contracts.gate.differences import Document
from contracts.tests.changed_service import Change, change_answers
from contracts.tests.consumers.provider import running, verify
from contracts.tests.consumers.states import STATES

PACTS = {path.stem: path for path in (documents.FOLDER / "consumers").glob("*.json")}
ASKED = consumers.interactions()
COURSE, ENROLL = "/api/v1/courses/{course_id}", "/api/v1/courses/{course_id}/enrollments"


class TestContracts:
    """An empty folder, and a state that nobody makes, would be verified without a word, or after minutes."""

    def test_are_those_of_the_known_consumers(self) -> None:
        assert set(PACTS) == {"web", "mobile", "partner", "analytics"}
        assert all(sum(each.consumer == name for each in ASKED) >= 3 for name in PACTS)

    def test_begin_each_with_one_state_that_is_known(self) -> None:
        assert {len(each.states) for each in ASKED} == {1}
        assert {state for each in ASKED for state in each.states} == set(STATES)

    def test_ask_for_nothing_that_the_published_contract_does_not_promise(self) -> None:
        assert list(consumers.hurt(documents.read(documents.PUBLISHED), ASKED)) == []

    def test_pin_no_word_that_may_change(self) -> None:
        for interaction in ASKED:
            body = interaction.response.get("body", {}).get("content", {})
            rules = interaction.response.get("matchingRules", {}).get("body", {})
            assert all(f"$.{name}" in rules for name in ("title", "detail", "instance", "message") if name in body)


@pytest.mark.django_db
class TestTheService:
    @pytest.mark.parametrize("name", sorted(PACTS))
    def test_does_what_the_consumer_needs(self, name: str) -> None:
        with running() as address:
            said = verify(PACTS[name], address)
        assert said == "", said

    @pytest.mark.parametrize(
        ("name", "change", "told"),
        [
            ("web", lambda body: body.pop("outcome", None), "outcome"),
            ("web", lambda body: body.pop("pace", None), "pace"),
            ("web", lambda body: body.get("outcome") == "enrolled" and body.update(outcome="admitted"), "admitted"),
            ("mobile", lambda body: "position" in body and body.update(position="1"), "position"),
            ("partner", lambda body: body.pop("reference", None), "reference"),
            ("analytics", lambda body: "code" in body and body.update(type="/problems/other"), "/problems/other"),
        ],
    )
    def test_is_found_out_when_it_does_not(
        self, name: str, change: Change, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_answers(monkeypatch, change)
        with running() as address:
            said = verify(PACTS[name], address)
        assert told in said

    @pytest.mark.parametrize("name", sorted(PACTS))
    def test_may_say_more(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        change_answers(monkeypatch, lambda body: body.update(since_then={"new": True}))
        with running() as address:
            assert verify(PACTS[name], address) == ""


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def operation(document: Document, path: str, method: str) -> Document:
    found: Document = document["paths"][path][method]
    return found


def answer(document: Document, path: str, status: str) -> Document:
    found: Document = operation(document, path, "post")["responses"][status]
    return found


BREAKAGES: dict[str, tuple[Callable[[Document], Any], str]] = {
    "an operation is gone": (lambda new: new["paths"][ENROLL].pop("post"), "web"),
    "a member is gone": (lambda new: schema(new, "WaitlistEntry")["properties"].pop("position"), "mobile web"),
    "a part of a member is gone": (lambda new: schema(new, "RatingDetails")["properties"].pop("pace"), "web"),
    "a member may be missing": (lambda new: schema(new, "Import")["required"].remove("counts"), "partner"),
    "a value is gone": (lambda new: schema(new, "Standing")["enum"].remove("waitlisted"), "mobile"),
    "an event is gone": (
        lambda new: schema(new, "EventType")["enum"].remove("enrollment.created"),
        "analytics",
    ),
    "a status is gone": (lambda new: operation(new, ENROLL, "post")["responses"].pop("202"), "web"),
    "a problem is gone": (
        lambda new: operation(new, ENROLL, "post")["responses"]["409"]["x-problem-types"].remove(
            "/problems/course-full"
        ),
        "web",
    ),
    "an input is required": (lambda new: schema(new, "SignInRequest")["required"].append("device"), "mobile web"),
    "an input is narrower": (
        lambda new: schema(new, "SignInRequest")["properties"]["password"].update(minLength=99),
        "mobile web",
    ),
    "a parameter is gone": (
        lambda new: operation(new, "/api/v1/events", "get")["parameters"].pop(1),
        "analytics",
    ),
    "one has to sign in": (
        lambda new: operation(new, COURSE, "get").update(security=[{"bearerAuth": []}]),
        "mobile web",
    ),
}
ADDITIONS: dict[str, Callable[[Document], Any]] = {
    "a member more": lambda new: schema(new, "Course")["properties"].update(language={"type": "string"}),
    "an optional input more": lambda new: schema(new, "SignInRequest")["properties"].update(device={"type": "string"}),
    "an operation more": lambda new: new["paths"].update({"/api/v1/shelves": {"get": {"responses": {}}}}),
    "a value more": lambda new: schema(new, "EventType")["enum"].append("course.moved"),
}


class TestWhoIsHurt:
    @pytest.mark.parametrize("name", BREAKAGES)
    def test_is_told_of_a_breaking_change(self, name: str) -> None:
        change, expected = BREAKAGES[name]
        new = copy.deepcopy(documents.read(documents.PUBLISHED))
        change(new)
        assert {line.partition(",")[0] for line in consumers.hurt(new, ASKED)} == set(expected.split())

    @pytest.mark.parametrize("name", ADDITIONS)
    def test_is_nobody_after_an_addition(self, name: str) -> None:
        new = copy.deepcopy(documents.read(documents.PUBLISHED))
        ADDITIONS[name](new)
        assert list(consumers.hurt(new, ASKED)) == []

    def test_may_be_whoever_uses_what_changes(self) -> None:
        published = documents.read(documents.PUBLISHED)
        assert consumers.users(published, [f"POST {ENROLL} 201"], ASKED) == ["web"]
        assert consumers.users(published, ["components.schemas.PartnerEnrollment"], ASKED) == ["partner"]
        assert consumers.users(published, ["components.schemas.ModeratedReview"], ASKED) == []


def test_a_consumer_has_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "consumers").mkdir()
    (tmp_path / "consumers" / "kiosk.json").write_text(PACTS["web"].read_text())
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"kiosk\.json is the contract of web"):
        consumers.interactions()
