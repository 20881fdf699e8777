"""Reading the journal after the fact: a ticket's and a case's trace, and a day decided again.

Law: the journal alone must prove every number; what is found here rests on nothing else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tidehall.hall import events as e
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.measures import Measures
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Case
from tidehall.live import encode, read_event
from tidehall.records import NAMES, CaseRegister, case_recorded
from tidehall.store.journal import Journal
from tidehall.store.projections import Projections
from tidehall.store.rows import CommandRow, Row

__all__ = [
    "CaseTrace",
    "Durations",
    "Leg",
    "Redecided",
    "Step",
    "case_trace",
    "redecide",
    "ticket_number",
    "ticket_trace",
]

PAGE = 5_000
SECOND = 1_000_000
#: Positions between two events up to which they are read together.
GAP = 200


async def ticket_trace(journal: Journal, store: Projections, hall: str, ticket: str) -> list[dict[str, Any]]:
    """Every event that names the ticket, in order, with who and why."""
    found: list[dict[str, Any]] = []
    needle = ticket.encode()
    async for row in _rows_naming(journal, store, hall, {ticket}):
        if needle in row.body:
            body = json.loads(row.body)
            if body.get("ticket") == ticket:
                found.append(
                    {"seq": row.seq, "at": row.at, "due": row.due, "kind": row.kind, "body": body,
                     "actor": row.actor, "cause": row.cause}
                )  # fmt: skip
    return found


async def ticket_number(journal: Journal, store: Projections, hall: str, ticket: str) -> str | None:
    """The number under which a ticket was taken, as far as the register has come."""
    _, positions = await store.naming(hall, CaseRegister.name, [ticket])
    rows = await journal.read(hall, positions[0] - 1, 1) if positions else []
    event = read_event(rows[0]) if rows else None
    return event.number if isinstance(event, e.TicketTaken) else None


async def _rows_naming(journal: Journal, store: Projections, hall: str, names: Collection[str]) -> AsyncIterator[Row]:
    """Events that name one of `names`, as the register knows them, and then everything that it has not read yet."""
    after, positions = await store.naming(hall, CaseRegister.name, names)
    wanted, first = set(positions), 0
    for last, position in enumerate(positions):
        following = positions[last + 1] if last + 1 < len(positions) else None
        # What lies close together is read at once.
        if following is None or following - positions[first] >= PAGE or following - position > GAP:
            for row in await journal.read(hall, positions[first] - 1, PAGE, position):
                if row.seq in wanted:
                    yield row
            first = last + 1
    while rows := await journal.read(hall, after, PAGE):
        for row in rows:
            yield row
        after = rows[-1].seq


class Step(Struct, frozen=True):
    """An event that names the case, or something of it; times in µs, `actor` who, `body` what and why."""

    seq: int
    at: int
    due: int | None
    kind: str
    body: dict[str, Any]
    actor: str
    cause: str


class Leg(Struct, frozen=True):
    """A hand-off's time: papers taken in → checked by the receiver, s; None while it is under way, or withdrawn."""

    id: str
    leg: int
    urgent: bool
    hand_off_s: float | None
    breached: bool


class Durations(Struct, frozen=True):
    """By the definitions of design section 6, in s; what has not come to its end is None.

    review: checked by the last receiver → decided; paused: by fees, special steps and corrections meanwhile; make:
    decided → at the issue post; delivery: there → handed out; support: the middle office's help, asked → answered;
    whole: the number taken (the papers, where there is none) → handed out.
    """

    wait_s: float | None
    service_s: float | None
    visit_s: float | None
    hand_offs: tuple[Leg, ...]
    review_s: float | None
    paused_s: float
    make_s: float | None
    delivery_s: float | None
    support_s: float | None
    whole_s: float | None


class CaseTrace(Struct, frozen=True):
    """A case's whole life, from the ticket to the rating, in the journal's order."""

    case: str
    receipt: str
    item: str
    ticket: str | None
    number: str | None
    durations: Durations
    steps: tuple[Step, ...]


