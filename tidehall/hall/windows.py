"""What a window may do: sit down, open, call, serve, send on, finish, take back.

Law: at most one open ticket at a window, and one winner for every ticket; these functions read the state and
either return events or raise Refusal; they change nothing.
"""

from __future__ import annotations

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.citizens import fall_back, held_cases, may, own_rank
from tidehall.hall.closing import closing, drained
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.state import HallState, Window
from tidehall.queue.order import Rank, in_front
from tidehall.queue.tickets import ENDED, UNDO_LIFE, Ticket, TicketState

__all__ = [
    "call", "close", "finish", "miss", "next_ticket", "open_window", "pause", "recall", "reject", "resume",
    "set_items", "set_lines", "sign_in", "sign_out", "start", "suspend", "transfer", "undo", "unsuspend",
]  # fmt: skip

CALLED, SERVING, SUSPENDED, WAITING = (
    TicketState.CALLED, TicketState.SERVING, TicketState.SUSPENDED, TicketState.WAITING,
)  # fmt: skip


# ---- sitting down, opening, closing


def sign_in(s: HallState, q: c.SignIn, now: int) -> list[Event]:
    """Take a window; somebody else's only as an explicit take-over, which is logged (S19)."""
    window = s.window(q.window)
    if window.staff == q.staff:
        return []
    if window.staff is not None and not q.take_over:
        raise Refusal("window_taken", window=window.id, staff=window.staff, allowed=("take_over",))
    found: list[Event] = []
    for other in s.windows.values():
        if other.staff == q.staff:
            if other.ticket is not None or not q.take_over:
                ways = () if other.ticket is not None else ("take_over",)
                raise Refusal("signed_in_elsewhere", window=other.id, label=other.label, allowed=ways)
            found += leave(s, other, now)
    return [*found, e.StaffSignedIn(now, window.id, q.staff, window.staff)]


def leave(s: HallState, window: Window, now: int) -> list[Event]:
    """The events of a person leaving a window without an open ticket."""
    found: list[Event] = []
    if window.state != "closed":
        found += closing(s, window, now)
    if window.staff is not None:
        found.append(e.StaffSignedOut(now, window.id, window.staff))
    return found


def sign_out(s: HallState, q: c.SignOut, now: int) -> list[Event]:
    """Leave; an open window closes, an open ticket must be ended first."""
    window = s.window(q.window)
    free(s, window)
    if window.staff is None:
        raise Refusal("window_unstaffed", window=window.id)
    return leave(s, window, now)


def open_window(s: HallState, q: c.OpenWindow, now: int) -> list[Event]:
    """Begin to serve."""
    window = s.window(q.window)
    if window.state == "paused":
        raise Refusal("window_paused", window=window.id, allowed=("resume", "close"))
    if window.state == "closed" and window.staff is None:  # only the tide opens before somebody signs in
        raise Refusal("window_unstaffed", window=window.id, allowed=("sign-in",))
    return [] if window.state == "open" else [e.WindowOpened(now, window.id, window.staff)]


def close(s: HallState, q: c.CloseWindow, now: int) -> list[Event]:
    """Stop serving; after the day's end, what no other window could serve expires with it."""
    window = s.window(q.window)
    free(s, window)
    return [] if window.state == "closed" else closing(s, window, now)


def pause(s: HallState, q: c.PauseWindow, now: int) -> list[Event]:
    """Rest, with a reason; the citizen in front is still served."""
    window = s.window(q.window)
    if not q.reason:
        raise Refusal("invalid", fields={"reason": "is needed"})
    if window.state == "closed":
        raise Refusal("window_closed", window=window.id, allowed=("open",))
    return [] if window.state == "paused" else [e.WindowPaused(now, window.id, q.reason)]


def resume(s: HallState, q: c.ResumeWindow, now: int) -> list[Event]:
    """Serve again."""
    window = s.window(q.window)
    if window.state == "closed":
        raise Refusal("window_closed", window=window.id, allowed=("open",))
    return [] if window.state == "open" else [e.WindowResumed(now, window.id)]


