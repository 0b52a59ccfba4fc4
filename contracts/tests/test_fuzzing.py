"""Whatever is asked, and whoever asks: the answer is one that the published document declares."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from hypothesis import settings

from common import openapi
from contracts.tests.fuzzing.asking import Depth, Findings, ask_all_kinds, id_of, operations_of
from contracts.tests.fuzzing.document import document_for
from contracts.tests.fuzzing.planted import ADDITIONS, BREAKAGES, Planted
from contracts.tests.fuzzing.service import ask, service
from contracts.tests.fuzzing.world import PEOPLE, World, a_world, callers_of

# `make release` goes through every operation in depth as everybody who may call it, the suite as the first of them.
THOROUGH = settings.get_current_profile_name() == "thorough"
DEEP = Depth(boundaries=True, examples=15 if THOROUGH else 3)
SHALLOW = Depth(boundaries=False, examples=5 if THOROUGH else 1)


@pytest.fixture(autouse=True)
def _time_to_make_things_up(db: None) -> None:
    # It passes inside the transaction of the test.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def is_deep(role: str, entry: dict[str, Any]) -> bool:
    """Whether the operation is gone through in depth as somebody of this role."""
    callers = callers_of(entry)
    return role in callers if THOROUGH else role == callers[0]


@pytest.mark.parametrize("role", PEOPLE)
def test_every_operation_answers_as_declared(role: str) -> None:
    world, findings = a_world(role), Findings()
    for operation in operations_of(document_for(world), service()):
        depth = DEEP if is_deep(role, operation.definition.raw) else SHALLOW
        ask_all_kinds(operation, credentials=world.credentials, depth=depth, findings=findings)
        if depth is DEEP:
            assert findings.successes(id_of(operation)), f"{id_of(operation)}: nothing was ever done as {role}"
    assert findings.faults == []


def entries() -> Iterator[dict[str, Any]]:
    for methods in openapi.document()["paths"].values():
        yield from methods.values()


def test_every_operation_is_gone_through_in_depth_as_somebody() -> None:
    assert all(any(is_deep(role, entry) for role in PEOPLE) for entry in entries())


def findings_with(planted: Planted, world: World) -> Findings:
    """What comes of asking the changed operation."""
    document, findings = document_for(world), Findings()
    if planted.declared is not None:
        planted.declared(document)
    for operation in operations_of(document, service(planted.answering(ask))):
        if id_of(operation) == planted.operation:
            ask_all_kinds(operation, credentials=world.credentials, depth=DEEP, findings=findings)
    return findings


def test_what_breaks_the_promise_is_found(subtests: pytest.Subtests) -> None:
    world = a_world("learner")
    for name, planted in BREAKAGES.items():
        with subtests.test(name):
            assert planted.caught in {fault.kind for fault in findings_with(planted, world).faults}


def test_what_only_adds_is_let_through(subtests: pytest.Subtests) -> None:
    world = a_world("learner")
    for name, planted in ADDITIONS.items():
        with subtests.test(name):
            findings = findings_with(planted, world)
            assert findings.faults == []
            assert findings.answers
