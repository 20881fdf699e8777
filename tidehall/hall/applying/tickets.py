"""Tickets, from events to state: taken, called, served, sent on, ended, taken back.

Law: as in applying/__init__.py; the life table in queue/tickets.py says which state a kind leads to.
"""

from __future__ import annotations

from tidehall.hall import events as e
from tidehall.hall.state import RECENT, Call, HallState, Undoable, Window
from tidehall.queue.line import ALL, FADES, Line
from tidehall.queue.tickets import Ticket, TicketState

__all__ = [
    "action_undone", "items_set", "priority_confirmed", "service_resumed", "service_started", "ticket_called",
    "ticket_cancelled", "ticket_expired", "ticket_finished", "ticket_missed", "ticket_postponed", "ticket_recalled",
    "ticket_rejected", "ticket_restored", "ticket_returned", "ticket_suspended", "ticket_taken",
    "ticket_transferred", "ticket_voided",
]  # fmt: skip


WAITING, CALLED, SERVING, FINISHED = (
    TicketState.WAITING, TicketState.CALLED, TicketState.SERVING, TicketState.FINISHED,
)  # fmt: skip


def ticket_taken(s: HallState, ev: e.TicketTaken) -> None:
    seq, at, id, rank = s.seq, ev.at, ev.ticket, ev.rank
    serial = s.serials = s.serials + 1
    line = s.lines[ev.line]
    line.numbering.give(ev.number)
    line.jumps += ((ALL if rank[0] < at else 0) - line.jumps) >> FADES
    line.seq = s.zone_seq[line.zone] = seq
    s.tickets[id] = t = Ticket(
        id, ev.number, serial, ev.line, ev.channel, ev.priority, at, rank, WAITING, at, seq,
        ev.items, ev.cases, ev.claimed, ev.holder, ev.helper, ev.shown, ev.booked_for,
    )  # fmt: skip
    if ev.eligible_at:
        t.eligible_at = ev.eligible_at
        t.guarded = True
    if ev.holder is not None:
        s.holders.setdefault(ev.holder, []).append(id)
    line.enter(rank, id)
    overlong = s.overlong
    if overlong.waits:
        line.order.append((at, id))
        if at + overlong.patience <= overlong.at:
            overlong.waits_from(s, ev.line, at)
    watch = s.watched.get(ev.line)
    if watch is not None:
        watch.enter(s, id, at)


def ticket_called(s: HallState, ev: e.TicketCalled) -> None:
    seq, at, id = s.seq, ev.at, ev.ticket
    t = s.tickets[id]
    window = s.windows[ev.window]
    line = s.lines[t.line]
    line.leave(t.rank)
    line.seq = seq
    again = t.first_called_at > 0
    if not again:
        t.first_called_at = at
        if t.shown is not None and s.overlong.most is not None:
            s.overlong.called(s, t, t.shown, at)
    t.state = CALLED
    t.called_at = at
    t.call_id = ev.call
    t.attempt = 1
    t.window = ev.window
    t.seq = seq
    if t.guarded:
        t.guarded = False
        t.callable_at = t.eligible_at = 0
        t.only_window = None
    window.ticket = id
    before = window.undoable
    if before is not None:
        if t.waiting_since <= before.at:
            line.service_sum += at - before.at  # nobody but the window kept him waiting
        window.undoable = None
    window.seq = seq
    s.call_count += 1
    zone = window.zone
    s.zone_seq[zone] = seq
    if line.zone != zone:
        s.zone_seq[line.zone] = seq
    call = s.calls[ev.call] = Call(ev.call, id, t.number, ev.window, window.label, zone, t.line, at, 1)
    recent = s.recent[zone]
    if again:
        forget_call(recent, id)
    recent.insert(0, call)
    if len(recent) > RECENT:
        recent.pop()
    if t.misses:
        missed = s.missed[line.zone]
        if id in missed:
            missed.remove(id)
    if s.overlong.late or s.watched:
        waits_no_more(s, t, at)


