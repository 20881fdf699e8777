"""Scenario files: what they leave out is the plan's or a default, and every mistake is told with its place."""

from __future__ import annotations

import copy
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.laboratory import plan_tables
from tidehall.hall.plan import Plan, parse_plan
from tidehall.simulation.scenario import ScenarioInvalid, plan_source, read_scenario
from tidehall.simulation.tables import Distribution

ROOT = Path(__file__).parent.parent.parent
#: Contract.md's example, on a plan of our own.
EXAMPLE = """
[day]
date = 2026-11-23
warm_up_s = 0
drain = true
[demand.lines.A]
profile = [["08:30", 40.0], ["09:00", 65.0], ["12:00", 20.0], ["17:30", 0.0]]
day_factor_cv = 0.1
[service.lines.A]
distribution = "lognormal"
mean_s = 720.0
cv = 0.8
[people]
walk_s = 20.0
no_show = 0.0
patience = { distribution = "exponential", mean_s = 1800.0, zero_share = 0.1 }
leave = "silent"
[windows]
z = [["08:30", 20], ["12:00", 8], ["14:00", 24]]
[offices]
[tide]
policy = "plan"
[target]
wait = { share = 0.95, within_s = 900, reading = "citizens" }
hand_off = { share = 0.99 }
[cost]
window_hour = 1.0
"""
ITEM = {"code": "A-1", "name": {"zh": "名", "en": "Name"}, "department": "d", "line": "A"}
DEPARTMENTS = {"departments": [{"id": "d", "name": {"zh": "名", "en": "Name"}}], "items": [ITEM]}


def plan(**more: Any) -> Plan:
    return parse_plan(plan_tables(24, lines=2, hours=("08:30", "17:30"), **DEPARTMENTS, **more))


def problems(tables: dict[str, Any], on: Plan | None = None) -> list[str]:
    with pytest.raises(ScenarioInvalid) as caught:
        read_scenario(tables, on or plan())
    return caught.value.problems


def test_example_of_the_contract() -> None:
    """The contract's scenario is read as it is written."""
    found = read_scenario(tomllib.loads(EXAMPLE), plan())
    (demand,) = found.demand
    assert (demand.line, demand.profile[1], demand.day_factor_cv) == ("A", (9 * 3600 * 1_000_000, 65.0), 0.1)
    assert found.service("A", None) == Distribution(distribution="lognormal", mean_s=720.0, cv=0.8)
    assert found.service("A", "A-1").mean_s == 720.0
    assert found.service("B", None) == Distribution(mean_s=600.0)
    assert found.windows["z"][2] == (14 * 3600 * 1_000_000, 24)
    assert found.people.patience is not None
    assert found.people.patience.zero_share == 0.1
    assert found.offices is not None


def test_everything_has_a_default() -> None:
    """A profile is enough; without [offices] nobody carries papers."""
    found = read_scenario({"demand": {"lines": {"A": {"profile": [["08:30", 1]]}}}}, plan())
    assert (found.people.patience, found.offices, found.windows, found.day.drain) == (None, None, {}, True)


def test_day_overrides_hours_and_tide() -> None:
    """Open and close make one session of the plan's; tide off takes its rules away."""
    tide = {"tide": {"z": {"open_wait_s": 60.0, "close_wait_s": 30.0}}}
    tables = {"day": {"date": date(2026, 11, 23), "open": "10:00", "close": "12:00"}, "tide": {"policy": "off"},
              "demand": {"items": {"A-1": {"profile": [["08:30", 1]]}}}}  # fmt: skip
    found = read_scenario(tables, plan(**tide))
    assert found.plan.hall.hours == (("10:00", "12:00"),)
    assert found.plan.tide == {}
    assert read_scenario(tables | {"tide": {}}, plan(**tide)).plan.tide.keys() == {"z"}
    assert (found.demand[0].line, found.demand[0].item) == ("A", "A-1")


