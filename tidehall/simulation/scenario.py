"""Reading a scenario: which people come to which hall on which day (contract.md, "Scenario file").

Law: a scenario is whole and right, or it is refused with all its mistakes, each with its place. What it leaves out is
the plan's, or a default of tables.py; it holds no rule of the hall.
"""

from __future__ import annotations

import datetime
from math import isfinite
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from tidehall.hall.calendar import Schedule, clock_minutes
from tidehall.hall.errors import HallError, PlanInvalid
from tidehall.hall.plan import Plan, TideRule, parse_plan
from tidehall.hall.reading import Reader, plain_words
from tidehall.simulation.sizing_table import on_the_pool, read_choices
from tidehall.simulation.tables import (
    Clerks,
    Cost,
    DayPlan,
    Demand,
    DemandTable,
    Distribution,
    HandOffTarget,
    OfficeWork,
    People,
    Scenario,
    Target,
    TidePolicy,
    Transfer,
    WaitTarget,
    WindowSteps,
    Wish,
)

__all__ = ["ScenarioInvalid", "plan_source", "read_scenario"]

SECOND = 1_000_000
#: No rate, duration or count of a scenario is larger (TOML knows inf and nan).
LARGEST = 1e7
#: Nobody means to simulate more people of one kind on a day than this.
MOST_A_DAY = 1_000_000


