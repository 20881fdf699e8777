"""The simulator against queues whose truth is known (facts.md 5), each inside its own 99 % interval.

Every case is a round-the-clock hall whose only limits are its windows: 240 citizens an hour over seven letters (a
letter has 999 numbers a day), the first five hours left out. Seeds are fixed, so a case passes or fails for good.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import Any

import pytest

from tests.simulation.laboratory import laboratory, plan_tables
from tidehall.hall import events as e
from tidehall.hall.measures import Measures
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.study import Estimate, Result, estimate, run_study
from tidehall.simulation.tables import Scenario

PER_HOUR = 240.0
LINES = 7
WARM_UP_S = 5 * 3600.0
DAYS = 8
PROOF_DAYS = 100


def queue(windows: int, load: float, *, distribution: str = "exponential", unit: float = 1.0, **more: Any) -> Scenario:
    """A hall with `load` = arrival rate × mean service; in `more`, times of patience and target are in units of
    `unit` mean services."""
    mean_s = load * 3600 / PER_HOUR
    people, target = more.pop("people", {}), more.pop("within", None)
    if "patience" in people:
        people["patience"] = {"distribution": "exponential", "mean_s": people["patience"] * unit * mean_s}
    if target is not None:
        more["target"] = {"wait": {"within_s": target * unit * mean_s}}
    service = {"distribution": distribution, "mean_s": mean_s, "cv": more.pop("cv", 0.8)}
    return laboratory(windows, PER_HOUR, service, lines=LINES, warm_up_s=WARM_UP_S, people=people, **more)


def mean_service(load: float) -> float:
    return load * 3600 / PER_HOUR


def holds(found: Estimate, truth: float) -> bool:
    """Whether the truth lies inside the interval, and the interval is narrow enough to mean something."""
    assert found.mean is not None
    assert found.half_width is not None
    assert found.half_width < 0.5 * abs(truth)
    return abs(found.mean - truth) <= found.half_width


def share(result: Result, name: str) -> Estimate:
    """A count as a share of all citizens."""
    return estimate(((a, n) for (a, _), (n, _) in zip(result.pairs(name), result.pairs("tickets"), strict=True)), 0.99)


#: (name, scenario, measure → (truth, in mean services?))
def cases() -> dict[str, tuple[Scenario, dict[str, float]]]:
    ten_minutes = 0.1  # of a service of ten minutes, a minute
    two_minutes = 0.5
    m24, m12 = mean_service(21.6), mean_service(8.4)
    found = {
        "M/M/24": (
            queue(24, 21.6, within=15, unit=ten_minutes),
            {"waited_share": 0.515921, "wait_mean_s": 2.149669 * ten_minutes * m24, "utilisation": 0.9},
        ),
        "M/M/24 tail": (  # rare long waits come in bouts: few days give an interval that is too narrow
            queue(24, 21.6, within=15, unit=ten_minutes),
            {"wait_within_target": 0.985903},
        ),
        "M/M/12": (
            queue(12, 8.4, within=20 / 60, unit=two_minutes),
            {"waited_share": 0.183889, "wait_mean_s": 0.102160 * two_minutes * m12, "wait_within_target": 0.899080,
             "utilisation": 0.7},
        ),
        "M/M/12+M": (
            queue(12, 8.4, unit=two_minutes, people={"patience": 1.0, "leave": "cancel"}),
            {"left": 0.029679},
        ),
        "M/D/1": (
            queue(1, 0.9, distribution="deterministic"),
            {"wait_mean_s": 4.5 * mean_service(0.9)},
        ),
        "M/G/1": (
            queue(1, 0.8, distribution="lognormal", cv=1.2),
            {"wait_mean_s": 0.8 * (1 + 1.2**2) / (2 * 0.2) * mean_service(0.8)},
        ),
    }  # fmt: skip
    for windows, left in ((22, 0.05474), (24, 0.02632), (26, 0.01168)):
        people = {"patience": 30.0, "leave": "cancel"}
        found[f"M/M/{windows}+M"] = (queue(windows, 21.6, unit=ten_minutes, people=people), {"left": left})
    for windows, waiting in ((3, 0.889), (4, 0.174)):  # Stevenson, table 18.4
        found[f"Stevenson {windows}"] = (queue(windows, 2.0), {"waiting_mean": waiting})
    return found


CASES = cases()


def check(name: str, days: int) -> None:
    scenario, truths = CASES[name]
    result = run_study(scenario, days=days, seed=1, level=0.99)
    for measure, truth in truths.items():
        found = share(result, measure) if measure == "left" else result.measures[measure]
        print(f"{name} {measure}: {found.mean:.6f} ± {found.half_width:.6f}, truth {truth:.6f}, {days} days")
        assert holds(found, truth), measure


#: Enough to see a mistake in seconds; the others, near relatives, wait for `make proof`.
QUICK = ("M/M/12", "M/M/12+M", "M/D/1", "M/G/1", "Stevenson 4")


@pytest.mark.parametrize("name", QUICK)
def test_known_queues(name: str) -> None:
    """Waits, leavers and utilisation of the textbook queues lie inside their intervals."""
    check(name, DAYS)


@pytest.mark.proof
@pytest.mark.parametrize("name", CASES)
def test_known_queues_at_length(name: str) -> None:
    """The same with more days, and so narrower intervals."""
    check(name, PROOF_DAYS)


def times_by_class(
    head_start: float, days: int
) -> tuple[dict[str, list[tuple[float, float]]], list[tuple[float, float]]]:
    """(Σ time in system, people) of each class and day, in mean services, and (Σ wait, people) of all: M/M/1, λ .2
    of class `first` with its head start (minutes) and λ .6 without."""
    tables = plan_tables(1, lines=LINES, priority={"normal": 0.0, "first": head_start})
    lines = [line["id"] for line in tables["lines"]]
    mean_s, warm = mean_service(0.8), round(WARM_UP_S * 1_000_000)
    scenario = read_scenario(
        {"demand": {"lines": {x: {"profile": [["00:00", PER_HOUR / LINES]]} for x in lines}},
         "service": {"lines": {x: {"distribution": "exponential", "mean_s": mean_s} for x in lines}},
         "people": {"priority": {"first": 0.25}}},
        parse_plan(tables),
    )  # fmt: skip
    stage = Stage(scenario)
    by_class: dict[str, list[tuple[float, float]]] = defaultdict(list)
    waits: list[tuple[float, float]] = []
    for day in range(days):
        measures, priority = Measures(), {}
        for event in stage.play(1, day).events:
            measures.apply(event)
            if isinstance(event, e.TicketTaken):
                priority[event.ticket] = event.priority
        counted = [
            (priority[id], v) for id, v in measures.visits.items()
            if v.taken >= stage.hours.midnight + warm and v.outcome == "finished"
        ]  # fmt: skip
        for name in ("first", "normal"):
            mine = [(v.ended - v.taken) / 1e6 / mean_s for p, v in counted if p == name]
            by_class[name].append((sum(mine), len(mine)))
        waits.append((sum(v.first_call - v.taken for _, v in counted) / 1e6 / mean_s, len(counted)))
    return by_class, waits


BOTH_LENGTHS = pytest.mark.parametrize("days", [DAYS, pytest.param(PROOF_DAYS, marks=pytest.mark.proof)])


@BOTH_LENGTHS
def test_priorities_of_cobham(days: int) -> None:
    """A head start longer than the day is Cobham's strict priority: 2 and 6 services in the system."""
    by_class, _ = times_by_class(1e6, days)
    assert holds(estimate(by_class["first"], 0.99), 2.0)
    assert holds(estimate(by_class["normal"], 0.99), 6.0)


