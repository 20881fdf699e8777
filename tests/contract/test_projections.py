"""The contract of the projections' tables, on PostgreSQL and on the twin in memory."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tidehall.store.errors import StoreRefused
from tidehall.store.journal import PostgresJournal, connect
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.projections import (
    CASES,
    DROP,
    EVENTS,
    CaseRow,
    Checkpoint,
    Lookup,
    PostgresProjections,
    Projections,
    Rows,
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