class ScenarioInvalid(HallError):
    """A wrong scenario: `problems` lists every mistake as "place: what is wrong"."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


SECTIONS = (
    "plan", "hall", "day", "demand", "service", "transfers", "people", "clerks", "windows", "offices", "tide", "target",
    "cost",
    "sizing",  # what `tidehall size` may choose: looked at here, read by it alone (sizing_table.py)
)  # fmt: skip
SINGLE = {"day": DayPlan, "people": People, "clerks": Clerks, "tide": TidePolicy, "cost": Cost, "offices": OfficeWork}


def plan_source(tables: dict[str, Any]) -> str | Plan:
    """Where a scenario's plan stands: a file's name for the caller to find, or the plan itself where it is inline.

    Raises ScenarioInvalid.
    """
    inline, named = tables.get("hall"), tables.get("plan")
    if (inline is None) == (named is None):
        raise ScenarioInvalid(['plan: name a plan file (plan = "halls/….toml"), or write the plan under [hall.…]'])
    if isinstance(named, str):
        return named
    if not isinstance(inline, dict):
        raise ScenarioInvalid(["plan: must be the name of a file" if inline is None else "hall: must be a table"])
    try:
        return parse_plan(inline)
    except PlanInvalid as wrong:
        raise ScenarioInvalid([f"hall.{problem}" for problem in wrong.problems]) from wrong


def read_scenario(tables: dict[str, Any], plan: Plan) -> Scenario:
    """The scenario that plain TOML tables describe, on this plan. Raises ScenarioInvalid with all mistakes."""
    read = Reader()
    for name in sorted(tables.keys() - set(SECTIONS)):
        read.say(name, f"is not a section of a scenario; sections are {', '.join(SECTIONS)}")
    parts: dict[str, Any] = {name: kind() for name, kind in SINGLE.items() if name != "offices"} | {"offices": None}
    for name, kind in SINGLE.items():
        if name in tables:
            table = tables[name]
            if name == "day" and isinstance(table, dict) and isinstance(table.get("date"), datetime.date):
                table = table | {"date": table["date"].isoformat()[:10]}
            parts[name] = read.table(kind, table, name) or parts[name]
    parts["target"] = read_target(read, tables.get("target", {}))
    demand, factor = read_demand(read, tables.get("demand"), plan)
    line_service, item_service = read_service(read, tables.get("service", {}), plan)
    transfers = read_transfers(read, tables.get("transfers", {}), plan)
    windows = read_windows(read, tables.get("windows", {}), plan)
    rules = read_day(read, parts["day"], plan)
    check_people(read, parts["people"], plan)
    for name in ("clerks", "cost", "offices"):
        if parts[name] is not None:
            check_numbers(read, parts[name], name)
    if parts["offices"] is not None:
        check_offices(read, parts["offices"], plan)
    read_choices(read, tables.get("sizing", {}), plan)
    tide: TidePolicy = parts["tide"]
    if tide.policy == "off":
        rules = replace(rules, tide=dict[str, TideRule]())
    elif tide.policy != "plan":
        rules = replace(rules, tide={zone: replace(rule, policy=tide.policy) for zone, rule in rules.tide.items()})
    if read.problems:
        raise ScenarioInvalid(read.problems)
    return Scenario(
        plan=rules, demand=demand, day_factor_cv=factor, line_service=line_service, item_service=item_service,
        transfers=transfers, windows=windows, **parts,
    )  # fmt: skip


def read_target(read: Reader, table: object) -> Target:
    """`[target]` field by field."""
    if not isinstance(table, dict):
        read.say("target", "must be a table")
        return Target()
    for name in sorted(table.keys() - {"wait", "hand_off"}):
        read.say(f"target.{name}", "is not known here; known are hand_off, wait")
    wait = read.table(WaitTarget, table.get("wait", {}), "target.wait") or WaitTarget()
    hand_off = read.table(HandOffTarget, table.get("hand_off", {}), "target.hand_off") or HandOffTarget()
    for place, share in (("wait", wait.share), ("hand_off", hand_off.share)):
        if not 0 < share < 1:
            read.say(f"target.{place}.share", "must lie between 0 and 1")
    if not 0 <= wait.within_s <= LARGEST:
        read.say("target.wait.within_s", "must be at least 0 and finite")
    return Target(wait, hand_off)


def subtables(read: Reader, table: object, place: str, known: dict[str, set[str]]) -> list[tuple[str, str, Any]]:
    """(group, id, table) of `[place.group.id]`, for ids that the plan knows."""
    found: list[tuple[str, str, Any]] = []
    if not isinstance(table, dict):
        read.say(place, "must be a table")
        return found
    for group, rows in table.items():
        if group not in known:
            if not (place == "demand" and group == "day_factor_cv"):
                read.say(f"{place}.{group}", f"is not known here; known are {', '.join(sorted(known))}")
            continue
        if not isinstance(rows, dict):
            read.say(f"{place}.{group}", "must be a table")
            continue
        for id, row in rows.items():
            if id in known[group]:
                found.append((group, id, row))
            else:
                read.say(f"{place}.{group}.{id}", f"the plan has no {group[:-1]} {id!r}")
    return found


def read_demand(read: Reader, table: object, plan: Plan) -> tuple[tuple[Demand, ...], float]:
    """`[demand]`: the streams of citizens and the whole hall's day factor."""
    if table is None:
        read.say("demand", "is missing; write [demand.lines.ID] with a profile")
        return (), 0.0
    found: list[Demand] = []
    line_of = {item.code: item.line for item in plan.items}
    known = {"lines": {line.id for line in plan.lines}, "items": set(line_of)}
    served = {line for window in plan.windows for line in window.lines}
    for group, id, row in subtables(read, table, "demand", known):
        place = f"demand.{group}.{id}"
        entry: DemandTable | None = read.table(DemandTable, row, place)
        if entry is None:
            continue
        line, item = (id, None) if group == "lines" else (line_of[id], id)
        if line not in served:
            read.say(place, f"no window serves line {line!r}")
        profile: list[tuple[int, float]] = []
        for i, (text, rate) in enumerate(entry.profile):
            at = clock_minutes(text)
            if at is None:
                read.say(f"{place}.profile[{i}]", f"{text!r} must be a time HH:MM up to 24:00")
            elif not 0 <= rate <= LARGEST:
                read.say(f"{place}.profile[{i}]", f"a rate is citizens per hour, from 0 to {LARGEST:g}")
            elif profile and at * 60 * SECOND <= profile[-1][0]:
                read.say(f"{place}.profile[{i}]", f"{text} must come after the time before it")
            else:
                profile.append((at * 60 * SECOND, rate))
        if not entry.profile:
            read.say(f"{place}.profile", "needs at least one [time, rate]")
        check_crowd(read, f"{place}.profile", profile)
        check_share(read, f"{place}.day_factor_cv", entry.day_factor_cv, most=10)
        if entry.bursts is not None:
            check_numbers(read, entry.bursts, f"{place}.bursts")
            if entry.bursts.mean_size < 1:
                read.say(f"{place}.bursts.mean_size", "must be at least 1")
        for code, weight in entry.mix.items():
            if line_of.get(code) != line:
                read.say(f"{place}.mix.{code}", f"is no item of line {line!r}")
            elif not 0 < weight <= LARGEST:
                read.say(f"{place}.mix.{code}", "a weight must be above 0 and finite")
        mix = tuple(entry.mix.items())
        found.append(Demand(line, item, tuple(profile), entry.day_factor_cv, entry.bursts, mix))
    factor = table.get("day_factor_cv", 0.0) if isinstance(table, dict) else 0.0
    if not isinstance(factor, int | float) or isinstance(factor, bool):
        read.say("demand.day_factor_cv", "must be a number")
        factor = 0.0
    check_share(read, "demand.day_factor_cv", factor, most=10)
    if not found and not read.problems:
        read.say("demand", "nobody comes: write [demand.lines.ID] with a profile")
    return tuple(sorted(found, key=lambda d: d.key)), float(factor)


