"""Strict input: whatever is unknown, of a wrong type or unreadable is a problem that names the place."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from common import wire
from common.models import User
from common.tests.factories import a_person, client_of, staff_member
from common.tests.problems import parameters, pointers, refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import an_enrollment

GOOD = {"email": "ada@example.org", "password": "correct horse battery", "display_name": "Ada"}
LARGEST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

pytestmark = pytest.mark.django_db


def send(raw: bytes | str, content_type: str = "application/json", **extra: Any) -> HttpResponse:
    """What comes of registering with this body. Nothing, if it is a refusal."""
    with nothing_changed():
        return client_of().generic("POST", "auth/register", raw, content_type=content_type, **extra)


def register(**changes: Any) -> HttpResponse:
    return send(json.dumps({**GOOD, **changes}))


class TestBody:
    def test_with_every_field_right_is_taken(self) -> None:
        assert client_of().post("auth/register", GOOD).status_code == 201

    @pytest.mark.parametrize(
        "raw",
        [
            " ",
            "{",
            "[[[[",
            "{'a': 1}",
            '{"a": 1} x',
            '{"a": 1,}',
            '{"a": NaN}',
            '{"a": Infinity}',
            '{"a": -Infinity}',
            '{"a": 01}',
            '{"a": ' + "9" * 5000 + "}",
            '{"a": "\\ud800"}',
            '{"\\udfff": 1}',
            '{"a": "\t"}',
            '{"email": "a", "email": "b"}',
            '{"a": {"b": 1, "b": 2}}',
            "[" * 100_000,
            '{"a": ' * 100_000,
            "[" * 100_000 + "]" * 100_000,
            b'{"a": "\xff"}',
            b'{"a": "\xed\xa0\x80"}',
            b'\xef\xbb\xbf{"a": 1}',
            json.dumps(GOOD).encode("utf-16"),
            json.dumps(GOOD).encode("utf-32"),
            b'{"a": "\xe9"}',
            b"\0",
        ],
        ids=lambda raw: repr(raw)[:20],
    )
    def test_that_is_not_json_is_refused_as_a_whole(self, raw: bytes | str) -> None:
        assert pointers(send(raw)) == {""}

    @pytest.mark.parametrize(
        ("raw", "detail"),
        [
            ('{"a": NaN}', "The body is not JSON: NaN is no JSON number."),
            ('{"a": 1, "a": 2}', '"a" occurs twice in one object.'),
            ("[" * 100_000, "The JSON is nested too deeply."),
            (b"\xef\xbb\xbf{}", "The body begins with a byte order mark, which JSON does not have."),
            (b"\xff", "The body is not valid UTF-8 text."),
            ("9" * 5000, "A number in the body has too many digits."),
            ("{", "The body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_that_cannot_be_read_is_told_why(self, raw: bytes | str, detail: str) -> None:
        assert refused(send(raw), 400, "invalid_request")["detail"] == detail

    @pytest.mark.parametrize("value", [None, [], [GOOD], 1, "x", True])
    def test_that_is_no_object_is_refused_as_a_whole(self, value: Any) -> None:
        response = send(json.dumps(value))
        assert pointers(response) == {""}
        assert response.json()["detail"] == "Must be a JSON object."

    @pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", ""])
    def test_that_is_empty_counts_as_one_without_fields(self, content_type: str) -> None:
        assert pointers(send(b"", content_type)) == {"/email", "/password", "/display_name"}

    @pytest.mark.parametrize(
        ("name", "pointer"),
        [
            ("nickname", "/nickname"),
            ("Email", "/Email"),
            ("a/b~c", "/a~1b~0c"),
            ("", "/"),
            ("\0", "/\0"),
            ("message", "/message"),
            ("non_field_errors", "/non_field_errors"),
            ("é", "/é"),
        ],
    )
    def test_names_an_unknown_field(self, name: str, pointer: str) -> None:
        assert pointers(register(**{name: 1})) == {pointer}

    def test_names_fields_that_are_called_like_the_parts_of_an_error(self) -> None:
        assert pointers(register(message=1, code=2)) == {"/message", "/code"}

    def test_names_all_wrong_fields_at_once(self) -> None:
        response = register(email="ada", password="x" * 129, display_name=" ", nickname="A")
        assert pointers(response) == {"/email", "/password", "/display_name", "/nickname"}

    def test_names_no_more_fields_than_anybody_reads(self) -> None:
        response = send(json.dumps({f"field{number}": 1 for number in range(50_000)}))
        assert len(refused(response, 400, "invalid_request")["errors"]) == 100

    def test_says_in_its_detail_what_is_wrong(self) -> None:
        detail = refused(register(display_name=""), 400, "invalid_request")["detail"]
        assert detail == "/display_name: This field may not be blank."

    @pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, ["x"], {"x": 1}])
    @pytest.mark.parametrize("field", GOOD)
    def test_of_a_wrong_type_is_refused(self, field: str, value: Any) -> None:
        assert pointers(register(**{field: value})) == {f"/{field}"}

    @pytest.mark.parametrize("field", GOOD)
    def test_with_a_nul_character_is_refused(self, field: str) -> None:
        assert pointers(register(**{field: GOOD[field] + "\0x"})) == {f"/{field}"}

    @pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", "a\x07b", "a\x7fb", "a\x85b"])
    def test_that_breaks_the_line_of_a_name_is_refused(self, name: str) -> None:
        assert pointers(register(display_name=name)) == {"/display_name"}

    @pytest.mark.parametrize("name", ["x" * 100, "🎉" * 100, "Łukasz Ó Súilleabháin", "שלום", "a"])
    def test_with_any_other_text_is_kept_as_it_is(self, name: str) -> None:
        assert client_of().post("auth/register", {**GOOD, "display_name": name}).json()["display_name"] == name
        assert User.objects.get().display_name == name

    def test_loses_blanks_around_a_name_but_not_around_a_password(self) -> None:
        spaced = {**GOOD, "display_name": " Ada ", "password": "  correct horse "}
        assert client_of().post("auth/register", spaced).json()["display_name"] == "Ada"
        sign_in = {"email": GOOD["email"], "password": "correct horse"}
        refused(client_of().post("auth/token", sign_in), 401, "invalid_credentials")
        assert client_of().post("auth/token", {**sign_in, "password": "  correct horse "}).status_code == 200


class TestSize:
    def test_may_reach_the_limit(self) -> None:
        raw = json.dumps({**GOOD, "x": ""})
        assert pointers(send(raw[:-2] + "x" * (LARGEST - len(raw)) + raw[-2:])) == {"/x"}

    @pytest.mark.parametrize("size", [LARGEST + 1, 10 * 1_048_576])
    def test_may_not_exceed_the_limit(self, size: int) -> None:
        assert str(LARGEST) in refused(send(b"x" * size), 413, "payload_too_large")["detail"]

    def test_may_not_exceed_the_limit_under_a_key_either(self) -> None:
        client = client_of(staff_member(), Idempotency_Key="large")
        with nothing_changed():
            response = client.generic("POST", "courses", b"x" * (LARGEST + 1))
        refused(response, 413, "payload_too_large")

    def test_does_not_matter_to_who_may_not_call(self) -> None:
        refused(client_of().generic("POST", "courses", b"x" * (LARGEST + 1)), 401, "unauthenticated")


class TestMediaType:
    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "x", ""],
    )
    def test_other_than_json_is_refused(self, content_type: str) -> None:
        refused(send(json.dumps(GOOD), content_type), 415, "unsupported_media_type")

    def test_compressed_is_refused(self) -> None:
        response = send(json.dumps(GOOD), headers={"Content-Encoding": "gzip"})
        refused(response, 415, "unsupported_media_type")

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
    def test_json_may_be_written_in_more_ways(self, content_type: str) -> None:
        response = client_of().generic("POST", "auth/register", json.dumps(GOOD), content_type=content_type)
        assert response.status_code == 201

    def test_cannot_change_the_charset(self) -> None:
        response = send('{"email": "é"}'.encode("latin-1"), "application/json; charset=latin-1")
        assert pointers(response) == {""}

    @pytest.mark.parametrize("content_type", ["text/plain", "", "application/json-patch+json"])
    def test_counts_also_where_next_to_nothing_is_sent(self, content_type: str) -> None:
        refused(self.enroll(content_type), 415, "unsupported_media_type")
        refused(self.enroll("application/json", {"Content-Encoding": "gzip"}), 415, "unsupported_media_type")
        assert self.enroll("application/json").status_code == 201

    def enroll(self, content_type: str, headers: dict[str, str] | None = None) -> HttpResponse:
        path = f"courses/{crs(an_open_course())}/enrollments"
        return client_of(a_person()).generic("POST", path, "{}", content_type=content_type, headers=headers)


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("colour=red", "colour"),
            ("Limit=5", "Limit"),
            ("=1", ""),
            ("%00=1", "\0"),
            ("limit=1&limit=1", "limit"),
            ("sort=title&sort=title", "sort"),
            ("limit=", "limit"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.0", "limit"),
            ("limit=+1", "limit"),
            ("limit=1e1", "limit"),
            ("limit=abc", "limit"),
            ("limit=%D9%A3", "limit"),
            ("limit=%C2%B2", "limit"),
            ("limit=" + "9" * 3000, "limit"),
            ("sort=", "sort"),
            ("sort=oldest", "sort"),
            ("sort=TITLE", "sort"),
            ("status=", "status"),
            ("status=live", "status"),
            ("status=%00", "status"),
            ("is_open=", "is_open"),
            ("is_open=1", "is_open"),
            ("is_open=True", "is_open"),
            ("search=%00", "search"),
            ("search=%FF", "search"),
            ("%FF=1", "�"),
            ("search=" + "x" * 201, "search"),
            ("cursor=%00", "cursor"),
        ],
        ids=lambda text: text[:20],
    )
    def test_names_the_parameter_that_is_wrong(self, query: str, place: str) -> None:
        assert parameters(client_of().get(f"courses?{query}")) == {place}

    @pytest.mark.parametrize(
        "query", ["", "limit=1", "limit=100", "search=", "search=%C3%A9+%26+:*+'", "is_open=false"]
    )
    def test_that_is_right_is_taken(self, query: str) -> None:
        assert client_of().get(f"courses?{query}").status_code == 200

    def test_says_which_values_there_are(self) -> None:
        detail = refused(client_of().get("courses?sort=oldest"), 400, "invalid_request")["detail"]
        assert detail == "sort: Must be one of: newest, title, rating."

    def test_says_which_parameters_there_are(self) -> None:
        detail = refused(client_of().get("courses?page=2"), 400, "invalid_request")["detail"]
        assert detail == "page: There is no such parameter. Known: limit, cursor, search, status, is_open, sort."

    def test_may_hold_nothing_where_nothing_is_known(self) -> None:
        me = client_of(a_person())
        course = crs(an_open_course())
        assert parameters(me.get("users/me?fields=email")) == {"fields"}
        assert parameters(me.get(f"courses/{course}?expand=rating")) == {"expand"}
        assert parameters(client_of().post("auth/token?x=1", {})) == {"x"}
        with nothing_changed():
            assert parameters(me.post(f"courses/{course}/enrollments?x=1")) == {"x"}

    def test_that_is_remembered_is_each_requests_own(self) -> None:
        wire.PageQuery.parse(b"limit=7")["limit"] = 100
        assert wire.PageQuery.parse(b"limit=7") == {"limit": 7}


class TestIds:
    @pytest.mark.parametrize(
        "malformed",
        [
            "nope",
            "1",
            "crs_",
            "{hex}",
            "crs_{hex}",
            "usr_{id}",
            "enr_{id}",
            "{id}",
            "CRS_{id}",
            "crs__{id}",
            "_crs_{id}",
            "crs-{id}",
            "crs_{upper}",
            "crs_{short}",
            "crs_{id}0",
            "crs_8{rest}",
            "crs_{rest}u",
            "crs_{id}%00",
            "crs_{id}%0A",
            "crs_%D9%A0{rest}",
            "%FF%FE",
            "crs_" + "0" * 3000,
        ],
    )
    def test_malformed_or_of_another_type_are_not_found(self, malformed: str) -> None:
        course_id = an_open_course()
        text = crs(course_id).removeprefix("crs_")
        path = malformed.format(id=text, hex=course_id, upper=text.upper(), short=text[:-1], rest=text[1:])
        refused(client_of().get(f"courses/{path}"), 404, "course_not_found")

    def test_of_a_place_in_line_is_none_of_an_enrollment(self) -> None:
        text = crs(an_enrollment(an_open_course()).id).removeprefix("crs_")
        staff = client_of(staff_member())
        with nothing_changed():
            for path in (f"enrollments/wle_{text}", f"enrollments/crs_{text}", "enrollments/nope"):
                refused(staff.post(f"{path}/complete"), 404, "enrollment_not_found")
                refused(staff.post(f"{path}/revoke"), 404, "enrollment_not_found")

    def test_of_drafts_are_as_unknown_as_any_other(self) -> None:
        hidden = client_of().get(f"courses/{crs(a_draft())}").json()
        unknown = client_of().get(f"courses/{crs(a_person().pk)}").json()
        told = [
            {name: body[name] for name in body if name not in {"instance", "request_id"}} for body in (hidden, unknown)
        ]
        assert told[0] == told[1]
