"""How a window closes: at once, or when the citizen in front of it has gone.

Law: these functions read the state and return events; who may close is decided where the command is.
"""

from __future__ import annotations

from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.state import HallState, Window
from tidehall.queue.tickets import TicketState

__all__ = ["closing", "drained"]


def closing(s: HallState, window: Window, now: int) -> list[Event]:
    """The window closes; after the day's end, what no other window could serve expires with it."""
    found: list[Event] = [e.WindowClosed(now, window.id)]
    if not s.last_session_over or s.issuing:
        return found
    alone = set(window.lines)
    for other in s.windows.values():
        if other.state != "closed" and other is not window:
            alone.difference_update(other.lines)
    if alone:
        found += [
            e.TicketExpired(now, t.id, now)
            for t in s.tickets.values()
            if t.state in (TicketState.WAITING, TicketState.SUSPENDED) and t.line in alone
        ]
    return found


def drained(s: HallState, id: str, now: int) -> list[Event]:
    """The closing of a window on tidal duty, as its last citizen goes."""
    window = s.windows[id]
    return closing(s, window, now) if window.closing else []