def check_crowd(read: Reader, place: str, profile: list[tuple[int, float]]) -> None:
    """A day's people can be held in memory."""
    hour, ends = 3600 * SECOND, [at for at, _ in profile[1:]] + [24 * 3600 * SECOND]
    expected = sum(rate * max(0, end - at) / hour for (at, rate), end in zip(profile, ends, strict=False))
    if expected > MOST_A_DAY:
        read.say(place, f"brings {expected:,.0f} people a day; {MOST_A_DAY:,} are the most (rates are per hour)")


def read_service(read: Reader, table: object, plan: Plan) -> tuple[dict[str, Distribution], dict[str, Distribution]]:
    """How long serving takes, by line and by item."""
    known = {"lines": {line.id for line in plan.lines}, "items": {item.code for item in plan.items}}
    found: dict[str, dict[str, Distribution]] = {"lines": {}, "items": {}}
    for group, id, row in subtables(read, table, "service", known):
        entry: Distribution | None = read.table(Distribution, row, f"service.{group}.{id}")
        if entry is not None:
            check_distribution(read, entry, f"service.{group}.{id}")
            found[group][id] = entry
    # what the file leaves out is what the plan assumes; its figure for an item gives way to the file's for the line
    assumed = {
        i.code: Distribution(mean_s=i.service_s) for i in plan.items if i.service_s and i.line not in found["lines"]
    }
    lines = {line.id: Distribution(mean_s=line.service_s or plan.service.default_s) for line in plan.lines}
    return lines | found["lines"], assumed | found["items"]


def read_transfers(read: Reader, table: object, plan: Plan) -> dict[str, tuple[Transfer, ...]]:
    """`[transfers]`: who is sent on where, by the line that he was served in."""
    if not isinstance(table, dict):
        read.say("transfers", "must be a table: [transfers.FROM] with TO = share")
        return {}
    served = {line for window in plan.windows for line in window.lines}
    known = {line.id for line in plan.lines if line.purpose != "pickup"}
    found: dict[str, tuple[Transfer, ...]] = {}
    for line, rows in table.items():
        place = f"transfers.{line}"
        if line not in known:
            read.say(place, f"the plan has no line {line!r} for visits")
        if not isinstance(rows, dict):
            read.say(place, "must be a table: TO = share")
            continue
        ways: list[Transfer] = []
        for to, row in rows.items():
            here = f"{place}.{to}"
            entry = row if isinstance(row, dict) else {"share": row}
            if "line" in entry:
                read.say(f"{here}.line", "is not known here; known are place, share")
            way: Transfer | None = read.table(Transfer, entry | {"line": to}, here)
            if to not in known:
                read.say(here, f"the plan has no line {to!r} for visits")
            elif to not in served:
                read.say(here, f"no window serves line {to!r}")
            if way is not None:
                check_share(read, f"{here}.share" if isinstance(row, dict) else here, way.share)
                ways.append(way)
        if sum(way.share for way in ways) > 1 + 1e-9:
            read.say(place, "the shares are more than 1 together")
        found[line] = tuple(ways)
    check_ends(read, found)
    return found


