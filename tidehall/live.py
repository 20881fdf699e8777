"""The keeper of one hall in this process: inbox → decide → append → apply → tell.

Law: nothing is answered, shown or spoken before its events are committed, and a "no" is sent only when the keeper
stood at the journal's head (laws 3–6). Others read `committed`; only the keeper touches the draft.

A batch is decided on the draft while nobody else can see it. Committed: the same events are applied to the committed
state and told. Behind, repeated or failed: the draft is thrown away, the journal's tail is read, and every command
of the batch is decided again in its order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from tidehall.hall.commands import AdoptPlan, Command, RaiseAlert
from tidehall.hall.engine import SNAPSHOT_SCHEMA, Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import VERSION, Event
from tidehall.hall.outlook import NoOutlook, Outlooks
from tidehall.hall.plan import Plan
from tidehall.hall.state import HallState
from tidehall.store.accounts import Accounts
from tidehall.store.bus import Bus
from tidehall.store.clock import HallClock
from tidehall.store.errors import StoreError, StoreUnavailable
from tidehall.store.journal import Journal
from tidehall.store.known import same_person, with_known
from tidehall.store.memory_accounts import MemoryAccounts
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.persons import Persons
from tidehall.store.projections import Projections
from tidehall.store.rows import Batch, CommandRow, Fact, Head, Row, SealedRow

if TYPE_CHECKING:
    from tidehall.records import Follower

__all__ = [
    "Ask",
    "ClockUnsure",
    "HallKeeper",
    "House",
    "JournalUnavailable",
    "KeyReused",
    "LiveError",
    "Outcome",
    "Watcher",
    "read_event",
]

log = logging.getLogger(__name__)

#: Commands in one append at most (facts.md 2).
BATCH = 250
#: First answers remembered in this process; the journal remembers the rest.
ANSWERS = 10_000
#: Events between two snapshots.
SNAPSHOT_EVERY = 5_000
#: Rows read at once when following the journal.
PAGE = 5_000
#: Seconds between two tries to reach a lost database.
RETRY_S = 0.3
#: Seconds after which a quiet hall asks the journal, so that its displays know when they are cut off (law 7).
LOOK_S = 1.0

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Event).decode


class LiveError(Exception):
    """What the keeper can't do now; the root of this room's errors."""


class JournalUnavailable(LiveError):
    """The database does not answer: nothing is known of a command under way; the same key may be sent again."""

    retry_after_s = 2


class ClockUnsure(LiveError):
    """The hall's clock may be wrong by more than two seconds (law 8)."""

    retry_after_s = 5


class KeyReused(LiveError):
    """The same idempotency key came with another body."""


class Watcher(Protocol):
    """Somebody who follows the committed state: the feed. All calls are synchronous and must not fail."""

    def before(self, state: HallState) -> None:
        """Events are about to be applied."""

    def event(self, seq: int, event: Event, state: HallState) -> None:
        """This event has just been applied."""

    def flush(self) -> None:
        """All events of this commit have been applied."""

    def stale(self, since: int | None) -> None:
        """The database is lost since `since` (µs), or is back (None)."""


#: What is answered right after the command's events were applied to the draft: HTTP status and JSON.
Answer = Callable[[Hall, list[Event]], tuple[int, bytes]]


@dataclass(slots=True)
class Ask:
    """A command on its way: who asks, under which key, and how to answer.

    `fingerprint` is a keyed hash of the raw request; `sealed` are rows that must be written with it (persons, texts).
    """

    command: Command
    principal: str
    key: str
    fingerprint: bytes
    answer: Answer
    sealed: list[SealedRow] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Outcome:
    """The answer to a command; `seq` is where the hall stood then."""

    status: int
    body: bytes
    seq: int
    repeated: bool = False


@dataclass(slots=True)
class Waiting:
    """An ask in the inbox and whoever waits for it."""

    ask: Ask
    future: asyncio.Future[Outcome]


