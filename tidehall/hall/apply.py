"""From events to state.

Law: `APPLY[type(event)](state, event)` changes the state and cannot fail; it reads nothing but the two. The life
tables in queue/tickets.py and hall/state.py say which state a kind leads to; what is set beside it stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tidehall.hall import events as e
from tidehall.hall.calendar import service_day
from tidehall.hall.offices.apply import OFFICE_APPLY, alert_raised_clock, disarm, keep_versions, sweep
from tidehall.hall.plan import Plan
from tidehall.hall.services import KEPT_DAYS, NONE, counted
from tidehall.hall.state import RECENT, Alert, Call, HallState, Undoable, Window
from tidehall.hall.tide import Advice, Tide
from tidehall.queue.line import Line
from tidehall.queue.tickets import ENDED, Ticket, TicketState

__all__ = ["APPLY"]

WAITING, CALLED, SERVING, FINISHED = (
    TicketState.WAITING, TicketState.CALLED, TicketState.SERVING, TicketState.FINISHED,
)  # fmt: skip

Applier = Callable[[HallState, Any], None]


# ---- the plan and the calendar


def plan_adopted(s: HallState, ev: e.PlanAdopted) -> None:
    if ev.next_day and s.plan is not None:
        s.next_plan = ev.plan
    else:
        install(s, ev.plan, ev.at)


def install(s: HallState, plan: Plan, at: int) -> None:
    """Make `plan` rule: keep what still exists, add what is new, drop what is gone (decide saw to it that it may)."""
    first = s.plan is None
    keep_versions(s)
    s.plan, s.next_plan = plan, None
    s.plan_seq = s.seq
    s.calendar_at = max(s.calendar_at, at)  # the new hours' moments before now are no news: `standing` knows them
    s.compile(plan)
    assert s.schedule is not None
    if first:
        s.day = service_day(at, s.zone_name).isoformat()
    s.issuing, s.in_session, s.last_session_over = s.schedule.standing(s.calendar_at)
    s.tides = {zone.id: Tide(stepped_at=s.tides[zone.id].stepped_at) for zone in plan.zones if zone.id in s.tides}
    s.reserves = {zone.id: s.reserves[zone.id] for zone in plan.zones if zone.id in s.reserves}
    lines: dict[str, Line] = {}
    for entry in plan.lines:
        line = s.lines.get(entry.id)
        if line is None or line.letter != entry.letter:
            line = Line(entry.id, entry.letter, entry.zone)
            # a letter that was in use today goes on where it stood, under whichever line
            used = [(t, int(t.number[1:])) for t in s.tickets.values() if t.number[0] == entry.letter]
            today = {n for t, n in used if service_day(t.taken_at, s.zone_name).isoformat() == s.day}
            line.numbering.issued = max(today, default=0)
            line.numbering.open = frozenset(n for _, n in used) - today
        line.zone = entry.zone
        lines[entry.id] = line
    s.lines = lines
    windows: dict[str, Window] = {}
    for row in plan.windows:
        window = s.windows.get(row.id)
        if window is None:
            window = Window(row.id, row.label, row.zone, row.post, row.lines, since=at)
        else:
            window.label, window.zone, window.post, window.lines = row.label, row.zone, row.post, row.lines
            window.lines_for_today = False
            window.undoable = None  # what it would lead back to may be gone
        windows[row.id] = window
    s.windows = windows
    s.zone_seq = {zone.id: s.seq for zone in plan.zones}
    s.recent = {zone.id: s.recent.get(zone.id, []) for zone in plan.zones}
    s.missed = {zone.id: s.missed.get(zone.id, []) for zone in plan.zones}
    s.index()
    new_tide(s, at)


def new_tide(s: HallState, at: int) -> None:
    """Sessions, windows or the plan have changed: every zone is looked at anew."""
    for watch in s.watches.values():
        watch.weigh_anew(s, at)


def touch_all(s: HallState) -> None:
    for zone in s.zone_seq:
        s.zone_seq[zone] = s.seq


def passed(s: HallState, due: int) -> None:
    """The calendar has come to `due`."""
    s.calendar_at = due
    assert s.schedule is not None
    s.next_moment = s.schedule.next_after(due)[0]
    s.set_wake()


def day_turned(s: HallState, ev: e.DayTurned) -> None:
    s.day = ev.day
    s.last_session_over = False
    sweep(s, ev.due)  # while the day's tickets are still here
    s.tickets = {id: t for id, t in s.tickets.items() if t.state not in ENDED}
    s.alerts = {id: a for id, a in s.alerts.items() if a.ended is None}
    for zone, ids in s.missed.items():
        s.missed[zone] = [id for id in ids if id in s.tickets]
    for zone, calls in s.recent.items():  # yesterday's numbers are given again today
        s.recent[zone] = [call for call in calls if call.ticket in s.tickets]
    if s.next_plan is not None:
        install(s, s.next_plan, ev.due)
    still: dict[str, set[int]] = {}
    for ticket in s.tickets.values():
        still.setdefault(ticket.number[0], set()).add(int(ticket.number[1:]))
    for line in s.lines.values():
        line.numbering.turn(frozenset(still.get(line.letter, ())))
        line.seq = s.seq
    for window in s.windows.values():
        if window.lines_for_today and s.plan is not None:
            window.lines = next(w.lines for w in s.plan.windows if w.id == window.id)
            window.lines_for_today = False
            window.seq = s.seq
    s.pools.clear()
    s.crews.clear()
    passed(s, ev.due)
    touch_all(s)


def issuing_started(s: HallState, ev: e.IssuingStarted) -> None:
    s.issuing = True
    passed(s, ev.due)
    touch_all(s)


def issuing_ended(s: HallState, ev: e.IssuingEnded) -> None:
    s.issuing = False
    touch_all(s)


def session_started(s: HallState, ev: e.SessionStarted) -> None:
    s.in_session = True
    passed(s, ev.due)
    new_tide(s, ev.due)
    touch_all(s)


def session_ended(s: HallState, ev: e.SessionEnded) -> None:
    s.in_session = False
    s.last_session_over = ev.last
    passed(s, ev.due)
    new_tide(s, ev.due)
    touch_all(s)


def overtime_ended(s: HallState, ev: e.OvertimeEnded) -> None:
    passed(s, ev.due)
    touch_all(s)


# ---- tickets


def ticket_taken(s: HallState, ev: e.TicketTaken) -> None:
    seq = s.seq
    s.serials += 1
    line = s.lines[ev.line]
    line.numbering.give(ev.number)
    line.seq = seq
    s.zone_seq[line.zone] = seq
    t = Ticket(ev.ticket, ev.number, s.serials, ev.line, ev.channel, ev.priority, ev.at, ev.rank)
    t.waiting_since = ev.at
    t.seq = seq
    if ev.items:
        t.items = ev.items
    if ev.cases:
        t.cases = ev.cases
    if ev.shown is not None:
        t.shown = ev.shown
    if ev.claimed is not None:
        t.claimed = ev.claimed
    if ev.helper is not None:
        t.helper = ev.helper
    if ev.booked_for:
        t.booked_for = ev.booked_for
        if ev.eligible_at:
            t.eligible_at = ev.eligible_at
            t.guarded = True
    if ev.holder is not None:
        t.holder = ev.holder
        s.holders.setdefault(ev.holder, []).append(ev.ticket)
    s.tickets[ev.ticket] = t
    line.enter(ev.rank, ev.ticket)
    watch = s.watched.get(ev.line)
    if watch is not None:
        watch.enter(s, ev.ticket, ev.at)


def ticket_called(s: HallState, ev: e.TicketCalled) -> None:
    seq = s.seq
    t = s.tickets[ev.ticket]
    window = s.windows[ev.window]
    line = s.lines[t.line]
    line.leave(t.rank)
    line.seq = seq
    at = ev.at
    again = t.first_called_at > 0
    if not again:
        t.first_called_at = at
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
    window.ticket = ev.ticket
    window.undoable = None
    window.seq = seq
    s.call_count += 1
    zone = window.zone
    s.zone_seq[zone] = seq
    if line.zone != zone:
        s.zone_seq[line.zone] = seq
    call = Call(ev.call, ev.ticket, t.number, ev.window, window.label, zone, t.line, at, 1)
    s.calls[ev.call] = call
    recent = s.recent[zone]
    if again:
        forget_call(recent, ev.ticket)
    recent.insert(0, call)
    if len(recent) > RECENT:
        recent.pop()
    if t.misses:
        missed = s.missed[line.zone]
        if ev.ticket in missed:
            missed.remove(ev.ticket)
    waits_no_more(s, t, at)


def waits_no_more(s: HallState, t: Ticket, at: int) -> None:
    """The tide follows a ticket out of its line; its state has changed."""
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


def leave_window(s: HallState, t: Ticket, window_id: str, kind: str, at: int) -> Window:
    """The ticket leaves its window by a step that can be undone; `t` is still as it was before."""
    window = s.windows[window_id]
    call = s.calls.pop(t.call_id, None) if t.call_id else None
    window.undoable = Undoable(kind, at, t.__copy__(), s.seq, call)
    window.ticket = None
    window.seq = s.zone_seq[window.zone] = s.seq
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
    line.seq = t.seq = s.zone_seq[line.zone] = s.seq
    watch = s.watched.get(line_id)
    if watch is not None:
        watch.enter(s, t.id, at)


def ticket_missed(s: HallState, ev: e.TicketMissed) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_missed", ev.at)
    t.misses = ev.misses
    s.places += 1
    requeue(s, t, t.line, ev.rank, ev.at, ev.callable_at)
    missed = s.missed[s.lines[t.line].zone]
    missed.insert(0, ev.ticket)
    if len(missed) > 50:
        missed.pop()


def ticket_voided(s: HallState, ev: e.TicketVoided) -> None:
    t = s.tickets[ev.ticket]
    leave_window(s, t, ev.window, "ticket_voided", ev.at)
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
    window.undoable = Undoable("ticket_finished", at, t.__copy__(), seq, None, service)  # its call ended with the start
    window.ticket = None
    window.seq = s.zone_seq[window.zone] = seq
    t.served = service
    t.serving_since = 0
    end(s, t, FINISHED, at)
    s.offices.claims[ev.ticket] = at
    s.lines[t.line].observe(service)


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


# ---- windows


def moved(s: HallState, window: Window, at: int) -> None:
    """The window's standing has changed: estimates and boards follow."""
    window.since = at
    window.seq = s.zone_seq[window.zone] = s.seq
    s.pools.clear()
    for line in window.lines:
        s.lines[line].seq = s.seq
    tide_moves(s, window, at)


