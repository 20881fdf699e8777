"""What two scenarios have in common when their days are compared, and in what they differ.

Law: people are what draws.py draws before a day begins, and how they leave. Where every table that this rests on is the
same, the same citizens come at the same moments with the same services, habits and papers; where one differs, citizen
*i* of the one is not citizen *i* of the other, and only the random numbers behind both are the same
(docs/decisions/009-the-twin.md).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from tidehall.simulation.tables import Demand, Scenario
from tidehall.simulation.world import Hours

__all__ = ["Change", "changed", "parted"]

#: What of `[offices]` is drawn with the citizens; the rest says who works on their papers.
PAPERS = (
    "case_share", "urgent_share", "check", "refuse_share", "same_day_share", "review", "make", "collect_share", "issue",
    "support_share", "answer", "messenger",
)  # fmt: skip
#: What of `[people]` says nothing of them: how far the windows are.
WAYS = ("walk_s",)


#: Tables of a plan whose rows have an id.
ROWS = ("zones", "lines", "windows", "departments", "items")
#: The plan's other tables that move anything in a simulated day.
RULES = ("hall", "limits", "service", "offices", "priority")


class Change(Struct, frozen=True):
    """Where the other scenario says something else, as a scenario file writes it; None: nothing is said there. Of the
    plan's rows only the place is told."""

    place: str
    base: Any
    other: Any


def changed(one: Scenario, other: Scenario) -> tuple[Change, ...]:
    """Everything in which two scenarios differ, by its place in the file (windows.ZONE) or in the plan
    (plan.windows.ID), in order. What `[day]` and `[tide]` say is not told of the plan again."""
    mine, others = written(one), written(other)
    places = sorted(place for place in mine.keys() | others.keys() if mine.get(place) != others.get(place))
    hours = [(scenario.day.open, scenario.day.close) for scenario in (one, other)]
    said = {"plan.tide.": one.tide != other.tide, "plan.hall.hours": hours[0] != hours[1]}
    again = tuple(place for place, already in said.items() if already)
    places = [place for place in places if not place.startswith(again)]
    return tuple(
        Change(place, None, None) if place.startswith("plan.") and not place.startswith("plan.tide.")
        else Change(place, mine.get(place), others.get(place))
        for place in places
    )  # fmt: skip


def written(scenario: Scenario) -> dict[str, Any]:
    """Place → what stands there, of all that a simulated day rests on."""
    found: dict[str, Any] = {"demand.day_factor_cv": scenario.day_factor_cv}
    for demand in scenario.demand:
        place = f"lines.{demand.line}" if demand.item is None else f"items.{demand.item}"
        rest = to_builtins(demand) | {"profile": [[clock(at), rate] for at, rate in demand.profile]}
        found |= {f"demand.{place}.{key}": value for key, value in rest.items() if key not in ("line", "item")}
    for group, services in (("lines", scenario.line_service), ("items", scenario.item_service)):
        found |= {f"service.{group}.{id}": to_builtins(service) for id, service in services.items()}
    for line, ways in scenario.transfers.items():
        found |= {f"transfers.{line}.{way.line}": to_builtins(way) for way in ways}
    for zone, steps in scenario.windows.items():
        found[f"windows.{zone}"] = [[clock(at), wish] for at, wish in steps]
    for table in ("day", "people", "clerks", "offices", "tide", "target", "cost"):
        for key, value in (to_builtins(getattr(scenario, table)) or {}).items():
            found[f"{table}.{key}"] = value
    plan = scenario.plan
    for table in ROWS:
        found |= {f"plan.{table}.{getattr(row, 'id', None) or row.code}": row for row in getattr(plan, table)}
    for table in RULES:
        found |= {f"plan.{table}.{key}": value for key, value in to_builtins(getattr(plan, table)).items()}
    return found | {f"plan.tide.{zone}": to_builtins(rule) for zone, rule in plan.tide.items()}


def clock(at: int) -> str:
    """HH:MM of µs after midnight."""
    return f"{at // 3_600_000_000:02d}:{at // 60_000_000 % 60:02d}"


def parted(one: Scenario, other: Scenario) -> tuple[str, ...]:
    """The places of a scenario file ("demand.lines.A", "people.patience") at which the people of these two differ, in
    order; none: the same people come to both. "day": the hour until which they come, by the file or by the plan."""
    if (one.offices is None) != (other.offices is None):
        return tuple(sorted([*parted_in(people_of(one), people_of(other)), "offices"]))
    return parted_in(people_of(one) | papers_of(one), people_of(other) | papers_of(other))


def parted_in(mine: dict[str, Any], others: dict[str, Any]) -> tuple[str, ...]:
    """The keys whose values differ, in order."""
    return tuple(sorted(place for place in mine.keys() | others.keys() if mine.get(place) != others.get(place)))


def people_of(scenario: Scenario) -> dict[str, Any]:
    """All that a day's people are drawn from, by its place in a scenario file."""
    hours = Hours(scenario.plan, scenario.day.date)
    found: dict[str, Any] = {"day": hours.closes - hours.midnight, "demand.day_factor_cv": scenario.day_factor_cv}
    for demand in scenario.demand:
        place = f"lines.{demand.line}" if demand.item is None else f"items.{demand.item}"
        found[f"demand.{place}"] = (demand, items_of(scenario, demand))
    found |= {f"transfers.{line}": ways for line, ways in scenario.transfers.items()}
    found |= {f"people.{name}": habit for name, habit in asdict(scenario.people).items() if name not in WAYS}
    return found | services_of(scenario)


def items_of(scenario: Scenario, demand: Demand) -> tuple[str, ...]:
    """The items among which that of a visit is drawn where the file gives no mix: the plan's, in its order."""
    if demand.item is not None or demand.mix:
        return ()
    return tuple(item.code for item in scenario.plan.items if item.line == demand.line)


def services_of(scenario: Scenario) -> dict[str, Any]:
    """The services of the lines to which people come or are sent on, and of the items there."""
    lines = {demand.line for demand in scenario.demand}
    lines |= {way.line for ways in scenario.transfers.values() for way in ways}
    items = {item.code for item in scenario.plan.items if item.line in lines}
    return {f"service.lines.{line}": scenario.line_service[line] for line in lines} | {
        f"service.items.{code}": service for code, service in scenario.item_service.items() if code in items
    }


def papers_of(scenario: Scenario) -> dict[str, Any]:
    """What becomes of the citizens' papers, as far as it is drawn with them."""
    work = scenario.offices
    return {} if work is None else {f"offices.{name}": getattr(work, name) for name in PAPERS}