@dataclass(slots=True)
class Decided:
    """A batch decided on the draft, not yet written."""

    facts: list[Fact] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    commands: list[CommandRow] = field(default_factory=list)
    sealed: list[SealedRow] = field(default_factory=list)
    answers: list[tuple[Waiting, Outcome | Exception]] = field(default_factory=list)

    def add(self, event: Event, actor: str, cause: str) -> None:
        """Add an event as it will stand in the journal."""
        kind = str(event.__struct_config__.tag)
        self.events.append(event)
        self.facts.append(Fact(event.at, getattr(event, "due", None), kind, VERSION, encode(event), actor, cause))


def read_event(row: Row) -> Event:
    """The event of a journal row. Raises LiveError for a version from the future."""
    if row.version > VERSION:
        raise LiveError(f"event {row.seq} has version {row.version}, this program knows {VERSION}: update it")
    event: Event = decode(row.body)
    return event


class HallKeeper:
    """Keeps one hall: the only writer of it in this process, one of several on the journal."""

    def __init__(self, id: str, *, journal: Journal, bus: Bus, clock: HallClock) -> None:
        self.id = id
        self.journal = journal
        self.bus = bus
        self.clock = clock
        self.epoch = ""
        self.committed = Hall(id)
        self.draft = Hall(id)
        self.head = Head("", 0, b"")
        self.stale_since: int | None = None
        self.inbox: list[Waiting] = []
        self.answers: OrderedDict[tuple[str, str], tuple[bytes, Outcome]] = OrderedDict()
        self.watchers: list[Watcher] = []
        self.wanted = asyncio.Event()
        self.moved = asyncio.Event()
        self.remote = 0
        self.snapshot_seq = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.runner: asyncio.Task[None] | None = None
        self.stopping = False

    # ---- life

    async def start(self, plan: Plan | None = None) -> None:
        """Load the hall from the journal; a hall that has no plan adopts `plan` (law 12).

        Raises StoreError, LiveError (a journal from the future, or neither a plan in the journal nor here).
        """
        self.head = await self.journal.create(self.id)
        self.epoch = self.head.epoch
        await self.load()
        self.runner = self.run_in_background(self.run())
        self.run_in_background(self.follow())
        if self.committed.state.plan is None:
            if plan is None:
                raise LiveError(f"hall {self.id} has no plan yet: give one with --plan")
            await self.submit(
                Ask(AdoptPlan(plan), "system", f"first-plan-{self.epoch}", b"", lambda hall, events: (200, b"{}"))
            )

    async def load(self) -> None:
        """The newest snapshot and the tail after it."""
        kept = await self.journal.latest_snapshot(self.id, SNAPSHOT_SCHEMA, upto=self.head.seq)
        digest, seq = bytes(32), 0
        if kept is not None:
            self.committed = Hall.restore(kept.body)
            digest, seq = kept.digest, kept.seq
        self.snapshot_seq = seq
        self.head = Head(self.epoch, seq, digest)
        await self.catch_up()

    async def stop(self) -> None:
        """Answer what is under way, then let go."""
        self.stopping = True
        self.wanted.set()
        for task in list(self.tasks):
            if task is not self.runner:
                task.cancel()
        for task in list(self.tasks):
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(task, 5)
        if not self.stale_since and self.committed.state.seq > self.snapshot_seq + 500:
            with contextlib.suppress(StoreError):
                await self.save_snapshot()

    def run_in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Keep a task and say so when it fails."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)
        return task

    def ended(self, task: asyncio.Task[None]) -> None:
        """A background task has ended; one that failed is never swallowed."""
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("hall %s: %s failed", self.id, task.get_name(), exc_info=task.exception())

    # ---- what others ask

    def now(self) -> int:
        """The hall's time, µs."""
        return max(self.clock.now(), self.committed.state.last_at)

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` everything from now on."""
        self.watchers.append(watcher)

    async def submit(self, ask: Ask) -> Outcome:
        """Decide and write a command. Raises Refusal, KeyReused, JournalUnavailable, ClockUnsure."""
        if self.stale_since is not None or self.stopping:
            raise JournalUnavailable
        if self.clock.unsure() and not isinstance(ask.command, RaiseAlert):  # an alert may say so
            raise ClockUnsure
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.inbox.append(Waiting(ask, future))
        self.wanted.set()
        return await future

    async def reached(self, seq: int, timeout_s: float = 5.0) -> bool:
        """Wait until the committed state has come to `seq`."""
        if self.committed.state.seq >= seq:
            return True
        self.remote = max(self.remote, min(seq, self.committed.state.seq + 1))
        self.wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.committed.state.seq < seq:
                    await self.moved.wait()
        return self.committed.state.seq >= seq

    # ---- the loop

    async def run(self) -> None:
        """Serve the inbox, the calendar and the other servers, until stopped."""
        while True:
            if not self.inbox and not self.stopping:
                await self.sleep()
            self.wanted.clear()
            if self.stopping and not self.inbox:
                return
            batch, self.inbox = self.inbox[:BATCH], self.inbox[BATCH:]
            try:
                if self.remote > self.committed.state.seq:
                    await self.catch_up()
                    self.remote = min(self.remote, self.committed.state.seq)
                await self.serve(batch)
            except StoreError as error:
                await self.lost(batch, error)
            except Exception:
                log.exception("hall %s: a batch of %d commands failed", self.id, len(batch))
                self.draft = self.committed.copy()
                self.fail(batch, JournalUnavailable())

    async def sleep(self) -> None:
        """Until somebody wants something or the calendar is due; a quiet hall looks whether its journal answers."""
        due = self.committed.wakes_at()
        delay = LOOK_S if due is None or self.clock.unsure() else self.clock.seconds_until(due) + 0.001
        try:
            async with asyncio.timeout(min(delay, LOOK_S)):
                await self.wanted.wait()
        except TimeoutError:
            self.remote = max(self.remote, self.committed.state.seq + 1)

    async def serve(self, batch: list[Waiting]) -> None:
        """Decide, write, apply and answer one batch; again from the start when another server was first."""
        batch = await self.answer_repeats(batch)
        await self.know_holders(batch)
        while batch or self.due():
            decided = self.decide(batch)
            written = {(row.principal, row.key) for row in decided.commands}
            noes = [waiting for waiting in batch if (waiting.ask.principal, waiting.ask.key) not in written]
            # A repeat whose first answer another process gave would be refused now; its yes stands in the journal.
            if noes and len(await self.answer_repeats(noes, ask_journal=True)) < len(noes):
                if decided.facts:
                    self.drop_draft()
                batch = [waiting for waiting in batch if not waiting.future.done()]
                continue
            if not decided.facts:
                head = await self.journal.head(self.id)
                if head is not None and head.seq > self.head.seq:
                    await self.catch_up()
                    continue
                self.resolve(decided)
                return
            appended = await self.journal.append(
                Batch(self.id, self.head.seq, self.head.digest, decided.facts, decided.commands, decided.sealed)
            )
            if appended.outcome == "committed":
                self.commit(decided, appended.head)
                await self.bus.publish(self.id, self.epoch, self.head.seq)
                return
            self.drop_draft()
            if appended.outcome == "repeated":
                batch = await self.answer_repeats(batch, ask_journal=True)
            elif appended.outcome == "person_exists":
                await self.know_holders(batch)
            await self.catch_up()

    def due(self) -> bool:
        """Whether the calendar has something to write now."""
        wakes = self.committed.wakes_at()
        return wakes is not None and not self.clock.unsure() and self.clock.now() >= wakes

    def decide(self, batch: list[Waiting]) -> Decided:
        """Decide the batch on the draft, each command after what time has brought by then (law 1)."""
        decided = Decided()
        draft = self.draft
        sure = not self.clock.unsure()
        now = max(self.clock.now(), draft.state.last_at) if sure else draft.state.last_at

        def wake() -> None:
            while sure and (events := draft.wake(now)):
                for event in events:
                    draft.apply(event)
                    decided.add(event, "clock", "time")

        wake()
        first: dict[tuple[str, str], tuple[bytes, Outcome]] = {}
        persons: dict[bytes, str] = {}
        for waiting in batch:
            ask = waiting.ask
            known = first.get((ask.principal, ask.key))
            if known is not None:  # the same key twice in one batch
                decided.answers.append((waiting, self.repeat(known, ask)))
                continue
            command, sealed = same_person(ask.command, ask.sealed, persons)
            try:
                events = draft.decide(command, now)
                for event in events:
                    draft.apply(event)
                    decided.add(event, ask.principal, ask.key)
                status, body = ask.answer(draft, events)
            except Refusal as no:
                decided.answers.append((waiting, no))
                continue
            seq = draft.state.seq
            outcome = Outcome(status, body, seq)
            decided.answers.append((waiting, outcome))
            if events:
                first[ask.principal, ask.key] = (ask.fingerprint, outcome)
                decided.sealed += sealed
                persons.update((row.lookup, row.id) for row in sealed if row.lookup is not None)
                decided.commands.append(
                    CommandRow(
                        ask.principal, ask.key, ask.fingerprint, encode(command), now,
                        seq - len(events) + 1, seq, status, body,
                    )
                )  # fmt: skip
                wake()  # what is due by this command's doing comes before the next one's
        return decided

    def commit(self, decided: Decided, head: Head) -> None:
        """What was decided is on disk: apply it, tell the watchers, answer."""
        self.tell(decided.events)
        self.head = head
        for row in decided.commands:
            self.remember(
                (row.principal, row.key), row.fingerprint, Outcome(row.status, row.answer or b"", row.last_seq)
            )
        self.resolve(decided)
        self.came_to_life()
        if self.head.seq - self.snapshot_seq >= SNAPSHOT_EVERY:
            self.snapshot_seq = self.head.seq
            self.run_in_background(self.save_snapshot())

    def tell(self, events: list[Event]) -> None:
        """Apply events to the committed state, with the watchers looking on."""
        committed = self.committed
        state = committed.state
        for watcher in self.watchers:
            watcher.before(state)
        for event in events:
            committed.apply(event)
            for watcher in self.watchers:
                watcher.event(state.seq, event, state)
        for watcher in self.watchers:
            watcher.flush()
        self.moved.set()
        self.moved = asyncio.Event()

    def resolve(self, decided: Decided) -> None:
        """Hand out the answers."""
        seq = self.committed.state.seq
        for waiting, answer in decided.answers:
            if waiting.future.done():
                continue
            if isinstance(answer, Outcome):
                waiting.future.set_result(answer)
            else:
                if isinstance(answer, Refusal):
                    answer.details.setdefault("seq", seq)
                waiting.future.set_exception(answer)

    # ---- repeats and persons

    def repeat(self, known: tuple[bytes, Outcome], ask: Ask) -> Outcome | Exception:
        """The first answer again, or KeyReused."""
        fingerprint, outcome = known
        if fingerprint != ask.fingerprint:
            return KeyReused()
        return Outcome(outcome.status, outcome.body, outcome.seq, repeated=True)

    def remember(self, key: tuple[str, str], fingerprint: bytes, outcome: Outcome) -> None:
        """Keep a first answer in this process."""
        self.answers[key] = (fingerprint, outcome)
        if len(self.answers) > ANSWERS:
            self.answers.popitem(last=False)

    async def answer_repeats(self, batch: list[Waiting], *, ask_journal: bool = False) -> list[Waiting]:
        """Answer what has been answered before; return the rest."""
        if ask_journal:
            rows = await self.journal.answers(self.id, [(w.ask.principal, w.ask.key) for w in batch])
            for key, row in rows.items():
                self.remember(key, row.fingerprint, Outcome(row.status, row.answer or b"{}", row.last_seq))
            if any(row.last_seq > self.head.seq for row in rows.values()):
                await self.catch_up()  # whoever hears of it here must find it here
        rest = []
        for waiting in batch:
            known = self.answers.get((waiting.ask.principal, waiting.ask.key))
            if known is None:
                rest.append(waiting)
                continue
            answer = self.repeat(known, waiting.ask)
            if waiting.future.done():
                continue
            if isinstance(answer, Outcome):
                waiting.future.set_result(answer)
            else:
                waiting.future.set_exception(answer)
        return rest

    async def know_holders(self, batch: list[Waiting]) -> None:
        """Give every holder the id under which the journal knows that person already."""
        lookups = {row.lookup for w in batch for row in w.ask.sealed if row.lookup is not None}
        if not lookups:
            return
        known = await self.journal.find_holders(self.id, list(lookups))
        for waiting in batch:
            ask = waiting.ask
            ask.command, ask.sealed = with_known(ask.command, ask.sealed, known)

    # ---- following the journal, losing and finding it

    def drop_draft(self) -> None:
        """Forget what was decided but not written."""
        self.draft = self.committed.copy()

    async def catch_up(self) -> None:
        """Read what others have written."""
        moved = False
        while rows := await self.journal.read(self.id, self.head.seq, PAGE):
            self.tell([read_event(row) for row in rows])
            self.head = Head(self.epoch, rows[-1].seq, rows[-1].digest)
            moved = True
            if len(rows) < PAGE:
                break
            await asyncio.sleep(0)
        if moved or self.draft.state.seq != self.committed.state.seq:
            self.drop_draft()

    async def follow(self) -> None:
        """Hear of other servers' commits."""
        async for seq in self.bus.listen(self.id, self.epoch, self.committed.state.seq):
            if seq > self.committed.state.seq:
                self.remote = max(self.remote, seq)
                self.wanted.set()

    def fail(self, batch: list[Waiting], error: Exception) -> None:
        """Tell everybody in the batch."""
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)

    async def lost(self, batch: list[Waiting], error: StoreError) -> None:
        """The database is gone: fail what is under way, keep the last board, and wait until it is back."""
        if not isinstance(error, StoreUnavailable):
            log.error("hall %s: the store refuses: %s", self.id, error)
            self.drop_draft()
            self.fail(batch, JournalUnavailable())
            return
        if self.stale_since is None:
            self.stale_since = self.now()
            log.warning("hall %s: the database does not answer (%s); displays keep the last board", self.id, error)
            for watcher in self.watchers:
                watcher.stale(self.stale_since)
        self.fail(batch, JournalUnavailable())
        self.fail(self.inbox, JournalUnavailable())
        self.inbox = []
        while not self.stopping:
            try:
                await self.journal.head(self.id)
                await self.catch_up()
                self.drop_draft()
                self.came_to_life()
                return
            except StoreError:
                await asyncio.sleep(RETRY_S)

    def came_to_life(self) -> None:
        """The database answers again."""
        if self.stale_since is not None:
            log.warning("hall %s: the database answers again", self.id)
            self.stale_since = None
            for watcher in self.watchers:
                watcher.stale(None)

    async def save_snapshot(self) -> None:
        """Keep the committed state, so that the next start is quick."""
        body, seq, digest = self.committed.snapshot(), self.committed.state.seq, self.head.digest
        try:
            await self.journal.save_snapshot(self.id, seq, SNAPSHOT_SCHEMA, body, digest)
            self.snapshot_seq = max(self.snapshot_seq, seq)
        except StoreError as error:
            log.warning("hall %s: no snapshot at %d (%s); the next one will do", self.id, seq, error)


@dataclass(slots=True)
class House:
    """All halls of this process and what they share; the composition root makes it.

    `records`: who keeps each hall's register of cases in this process, in the tables of `projections`; `days`: who
    keeps its days for the statistics; `outlook`: who looks ahead (dashboards/outlook.py).
    """

    halls: dict[str, HallKeeper]
    journal: Journal
    persons: Persons
    bus: Bus
    clock: HallClock
    demo: bool = False
    accounts: Accounts = field(default_factory=MemoryAccounts)
    projections: Projections = field(default_factory=MemoryProjections)
    records: dict[str, Follower] = field(default_factory=dict)
    days: dict[str, Follower] = field(default_factory=dict)
    outlook: Outlooks = field(default_factory=NoOutlook)
