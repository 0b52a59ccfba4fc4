from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import db, ids

# From the specification of TypeID, version 0.3.0: spec/valid.yml and spec/invalid.yml.
VALID = {
    "nil": ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    "one": ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    "ten": ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    "sixteen": ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    "thirty-two": ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    "max-valid": ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "valid-alphabet": ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    "valid-uuidv7": ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
}
INVALID = {
    "prefix-uppercase": "PREFIX_00000000000000000000000000",
    "prefix-non-ascii": "préfix_00000000000000000000000000",
    "prefix-spaces": "  prefix_00000000000000000000000000",
    "prefix-underscore-start": "_prefix_00000000000000000000000000",
    "prefix-underscore-end": "prefix__00000000000000000000000000",
    "separator-empty-prefix": "_00000000000000000000000000",
    "separator-empty": "_",
    "suffix-short": "prefix_1234567890123456789012345",
    "suffix-long": "prefix_123456789012345678901234567",
    "suffix-spaces": "prefix_1234567890123456789012345 ",
    "suffix-uppercase": "prefix_0123456789ABCDEFGHJKMNPQRS",
    "suffix-hyphens": "prefix_123456789-123456789-123456",
    "suffix-wrong-alphabet": "prefix_ooooooiiiiiiuuuuuuulllllll",
    "suffix-ambiguous-crockford": "prefix_i23456789ol23456789oi23456",
    "suffix-hyphens-crockford": "prefix_123456789-0123456789-0123456",
    "suffix-overflow": "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    # Beyond the specification's own.
    "empty": "",
    "another type": "other_01h455vb4pex5vsknk084sn02q",
    "no separator": "prefix01h455vb4pex5vsknk084sn02q",
    "a nul": "prefix_01h455vb4pex5vsknk084sn02\0",
    "a line end": "prefix_01h455vb4pex5vsknk084sn02q\n",
    "digits of another script": "prefix_01h455vb4pex5vsknk084sn0٢q",
    "the plain uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
}


class TestEncodeAndDecode:
    @pytest.mark.parametrize("name", VALID)
    def test_keep_to_the_specification(self, name: str) -> None:
        suffix, uuid = VALID[name]
        assert ids.encode("prefix", UUID(uuid)) == f"prefix_{suffix}"
        assert ids.decode("prefix", f"prefix_{suffix}") == UUID(uuid)

    def test_allow_an_underscore_in_a_prefix(self) -> None:
        assert ids.decode("pre_fix", "pre_fix_00000000000000000000000000") == UUID(int=0)

    @given(uuid=st.uuids(), prefix=st.sampled_from([ids.USER, ids.COURSE, ids.ENROLLMENT, ids.WAITLIST_ENTRY]))
    def test_undo_each_other(self, uuid: UUID, prefix: str) -> None:
        assert ids.decode(prefix, ids.encode(prefix, uuid)) == uuid

    @given(first=st.uuids(), second=st.uuids())
    def test_keep_the_order(self, first: UUID, second: UUID) -> None:
        assert (first < second) == (ids.encode("crs", first) < ids.encode("crs", second))


@pytest.mark.django_db
class TestPublicIdInSql:
    @pytest.mark.parametrize("name", VALID)
    def test_is_the_one_of_the_specification(self, name: str) -> None:
        text, uuid = VALID[name]
        assert db.fetch_one("SELECT public_id('prefix', %s::uuid)", [uuid]) == (f"prefix_{text}",)

    def test_is_the_one_of_python_for_any_uuid(self) -> None:
        rows = db.fetch_all(
            "SELECT id, public_id('crs', id) FROM (SELECT gen_random_uuid() FROM generate_series(1, 5000)) AS t(id)"
        )
        assert [text for _, text in rows] == [ids.encode("crs", uuid) for uuid, _ in rows]


class TestDecode:
    @pytest.mark.parametrize("name", INVALID)
    def test_knows_nothing_that_is_malformed_or_of_another_type(self, name: str) -> None:
        assert ids.decode("prefix", INVALID[name]) is None

    @given(text=st.text(max_size=40))
    def test_never_fails(self, text: str) -> None:
        assert ids.decode("crs", text) is None
        assert ids.decode("crs", f"crs_{text}") is None or len(text) == 26


class TestNewUuid:
    def test_is_a_uuid_of_version_7_later_ones_after_earlier_ones(self) -> None:
        made = [ids.new_uuid() for _ in range(1000)]
        assert {uuid.version for uuid in made} == {7}
        assert len(set(made)) == 1000
        times = [uuid.int >> 80 for uuid in made]
        assert times == sorted(times)
