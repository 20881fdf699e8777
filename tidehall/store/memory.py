"""The journal's twin in memory, for tests and for whatever needs no memory beyond its own process.

One law: it gives the same outcomes as PostgreSQL; both pass tests/contract/test_journal.py. Nothing is durable here.
"""

import time
from collections.abc import Callable, Sequence

import msgspec

from tidehall.store.journal import new_epoch
from tidehall.store.rows import (
    NO_DIGEST,
    Appended,
    Batch,
    CommandRow,
    Head,
    Outcome,
    Row,
    SealedRow,
    Snapshot,
    chain_facts,
    check,
    check_texts,
)

__all__ = ["MemoryJournal"]

_KEPT_SNAPSHOTS = 3


class _Hall:
    """Everything of one hall."""

    def __init__(self) -> None:
        self.head = Head(new_epoch(), 0, NO_DIGEST)
        self.rows: list[Row] = []
        self.commands: dict[tuple[str, str], CommandRow] = {}
        self.sealed: dict[str, SealedRow] = {}
        self.holders: dict[bytes, str] = {}

    def outcome(self, batch: Batch) -> Outcome:
        """Say what will become of a batch, in the order of PostgreSQL's function."""
        if any((command.principal, command.key) in self.commands for command in batch.commands):
            return "repeated"
        if (batch.expected_seq, batch.expected_digest) != (self.head.seq, self.head.digest):
            return "behind"
        if any(row.id in self.sealed or row.lookup in self.holders for row in batch.sealed):
            return "person_exists"
        return "committed"

    def write(self, batch: Batch) -> list[bytes]:
        """Write a batch that may be committed; return its digests."""
        digests = chain_facts(batch)
        for seq, (fact, digest) in enumerate(zip(batch.facts, digests, strict=True), batch.expected_seq + 1):
            self.rows.append(Row(seq=seq, digest=digest, **msgspec.structs.asdict(fact)))
        for command in batch.commands:
            self.commands[command.principal, command.key] = command
        for row in batch.sealed:
            self.sealed[row.id] = row
            if row.lookup is not None:
                self.holders[row.lookup] = row.id
        if digests:
            self.head = Head(self.head.epoch, len(self.rows), digests[-1])
        return digests


class MemoryJournal:
    """A journal that is forgotten with the process. `clock` gives µs; the wall clock if none is handed in."""

    def __init__(self, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._clock = clock
        self._halls: dict[str, _Hall] = {}
        self._snapshots: dict[tuple[str, int], dict[int, Snapshot]] = {}
        self._told: dict[tuple[str, str], int] = {}

    async def create(self, hall: str) -> Head:
        """See Journal.create."""
        check_texts([hall])
        return self._halls.setdefault(hall, _Hall()).head

    async def halls(self) -> list[str]:
        """See Journal.halls."""
        return sorted(self._halls)

    async def head(self, hall: str) -> Head | None:
        """See Journal.head."""
        return self._halls[hall].head if hall in self._halls else None

    async def append(self, batch: Batch) -> Appended:
        """See Journal.append."""
        return (await self.append_many([batch]))[0]

    async def append_many(self, batches: Sequence[Batch]) -> list[Appended]:
        """See Journal.append_many."""
        check(batches)
        results = []
        for batch in batches:
            hall = self._halls.get(batch.hall)
            if hall is None:
                results.append(Appended("behind", Head("", 0, NO_DIGEST)))
                continue
            outcome = hall.outcome(batch)
            digests = hall.write(batch) if outcome == "committed" else []
            results.append(Appended(outcome, hall.head, digests))
        return results

    async def read(self, hall: str, after: int, limit: int = 1000, upto: int | None = None) -> list[Row]:
        """See Journal.read."""
        rows = self._halls[hall].rows if hall in self._halls else []
        end = len(rows) if upto is None else min(upto, len(rows))
        return rows[max(after, 0) : max(end, 0)][:limit]  # the row with seq n stands at n - 1

    async def answers(self, hall: str, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], CommandRow]:
        """See Journal.answers."""
        check_texts(text for key in keys for text in key)
        kept = self._halls[hall].commands if hall in self._halls else {}
        return {key: kept[key] for key in keys if key in kept}

    async def commands(self, hall: str, after_seq: int, limit: int = 1000) -> list[CommandRow]:
        """See Journal.commands."""
        kept = self._halls[hall].commands.values() if hall in self._halls else ()
        found = sorted((row for row in kept if row.first_seq > after_seq), key=lambda row: row.first_seq)
        last = found[:limit][-1:]
        return [row for row in found if last and row.first_seq <= last[0].first_seq]

    async def save_snapshot(self, hall: str, seq: int, schema: int, body: bytes, digest: bytes) -> None:
        """See Journal.save_snapshot."""
        kept = self._snapshots.setdefault((hall, schema), {})
        kept[seq] = Snapshot(seq, schema, body, digest)
        for old in sorted(kept)[:-_KEPT_SNAPSHOTS]:
            del kept[old]

    async def latest_snapshot(self, hall: str, schema: int, upto: int | None = None) -> Snapshot | None:
        """See Journal.latest_snapshot."""
        kept = self._snapshots.get((hall, schema), {})
        seqs = [seq for seq in kept if upto is None or seq <= upto]
        return kept[max(seqs)] if seqs else None

    async def sealed(self, hall: str, ids: Sequence[str]) -> dict[str, SealedRow]:
        """See Journal.sealed."""
        kept = self._halls[hall].sealed if hall in self._halls else {}
        return {key: kept[key] for key in ids if key in kept}

    async def find_holder(self, hall: str, lookup: bytes) -> str | None:
        """See Journal.find_holder."""
        return self._halls[hall].holders.get(lookup) if hall in self._halls else None

    async def find_holders(self, hall: str, lookups: Sequence[bytes]) -> dict[bytes, str]:
        """See Journal.find_holders."""
        kept = self._halls[hall].holders if hall in self._halls else {}
        return {lookup: kept[lookup] for lookup in lookups if lookup in kept}

    async def erase(self, hall: str, id: str) -> bool:
        """See Journal.erase."""
        row = self._halls[hall].sealed.pop(id, None) if hall in self._halls else None
        if row is not None and row.lookup is not None:
            del self._halls[hall].holders[row.lookup]
        return row is not None

    async def purge_commands(self, hall: str, before: int, *, forget_before: int | None = None) -> int:
        """See Journal.purge_commands."""
        kept = self._halls[hall].commands if hall in self._halls else {}
        touched = 0
        for key, row in list(kept.items()):
            if forget_before is not None and row.now < forget_before:
                del kept[key]
            elif row.now < before and row.answer is not None:
                kept[key] = msgspec.structs.replace(row, answer=None)
            else:
                continue
            touched += 1
        return touched

    async def told(self, hall: str, what: str) -> int | None:
        """See Journal.told."""
        return self._told.get((hall, what))

    async def note_told(self, hall: str, what: str, seq: int) -> bool:
        """See Journal.note_told."""
        if self._told.get((hall, what), -1) >= seq:
            return False
        self._told[hall, what] = seq
        return True

    async def clock(self) -> int:
        """See Journal.clock."""
        return self._clock()

    async def close(self) -> None:
        """See Journal.close."""
