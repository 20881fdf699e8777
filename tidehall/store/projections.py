"""The tables of the projections in PostgreSQL: checkpoints, the register of cases, which events name a thing, days.

One law: rows and the checkpoint that they bring it to are one statement, and whoever moves a checkpoint says where it
found it: two followers do no harm, and a crash leaves both as they were. Everything here can be made again from the
journal; so a write does not wait for the disk, which may cost a moment's work again but never a fact.
Source: design.md section 7; docs/decisions/007.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from tidehall.store.journal import PostgresJournal
from tidehall.store.rows import check_texts

__all__ = [
    "CASES", "DAYS", "EVENTS", "WAITS", "CaseRow", "Checkpoint", "DayRows", "Lookup", "PostgresProjections",
    "Projections", "Rows", "Table", "WaitRow",
]  # fmt: skip

#: Rows that are dropped in one statement, well within the time that a statement has.
DROP = 20_000


class Table(Struct, frozen=True):
    """A table of a projection: its columns beside the hall with their types, the first `key` of which name a row."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: int


#: Every case as the engine had it last; `seq` of its last change.
CASES = Table("case_register", (("case", "text"), ("receipt", "text"), ("seq", "bigint"), ("body", "bytea")), 1)
#: Which events name a thing.
EVENTS = Table("event_name", (("name", "text"), ("seq", "bigint")), 2)
#: What the measures keep, by service day; `going_on`: it may change on a later day; `body` a line of JSON.
DAYS = Table(
    "day_record",
    (("day", "text"), ("sort", "text"), ("id", "text"), ("going_on", "boolean"), ("body", "bytea")),
    3,
)
#: How long those first called in a quarter of an hour had waited, µs.
WAITS = Table(
    "quarter_waits",
    (("day", "text"), ("zone", "text"), ("quarter", "integer"), ("n", "bigint"), ("sum", "bigint"),
     ("longest", "bigint")),
    3,
)  # fmt: skip

#: What is to be written: per table the new rows by their keys.
Rows = Mapping[Table, Mapping[tuple[Any, ...], tuple[Any, ...]]]


class Checkpoint(Struct, frozen=True):
    """How far a projection has come in the journal `epoch`; `version` is that of its rows."""

    epoch: str
    version: int
    seq: int


class CaseRow(Struct, frozen=True):
    """A row of the register; `body` is the engine's case as JSON, which this room does not read."""

    case: str
    receipt: str
    seq: int
    body: bytes


class Lookup(Struct, frozen=True):
    """What the register had when it stood at `seq`; 0 when it was never begun."""

    seq: int
    row: CaseRow | None


class WaitRow(NamedTuple):
    """A row of the waits by quarters of an hour; µs."""

    day: str
    zone: str
    quarter: int
    n: int
    sum: int
    longest: int


class DayRows(Struct, frozen=True):
    """What was kept of some days when the projection stood at `seq`: by sort, lines of JSON in any order."""

    seq: int
    bodies: dict[str, bytes]


class Projections(Protocol):
    """What is asked of the projections' tables. Every method may raise StoreUnavailable."""

    async def checkpoint(self, hall: str, name: str) -> Checkpoint | None:
        """Return how far the projection has come; None when it was never begun."""
        ...

    async def restart(self, hall: str, name: str, seen: Checkpoint | None, new: Checkpoint) -> bool:
        """Put `new` in the place of `seen`; False when another was there. The rows are dropped by `drop`."""
        ...

    async def drop(self, hall: str, name: str, at: Checkpoint, tables: Iterable[Table]) -> int:
        """Drop some of the hall's rows while the checkpoint is still `at`; return how many, 0 when none are left."""
        ...

    async def advance(self, hall: str, name: str, seen: Checkpoint, seq: int, rows: Rows) -> bool:
        """Write the rows and bring the checkpoint from `seen` to `seq`; False, and nothing, when it is not `seen`."""
        ...

    async def case(self, hall: str, name: str, id: str) -> Lookup:
        """Return the case with this id or receipt number from the register that projection `name` keeps."""
        ...

    async def naming(self, hall: str, name: str, names: Collection[str]) -> tuple[int, list[int]]:
        """Return where projection `name` stood, and up to there the positions of events that name one of `names`."""
        ...

    async def days(
        self, hall: str, name: str, first: str, last: str, *, sorts: Collection[str] | None = None,
        going_on: bool = False,
    ) -> DayRows:  # fmt: skip
        """Return what projection `name` kept of the days `first` to `last`; `going_on`: and whatever still goes on."""
        ...

    async def waits(
        self, hall: str, name: str, first: str, last: str, zone: str | None = None
    ) -> tuple[int, list[WaitRow]]:
        """Return where projection `name` stood, and its waits of these days, in order; of all zones or of one."""
        ...


