"""Habits of citizens and clerks, each on a day made for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from msgspec import convert
from msgspec.structs import replace

from tests.simulation.laboratory import MINUTE, plan_tables, story
from tidehall.hall import events as e
from tidehall.hall.plan import parse_plan
from tidehall.simulation.citizens import Crowd
from tidehall.simulation.clerks import Roster
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.draws import Flow, Purpose, sample, stream
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.tables import Distribution, People
from tidehall.simulation.world import World


def play(
    arrivals: list[float], service: list[float], *, seats: int = 1, patience: list[float] | None = None,
    absent: list[bool] | None = None, hours: tuple[tuple[str, str], ...] = (("09:00", "12:00"),), **more: Any,
) -> tuple[Played, int]:  # fmt: skip
    """A day on which citizen i comes `arrivals[i]` minutes after nine and is served for `service[i]` minutes; and nine
    o'clock."""
    tables = plan_tables(seats)
    tables["hall"]["hours"] = [list(session) for session in hours]
    scenario = read_scenario({"demand": {"lines": {"A": {"profile": [["09:00", 1.0]]}}}} | more, parse_plan(tables))
    stage = Stage(scenario)
    nine = stage.hours.opens
    flow = Flow(
        "A", [nine + round(at * MINUTE) for at in arrivals], [round(took * MINUTE) for took in service],
        patience=None if patience is None else [round(x * MINUTE) for x in patience], absent=absent,
    )  # fmt: skip
    return stage.play(1, 0, flows=[flow]), nine


def test_longest_idle_clerk_calls_first() -> None:
    """Three windows open, three citizens come one after the other: each goes to the one that has been idle longest."""
    played, nine = play([1, 2, 10, 11], [5, 5, 1, 1], seats=2)
    calls = [ev.window for ev in played.events if isinstance(ev, e.TicketCalled)]
    assert calls == ["w1", "w2", "w1", "w2"]
    assert story(played, nine, e.TicketCalled)[2:] == [("TicketCalled", 10, "t3"), ("TicketCalled", 11, "t4")]


def test_silent_leaver_is_found_missing() -> None:
    """Who gave up silently is called, recalled twice 20 s apart, missed three times and void; the next is called."""
    played, nine = play([0, 1, 2], [10, 5, 5], patience=[60, 3, 60])
    found = story(played, nine, e.TicketCalled, e.TicketRecalled, e.TicketMissed, e.TicketVoided, e.ServiceStarted)
    assert found[2:7] == [
        ("TicketCalled", 10, "t2"),
        ("TicketRecalled", 10 + 1 / 3, "t2"),
        ("TicketRecalled", 10 + 2 / 3, "t2"),
        ("TicketMissed", 11, "t2"),
        ("TicketCalled", 11, "t3"),
    ]
    assert [x for x in found if x[0] in ("TicketMissed", "TicketVoided") and x[2] == "t2"][-1][0] == "TicketVoided"
    assert Counter(x[0] for x in found)["TicketMissed"] == 2


def test_canceller_gives_the_number_back_at_once() -> None:
    """Who cancels leaves exactly when the patience ends; who is called before that is served."""
    played, nine = play([0, 1, 2], [10, 5, 5], patience=[0, 3, 9], people={"leave": "cancel"})
    assert story(played, nine, e.TicketCancelled) == [("TicketCancelled", 4, "t2")]
    assert [x[2] for x in story(played, nine, e.ServiceStarted)] == ["t1", "t3"]


def test_no_patience_at_all() -> None:
    """Without patience: called at once, or gone at once."""
    played, nine = play([0, 1], [10, 5], patience=[0, 0], people={"leave": "cancel"})
    assert story(played, nine, e.TicketCancelled, e.ServiceStarted) == [
        ("ServiceStarted", 0, "t1"), ("TicketCancelled", 1, "t2"),
    ]  # fmt: skip


def test_no_show_costs_the_window_time() -> None:
    """Somebody who never appears keeps the window for a minute; then the next is called."""
    played, nine = play([0, 0.5], [5, 5], absent=[True, False])
    assert story(played, nine, e.TicketMissed, e.ServiceStarted)[:2] == [
        ("TicketMissed", 1, "t1"), ("ServiceStarted", 1, "t2"),
    ]  # fmt: skip


def test_walking_and_changing_over() -> None:
    """The walk lies between call and start, the changeover between finish and the next call."""
    played, nine = play([0, 0], [5, 5], people={"walk_s": 30.0}, clerks={"changeover_s": 60.0})
    assert story(played, nine, e.TicketCalled, e.ServiceStarted, e.TicketFinished) == [
        ("TicketCalled", 0, "t1"), ("ServiceStarted", 0.5, "t1"), ("TicketFinished", 5.5, "t1"),
        ("TicketCalled", 6.5, "t2"), ("ServiceStarted", 7, "t2"), ("TicketFinished", 12, "t2"),
    ]  # fmt: skip