def tide_moves(s: HallState, window: Window, at: int) -> None:
    """The window has opened, closed, paused or changed its lines, which are of its own zone."""
    watch = s.watches.get(window.zone)
    if watch is not None:
        watch.move(s, window, at)


def staff_signed_in(s: HallState, ev: e.StaffSignedIn) -> None:
    window = s.windows[ev.window]
    window.staff = ev.staff
    window.undoable = None
    window.seq = s.zone_seq[window.zone] = s.seq


def staff_signed_out(s: HallState, ev: e.StaffSignedOut) -> None:
    window = s.windows[ev.window]
    window.staff = None
    window.undoable = None
    window.seq = s.zone_seq[window.zone] = s.seq


def window_opened(s: HallState, ev: e.WindowOpened) -> None:
    window = s.windows[ev.window]
    window.state = "open"
    window.reason = None
    moved(s, window, ev.at)


def window_closed(s: HallState, ev: e.WindowClosed) -> None:
    window = s.windows[ev.window]
    window.state = "closed"
    window.closing = False
    window.reason = None
    moved(s, window, ev.at)


def window_paused(s: HallState, ev: e.WindowPaused) -> None:
    window = s.windows[ev.window]
    window.state = "paused"
    window.reason = ev.reason
    moved(s, window, ev.at)