async def case_trace(journal: Journal, store: Projections, hall: str, id: str) -> CaseTrace | None:
    """Everything that the journal says of a case, its ticket, hand-offs, questions, matters and alerts.

    `id`: the case's, or its receipt's number. The register says where it stands, so that a case of last year costs no
    more than today's; without a register the journal is read through. None when there is no such case.
    """
    after, case = await case_recorded(store, hall, id)
    received = case if case is not None else await _received(journal, hall, id, after)
    if received is None:
        return None
    case_id = received.id if isinstance(received, Case) else received.case
    ours = {case_id} | ({received.ticket} if received.ticket else set())
    asked: set[str] = set()
    steps: list[Step] = []
    events: list[Event] = []
    while ours - asked:  # what belongs to the case is known by its name: ask again with the names that were found
        asked = set(ours)
        steps, events = [], []
        needles = [name.encode() for name in ours]
        async for row in _rows_naming(journal, store, hall, asked):
            if not row.kind.startswith("alert_") and not any(needle in row.body for needle in needles):
                continue
            body: dict[str, Any] = json.loads(row.body)
            if body.get("case", case_id) != case_id or not _names(body, ours):
                continue
            steps.append(Step(row.seq, row.at, row.due, row.kind, body, row.actor, row.cause))
            events.append(read_event(row))
            for name in ("hand_off", "support", "matter"):
                if (thing := body.get(name)) is not None and thing not in ours:
                    ours.add(thing)
                    needles.append(thing.encode())
    number = next((step.body["number"] for step in steps if step.kind == "ticket_taken"), None)
    return CaseTrace(
        case_id, received.receipt, received.item, received.ticket, number, durations(events), tuple(steps)
    )  # fmt: skip


def _names(body: dict[str, Any], ours: set[str]) -> bool:
    return any(body.get(name) in ours for name in NAMES) or str(body.get("alert", "")).partition(":")[2] in ours


async def _received(journal: Journal, hall: str, id: str, after: int) -> o.CaseReceived | None:
    needle = id.encode()
    while rows := await journal.read(hall, after, PAGE):
        for row in rows:
            if row.kind == "case_received" and needle in row.body:
                event = read_event(row)
                if isinstance(event, o.CaseReceived) and id in (event.case, event.receipt):
                    return event
        after = rows[-1].seq
    return None


def _seconds(start: int, end: int) -> float | None:
    """From one moment (µs) to the other; None when one of them has not come."""
    return (end - start) / SECOND if start and end else None


def durations(events: Iterable[Event]) -> Durations:
    """The durations that the events of one case show."""
    measures = Measures()
    first: dict[type, int] = {}
    last: dict[type, int] = {}
    legs: dict[str, list[Any]] = {}
    paused_since = paused = asked = support = 0
    answered = False
    for event in events:
        kind = type(event)
        first.setdefault(kind, event.at)
        last[kind] = event.at
        match event:
            case o.HandOffStarted():
                legs[event.hand_off] = [event.leg, event.urgent, event.started_at, 0, False]
            case o.HandOffVerified():
                legs[event.hand_off][3] = event.at
            case o.HandOffBreached():
                legs[event.hand_off][4] = True
            case o.FeeRequested(pauses=True) | o.StepStarted(pauses=True) | o.CorrectionRequested(pauses=True):
                paused_since = paused_since or event.at
            case o.FeePaid() | o.StepEnded() | o.PapersCorrected() if paused_since:
                paused, paused_since = paused + event.at - paused_since, 0
            case o.SupportAsked():
                asked = event.at
            case o.SupportAnswered() if asked:
                support, asked, answered = support + event.at - asked, 0, True
        if hasattr(event, "ticket") and not isinstance(event, o.CaseReceived | o.SupportAsked | o.TicketRated):
            measures.apply(event)
    visit = next(iter(measures.visits.values()), None)
    taken = first.get(e.TicketTaken) or first.get(o.CaseReceived, 0)
    decided, ready, delivered = (last.get(kind, 0) for kind in (o.CaseDecided, o.ResultReady, o.ResultDelivered))
    finished = visit is not None and visit.outcome in ("finished", "rejected")
    return Durations(
        wait_s=_seconds(visit.since, visit.first_call) if visit is not None else None,
        service_s=visit.service() / SECOND if visit is not None and visit.serving else None,
        visit_s=_seconds(visit.taken, visit.ended) if visit is not None and finished else None,
        hand_offs=tuple(
            Leg(id, leg, urgent, _seconds(started, ended), breached)
            for id, (leg, urgent, started, ended, breached) in legs.items()
        ),
        review_s=_seconds(last.get(o.HandOffVerified, 0), decided),
        paused_s=paused / SECOND,
        make_s=_seconds(decided, ready),
        delivery_s=_seconds(ready, delivered),
        support_s=support / SECOND if answered else None,
        whole_s=_seconds(taken, delivered),
    )


