"""How the hall stands now, in numbers, by zone: what the five figures and the list of zones are made from.

Law: numbers only, in µs and shares, no words; None is "no data", never 0. What is aimed at says the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from tidehall.dashboards.ahead import Ahead
from tidehall.dashboards.today import Today, waited_at_most
from tidehall.hall.engine import Hall
from tidehall.hall.state import Alert, HallState
from tidehall.queue.tickets import TicketState

__all__ = ["Standing", "open_alerts", "shown_zones", "standings"]

#: window → (serving time, open time) today, µs
Use = Mapping[str, tuple[int, int]]


class Standing(Struct, frozen=True):
    """A zone, or ("") the hall: its waits are those of the zone that stands worst, whose id is `worst`.

    `wait`: within this time the target's share of the people is called, as of now (µs); `least`: it is a lower bound.
    `soon`: of nine in ten in half an hour, as forecast; `soon_least`: a lower bound, as not every zone with people
    waiting has been foreseen. `busy`: serving ÷ open time today.
    `alerts`: without acknowledgement. `serving`: open windows that serve; `called`: that have called and wait.
    """

    zone: str
    waiting: int
    longest: int
    wait: int | None
    least: bool
    soon: int | None
    soon_least: bool
    worst: str
    soon_worst: str
    judged: int
    on_time: int
    under_way: int
    late: int
    busy: float | None
    open_windows: int
    serving: int
    alerts: int
    escalated: int
    called: int = 0


def shown_zones(state: HallState) -> list[str]:
    """The zones with windows, in the plan's order."""
    with_windows = {window.zone for window in state.windows.values()}
    return [zone.id for zone in state.rules.zones if zone.id in with_windows]


def standings(hall: Hall, today: Today, ahead: Mapping[str, Ahead], now: int) -> dict[str, Standing]:
    """Every zone with windows, and "" for the whole hall. `now` in µs."""
    state = hall.state
    zones = shown_zones(state)
    use = today.use(now)
    found = {zone: of_zone(state, today, ahead.get(zone), zone, use, now) for zone in zones}
    found[""] = of_hall(state, list(found.values()), today, use)
    return found


def share_busy(use: Use, windows: Collection[str]) -> float | None:
    """Serving ÷ open time of some windows; None where none was open."""
    served, opened = (sum(use[id][part] for id in windows if id in use) for part in (0, 1))
    return served / opened if opened else None


def counted_late(today: Today, zone: str | None) -> tuple[int, int, int, int]:
    """(judged, of them in time, under way, of them late) of the hand-offs begun today.

    Judged: checked by the receiver, or the limit has passed; the way on to a department outside is not counted.
    """
    legs = [c for c in today.kept.carriages.values() if not c.onward and (zone is None or c.zone == zone)]
    judged = [c for c in legs if c.verified_at or c.breached]
    open_ones = [c for c in legs if not c.verified_at and not c.ended]
    return (
        len(judged), sum(not c.breached for c in judged), len(open_ones), sum(c.breached for c in open_ones)
    )  # fmt: skip


def open_alerts(state: HallState, zone: str | None) -> list[Alert]:
    """Alerts that nobody has acknowledged; those about no zone belong to the hall."""
    return [
        a
        for a in state.alerts.values()
        if a.ended is None and a.acknowledged_by is None and (zone is None or a.zone == zone)
    ]


def of_zone(state: HallState, today: Today, ahead: Ahead | None, zone: str, use: Use, now: int) -> Standing:
    """One zone."""
    tickets = state.tickets
    since = [tickets[e[3]].waiting_since for line in state.lines.values() if line.zone == zone for e in line.waiting]
    first = [
        now - tickets[e[3]].waiting_since
        for line in state.lines.values()
        if line.zone == zone
        for e in line.waiting
        if not tickets[e[3]].first_called_at
    ]
    wait = waited_at_most((c.wait for c in today.recent(zone, now)), first, state.rules.targets.wait.share)
    windows = {w.id for w in state.windows.values() if w.zone == zone}
    at_work = [tickets[w.ticket].state for w in state.windows.values()
               if w.zone == zone and w.state == "open" and w.ticket in tickets]  # fmt: skip
    judged, on_time, under_way, late = counted_late(today, zone)
    alerts = open_alerts(state, zone)
    return Standing(
        zone, len(since), max(0, now - min(since, default=now)),
        None if wait is None else wait[0], wait is not None and wait[1], None if ahead is None else ahead.soon,
        False, zone, zone, judged, on_time, under_way, late, share_busy(use, windows),
        sum(state.windows[id].state == "open" for id in windows),
        at_work.count(TicketState.SERVING), len(alerts), sum(a.escalated for a in alerts),
        at_work.count(TicketState.CALLED),
    )  # fmt: skip


def of_hall(state: HallState, zones: list[Standing], today: Today, use: Use) -> Standing:
    """The whole hall: sums, and the waits of the zone where they are longest."""
    worst = max(zones, key=lambda z: (z.wait is not None, z.wait or 0), default=None)
    later = max(zones, key=lambda z: (z.soon is not None, z.soon or 0), default=None)
    judged, on_time, under_way, late = counted_late(today, None)
    alerts = open_alerts(state, None)
    return Standing(
        "", sum(z.waiting for z in zones), max((z.longest for z in zones), default=0),
        worst.wait if worst is not None else None, worst is not None and worst.least,
        later.soon if later is not None else None, any(z.waiting and z.soon is None for z in zones),
        worst.zone if worst is not None else "",
        later.zone if later is not None else "", judged, on_time, under_way, late,
        share_busy(use, state.windows.keys()), sum(z.open_windows for z in zones), sum(z.serving for z in zones),
        len(alerts), sum(a.escalated for a in alerts), sum(z.called for z in zones),
    )  # fmt: skip
