"""The contract of the journal, against its twin in memory and a real PostgreSQL (design.md laws 3-6, 11, section 7)."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tidehall.store.errors import OutcomeUnknown, SchemaError, StoreRefused, StoreUnavailable
from tidehall.store.journal import Journal, PostgresJournal, connect, verify
from tidehall.store.migrations import Migration, migrate, migrations
from tidehall.store.rows import NO_DIGEST, Appended, Batch, CommandRow, Fact, Head, SealedRow, chain

NOON = 1_760_000_000_000_000


@pytest.fixture
def hall() -> str:
    """A hall that no other test uses; its name holds what a name may hold."""
    return f"阳新 {uuid.uuid4().hex}"


def facts(count: int, mark: str = "") -> list[Fact]:
    """Some facts, every second one with a due time."""
    return [
        Fact(NOON + place, NOON if place % 2 else None, "called", 1, f"{mark}{place}".encode() + b"\x00\xff", "w4", "c")
        for place in range(count)
    ]


def command(key: str, seq: int, *, now: int = NOON) -> CommandRow:
    """A command that caused exactly the event `seq`."""
    return CommandRow("kiosk:1", key, b"print", b'{"line":"A"}', now, seq, seq, 201, b'{"number":"A001"}')


def batch(
    hall: str,
    head: Head,
    count: int = 1,
    *,
    mark: str = "",
    keys: tuple[str, ...] = (),
    sealed: tuple[SealedRow, ...] = (),
) -> Batch:
    """A batch that stands behind `head`."""
    commands = [command(key, head.seq + place) for place, key in enumerate(keys, 1)]
    return Batch(hall, head.seq, head.digest, facts(count, mark), commands, list(sealed))


async def filled(journal: Journal, hall: str, count: int) -> Head:
    """A hall with `count` events."""
    appended = await journal.append(batch(hall, await journal.create(hall), count))
    assert appended.outcome == "committed"
    return appended.head


def holder(name: str, lookup: bytes | None = b"lookup") -> SealedRow:
    """A sealed holder; the store never looks into it."""
    return SealedRow(name, "holder", lookup, b"sealed bytes")


async def test_create_is_idempotent_and_epochs_differ(journal: Journal, hall: str) -> None:
    """A hall is created once, empty, and no two halls share an epoch."""
    assert await journal.head(hall) is None
    first = await journal.create(hall)
    assert (first.seq, first.digest) == (0, NO_DIGEST)
    assert await journal.create(hall) == first == await journal.head(hall)
    assert (await journal.create(hall + "b")).epoch != first.epoch


async def test_append_gives_gap_free_rows_as_they_were_written(journal: Journal, hall: str) -> None:
    """Facts come back field by field, at the next seqs, with the digests that append answered."""
    start = await journal.create(hall)
    one = await journal.append(batch(hall, start, 3, mark="a"))
    two = await journal.append(batch(hall, one.head, 2, mark="b"))
    rows = await journal.read(hall, 0)
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.digest for row in rows] == one.digests + two.digests
    assert await journal.head(hall) == two.head == Head(start.epoch, 5, rows[-1].digest)
    written = facts(3, "a") + facts(2, "b")
    for row, fact in zip(rows, written, strict=True):
        assert {name: getattr(row, name) for name in Fact.__struct_fields__} == msgspec.structs.asdict(fact)


async def test_read_is_bounded(journal: Journal, hall: str) -> None:
    """Reading respects after, limit and upto; beyond the end and in an unknown hall there is nothing."""
    await filled(journal, hall, 9)
    assert [row.seq for row in await journal.read(hall, 2, limit=3)] == [3, 4, 5]
    assert [row.seq for row in await journal.read(hall, 6, upto=8)] == [7, 8]
    assert await journal.read(hall, 9) == []
    assert await journal.read(hall, 5, upto=4) == []
    assert await journal.read(hall + "x", 0) == []


async def test_behind_writes_nothing(journal: Journal, hall: str) -> None:
    """A writer whose seq or digest is not the head's loses, is told the head, and nothing of its batch is there."""
    start = await journal.create(hall)
    head = await filled(journal, hall, 2)
    for wrong in (start, Head(head.epoch, 3, head.digest), Head(head.epoch, 2, b"\1" * 32)):
        lost = await journal.append(batch(hall, wrong, 2, keys=("k",), sealed=(holder("h"),)))
        assert (lost.outcome, lost.head, lost.digests) == ("behind", head, [])
    assert len(await journal.read(hall, 0)) == 2
    assert await journal.answers(hall, [("kiosk:1", "k")]) == {}
    assert await journal.sealed(hall, ["h"]) == {}
    assert await journal.find_holder(hall, b"lookup") is None


