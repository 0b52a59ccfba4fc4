"""Making up requests, legal and illegal, and looking at the answers."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.checks import load_all_checks
from schemathesis.config import HealthCheck, SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from contracts.tests.fuzzing.service import Wsgi

# What no schema can say: where an otherwise legal request may be called wrong, and in which word.
BEYOND_SCHEMAS: dict[str, set[tuple[str, str]]] = {
    "accounts.register": {("/password", "weak_password")},
    "courses.create": {("/enrollment_opens_at", "invalid"), ("/enrollment_closes_at", "invalid")},
    "courses.update": {("/enrollment_opens_at", "invalid"), ("/enrollment_closes_at", "invalid")},
    "moderation.decide": {("/reason", "reason_of_other_decision"), ("/reason", "unknown_reason")},
    "imports.start": {("/file", "unreadable"), ("", "unreadable")},
    "webhooks.create": {("/url", "scheme"), ("/url", "invalid"), ("/url", "address_refused")},
}
# JSON knows strings with NUL, PostgreSQL does not.
_NUL = "null_characters_not_allowed"
# A legal request may be refused for what there is, but not as a request.
_OF_STATE = {401, 403, 404, 409, 412, 422}
# Caller, address and version are looked at before the body.
_OF_REQUESTS = ["400", "401", "403", "404", "405", "412", "415"]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is asked. `boundaries`: at every limit of every schema; `examples`: so many requests by chance."""

    boundaries: bool
    examples: int


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that should have been another, to a request that anybody can send again."""

    operation: str
    kind: str
    told: str


@dataclass(slots=True)
class Findings:
    """What came of it. Of several faults of one kind at one operation, one is kept."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    _faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    @property
    def faults(self) -> list[Fault]:
        """All faults, in the order in which they came up."""
        return list(self._faults.values())

    def note(self, operation: str, fault: Exception, case: Case) -> None:
        """Keep the fault."""
        kind = fault.title if isinstance(fault, Failure) else type(fault).__name__
        message = fault.message if isinstance(fault, Failure) else str(fault)
        self._faults.setdefault((operation, kind), Fault(operation, kind, f"{message}\n{case.as_curl_command()}"))

    def successes(self, operation: str) -> int:
        """How many requests for the operation did what they were meant to."""
        return sum(count for (name, status), count in self.answers.items() if name == operation and status < 300)


def operations_of(document: dict[str, Any], application: Wsgi) -> Iterator[APIOperation]:
    """Everything that the document declares, to be asked of the application."""
    load_all_checks()
    config = SchemathesisConfig(suppress_health_check=list(HealthCheck))
    config.projects.default.generation.update(deterministic=True, with_security_parameters=False)
    config.projects.default.checks.negative_data_rejection.expected_statuses = _OF_REQUESTS
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = application
    for found in schema.get_all_operations():
        yield found.ok()


def id_of(operation: APIOperation) -> str:
    """The `operationId`."""
    return str(operation.definition.raw["operationId"])


def ask_all_kinds(operation: APIOperation, *, credentials: str | None, depth: Depth, findings: Findings) -> None:
    """Make up requests for the operation, and note what is wrong with the answers.

    Nothing is made smaller or sent again: a run with faults takes no longer than one without.
    """
    name = id_of(operation)
    headers = {"Authorization": credentials} if credentials else {}

    def examine(case: Case) -> None:
        try:
            response = case.call(headers=headers)
            findings.answers[name, response.status_code] += 1
            case.validate_response(
                response,
                headers=headers,
                additional_checks=[legal_requests_are_taken],
                excluded_checks=[positive_data_acceptance],
            )
        except FailureGroup as group:
            for fault in group.exceptions:
                findings.note(name, fault, case)
        except Exception as fault:  # noqa: BLE001  # also what `ApiClient` says
            findings.note(name, fault, case)

    _requests(operation, examine, depth)()


def _requests(operation: APIOperation, examine: Callable[[Case], None], depth: Depth) -> Callable[[], None]:
    config = operation.schema.config
    config.generation.update(max_examples=max(depth.examples, 1))
    modes = [HypothesisTestMode.EXAMPLES]
    modes += [HypothesisTestMode.COVERAGE] if depth.boundaries else []
    modes += [HypothesisTestMode.FUZZING] if depth.examples else []
    wanted = HypothesisTestConfig(
        project=config,
        modes=modes,
        settings=config.get_hypothesis_settings(operation=operation, phase="fuzzing"),
        explicit_setting_names=config.explicit_hypothesis_settings(operation=operation, phase="fuzzing"),
    )
    made: Callable[[], None] = create_test(operation=operation, test_func=examine, config=wanted)
    return made


@schemathesis.check
def legal_requests_are_taken(context: CheckContext, response: Response, case: Case) -> None:
    """What the document allows is not called wrong, except for what no schema can say."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if not 400 <= response.status_code < 500 or response.status_code in _OF_STATE:
        return
    problem = response.json()
    places = {
        (each["pointer"] if each["parameter"] is None else each["parameter"], each["code"])
        for each in problem.get("errors", ())
        if each["code"] != _NUL
    }
    if response.status_code != 400 or places - BEYOND_SCHEMAS.get(id_of(case.operation), set()):
        raise Failure(
            operation=case.operation.label,
            title="A legal request was called wrong",
            message=f"{response.status_code} {problem['code']}: {problem['detail']}",
        )