def test_all_mistakes_at_once() -> None:
    """One reading finds every mistake, each with its place."""
    tables = tomllib.loads(EXAMPLE)
    tables["demand"]["lines"]["X"] = {"profile": []}
    tables["demand"]["lines"]["A"]["profile"] = [["09:00", 1.0], ["08:00", -1.0], ["25:00", 1.0]]
    tables["service"]["lines"]["A"] |= {"mean_s": 0.0, "cv": "wide"}
    tables["people"] |= {"no_show": 1.5, "walks": 3, "priority": {"king": 0.1}}
    tables["windows"] |= {"z": [["08:30", 25]], "attic": []}
    tables["target"]["wait"]["reading"] = "years"
    tables["tide"]["policy"] = "sometimes"
    tables["offices"] = {"batch": 0, "officers_of": {"nobody": 1}}
    tables["weather"] = {}
    tables["sizing"] = {"confidence": 95, "windows": {"z": [9, 3], "nozone": [1, 2]}, "max_day": 1}
    found = "\n".join(problems(tables))
    for place in (
        "weather:", "demand.lines.X:", "demand.lines.A.profile[1]:", "demand.lines.A.profile[2]:",
        "service.lines.A.mean_s:", "service.lines.A.cv: must be a number", "people.no_show:", "people.walks:",
        "people.priority.king:", "windows.z[0]:", "windows.attic:", "target.wait.reading:", "tide.policy:",
        "offices.batch:", "offices.officers_of.nobody:", "sizing.confidence:", "sizing.windows.z:",
        "sizing.windows.nozone:", "sizing.max_day:",
    ):  # fmt: skip
        assert place in found
    assert "tide.policy: Invalid enum value 'sometimes'; write one of plan, off, threshold, forecast" in found


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"day": {"date": "2026-11-22"}}, None),
        ({"day": {"date": "tomorrow"}}, "day.date"),
        ({"day": {"open": "08:00"}}, "day.open"),
        ({"day": {"open": "12:00", "close": "08:00"}}, "day.open"),
        ({"demand": {}}, "demand"),
        ({"demand": 3}, "demand"),
        ({"people": []}, "people"),
        ({"people": {"patience": {"distribution": "exponential"}}}, "people.patience.mean_s"),
        ({"service": {"lines": {"A": {"distribution": "empirical"}}}}, "service.lines.A.values"),
        ({"windows": {"z": 3}}, "windows.z"),
        ({"windows": {"z": [["08:30", float("nan")]]}}, "windows.z"),
        ({"demand": {"lines": {"A": {"profile": [["08:30", float("inf")]]}}}}, "demand.lines.A.profile[0]"),
        ({"demand": {"lines": {"A": {"profile": [["08:30", 9e6], ["12:00", 0]]}}}}, "demand.lines.A.profile"),
        ({"clerks": {"changeover_s": -1.0}}, "clerks.changeover_s"),
    ],
)
def test_single_mistakes(change: dict[str, Any], place: str | None) -> None:
    """Each wrong value is told by its place; a plan that opens on Sundays takes a Sunday."""
    tables = copy.deepcopy({"demand": {"lines": {"A": {"profile": [["08:30", 1.0]]}}}}) | change
    if place is None:
        assert read_scenario(tables, plan()).day.date == "2026-11-22"
    else:
        assert [p.split(":")[0] for p in problems(tables)] == [place]


def test_plan_inline_or_named() -> None:
    """The plan is a file's name or stands under hall; both or neither is a mistake, a wrong one shows its own."""
    assert plan_source({"plan": "halls/yangxin.toml"}) == "halls/yangxin.toml"
    inline = plan_source({"hall": plan_tables(2)})
    assert isinstance(inline, Plan)
    assert len(inline.windows) == 2
    wrong: list[dict[str, Any]] = [
        {}, {"plan": "x", "hall": {}}, {"plan": 3}, {"hall": 3}, {"hall": {"hall": {}}},
    ]  # fmt: skip
    for tables in wrong:
        with pytest.raises(ScenarioInvalid):
            plan_source(tables)


def test_shipped_scenario_is_right() -> None:
    """scenarios/yangxin.toml is read on halls/yangxin.toml without a mistake."""
    tables = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    source = plan_source(tables)
    assert isinstance(source, str)
    found = read_scenario(tables, parse_plan(tomllib.loads((ROOT / source).read_text("utf-8"))))
    assert len(found.demand) == 15