async def test_append_to_an_unknown_hall_is_behind(journal: Journal, hall: str) -> None:
    """A hall that was never created has no head to stand behind."""
    lost = await journal.append(batch(hall, Head("", 0, NO_DIGEST)))
    assert lost.outcome == "behind"
    assert await journal.head(hall) is None


async def test_a_repeated_key_is_told_even_when_behind(journal: Journal, hall: str) -> None:
    """A key that is already there wins over a moved head, keeps its first answer, and nothing is written."""
    start = await journal.create(hall)
    first = await journal.append(batch(hall, start, 2, keys=("a", "b")))
    for head in (start, first.head):
        again = await journal.append(batch(hall, head, 2, mark="other", keys=("new", "b")))
        assert (again.outcome, again.head) == ("repeated", first.head)
    found = await journal.answers(hall, [("kiosk:1", "b"), ("kiosk:1", "new"), ("kiosk:2", "b")])
    assert found == {("kiosk:1", "b"): command("b", 2)}
    assert len(await journal.read(hall, 0)) == 2


async def test_the_same_key_of_another_principal_or_hall_is_another_command(journal: Journal, hall: str) -> None:
    """Keys are scoped by hall and principal."""
    head = (await journal.append(batch(hall, await journal.create(hall), keys=("a",)))).head
    other = msgspec.structs.replace(command("a", 2), principal="kiosk:2")
    appended = await journal.append(Batch(hall, head.seq, head.digest, facts(1), [other]))
    assert appended.outcome == "committed"
    there = await journal.append(batch(hall + "b", await journal.create(hall + "b"), keys=("a",)))
    assert there.outcome == "committed"


async def test_two_racing_writers_leave_no_gap_and_no_duplicate(journal: Journal, hall: str) -> None:
    """Two writers append 200 facts each; every one is there exactly once and the chain is whole."""
    await journal.create(hall)
    conflicts = 0

    async def write(mark: str) -> None:
        nonlocal conflicts
        head = await journal.head(hall)
        for place in range(200):
            outcome = "behind"
            while outcome != "committed":
                assert head is not None
                fact = Fact(NOON, None, "called", 1, f"{mark}{place}".encode(), mark, "")
                appended = await journal.append(Batch(hall, head.seq, head.digest, [fact]))
                outcome, head = appended.outcome, appended.head
                conflicts += outcome != "committed"
                await asyncio.sleep(0)  # hand over, so that the twin in memory races as well

    await asyncio.gather(write("a"), write("b"))
    rows = await journal.read(hall, 0)
    assert [row.seq for row in rows] == list(range(1, 401))
    for mark in ("a", "b"):
        assert [row.body for row in rows if row.actor == mark] == [f"{mark}{place}".encode() for place in range(200)]
    assert conflicts > 0
    assert (await verify(journal, hall)).faults == []


async def test_a_shared_flush_commits_all_but_the_hall_in_conflict(journal: Journal, hall: str) -> None:
    """Each hall of a flush has its own outcome, in the order given; one in conflict costs the others nothing."""
    names = [hall + mark for mark in "dacb"]
    heads = [await journal.create(name) for name in names]
    moved = await filled(journal, names[1], 1)
    await journal.append(batch(names[3], heads[3], keys=("k",)))
    results = await journal.append_many(
        [batch(name, head, 2, keys=("k",), sealed=(holder("h"),)) for name, head in zip(names, heads, strict=True)]
    )
    assert [result.outcome for result in results] == ["committed", "behind", "committed", "repeated"]
    assert results[1].head == moved
    assert [len(await journal.read(name, 0)) for name in names] == [2, 1, 2, 1]
    assert [bool(await journal.sealed(name, ["h"])) for name in names] == [True, False, True, False]
    assert await journal.append_many([]) == []


