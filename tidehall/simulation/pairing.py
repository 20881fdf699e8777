"""What two scenarios have in common when their days are compared: the same people, or only the same random numbers.

Law: people are what draws.py draws before a day begins, and how they leave. Where every table that this rests on is the
same, the same citizens come at the same moments with the same services, habits and papers; where one differs, citizen
*i* of the one is not citizen *i* of the other, and only the random numbers behind both are the same
(docs/decisions/009-the-twin.md).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from tidehall.simulation.tables import Demand, Scenario
from tidehall.simulation.world import Hours

__all__ = ["parted"]

#: What of `[offices]` is drawn with the citizens; the rest says who works on their papers.
PAPERS = (
    "case_share", "urgent_share", "check", "refuse_share", "same_day_share", "review", "make", "collect_share", "issue",
    "support_share", "answer", "messenger",
)  # fmt: skip
#: What of `[people]` says nothing of them: how far the windows are.
WAYS = ("walk_s",)


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
