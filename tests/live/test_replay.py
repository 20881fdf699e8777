"""The journal alone gives the hall: snapshot and tail, the whole chain, the rules again, and the bare engine."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from tests.core.halls import SECOND, local, make_plan
from tests.live.figures import keep, show
from tidehall.audit import Redecided, redecide
from tidehall.hall import commands as c
from tidehall.hall.commands import Command
from tidehall.hall.engine import SNAPSHOT_SCHEMA, Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event, TicketTaken
from tidehall.hall.state import HallState
from tidehall.live import Ask, HallKeeper, encode, read_event
from tidehall.queue.tickets import ENDED, Channel, Parked, TicketState
from tidehall.store.bus import LocalBus, PollingBus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import Journal, connect, verify
from tidehall.store.memory import MemoryJournal
from tidehall.store.rows import CommandRow, Row

HALL = "t"
#: Hall seconds in a real second: a service day passes in a few seconds, with its sessions, break, end and day turn.
SPEED = 20_000.0
DEADLINE_S = 60.0
PROOF_COMMANDS = 6_000


@dataclass
class Crowd:
    """Everybody in the hall at once, each acting on what a keeper shows, through whichever keeper comes next."""

    keepers: Sequence[HallKeeper]
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    serial: int = 0

    def choose(self, s: HallState) -> Command:
        """Something that somebody might do now; it may well be refused."""
        chance = self.chance
        window = chance.choice(list(s.windows.values()))
        at = window.id
        tickets = [t for t in s.tickets.values() if t.state not in ENDED]
        waiting = [t for t in tickets if t.state is TicketState.WAITING]
        parked = [t for t in tickets if t.state is TicketState.SUSPENDED]
        void = [t for t in s.tickets.values() if t.state is TicketState.VOID]
        if window.state == "closed" and chance.random() < 0.7:
            begin: list[Command] = [c.SignIn(at, f"clerk-{at}"), c.OpenWindow(at)]
            return chance.choice(begin)
        if len(waiting) < 4 or chance.random() < 0.25:
            self.serial += 1
            return c.TakeTicket(
                f"{HALL}.{self.serial}", line=chance.choice("ABC"), channel=chance.choice(list(Channel)),
                priority=chance.choice(["normal", "normal", "senior"]), confirmed=chance.random() < 0.5,
                holder=f"holder-{self.serial % 40}" if chance.random() < 0.5 else None,
            )  # fmt: skip
        current = s.tickets[window.ticket] if window.ticket is not None else None
        if current is not None and current.state is TicketState.CALLED:
            arrive: list[Command] = [c.StartService(at), c.StartService(at), c.RecallTicket(at), c.MissTicket(at)]
            return chance.choice(arrive)
        if current is not None:
            serve: list[Command] = [
                c.FinishTicket(at), c.FinishTicket(at), c.NextTicket(at), c.SuspendTicket(at, Parked.AWAY),
                c.SuspendTicket(at, Parked.HOLD), c.TransferTicket(at, line=chance.choice("ABC")),
                c.TransferTicket(at, line="A", place="front", reason="mistake"), c.RejectTicket(at, ("id",)),
            ]  # fmt: skip
            return chance.choice(serve)
        rare: list[Command] = [
            c.CallTicket(at, chance.choice(waiting).id, "courtesy"), c.PauseWindow(at, "break"), c.ResumeWindow(at),
            c.Undo(at), c.CloseWindow(at), c.SignOut(at), c.PostponeTicket(chance.choice(waiting).id),
            c.CancelTicket(chance.choice(waiting).id), c.ConfirmPriority(chance.choice(waiting).id, "senior"),
            c.SetLines(at, tuple(chance.sample("AB", chance.randint(1, 2)))), c.RaiseAlert("broken", at),
            c.EndAlert("broken", at),
        ]  # fmt: skip
        rare += [c.BringBack(t.id) for t in parked] + [c.UnsuspendTicket(at, t.id) for t in parked]
        rare += [c.RestoreTicket(t.id, "missed") for t in void]
        return chance.choice(rare) if chance.random() < 0.35 else c.CallTicket(at)

    async def one(self, keeper: HallKeeper) -> None:
        """One command, with or without success."""
        command = self.choose(keeper.committed.state)
        key = f"key-{self.chance.getrandbits(64):x}"
        try:
            await keeper.submit(Ask(command, "crowd", key, b"", lambda hall, events: (200, b"{}")))
            self.done[type(command).__name__] += 1
        except Refusal as no:
            self.refused[no.code] += 1

    async def live(self, *, commands: int, days: int) -> None:
        """Many act at a time until so many commands are done and so many days have begun."""
        begun = monotonic()
        first = {keeper.committed.state.day for keeper in self.keepers}
        seen: set[str] = set()
        while self.done.total() < commands or len(seen - first) < days:
            assert monotonic() - begun < DEADLINE_S, (self.done, self.refused, seen)
            had = self.done.total()
            await asyncio.gather(*(self.one(self.keepers[n % len(self.keepers)]) for n in range(12)))
            if self.done.total() == had:  # a closed hall: they all come again a little later
                await asyncio.sleep(0.02)
            seen |= {keeper.committed.state.day for keeper in self.keepers}


@asynccontextmanager
async def two_keepers(folder: Path) -> AsyncIterator[tuple[str, Journal, list[HallKeeper]]]:
    """Two keepers of one hall on one real journal, as two processes would be."""
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(folder)
        stack.push_async_callback(postgres.stop)
        url = await postgres.start()
        keepers: list[HallKeeper] = []
        origin = None
        for _ in range(2):
            journal = await connect(url)
            stack.push_async_callback(journal.close)
            origin = origin or await journal.clock()
            clock = HallClock(speed=SPEED, origin=origin)
            await clock.measure(journal)
            stack.callback(asyncio.create_task(clock.follow(journal)).cancel)
            keeper = HallKeeper(HALL, journal=journal, bus=PollingBus(journal), clock=clock)
            limits = {"waiting_per_line": 30, "issue_before_open_s": 3600, "recall_gap_s": 0, "postpone_min_s": 0}
            await keeper.start(make_plan(limits=limits))
            stack.push_async_callback(keeper.stop)
            keepers.append(keeper)
        yield url, keepers[0].journal, keepers


async def all_rows(journal: Journal, upto: int) -> list[Row]:
    """The whole journal up to a position."""
    rows: list[Row] = []
    while len(rows) < upto:
        rows += await journal.read(HALL, len(rows), upto=upto)
    return rows


async def all_commands(journal: Journal) -> list[CommandRow]:
    """All commands in the order of their events."""
    found: list[CommandRow] = []
    while more := await journal.commands(HALL, found[-1].first_seq if found else 0):
        found += more
    return found


def bare(commands: Sequence[CommandRow], rows: Sequence[Row]) -> tuple[list[bytes], Hall]:
    """The same commands at the same moments, given to an engine that knows of no keeper, store or clock.

    Of the journal it is told only when somebody looked at the clock.
    """
    hall = Hall(HALL)
    bodies: list[bytes] = []

    def add(events: Sequence[Event]) -> None:
        for event in events:
            hall.apply(event)
            bodies.append(encode(event))

    def wake_until(seq: int) -> None:
        while hall.state.seq < seq:
            events = hall.wake(rows[hall.state.seq].at)
            assert events, f"time brings nothing at event {hall.state.seq + 1}"
            add(events)

    for row in commands:
        wake_until(row.first_seq - 1)
        assert not hall.wake(row.now), f"{row.key} was decided before what time had brought"
        add(hall.decide(msgspec.json.decode(row.body, type=Command), row.now))
        assert hall.state.seq == row.last_seq, f"after {row.key}"
    wake_until(len(rows))
    return bodies, hall


@pytest.mark.parametrize(
    ("commands", "days", "seed"),
    [
        pytest.param(400, 1, 20261123, id="short"),
        pytest.param(PROOF_COMMANDS, 4, 20261124, id="long", marks=pytest.mark.proof),
    ],
)
async def test_two_keepers_one_truth(tmp_path: Path, commands: int, days: int, seed: int) -> None:
    """A day by two keepers: replay, snapshot + tail, the rules again and the bare engine all give the same."""
    async with two_keepers(tmp_path / "data") as (_, journal, keepers):
        crowd = Crowd(keepers, random.Random(seed))
        await crowd.live(commands=commands // 2, days=0)
        await keepers[0].save_snapshot()
        kept = await journal.latest_snapshot(HALL, SNAPSHOT_SCHEMA)
        assert kept is not None
        await crowd.live(commands=commands, days=days)
        for keeper in keepers:  # no more moments are written after this
            await keeper.stop()
        head = await journal.head(HALL)
        assert head is not None
        for keeper in keepers:
            await keeper.catch_up()
        rows = await all_rows(journal, head.seq)

        # the journal was written by both, in turns, by people and by time
        assert crowd.done.total() >= commands
        assert len(crowd.done) >= 15, crowd.done
        assert crowd.refused, "a crowd that is never refused tests little"
        kinds = Counter(row.kind for row in rows)
        assert {"day_turned", "session_started", "session_ended", "issuing_started", "issuing_ended"} <= kinds.keys()
        assert (await verify(journal, HALL)).faults == []

        # replay = state, in both
        replayed = Hall(HALL)
        for row in rows:
            replayed.apply(read_event(row))
        assert replayed.facts() == keepers[0].committed.facts() == keepers[1].committed.facts()

        # snapshot + tail = full replay
        assert 0 < kept.seq < head.seq
        assert kept.digest == rows[kept.seq - 1].digest
        resumed = Hall.restore(kept.body)
        for row in rows[kept.seq :]:
            resumed.apply(read_event(row))
        assert resumed.facts() == replayed.facts()

        # verify --rules: every command decided again
        again = await redecide(journal, HALL, upto=head.seq)
        assert again == Redecided(len(await all_commands(journal)), 0, [])

        # live keeper = bare engine
        bodies, engine = bare(await all_commands(journal), rows)
        assert bodies == [row.body for row in rows]
        assert engine.facts() == replayed.facts()
    (keep if commands >= PROOF_COMMANDS else show)(
        "a day decided again",
        events=len(rows), commands=again.commands, refused=crowd.refused.total(), kinds_of_events=len(kinds),
        differences=len(again.differences),
    )  # fmt: skip


@pytest.mark.parametrize("behind", [0, 1_500_000], ids=["together", "apart"])
async def test_time_comes_first_in_every_batch(behind: int) -> None:
    """Two keepers, the clock of one `behind` (µs), people by the batch: what a command makes due stands before the
    next command, and the whole journal is decided again to the same."""
    chance = random.Random(20261125)
    now = local("2026-11-23 09:00")
    journal = MemoryJournal(lambda: now)
    bus = LocalBus()
    clocks = [HallClock(monotonic=lambda: now) for _ in range(2)]

    def pass_time(span: int) -> None:
        nonlocal now
        now += span
        for clock, lag in zip(clocks, (0, behind), strict=True):
            clock.sample(now - lag, now, now)

    pass_time(0)
    keepers = [HallKeeper(HALL, journal=journal, bus=bus, clock=clock) for clock in clocks]
    crowd = Crowd(keepers, chance)
    async with AsyncExitStack() as stack:
        for keeper in keepers:
            await keeper.start(make_plan(limits={"recall_gap_s": 0, "postpone_min_s": 0}))
            stack.push_async_callback(keeper.stop)
        for _ in range(60):
            pass_time(chance.choice([0, 1, SECOND, 90 * SECOND]))
            await asyncio.gather(*(crowd.one(chance.choice(keepers)) for _ in range(6)))
    rows = await journal.read(HALL, 0, limit=100_000)
    commands = await all_commands(journal)
    by_time = Counter(row.kind for row in rows if row.actor == "clock")
    assert by_time["alert_raised"], "people come while nobody is open"
    assert await redecide(journal, HALL, upto=len(rows)) == Redecided(len(commands), 0, [])
    assert bare(commands, rows)[0] == [row.body for row in rows]


async def test_a_wrong_decision_shows(tmp_path: Path) -> None:
    """`verify` is not blind: an event that was changed breaks the chain, and the rules would not give it. A wait that
    another version has shown is told, and is no wrong decision."""
    async with two_keepers(tmp_path / "data") as (url, journal, keepers):
        await Crowd(keepers, random.Random(1)).live(commands=60, days=0)
        for keeper in keepers:
            await keeper.stop()
        head = await journal.head(HALL)
        assert head is not None
        rows = [row for row in await all_rows(journal, head.seq) if row.kind == "ticket_taken"]
        commands = len(await all_commands(journal))
        assert await redecide(journal, HALL, upto=head.seq) == Redecided(commands, 0, [])

        async def alter(seq: int, body: bytes) -> None:
            connection = await asyncpg.connect(url)
            try:
                await connection.execute(
                    "UPDATE tidehall.event SET body = $1 WHERE hall = $2 AND seq = $3", body, HALL, seq
                )
            finally:
                await connection.close()

        row, event = next((row, event) for row in rows if (event := taken(row)).shown)
        await alter(row.seq, encode(replace(event, shown=(1, 2, 3))))
        assert await redecide(journal, HALL, upto=head.seq) == Redecided(commands, 1, [])
        await alter(row.seq, encode(replace(event, shown=(1, 2, 3), number=f"Z{event.number}")))
        assert len((await verify(journal, HALL)).faults) == 1
        (difference,) = (await redecide(journal, HALL, upto=head.seq)).differences
        assert f"differs at event {row.seq}" in difference


def taken(row: Row) -> TicketTaken:
    """The event of a number that was given."""
    event = read_event(row)
    assert isinstance(event, TicketTaken)
    return event