async def test_sealed_rows_come_in_the_same_transaction(journal: Journal, hall: str) -> None:
    """A batch's holders and texts are there once it is committed, found by id and by lookup, in this hall only."""
    text = SealedRow("t", "text", None, b"\0\1")
    start = await journal.create(hall)
    await journal.create(hall + "b")
    assert (await journal.append(batch(hall, start, sealed=(holder("h"), text)))).outcome == "committed"
    assert await journal.sealed(hall, ["h", "t", "x"]) == {"h": holder("h"), "t": text}
    assert await journal.find_holder(hall, b"lookup") == "h"
    assert await journal.find_holders(hall, [b"lookup", b"unknown"]) == {b"lookup": "h"}
    assert await journal.find_holders(hall, []) == {}
    assert await journal.find_holder(hall + "b", b"lookup") is None


async def test_the_same_new_person_twice_is_an_outcome(journal: Journal, hall: str) -> None:
    """Who seals a person that another process has just sealed is told so and nothing of the batch is written."""
    head = (await journal.append(batch(hall, await journal.create(hall), sealed=(holder("h"),)))).head
    lost = await journal.append(batch(hall, head, keys=("k",), sealed=(holder("other"),)))
    assert (lost.outcome, lost.head) == ("person_exists", head)
    assert await journal.sealed(hall, ["other"]) == {}
    assert await journal.answers(hall, [("kiosk:1", "k")]) == {}
    strangers = (holder("one", None), holder("two", None))
    assert (await journal.append(batch(hall, head, sealed=strangers))).outcome == "committed"


async def test_erasing_keeps_the_chain_whole(journal: Journal, hall: str) -> None:
    """An erased person is gone for good and may come anew; not one row of the chain changes."""
    head = (await journal.append(batch(hall, await journal.create(hall), 3, sealed=(holder("h"),)))).head
    before = await journal.read(hall, 0)
    assert await journal.erase(hall, "h") is True
    assert await journal.erase(hall, "h") is False
    assert await journal.sealed(hall, ["h"]) == {}
    assert await journal.find_holder(hall, b"lookup") is None
    assert await journal.read(hall, 0) == before
    assert (await verify(journal, hall, anchor=head)).faults == []
    assert (await journal.append(batch(hall, head, sealed=(holder("h2"),)))).outcome == "committed"


async def test_commands_come_in_the_order_of_their_events(journal: Journal, hall: str) -> None:
    """Commands are read by first_seq; a page never cuts commands with the same first_seq apart."""
    start = await journal.create(hall)
    rows = [command("z", 1), command("m", 2), command("a", 2), command("b", 3)]
    await journal.append(Batch(hall, start.seq, start.digest, facts(3), rows))
    assert [row.key for row in await journal.commands(hall, 0, 1)] == ["z"]
    assert sorted(row.key for row in await journal.commands(hall, 1, 1)) == ["a", "m"]
    assert [row.key for row in await journal.commands(hall, 2)] == ["b"]
    assert await journal.commands(hall, 3) == []


async def test_purging_drops_answers_first_and_commands_later(journal: Journal, hall: str) -> None:
    """Old answers go, their commands stay until they are to be forgotten; younger ones are untouched."""
    start = await journal.create(hall)
    rows = [command("old", 1, now=10), command("mid", 2, now=20), command("new", 3, now=30)]
    await journal.append(Batch(hall, start.seq, start.digest, facts(3), rows))
    assert await journal.purge_commands(hall, 30) == 2
    assert await journal.purge_commands(hall, 30) == 0
    kept = await journal.commands(hall, 0)
    assert [(row.key, row.answer) for row in kept] == [("old", None), ("mid", None), ("new", rows[2].answer)]
    assert await journal.purge_commands(hall, 30, forget_before=20) == 1
    assert [row.key for row in await journal.commands(hall, 0)] == ["mid", "new"]


