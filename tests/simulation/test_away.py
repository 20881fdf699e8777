"""Who lacks a paper: parked in the middle of a service, back after a time, served on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.laboratory import MINUTE, plan_tables, story
from tests.simulation.mornings import stopped, two_zones
from tidehall.hall import events as e
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.draws import Flow
from tidehall.simulation.lookahead import LookAhead, look_ahead
from tidehall.simulation.questions import Choice, Question
from tidehall.simulation.scenario import ScenarioInvalid, read_scenario
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally

FETCH = {"share": 1.0, "distribution": "deterministic", "mean_s": 600.0}


def one_line(seats: int, **more: Any) -> Scenario:
    """A morning of one line; people as in `more`."""
    demand = {"demand": {"lines": {"A": {"profile": [["09:00", 12.0]]}}}}
    return read_scenario(demand | more, parse_plan(plan_tables(seats, hours=("09:00", "12:00"))))


def play(arrivals: list[float], away: list[float], *, seats: int = 1, **more: Any) -> tuple[Played, int]:
    """Citizen i comes `arrivals[i]` minutes after nine, is served for ten, and needs `away[i]` minutes for a paper (−1:
    has them all); and nine o'clock."""
    stage = Stage(one_line(seats, **more))
    nine = stage.hours.opens
    flow = Flow(
        "A", [nine + round(at * MINUTE) for at in arrivals], [10 * MINUTE] * len(arrivals),
        away=[round(x * MINUTE) if x >= 0 else -1 for x in away],
    )  # fmt: skip
    return stage.play(1, 0, flows=[flow]), nine


STEPS = (e.ServiceStarted, e.TicketSuspended, e.TicketReturned, e.ServiceResumed, e.TicketFinished)


def test_who_lacks_a_paper_is_parked_and_served_on() -> None:
    """Halfway through the citizen leaves, the window is free; back at an idle window he is served on at once."""
    played, nine = play([0, 40], [7, -1])
    assert story(played, nine, *STEPS) == [
        ("ServiceStarted", 0, "t1"), ("TicketSuspended", 5, "t1"), ("ServiceResumed", 12, "t1"),
        ("TicketFinished", 17, "t1"), ("ServiceStarted", 40, "t2"), ("TicketFinished", 50, "t2"),
    ]  # fmt: skip


def test_who_is_back_while_all_are_busy_waits_with_the_old_key() -> None:
    """The window serves the next one meanwhile; who is back is called before those who came after him."""
    played, nine = play([0, 1, 2], [7, -1, -1])
    found = story(played, nine, *STEPS)
    assert ("TicketReturned", 12, "t1") in found
    assert [(at, who) for kind, at, who in found if kind == "ServiceStarted"] == [
        (0, "t1"), (5, "t2"), (15, "t1"), (20, "t3")
    ]  # fmt: skip
    parts = tally(one_line(1, people={"away": FETCH}), played)
    assert parts[""]["away"] == (1, 1)
    assert parts["line:A"]["back_wait_mean_s"] == (180.0, 1)
    assert parts[""]["service_mean_s"] == (1800.0, 3)


@pytest.mark.parametrize("leave", ["silent", "cancel"])
def test_patience_ends_with_the_first_service(leave: str) -> None:
    """Nobody gives up who came back with his paper, however impatient he was at first."""
    stage = Stage(one_line(1, people={"leave": leave}))
    nine = stage.hours.opens
    flow = Flow(
        "A", [nine, nine + MINUTE, nine + 2 * MINUTE], [30 * MINUTE] * 3, away=[20 * MINUTE, -1, -1],
        patience=[5 * MINUTE, 999 * MINUTE, 999 * MINUTE],
    )  # fmt: skip
    played = stage.play(1, 0, flows=[flow])
    assert len(story(played, nine, e.TicketFinished)) == 3
    assert not story(played, nine, e.TicketCancelled, e.TicketMissed)


def test_who_is_back_too_late_has_a_void_number() -> None:
    """The hall waits for nobody who is away: with the last window the number expires, and the day goes on."""
    played, nine = play([0, 170], [600, -1])
    assert [who for _, _, who in story(played, nine, e.TicketFinished)] == ["t2"]
    assert [who for _, _, who in story(played, nine, e.TicketExpired)] == ["t1"]


def test_the_same_people_whoever_lacks_a_paper() -> None:
    """Another share sends more of the same people away and changes nobody's coming, service or way; none at all is the
    day without the table, event by event."""
    usual, none, some, more = (
        one_line(3, people={"no_show": 0.05} | away)
        for away in ({}, {"away": FETCH | {"share": 0.0}}, {"away": FETCH | {"share": 0.2}}, {"away": FETCH})
    )
    assert Stage(usual).play(4, 2).events == Stage(none).play(4, 2).events
    drawn = [Stage(scenario).draw(4, 2)[0] for scenario in (usual, some, more)]
    assert drawn[0].arrivals == drawn[1].arrivals == drawn[2].arrivals
    assert drawn[0].service == drawn[1].service == drawn[2].service
    assert drawn[0].absent == drawn[1].absent
    few, all_of_them = drawn[1].away, drawn[2].away
    assert few is not None
    assert all_of_them is not None
    assert 0 < sum(x >= 0 for x in few) < len(few)
    assert all(x in (-1, y) for x, y in zip(few, all_of_them, strict=True))
    assert Stage(some).play(4, 2).events == Stage(some).play(4, 2).events


def test_look_ahead_sees_them_go_and_come_back() -> None:
    """Stopped while some are away: who is parked stays so, who comes later leaves and comes back within the hour."""
    scenario = two_zones(people={"away": FETCH | {"share": 0.5}}, tide={"policy": "off"})
    _, events, hall, now = stopped(scenario, 5400)
    assert any(isinstance(event, e.ServiceResumed | e.TicketReturned) for event in events)
    assert any(ticket.parked == "away" for ticket in hall.state.tickets.values())
    question = Question("z", now, (Choice("not"),), runs=3)
    one, other = (look_ahead(hall, scenario, question) for _ in range(2))
    assert one == other
    ahead = LookAhead(hall, scenario, question)
    fork = ahead.play(question.choices[0], ahead.flows(0), 0)
    came = {event.ticket for event in fork.world.events if isinstance(event, e.TicketTaken)}
    gone = {event.ticket for event in fork.world.events if isinstance(event, e.TicketSuspended)}
    back = {event.ticket for event in fork.world.events if isinstance(event, e.ServiceResumed | e.TicketReturned)}
    assert gone & came & back


@pytest.mark.parametrize(
    ("people", "place"),
    [
        ({"share": 1.5, "mean_s": 600.0}, "people.away.share"),
        ({"share": 0.1}, "people.away.mean_s"),
        ({"share": 0.1, "mean_s": 600.0, "cv": 0.0}, "people.away.cv"),
        ({"share": 0.1, "mean_s": 600.0, "often": 2}, "people.away.often"),
    ],
)
def test_wrong_tables_are_told_by_their_place(people: dict[str, Any], place: str) -> None:
    """Share, time and spread of who must fetch a paper."""
    with pytest.raises(ScenarioInvalid) as wrong:
        one_line(1, people={"away": people})
    assert [problem.split(":")[0] for problem in wrong.value.problems] == [place]
