"""The journal in PostgreSQL, and the protocol that it shares with its twin in memory.

One law: what `append` calls committed is on disk, at exactly the seq that was expected; everything else wrote nothing
or raised. No exception of the driver leaves this module. Times are `int` microseconds since the Unix epoch.
Source: design.md laws 3-6 and 11, section 7; facts.md 2.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import asyncpg
import msgspec

from tidehall.store.errors import OutcomeUnknown, SchemaError, StoreError, StoreRefused, StoreUnavailable
from tidehall.store.migrations import migrate
from tidehall.store.rows import (
    NO_DIGEST,
    Appended,
    Batch,
    CommandRow,
    Head,
    Row,
    SealedRow,
    Snapshot,
    chain,
    chain_facts,
    check,
    check_texts,
)

__all__ = ["Journal", "PostgresJournal", "Verdict", "connect", "new_epoch", "verify"]


class Journal(Protocol):
    """What is asked of a journal. Every method may raise StoreUnavailable; nothing is known then."""

    async def create(self, hall: str) -> Head:
        """Make the hall's journal, empty and with a fresh random epoch, unless it is there; return its head."""
        ...

    async def halls(self) -> list[str]:
        """Return the ids of all halls that have a journal."""
        ...

    async def head(self, hall: str) -> Head | None:
        """Return where the hall's journal ends, in one cheap read; None for a hall that was never created."""
        ...

    async def append(self, batch: Batch) -> Appended:
        """Write one batch durably or not at all; raises OutcomeUnknown when the connection was lost under way."""
        ...

    async def append_many(self, batches: Sequence[Batch]) -> list[Appended]:
        """Write the batches of different halls in one flush; each hall has its own outcome, in the order given."""
        ...

    async def read(self, hall: str, after: int, limit: int = 1000, upto: int | None = None) -> list[Row]:
        """Return at most `limit` rows with after < seq ≤ upto, in order."""
        ...

    async def answers(self, hall: str, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], CommandRow]:
        """Return the commands that stand under these (principal, key) pairs."""
        ...

    async def commands(self, hall: str, after_seq: int, limit: int = 1000) -> list[CommandRow]:
        """Return commands with first_seq > after_seq in that order; those that share the last first_seq come whole."""
        ...

    async def save_snapshot(self, hall: str, seq: int, schema: int, body: bytes, digest: bytes) -> None:
        """Keep a snapshot; of each schema the newest three stay."""
        ...

    async def latest_snapshot(self, hall: str, schema: int, upto: int | None = None) -> Snapshot | None:
        """Return the newest snapshot of exactly this schema with seq ≤ upto."""
        ...

    async def sealed(self, hall: str, ids: Sequence[str]) -> dict[str, SealedRow]:
        """Return the sealed rows with these ids; erased ones are missing."""
        ...

    async def find_holder(self, hall: str, lookup: bytes) -> str | None:
        """Return the id of the holder with this keyed hash."""
        ...

    async def find_holders(self, hall: str, lookups: Sequence[bytes]) -> dict[bytes, str]:
        """Return the ids of the holders with these keyed hashes."""
        ...

    async def erase(self, hall: str, id: str) -> bool:
        """Remove a person or text for ever; the chain does not change. Return whether it was there."""
        ...

    async def purge_commands(self, hall: str, before: int, *, forget_before: int | None = None) -> int:
        """Drop the answers of commands decided before `before`, and whole commands before `forget_before` (both µs).

        Return how many commands were touched.
        """
        ...

    async def told(self, hall: str, what: str) -> int | None:
        """Return up to which event messages of a kind were sent; None before the first start."""
        ...

    async def note_told(self, hall: str, what: str, seq: int) -> bool:
        """Note that everything up to `seq` is sent; False when it was noted before, by whomever: then don't send."""
        ...

    async def clock(self) -> int:
        """Return the store's own clock, in µs (law 8)."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class Verdict(msgspec.Struct, frozen=True):
    """What `verify` found: the last row it read, and every fault as a sentence. No faults: the chain is whole."""

    seq: int
    digest: bytes
    faults: list[str]


async def verify(journal: Journal, hall: str, *, anchor: Head | None = None) -> Verdict:
    """Recompute the digest chain of a hall from its first row.

    An anchor is a head that was written down elsewhere (daily report, backup); only it shows a cut-off tail.
    """
    head = await journal.head(hall)
    if head is None:
        return Verdict(0, NO_DIGEST, [f"there is no journal of hall {hall}"])
    faults: list[str] = []
    seq, digest = 0, NO_DIGEST
    anchored: bytes | None = NO_DIGEST if anchor is not None and anchor.seq == 0 else None
    while rows := await journal.read(hall, seq, upto=head.seq):
        for row in rows:
            if row.seq != seq + 1:
                faults.append(f"rows {seq + 1} to {row.seq - 1} are missing")
            right = chain(hall, digest, row.seq, row.at, row.due, row.kind, row.version, row.body, row.actor, row.cause)
            if row.digest != right and row.seq == seq + 1:
                faults.append(f"row {row.seq} was changed: its digest does not follow from the row before")
            seq, digest = row.seq, row.digest
            if anchor is not None and seq == anchor.seq:
                anchored = digest
    if (seq, digest) != (head.seq, head.digest):
        faults.append(f"the hall says that its journal ends at {head.seq}, its last sound row is {seq}")
    if anchor is not None:
        if anchor.epoch != head.epoch:
            faults.append(f"the anchor belongs to another journal (epoch {anchor.epoch}, here {head.epoch})")
        if anchored is None:
            faults.append(f"the anchor stands at {anchor.seq}, the journal ends at {seq}: its tail was cut off")
        elif anchored != anchor.digest:
            faults.append(f"row {anchor.seq} is not the one that the anchor names")
    return Verdict(seq, digest, faults)


def new_epoch() -> str:
    """Return a name for a new journal; never the same twice."""
    return secrets.token_hex(8)


async def connect(url: str, *, timeout_s: float = 3.0) -> "PostgresJournal":
    """Bring the database at `url` up to date and return its journal.

    `timeout_s` bounds every later call, so that a frozen connection becomes StoreUnavailable.
    Raises StoreUnavailable or SchemaError.
    """
    with _translated(sent=False):
        connection = await asyncpg.connect(url, timeout=timeout_s)
        try:
            # A migration may wait for another process that migrates, or rewrite a table: no command timeout here.
            await migrate(connection)
        finally:
            await connection.close(timeout=timeout_s)
        options: dict[str, Any] = {
            "timeout": timeout_s,
            "command_timeout": timeout_s,
            "min_size": 0,
            "max_queries": 2**31,
            "max_inactive_connection_lifetime": 0,
            "reset": _keep,
            "server_settings": {
                "application_name": "tidehall",
                "default_transaction_isolation": "read committed",
                "synchronous_commit": "on",
                # The server gives up first: what it cancels is known not to be committed, and holds no lock any more.
                "statement_timeout": str(int(timeout_s * 800)),
            },
        }
        # The writer only appends. Its plans are made when the tables are empty and kept as these grow.
        settings = options["server_settings"] | {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
        writer = await asyncpg.create_pool(url, max_size=1, **options | {"server_settings": settings})
        readers = await asyncpg.create_pool(url, max_size=3, **options)
    return PostgresJournal(writer, readers, timeout_s=timeout_s)


async def _keep(connection: Any) -> None:
    """Leave a connection as it is between calls: no session state is ever set, and a reset costs a round trip."""


class _translated:  # noqa: N801 - used like a function
    """Turns the driver's exceptions into the store's; `sent` says that a write may have reached the server."""

    def __init__(self, *, sent: bool) -> None:
        self._sent = sent

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None or isinstance(error, StoreError) or not isinstance(error, Exception):
            return
        raise _store_error(error, sent=self._sent) from error


def _store_error(error: Exception, *, sent: bool) -> Exception:
    lost: type[StoreUnavailable] = OutcomeUnknown if sent else StoreUnavailable
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state[:2] in ("22", "23", "54"):
            return StoreRefused(f"the database refused a value: {error}")
        if state[:2] in ("0A", "42", "3D", "3F", "28"):
            return SchemaError(f"the database is not what the program expects: {error}")
        # An error that a living server reports means that it rolled back; shutdown and lost connections do not.
        return lost(str(error)) if state[:2] == "08" or state[:3] == "57P" else StoreUnavailable(str(error))
    if isinstance(error, asyncpg.ClientConfigurationError):
        return SchemaError(f"the address of the database is wrong: {error}")
    if isinstance(error, asyncpg.DataError | UnicodeEncodeError | OverflowError):
        return StoreRefused(f"the database cannot hold a value: {error}")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return lost(str(error) or "the database did not answer in time")
    return error


class PostgresJournal:
    """A journal in PostgreSQL: one connection writes, a few read. Made by `connect`."""

    def __init__(self, writer: Any, readers: Any, *, timeout_s: float) -> None:
        self._writer = writer
        self._readers = readers
        self._timeout_s = timeout_s

    async def create(self, hall: str) -> Head:
        """See Journal.create."""
        check_texts([hall])
        await self.fetch(
            "INSERT INTO tidehall.hall (hall, epoch, seq, digest) VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING",
            hall,
            new_epoch(),
            NO_DIGEST,
        )
        head = await self.head(hall)
        if head is None:
            raise SchemaError(f"the row of hall {hall} vanished")
        return head

    async def halls(self) -> list[str]:
        """See Journal.halls."""
        return [row[0] for row in await self.fetch("SELECT hall FROM tidehall.hall ORDER BY hall")]

    async def head(self, hall: str) -> Head | None:
        """See Journal.head."""
        rows = await self.fetch("SELECT epoch, seq, digest FROM tidehall.hall WHERE hall = $1", hall)
        return Head(*rows[0]) if rows else None

    async def append(self, batch: Batch) -> Appended:
        """See Journal.append."""
        return (await self.append_many([batch]))[0]

    async def append_many(self, batches: Sequence[Batch]) -> list[Appended]:
        """See Journal.append_many."""
        check(batches)
        digests = [chain_facts(batch) for batch in batches]
        arguments = _append_arguments(batches, digests)
        async with self._connection(self._writer, writing=True) as connection:
            rows = await connection.fetch(_APPEND, *arguments)
        results = [Appended("behind", Head("", 0, NO_DIGEST)) for _ in batches]  # what a hall without a row gets
        for place, outcome, epoch, seq, digest in rows:
            written = digests[place - 1] if outcome == "committed" else []
            results[place - 1] = Appended(outcome, Head(epoch, seq, digest), written)
        return results

    async def read(self, hall: str, after: int, limit: int = 1000, upto: int | None = None) -> list[Row]:
        """See Journal.read."""
        rows = await self.fetch(
            "SELECT seq, at, due, kind, version, body, actor, cause, digest FROM tidehall.event"
            " WHERE hall = $1 AND seq > $2 AND seq <= coalesce($4, 9223372036854775807) ORDER BY seq LIMIT $3",
            hall,
            after,
            limit,
            upto,
        )
        return [Row(*row) for row in rows]

    async def answers(self, hall: str, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], CommandRow]:
        """See Journal.answers."""
        if not keys:
            return {}
        rows = await self.fetch(
            f"SELECT {_COMMAND} FROM unnest($2::text[], $3::text[]) AS asked (principal, key)"
            " JOIN tidehall.command USING (principal, key) WHERE hall = $1",
            hall,
            *_columns(keys, 2),
        )
        return {(row["principal"], row["key"]): CommandRow(*row) for row in rows}

    async def commands(self, hall: str, after_seq: int, limit: int = 1000) -> list[CommandRow]:
        """See Journal.commands."""
        rows = await self.fetch(
            f"SELECT {_COMMAND} FROM tidehall.command WHERE hall = $1 AND first_seq > $2"
            " ORDER BY first_seq FETCH FIRST $3 ROWS WITH TIES",
            hall,
            after_seq,
            limit,
        )
        return [CommandRow(*row) for row in rows]

    async def save_snapshot(self, hall: str, seq: int, schema: int, body: bytes, digest: bytes) -> None:
        """See Journal.save_snapshot."""
        await self.fetch("SELECT tidehall.save_snapshot($1, $2, $3, $4, $5)", hall, seq, schema, body, digest)

    async def latest_snapshot(self, hall: str, schema: int, upto: int | None = None) -> Snapshot | None:
        """See Journal.latest_snapshot."""
        rows = await self.fetch(
            "SELECT seq, schema, body, digest FROM tidehall.snapshot"
            " WHERE hall = $1 AND schema = $2 AND seq <= coalesce($3, 9223372036854775807) ORDER BY seq DESC LIMIT 1",
            hall,
            schema,
            upto,
        )
        return Snapshot(*rows[0]) if rows else None

    async def sealed(self, hall: str, ids: Sequence[str]) -> dict[str, SealedRow]:
        """See Journal.sealed."""
        rows = await self.fetch(
            "SELECT id, kind, lookup, sealed FROM tidehall.sealed WHERE hall = $1 AND id = ANY ($2::text[])",
            hall,
            list(ids),
        )
        return {row["id"]: SealedRow(*row) for row in rows}

    async def find_holder(self, hall: str, lookup: bytes) -> str | None:
        """See Journal.find_holder."""
        return (await self.find_holders(hall, [lookup])).get(lookup)

    async def find_holders(self, hall: str, lookups: Sequence[bytes]) -> dict[bytes, str]:
        """See Journal.find_holders."""
        if not lookups:
            return {}
        rows = await self.fetch(
            "SELECT lookup, id FROM tidehall.sealed WHERE hall = $1 AND lookup = ANY ($2::bytea[])", hall, list(lookups)
        )
        return {row["lookup"]: row["id"] for row in rows}

    async def erase(self, hall: str, id: str) -> bool:
        """See Journal.erase."""
        rows = await self.fetch("DELETE FROM tidehall.sealed WHERE hall = $1 AND id = $2 RETURNING id", hall, id)
        return bool(rows)

    async def purge_commands(self, hall: str, before: int, *, forget_before: int | None = None) -> int:
        """See Journal.purge_commands."""
        gone = await self.fetch(
            "WITH gone AS (DELETE FROM tidehall.command WHERE hall = $1 AND now < $2 RETURNING 1)"
            " SELECT count(*) FROM gone",
            hall,
            forget_before if forget_before is not None else -(2**63),
        )
        emptied = await self.fetch(
            "WITH emptied AS (UPDATE tidehall.command SET answer = NULL"
            " WHERE hall = $1 AND now < $2 AND answer IS NOT NULL RETURNING 1) SELECT count(*) FROM emptied",
            hall,
            before,
        )
        return int(gone[0][0]) + int(emptied[0][0])

    async def told(self, hall: str, what: str) -> int | None:
        """See Journal.told."""
        rows = await self.fetch("SELECT seq FROM tidehall.told WHERE hall = $1 AND what = $2", hall, what)
        return int(rows[0][0]) if rows else None

    async def note_told(self, hall: str, what: str, seq: int) -> bool:
        """See Journal.note_told."""
        rows = await self.fetch(
            "INSERT INTO tidehall.told AS t (hall, what, seq) VALUES ($1, $2, $3)"
            " ON CONFLICT (hall, what) DO UPDATE SET seq = excluded.seq WHERE t.seq < excluded.seq RETURNING seq",
            hall,
            what,
            seq,
        )
        return bool(rows)

    async def clock(self) -> int:
        """See Journal.clock."""
        rows = await self.fetch("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(rows[0][0])

    async def close(self) -> None:
        """See Journal.close. Calls that are under way are cut off."""
        self._writer.terminate()
        self._readers.terminate()

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """Run one statement, also for the store's other tables (accounts); an exception of the driver is translated."""
        async with self._connection(self._readers, writing=False) as connection:
            rows: list[Any] = await connection.fetch(query, *arguments)
            return rows

    @asynccontextmanager
    async def _connection(self, pool: Any, *, writing: bool) -> AsyncIterator[Any]:
        """Lend a connection for one statement; one that failed in any way is thrown away, never used again."""
        with _translated(sent=False):
            connection = await pool.acquire(timeout=self._timeout_s)
        try:
            with _translated(sent=writing):
                yield connection
        except BaseException as error:
            if not isinstance(error, StoreRefused | SchemaError):
                with suppress(asyncpg.InterfaceError):  # a lost connection has left the pool by itself
                    connection.terminate()
            raise
        finally:
            # Whatever befalls the connection now, the statement's outcome is known and must not be changed by it.
            with suppress(asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError, OSError):
                await pool.release(connection)