async def test_snapshots_keep_the_newest_three_of_their_schema(journal: Journal, hall: str) -> None:
    """The newest of the asked schema up to the asked seq is found; older than three and other schemas are not."""
    await journal.create(hall)
    assert await journal.latest_snapshot(hall, 1) is None
    for seq in (10, 20, 30, 40):
        await journal.save_snapshot(hall, seq, 1, f"at {seq}".encode(), bytes([seq]))
    await journal.save_snapshot(hall, 50, 2, b"other", b"5")
    newest = await journal.latest_snapshot(hall, 1)
    assert newest is not None
    assert (newest.seq, newest.schema, newest.body, newest.digest) == (40, 1, b"at 40", bytes([40]))
    assert [getattr(await journal.latest_snapshot(hall, 1, upto), "seq", None) for upto in (39, 20, 19)] == [
        30,
        20,
        None,
    ]
    await journal.save_snapshot(hall, 40, 1, b"again", b"4")
    again = await journal.latest_snapshot(hall, 1)
    assert again is not None
    assert again.body == b"again"
    assert getattr(await journal.latest_snapshot(hall, 1, 20), "seq", None) == 20


async def test_the_chain_covers_every_field(journal: Journal, hall: str) -> None:
    """A whole chain verifies; changing any field of a row changes its digest."""
    head = await filled(journal, hall, 3)
    assert (await verify(journal, hall, anchor=head)).faults == []
    previous, row = (await journal.read(hall, 1))[:2]
    fields: dict[str, Any] = {name: getattr(row, name) for name in type(row).__struct_fields__ if name != "digest"}
    assert chain(hall, previous.digest, **fields) == row.digest
    for name, value in fields.items():
        other = value + 1 if isinstance(value, int) else value + value if value else 0
        assert chain(hall, previous.digest, **(fields | {name: other})) != row.digest, name
    assert chain(hall + "x", previous.digest, **fields) != row.digest


async def test_an_anchor_shows_a_cut_off_tail(journal: Journal, hall: str) -> None:
    """A journal that ends before its anchor, differs at it, or has another epoch, is faulty; one that grew is not."""
    head = await filled(journal, hall, 3)
    assert (await verify(journal, hall, anchor=Head(head.epoch, 0, NO_DIGEST))).faults == []
    assert "cut off" in (await verify(journal, hall, anchor=Head(head.epoch, 4, b"x"))).faults[0]
    assert "not the one" in (await verify(journal, hall, anchor=Head(head.epoch, 2, b"x"))).faults[0]
    assert "another journal" in (await verify(journal, hall, anchor=Head("e", 3, head.digest))).faults[0]
    await journal.append(batch(hall, head))
    assert (await verify(journal, hall, anchor=head)).faults == []
    assert "no journal" in (await verify(journal, hall + "x")).faults[0]


async def test_what_no_journal_can_hold_is_refused(journal: Journal, hall: str) -> None:
    """NUL, lone surrogates and self-contradicting batches are refused as such, before anything is written."""
    head = await journal.create(hall)
    for text in ("a\0b", "\ud800"):
        with pytest.raises(StoreRefused):
            await journal.append(batch(hall, head, keys=(text,)))
        with pytest.raises(StoreRefused):
            await journal.answers(hall, [("kiosk:1", text)])
    for wrong in (
        batch(hall, head, keys=("a", "a")),
        batch(hall, head, sealed=(holder("a"), holder("b"))),
        batch(hall, head, sealed=(holder("a", b"1"), holder("a", b"2"))),
    ):
        with pytest.raises(StoreRefused):
            await journal.append(wrong)
    with pytest.raises(StoreRefused):
        await journal.append_many([batch(hall, head), batch(hall, head)])
    assert await journal.head(hall) == head


