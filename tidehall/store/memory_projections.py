"""The projections' twin in memory, for tests and for a house that has none.

One law: it gives the same outcomes as PostgreSQL; both pass tests/contract/test_projections.py. Nothing is durable.
"""

from collections.abc import Collection, Iterable
from typing import Any

from tidehall.store.projections import (
    CASES,
    DAYS,
    EVENTS,
    WAITS,
    CaseRow,
    Checkpoint,
    DayRows,
    Lookup,
    Rows,
    Table,
    WaitRow,
)
from tidehall.store.rows import check_texts

__all__ = ["MemoryProjections"]


class MemoryProjections:
    """Projections that are forgotten with the process."""

    def __init__(self) -> None:
        self._checkpoints: dict[tuple[str, str], Checkpoint] = {}
        self._rows: dict[tuple[str, Table], dict[tuple[Any, ...], tuple[Any, ...]]] = {}

    async def checkpoint(self, hall: str, name: str) -> Checkpoint | None:
        """See Projections.checkpoint."""
        return self._checkpoints.get((hall, name))

    async def restart(self, hall: str, name: str, seen: Checkpoint | None, new: Checkpoint) -> bool:
        """See Projections.restart."""
        if self._checkpoints.get((hall, name)) != seen:
            return False
        self._checkpoints[hall, name] = new
        return True

    async def drop(self, hall: str, name: str, at: Checkpoint, tables: Iterable[Table]) -> int:
        """See Projections.drop."""
        if self._checkpoints.get((hall, name)) != at:
            return 0
        return sum(len(self._rows.pop((hall, table), ())) for table in tables)

    async def advance(self, hall: str, name: str, seen: Checkpoint, seq: int, rows: Rows) -> bool:
        """See Projections.advance."""
        if self._checkpoints.get((hall, name)) != seen:
            return False
        self._checkpoints[hall, name] = Checkpoint(seen.epoch, seen.version, seq)
        for table, given in rows.items():
            self._rows.setdefault((hall, table), {}).update(given)
        return True

    async def case(self, hall: str, name: str, id: str) -> Lookup:
        """See Projections.case."""
        check_texts([id])
        at = self._checkpoints.get((hall, name))
        if at is None:
            return Lookup(0, None)
        kept = (CaseRow(*row) for row in self._rows.get((hall, CASES), {}).values())
        return Lookup(at.seq, next((row for row in kept if id in (row.case, row.receipt)), None))

    async def naming(self, hall: str, name: str, names: Collection[str]) -> tuple[int, list[int]]:
        """See Projections.naming."""
        at = self._checkpoints.get((hall, name))
        kept = self._rows.get((hall, EVENTS), {}).values()
        return (0, []) if at is None else (at.seq, sorted({seq for named, seq in kept if named in names}))

    async def days(
        self, hall: str, name: str, first: str, last: str, *, sorts: Collection[str] | None = None,
        going_on: bool = False,
    ) -> DayRows:  # fmt: skip
        """See Projections.days."""
        at = self._checkpoints.get((hall, name))
        bodies: dict[str, list[bytes]] = {}
        if at is not None:
            rows = self._rows.get((hall, DAYS), {}).items()
            chosen = [row for row in rows if first <= row[1][0] <= last or (going_on and row[1][3])]
            for _, (_, sort, _, _, body) in sorted(chosen):
                if sorts is None or sort in sorts:
                    bodies.setdefault(sort, []).append(body)
        return DayRows(0 if at is None else at.seq, {sort: b"\n".join(found) for sort, found in bodies.items()})

    async def waits(
        self, hall: str, name: str, first: str, last: str, zone: str | None = None
    ) -> tuple[int, list[WaitRow]]:
        """See Projections.waits."""
        at = self._checkpoints.get((hall, name))
        if at is None:
            return 0, []
        kept = (WaitRow(*row) for row in self._rows.get((hall, WAITS), {}).values())
        return at.seq, sorted(row for row in kept if first <= row.day <= last and zone in (None, row.zone))