class Redecided(Struct, frozen=True):
    """`commands`: how many were decided again; `estimates`: with how many numbers today's program would have shown
    another wait; `differences`: what else is not as it stands in the journal, a sentence each."""

    commands: int
    estimates: int
    differences: list[str]


async def redecide(journal: Journal, hall: str, *, upto: int) -> Redecided:
    """Decide every recorded command again at its `now` and compare the events with the journal's.

    Events of time are compared with what `wake` brings. Purged commands are named: their events are taken as they
    stand. So are waits that were shown: estimates get better with the program, and no rule rests on them.
    """
    engine = Hall(hall)
    differences: list[str] = []
    decided = estimates = 0
    commands: dict[int, CommandRow] = {}
    loaded = 0
    pending: list[Row] = []
    after = 0

    async def command_at(seq: int) -> CommandRow | None:
        nonlocal loaded
        while seq not in commands and loaded < seq:
            rows = await journal.commands(hall, loaded, PAGE)
            if not rows:
                loaded = upto
                break
            for row in rows:
                commands[row.first_seq] = row
            loaded = rows[-1].first_seq
        return commands.pop(seq, None)

    while after < upto or pending:
        if len(pending) < 1_000 and after < upto:
            rows = await journal.read(hall, after, PAGE, upto)
            if not rows:
                break
            pending += rows
            after = rows[-1].seq
        row = pending[0]
        if row.actor == "clock":
            events = engine.wake(row.at)
            what = f"what time brought at event {row.seq}"
        else:
            command = await command_at(row.seq)
            if command is None:
                differences.append(f"event {row.seq} has no command: it cannot be decided again")
                engine.apply(read_event(pending.pop(0)))
                if len(differences) > 20:
                    break
                continue
            decided += 1
            what = f"command {command.key} of {command.principal} (events {command.first_seq} to {command.last_seq})"
            try:
                events = engine.decide(msgspec.json.decode(command.body, type=Command), command.now)
            except Refusal as no:
                differences.append(f"{what} is refused now: {no.code}")
                break
        if not events:
            differences.append(f"{what} brings nothing now")
            break
        while len(pending) < len(events) and after < upto:
            more = await journal.read(hall, after, PAGE, upto)
            if not more:
                break
            pending += more
            after = more[-1].seq
        for event in events:
            stands = read_event(pending[0]) if pending else None
            if event != stands:
                if stands is None or not _but_for_the_estimate(event, stands):
                    seq = pending[0].seq if pending else upto
                    differences.append(f"{what} differs at event {seq}: now {encode(event).decode()[:300]}")
                    return Redecided(decided, estimates, differences)
                estimates += 1
            engine.apply(stands)
            pending.pop(0)
    return Redecided(decided, estimates, differences)


def _but_for_the_estimate(event: Event, stands: Event) -> bool:
    """Whether two events are the same but for the wait that was shown."""
    return (
        isinstance(stands, e.TicketTaken)
        and isinstance(event, e.TicketTaken)
        and replace(event, shown=stands.shown) == stands
    )