async def test_the_clock_is_the_real_time(journal: Journal) -> None:
    """The store's clock is in µs since the epoch and moves on."""
    before = await journal.clock()
    assert abs(before - time.time_ns() // 1000) < 5_000_000
    assert await journal.clock() > before


# From here on: what only a real server can do.


@pytest_asyncio.fixture
async def hand(postgres_url: str) -> AsyncIterator[Any]:
    """A connection of our own, to meddle with the database behind the journal's back."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def other_hand(postgres_url: str) -> AsyncIterator[Any]:
    """A second one, for what the first cannot see inside its transaction."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def postgres(postgres_url: str) -> AsyncIterator[PostgresJournal]:
    """A journal that loses patience soon."""
    journal = await connect(postgres_url, timeout_s=0.5)
    yield journal
    await journal.close()


@pytest_asyncio.fixture
async def empty_url(postgres_url: str, hand: Any) -> str:
    """A database that never saw a migration."""
    name = f"empty_{uuid.uuid4().hex}"
    await hand.execute(f"CREATE DATABASE {name}")
    return postgres_url.replace("/tidehall?", f"/{name}?")


async def test_meddling_with_the_tables_is_noticed(postgres: PostgresJournal, hand: Any, hall: str) -> None:
    """A changed body, a row taken out and a tail cut off together with its head are all found."""
    head = await filled(postgres, hall, 5)
    await hand.execute("UPDATE tidehall.event SET body = 'x' WHERE hall = $1 AND seq = 2", hall)
    assert "row 2 was changed" in (await verify(postgres, hall)).faults[0]
    await hand.execute("DELETE FROM tidehall.event WHERE hall = $1 AND seq = 2", hall)
    assert (await verify(postgres, hall)).faults == ["rows 2 to 2 are missing"]
    other = hall + "b"
    head = await filled(postgres, other, 5)
    await hand.execute("DELETE FROM tidehall.event WHERE hall = $1 AND seq > 3", other)
    assert "ends at 5" in (await verify(postgres, other)).faults[0]
    last = (await postgres.read(other, 2))[0]
    await hand.execute("UPDATE tidehall.hall SET seq = 3, digest = $2 WHERE hall = $1", other, last.digest)
    assert (await verify(postgres, other)).faults == []
    assert "cut off" in (await verify(postgres, other, anchor=head)).faults[0]


async def test_killed_connections_become_unavailable_and_heal(
    postgres: PostgresJournal,
    hand: Any,
    other_hand: Any,
    hall: str,
    eventually: Callable[[Callable[[], object]], Awaitable[None]],
) -> None:
    """An append whose connection dies under way is of unknown outcome; the next calls work on a new connection."""
    head = await postgres.create(hall)
    async with hand.transaction():
        await hand.execute("SELECT FROM tidehall.hall WHERE hall = $1 FOR UPDATE", hall)
        appending = asyncio.create_task(postgres.append(batch(hall, head)))

        async def killed_while_waiting() -> bool:
            killed = await other_hand.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
                hand.get_server_pid(),
            )
            return bool(killed)

        await eventually(killed_while_waiting)
        with pytest.raises(OutcomeUnknown):
            await appending
    assert await postgres.head(hall) == head
    assert (await postgres.append(batch(hall, head))).outcome == "committed"


async def test_a_call_that_gets_no_answer_times_out(postgres: PostgresJournal, hand: Any, hall: str) -> None:
    """An append that waits too long for a lock ends as unavailable, leaves nothing behind, and the next one works."""
    head = await postgres.create(hall)
    async with hand.transaction():
        await hand.execute("SELECT FROM tidehall.hall WHERE hall = $1 FOR UPDATE", hall)
        with pytest.raises(StoreUnavailable) as refusal:
            await postgres.append(batch(hall, head))
    assert not isinstance(refusal.value, OutcomeUnknown)  # the server itself said that it gave up
    assert (await postgres.append(batch(hall, head, mark="second"))).outcome == "committed"
    assert len(await postgres.read(hall, 0)) == 1


async def test_a_frozen_connection_times_out(postgres: PostgresJournal, hand: Any, hall: str) -> None:
    """A server process that stops without closing its connection costs one timeout, then a new one is used."""
    head = await postgres.create(hall)
    await postgres.append(batch(hall, head))
    frozen = [
        row["pid"] for row in await hand.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'tidehall'")
    ]
    assert frozen
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OutcomeUnknown):
            await postgres.append(batch(hall, head))
        with pytest.raises(StoreUnavailable):
            await postgres.head(hall)
        now = await postgres.head(hall)
        assert now is not None
        assert (await postgres.append(batch(hall, now))).outcome == "committed"
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