def waits_no_more(s: HallState, t: Ticket, at: int) -> None:
    """The tide and the longest wait follow a ticket out of its line; its state has changed."""
    if t.line in s.overlong.late:
        s.overlong.leaves(s, t, at)
    watch = s.watched.get(t.line)
    if watch is not None:
        watch.leave(s, t.id, at)


def forget_call(recent: list[Call], ticket: str) -> None:
    """A board shows each ticket once, its newest call on top, eight in all (S28)."""
    for i, old in enumerate(recent):
        if old.ticket == ticket:
            del recent[i]
            break


def ticket_recalled(s: HallState, ev: e.TicketRecalled) -> None:
    t = s.tickets[ev.ticket]
    t.attempt = ev.attempt
    t.called_at = ev.at
    t.seq = s.seq
    window = s.windows[ev.window]
    window.seq = s.zone_seq[window.zone] = s.seq
    call = Call(ev.call, ev.ticket, t.number, ev.window, window.label, window.zone, t.line, ev.at, ev.attempt)
    s.calls[ev.call] = call
    recent = s.recent[window.zone]
    forget_call(recent, ev.ticket)
    recent.insert(0, call)
    del recent[RECENT:]


def leave_window(s: HallState, t: Ticket, window_id: str, kind: str, at: int, taken: int = 0) -> Window:
    """The ticket leaves its window by a step that can be undone; `t` is still as it was before."""
    window = s.windows[window_id]
    call = s.calls.pop(t.call_id, None) if t.call_id else None
    window.undoable = Undoable(kind, at, t.__copy__(), s.seq, call, taken)
    window.ticket = None
    window.seq = s.zone_seq[window.zone] = s.seq
    if window_id in s.overlong.busy:
        s.overlong.service_ends(s, window_id, at)
    return window


def requeue(s: HallState, t: Ticket, line_id: str, rank: tuple[int, int, int], at: int, callable_at: int) -> None:
    """The ticket waits again."""
    t.state = WAITING
    t.line = line_id
    t.rank = rank
    t.waiting_since = at
    t.window = None
    t.call_id = None
    t.attempt = 0
    t.callable_at = callable_at
    t.guarded = callable_at > 0 or t.only_window is not None
    line = s.lines[line_id]
    line.enter(rank, t.id)
    if s.overlong.waits:
        line.order.append((at, t.id))
        if at + s.overlong.patience <= s.overlong.at:
            s.overlong.waits_from(s, line_id, at)
    line.seq = t.seq = s.zone_seq[line.zone] = s.seq
    watch = s.watched.get(line_id)
    if watch is not None:
        watch.enter(s, t.id, at)


def taken_in_vain(s: HallState, t: Ticket, at: int) -> int:
    """µs for which the window waited for somebody who did not come; learned like a service."""
    taken = at - t.called_at + (t.attempt - 1) * s.recall_gap
    s.lines[t.line].observe(taken)
    return taken


def ticket_missed(s: HallState, ev: e.TicketMissed) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_missed", ev.at, taken_in_vain(s, t, ev.at))
    t.misses = ev.misses
    s.places += 1
    requeue(s, t, t.line, ev.rank, ev.at, ev.callable_at)
    missed = s.missed[s.lines[t.line].zone]
    missed.insert(0, ev.ticket)
    if len(missed) > 50:
        missed.pop()


def ticket_voided(s: HallState, ev: e.TicketVoided) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_voided", ev.at, taken_in_vain(s, t, ev.at))
    t.misses = ev.misses
    end(s, t, TicketState.VOID, ev.at)


def end(s: HallState, t: Ticket, state: TicketState, at: int) -> None:
    """The ticket is over (until the day turn it stays to be seen, restored or undone)."""
    t.state = state
    t.ended_at = at
    t.seq = s.seq
    if t.holder is not None:
        held = s.holders.get(t.holder)
        if held is not None and t.id in held:
            held.remove(t.id)
            if not held:
                del s.holders[t.holder]


