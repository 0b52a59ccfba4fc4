"""What the health page shows: how each invariant stood when somebody last looked."""

from datetime import datetime
from time import monotonic
from typing import Any

from django.db import Error, transaction
from django.db.models.functions import Now

from common import db
from common.models import Invariant
from common.ops import finding
from common.ops.kinds import Check, checks

_SAMPLE = 20


def look(*, now: datetime) -> None:
    """What breaks each invariant now is counted. A check that fails says so in its place, and stops no other."""
    for check in checks().values():
        _look(check, now)


def _look(check: Check, now: datetime) -> None:
    began = monotonic()
    seen: dict[str, Any]
    try:
        with finding.reading():
            findings, sample = finding.count(check, now=now, sample=_SAMPLE)
        seen = {"findings": findings, "sample": sample, "fault": ""}
    except Error as fault:
        if db.is_lost(fault):
            raise
        seen = {"findings": None, "sample": [], "fault": str(fault)[:1000]}
    took = {"took_ms": int((monotonic() - began) * 1000), "checked_at": Now()}
    with transaction.atomic():
        Invariant.objects.update_or_create(name=check.name, defaults={**seen, **took})