def window_resumed(s: HallState, ev: e.WindowResumed) -> None:
    window = s.windows[ev.window]
    window.state = "open"
    window.reason = None
    moved(s, window, ev.at)


def window_lines_set(s: HallState, ev: e.WindowLinesSet) -> None:
    window = s.windows[ev.window]
    before = window.lines
    window.lines = ev.lines
    s.crews.clear()
    window.lines_for_today = not ev.keep
    since = window.since
    moved(s, window, ev.at)
    window.since = since
    for line in before:
        s.lines[line].seq = s.seq


# ---- the tide


def tide_advised(s: HallState, ev: e.TideAdvised) -> None:
    tide = s.tides[ev.zone]
    tide.advice = Advice(
        ev.window, ev.action, ev.since, ev.due, ev.waiting, ev.open_windows, ev.longest, ev.staff
    )  # fmt: skip
    tide.broken_at = 0
    s.zone_seq[ev.zone] = s.seq
    s.watches[ev.zone].weigh_anew(s, ev.due)


def tide_lapsed(s: HallState, ev: e.TideLapsed) -> None:
    tide = s.tides[ev.zone]
    tide.advice, tide.broken_at = None, 0
    s.zone_seq[ev.zone] = s.seq
    s.watches[ev.zone].weigh_anew(s, ev.due)