class PostgresProjections:
    """The projections beside the journal, through its connections."""

    def __init__(self, journal: PostgresJournal) -> None:
        self._fetch = journal.fetch

    async def checkpoint(self, hall: str, name: str) -> Checkpoint | None:
        """See Projections.checkpoint."""
        rows = await self._fetch(
            "SELECT epoch, version, seq FROM tidehall.projection WHERE hall = $1 AND name = $2", hall, name
        )
        return Checkpoint(*rows[0]) if rows else None

    async def restart(self, hall: str, name: str, seen: Checkpoint | None, new: Checkpoint) -> bool:
        """See Projections.restart."""
        if seen is None:
            made = await self._fetch(
                "INSERT INTO tidehall.projection (hall, name, epoch, version, seq) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT DO NOTHING RETURNING hall",
                hall, name, new.epoch, new.version, new.seq,
            )  # fmt: skip
            return bool(made)
        moved = await self._fetch(
            "UPDATE tidehall.projection SET epoch = $6, version = $7, seq = $8"
            f" WHERE {_SEEN} RETURNING hall",
            hall, name, seen.epoch, seen.version, seen.seq, new.epoch, new.version, new.seq,
        )  # fmt: skip
        return bool(moved)

    async def drop(self, hall: str, name: str, at: Checkpoint, tables: Iterable[Table]) -> int:
        """See Projections.drop."""
        gone = 0
        for table in tables:
            # The checkpoint's row is locked first: nobody can have advanced between the look and the drop.
            rows = await self._fetch(
                f"WITH here AS MATERIALIZED (SELECT hall FROM tidehall.projection WHERE {_SEEN} FOR UPDATE),"
                f" gone AS (DELETE FROM tidehall.{table.name} WHERE EXISTS (SELECT FROM here) AND ctid = ANY (ARRAY("
                f"SELECT ctid FROM tidehall.{table.name} WHERE hall = $1 LIMIT {DROP})) RETURNING 1)"
                " SELECT count(*) FROM gone",
                hall, name, at.epoch, at.version, at.seq,
            )  # fmt: skip
            gone += int(rows[0][0])
        return gone

    async def advance(self, hall: str, name: str, seen: Checkpoint, seq: int, rows: Rows) -> bool:
        """See Projections.advance."""
        arguments: list[Any] = [hall, name, seen.epoch, seen.version, seen.seq, seq]
        parts = [f"moved AS (UPDATE tidehall.projection SET seq = $6 WHERE {_SEEN} RETURNING hall)"]
        for table, given in rows.items():
            if given:
                parts.append(_upsert(table, len(arguments) + 1))
                arguments += [list(column) for column in zip(*given.values(), strict=True)]
        moved = await self._fetch(
            f"WITH {', '.join(parts)} SELECT count(*), set_config('synchronous_commit', 'off', true) FROM moved",
            *arguments,
        )
        return bool(moved[0][0])

    async def case(self, hall: str, name: str, id: str) -> Lookup:
        """See Projections.case."""
        check_texts([id])
        rows = await self._fetch(
            'SELECT kept.seq AS at, found."case", found.receipt, found.seq, found.body FROM tidehall.projection AS kept'
            " LEFT JOIN LATERAL ("
            'SELECT * FROM tidehall.case_register WHERE hall = $1 AND "case" = $3 UNION ALL '
            "SELECT * FROM tidehall.case_register WHERE hall = $1 AND receipt = $3 LIMIT 1) AS found ON true"
            " WHERE kept.hall = $1 AND kept.name = $2",
            hall, name, id,
        )  # fmt: skip
        if not rows:
            return Lookup(0, None)
        at, *row = rows[0]
        return Lookup(at, None if row[0] is None else CaseRow(*row))

    async def naming(self, hall: str, name: str, names: Collection[str]) -> tuple[int, list[int]]:
        """See Projections.naming."""
        rows = await self._fetch(
            "SELECT seq, ARRAY(SELECT DISTINCT seq FROM tidehall.event_name"
            " WHERE hall = $1 AND name = ANY ($3::text[]) ORDER BY seq)"
            " FROM tidehall.projection WHERE hall = $1 AND name = $2",
            hall, name, list(names),
        )  # fmt: skip
        return (rows[0][0], rows[0][1]) if rows else (0, [])

    async def days(
        self, hall: str, name: str, first: str, last: str, *, sorts: Collection[str] | None = None,
        going_on: bool = False,
    ) -> DayRows:  # fmt: skip
        """See Projections.days. Two halves, each with its index: in one, a database that has not counted its rows yet
        (after a restore) would walk through all days."""
        rows = await self._fetch(
            "WITH going AS MATERIALIZED (SELECT day, sort, body FROM tidehall.day_record"
            " WHERE $5 AND hall = $1 AND going_on)"
            " SELECT seq, found.sort, found.bodies FROM tidehall.projection LEFT JOIN LATERAL ("
            "SELECT sort, string_agg(body, '\\x0a'::bytea) AS bodies FROM ("
            "SELECT sort, body FROM tidehall.day_record WHERE hall = $1 AND day >= $3 AND day <= $4 UNION ALL "
            "SELECT sort, body FROM going WHERE NOT (day >= $3 AND day <= $4)) AS kept"
            " WHERE $6::text[] IS NULL OR sort = ANY ($6::text[]) GROUP BY sort) AS found ON true"
            " WHERE hall = $1 AND name = $2",
            hall, name, first, last, going_on, None if sorts is None else list(sorts),
        )  # fmt: skip
        return DayRows(rows[0][0] if rows else 0, {sort: bodies for _, sort, bodies in rows if sort is not None})

    async def waits(
        self, hall: str, name: str, first: str, last: str, zone: str | None = None
    ) -> tuple[int, list[WaitRow]]:
        """See Projections.waits."""
        rows = await self._fetch(
            "SELECT seq, found.* FROM tidehall.projection LEFT JOIN LATERAL ("
            "SELECT day, zone, quarter, n, sum, longest FROM tidehall.quarter_waits"
            " WHERE hall = $1 AND day >= $3 AND day <= $4 AND ($5::text IS NULL OR zone = $5)"
            " ORDER BY day, zone, quarter) AS found ON true WHERE hall = $1 AND name = $2",
            hall, name, first, last, zone,
        )  # fmt: skip
        return (rows[0][0] if rows else 0), [WaitRow(*row[1:]) for row in map(tuple, rows) if row[1] is not None]


_SEEN = "hall = $1 AND name = $2 AND epoch = $3 AND version = $4 AND seq = $5"


def _upsert(table: Table, place: int) -> str:
    """The part of a statement that writes rows, given as arrays from parameter `place` on, if the checkpoint moved."""
    names = [f'"{name}"' for name, _ in table.columns]
    arrays = ", ".join(f"${place + n}::{kind}[]" for n, (_, kind) in enumerate(table.columns))
    key, rest = names[: table.key], names[table.key :]
    action = f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}" if rest else "NOTHING"
    return (
        f"{table.name}_rows AS (INSERT INTO tidehall.{table.name} (hall, {', '.join(names)})"
        f" SELECT $1, given.* FROM moved, unnest({arrays}) AS given"
        f" ON CONFLICT (hall, {', '.join(key)}) DO {action})"
    )
