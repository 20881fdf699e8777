"""What a citizen, a kiosk or the guide desk may ask, and what the hall answers.

Law: these functions read the state and either return events or raise Refusal; they change nothing.
"""

from __future__ import annotations

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.closing import drained
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.state import HallState
from tidehall.queue.numbering import RUNNING_OUT
from tidehall.queue.order import Rank, arrival_rank, booked_rank
from tidehall.queue.tickets import TICKET_LIFE, Channel, Ticket, TicketState

__all__ = ["back", "cancel", "confirm", "may", "own_rank", "postpone", "restore", "take"]


def may(t: Ticket, kind: str, code: str) -> None:
    """Refuse with `code` (`ticket_ended` for an ended ticket) when the life table has no such step."""
    if kind not in TICKET_LIFE[t.state]:
        ended = not TICKET_LIFE[t.state] or t.state == TicketState.VOID
        raise Refusal("ticket_ended" if ended else code, number=t.number, state=t.state.value)


def take(s: HallState, q: c.TakeTicket, now: int) -> list[Event]:
    """Give a number (R2, R123). Refusals: unknown_line, unknown_item, unknown_priority, issuing_ended, line_full,
    already_queueing, numbers_exhausted."""
    plan = s.rules
    line_id = q.line
    items: tuple[str, ...] = ()
    if q.item is not None:
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
    n = line.numbering.next()
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
    ahead = line.ahead(rank)
    shown = s.estimate(line.id, ahead, rank) if s.estimates else None
    taken = e.TicketTaken(
        now, q.ticket, line.numbering.text(n), line.id, q.channel, priority, rank,
        items, claimed, q.holder, booked, eligible, shown,
    )  # fmt: skip
    if n >= RUNNING_OUT:
        return [taken, *alert(s, now, "numbers_running_out", line.id)]
    return [taken]


def alert(s: HallState, now: int, kind: str, about: str) -> list[Event]:
    """Raise an alert unless the same one is open."""
    id = f"{kind}:{about}"
    old = s.alerts.get(id)
    return [] if old is not None and old.ended is None else [e.AlertRaised(now, id, kind, about)]


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
