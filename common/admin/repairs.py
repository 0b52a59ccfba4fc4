"""The invariants and what operators ran to mend them: to read."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Min, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common import clock, ids
from common.admin.base import Fact, Link, RecordAdmin
from common.admin.display import NOTHING, ago, badge, code, link_to_id, moment, plural
from common.admin.filters import AutocompleteFilter, ChoiceFilter
from common.models import Invariant, OpsItem, OpsRun
from common.ops import runs
from common.ops.finding import as_uuid
from common.ops.kinds import checks, kinds
from common.ops.reports import difference, sentence
from common.ops.types import Outcome, RunStatus

# The job that looks runs more often than this.
_STALE = timedelta(minutes=40)
_COMMANDS = ("repair_enrollments", "bulk_enroll", "bulk_withdraw", "transfer_enrollments", "undo_run")


@admin.register(Invariant)
class InvariantAdmin(RecordAdmin):
    """The health page: what must hold, and whether it did at the last look."""

    section = "System"
    heading, nouns = "Invariants", ("invariant", "invariants")
    description = "What must hold of courses, enrollments and reviews, and whether it does."
    list_display = ("name", "state", "what", "checked", "took")
    list_select_related: ClassVar[list[str]] = []
    ordering = ("name",)

    def overview(self, request: HttpRequest) -> SafeString | str:
        """Whether all is well, and whether anybody has looked."""
        return render_to_string("admin/invariants.html", {"lines": _overview(self)}, request)

    def name_of(self, record: Invariant) -> str:
        """The name of its check."""
        return record.name

    def badges(self, record: Invariant) -> Sequence[str]:
        """How it stands."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: Invariant) -> Sequence[Fact]:
        """What it says, the first of what breaks it, and the commands to go on with."""
        command = f"manage.py repair_enrollments --all --check {record.name}"
        sample = [
            (_subject(record.name, each["key"]), difference(each["before"], each["after"])) for each in record.sample
        ]
        shown = format_html_join("", "<li>{}: {}</li>", sample)
        return [
            ("What holds", self.what(record)),
            ("Broken by", "nothing" if record.findings == 0 else self.state(record)),
            ("The first of them", format_html("<ul>{}</ul>", shown) if sample else NOTHING),
            ("Fault", code(record.fault)),
            ("Looked at", self.checked(record)),
            ("It took", self.took(record)),
            ("To see all", code(command)),
            ("To repair", code(f"{command} --apply")),
        ]

    @admin.display(description="state")
    def state(self, invariant: Invariant) -> SafeString:
        if invariant.findings is None:
            return badge("failed", "could not be checked")
        return (
            badge("failed", plural(invariant.findings, "finding")) if invariant.findings else badge("active", "holds")
        )

    @admin.display(description="what holds")
    def what(self, invariant: Invariant) -> str:
        check = checks().get(invariant.name)
        return check.sentence if check else "This check is no more."

    @admin.display(description="last look")
    def checked(self, invariant: Invariant) -> str:
        return ago(invariant.checked_at)

    @admin.display(description="took")
    def took(self, invariant: Invariant) -> str:
        return f"{invariant.took_ms / 1000:.1f}\N{NO-BREAK SPACE}s"


class StatusFilter(ChoiceFilter):
    """Runs in one state."""

    title = parameter_name = column = "status"
    options = [(status.value, status.value.capitalize()) for status in RunStatus]


class CommandFilter(ChoiceFilter):
    """Runs of one command."""

    title = parameter_name = column = "command"
    options = [(name, name) for name in _COMMANDS]


