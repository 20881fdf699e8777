"""What the tide brings, and what a supervisor does about it: advice, its confirmation, the reserve (R95, R106).

Law: advice is an event and changes no window; a window moves by a confirmation, of a person or by the plan's wish, and
that is an event too. Who does not follow advice is on record by its lapse.
"""

from __future__ import annotations

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.closing import closing
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.clocks import alert, alert_over, supervisor_of
from tidehall.hall.state import HallState, Window
from tidehall.hall.tide import Due, Watch
from tidehall.hall.windows import sign_in

__all__ = ["brought", "close_tidal", "lapses", "open_tidal", "set_reserve", "soonest"]


def soonest(s: HallState) -> tuple[int, Watch, Due] | None:
    """The zone in which something is due first, in the plan's order when at the same moment."""
    best: tuple[int, Watch, Due] | None = None
    for watch in s.watches.values():
        due = watch.due(s)
        if due is not None and (best is None or due[0] < best[0]):
            best = (due[0], watch, due)
    return best


def brought(s: HallState, watch: Watch, due: Due, now: int) -> list[Event]:
    """The events of what is due in a zone."""
    at, what = due
    match what:
        case "unserved":
            return alert(s, now, "no_window_open", watch.zone, supervisor_of(s, watch.zone), at)
        case "served":
            return alert_over(s, now, f"no_window_open:{watch.zone}")
        case "lapse":
            return [lapse(watch, now, at)]
        case _:
            return advise(s, watch, what, now, at)


def advise(s: HallState, watch: Watch, action: str, now: int, due: int) -> list[Event]:
    """The advice, and by the plan's wish what it says, at once."""
    window = watch.next_closed(s) if action == "open" else watch.next_open(s, due)
    assert window is not None  # the watch saw it
    tide = watch.tide
    opening = action == "open"
    staff = window.staff or (s.free_staff(watch.zone) if opening else None)
    advised = e.TideAdvised(
        now, watch.zone, window.id, "open" if opening else "close", tide.open_from if opening else tide.close_from,
        watch.waiting, len(watch.open), due - watch.order[0][0] if watch.order else 0, due, staff,
    )  # fmt: skip
    if watch.rule is None or watch.rule.confirm != "automatic":
        return [advised]
    if opening:
        return [advised, *opened(window, staff, now, window.staff, as_advised=True)]
    return [advised, *closed(s, window, now, as_advised=True)]


def lapse(watch: Watch, now: int, due: int) -> e.TideLapsed:
    """The advice of a zone holds no longer."""
    advice = watch.tide.advice
    assert advice is not None  # the watch saw it
    return e.TideLapsed(now, watch.zone, advice.window, advice.action, due)


def lapses(s: HallState, now: int, due: int) -> list[Event]:
    """Every advice that stands, as the plan changes under it."""
    return [lapse(watch, now, due) for watch in s.watches.values() if watch.tide.advice is not None]


def tidal(s: HallState, id: str) -> Window:
    """The tidal window, or Refusal unknown_window, not_tidal."""
    window = s.window(id)
    if window.post != "tidal":
        raise Refusal("not_tidal", window=id)
    return window


def open_tidal(s: HallState, q: c.OpenTidal, now: int) -> list[Event]:
    """Open a tidal window, as advised or not; signing in follows, unless `staff` is said (contract.md)."""
    window = tidal(s, q.window)
    if window.state == "paused":
        raise Refusal("window_paused", window=window.id, allowed=("resume", "close"))
    if window.state == "open" and not window.closing:
        return []
    found: list[Event] = []
    if q.staff is not None and window.staff is None:
        found += sign_in(s, c.SignIn(window.id, q.staff), now)
    seated = window.staff or q.staff
    return [*found, *opened(window, seated, now, seated, as_advised=advised(s, window, "open"))]


def opened(window: Window, staff: str | None, now: int, seated: str | None, *, as_advised: bool) -> list[Event]:
    """The confirmation with who is to take it, and the window open with who sits there already."""
    found: list[Event] = [e.TideConfirmed(now, window.zone, window.id, "open", as_advised, staff)]
    return [*found, e.WindowOpened(now, window.id, seated)] if window.state == "closed" else found


def close_tidal(s: HallState, q: c.CloseTidal, now: int) -> list[Event]:
    """Close a tidal window, as advised or not; it finishes its citizen first."""
    window = tidal(s, q.window)
    over = window.state == "closed" or window.closing
    return [] if over else closed(s, window, now, as_advised=advised(s, window, "close"))


def closed(s: HallState, window: Window, now: int, *, as_advised: bool) -> list[Event]:
    """The confirmation, and the window closed unless somebody stands in front of it."""
    found: list[Event] = [e.TideConfirmed(now, window.zone, window.id, "close", as_advised, window.staff)]
    return found if window.ticket is not None else [*found, *closing(s, window, now)]


def advised(s: HallState, window: Window, action: str) -> bool:
    """Whether this step is the advice that stands."""
    watch = s.watches.get(window.zone)
    advice = watch.tide.advice if watch is not None else None
    return advice is not None and (advice.window, advice.action) == (window.id, action)


def set_reserve(s: HallState, q: c.SetReserve, now: int) -> list[Event]:
    """Who may take a tidal window of the zone when the tide comes."""
    if q.zone not in s.zones:
        raise Refusal("unknown_zone", zone=q.zone)
    staff = tuple(dict.fromkeys(q.staff))
    return [] if staff == s.reserves.get(q.zone, ()) else [e.ReserveSet(now, q.zone, staff)]