def set_lines(s: HallState, q: c.SetLines, now: int) -> list[Event]:
    """What the window serves: lines of its own zone; for today unless `keep`."""
    window = s.window(q.window)
    for id in q.lines:
        line = s.lines.get(id)
        if line is None:
            raise Refusal("unknown_line", line=id)
        if line.zone != window.zone:
            raise Refusal("invalid", fields={"lines": f"line {id} belongs to another zone"})
    lines = tuple(dict.fromkeys(q.lines))
    return [] if lines == window.lines else [e.WindowLinesSet(now, window.id, lines, q.keep)]


# ---- calling


def free(s: HallState, window: Window) -> None:
    """Refuse with the open ticket when the window has one (S17)."""
    if window.ticket is not None:
        t = s.tickets[window.ticket]
        steps = ("start", "recall", "no-show") if t.state == CALLED else ("finish", "suspend", "transfer", "reject")
        raise Refusal("window_busy", window=window.id, label=window.label, ticket=t.id, number=t.number, allowed=steps)


def ready(s: HallState, window_id: str) -> Window:
    """The window, open; else Refusal."""
    window = s.windows.get(window_id)
    if window is None:
        raise Refusal("unknown_window", window=window_id)
    if window.state != "open":
        if window.state == "paused":
            raise Refusal("window_paused", window=window_id, allowed=("resume",))
        raise Refusal("window_closed", window=window_id, allowed=("open",))
    if window.closing:
        raise Refusal("window_closing", window=window_id, allowed=("finish",) if window.ticket else ("close",))
    return window


def first_callable(s: HallState, window: Window, now: int) -> str | None:
    """The waiting ticket with the smallest key among the window's lines that may be called at this window now.

    A booked ticket before its time is called only when nobody eligible waits (design section 4).
    """
    best = early = None
    tickets = s.tickets
    lines = s.lines
    for id in window.lines:
        for entry in lines[id].waiting:
            if best is not None and best < entry:
                break
            t = tickets[entry[3]]
            if t.guarded:
                if t.callable_at > now or (t.only_window is not None and not reserved_for(s, t, window)):
                    continue
                if t.eligible_at > now:
                    if early is None or entry < early:
                        early = entry
                    continue
            best = entry
            break
    chosen = best or early
    return chosen[3] if chosen is not None else None


def reserved_for(s: HallState, t: Ticket, window: Window) -> bool:
    """Whether a ticket sent to one window may be called here: there, or anywhere once that window is closed
    or serves its line no more."""
    target = s.windows.get(t.only_window or "")
    return target is window or target is None or target.state == "closed" or t.line not in target.lines


def call(s: HallState, q: c.CallTicket, now: int) -> list[Event]:
    """Call the next ticket, or a chosen one with a reason. Nobody waiting is no refusal: no events."""
    window = ready(s, q.window)
    if window.ticket is not None:
        free(s, window)
    if q.ticket is None:
        found = first_callable(s, window, now)
        if found is None:
            return []
        return [e.TicketCalled(now, found, window.id, f"c{s.call_count + 1}", window.staff)]
    t = s.ticket(q.ticket)
    may(t, "ticket_called", "ticket_not_waiting")
    if t.line not in window.lines and t.only_window != window.id:
        raise Refusal("line_not_served", window=window.id, line=t.line)
    if not q.reason:
        raise Refusal("invalid", fields={"reason": "is needed for a chosen call"})
    return [e.TicketCalled(now, t.id, window.id, f"c{s.call_count + 1}", window.staff, 1, True, q.reason)]


def called(s: HallState, window_id: str) -> Ticket:
    """The ticket called to this window and not yet started; else Refusal ticket_not_called."""
    window = s.windows.get(window_id) or s.window(window_id)
    if window.ticket is None:
        raise Refusal("ticket_not_called", window=window.id)
    t = s.tickets[window.ticket]
    if t.state is not CALLED:
        raise Refusal("ticket_not_called", window=window_id, number=t.number, state=t.state.value)
    return t