def service_started(s: HallState, ev: e.ServiceStarted) -> None:
    seq = s.seq
    t = s.tickets[ev.ticket]
    t.state = SERVING
    t.started_at = t.serving_since = ev.at
    t.seq = seq
    s.calls.pop(ev.call, None)
    window = s.windows[ev.window]
    window.seq = s.zone_seq[window.zone] = seq
    if s.overlong.services:
        s.overlong.service_begins(s, t, ev.window)
    if t.items and t.current is None:
        t.current = t.items[0]


def items_set(s: HallState, ev: e.ItemsSet) -> None:
    t = s.tickets[ev.ticket]
    t.items = ev.items
    t.current = ev.current
    t.seq = s.windows[ev.window].seq = s.seq


def park(t: Ticket, at: int) -> None:
    t.served += at - t.serving_since
    t.serving_since = 0


def ticket_suspended(s: HallState, ev: e.TicketSuspended) -> None:
    t = s.tickets[ev.ticket]
    park(t, ev.at)
    t.state = TicketState.SUSPENDED
    t.parked = ev.parked
    t.parked_since = ev.at
    t.call_id = None
    t.seq = s.seq
    if ev.window in s.overlong.busy:
        s.overlong.service_ends(s, ev.window, ev.at)
    window = s.windows[ev.window]
    window.ticket = None
    window.undoable = None
    window.seq = s.zone_seq[window.zone] = s.seq


def unpark(t: Ticket, at: int) -> None:
    t.parked_total += at - t.parked_since
    t.parked = None
    t.parked_since = 0


def ticket_returned(s: HallState, ev: e.TicketReturned) -> None:
    t = s.tickets[ev.ticket]
    unpark(t, ev.at)
    requeue(s, t, t.line, t.rank, ev.at, 0)


def service_resumed(s: HallState, ev: e.ServiceResumed) -> None:
    t = s.tickets[ev.ticket]
    unpark(t, ev.at)
    t.state = SERVING
    t.window = ev.window
    t.serving_since = ev.at
    t.seq = s.seq
    if s.overlong.services:
        s.overlong.service_begins(s, t, ev.window)
    window = s.windows[ev.window]
    window.ticket = ev.ticket
    window.undoable = None
    window.seq = s.zone_seq[window.zone] = s.seq


def ticket_transferred(s: HallState, ev: e.TicketTransferred) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_transferred", ev.at)
    park(t, ev.at)
    t.only_window = ev.to
    t.note = ev.note
    s.places += 1
    requeue(s, t, ev.line, ev.rank, ev.at, 0)


def ticket_rejected(s: HallState, ev: e.TicketRejected) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_rejected", ev.at)
    park(t, ev.at)
    t.missing = ev.missing
    t.notices += 1
    end(s, t, TicketState.REJECTED, ev.at)


def ticket_finished(s: HallState, ev: e.TicketFinished) -> None:
    seq, at = s.seq, ev.at
    t, window = s.tickets[ev.ticket], s.windows[ev.window]
    service = t.served + at - t.serving_since
    taken = service + t.started_at - t.called_at  # for so long he took a window
    window.undoable = Undoable("ticket_finished", at, t.__copy__(), seq, None, taken)  # its call ended with the start
    window.ticket = None
    window.seq = s.zone_seq[window.zone] = seq
    t.served = service
    t.serving_since = 0
    if ev.window in s.overlong.busy:
        s.overlong.service_ends(s, ev.window, at)
    end(s, t, FINISHED, at)
    s.offices.claims[ev.ticket] = at
    s.lines[t.line].observe(taken)


