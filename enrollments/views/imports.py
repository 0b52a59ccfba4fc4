"""Imports: a partner sends many rows at once, and looks at what came of them."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from common import clock, ids
from common.api import ApiView, answer, csv_file
from common.operations import Access, CsvFile, EmptyBody, PageOf, Tag, Upload, operation
from enrollments import services as enrollments
from enrollments.files import report_lines, rows_of_csv, rows_of_json
from enrollments.serializers.imports import (
    CSV_EXAMPLE,
    REPORT_EXAMPLE,
    ImportRowsBody,
    ImportRowsQuery,
    ImportRowView,
    ImportView,
)

TAG = Tag("Imports", "Many rows at once, from a partner's file. Each row is its own unit; background work does them.")
_FILE = Upload(media_type="text/csv", max_bytes=settings.IMPORT_MAX_BYTES, example=CSV_EXAMPLE)


def _import_id(text: str) -> UUID:
    import_id = ids.decode(ids.IMPORT, text)
    if import_id is None:
        raise enrollments.ImportNotFound
    return import_id


class Imports(ApiView):
    """The partner's imports."""

    @operation(
        id="imports.start",
        tag=TAG,
        summary="Import a file of learners",
        description="A CSV with the columns `course_id,external_id,email,name`, as the part `file` of a form or as it "
        "is, or rows as JSON; up to 100,000 rows and 20 MB. Rows run in their order, so it decides who gets a seat. A "
        "row that a rule refuses leaves the others alone; the same file again gives `unchanged` for what stands. Of a "
        "file that cannot be read as a whole nothing is kept.",
        access=Access.PARTNER,
        body=ImportRowsBody,
        upload=_FILE,
        answers={202: ImportView},
        idempotent=True,
        located=True,
    )
    def post(self, request: Request) -> HttpResponse:
        sent = self.upload()
        read = rows_of_csv if sent.media_type == _FILE.media_type else rows_of_json
        started = enrollments.start_import(
            partner_id=self.partner_id(), rows=read(sent.file), file_name=sent.name, actor=self.actor(), now=clock.now()
        )
        location = f"/api/v1/partner/imports/{ids.encode(ids.IMPORT, started.id)}"
        return answer(ImportView.render(started), status=202, location=location)

    @operation(
        id="imports.list",
        tag=TAG,
        summary="List the partner's imports",
        description="Newest first.",
        access=Access.PARTNER,
        answers={200: PageOf(ImportView)},
    )
    def get(self, request: Request) -> HttpResponse:
        page = enrollments.list_imports(partner_id=self.partner_id(), page=self.page_request())
        return self.page(page, ImportView)


class Import(ApiView):
    """One of them."""

    @operation(
        id="imports.get",
        tag=TAG,
        summary="Read how far an import has come",
        description="Ask again while it is `queued` or `running`, or wait for the event `import.completed`.",
        access=Access.PARTNER,
        answers={200: ImportView},
        errors=[enrollments.ImportNotFound],
    )
    def get(self, request: Request, import_id: str) -> HttpResponse:
        found = enrollments.get_import(partner_id=self.partner_id(), import_id=_import_id(import_id))
        return answer(ImportView.render(found))


class ImportRows(ApiView):
    """Its rows."""

    @operation(
        id="imports.rows",
        tag=TAG,
        summary="List the rows of an import",
        description="In file order, each with what came of it.",
        access=Access.PARTNER,
        query=ImportRowsQuery,
        answers={200: PageOf(ImportRowView)},
        errors=[enrollments.ImportNotFound],
    )
    def get(self, request: Request, import_id: str) -> HttpResponse:
        result = self.query.get("result")
        page = enrollments.list_import_rows(
            partner_id=self.partner_id(),
            import_id=_import_id(import_id),
            result=None if result is None else enrollments.RowResult(result),
            page=self.page_request(),
        )
        return self.page(page, ImportRowView)


class ImportReport(ApiView):
    """All of its rows, for a spreadsheet."""

    @operation(
        id="imports.report",
        tag=TAG,
        summary="Download the rows of an import as CSV",
        description="In file order. A cell that a spreadsheet would take for a formula begins with an apostrophe.",
        access=Access.PARTNER,
        answers={200: CsvFile("All rows, each with what came of it.", REPORT_EXAMPLE)},
        errors=[enrollments.ImportNotFound],
    )
    def get(self, request: Request, import_id: str) -> HttpResponseBase:
        rows = enrollments.report_import(partner_id=self.partner_id(), import_id=_import_id(import_id))
        return csv_file(report_lines(rows), name=f"{import_id}.csv")


class RetryImport(ApiView):
    """completed → queued, for the rows that failed."""

    @operation(
        id="imports.retry",
        tag=TAG,
        summary="Do the failed rows of an import again",
        description="Only of an import that is `completed`. Without failed rows nothing is to be done.",
        access=Access.PARTNER,
        body=EmptyBody,
        answers={202: ImportView},
        errors=[enrollments.ImportNotFound, enrollments.InvalidImportTransition],
        idempotent=True,
    )
    def post(self, request: Request, import_id: str) -> HttpResponse:
        self.body()
        retried = enrollments.retry_import(
            partner_id=self.partner_id(), import_id=_import_id(import_id), actor=self.actor(), now=clock.now()
        )
        return answer(ImportView.render(retried), status=202)


class CancelImport(ApiView):
    """queued or running → cancelled."""

    @operation(
        id="imports.cancel",
        tag=TAG,
        summary="Cancel an import",
        description="What was done stays; what is still to be done never is.",
        access=Access.PARTNER,
        body=EmptyBody,
        answers={200: ImportView},
        errors=[enrollments.ImportNotFound, enrollments.InvalidImportTransition],
        idempotent=True,
    )
    def post(self, request: Request, import_id: str) -> HttpResponse:
        self.body()
        cancelled = enrollments.cancel_import(
            partner_id=self.partner_id(), import_id=_import_id(import_id), actor=self.actor(), now=clock.now()
        )
        return answer(ImportView.render(cancelled))