def test_a_window_that_must_close_finishes_its_citizen() -> None:
    """From 09:10 on one window: the idle one of the two closes at once; from 09:20 on none: the busy one finishes."""
    steps = {"z": [["09:00", 2], ["09:10", 1], ["09:20", 0], ["09:40", 1]]}
    played, nine = play([0, 1, 15], [30, 2, 5], seats=2, windows=steps)
    assert story(played, nine, e.WindowClosed)[:2] == [("WindowClosed", 10, "w2"), ("WindowClosed", 30, "w1")]
    assert story(played, nine, e.ServiceStarted)[-1] == ("ServiceStarted", 40, "t3")


def test_lunch_and_lunch_relief() -> None:
    """Without a roster all windows close over lunch and numbers wait; with one, those that it names stay open."""
    hours = (("09:00", "10:00"), ("11:00", "12:00"))
    played, nine = play([62], [5], seats=2, hours=hours)
    assert story(played, nine, e.ServiceStarted) == [("ServiceStarted", 120, "t1")]
    played, nine = play([62], [5], seats=2, hours=hours, windows={"z": [["09:00", 2], ["10:00", 1]]})
    assert story(played, nine, e.ServiceStarted) == [("ServiceStarted", 62, "t1")]


def test_who_holds_a_number_at_the_close_is_served() -> None:
    """At the day's end waiting citizens are served on, missed ones are called again, then every window closes; without
    `drain` the day just ends and they are left over."""
    arrivals, service = [178.0, 179.0, 179.5], [10.0, 5.0, 5.0]
    played, nine = play(arrivals, service, seats=2, patience=[999, 999, 0.1])
    ends = story(played, nine, e.TicketFinished, e.TicketVoided, e.TicketExpired)
    assert [x[0] for x in ends].count("TicketFinished") == 2
    assert next(x for x in ends if x[2] == "t3")[0] == "TicketVoided"
    assert len(story(played, nine, e.WindowClosed)) == 2
    played, nine = play(arrivals, service, day={"drain": False})
    assert played.until == nine + 180 * MINUTE
    assert not story(played, nine, e.TicketFinished)


def test_a_break_comes_between_two_citizens() -> None:
    """A break that falls into a service begins after it and lasts its time; meanwhile others wait."""
    played, nine = play([5, 6], [10, 5], clerks={"break_every_s": 600.0, "break_s": 300.0})
    assert story(played, nine, e.WindowPaused, e.WindowResumed, e.ServiceStarted)[:4] == [
        ("ServiceStarted", 5, "t1"), ("WindowPaused", 15, "w1"), ("WindowResumed", 20, "w1"),
        ("ServiceStarted", 20, "t2"),
    ]  # fmt: skip


def test_pre_check_comes_before_the_number() -> None:
    """Who goes to the pre-check takes the number after it, one at a time at one desk; the others go straight on."""
    tables = plan_tables(3, zones=[{"id": "z", "name": {"zh": "名", "en": "Name"}, "posts": {"precheck": 1}}])
    tables["hall"]["hours"] = [["09:00", "12:00"]]
    scenario = read_scenario({"demand": {"lines": {"A": {"profile": [["09:00", 1.0]]}}}}, parse_plan(tables))
    stage = Stage(scenario)
    nine = stage.hours.opens
    flow = Flow("A", [nine, nine, nine], [MINUTE] * 3, precheck=[2 * MINUTE, 3 * MINUTE, -1])
    played = stage.play(1, 0, flows=[flow])
    assert [ev.at - nine for ev in played.events if isinstance(ev, e.TicketTaken)] == [0, 2 * MINUTE, 5 * MINUTE]
    assert played.posts == {"precheck:z": (1, 5 * MINUTE)}
    drawn = replace(scenario, people=People(precheck_share=0.5))
    went = [took >= 0 for day in range(200) for took in Stage(drawn).draw(1, day)[0].precheck or []]
    assert sum(went) / len(went) == pytest.approx(0.5, abs=0.1)


def test_late_clerks_make_the_first_wait() -> None:
    """Clerks come late by their own luck, which does not depend on how many citizens there are."""
    played, nine = play([0], [1], seats=3, clerks={"late_mean_s": 300.0})
    again, _ = play([0, 1, 2], [1, 1, 1], seats=3, clerks={"late_mean_s": 300.0})
    opened = story(played, nine, e.WindowOpened)
    assert len({at for _, at, _ in opened}) == 3
    assert all(at > 0 for _, at, _ in opened)
    assert story(again, nine, e.WindowOpened) == opened