@BOTH_LENGTHS
def test_a_head_start_moves_waiting_but_makes_none(days: int) -> None:
    """With a head start of a minute (five services) the classes wait differently, all together as long as first come
    first served (Kleinrock's conservation law); no formula gives the classes' own waits."""
    by_class, waits = times_by_class(1.0, days)
    assert holds(estimate(waits, 0.99), 4.0)
    first, normal = (estimate(by_class[name], 0.99).mean or 0 for name in ("first", "normal"))
    assert 2.0 < first < 5.0 < normal < 6.0


def naive(arrivals: list[int], service: list[int], opens: int, windows: int) -> list[int]:
    """Waits of a first-come line before `windows` that open at one moment: an event loop that knows no hall."""
    free, waiting, waits = windows, [], {}
    todo = [(opens, 0, -1)] + [(at, 1, i) for i, at in enumerate(arrivals)]
    heapq.heapify(todo)
    is_open = False
    while todo:
        now, kind, i = heapq.heappop(todo)
        if kind == 0:
            is_open = True
        elif kind == 1:
            waiting.append(i)
        else:
            free += 1
        while is_open and free and waiting:
            first = waiting.pop(0)
            free -= 1
            waits[first] = now - arrivals[first]
            heapq.heappush(todo, (now + service[first], 2, first))
    return [waits[i] for i in range(len(arrivals))]


@pytest.mark.parametrize("day", range(5))
def test_time_varying_line_equals_an_independent_loop(day: int) -> None:
    """Mt/M/c on the same arrivals and services: every single wait is the same, to the microsecond."""
    tables = plan_tables(16, hours=("08:30", "17:30"))
    scenario = read_scenario(
        {"demand": {"lines": {"A": {"day_factor_cv": 0.1, "profile": [
            ["08:00", 60], ["09:00", 130], ["10:30", 100], ["12:00", 30], ["14:00", 110], ["16:30", 60]]}}},
         "service": {"lines": {"A": {"mean_s": 600.0, "cv": 0.8}}}},
        parse_plan(tables),
    )  # fmt: skip
    stage = Stage(scenario)
    (flow,) = stage.draw(7, day)
    measures = Measures()
    for event in stage.play(7, day, flows=[flow]).events:
        measures.apply(event)
    found = [measures.visits[f"t{i + 1}"].first_call - at for i, at in enumerate(flow.arrivals)]
    assert found == naive(flow.arrivals, flow.service, stage.hours.opens, 16)
    assert max(found) > 0
