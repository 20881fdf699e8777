"""Citizens who are sent on from line to line: the scenario's section, the way of one of them, and whole networks
against Ciw 3.2.7 and Jackson's theorem.

The networks are round-the-clock halls of three zones with their own windows; the first five hours are left out. Seeds
are fixed, so a case passes or fails for good.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.laboratory import MINUTE, WORDS, plan_tables, story
from tidehall.hall import events as e
from tidehall.hall.plan import Plan, parse_plan
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.draws import Flow, Leg
from tidehall.simulation.scenario import ScenarioInvalid, read_scenario
from tidehall.simulation.staffing import erlang_c
from tidehall.simulation.study import Estimate, estimate, play_days
from tidehall.simulation.tables import Scenario, Transfer

ROOT = Path(__file__).parent.parent.parent
WARM_UP_S = 5 * 3600.0
DAYS = 10
PROOF_DAYS = 100

# ---- the section of the scenario


def small(transfers: dict[str, Any], **more: Any) -> Scenario:
    """Two lines, A and B, each with a window of its own."""
    return read_scenario(
        {"demand": {"lines": {"A": {"profile": [["09:00", 20.0]]}}}, "transfers": transfers, **more}, two_lines()
    )


def two_lines() -> Plan:
    tables = plan_tables(2, lines=2, hours=("09:00", "12:00"))
    for window, line in zip(tables["windows"], "AB", strict=True):
        window["lines"] = [line]
    return parse_plan(tables)


def test_transfers_are_read() -> None:
    """A share alone keeps the arrival; a table says the place."""
    found = small({"A": {"B": 0.3}, "B": {"A": {"share": 0.1, "place": "end"}}}).transfers
    assert found == {"A": (Transfer("B", 0.3),), "B": (Transfer("A", 0.1, "end"),)}
    assert small({}).transfers == {}


@pytest.mark.parametrize(
    ("transfers", "places"),
    [
        (3, ["transfers"]),
        ({"X": {"B": 0.1}}, ["transfers.X"]),
        ({"A": 0.3}, ["transfers.A"]),
        ({"A": {"X": 0.3, "B": 1.5}}, ["transfers.A.X", "transfers.A.B", "transfers.A"]),
        ({"A": {"B": "much"}}, ["transfers.A.B.share"]),
        ({"A": {"B": {"share": 0.1, "place": "front"}}}, ["transfers.A.B.place"]),
        ({"A": {"B": {"share": 0.1, "line": "A"}}}, ["transfers.A.B.line"]),
        ({"A": {"B": {"share": float("nan")}}}, ["transfers.A.B.share"]),
        ({"A": {"B": 1.0}, "B": {"A": 1.0}}, ["transfers.A", "transfers.B"]),
    ],
)
def test_mistakes_have_places(transfers: Any, places: list[str]) -> None:
    """Every wrong share, line and place is told, and so is a circle that nobody leaves."""
    with pytest.raises(ScenarioInvalid) as caught:
        small(transfers)
    assert [problem.split(":")[0] for problem in caught.value.problems] == places


# ---- the way of one citizen


def play(flows: list[Flow], **more: Any) -> tuple[Played, int]:
    stage = Stage(small({"A": {"B": 0.5}}, **more))
    nine = stage.hours.opens
    for flow in flows:
        flow.arrivals = [nine + at for at in flow.arrivals]
    return stage.play(1, 0, flows=flows), nine


@pytest.mark.parametrize(("place", "order"), [("arrival", ["t2", "t1", "t3"]), ("end", ["t2", "t3", "t1"])])
def test_the_place_in_the_next_line(place: Any, order: list[str]) -> None:
    """Who keeps his arrival is called before those who came after it; at the end he is called behind them."""
    a = Flow("A", [0], [5 * MINUTE], onward=[(Leg("B", place, 3 * MINUTE),)])
    b = Flow("B", [1 * MINUTE, 2 * MINUTE], [10 * MINUTE, MINUTE])
    played, nine = play([a, b])
    assert story(played, nine, e.TicketTransferred) == [("TicketTransferred", 5, "t1")]
    calls = [ev.ticket for ev in played.events if isinstance(ev, e.TicketCalled) and ev.window == "w2"]
    assert calls == order
    assert next(ev.number for ev in played.events if isinstance(ev, e.TicketTaken)) == "A001"


def test_who_may_still_be_sent_on_keeps_the_next_line_open() -> None:
    """After closing time line B waits for the citizen in front of A's window, serves him, and goes home; when the last
    one of A is sent nowhere, it goes home with A."""
    last = 179 * MINUTE
    a = Flow("A", [last], [30 * MINUTE], onward=[(Leg("B", "arrival", 4 * MINUTE),)])
    played, nine = play([a])
    assert story(played, nine, e.WindowClosed, e.TicketFinished) == [
        ("WindowClosed", 209, "w1"), ("TicketFinished", 213, "t1"), ("WindowClosed", 213, "w2"),
    ]  # fmt: skip
    played, nine = play([Flow("A", [last], [30 * MINUTE])])
    assert sorted(story(played, nine, e.WindowClosed)) == [("WindowClosed", 209, "w1"), ("WindowClosed", 209, "w2")]


@pytest.mark.parametrize("leave", ["silent", "cancel"])
def test_patience_ends_with_the_first_service(leave: str) -> None:
    """Who was served once waits in the next line as long as it takes."""
    a = Flow("A", [0], [5 * MINUTE], patience=[6 * MINUTE], onward=[(Leg("B", "end", MINUTE),)])
    played, nine = play([a, Flow("B", [0], [60 * MINUTE])], people={"leave": leave})
    assert story(played, nine, e.TicketFinished)[-1] == ("TicketFinished", 61, "t1")


def test_the_same_people_are_sent_on() -> None:
    """Another share sends on more of the same people, whose services in the next line do not change."""
    (few,), (many,) = (Stage(small({"A": {"B": share}})).draw(3, 1) for share in (0.2, 0.6))
    assert few.onward is not None
    assert many.onward is not None
    assert (few.arrivals, few.service) == (many.arrivals, many.service)
    sent = [i for i, way in enumerate(few.onward) if way]
    assert 0 < len(sent) < sum(1 for way in many.onward if way)
    assert [few.onward[i] for i in sent] == [many.onward[i] for i in sent]
    (none,) = Stage(small({})).draw(3, 1)
    assert (none.onward, none.service) == (None, few.service)


# ---- networks

#: Citizens an hour who come to the first zone; windows and mean services of the three; who goes on where.
PER_HOUR = 120.0
WINDOWS = [5, 3, 2]
MEAN_S = [110.0, 112.0, 90.0]
ROUTING = [[0.0, 0.6, 0.2], [0.0, 0.0, 0.5], [0.1, 0.0, 0.0]]
#: A letter gives 999 numbers a day: the first zone has five of them.
FIRST = "ABCDE"
#: What is sent back to the first zone stands in its letter A.
NODES = [FIRST, "F", "G"]


def network(cv: float | None) -> Scenario:
    """The hall; services are exponential, or lognormal with a coefficient of variation."""
    tables = plan_tables(sum(WINDOWS), lines=7)
    tables["zones"] = [{"id": f"z{n}", "name": WORDS} for n in range(3)]
    for line in tables["lines"]:
        line["zone"] = next(f"z{n}" for n, letters in enumerate(NODES) if line["id"] in letters)
    zones = [n for n, count in enumerate(WINDOWS) for _ in range(count)]
    for window, n in zip(tables["windows"], zones, strict=True):
        window |= {"zone": f"z{n}", "lines": list(NODES[n])}
    shape: dict[str, Any] = {"distribution": "exponential"} if cv is None else {"distribution": "lognormal", "cv": cv}
    return read_scenario(
        {
            "day": {"warm_up_s": WARM_UP_S},
            "demand": {"lines": {x: {"profile": [["00:00", PER_HOUR / len(FIRST)]]} for x in FIRST}},
            "service": {"lines": {x: shape | {"mean_s": MEAN_S[n]} for n, xs in enumerate(NODES) for x in xs}},
            "transfers": {
                x: {NODES[m][0]: {"share": share, "place": "end"} for m, share in enumerate(ROUTING[n]) if share}
                for n, letters in enumerate(NODES) for x in letters
            },
        },
        parse_plan(tables),
    )  # fmt: skip


@cache
def ours(cv: float | None, days: int) -> list[dict[str, Estimate]]:
    """Mean wait (first ones and those after being sent on) and mean number waiting of each node."""
    nodes: list[dict[str, list[tuple[float, float]]]] = [{"wait": [], "waiting": []} for _ in WINDOWS]
    for day, _ in play_days(network(cv), 1, range(days)):
        for n, node in enumerate(nodes):
            zone = day[f"zone:z{n}"]
            first, later = zone["wait_mean_s"], zone["sent_on_wait_mean_s"]
            node["wait"].append((first[0] + later[0], first[1] + later[1]))
            node["waiting"].append(zone["waiting_mean"])
    return [{name: estimate(pairs, 0.99) for name, pairs in node.items()} for node in nodes]


def ciws(cv: float | None, days: int) -> list[dict[str, Estimate]]:
    """The same from Ciw."""
    asked = {
        "per_hour": [PER_HOUR, 0, 0], "windows": WINDOWS, "mean_s": MEAN_S, "routing": ROUTING, "cv": cv, "days": days,
        "warm_up_s": WARM_UP_S,
    }  # fmt: skip
    aside = ROOT / ".venv" / "ciw"
    assert (aside / "ciw").is_dir(), "Ciw is not there: run `make tools`"
    script = Path(__file__).with_name("ciw_network.py")
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(asked), str(aside)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["version"] == "3.2.7"
    period = 86_400 - WARM_UP_S
    return [
        {
            "wait": estimate(((day[n]["wait"], day[n]["calls"]) for day in answer["days"]), 0.99),
            "waiting": estimate(((day[n]["waiting"], period) for day in answer["days"]), 0.99),
        }
        for n in range(len(WINDOWS))
    ]


def compare_with_ciw(cv: float | None, days: int) -> None:
    for n, (mine, its) in enumerate(zip(ours(cv, days), ciws(cv, days), strict=True)):
        for name in ("wait", "waiting"):
            a, b = mine[name], its[name]
            assert a.mean is not None
            assert b.mean is not None
            joint = sqrt((a.half_width or 0) ** 2 + (b.half_width or 0) ** 2)
            figures = f"{a.mean:.4f} - {b.mean:.4f} = {a.mean - b.mean:.4f} ± {joint:.4f}"
            print(f"cv {cv} node {n} {name}: {figures}, {days} days of each")
            assert joint < 0.6 * b.mean, "too wide to mean anything"
            assert abs(a.mean - b.mean) <= joint, (n, name)


def test_a_network_as_ciw_plays_it() -> None:
    """Mean waits and numbers waiting at all three nodes lie within the joint 99 % interval of both simulators, with
    lognormal services, for which there is no formula."""
    compare_with_ciw(0.8, DAYS)


@pytest.mark.proof
@pytest.mark.parametrize("cv", [None, 0.8])
def test_a_network_as_ciw_plays_it_at_length(cv: float | None) -> None:
    """The same with more days, and so narrower intervals; with exponential services too."""
    compare_with_ciw(cv, PROOF_DAYS)


def compare_with_jackson(days: int) -> None:
    rates = [0.0] * 3
    for _ in range(100):  # the traffic equations, by going round
        rates = [(PER_HOUR if n == 0 else 0.0) + sum(rates[m] * ROUTING[m][n] for m in range(3)) for n in range(3)]
    for n, found in enumerate(ours(None, days)):
        load = rates[n] * MEAN_S[n] / 3600
        wait = erlang_c(load, WINDOWS[n]) * MEAN_S[n] / (WINDOWS[n] - load)
        for name, truth in (("wait", wait), ("waiting", wait * rates[n] / 3600)):
            mean, half = found[name].mean, found[name].half_width
            print(f"node {n} {name}: {mean:.4f} ± {half:.4f}, truth {truth:.4f}, {days} days")
            assert mean is not None
            assert half is not None
            assert abs(mean - truth) <= half, (n, name)


def test_jacksons_network() -> None:
    """With exponential services every node is as if it stood alone (Jackson): exact waits and numbers waiting."""
    compare_with_jackson(DAYS)


@pytest.mark.proof
def test_jacksons_network_at_length() -> None:
    """The same with more days, and so narrower intervals."""
    compare_with_jackson(PROOF_DAYS)