def served(s: HallState, window_id: str) -> Ticket:
    """The ticket being served at this window; else Refusal ticket_not_serving."""
    window = s.windows.get(window_id) or s.window(window_id)
    if window.ticket is None:
        raise Refusal("ticket_not_serving", window=window.id)
    t = s.tickets[window.ticket]
    if t.state is not SERVING:
        raise Refusal(
            "ticket_not_serving", window=window_id, number=t.number, state=t.state.value, allowed=("start",)
        )  # fmt: skip
    return t


def recall(s: HallState, q: c.RecallTicket, now: int) -> list[Event]:
    """Call again: at least the recall gap later, at most `calls` in all (novosga #349)."""
    t = called(s, q.window)
    if t.attempt >= s.rules.limits.calls:
        raise Refusal("calls_used_up", number=t.number, calls=t.attempt, allowed=("start", "no-show"))
    if now < t.called_at + s.recall_gap:
        raise Refusal("too_early", number=t.number, allowed_at=t.called_at + s.recall_gap)
    return [e.TicketRecalled(now, t.id, q.window, t.call_id or "", t.attempt + 1)]


def miss(s: HallState, q: c.MissTicket, now: int) -> list[Event]:
    """No-show: postponed at the first misses, void at the last (S8)."""
    t = called(s, q.window)
    if not s.may_miss(t, now):
        raise Refusal("too_early", number=t.number, allowed_at=t.called_at + s.no_show_after)
    misses = t.misses + 1
    if misses >= s.rules.limits.misses:
        return [e.TicketVoided(now, t.id, q.window, t.call_id or "", misses), *drained(s, q.window, now)]
    rank, not_before = fall_back(s, t), now + s.postpone_min
    return [e.TicketMissed(now, t.id, q.window, t.call_id or "", misses, rank, not_before), *drained(s, q.window, now)]


# ---- serving


def start(s: HallState, q: c.StartService, now: int) -> list[Event]:
    """The citizen stands at the window."""
    t = called(s, q.window)
    return [e.ServiceStarted(now, t.id, q.window, t.call_id or "")]


def set_items(s: HallState, q: c.SetItems, now: int) -> list[Event]:
    """What the visit is about; `current` is the item in work (S1). One ticket, several items (R2)."""
    t = served(s, q.window)
    items = tuple(dict.fromkeys(q.items))
    for code in items:
        if code not in s.item_line:
            raise Refusal("unknown_item", item=code)
    if not items:
        raise Refusal("invalid", fields={"items": "needs at least one item"})
    current = q.current if q.current is not None else (t.current if t.current in items else items[0])
    if current not in items:
        raise Refusal("invalid", fields={"current": "is not among the items"})
    return [] if (items, current) == (t.items, t.current) else [e.ItemsSet(now, t.id, q.window, items, current)]


def suspend(s: HallState, q: c.SuspendTicket, now: int) -> list[Event]:
    """Park the citizen in front; the window is free."""
    t = served(s, q.window)
    return [e.TicketSuspended(now, t.id, q.window, q.kind), *drained(s, q.window, now)]


def unsuspend(s: HallState, q: c.UnsuspendTicket, now: int) -> list[Event]:
    """Take a parked citizen up: `away` at any window of the line, `hold` and `step` where they were parked."""
    window = ready(s, q.window)
    free(s, window)
    t = s.ticket(q.ticket)
    may(t, "service_resumed", "ticket_not_suspended")
    if t.parked == "away":
        if t.line not in window.lines and t.window != window.id:
            raise Refusal("line_not_served", window=window.id, line=t.line)
    elif t.window != window.id:
        raise Refusal("window_keeps_ticket", number=t.number, window=t.window)
    return [e.ServiceResumed(now, t.id, window.id)]


