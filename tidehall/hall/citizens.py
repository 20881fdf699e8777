"""What a citizen, a kiosk or the guide desk may ask, and what the hall answers.

Law: these functions read the state and either return events or raise Refusal; they change nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.closing import drained
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.clocks import alert
from tidehall.hall.papers.objects import Case, Stage
from tidehall.hall.state import HallState
from tidehall.queue.numbering import RUNNING_OUT
from tidehall.queue.order import Rank, arrival_rank, booked_rank
from tidehall.queue.tickets import ENDED, TICKET_LIFE, Channel, Ticket, TicketState

__all__ = ["back", "cancel", "confirm", "held_cases", "may", "own_rank", "postpone", "restore", "take"]


def may(t: Ticket, kind: str, code: str) -> None:
    """Refuse with `code` (`ticket_ended` for an ended ticket) when the life table has no such step."""
    if kind not in TICKET_LIFE[t.state]:
        ended = not TICKET_LIFE[t.state] or t.state == TicketState.VOID
        raise Refusal("ticket_ended" if ended else code, number=t.number, state=t.state.value)


def take(s: HallState, q: c.TakeTicket, now: int) -> list[Event]:
    """Give a number (R2, R123), for a line, an item or the results of cases (R15).

    Refusals: unknown_line, unknown_item, unknown_priority, issuing_ended, line_full, already_queueing,
    numbers_exhausted; for cases those of `collected` too.
    """
    plan = s.rules
    line_id = q.line
    items: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    if q.cases:
        line_id, cases = collected(s, q)
    elif q.item is not None:
        found = s.item_line.get(q.item)
        if found is None:
            raise Refusal("unknown_item", item=q.item)
        if line_id is not None and line_id != found:
            raise Refusal("invalid", fields={"line": f"item {q.item} belongs to line {found}"})
        line_id, items = found, (q.item,)
    line = s.lines.get(line_id) if line_id is not None else None
    if line is None:
        raise Refusal("unknown_line", line=line_id)
    if q.ticket in s.tickets:
        raise Refusal("ticket_exists", ticket_id=q.ticket)
    head_start = s.head_starts.get(q.priority)
    if head_start is None:
        raise Refusal("unknown_priority", priority=q.priority, known=", ".join(sorted(s.head_starts)))
    if not s.issuing:
        opens = s.schedule.opens_next(now) if s.schedule is not None else None
        raise Refusal("issuing_ended", opens_at=opens)
    if len(line.waiting) >= s.waiting_per_line:
        raise Refusal("line_full", line=line.id, waiting=len(line.waiting))
    if q.holder is not None:
        held = [s.tickets[id] for id in s.holders.get(q.holder, ()) if s.tickets[id].line == line.id]
        if len(held) >= plan.limits.open_tickets_per_holder:
            raise Refusal("already_queueing", line=line.id, number=held[0].number)
    numbering = line.numbering
    n = numbering.next()
    if n is None:
        raise Refusal("numbers_exhausted", line=line.id)
    claimed = None
    priority = q.priority
    if head_start and not q.confirmed and q.channel != Channel.GUIDE:
        claimed, priority, head_start = priority, "normal", s.head_starts["normal"]
    serial = s.serials + 1
    booked, eligible = 0, 0
    if q.booked_for is not None and now <= q.booked_for + s.booked_grace:
        booked = q.booked_for
        rank = booked_rank(booked, s.head_starts["booked"], serial)
        priority = "booked"
        eligible = booked if booked > now else 0
    else:
        rank = arrival_rank(now, head_start, serial)
    shown = s.estimate(line.id, line.ahead(rank), rank, now) if s.estimates else None
    taken = e.TicketTaken(
        now, q.ticket, numbering.texts[n], line.id, q.channel, priority, rank,
        items, claimed, q.holder, booked, eligible, shown, cases, q.helper,
    )  # fmt: skip
    if n >= RUNNING_OUT:
        return [taken, *alert(s, now, "numbers_running_out", line.id)]
    return [taken]


def collected(s: HallState, q: c.TakeTicket) -> tuple[str, tuple[str, ...]]:
    """The pickup line, and all cases that this visit collects: those asked for, and whatever else lies ready there for
    the same applicants (一次取件).

    Refusals: unknown_case, other_zone, not_collected_here, result_not_ready, no_pickup_line, already_queueing.
    """
    known = s.offices.cases
    asked: list[Case] = []
    for id in dict.fromkeys(q.cases):
        if id not in known:
            raise Refusal("unknown_case", case=id)
        asked.append(known[id])
    zone = asked[0].zone
    for case in asked:
        if case.zone != zone:
            raise Refusal("other_zone", case=case.id, receipt=case.receipt, zone=case.zone, other=zone)
        if case.delivery.method != "window":
            raise Refusal("not_collected_here", case=case.id, receipt=case.receipt, method=case.delivery.method)
        if case.stage != Stage.READY:
            due = case.due_at if not case.decided_at and not case.paused_since else 0
            raise Refusal(
                "result_not_ready", case=case.id, receipt=case.receipt, stage=case.stage.value, due_at=due or None
            )
    line = s.pickup_lines.get(zone)
    if line is None:
        raise Refusal("no_pickup_line", zone=zone)
    if q.line not in (None, line) or q.item is not None:
        field, said = ("item", q.item) if q.item is not None else ("line", q.line)
        raise Refusal("invalid", fields={field: f"{said} is not where these cases are collected: line {line}"})
    first = [case.id for case in asked]
    held = held_cases(s, first)
    applicants = {case.applicant for case in asked} - {None}
    more = [
        case.id
        for case in known.values()
        if case.applicant in applicants and collectable(case, zone) and case.id not in held and case.id not in first
    ]
    return line, (*first, *more)


def collectable(case: Case, zone: str) -> bool:
    """Whether the result lies at the zone's issue post for whoever comes to fetch it."""
    return case.stage == Stage.READY and case.zone == zone and case.delivery.method == "window"


