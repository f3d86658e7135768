"""The numbered migrations on PostgreSQL: the same text, in its own words where SQLite has others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from ecny_tax.errors import UnavailableError
from ecny_tax.store import migrations
from ecny_tax.store.migrations import newest_version, statements

if TYPE_CHECKING:
    import psycopg

#: The key of the advisory lock under which one process makes or changes the tables.
SCHEMA_LOCK = 0x65434E5A
#: Tables whose numbers have a meaning: without gaps, and given by a writer who is alone.  The rows of the
#: others are numbered by sequences, with gaps where somebody gave up.
WITHOUT_GAPS = frozenset({"account", "event", "access", "checkpoint", "revocation"})

_TYPES = (
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'),  # sorted by bytes, as SQLite does
    (re.compile(r"\)\s*STRICT\s*;"), ");"),
)
_TABLE = re.compile(r"\s*(?:--[^\n]*\n\s*)*CREATE TABLE (\w+)")
_FUNCTION = re.compile(r"CREATE FUNCTION (\w+)")
_NUMBER = re.compile(r"^(\s*)(\w+)(\s+)INTEGER PRIMARY KEY", re.MULTILINE)
_TRIGGER = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*CREATE TRIGGER (\w+) BEFORE (UPDATE|DELETE|INSERT) ON (\w+)\s*(?:WHEN (.*?)\s*)?"
    r"BEGIN SELECT RAISE\(ABORT, '([^']*)'\); END;\s*",
    re.DOTALL,
)

#: What the triggers call, and functions of SQLite that our statements use and PostgreSQL lacks.
_FUNCTIONS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$;

-- How a writing transaction begins: it waits for those that it must not run beside, then tells the time.
CREATE FUNCTION begin_writing(
    writers bigint, alone boolean, names bigint[],
    OUT fixed text, OUT server bigint, OUT newest_at bigint, OUT newest_id bytea, OUT newest bigint,
    OUT is_whole boolean
) LANGUAGE plpgsql AS $$
DECLARE name bigint; mark text; events bigint; next bigint;
BEGIN
    IF alone THEN PERFORM pg_advisory_xact_lock(writers);
    ELSE PERFORM pg_advisory_xact_lock_shared(writers); END IF;
    FOREACH name IN ARRAY names LOOP PERFORM pg_advisory_xact_lock(name); END LOOP;
    SELECT value INTO fixed FROM meta WHERE meta.name = 'fixed_time';
    SELECT seq, id, posted_at INTO newest, newest_id, newest_at FROM transfer ORDER BY seq DESC LIMIT 1;
    -- Only now: what others commit meanwhile may be newer than a time that was read before.
    server := extract(epoch FROM clock_timestamp()) * 1000000;
    -- Nobody else has taken a number now: those that were given up, or that an import brought, are known.
    IF alone THEN
        SELECT last_value + is_called::int INTO next FROM transfer_seq_seq;
        IF next <> coalesce(newest, 0) + 1 THEN
            PERFORM setval('transfer_seq_seq', coalesce(newest, 0) + 1, false);
        END IF;
    END IF;
    SELECT value INTO mark FROM meta WHERE meta.name = 'mark';
    is_whole := false;
    IF starts_with(mark, 'whole') THEN
        SELECT max(place) INTO events FROM event;
        is_whole := mark LIKE 'whole ' || (coalesce(newest, 0) + coalesce(events, 0)) || ' %';
    END IF;
END $$;

CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(encode($1, 'hex')) $$;

CREATE FUNCTION date(seconds bigint, unixepoch text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT to_char(to_timestamp($1) AT TIME ZONE 'UTC', 'YYYY-MM-DD') $$;

CREATE FUNCTION date(day text, step text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT to_char($1::date + $2::interval, 'YYYY-MM-DD') $$;

CREATE FUNCTION strftime(format text, seconds bigint, unixepoch text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT to_char(to_timestamp($2) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') $$;
"""


def migrate(connection: psycopg.Connection[tuple[object, ...]], path: str) -> None:
    """Apply what is missing, in one transaction; safe when several processes start at once.

    Raises ``UnavailableError``: ``database_foreign`` where the schema holds tables that are not ours,
    ``database_newer``.
    """
    if version_of(connection, path) == newest_version():
        return
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
        _apply(connection, version_of(connection, path))


