"""What is no key opens no door of partners, and no list has anything of another partner's. Every operation is walked.

Who else is let in, and who is not: `common/tests/test_access.py`.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from common import openapi
from common.models import Event, Webhook
from common.tests.factories import a_person, client_of
from common.tests.problems import refused
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import a_webhook, evt, hand_on, happen, whk
from courses.tests.factories import an_open_course, crs
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Import as ImportFile
from enrollments.tests.factories import (
    a_key,
    a_partner,
    a_row,
    an_import,
    enr,
    imp,
    partner_client,
    ptn,
    through_partner,
)

pytestmark = pytest.mark.django_db

CHALLENGE = 'Api-Key realm="api"'
OPERATIONS = {
    entry["operationId"]: (method, path, entry["security"])
    for path, methods in openapi.document()["paths"].items()
    for method, entry in methods.items()
}
FOR_PARTNERS = {name for name, (_, _, security) in OPERATIONS.items() if security == [{"apiKeyAuth": []}]}
FOR_PEOPLE = {name for name, (_, _, security) in OPERATIONS.items() if security == [{"bearerAuth": []}]}
FOR_ANYBODY = set(OPERATIONS) - FOR_PARTNERS - FOR_PEOPLE


def call(client: Any, name: str, **path: str) -> Any:
    """The operation, called without a body."""
    method, address, _ = OPERATIONS[name]
    return getattr(client, method)(address.format(**{part: path.get(part, "x") for part in parameters(name)}))


def test_every_operation_is_for_partners_for_people_or_for_anybody() -> None:
    assert all(OPERATIONS[name][1].startswith("/api/v1/partner/") for name in FOR_PARTNERS)
    assert not any(OPERATIONS[name][1].startswith("/api/v1/partner/") for name in FOR_PEOPLE | FOR_ANYBODY)
    assert len(FOR_PARTNERS) > 2


@pytest.mark.parametrize("name", sorted(FOR_PARTNERS))
class TestPartnersDoor:
    def test_is_shut_for_a_superuser(self, name: str) -> None:
        client = client_of(a_person(is_superuser=True))
        with nothing_changed():
            response = call(client, name)
        refused(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == CHALLENGE

    @pytest.mark.parametrize(
        "header", ["Api-Key", "Api-Key ", "Api-Key x", "Api-Key {key}x", "Api-Key é", "ApiKey {key}"]
    )
    def test_is_shut_for_what_is_no_key(self, name: str, header: str) -> None:
        client = client_of(Authorization=header.format(key=a_key()))
        with nothing_changed():
            refused(call(client, name), 401, "unauthenticated")


# Something of a partner's, for each path parameter that names such a thing.
BELONGINGS: dict[str, Callable[[UUID], str]] = {
    "reference": lambda partner_id: enr(through_partner(partner_id, an_open_course())),
    "import_id": lambda partner_id: imp(an_import(partner_id, a_row(an_open_course())).id),
    "webhook_id": lambda partner_id: whk(a_webhook(ptn(partner_id))),
    "event_id": lambda partner_id: evt(an_event_to_be_told_of(partner_id)),
}


def an_event_to_be_told_of(partner_id: UUID) -> UUID:
    event_id = happen(owner=ptn(partner_id))
    hand_on()
    return event_id


def parameters(name: str) -> list[str]:
    return [part.strip("{}") for part in OPERATIONS[name][1].split("/") if part.startswith("{")]


class TestWhatIsAnothers:
    @pytest.mark.parametrize("name", sorted(name for name in FOR_PARTNERS if OPERATIONS[name][0] == "get"))
    def test_is_in_no_list(self, name: str) -> None:
        partner_id, stranger = a_partner(), a_partner()
        for make in BELONGINGS.values():
            make(partner_id)
        own = {parameter: BELONGINGS[parameter](stranger) for parameter in parameters(name)}
        listed = call(partner_client(stranger), name, **own)
        assert listed.status_code == 200
        assert not any(thing in body_of(listed) for thing in things_of(partner_id))
        if not own:
            mine = body_of(call(partner_client(partner_id), name))
            assert any(thing in mine for thing in things_of(partner_id))


def body_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


def things_of(partner_id: UUID) -> list[str]:
    """Every id under which something of the partner's is known."""
    references = EnrollmentRow.objects.filter(partner_id=partner_id).values_list("pk", flat=True)
    imports = ImportFile.objects.filter(partner_id=partner_id).values_list("pk", flat=True)
    webhooks = Webhook.objects.filter(owner=ptn(partner_id)).values_list("pk", flat=True)
    events = Event.objects.filter(partner=ptn(partner_id)).values_list("uuid", flat=True)
    return [*map(enr, references), *map(imp, imports), *map(whk, webhooks), *map(evt, events)]


@pytest.mark.parametrize("name", sorted(FOR_ANYBODY))
def test_a_key_is_no_better_than_none_where_anybody_may_call(name: str) -> None:
    course = crs(an_open_course())
    with_key, without = (call(client, name, course_id=course) for client in (partner_client(), client_of()))
    assert with_key.status_code == without.status_code
    assert _stable(with_key) == _stable(without)


def _stable(response: Any) -> Any:
    body = response.json()
    body.pop("request_id", None)
    return body


class TestScheme:
    def test_has_a_name_without_case(self) -> None:
        for scheme in ("api-key", "API-KEY", "Api-Key "):
            assert (
                client_of(Authorization=f"{scheme} {a_key(a_partner())}").get("partner/enrollments").status_code == 200
            )
