from collections.abc import Iterator

import pytest
from django.db import transaction

from common import db
from common.models import IdempotencyRecord, User
from common.tests.lock_order import LockOrder, tables_locked_by, watching


class TestTablesLockedBy:
    @pytest.mark.parametrize(
        ("sql", "tables"),
        [
            ('UPDATE "a" SET "x" = 1 WHERE id IN (SELECT id FROM "b")', ["a"]),
            ("\n    UPDATE a SET x = 1\n", ["a"]),
            ("WITH c AS (UPDATE a SET x = 1 RETURNING id) DELETE FROM b USING c", ["a", "b"]),
            ('DELETE FROM "a" WHERE x', ["a"]),
            ('SELECT "a"."x" FROM "a" WHERE "a"."id" = %s LIMIT 1 FOR NO KEY UPDATE OF "a"', ["a"]),
            ('SELECT * FROM "a" INNER JOIN "b" ON (TRUE) FOR UPDATE', ["a", "b"]),
            ('SELECT * FROM "a" INNER JOIN "b" ON (TRUE) FOR UPDATE OF "b"', ["b"]),
            ("SELECT one.x FROM a one JOIN b AS two ON true FOR UPDATE OF one SKIP LOCKED", ["a"]),
            ("INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2", ["a"]),
            ("INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO NOTHING", []),
            ('INSERT INTO "a" ("x") VALUES (1)', []),
            (
                """WITH one AS (INSERT INTO a (x) VALUES (1)),
                two AS (INSERT INTO b (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2 RETURNING x)
                UPDATE c SET x = 1 FROM two""",
                ["b", "c"],
            ),
            ("SELECT 'FOR UPDATE' FROM a", []),
            ('SELECT * FROM "a" FOR KEY SHARE', []),
            ("TRUNCATE a", []),
        ],
    )
    def test_are_those_whose_rows_others_have_to_wait_for(self, sql: str, tables: list[str]) -> None:
        assert tables_locked_by(sql) == tables


@pytest.mark.django_db
@pytest.mark.usefixtures("any_lock_order")
class TestWatching:
    @pytest.fixture
    def order(self) -> Iterator[LockOrder]:
        with watching() as order:
            yield order

    def people(self) -> None:
        User.objects.update(display_name="Ada")

    def keys(self) -> None:
        list(IdempotencyRecord.objects.select_for_update())

    def test_notices_two_orders(self, order: LockOrder) -> None:
        with transaction.atomic():
            self.people()
            self.keys()
        assert order.pairs.keys() == {("common_user", "common_idempotencyrecord")}
        assert order.contradictions == []
        with transaction.atomic():
            self.keys()
            self.people()
        (contradiction,) = order.contradictions
        assert contradiction.startswith("common_idempotencyrecord was locked before common_user")

    def test_begins_anew_with_each_transaction(self, order: LockOrder) -> None:
        for lock in (self.people, self.keys, self.people):
            with transaction.atomic():
                lock()
        assert order.pairs == {}

    def test_goes_on_into_inner_blocks_and_after_them(self, order: LockOrder) -> None:
        with transaction.atomic():
            with transaction.atomic():
                self.people()
            self.keys()
        assert order.pairs.keys() == {("common_user", "common_idempotencyrecord")}

    def test_forgets_what_a_savepoint_gave_back(self, order: LockOrder) -> None:
        with transaction.atomic():
            with transaction.atomic():
                self.people()
                transaction.set_rollback(True)
            self.keys()
        assert order.pairs == {}

    def test_sees_planned_statements_too(self, order: LockOrder) -> None:
        with transaction.atomic():
            db.execute("UPDATE common_user SET version = version")
            db.execute("DELETE FROM common_idempotencyrecord")
        assert order.pairs.keys() == {("common_user", "common_idempotencyrecord")}


class TestTheSuite:
    def test_is_watched(self, lock_order: LockOrder, db: None) -> None:
        with transaction.atomic():
            User.objects.filter(email="nobody").update(version=1)
            IdempotencyRecord.objects.filter(key="none").delete()
        assert ("common_user", "common_idempotencyrecord") in lock_order.pairs