@admin.register(OpsRun)
class RunAdmin(RecordAdmin):
    """What operators ran, with the plans that they carried out."""

    section = "System"
    heading, nouns = "Runs", ("run", "runs")
    description = "What operators ran: repairs, files of learners, and undoing either."
    shortcuts = (("Not finished", "?status=interrupted"),)
    id_prefixes = (ids.RUN,)
    list_display = ("started", "command_", "operator", "state", "counts_")
    list_display_links = ("started",)
    list_filter = (CommandFilter, StatusFilter)
    list_select_related: ClassVar[list[str]] = []
    ordering = ("-id",)
    search_help_text = "A run_… id."

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The run with this id."""
        key = ids.decode(ids.RUN, text)
        return queryset.none() if key is None else queryset.filter(pk=key)

    def name_of(self, record: OpsRun) -> str:
        """What was run, by whom."""
        return f"{record.command} by {record.operator}"

    def public_id(self, record: OpsRun) -> str:
        """`run_…`."""
        return runs.public_id(record.pk)

    def badges(self, record: OpsRun) -> Sequence[str]:
        """Its state."""
        return [self.state(record)]

    def facts(self, request: HttpRequest, record: OpsRun) -> Sequence[Fact]:
        """What was asked for, how far it came, and how to go on or back."""
        public_id = runs.public_id(record.pk)
        is_over = record.status == RunStatus.COMPLETED
        return [
            ("Command", record.command),
            ("Arguments", format_html("<pre>{}</pre>", json.dumps(record.arguments, indent=2))),
            ("Operator", record.operator),
            ("Plan", code(record.plan_digest) if record.plan_digest else "none: it looked for itself"),
            ("Undoes", link_to_id(runs.public_id(record.undoes_id)) if record.undoes_id else NOTHING),
            ("Items", self.counts_(record)),
            ("Started", moment(record.started_at)),
            ("Last progress", moment(record.last_progress_at)),
            ("Finished", moment(record.finished_at)),
            ("To go on", NOTHING if is_over else code(f"manage.py {record.command} --resume {public_id}")),
            ("To undo", code(f"manage.py undo_run {public_id}")),
        ]

    @admin.display(description="started (UTC)")
    def started(self, run: OpsRun) -> SafeString | str:
        return moment(run.started_at)

    @admin.display(description="command")
    def command_(self, run: OpsRun) -> SafeString:
        return format_html("{}<small>{}</small>", run.command, runs.public_id(run.pk))

    @admin.display(description="status")
    def state(self, run: OpsRun) -> SafeString:
        return badge(run.status)

    @admin.display(description="items")
    def counts_(self, run: OpsRun) -> str:
        return ", ".join(f"{count:,} {outcome}" for outcome, count in run.counts.items()) or NOTHING


class OutcomeFilter(ChoiceFilter):
    """Items that came to something that somebody may want to look at; each is found by an index."""

    title = parameter_name = column = "outcome"
    options = [(each.value, each.value.capitalize()) for each in Outcome if each is not Outcome.UNNEEDED]


class RunFilter(AutocompleteFilter):
    """Items of one run."""

    column, prefix = "run", ids.RUN


@admin.register(OpsItem)
class ItemAdmin(RecordAdmin):
    """The findings and rows of runs: what was planned, done, or not done, and why not."""

    section = "System"
    heading, nouns = "Findings and rows of runs", ("item", "items")
    description = "What each run found or was given, with the state before and after."
    shortcuts = (("Failed", "?outcome=failed"), ("Refused", "?outcome=refused"))
    list_display = ("number", "outcome_", "kind", "subject", "what", "run_")
    list_display_links = ("number",)
    list_filter = (RunFilter, OutcomeFilter)
    list_select_related = ["run"]
    ordering = ("-id",)
    search_help_text = "A run_… id, or the id of what an item is about: enr_…, crs_…, usr_…, imp_…."

    def searched(self, queryset: QuerySet, text: str) -> QuerySet:
        """The items of this run, or those about this."""
        run_id = ids.decode(ids.RUN, text)
        if run_id is not None:
            return queryset.filter(run_id=run_id)
        prefix = text.partition("_")[0]
        key = ids.decode(prefix, text)
        mine = [kind.name for kind in kinds().values() if kind.prefix == prefix]
        return queryset.none() if key is None else queryset.filter(key=key, kind__in=mine)

    def links_about(self, request: HttpRequest, public_id: str) -> Sequence[Link]:
        """From a run to its items."""
        if ids.decode(ids.RUN, public_id) is None:
            return ()
        return [("Its findings and rows", self.list_address(run=public_id))]

    def name_of(self, record: OpsItem) -> str:
        """Its kind and number."""
        return f"{record.kind} {record.pk}"

    def badges(self, record: OpsItem) -> Sequence[str]:
        """What it came to."""
        return [self.outcome_(record)]

    def facts(self, request: HttpRequest, record: OpsItem) -> Sequence[Fact]:
        """What it is about, and how that was before and after."""
        kind = kinds().get(record.kind)
        return [
            ("Run", self.run_(record)),
            ("What holds", kind.sentence if kind else NOTHING),
            ("About", self.subject(record)),
            ("Course", link_to_id(ids.encode(ids.COURSE, record.course_id)) if record.course_id else NOTHING),
            ("Line of the file", record.line or NOTHING),
            ("Code", code(record.code)),
            ("Detail", record.detail or NOTHING),
            ("Before", _pretty(record.before)),
            ("After", _pretty(record.after)),
            ("At", moment(record.at)),
        ]

    @admin.display(description="number")
    def number(self, item: OpsItem) -> str:
        return f"{item.pk:,}"

    @admin.display(description="outcome")
    def outcome_(self, item: OpsItem) -> SafeString:
        return badge(item.outcome)

    @admin.display(description="about")
    def subject(self, item: OpsItem) -> SafeString | str:
        return _subject(item.kind, item.key)

    @admin.display(description="what")
    def what(self, item: OpsItem) -> str:
        return sentence(runs.to_item(item))

    @admin.display(description="run")
    def run_(self, item: OpsItem) -> SafeString:
        return link_to_id(runs.public_id(item.run_id), str(item.run))


def _subject(kind: str, key: Any) -> SafeString | str:
    known, key = kinds().get(kind), as_uuid(key)
    return NOTHING if known is None or key is None else link_to_id(ids.encode(known.prefix, key))


def _pretty(state: Mapping[str, Any]) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(state, indent=2, ensure_ascii=False))


def _overview(invariants: InvariantAdmin) -> list[tuple[str, str, str]]:
    """What there is to say: a state, a sentence, and where to look."""
    known = Invariant.objects.filter(name__in=checks())
    oldest = known.aggregate(at=Min("checked_at"))["at"]
    address = invariants.list_address()
    if oldest is None:
        return [("bad", "No invariant has been looked at yet: a worker does so every quarter of an hour", address)]
    lines = [
        (
            "bad",
            f"{each.name}: {'could not be checked' if each.findings is None else plural(each.findings, 'finding')}",
            invariants.address_of(each),
        )
        for each in known.exclude(findings=0).order_by("name")
    ]
    if not lines:
        lines = [("good", f"All {known.count()} invariants hold", address)]
    is_stale = oldest < clock.now() - _STALE
    return [*lines, ("bad" if is_stale else "good", f"Last looked at {ago(oldest)}", address)]
