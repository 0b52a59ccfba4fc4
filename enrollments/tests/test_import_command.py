"""`manage.py import_enrollments`: the same import, from an operator's file."""

from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from common import jobs
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course
from enrollments import services as enrollments
from enrollments.models import Import as ImportFile
from enrollments.services import import_runs
from enrollments.tests.factories import a_partner, a_row, csv_of, imp, ptn

pytestmark = pytest.mark.django_db


def run(file: Path, partner_id: UUID) -> tuple[str, str]:
    """What the command wrote to standard output, and beside it."""
    out, beside = StringIO(), StringIO()
    call_command("import_enrollments", str(file), partner=ptn(partner_id), stdout=out, stderr=beside, no_color=True)
    return out.getvalue(), beside.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three rows for two seats."""
    course_id = an_open_course(capacity=2)
    path = tmp_path / "spring.csv"
    path.write_bytes(csv_of(*(a_row(course_id, number) for number in range(3))))
    return path


def test_does_the_rows_and_says_what_came_of_them(file: Path) -> None:
    partner_id = a_partner()
    with recording() as events:
        out, beside = run(file, partner_id)
    [row] = ImportFile.objects.all()
    done = enrollments.get_import(partner_id=partner_id, import_id=row.pk)
    assert (done.status, done.file_name, done.rows_processed) == ("completed", "spring.csv", 3)
    assert out.splitlines()[0] == f"{imp(done.id)} is completed: 3 rows"
    assert out.splitlines()[1].split() == ["enrolled", "2"]
    assert "line 4: course_full: All 2 seats of this course are taken and it keeps no waitlist." in out
    assert "3/3" in beside
    assert {event.actor for event in events} == {"system:import_enrollments"}
    assert jobs.waiting() == []


def test_shows_the_first_of_many_rejected_rows(tmp_path: Path) -> None:
    course_id = an_open_course(capacity=0)
    path = tmp_path / "many.csv"
    path.write_bytes(csv_of(*(a_row(course_id, number) for number in range(30))))
    out, _ = run(path, a_partner())
    assert out.count("course_full") == 20
    assert out.splitlines()[-1].startswith("… the others are in the report of imp_")


@pytest.mark.parametrize("content", [b"", b"id\n", "course_id".encode("utf-16")])
def test_refuses_a_file_that_cannot_be_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    partner_id = a_partner()
    with nothing_changed(), pytest.raises(CommandError, match="Line 1") as refusal:
        run(path, partner_id)
    assert refusal.value.returncode == 2


def test_refuses_what_is_not_there(file: Path, tmp_path: Path) -> None:
    for path, partner in ((tmp_path / "none.csv", ptn(a_partner())), (file, "ptn_x"), (file, ptn(UUID(int=1)))):
        with nothing_changed(), pytest.raises(CommandError) as refusal:
            call_command("import_enrollments", str(path), partner=partner)
        assert refusal.value.returncode == 2


def test_tells_of_rows_that_failed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(import_runs, "_enroll", broken)
    with pytest.raises(CommandError, match="3 rows have failed") as refusal:
        run(file, a_partner())
    assert refusal.value.returncode == 1


def test_that_is_stopped_leaves_the_rest_to_a_worker(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(**_arguments: Any) -> bool:
        raise KeyboardInterrupt

    partner_id = a_partner()
    with monkeypatch.context() as patch:
        patch.setattr(enrollments, "run_import", stopped)
        with pytest.raises(SystemExit) as end:
            run(file, partner_id)
    assert end.value.code == 130
    enrollments.resume_imports()
    jobs.run_pending()
    assert ImportFile.objects.get().status == "completed"
