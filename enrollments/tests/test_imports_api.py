"""Imports over HTTP: files as they come, what is refused before anything is kept, and what came of the rows."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import MULTIPART_CONTENT

from common import jobs
from common.tests.factories import ApiClient
from common.tests.problems import pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, an_open_course, crs
from enrollments.models import Import as ImportFile
from enrollments.tests.factories import a_partner, a_row, an_import, csv_of, imp, partner_client, run

pytestmark = pytest.mark.django_db

UNKNOWN = "imp_01h455vb4pex5vsknk084sn02q"


def post_csv(client: ApiClient, content: bytes, **extra: Any) -> Any:
    # The test client leaves out the type of an empty body.
    return client.generic("POST", "partner/imports", content, content_type="text/csv", CONTENT_TYPE="text/csv", **extra)


def post_form(client: ApiClient, **parts: Any) -> Any:
    return client.post("partner/imports", parts, content_type=MULTIPART_CONTENT)


def a_file(content: bytes, name: str = "learners.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def in_json(*rows: tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("course_id", "external_id", "email", "name")
    return {"rows": [dict(zip(names, row, strict=True)) for row in rows]}


def finished(client: ApiClient, response: Any) -> dict[str, Any]:
    """The import that the answer promised, once its job has run."""
    assert response.status_code == 202, response.content
    assert response["Location"] == f"/api/v1/partner/imports/{response.json()['id']}"
    jobs.run_pending()
    body: dict[str, Any] = client.get(response["Location"]).json()
    assert body["status"] == "completed"
    return body


class TestSending:
    def test_a_file_in_a_form(self) -> None:
        client, course_id = partner_client(), an_open_course()
        done = finished(client, post_form(client, file=a_file(csv_of(a_row(course_id, 1), a_row(course_id, 2)))))
        assert (done["file_name"], done["rows_total"], done["rows_processed"]) == ("learners.csv", 2, 2)
        assert done["counts"] == {"enrolled": 2, "waitlisted": 0, "unchanged": 0, "rejected": 0, "failed": 0}

    def test_a_file_as_it_is(self) -> None:
        client = partner_client()
        done = finished(client, post_csv(client, csv_of(a_row(an_open_course()))))
        assert (done["file_name"], done["counts"]["enrolled"]) == (None, 1)

    def test_rows_as_json(self) -> None:
        client, course_id = partner_client(), an_open_course()
        response = client.post("partner/imports", in_json(a_row(course_id), a_row(a_closed_course())))
        done = finished(client, response)
        assert (done["file_name"], done["counts"]["enrolled"], done["counts"]["rejected"]) == (None, 1, 1)
        rows = client.get(f"partner/imports/{done['id']}/rows").json()["data"]
        assert [row["line"] for row in rows] == [1, 2]

    def test_answers_before_anything_is_done(self) -> None:
        response = post_csv(partner_client(), csv_of(a_row(an_open_course())))
        body = response.json()
        assert (body["status"], body["rows_processed"], body["started_at"], body["finished_at"]) == (
            "queued",
            0,
            None,
            None,
        )

    @pytest.mark.parametrize(
        ("name", "kept"), [("../../etc/x.csv", "x.csv"), ("C:\\a\\x.csv", "x.csv"), ("é 1.csv", "é 1.csv")]
    )
    def test_keeps_the_name_of_the_file_alone(self, name: str, kept: str) -> None:
        assert post_form(partner_client(), file=a_file(csv_of(), name)).json()["file_name"] == kept

    def test_a_name_that_is_too_long_is_cut(self) -> None:
        body = post_form(partner_client(), file=a_file(csv_of(), f"{'x' * 230}.csv")).json()
        assert len(body["file_name"]) == 200

    def test_happens_once_for_one_idempotency_key(self) -> None:
        partner_id, content = a_partner(), csv_of(a_row(an_open_course()))
        client = partner_client(partner_id, Idempotency_Key="k")
        first = post_form(client, file=a_file(content))
        with nothing_changed():
            # Another boundary between the parts does not make it another request.
            again = client.post("partner/imports", {"file": a_file(content)}, content_type=MULTIPART_CONTENT)
            refused(post_form(client, file=a_file(content + b"x")), 422, "idempotency_key_reused")
            refused(post_form(client, file=a_file(content, "other.csv")), 422, "idempotency_key_reused")
            refused(client.post("partner/imports", {"rows": []}), 422, "idempotency_key_reused")
        assert (again.content, again["Location"]) == (first.content, first["Location"])
        assert again["Idempotency-Replayed"] == "true"


class TestRefusing:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "Line 1: The file is empty"),
            (b"id,email\n", "Line 1: There is no column course_id"),
            (csv_of(("a", "b", "c", "é")).decode().encode("latin-1"), "Line 2: This is not UTF-8"),
            ("course_id".encode("utf-16"), "Line 1: This is UTF-16"),
            (csv_of(("a", "b", "c", '"d'), ("e", "f", "g", "h")), "Line 2: A quote is opened"),
        ],
    )
    def test_a_file_that_cannot_be_read(self, content: bytes, words: str) -> None:
        client = partner_client()
        client.get("partner/imports")
        with nothing_changed():
            for response in (post_csv(client, content), post_form(client, file=a_file(content))):
                assert pointers(response) == {"/file"}
                assert words in response.json()["detail"]

    def test_a_form_of_another_kind(self) -> None:
        client, content = partner_client(), csv_of()
        client.get("partner/imports")
        with nothing_changed():
            assert pointers(post_form(client)) == {"/file"}
            assert pointers(post_form(client, file="course_id")) == {"/file"}
            assert pointers(post_form(client, file=[a_file(content), a_file(content)])) == {"/file"}
            assert pointers(post_form(client, other=a_file(content))) == {"/other"}
            assert pointers(post_form(client, file=a_file(content), note="x")) == {"/note"}
            broken = client.generic("POST", "partner/imports", b"x", content_type="multipart/form-data")
            assert pointers(broken) == {""}
            cut = client.generic("POST", "partner/imports", b"--b\r\n", content_type="multipart/form-data; boundary=b")
            assert pointers(cut) == {"/file"}

    @pytest.mark.parametrize(
        ("body", "places"),
        [
            ("", {""}),
            ("{", {""}),
            ("[]", {""}),
            ("{}", {"/rows"}),
            ('{"rows": [{}]}', {"/rows/0/course_id"}),
            (
                json.dumps({"rows": [{"course_id": 1, "external_id": "", "email": "", "name": ""}]}),
                {"/rows/0/course_id"},
            ),
        ],
    )
    def test_json_of_another_shape(self, body: str, places: set[str]) -> None:
        client = partner_client()
        client.get("partner/imports")
        with nothing_changed():
            response = client.generic("POST", "partner/imports", body, CONTENT_TYPE="application/json")
            assert pointers(response) == places

    @pytest.mark.parametrize("media_type", ["text/plain", "application/csv", "application/octet-stream", ""])
    def test_other_media_types(self, media_type: str) -> None:
        client = partner_client()
        client.get("partner/imports")
        with nothing_changed():
            response = client.generic("POST", "partner/imports", csv_of(), content_type=media_type)
            refused(response, 415, "unsupported_media_type")

    def test_compressed_files(self) -> None:
        refused(post_csv(partner_client(Content_Encoding="gzip"), csv_of()), 415, "unsupported_media_type")

    def test_more_bytes_than_20_mb(self, settings: LazySettings) -> None:
        client = partner_client()
        client.get("partner/imports")
        content = csv_of() + b" " * (settings.IMPORT_MAX_BYTES + 1 - len(csv_of()))
        rows = b'{"rows": []' + b" " * settings.IMPORT_MAX_BYTES + b"}"
        with nothing_changed():
            refused(post_csv(client, content), 413, "payload_too_large")
            refused(post_form(client, file=a_file(content)), 413, "payload_too_large")
            refused(client.generic("POST", "partner/imports", rows), 413, "payload_too_large")
            refused(post_form(client, file=a_file(content * 2)), 413, "payload_too_large")

    def test_no_file_of_20_mb(self, settings: LazySettings) -> None:
        blank_line = b" " * 99_999 + b"\n"
        content = csv_of() + blank_line * (settings.IMPORT_MAX_BYTES // len(blank_line))
        content += b" " * (settings.IMPORT_MAX_BYTES - len(content))
        assert post_csv(partner_client(), content).status_code == 202
        assert post_form(partner_client(), file=a_file(content)).status_code == 202

    def test_more_rows_than_100_000(self, settings: LazySettings) -> None:
        assert settings.IMPORT_MAX_ROWS == 100_000
        settings.IMPORT_MAX_ROWS = 2
        client, rows = partner_client(), [a_row(an_open_course(), number) for number in range(3)]
        client.get("partner/imports")
        with nothing_changed():
            refused(post_csv(client, csv_of(*rows)), 413, "payload_too_large")
            refused(client.post("partner/imports", in_json(*rows)), 413, "payload_too_large")


@pytest.fixture
def done() -> tuple[ApiClient, str]:
    """A partner, and its import of rows with several results."""
    partner_id, course_id = a_partner(), an_open_course(capacity=2)
    rows = [a_row(course_id, number) for number in range(4)]
    one = run(an_import(partner_id, *rows, (crs(course_id), "=1+1", "not an email", "x"), rows[0]))
    return partner_client(partner_id), f"partner/imports/{imp(one.id)}"


class TestReading:
    def test_lists_the_partners_imports_newest_first(self) -> None:
        partner_id = a_partner()
        an_import(a_partner())
        expected = [imp(an_import(partner_id).id) for _ in range(3)][::-1]
        client = partner_client(partner_id)
        first = client.get("partner/imports", {"limit": 2}).json()
        second = client.get("partner/imports", {"limit": 2, "cursor": first["page"]["next_cursor"]}).json()
        assert [each["id"] for each in first["data"] + second["data"]] == expected
        assert not second["page"]["has_more"]

    def test_shows_what_came_of_each_row(self, done: tuple[ApiClient, str]) -> None:
        client, address = done
        rows = client.get(f"{address}/rows").json()["data"]
        assert [(row["line"], row["result"], row["code"]) for row in rows] == [
            (2, "enrolled", None),
            (3, "enrolled", None),
            (4, "rejected", "course_full"),
            (5, "rejected", "course_full"),
            (6, "rejected", "invalid_request"),
            (7, "rejected", "duplicate_in_file"),
        ]
        assert rows[4]["detail"] == "email: Must be an email address."
        assert (rows[4]["external_id"], rows[4]["email"]) == ("=1+1", "not an email")

    def test_shows_rows_with_one_result_page_by_page(self, done: tuple[ApiClient, str]) -> None:
        client, address = done
        query = {"result": "rejected", "limit": 3}
        first = client.get(f"{address}/rows", query).json()
        second = client.get(f"{address}/rows", {**query, "cursor": first["page"]["next_cursor"]}).json()
        assert [row["line"] for row in first["data"] + second["data"]] == [4, 5, 6, 7]
        assert client.get(f"{address}/rows", {"result": "failed"}).json()["data"] == []
        refused(client.get(f"{address}/rows", {"result": "lost"}), 400, "invalid_request")

    def test_shows_rows_that_are_still_to_be_done(self) -> None:
        partner_id = a_partner()
        one = an_import(partner_id, ("x", "e", "a@x.org", "A"))
        [row] = partner_client(partner_id).get(f"partner/imports/{imp(one.id)}/rows").json()["data"]
        assert (row["result"], row["code"], row["detail"]) == (None, None, None)

    def test_gives_all_rows_as_csv_that_runs_nothing(self, done: tuple[ApiClient, str]) -> None:
        client, address = done
        response = client.get(f"{address}/report.csv")
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == f'attachment; filename="{address.rpartition("/")[2]}.csv"'
        rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline="")))
        assert [row["line"] for row in rows] == ["2", "3", "4", "5", "6", "7"]
        assert rows[4]["external_id"] == "'=1+1"
        assert rows[0]["code"] == ""

    def test_gives_the_csv_to_who_accepts_csv(self, done: tuple[ApiClient, str]) -> None:
        client, address = done
        for accept, status in [("text/csv", 200), ("text/*", 200), ("*/*", 200), ("application/json", 406)]:
            assert client.get(f"{address}/report.csv", headers={"accept": accept}).status_code == status
        assert client.get(address, headers={"accept": "text/csv"}).status_code == 406

    def test_gives_the_head_of_the_csv_alone(self, done: tuple[ApiClient, str]) -> None:
        client, address = done
        response = client.head(f"/api/v1/{address}/report.csv")
        assert (response.status_code, b"".join(response.streaming_content)) == (200, b"")


class TestSteps:
    def test_cancel(self) -> None:
        partner_id = a_partner()
        one = an_import(partner_id, a_row(an_open_course()))
        client = partner_client(partner_id)
        response = client.post(f"partner/imports/{imp(one.id)}/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
        with nothing_changed():
            body = refused(client.post(f"partner/imports/{imp(one.id)}/cancel"), 409, "invalid_transition")
        assert body["current_status"] == "cancelled"

    def test_retry(self) -> None:
        partner_id = a_partner()
        one = run(an_import(partner_id, a_row(an_open_course())))
        fail(one.id)
        client = partner_client(partner_id)
        response = client.post(f"partner/imports/{imp(one.id)}/retry")
        assert (response.status_code, response.json()["status"]) == (202, "queued")
        jobs.run_pending()
        assert client.get(f"partner/imports/{imp(one.id)}").json()["counts"]["unchanged"] == 1


def fail(import_id: UUID) -> None:
    """All rows of the import have failed."""
    file = ImportFile.objects.get(pk=import_id)
    file.rows.update(result="failed")
    ImportFile.objects.filter(pk=import_id).update(failed=file.rows_total, enrolled=0)


@pytest.mark.parametrize("import_id", ["imp_x", "x", UNKNOWN, "crs_01h455vb4pex5vsknk084sn02q"])
@pytest.mark.parametrize(
    ("method", "path"), [("get", ""), ("get", "/rows"), ("get", "/report.csv"), ("post", "/retry"), ("post", "/cancel")]
)
def test_an_import_that_is_not_the_partners_is_not_found(method: str, path: str, import_id: str) -> None:
    client = partner_client()
    refused(getattr(client, method)(f"partner/imports/{import_id}{path}"), 404, "import_not_found")
