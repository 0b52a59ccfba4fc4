"""What `make contract` and `make freeze` take and refuse, and what is checked of the published contract at any time."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.gate import checks, documents, publishing
from contracts.migrating.releases import newest, of_release
from contracts.tests import planted_in_members, planted_in_operations
from contracts.tests.planting import TODAY, Change, operation

LATER = date(2029, 1, 1)


def written(folder: Path, *changes: Change) -> Path:
    """The published contract with these changes, as a candidate."""
    changed = documents.read(documents.PUBLISHED)
    for change in changes:
        change(changed)
    path = folder / f"candidate-{len(list(folder.iterdir()))}.yaml"
    path.write_text(yaml.dump(changed, Dumper=yaml.CSafeDumper, sort_keys=False))
    return path


def published() -> str:
    return documents.PUBLISHED.read_text()


def faults(today: date = TODAY) -> list[str]:
    return list(checks.faults(documents.read(documents.PUBLISHED), documents.releases(), today=today))


def release(folder: Path, version: str, *changes: Change, supported_until: date | None = None) -> None:
    """Publishes the contract with these changes under a version, and releases it."""

    def numbered(contract: documents.Document) -> None:
        contract["info"]["version"] = version

    candidate = written(folder, numbered, *changes)
    documents.PUBLISHED.write_bytes(candidate.read_bytes())
    publishing.freeze(today=TODAY)
    if supported_until is not None:
        listed = yaml.safe_load(documents.list_of_releases().read_text())
        listed[-1]["supported_until"] = supported_until
        documents.list_of_releases().write_text(yaml.safe_dump(listed))


class TestPublish:
    def test_takes_an_addition(self, house: Path) -> None:
        candidate = written(house, planted_in_members.a_member_is_new)
        outcome = publishing.publish(candidate, today=TODAY)
        assert (str(outcome.verdict), outcome.refusal) == ("additive", "")
        assert published() == candidate.read_text()

    def test_takes_what_is_the_same(self, house: Path) -> None:
        before = published()
        outcome = publishing.publish(written(house), today=TODAY)
        assert (str(outcome.verdict), outcome.refusal) == ("unchanged", "")
        assert yaml.safe_load(published()) == yaml.safe_load(before)

    def test_refuses_a_breach(self, house: Path) -> None:
        before = published()
        outcome = publishing.publish(written(house, planted_in_members.a_member_is_gone), today=TODAY)
        assert str(outcome.verdict) == "breaking"
        assert outcome.refusal
        assert published() == before

    def test_takes_back_what_no_release_holds_when_asked_to(self, house: Path) -> None:
        candidate = written(house, planted_in_members.a_member_is_gone)
        outcome = publishing.publish(candidate, today=TODAY, draft=True)
        assert (str(outcome.verdict), outcome.refusal) == ("breaking", "")
        assert published() == candidate.read_text()

    def test_never_takes_back_what_a_release_holds(self, house: Path) -> None:
        release(house, "1.0.0")
        before = published()
        candidate = written(house, planted_in_members.a_member_is_gone)
        outcome = publishing.publish(candidate, today=TODAY, draft=True)
        assert "Clients of 1.0.0 depend on it" in outcome.refusal
        assert published() == before

    def test_takes_back_what_only_a_release_held_that_is_no_longer_supported(self, house: Path) -> None:
        release(house, "1.0.0", supported_until=date(2027, 5, 1))
        candidate = written(house, planted_in_members.a_member_is_gone)
        assert publishing.publish(candidate, today=TODAY, draft=True).refusal == ""


class TestFreeze:
    def test_keeps_the_contract_and_its_stories(self, house: Path) -> None:
        release(house, "1.0.0")
        [kept] = documents.releases()
        assert (kept.version, kept.released, kept.supported_until) == ("1.0.0", TODAY, None)
        assert kept.path.read_text() == published()
        assert {story.name for story in (kept.folder / "stories").iterdir()} >= {"story.py", "story.ts"}
        assert of_release(kept.folder) == newest()

    def test_needs_a_higher_version(self, house: Path) -> None:
        release(house, "1.10.0")
        for version in ("1.10.0", "1.9.0"):
            with pytest.raises(ValueError, match=r"1\.10\.0 is released"):
                release(house, version)


class TestChecks:
    def test_find_nothing_wrong(self, house: Path) -> None:
        release(house, "1.0.0")
        assert faults() == []

    def test_find_a_breach_that_came_by_another_way(self, house: Path) -> None:
        release(house, "1.0.0")
        release(house, "1.1.0", planted_in_members.a_member_is_gone)
        told = [fault.partition(":")[0] for fault in faults()]
        assert [each for each in told if "Hurts" not in each] == ["Breaks clients of 1.0.0"] * 2
        assert "Hurts web, reading a course" in told

    def test_let_go_of_what_a_later_release_announced(self, house: Path) -> None:
        release(house, "1.0.0")
        release(house, "1.1.0", planted_in_operations.leaving_yesterday)
        release(house, "1.2.0", planted_in_operations.an_operation_leaves_after_its_date)
        assert [fault for fault in faults() if "Breaks" in fault] == []

    def test_do_not_mind_releases_that_are_no_longer_supported(self, house: Path) -> None:
        release(house, "1.0.0", supported_until=date(2027, 5, 31))
        release(house, "1.1.0", planted_in_members.a_member_is_gone)
        assert [fault for fault in faults() if "Hurts" not in fault] == []

    def test_find_a_release_that_was_altered(self, house: Path) -> None:
        release(house, "1.0.0")
        [kept] = documents.releases()
        kept.path.write_text(kept.path.read_text() + "\n")
        assert faults() == ["openapi.yaml of release 1.0.0 has been altered."]

    def test_find_a_version_that_was_not_raised(self, house: Path) -> None:
        release(house, "1.0.0")
        documents.PUBLISHED.write_text(written(house, planted_in_members.a_member_is_new).read_text())
        assert faults() == ["It differs from release 1.0.0: give it the version 1.1.0 in config/settings.py."]

    def test_find_what_should_be_gone(self, house: Path) -> None:
        release(house, "1.0.0", planted_in_operations.leaving_tomorrow)
        assert faults() == []
        assert faults(LATER) == [
            "GET /api/v1/courses was to be gone on 2027-06-02. Take it out, then make contract.",
            "GET /api/v1/events type was to be gone on 2027-06-02. Take it out, then make contract.",
            "Course.summary was to be gone on 2027-06-02. Take it out, then make contract.",
        ]

    def test_find_a_version_of_another_api(self, house: Path) -> None:
        release(house, "1.0.0")

        def second(contract: documents.Document) -> None:
            contract["info"]["version"] = "2.0.0"
            operation(contract, "GET /courses")["summary"] = "Browse"

        documents.PUBLISHED.write_text(written(house, second).read_text())
        assert faults() == ["The contract of /api/v1 cannot have the version 2.0.0."]
