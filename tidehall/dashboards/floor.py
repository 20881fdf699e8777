"""The floor plan: what each window does now, since when, and what its supervisor may do there.

Law: a cell's word, shape and colour are three names of the same state, and the state is the hall's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tidehall.display.office_lists import Row
from tidehall.display.views import optional_time, time_text
from tidehall.hall.alert_rules import AlertRules
from tidehall.hall.state import HallState, Window

__all__ = ["WORDS", "floor_rows", "window_facts"]

#: The states of a cell, in the order in which a legend names them.
WORDS = ("idle", "called", "serving", "long", "closing", "pausing", "paused", "closed")


def long_after(state: HallState, line: str) -> int:
    """From when on a service of a line is long, µs after its start: as the plan's alert says."""
    rule = (state.rules.alerts or AlertRules()).long_service
    return round(rule.lines.get(line, rule.limit_s) * 1_000_000)


def what(state: HallState, window: Window, now: int, freed: int = 0) -> tuple[str, int, int]:
    """(state of the cell, since when, from when on it is `long`), µs; 0: never. `freed`: its last service's end."""
    ticket = state.tickets.get(window.ticket) if window.ticket else None
    ending = "closing" if window.closing else "pausing" if window.state == "paused" else ""
    if ticket is not None and ticket.state == "serving":
        late = ticket.started_at + long_after(state, ticket.line)
        kind = ending or ("long" if now >= late else "serving")
        return kind, ticket.started_at, 0 if ending else late
    if ticket is not None:
        return ending or "called", ticket.called_at, 0
    if window.state == "open":
        return ("closing" if window.closing else "idle"), max(window.since, freed), 0
    return window.state, window.since, 0


def window_facts(state: HallState, window: Window, now: int, freed: int = 0) -> dict[str, Any]:
    """A cell; an empty window is idle since it was opened or its last service ended (`freed`, µs)."""
    kind, since, late = what(state, window, now, freed)
    ticket = state.tickets.get(window.ticket) if window.ticket else None
    return {
        "id": window.id,
        "label": window.label,
        "post": window.post,
        "kind": kind,
        "number": ticket.number if ticket is not None else "",
        "since": optional_time(state, since or None) if kind != "closed" else None,
        "since_s": max(0, now - since) // 1_000_000 if since else 0,
        "late": time_text(state, late) if late else None,
    }


def moved(state: HallState, window: Window) -> int:
    """The journal seq of the last event that may have changed a window's cell."""
    ticket = state.tickets.get(window.ticket) if window.ticket else None
    return max(window.seq, ticket.seq if ticket is not None else 0, state.plan_seq)


def floor_rows(state: HallState, zone: str, now: int, freed: Mapping[str, int]) -> list[Row]:
    """A zone's windows in the order of their labels; `freed`: when each one's last service ended, µs."""
    found = [w for w in state.windows.values() if w.zone == zone]
    found.sort(key=lambda w: (len(w.label), w.label))
    return [Row(w.id, moved(state, w), "cell", partial(window_facts, state, w, now, freed.get(w.id, 0))) for w in found]


def counts(state: HallState, zone: str, now: int) -> Mapping[str, int]:
    """How many of a zone's windows are in each state."""
    found = dict.fromkeys(WORDS, 0)
    for window in state.windows.values():
        if window.zone == zone:
            found[what(state, window, now)[0]] += 1
    return found
