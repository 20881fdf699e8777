"""One zone cut out of a hall: its lines, windows and open tickets, and nothing else.

Law: a slice is a hall like any other (it can be asked, woken, copied, kept and restored) and shares nothing that
changes with the hall that it was cut from. The offices stay behind: their clocks, cases and papers are no part of it.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.papers.objects import Offices
from tidehall.hall.plan import Plan
from tidehall.hall.tide import Tide
from tidehall.queue.tickets import ENDED

__all__ = ["cut"]


def cut(hall: Hall, zone: str, *, rule: bool = True) -> Hall:
    """The zone as it stands; without `rule` the tide advises nothing there. Raises Refusal unknown_zone, no_plan.

    A line of another zone comes along, with this one ticket, where a change of plan has left its citizen in front of a
    window of this zone.
    """
    s = hall.state
    plan = s.rules
    if zone not in s.zones:
        raise Refusal("unknown_zone", zone=zone)
    new = s.copy()
    new.windows = {w.id: w for w in new.windows.values() if w.zone == zone}
    in_front = {w.ticket for w in new.windows.values()}
    own = {line.id for line in s.lines.values() if line.zone == zone}
    new.tickets = {
        t.id: t for t in new.tickets.values() if t.id in in_front or (t.state not in ENDED and t.line in own)
    }
    kept = own | {t.line for t in new.tickets.values()}
    new.lines = {id: line for id, line in new.lines.items() if id in kept}
    zones = {zone} | {line.zone for line in new.lines.values()}
    new.plan = cut_plan(plan, zones, set(new.lines), set(new.windows), rule=rule)
    new.next_plan = None  # it begins with another day
    new.offices = Offices()
    new.services = {}
    new.notices, new.runners = {}, {}
    new.zone_seq = {id: seq for id, seq in s.zone_seq.items() if id in zones}
    new.calls = {id: call for id, call in s.calls.items() if call.ticket in new.tickets}
    new.recent = {id: calls for id, calls in new.recent.items() if id in zones}
    new.missed = {id: [t for t in tickets if t in new.tickets] for id, tickets in s.missed.items() if id in zones}
    places = zones | set(new.lines) | set(new.windows)
    new.alerts = {id: alert for id, alert in s.alerts.items() if alert.about in places}
    new.reserves = {id: staff for id, staff in s.reserves.items() if id in zones}
    new.tides = {id: tide for id, tide in new.tides.items() if id in zones}
    if not rule:
        for id, tide in new.tides.items():
            new.tides[id] = Tide(stepped_at=tide.stepped_at, unserved_from=tide.unserved_from)
    new.compile(new.plan)
    new.index()
    return Hall(s.id, state=new)


def cut_plan(plan: Plan, zones: set[str], lines: set[str], windows: set[str], *, rule: bool) -> Plan:
    """The plan of these zones, lines and windows: whole and right like the one it was cut from."""
    items = tuple(
        replace(item, zones=tuple(id for id in item.zones if id in zones))
        for item in plan.items if item.line in lines
    )  # fmt: skip
    needed = {item.department for item in items} | {part.department for item in items for part in item.parts}
    return replace(
        plan,
        zones=tuple(zone for zone in plan.zones if zone.id in zones),
        lines=tuple(line for line in plan.lines if line.id in lines),
        windows=tuple(
            replace(w, lines=tuple(id for id in w.lines if id in lines)) for w in plan.windows if w.id in windows
        ),
        departments=tuple(
            replace(d, zone=d.zone if d.zone in zones else None) for d in plan.departments if d.id in needed
        ),
        items=items,
        bundles=(),
        authorisations=(),
        tide={id: table for id, table in plan.tide.items() if rule and id in zones},
        boards=(),
        alerts=None,  # nobody is told of what might be
    )
