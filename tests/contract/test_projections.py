"""The contract of the projections' tables, on PostgreSQL and on the twin in memory."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tidehall.store.errors import StoreRefused
from tidehall.store.journal import PostgresJournal, connect
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.projections import (
    CASES,
    DAYS,
    DROP,
    EVENTS,
    WAITS,
    CaseRow,
    Checkpoint,
    DayRows,
    Lookup,
    PostgresProjections,
    Projections,
    Rows,
    WaitRow,
)

NAME = "cases"
START = Checkpoint("epoch", 1, 0)
counter = itertools.count()


@pytest_asyncio.fixture
async def store(journal_url: str | None) -> AsyncIterator[Projections]:
    """Both stores, one after the other."""
    if journal_url is None:
        yield MemoryProjections()
        return
    journal = await connect(journal_url)
    assert isinstance(journal, PostgresJournal)
    yield PostgresProjections(journal)
    await journal.close()


@pytest.fixture
def hall() -> str:
    """A hall that no other test has."""
    return f"projected-{next(counter)}"


def case(id: str, seq: int, body: bytes = b"{}", receipt: str | None = None) -> CaseRow:
    return CaseRow(id, receipt or f"r-{id}", seq, body)


def rows(*cases: CaseRow, events: tuple[tuple[str, int], ...] = ()) -> Rows:
    return {
        CASES: {(c.case,): (c.case, c.receipt, c.seq, c.body) for c in cases},
        EVENTS: {event: event for event in events},
    }


async def test_a_checkpoint_moves_only_from_where_it_was_seen(store: Projections, hall: str) -> None:
    """It begins once; rows and checkpoint move together from the seen checkpoint, and not at all otherwise."""
    assert await store.checkpoint(hall, NAME) is None
    assert await store.restart(hall, NAME, None, START)
    assert not await store.restart(hall, NAME, None, START), "it was begun already"
    assert await store.advance(hall, NAME, START, 5, rows(case("c1", 3)))
    here = Checkpoint("epoch", 1, 5)
    assert await store.checkpoint(hall, NAME) == here
    for stale in (START, Checkpoint("other", 1, 5), Checkpoint("epoch", 2, 5), Checkpoint("epoch", 1, 6)):
        assert not await store.advance(hall, NAME, stale, 9, rows(case("c2", 8), case("c1", 8, b"[]")))
    assert await store.case(hall, NAME, "c2") == Lookup(5, None)
    assert await store.case(hall, NAME, "c1") == Lookup(5, case("c1", 3))
    assert await store.advance(hall, NAME, here, 6, {})
    assert (await store.case(hall, NAME, "c1")).seq == 6


async def test_a_case_is_found_by_id_and_by_receipt(store: Projections, hall: str) -> None:
    """The last row of a case rules; halls are apart; an unknown case says how far the register had come."""
    assert await store.case(hall, NAME, "c1") == Lookup(0, None)
    await store.restart(hall, NAME, None, START)
    await store.advance(hall, NAME, START, 7, rows(case("c1", 3), case("c2", 7)))
    await store.advance(hall, NAME, Checkpoint("epoch", 1, 7), 9, rows(case("c1", 9, b'{"stage":"closed"}')))
    changed = case("c1", 9, b'{"stage":"closed"}')
    for name in ("c1", "r-c1"):
        assert await store.case(hall, NAME, name) == Lookup(9, changed)
    assert await store.case(hall, NAME, "r-c2") == Lookup(9, case("c2", 7))
    assert await store.case(hall, NAME, "nobody") == Lookup(9, None)
    assert await store.case(f"{hall}-other", NAME, "c1") == Lookup(0, None)
    with pytest.raises(StoreRefused):
        await store.case(hall, NAME, "c\0")


async def test_events_are_found_by_the_names_that_they_hold(store: Projections, hall: str) -> None:
    """Positions come in order and once each, whichever of the names an event has, with the position of the register."""
    assert await store.naming(hall, NAME, ["t1"]) == (0, [])
    await store.restart(hall, NAME, None, START)
    events = (("t1", 9), ("c1", 3), ("t1", 3), ("t1", 2), ("t2", 1))
    await store.advance(hall, NAME, START, 12, rows(events=events))
    assert await store.naming(hall, NAME, {"t1", "c1"}) == (12, [2, 3, 9])
    assert await store.naming(hall, NAME, ["t3"]) == (12, [])
    assert await store.advance(hall, NAME, Checkpoint("epoch", 1, 12), 13, rows(events=(("t1", 9), ("t2", 13))))
    assert await store.naming(hall, NAME, ["t1", "t2"]) == (13, [1, 2, 3, 9, 13])


async def test_days_are_read_by_their_range_and_what_goes_on(store: Projections, hall: str) -> None:
    """Lines of JSON by sort, of a range of days; older ones only when they go on and are asked for."""
    assert await store.days(hall, NAME, "2026-11-01", "2026-11-30") == DayRows(0, {})
    await store.restart(hall, NAME, None, START)
    await store.restart(f"{hall}-other", NAME, None, START)
    given: list[tuple[str, str, str, bool, bytes]] = [
        ("2026-10-31", "visit", "old", False, b"[0]"), ("2026-10-31", "visit", "open", True, b"[1]"),
        ("2026-11-02", "visit", "b", False, b"[3]"), ("2026-11-02", "visit", "a", True, b"[2]"),
        ("2026-11-03", "day", "d", False, b"[4]"),
    ]  # fmt: skip
    days: Rows = {DAYS: {row[:3]: row for row in given}}
    await store.advance(hall, NAME, START, 7, days)
    await store.advance(f"{hall}-other", NAME, START, 9, days)
    november = ("2026-11-01", "2026-11-30")

    async def lines(first: str, last: str, **more: Any) -> dict[str, list[bytes]]:
        found = await store.days(hall, NAME, first, last, **more)
        return {sort: sorted(bodies.split(b"\n")) for sort, bodies in found.bodies.items()}

    assert (await store.days(hall, NAME, *november)).seq == 7
    assert await lines(*november) == {"day": [b"[4]"], "visit": [b"[2]", b"[3]"]}
    assert (await lines(*november, going_on=True))["visit"] == [b"[1]", b"[2]", b"[3]"]
    assert await lines(*november, sorts=["day"]) == {"day": [b"[4]"]}
    assert await store.days(hall, NAME, "2027-01-01", "2027-01-02") == DayRows(7, {})
    ended = ("2026-10-31", "visit", "open", False, b"[9]")
    await store.advance(hall, NAME, Checkpoint("epoch", 1, 7), 8, {DAYS: {ended[:3]: ended}})
    assert (await lines(*november, going_on=True))["visit"] == [b"[2]", b"[3]"]
    assert await lines("2026-10-31", "2026-10-31") == {"visit": [b"[0]", b"[9]"]}


async def test_waits_are_read_by_days_and_zone(store: Projections, hall: str) -> None:
    """Quarters of an hour in order, of all zones or of one; a later row takes the place of an earlier one."""
    assert await store.waits(hall, NAME, "2026-11-01", "2026-11-30") == (0, [])
    await store.restart(hall, NAME, None, START)
    assert await store.waits(hall, NAME, "2026-11-01", "2026-11-30") == (0, [])
    given = [WaitRow("2026-11-03", "p", 36, 1, 5, 5), WaitRow("2026-11-02", "g", 40, 2, 9, 6),
             WaitRow("2026-11-02", "g", 39, 1, 4, 4), WaitRow("2026-12-01", "g", 39, 1, 4, 4)]  # fmt: skip
    await store.advance(hall, NAME, START, 7, {WAITS: {row[:3]: tuple(row) for row in given}})
    more = WaitRow("2026-11-02", "g", 40, 3, 19, 10)
    await store.advance(hall, NAME, Checkpoint("epoch", 1, 7), 8, {WAITS: {more[:3]: tuple(more)}})
    assert await store.waits(hall, NAME, "2026-11-01", "2026-11-30") == (8, [given[2], more, given[0]])
    assert await store.waits(hall, NAME, "2026-11-01", "2026-11-30", "p") == (8, [given[0]])


async def test_rows_are_dropped_only_at_the_beginning(store: Projections, hall: str) -> None:
    """A restarted projection loses its rows, more than one statement's worth; one that has moved on loses nothing."""
    await store.restart(hall, NAME, None, START)
    many = tuple((f"t{n}", n) for n in range(DROP + 5))
    await store.advance(hall, NAME, START, 9, rows(case("c1", 3), events=many))
    await store.restart(f"{hall}-other", NAME, None, START)
    await store.advance(f"{hall}-other", NAME, START, 9, rows(case("c1", 3)))
    assert await store.drop(hall, NAME, START, (CASES, EVENTS)) == 0, "the checkpoint is not there"
    seen = await store.checkpoint(hall, NAME)
    new = Checkpoint("epoch", 2, 0)
    assert await store.restart(hall, NAME, seen, new)
    assert not await store.restart(hall, NAME, seen, new), "it is no longer the one that was seen"
    gone = 0
    while some := await store.drop(hall, NAME, new, (CASES, EVENTS)):
        gone += some
    assert gone == len(many) + 1
    assert await store.case(hall, NAME, "c1") == Lookup(0, None)
    assert await store.naming(hall, NAME, ["t1"]) == (0, [])
    assert (await store.case(f"{hall}-other", NAME, "c1")).row == case("c1", 3)


async def test_of_many_followers_one_wins_each_step(store: Projections, hall: str) -> None:
    """Followers that move the same checkpoint at once: one writes, the others write nothing."""
    await store.restart(hall, NAME, None, START)
    at = START
    for seq in range(1, 20):
        tries = (store.advance(hall, NAME, at, seq, rows(case("c1", seq, b"%d" % n))) for n in range(4))
        won = await asyncio.gather(*tries)
        assert won.count(True) == 1
        found = (await store.case(hall, NAME, "c1")).row
        assert found == case("c1", seq, b"%d" % won.index(True))
        at = Checkpoint("epoch", 1, seq)
