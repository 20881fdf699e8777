"""Brings a database to the form this program was written for.

One law: a migration that was ever released is never edited. Numbered plain SQL files lie in `sql/`; each runs once, in
a transaction of its own, under an advisory lock, and its sha256 is remembered. Changes only expand, and contract in a
later release, so that the old program still runs beside the new one. Source: facts.md 2.
"""

from hashlib import sha256
from importlib import resources
from typing import Any

import msgspec

from tidehall.store.errors import SchemaError

__all__ = ["Migration", "migrate", "migrations"]

_LOCK = 7_214_905_311
"""Our key among PostgreSQL's advisory locks; any number, but the same in every release."""

_OLDEST_SERVER = 140_000


class Migration(msgspec.Struct, frozen=True):
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """The sha256 of the file, in hex."""
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the migrations of this release, in order."""
    files = [entry for entry in resources.files("tidehall.store").joinpath("sql").iterdir() if entry.name[:3].isdigit()]
    return [
        Migration(int(entry.name[:3]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(files, key=lambda entry: entry.name)
    ]


async def migrate(connection: Any, known: list[Migration] | None = None) -> list[str]:
    """Run what is missing and return the names of the files that ran.

    `connection` is an asyncpg connection of its own. Raises SchemaError for a server or database that does not fit.
    """
    known = migrations() if known is None else known
    await _check_server(connection)
    # The lock is the session's, so that it spans all the transactions; it ends with the connection at the latest.
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            "CREATE SCHEMA IF NOT EXISTS tidehall;"
            "CREATE TABLE IF NOT EXISTS tidehall.migration ("
            " number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        applied = await connection.fetch("SELECT number, name, sha256 FROM tidehall.migration ORDER BY number")
        missing = _missing([(row["number"], row["name"], row["sha256"]) for row in applied], known)
        for migration in missing:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO tidehall.migration (number, name, sha256) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.digest,
                )
        return [migration.name for migration in missing]
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _check_server(connection: Any) -> None:
    version = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
    if version < _OLDEST_SERVER:
        raise SchemaError(f"PostgreSQL 14 or newer is needed, this one is {version // 10000}")
    encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise SchemaError(f"the database must be in UTF8, this one is in {encoding}")


def _missing(applied: list[tuple[int, str, str]], known: list[Migration]) -> list[Migration]:
    """Compare what the database has with what the program knows; return what is still to run."""
    by_number = {migration.number: migration for migration in known}
    for number, name, digest in applied:
        migration = by_number.get(number)
        if migration is None:
            raise SchemaError(f"the database is newer than this program: it has {name}, which is not known here")
        if migration.digest != digest:
            raise SchemaError(f"migration {migration.name} was edited after it ran on this database")
    done = {number for number, _, _ in applied}
    missing = [migration for migration in known if migration.number not in done]
    if missing and done and missing[0].number < max(done):
        raise SchemaError(f"migration {missing[0].name} is missing between others that ran on this database")
    return missing
