"""Kept answers, what became of jobs, and what operators ran."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common import ids
from common.ops.types import Outcome, RunStatus


class IdempotencyRecord(models.Model):
    """The answer that a POST with an `Idempotency-Key` gave, stored in the transaction of its effect."""

    caller = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_one_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class JobFault(models.Model):
    """What one attempt of a background job raised. Gone with its job, by a foreign key that only the database knows."""

    job_id = models.BigIntegerField()
    attempt = models.PositiveIntegerField()
    report = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        permissions = [("retry_job", "Can have failed jobs tried again")]
        indexes = [models.Index(fields=["job_id", "id"], name="fault_of_job")]

    def __str__(self) -> str:
        return f"{self.job_id}, attempt {self.attempt}"


class OpsRun(models.Model):
    """One run of an operator's command that writes: who ran what, how far it has come, what became of its items."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    command = models.CharField(max_length=40)
    arguments = models.JSONField()
    operator = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=[(status.value, status.value) for status in RunStatus])
    # Of the plan that it carries out, if it does not look for itself.
    plan_digest = models.CharField(max_length=64, blank=True)
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The process that works on it; one that it was taken from can write nothing more.
    holder = models.UUIDField(null=True)
    # How many of its sources of items have been read, and the last item that is done with.
    sources_read = models.PositiveSmallIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    last_progress_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "run"
        indexes = [models.Index(fields=["command", "id"], name="run_of_command")]

    def __str__(self) -> str:
        return f"{self.command} by {self.operator}"


_NOT_DONE = Q(outcome__in=sorted(each.value for each in {*Outcome} - {Outcome.DONE, Outcome.UNNEEDED}))


class OpsItem(models.Model):
    """One thing of a run: found or asked for, with the state before and after, and what became of it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(OpsRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    # What it is about, and the course of that: `common` knows neither table.
    key = models.UUIDField(null=True)
    course_id = models.UUIDField(null=True)
    # Of the file that it was read from.
    line = models.PositiveIntegerField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=[(outcome.value, outcome.value) for outcome in Outcome])
    code = models.CharField(max_length=60, blank=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "item of a run"
        verbose_name_plural = "items of runs"
        indexes = [
            models.Index(fields=["run", "id"], name="item_of_run"),
            # Few among many, over all runs.
            models.Index(fields=["outcome", "id"], condition=_NOT_DONE, name="item_not_done"),
            models.Index(fields=["key"], name="item_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.outcome}"


class Invariant(models.Model):
    """What the last look at one of the checks found. `findings` is null if the look itself failed."""

    name = models.CharField(primary_key=True, max_length=40)
    findings = models.PositiveIntegerField(null=True)
    # The first of them.
    sample = models.JSONField(default=list)
    fault = models.TextField(blank=True)
    took_ms = models.PositiveIntegerField()
    checked_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