_COMMAND = "principal, key, fingerprint, body, now, first_seq, last_seq, status, answer"
_APPEND = f"SELECT * FROM tidehall.append({', '.join(f'${place}' for place in range(1, 9))})"


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[list[Any]]:
    """Turn rows into columns; no rows give empty columns."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def _append_arguments(batches: Sequence[Batch], digests: Sequence[Sequence[bytes]]) -> list[list[Any]]:
    """Lay batches out as the arguments of tidehall.append: the halls' columns, then arrays of rows."""
    halls = [
        (
            batch.hall,
            batch.expected_seq,
            batch.expected_digest,
            batch.expected_seq + len(batch.facts),
            written[-1] if written else batch.expected_digest,
        )
        for batch, written in zip(batches, digests, strict=True)
    ]
    facts = [
        (place, seq, fact.at, fact.due, fact.kind, fact.version, fact.body, fact.actor, fact.cause, digest)
        for place, (batch, written) in enumerate(zip(batches, digests, strict=True), 1)
        for seq, (fact, digest) in enumerate(zip(batch.facts, written, strict=True), batch.expected_seq + 1)
    ]
    commands = [
        (place, *msgspec.structs.astuple(command))
        for place, batch in enumerate(batches, 1)
        for command in batch.commands
    ]
    sealed = [(place, *msgspec.structs.astuple(row)) for place, batch in enumerate(batches, 1) for row in batch.sealed]
    return [*_columns(halls, 5), facts, commands, sealed]
