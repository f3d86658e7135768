"""Taking the rows of some tables from one database to another of the same schema."""

from __future__ import annotations

from collections.abc import Sequence

from ecny_tax.store.transaction import Store


def copy_rows(source: Store, target: Store, tables: Sequence[str]) -> None:
    """Copy every row of the tables, which are empty in ``target``, in one transaction of it."""
    with source.reading() as there, target.untimed() as here:
        for table in tables:
            rows = there.rows(f"SELECT * FROM {table}")
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                here.run_many(f"INSERT INTO {table} VALUES ({marks})", rows)
