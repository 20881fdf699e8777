"""Papers in the twin: taken in, carried, checked, decided, made, collected, each step by the engine's own rules."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tidehall.hall import events as e
from tidehall.hall.papers import events as o
from tidehall.hall.plan import Plan, parse_plan
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.study import run_study
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally, tally_papers

ROOT = Path(__file__).parent.parent.parent
MINUTE = 60_000_000


@cache
def plan() -> Plan:
    return parse_plan(tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8")))


def yangxin(*lines: str, **offices: Any) -> Scenario:
    """The shipped scenario, with some lines only and changes to its offices."""
    tables = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    if lines:
        tables["demand"]["lines"] = {x: tables["demand"]["lines"][x] for x in lines}
    tables["offices"] |= offices
    return read_scenario(tables, plan())


@cache
def whole_day() -> Played:
    return Stage(yangxin()).play(1, 0)


def kinds(played: Played) -> Counter[type]:
    return Counter(type(event) for event in played.events)


def test_a_whole_day_of_the_reference_hall() -> None:
    """About 1,300 tickets and 700 cases a day; every case is followed through, papers move, and most come in time."""
    found = kinds(whole_day())
    assert 1000 < found[e.TicketTaken] < 1700
    assert 500 < found[o.CaseReceived] < 900
    for kind in (o.HandOffRefused, o.SupportAnswered, o.CaseDecided, o.ResultReady, o.CaseClosed, o.PapersFiled):
        assert found[kind] > 0
    measures = tally(yangxin(), whole_day())[""]
    in_time, judged = measures["hand_off_on_time"]
    assert judged > 300
    assert in_time / judged > 0.97
    parts = tally(yangxin(), whole_day())
    assert any(key.startswith("post:runner") for key in parts)
    for of in ("line", "zone"):  # the parts make the whole
        sums = [group["hand_off_on_time"] for key, group in parts.items() if key.startswith(f"{of}:")]
        assert (sum(a for a, _ in sums), sum(b for _, b in sums)) == (in_time, judged)
    brief = tally_papers(yangxin(), whole_day())  # what sizing reads is the same
    assert brief.pop("").items() <= measures.items()
    assert brief.items() <= parts.items()


def test_every_hand_off_is_carried_and_checked() -> None:
    """Whatever sets out for a desk in the hall is picked up, arrives and is checked, urgent papers on both legs."""
    started = {ev.hand_off: ev for ev in whole_day().events if isinstance(ev, o.HandOffStarted)}
    verified = {ev.hand_off for ev in whole_day().events if isinstance(ev, o.HandOffVerified)}
    departments = {d.id for d in plan().departments if d.resident}
    inside = {id for id, h in started.items() if h.to == "middle" or h.to.removeprefix("office:") in departments}
    assert inside == verified
    urgent = [h for h in started.values() if h.urgent]
    assert {h.leg for h in urgent} == {1, 2}
    assert {h.leg for h in started.values() if h.hand_off not in inside} == {2}


def test_a_runner_takes_several_papers_in_one_trip() -> None:
    """Papers that wait together travel together, at most a batch; with a batch of one every paper is a trip."""

    def trips(played: Played) -> list[int]:
        together = Counter((ev.runner, ev.at) for ev in played.events if isinstance(ev, o.HandOffPickedUp))
        return list(together.values())

    assert 1 < max(trips(Stage(yangxin("A", batch=3, gather_s=600.0)).play(1, 0))) <= 3
    assert set(trips(Stage(yangxin("A", batch=1)).play(1, 0))) == {1}


def test_slow_runners_break_the_limits() -> None:
    """The measure is real: runners who walk a quarter of an hour make papers late, on the same cases."""
    quick, slow = (run_study(yangxin("A", walk_s=walk), days=3) for walk in (60.0, 900.0))
    on_time = [study.measures["hand_off_on_time"].mean for study in (quick, slow)]
    assert on_time[0] is not None
    assert on_time[1] is not None
    assert on_time[0] > 0.95 > on_time[1] + 0.2
    cases = [study.measures["hand_offs"].mean for study in (quick, slow)]
    assert cases[0] == pytest.approx(cases[1], rel=0.05)


def test_results_are_collected_at_issue_windows() -> None:
    """Who comes for a result takes a number of the pickup line, is called to an issue window and goes with it."""
    played = Stage(yangxin("D", collect_share=1.0, same_day_share=1.0, collect_after_s=60.0)).play(1, 0)
    tickets = {ev.ticket: ev for ev in played.events if isinstance(ev, e.TicketTaken) and ev.cases}
    assert len(tickets) > 5
    issue = {w.id for w in plan().windows if w.post == "issue"}
    assert {ev.window for ev in played.events if isinstance(ev, e.ServiceStarted) and ev.ticket in tickets} <= issue
    collected = {case for ev in tickets.values() for case in ev.cases}
    delivered = {ev.case for ev in played.events if isinstance(ev, o.ResultDelivered)}
    assert collected <= delivered


def test_a_question_holds_the_citizen_until_it_is_answered() -> None:
    """No service ends before the middle office has answered; help that takes long makes services long."""
    played = Stage(yangxin("F", support_share=1.0, answer={"distribution": "deterministic", "mean_s": 1200.0})).play(
        1, 0
    )
    asked = {ev.support: ev for ev in played.events if isinstance(ev, o.SupportAsked)}
    answered = {asked[ev.support].ticket: ev.at for ev in played.events if isinstance(ev, o.SupportAnswered)}
    finished = {ev.ticket: ev.at for ev in played.events if isinstance(ev, e.TicketFinished)}
    assert len(answered) > 50
    assert all(finished[ticket] >= at for ticket, at in answered.items() if ticket is not None)


def test_files_are_worked_on_in_the_halls_hours() -> None:
    """No officer takes up a file at lunch or in the evening."""
    played = whole_day()
    claimed = [ev.at for ev in played.events if isinstance(ev, o.CaseClaimed)]
    assert claimed
    assert all(any(a <= at <= b for a, b in played.hours.sessions) for at in claimed)