def test_a_window_that_the_hall_opens_gets_a_clerk() -> None:
    """When the hall itself opens a tidal window, somebody comes, signs in and calls; when it closes it, he goes."""
    tables = plan_tables(1)
    tables["hall"]["hours"] = [["09:00", "12:00"]]
    tables["windows"].append({"id": "t1", "label": "9", "zone": "z", "post": "tidal", "lines": ["A"]})
    scenario = read_scenario(
        {"demand": {"lines": {"A": {"profile": [["09:00", 1.0]]}}}, "clerks": {"tidal_s": 60.0}}, parse_plan(tables)
    )
    stage = Stage(scenario)
    hours = stage.hours
    world = World(stage.copy(), hours.midnight)
    roster = Roster(world, scenario.plan, scenario.clerks, walk_s=0)
    roster.follow(hours, scenario.windows, drain=True)
    flow = Flow("A", [hours.opens] * 4, [30 * MINUTE] * 4)
    Crowd(world, roster, [flow], scenario.people, scenario.plan)
    world.at(hours.opens + 5 * MINUTE, lambda _: world.take_in([e.WindowOpened(world.now, "t1")]))
    world.run(hours.opens + 20 * MINUTE)
    assert world.state.windows["t1"].staff is not None
    assert [ev.window for ev in world.events if isinstance(ev, e.ServiceStarted)] == ["w1", "t1"]
    started = [ev.at for ev in world.events if isinstance(ev, e.ServiceStarted)]
    assert started[1] == hours.opens + 6 * MINUTE


def test_the_halls_own_tide_opens_and_closes_with_people() -> None:
    """With `confirm = "automatic"` the engine's advice is followed by itself: the tidal window gets a clerk when many
    wait, and loses him, after his citizen, when it is calm again."""
    tables = plan_tables(1)
    tables["hall"]["hours"] = [["09:00", "17:00"]]
    tables["windows"].append({"id": "t1", "label": "9", "zone": "z", "post": "tidal", "lines": ["A"]})
    tables["tide"] = {"z": {"open_waiting_per_window": 3.0, "open_for_s": 60.0, "close_for_s": 60.0, "settle_s": 60.0,
                            "min_open_s": 600.0, "confirm": "automatic"}}  # fmt: skip
    written = {"demand": {"lines": {"A": {"profile": [["09:00", 1.0]]}}}}
    found: dict[str, Played] = {}
    for policy in ("plan", "off"):
        stage = Stage(read_scenario(written | {"tide": {"policy": policy}}, parse_plan(tables)))
        flow = Flow("A", [stage.hours.opens + i * MINUTE for i in range(20)], [10 * MINUTE] * 20)
        found[policy] = stage.play(1, 0, flows=[flow])
    served = [ev.window for ev in found["plan"].events if isinstance(ev, e.ServiceStarted)]
    assert served.count("t1") > 5
    assert served.count("w1") > 5
    ends = [type(ev) for ev in found["plan"].events if getattr(ev, "window", None) == "t1"]
    assert e.WindowClosed in ends
    assert ends[-1] is e.StaffSignedOut
    last = {
        policy: max(ev.at for ev in day.events if isinstance(ev, e.TicketFinished)) for policy, day in found.items()
    }
    assert last["plan"] < last["off"]
    assert not any(getattr(ev, "window", None) == "t1" for ev in found["off"].events)


def test_bursts_and_mixes() -> None:
    """Groups come on top of the profile, all within their spread; priority classes and no-shows take their shares."""
    scenario = read_scenario(
        {"demand": {"lines": {"A": {
            "profile": [["09:00", 40.0]], "bursts": {"per_hour": 2.0, "mean_size": 10.0, "spread_s": 60.0}}}},
         "people": {"no_show": 0.25, "priority": {"first": 0.5}}},
        parse_plan(plan_tables(1, hours=("09:00", "17:00"))),
    )  # fmt: skip
    flows = [Stage(scenario).draw(1, day)[0] for day in range(40)]
    n = sum(len(flow.arrivals) for flow in flows)
    assert n / 40 == pytest.approx(8 * 60, rel=0.1)
    assert sum(sum(flow.absent or []) for flow in flows) / n == pytest.approx(0.25, abs=0.02)
    assert sum((flow.priority or []).count("first") for flow in flows) / n == pytest.approx(0.5, abs=0.02)
    assert all(flow.arrivals == sorted(flow.arrivals) for flow in flows)


@pytest.mark.parametrize(
    "written",
    [
        {"distribution": "exponential", "mean_s": 300.0},
        {"distribution": "lognormal", "mean_s": 300.0, "cv": 0.8},
        {"distribution": "gamma", "mean_s": 300.0, "cv": 0.5},
        {"distribution": "erlang", "mean_s": 300.0, "phases": 4},
        {"distribution": "deterministic", "mean_s": 300.0},
        {"distribution": "empirical", "mean_s": 300.0, "values": [1.0, 2.0, 9.0]},
    ],
)
def test_distributions_have_their_mean_and_spread(written: dict[str, Any]) -> None:
    """Every distribution has the mean that the scenario says, and its coefficient of variation."""
    d = convert(written, Distribution)
    found = sample(d, 200_000, stream(1, 1, Purpose.SERVICE, "A"))
    cv = {"exponential": 1.0, "erlang": 0.5, "deterministic": 0.0, "empirical": 0.889757}.get(d.distribution, d.cv)
    assert found.mean() == pytest.approx(300.0, rel=0.01)
    assert found.std() / found.mean() == pytest.approx(cv, abs=0.01)