def tide_confirmed(s: HallState, ev: e.TideConfirmed) -> None:
    window = s.windows[ev.window]
    window.closing = ev.action == "close" and window.ticket is not None
    window.seq = s.zone_seq[ev.zone] = s.seq
    tide = s.tides.get(ev.zone)
    if tide is not None:
        tide.stepped_at = ev.at
        if tide.advice is not None and tide.advice.window == ev.window:
            tide.advice, tide.broken_at = None, 0
    tide_moves(s, window, ev.at)


def reserve_set(s: HallState, ev: e.ReserveSet) -> None:
    s.reserves[ev.zone] = ev.staff
    s.zone_seq[ev.zone] = s.seq


# ---- services that are no case


def service_counted(s: HallState, ev: e.ServiceCounted) -> None:
    if s.day not in s.services:
        s.services[s.day] = {}
        for day in sorted(s.services)[:-KEPT_DAYS]:
            del s.services[day]
    key = f"{ev.zone}:{ev.service}"
    today = s.services[s.day]
    today[key] = counted(today.get(key, NONE), ev.count, ev.at, s.undo_within, outside=ev.outside)


# ---- alerts


def alert_raised(s: HallState, ev: e.AlertRaised) -> None:
    since = ev.at if ev.due is None else ev.due
    s.alerts[ev.alert] = Alert(ev.alert, ev.alert_kind, ev.about, since, owner=ev.owner, seq=s.seq)
    alert_raised_clock(s, ev.alert, ev.owner, since)


def alert_ended(s: HallState, ev: e.AlertEnded) -> None:
    disarm(s, f"alert:{ev.alert}")
    s.alerts[ev.alert] = replace(s.alerts[ev.alert], ended=ev.at, seq=s.seq)


#: One function for each kind of event.
APPLY: dict[type, Applier] = {
    e.PlanAdopted: plan_adopted,
    e.DayTurned: day_turned,
    e.IssuingStarted: issuing_started,
    e.IssuingEnded: issuing_ended,
    e.SessionStarted: session_started,
    e.SessionEnded: session_ended,
    e.OvertimeEnded: overtime_ended,
    e.TicketTaken: ticket_taken,
    e.TicketCalled: ticket_called,
    e.TicketRecalled: ticket_recalled,
    e.TicketMissed: ticket_missed,
    e.TicketVoided: ticket_voided,
    e.ServiceStarted: service_started,
    e.ItemsSet: items_set,
    e.TicketSuspended: ticket_suspended,
    e.TicketReturned: ticket_returned,
    e.ServiceResumed: service_resumed,
    e.TicketTransferred: ticket_transferred,
    e.TicketRejected: ticket_rejected,
    e.TicketFinished: ticket_finished,
    e.TicketCancelled: ticket_cancelled,
    e.TicketPostponed: ticket_postponed,
    e.TicketRestored: ticket_restored,
    e.TicketExpired: ticket_expired,
    e.PriorityConfirmed: priority_confirmed,
    e.ActionUndone: action_undone,
    e.StaffSignedIn: staff_signed_in,
    e.StaffSignedOut: staff_signed_out,
    e.WindowOpened: window_opened,
    e.WindowClosed: window_closed,
    e.WindowPaused: window_paused,
    e.WindowResumed: window_resumed,
    e.WindowLinesSet: window_lines_set,
    e.AlertRaised: alert_raised,
    e.AlertEnded: alert_ended,
    e.TideAdvised: tide_advised,
    e.TideLapsed: tide_lapsed,
    e.TideConfirmed: tide_confirmed,
    e.ReserveSet: reserve_set,
    e.ServiceCounted: service_counted,
    **OFFICE_APPLY,
}
