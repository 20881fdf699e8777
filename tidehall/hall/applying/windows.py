"""Windows, the tide, alerts and services that are no case, from events to state.

Law: as in applying/__init__.py; WINDOW_LIFE in hall/state.py says which state a kind leads to.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidehall.hall import events as e
from tidehall.hall.offices.apply import alert_raised_clock, disarm
from tidehall.hall.overlong import KINDS
from tidehall.hall.services import KEPT_DAYS, NONE, counted
from tidehall.hall.state import Alert, HallState, Window
from tidehall.hall.tide import STEPS, Advice, Tide

__all__ = [
    "alert_ended", "alert_raised", "reserve_set", "service_counted", "staff_signed_in", "staff_signed_out",
    "tide_advised", "tide_confirmed", "tide_foreseen", "tide_lapsed", "tide_moves", "window_closed", "window_lines_set",
    "window_opened", "window_paused", "window_resumed",
]  # fmt: skip


def moved(s: HallState, window: Window, at: int) -> None:
    """The window's standing has changed: estimates and boards follow."""
    window.since = at
    window.seq = s.zone_seq[window.zone] = s.seq
    if s.pools:
        for line in s.zone_lines[window.zone]:  # a window serves lines of its own zone
            s.pools.pop(line, None)
    lines, seq = s.lines, s.seq
    for line in window.lines:
        lines[line].seq = seq
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
        ev.window, ev.action, ev.since, ev.due, ev.waiting, ev.open_windows, ev.longest, ev.staff, ev.prospect
    )  # fmt: skip
    tide.broken_at = 0
    stepped(s, tide, ev.due)
    s.zone_seq[ev.zone] = s.seq
    s.watches[ev.zone].weigh_anew(s, ev.due)


def stepped(s: HallState, tide: Tide, at: int) -> None:
    """A step of the tide: the state keeps where the newest ones stand in the journal."""
    tide.steps = (*tide.steps[1 - STEPS :], (at, s.seq))


def tide_foreseen(s: HallState, ev: e.TideForeseen) -> None:
    tide = s.tides[ev.zone]
    assert tide.advice is not None  # decide saw it
    if tide.advice.prospect is None:
        stepped(s, tide, ev.at)
    tide.advice = replace(tide.advice, prospect=ev.prospect)
    s.zone_seq[ev.zone] = s.seq
    s.watches[ev.zone].weigh_anew(s, ev.at)


def tide_lapsed(s: HallState, ev: e.TideLapsed) -> None:
    tide = s.tides[ev.zone]
    tide.advice, tide.broken_at = None, 0
    stepped(s, tide, ev.due)
    s.zone_seq[ev.zone] = s.seq
    s.watches[ev.zone].weigh_anew(s, ev.due)


def tide_confirmed(s: HallState, ev: e.TideConfirmed) -> None:
    window = s.windows[ev.window]
    window.closing = ev.action == "close" and window.ticket is not None
    window.seq = s.zone_seq[ev.zone] = s.seq
    tide = s.tides.get(ev.zone)
    if tide is not None:
        tide.stepped_at = ev.at
        stepped(s, tide, ev.at)
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
    s.alerts[ev.alert] = Alert(
        ev.alert, ev.alert_kind, ev.about, since, owner=ev.owner, seq=s.seq, zone=ev.zone, limit=ev.limit
    )  # fmt: skip
    alert_raised_clock(s, ev, since)
    if ev.alert_kind in KINDS:
        s.overlong.tell(s, ev.alert, since, on=True)


def alert_ended(s: HallState, ev: e.AlertEnded) -> None:
    disarm(s, f"alert:{ev.alert}")
    found = s.alerts[ev.alert] = replace(s.alerts[ev.alert], ended=ev.due or ev.at, seq=s.seq)
    if found.kind in KINDS:
        s.overlong.tell(s, ev.alert, ev.at, on=False)
