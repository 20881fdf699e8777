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
from tidehall.hall.outlook import Prospect
from tidehall.hall.state import HallState, Window
from tidehall.hall.tide import Action, Due, Watch
from tidehall.hall.windows import sign_in

__all__ = ["advise_tide", "brought", "close_tidal", "lapses", "open_tidal", "set_reserve", "soonest", "withdraw"]


SECOND = 1_000_000


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
            window = watch.next_closed(s) if what == "open" else watch.next_open(s, at)
            assert window is not None  # the watch saw it
            return advise(s, watch, window, what, now, at)


def advise(
    s: HallState, watch: Watch, window: Window, action: Action, now: int, due: int, prospect: Prospect | None = None
) -> list[Event]:
    """The advice, and by the plan's wish what it says, at once. What look-ahead foresees holds from now on."""
    tide = watch.tide
    opening = action == "open"
    since = tide.open_from if opening else tide.close_from
    staff = window.staff or (s.free_staff(watch.zone) if opening else None)
    advised = e.TideAdvised(
        now, watch.zone, window.id, action, since if prospect is None else due, watch.waiting, len(watch.open),
        due - watch.order[0][0] if watch.order else 0, due, staff, prospect,
    )  # fmt: skip
    if watch.rule is None or watch.rule.confirm != "automatic":
        return [advised]
    if opening:
        return [advised, *opened(window, staff, now, window.staff, as_advised=True)]
    return [advised, *closed(s, window, now, as_advised=True)]


def advise_tide(s: HallState, q: c.AdviseTide, now: int) -> list[Event]:
    """Figures for the advice that stands; or, under the policy `forecast`, advice of its own, in the place of another.

    Refusals: unknown_zone, unknown_window, not_tidal, tide_rests (`why`: policy, session, settling, window, min_open).
    """
    watch = watch_of(s, q.zone)
    window = tidal(s, q.window)
    if window.id not in watch.tidal:
        raise Refusal("not_tidal", window=window.id)
    advice = watch.tide.advice
    if advice is not None and (advice.window, advice.action) == (q.window, q.action):
        return [] if advice.prospect == q.prospect else [e.TideForeseen(now, q.zone, q.window, q.action, q.prospect)]
    why = rests(s, watch, window, q.action, now)
    if why:
        raise Refusal("tide_rests", zone=q.zone, window=window.id, why=why)
    before: list[Event] = [lapse(watch, now, now)] if advice is not None else []
    return [*before, *advise(s, watch, window, q.action, now, now, q.prospect)]


def rests(s: HallState, watch: Watch, window: Window, action: Action, now: int) -> str:
    """Why look-ahead may not advise this now; "" when it may."""
    rule = watch.rule
    if rule is None or not watch.forecast:
        return "policy"
    if not s.in_session:
        return "session"
    if now < watch.settled():
        return "settling"
    if window.state != ("closed" if action == "open" else "open") or window.closing:
        return "window"
    return "min_open" if action == "close" and now < window.since + round(rule.min_open_s * SECOND) else ""


def withdraw(s: HallState, q: c.WithdrawAdvice, now: int) -> list[Event]:
    """Look-ahead's advice lapses; that of the thresholds does not. Refusals: unknown_zone."""
    watch = watch_of(s, q.zone)
    return [lapse(watch, now, now)] if watch.forecast and watch.tide.advice is not None else []


def watch_of(s: HallState, zone: str) -> Watch:
    """The zone's watch, or Refusal unknown_zone."""
    found = s.watches.get(zone)
    if found is None:
        raise Refusal("unknown_zone", zone=zone)
    return found


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