def transfer(s: HallState, q: c.TransferTicket, now: int) -> list[Event]:
    """Send on to a line or a window; the number stays, the arrival counts unless front or end is given a reason."""
    t = served(s, q.window)
    if (q.line is None) == (q.to is None):
        raise Refusal("invalid", fields={"line": "give a line or a window, one of the two"})
    if q.place != "arrival" and not q.reason:
        raise Refusal("invalid", fields={"reason": "is needed for front or end"})
    if q.to is not None:
        target = s.window(q.to)
        if target.id == q.window:
            raise Refusal("invalid", fields={"window": "is the same window"})
        if not target.lines:
            raise Refusal("line_not_served", window=target.id, line=t.line)
        line_id = t.line if t.line in target.lines else target.lines[0]
    else:
        line_id = q.line or ""
        if line_id not in s.lines:
            raise Refusal("unknown_line", line=line_id)
    if t.holder is not None and line_id != t.line:
        held = [id for id in s.holders.get(t.holder, ()) if s.tickets[id].line == line_id]
        if len(held) >= s.rules.limits.open_tickets_per_holder:
            raise Refusal("already_queueing", line=line_id, number=s.tickets[held[0]].number)
    line = s.lines[line_id]
    rank: Rank
    if q.place == "front" and line.waiting:
        rank = in_front(line.waiting[0][:3], t.serial)
    elif q.place == "end":
        rank = line.last(now, t.serial)
    else:
        rank = own_rank(s, t)
    sent = e.TicketTransferred(now, t.id, q.window, line_id, rank, q.place, q.to, q.reason, q.note)
    return [sent, *drained(s, q.window, now)]


def reject(s: HallState, q: c.RejectTicket, now: int) -> list[Event]:
    """Send home with one notice that lists everything missing (一次性告知, R45)."""
    t = served(s, q.window)
    missing = tuple(dict.fromkeys(q.missing))
    if not missing:
        raise Refusal("invalid", fields={"missing": "list everything that is missing"})
    return [e.TicketRejected(now, t.id, q.window, missing), *drained(s, q.window, now)]


def finish(s: HallState, q: c.FinishTicket, now: int) -> list[Event]:
    """The visit is done."""
    t = served(s, q.window)
    return [e.TicketFinished(now, t.id, q.window), *drained(s, q.window, now)]


def next_ticket(s: HallState, q: c.NextTicket, now: int) -> list[Event]:
    """Finish, if somebody is served, and call, in one decision."""
    id = q.window
    window = s.windows.get(id)
    if window is not None and window.closing and window.ticket is not None:
        return finish(s, c.FinishTicket(id), now)
    window = ready(s, id)
    found: list[Event] = []
    if window.ticket is not None:
        found.append(e.TicketFinished(now, served(s, id).id, id))
    chosen = first_callable(s, window, now)
    if chosen is not None:
        found.append(e.TicketCalled(now, chosen, id, f"c{s.call_count + 1}", window.staff))
    return found


def undo(s: HallState, q: c.Undo, now: int) -> list[Event]:
    """Take back the last finish, no-show, reject or transfer, within the undo time and while nobody acted on it."""
    window = s.window(q.window)
    free(s, window)
    last = window.undoable
    if window.state == "closed":
        raise Refusal("window_closed", window=window.id, allowed=("open",))
    if last is None or last.kind not in UNDO_LIFE:
        raise Refusal("nothing_to_undo", window=window.id)
    if not s.may_undo(last, now):
        raise Refusal("too_late", number=last.before.number)
    holder, line = last.before.holder, last.before.line
    after = s.tickets[last.before.id]
    if holder is not None and (after.state in ENDED or after.line != line):
        held = [id for id in s.holders.get(holder, ()) if s.tickets[id].line == line]
        if len(held) >= s.rules.limits.open_tickets_per_holder:
            raise Refusal("already_queueing", line=line, number=s.tickets[held[0]].number)
    if last.before.cases and after.state in ENDED:
        held_cases(s, last.before.cases)
    return [e.ActionUndone(now, last.before.id, window.id, last.kind)]