async def test_a_cancelled_append_leaves_a_working_journal(postgres: PostgresJournal, hand: Any, hall: str) -> None:
    """Cancelling a caller takes its connection with it; the next append does not wait for the old one."""
    head = await postgres.create(hall)
    async with hand.transaction():
        await hand.execute("SELECT FROM tidehall.hall WHERE hall = $1 FOR UPDATE", hall)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await postgres.append(batch(hall, head))
    result: Appended | None = None
    while result is None or result.outcome == "behind":
        now = await postgres.head(hall)
        assert now is not None
        result = await postgres.append(batch(hall, now))
    assert result.outcome == "committed"


async def test_no_server_is_unavailable(tmp_path: os.PathLike[str]) -> None:
    """Where nobody listens the journal says unavailable, not something of the driver's."""
    with pytest.raises(StoreUnavailable):
        await connect(f"postgresql:///tidehall?host={tmp_path}&user=tidehall", timeout_s=0.5)


async def test_a_wrong_address_is_told_apart_from_a_lost_server() -> None:
    """An address that no server could have will not get better by waiting."""
    with pytest.raises(SchemaError, match="address"):
        await connect("mysql://nowhere/tidehall")


async def test_two_processes_may_migrate_at_once_and_again(empty_url: str, hall: str) -> None:
    """Four connects at once bring an empty database up to date once; later ones change nothing."""
    journals = await asyncio.gather(*(connect(empty_url) for _ in range(4)))
    assert (await journals[0].create(hall)) == (await journals[3].create(hall))
    connection = await asyncpg.connect(empty_url)
    assert await migrate(connection) == []
    ran = await connection.fetch("SELECT name, sha256 FROM tidehall.migration ORDER BY number")
    assert [tuple(row) for row in ran] == [(known.name, known.digest) for known in migrations()]
    await connection.close()
    for journal in journals:
        await journal.close()


async def test_an_edited_migration_is_refused(empty_url: str) -> None:
    """A file that changed after it ran is refused by name."""
    await (await connect(empty_url)).close()
    first, *others = migrations()
    connection = await asyncpg.connect(empty_url)
    with pytest.raises(SchemaError, match=f"{first.name} was edited"):
        await migrate(connection, [Migration(first.number, first.name, first.sql + " "), *others])
    await connection.close()


async def test_a_newer_database_is_refused(empty_url: str) -> None:
    """A database that a later release has migrated is refused, also through connect."""
    await (await connect(empty_url)).close()
    connection = await asyncpg.connect(empty_url)
    later = Migration(900, "900_later.sql", "CREATE TABLE tidehall.later ()")
    assert await migrate(connection, [*migrations(), later]) == ["900_later.sql"]
    await connection.close()
    with pytest.raises(SchemaError, match="newer than this program: it has 900_later"):
        await connect(empty_url)


async def test_a_broken_migration_leaves_nothing_behind(empty_url: str) -> None:
    """Each file is one transaction: half of it never stays, and the files before it do."""
    connection = await asyncpg.connect(empty_url)
    broken = Migration(900, "900_broken.sql", "CREATE TABLE tidehall.half (); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, [*migrations(), broken])
    assert await connection.fetchval("SELECT to_regclass('tidehall.half')") is None
    assert await connection.fetchval("SELECT to_regclass('tidehall.event')") is not None
    assert await migrate(connection) == []
    await connection.close()


async def test_what_was_told_is_noted_once(journal: Journal, hall: str) -> None:
    """Of several who note the same event one is told to send; what lies before it is not sent later; kinds of messages
    and halls stand for themselves."""
    assert await journal.told(hall, "alerts") is None
    assert await journal.note_told(hall, "alerts", 0)
    noted = await asyncio.gather(*(journal.note_told(hall, "alerts", 7) for _ in range(8)))
    assert sorted(noted) == [False] * 7 + [True]
    assert not await journal.note_told(hall, "alerts", 6)
    assert await journal.told(hall, "alerts") == 7
    assert await journal.note_told(hall, "fees", 3)
    assert (await journal.told(hall, "fees"), await journal.told(f"{hall}'", "alerts")) == (3, None)