def held_cases(s: HallState, cases: Collection[str]) -> frozenset[str]:
    """What open tickets collect. Refusal already_queueing, with the number, when one of `cases` is among it."""
    held: set[str] = set()
    for t in s.tickets.values():
        if t.cases and t.state not in ENDED:
            for id in t.cases:
                if id in cases:
                    raise Refusal("already_queueing", line=t.line, number=t.number, case=id)
            held.update(t.cases)
    return frozenset(held)


def cancel(s: HallState, q: c.CancelTicket, now: int) -> list[Event]:
    """Give the number back: while waiting, called or parked (S11)."""
    t = s.ticket(q.ticket)
    may(t, "ticket_cancelled", "ticket_not_waiting")
    if t.state != TicketState.CALLED or t.window is None:
        return [e.TicketCancelled(now, t.id)]
    return [e.TicketCancelled(now, t.id, t.window), *drained(s, t.window, now)]


def fall_back(s: HallState, t: Ticket) -> Rank:
    """The rank behind the third ticket now waiting in its line (missing, restoring); nobody gains by it."""
    line = s.lines[t.line]
    return max(t.rank, line.place_behind(s.rules.limits.postpone_places, s.places + 1, own=t.rank))


def own_rank(s: HallState, t: Ticket) -> Rank:
    """The place that the arrival, or the booked time, gives by the class that counts."""
    if t.booked_for:
        return booked_rank(t.booked_for, s.head_starts["booked"], t.serial)
    return arrival_rank(t.taken_at, s.head_starts.get(t.priority, 0), t.serial)


def postpone(s: HallState, q: c.PostponeTicket, now: int) -> list[Event]:
    """Let the next three behind go first."""
    t = s.ticket(q.ticket)
    may(t, "ticket_postponed", "ticket_not_waiting")
    rank = s.lines[t.line].place_behind(s.rules.limits.postpone_places, s.places + 1, own=t.rank, after=True)
    return [e.TicketPostponed(now, t.id, rank, now + s.postpone_min)]


def back(s: HallState, q: c.BringBack, now: int) -> list[Event]:
    """A citizen who went away for papers is back; the old key makes him next soon."""
    t = s.ticket(q.ticket)
    may(t, "ticket_returned", "ticket_not_suspended")
    if t.parked != "away":
        raise Refusal("window_keeps_ticket", number=t.number, window=t.window)
    return [e.TicketReturned(now, t.id)]


def restore(s: HallState, q: c.RestoreTicket, now: int) -> list[Event]:
    """A void ticket waits again the same day, like a postponed one; with a reason."""
    t = s.ticket(q.ticket)
    if "ticket_restored" not in TICKET_LIFE[t.state]:
        raise Refusal("ticket_not_void", number=t.number, state=t.state.value)
    if t.line not in s.lines:  # a plan adopted since then has no such line
        raise Refusal("unknown_line", line=t.line)
    if not q.reason:
        raise Refusal("invalid", fields={"reason": "is needed"})
    if t.holder is not None:
        held = [id for id in s.holders.get(t.holder, ()) if s.tickets[id].line == t.line]
        if len(held) >= s.rules.limits.open_tickets_per_holder:
            raise Refusal("already_queueing", line=t.line, number=s.tickets[held[0]].number)
    if t.cases:
        held_cases(s, t.cases)
    return [e.TicketRestored(now, t.id, fall_back(s, t), now + s.postpone_min, q.reason)]


def confirm(s: HallState, q: c.ConfirmPriority, now: int) -> list[Event]:
    """Somebody has seen the proof of a priority class; the place follows from the arrival, as if known at once."""
    t = s.ticket(q.ticket)
    may(t, "priority_confirmed", "ticket_not_waiting")
    head_start = s.head_starts.get(q.priority)
    if head_start is None:
        raise Refusal("unknown_priority", priority=q.priority, known=", ".join(sorted(s.head_starts)))
    if t.booked_for or t.misses or t.rank != own_rank(s, t):  # booked, missed, postponed or moved: the place is kept
        return [e.PriorityConfirmed(now, t.id, q.priority, t.rank)]
    return [e.PriorityConfirmed(now, t.id, q.priority, arrival_rank(t.taken_at, head_start, t.serial))]