def check_ends(read: Reader, transfers: dict[str, tuple[Transfer, ...]]) -> None:
    """From every line people must be able to go home."""
    held = {line for line, ways in transfers.items() if sum(way.share for way in ways) > 1 - 1e-9}
    before = 0
    while before != len(held):
        before = len(held)
        held = {line for line in held if all(way.line in held for way in transfers[line] if way.share > 0)}
    for line in sorted(held):
        read.say(f"transfers.{line}", "nobody ever goes home from here: the shares lead in a circle")


def read_windows(read: Reader, table: object, plan: Plan) -> dict[str, WindowSteps]:
    """`[windows]`: counts or ids from a time on, at most as many as the zone has; ids alone hold all day."""
    if not isinstance(table, dict):
        read.say("windows", "must be a table: ZONE = [[time, count], …]")
        return {}
    found: dict[str, WindowSteps] = {}
    zones = {zone.id for zone in plan.zones}
    for zone, rows in table.items():
        place = f"windows.{zone}"
        if zone not in zones:
            read.say(place, f"the plan has no zone {zone!r}")
            continue
        if isinstance(rows, list) and rows and all(isinstance(id, str) for id in rows):
            rows = [["00:00", rows]]
        try:
            steps = convert(rows, tuple[tuple[str, Wish], ...])
        except ValidationError as err:
            read.say(place, plain_words(str(err)))
            continue
        ids = {w.id for w in plan.windows if w.zone == zone and w.post == "acceptance" and w.lines}
        there = len(ids)
        kept: list[tuple[int, Wish]] = []
        for i, (text, wish) in enumerate(steps):
            at = clock_minutes(text)
            strange = [id for id in wish if id not in ids] if isinstance(wish, tuple) else []
            count = len(wish) if isinstance(wish, tuple) else wish
            if at is None:
                read.say(f"{place}[{i}]", f"{text!r} must be a time HH:MM up to 24:00")
            elif strange:
                names = ", ".join(map(repr, strange))
                read.say(f"{place}[{i}]", f"{names}: zone {zone!r} has no such window that accepts")
            elif isinstance(wish, tuple) and len(set(wish)) < count:
                read.say(f"{place}[{i}]", "names a window twice")
            elif not 0 <= count <= there:
                read.say(f"{place}[{i}]", f"{count} windows: zone {zone!r} has {there} that accept; write 0 to {there}")
            elif kept and at * 60 * SECOND <= kept[-1][0]:
                read.say(f"{place}[{i}]", f"{text} must come after the time before it")
            else:
                kept.append((at * 60 * SECOND, wish))
        found[zone] = tuple(kept)
    return found


def read_day(read: Reader, day: DayPlan, plan: Plan) -> Plan:
    """The plan with the day's own hours. The hall must open on that day."""
    rules = plan
    if (day.open is None) != (day.close is None):
        read.say("day.open", "give open and close, both or none")
    elif day.open is not None and day.close is not None:
        opens, closes = clock_minutes(day.open), clock_minutes(day.close)
        if opens is None or closes is None or opens >= closes:
            read.say("day.open", f"{day.open}–{day.close} must be two times HH:MM in order, up to 24:00")
        else:
            rules = replace(plan, hall=replace(plan.hall, hours=((day.open, day.close),)))
    try:
        date = datetime.date.fromisoformat(day.date)
    except ValueError:
        read.say("day.date", f"{day.date!r} is not a date YYYY-MM-DD")
    else:
        if not Schedule(rules).open_on(date):
            read.say("day.date", f"the hall is closed on {day.date}; choose one of its open days")
    if not 0 <= day.warm_up_s <= 86_400:
        read.say("day.warm_up_s", "must be at least 0 and less than a day")
    return rules


