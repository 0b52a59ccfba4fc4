"""What docs/partners.md shows is run, block after block, against the service."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from common import jobs
from courses.tests.factories import an_open_course
from enrollments.models import Import as ImportFile
from enrollments.tests.factories import a_key, a_partner

GUIDE = Path(settings.BASE_DIR, "docs", "partners.md")


@pytest.mark.django_db(transaction=True)
def test_every_block_of_the_guide_does_what_it_says(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    an_open_course(capacity=5)
    monkeypatch.setenv("LECTERN_API", f"{live_server.url}/api/v1")
    monkeypatch.setenv("LECTERN_KEY", a_key(a_partner()))
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(blocks) == 7
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), names)  # it is ours
        assert names["status"] in {200, 201, 202}, names["answer"]
        # What a worker would do meanwhile.
        jobs.run_pending()
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"enrolled enr_\w{26}", said[0])
    assert said[1:3] == ["withdrawn", "202 queued 2"]
    assert said[4] == "3 invalid_request email: Must be an email address."
    assert "'enrollment.created', 'enrollment.withdrawn', 'enrollment.created', 'import.completed'" in said[5]
    done = ImportFile.objects.get()
    assert (done.status, done.enrolled, done.rejected) == ("completed", 1, 1)
