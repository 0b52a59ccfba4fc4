"""Proof that a refusal did nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def nothing_changed() -> Iterator[None]:
    """After the block every table has the rows that it had before: none came, went or changed."""
    before = _fingerprints()
    yield
    after = _fingerprints()
    changed = sorted(name for name, rows in after.items() if rows != before.get(name))
    assert changed == [], f"Rows have changed in {', '.join(changed)}."


def _fingerprints() -> dict[str, tuple[int, Any]]:
    """For each table the number of its rows, and the sum of their hashes, in which the order does not matter."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', count(*), sum(hashtextextended(one::text, 0)) FROM \"{name}\" AS one"
                for name in tables
            )
        )
        return {name: (count, hashes) for name, count, hashes in cursor.fetchall()}