def check_people(read: Reader, people: People, plan: Plan) -> None:
    """Shares are shares, classes are the plan's."""
    check_share(read, "people.no_show", people.no_show)
    check_share(read, "people.precheck_share", people.precheck_share)
    check_distribution(read, people.precheck, "people.precheck")
    if not 0 <= people.walk_s <= LARGEST:
        read.say("people.walk_s", "must be at least 0 and finite")
    if people.patience is not None:
        check_distribution(read, people.patience, "people.patience")
        check_share(read, "people.patience.zero_share", people.patience.zero_share)
    if people.away is not None:
        check_distribution(read, people.away, "people.away")
        check_share(read, "people.away.share", people.away.share)
    for name, share in people.priority.items():
        if name not in plan.priority or name == "booked":
            classes = ", ".join(sorted(plan.priority.keys() - {"booked"}))
            read.say(f"people.priority.{name}", f"is no class of people of the plan; classes are {classes}")
        check_share(read, f"people.priority.{name}", share)
    if sum(people.priority.values()) > 1 + 1e-9:
        read.say("people.priority", "the shares are more than 1 together")


def check_distribution(read: Reader, d: Distribution, place: str) -> None:
    """A distribution that can be drawn from."""
    if d.distribution == "empirical":
        if not d.values or not all(0 <= value <= LARGEST for value in d.values):
            read.say(f"{place}.values", "needs at least one number of seconds, none below 0")
        elif d.mean_s and not sum(d.values):
            read.say(f"{place}.mean_s", "cannot be reached from values that are all 0")
    elif not 0 < d.mean_s <= LARGEST:
        read.say(f"{place}.mean_s", "must be above 0 and finite")
    if not 0 < d.cv <= 100:
        read.say(f"{place}.cv", "must be above 0 and at most 100")
    if not 1 <= d.phases <= 1000:
        read.say(f"{place}.phases", "must be between 1 and 1000")


def check_share(read: Reader, place: str, value: float, most: float = 1) -> None:
    if not 0 <= value <= most:
        read.say(place, f"must lie between 0 and {most:g}")


def check_numbers(read: Reader, table: Struct, place: str) -> None:
    """Every number of a table is finite and not below 0; shares are at most 1; distributions can be drawn from."""
    for name in table.__struct_fields__:
        value = getattr(table, name)
        if isinstance(value, Distribution):
            check_distribution(read, value, f"{place}.{name}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            most = 1 if name.endswith("share") else LARGEST
            if not (isfinite(value) and 0 <= value <= most):
                read.say(f"{place}.{name}", f"must lie between 0 and {most:g}")


def check_offices(read: Reader, work: OfficeWork, plan: Plan) -> None:
    """At least one person everywhere where work may come."""
    departments = {department.id for department in plan.departments}
    for name in ("batch", "middle", "officers", "makers"):
        if getattr(work, name) < 1:
            read.say(f"offices.{name}", "must be at least 1")
    if work.pool < 1 and (zones := on_the_pool(plan)):
        read.say("offices.pool", f"must be at least 1: no runners of their own have {', '.join(zones)}")
    for department, count in work.officers_of.items():
        if department not in departments:
            read.say(f"offices.officers_of.{department}", f"the plan has no department {department!r}")
        if count < 1:
            read.say(f"offices.officers_of.{department}", "must be at least 1")
    if work.messenger is not None:
        check_times(read, work.messenger.at, "offices.messenger.at")
    if not plan.items:
        read.say("offices", "the plan has no items: no case can be taken in")


def check_times(read: Reader, times: tuple[str, ...], place: str) -> None:
    """Times of one day, in order, at least one."""
    minutes = [clock_minutes(text) for text in times]
    for text, at in zip(times, minutes, strict=True):
        if at is None or at == 24 * 60:
            read.say(place, f"{text!r} must be a time HH:MM before 24:00")
    known = [at for at in minutes if at is not None]
    if not times:
        read.say(place, "needs at least one time HH:MM")
    elif known != sorted(set(known)):
        read.say(place, "the times must be in order, each once")