def make_anew(connection: psycopg.Connection[tuple[object, ...]], keeping: Sequence[str]) -> None:
    """Empty the database in the transaction that goes on, and make its tables as in a new one.

    The rows of the tables ``keeping`` come back.
    """
    connection.execute(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
    kept = {table: connection.execute(f"SELECT * FROM {table}".encode()).fetchall() for table in keeping}
    tables = connection.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
    dropped = ", ".join(f'"{name}"' for (name,) in tables.fetchall())
    connection.execute(f"DROP TABLE {dropped} CASCADE".encode())
    functions = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        " AND proname = ANY(%s)",
        ([*_FUNCTION.findall(_FUNCTIONS), *(f"next_{table}" for table in WITHOUT_GAPS)],),
    )
    for (name,) in functions.fetchall():
        connection.execute(f"DROP FUNCTION {name}".encode())
    _apply(connection, 0)
    for table, rows in kept.items():
        if rows:
            marks = ", ".join(["%s"] * len(rows[0]))
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})".encode(), rows)
            _count_on(connection, table)


def _count_on(connection: psycopg.Connection[tuple[object, ...]], table: str) -> None:
    """Let a table that numbers its rows go on after those that came back."""
    numbered = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = %s AND is_identity = 'YES'",
        (table,),
    ).fetchone()
    if numbered is not None:
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', '{numbered[0]}'), max({numbered[0]}))"
            f" FROM {table}".encode()
        )


def _apply(connection: psycopg.Connection[tuple[object, ...]], version: int) -> None:
    """The migrations after the one of that number."""
    if version == 0:
        connection.execute(_FUNCTIONS)
    for number, name in migrations.migrations().items():
        if number > version:
            for statement in statements(files(migrations).joinpath(name).read_text("utf-8")):
                for translated in in_postgres(statement):
                    connection.execute(translated.encode())
    if version != newest_version():
        connection.execute(
            "INSERT INTO meta VALUES ('schema_version', %s)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(newest_version()),),
        )


def version_of(connection: psycopg.Connection[tuple[object, ...]], path: str) -> int:
    """The number of the last migration that was applied; 0 where there is no table at all."""
    (tables,) = connection.execute(
        "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = current_schema()"
    ).fetchone() or (None,)
    if not tables:
        return 0
    if not isinstance(tables, list) or not {"meta", "transfer", "account"} <= set(tables):
        raise UnavailableError("database_foreign", path=path)
    row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    if row is None or not str(row[0]).isdigit():
        raise UnavailableError("database_foreign", path=path)
    version = int(str(row[0]))
    if version > newest_version():
        raise UnavailableError("database_newer", path=path, version=version, known=newest_version())
    return version


def in_postgres(statement: str) -> list[str]:
    """One statement of a migration as PostgreSQL takes it: none, one, or more."""
    if (trigger := _TRIGGER.fullmatch(statement)) is not None:
        return _trigger(*trigger.groups())
    if (table := _TABLE.match(statement)) is None:
        return [statement]
    name, before = table[1], []

    def numbered(found: re.Match[str]) -> str:
        indent, column, space = found.groups()
        if name not in WITHOUT_GAPS:
            return f"{indent}{column}{space}BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
        before.append(
            f"CREATE FUNCTION next_{name}() RETURNS bigint LANGUAGE plpgsql AS"
            f" $$ BEGIN RETURN (SELECT coalesce(max({column}), 0) + 1 FROM {name}); END $$"
        )
        return f"{indent}{column}{space}BIGINT PRIMARY KEY DEFAULT next_{name}()"

    translated = _NUMBER.sub(numbered, statement)
    for pattern, replacement in _TYPES:
        translated = pattern.sub(replacement, translated)
    return [*before, translated]


def _trigger(name: str, event: str, table: str, condition: str | None, message: str) -> list[str]:
    """A trigger that refuses; the one against REPLACE, which PostgreSQL does not know, is left out.

    TRUNCATE, which SQLite does not know, is refused where DELETE is.
    """
    if event == "INSERT":
        return []
    when = f" WHEN ({condition})" if condition else ""
    made = [
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{when}"
        f" EXECUTE FUNCTION refuse('{message}')"
    ]
    if event == "DELETE":
        made.append(
            f"CREATE TRIGGER {table}_is_never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION refuse('{message}')"
        )
    return made