def ticket_cancelled(s: HallState, ev: e.TicketCancelled) -> None:
    t = s.tickets[ev.ticket]
    line = s.lines[t.line]
    waited = t.state == WAITING
    if waited:
        line.leave(t.rank)
    if ev.window is not None:
        window = s.windows[ev.window]
        window.ticket = None
        window.seq = s.zone_seq[window.zone] = s.seq
        if t.call_id:
            s.calls.pop(t.call_id, None)
    if t.parked_since:
        unpark(t, ev.at)
    drop(s, t, line)
    end(s, t, TicketState.CANCELLED, ev.at)
    if waited:
        waits_no_more(s, t, ev.at)


def drop(s: HallState, t: Ticket, line: Line) -> None:
    if t.misses and t.id in s.missed[line.zone]:
        s.missed[line.zone].remove(t.id)
    line.seq = s.zone_seq[line.zone] = s.seq


def ticket_postponed(s: HallState, ev: e.TicketPostponed) -> None:
    t = s.tickets[ev.ticket]
    s.lines[t.line].leave(t.rank)
    s.places += 1
    t.rank = ev.rank
    t.callable_at = ev.callable_at
    t.guarded = True
    line = s.lines[t.line]
    line.enter(ev.rank, t.id)
    line.seq = t.seq = s.zone_seq[line.zone] = s.seq


def ticket_restored(s: HallState, ev: e.TicketRestored) -> None:
    t = s.tickets[ev.ticket]
    t.misses = 0
    t.ended_at = 0
    s.places += 1
    if t.holder is not None:
        s.holders.setdefault(t.holder, []).append(t.id)
    requeue(s, t, t.line, ev.rank, ev.at, ev.callable_at)


def ticket_expired(s: HallState, ev: e.TicketExpired) -> None:
    t = s.tickets[ev.ticket]
    line = s.lines[t.line]
    waited = t.state == WAITING
    if waited:
        line.leave(t.rank)
    if t.parked_since:
        unpark(t, ev.due)
    if t.serving_since:
        park(t, ev.due)
    window = s.windows.get(t.window or "")
    if window is not None and window.ticket == t.id:  # its line ends with a plan that begins with the new day
        window.ticket = None
        window.seq = s.zone_seq[window.zone] = s.seq
        if window.id in s.overlong.busy:
            s.overlong.service_ends(s, window.id, ev.due)
        s.calls.pop(t.call_id or "", None)
    drop(s, t, line)
    end(s, t, TicketState.EXPIRED, ev.due)
    if waited:
        waits_no_more(s, t, ev.due)


def priority_confirmed(s: HallState, ev: e.PriorityConfirmed) -> None:
    t = s.tickets[ev.ticket]
    line = s.lines[t.line]
    waits = t.state == WAITING
    if waits:
        line.leave(t.rank)
    t.priority = ev.priority
    t.claimed = None
    t.rank = ev.rank
    if waits:
        line.enter(ev.rank, t.id)
    line.seq = t.seq = s.zone_seq[line.zone] = s.seq


def action_undone(s: HallState, ev: e.ActionUndone) -> None:
    window = s.windows[ev.window]
    undo = window.undoable
    now = s.tickets[ev.ticket]
    line = s.lines[now.line]
    if now.state == WAITING:
        line.leave(now.rank)
    assert undo is not None  # decide saw it; events are applied in the order in which they were decided
    if undo.service:
        s.lines[undo.before.line].forget(undo.service)
    drop(s, now, line)
    s.offices.claims.pop(ev.ticket, None)
    before = undo.before.__copy__()
    before.seq = s.seq
    s.tickets[ev.ticket] = before
    if before.holder is not None and ev.ticket not in s.holders.get(before.holder, ()):
        s.holders.setdefault(before.holder, []).append(ev.ticket)
    if undo.call is not None:
        s.calls[undo.call.id] = undo.call
    if now.state == WAITING:
        waits_no_more(s, now, ev.at)
    window.ticket = ev.ticket
    window.undoable = None
    window.seq = s.zone_seq[window.zone] = s.seq
    if before.state is SERVING:
        s.overlong.undone(s, before, ev.window, ev.at)
