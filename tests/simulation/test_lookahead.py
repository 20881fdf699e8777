"""Look-ahead: a zone's slice, its fork, what is drawn under conditions, and what choices lead to."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest
from msgspec import convert, json
from msgspec.structs import replace

from tests.simulation.mornings import SECOND, busy, stopped, two_zones
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.plan import parse_plan
from tidehall.queue.tickets import ENDED
from tidehall.simulation.day import Stage
from tidehall.simulation.draws import Flow, Leg, sample
from tidehall.simulation.lookahead import LookAhead, look_ahead
from tidehall.simulation.present import Present
from tidehall.simulation.questions import Choice, Question, Step, tidal_choices
from tidehall.simulation.remainders import remaining, survival
from tidehall.simulation.slices import cut
from tidehall.simulation.tables import Distribution

MINUTE = 60 * SECOND


# ---- the slice


@pytest.mark.parametrize("minutes", [10, 61, 125, 200, 300])
def test_a_slice_has_the_zones_lines_windows_and_open_tickets(minutes: int) -> None:
    """All of the zone, nothing of the other; the hall from which it was cut is as it was before."""
    _, _, hall, _ = stopped(two_zones(), minutes * 60 + 7)
    before = hall.snapshot()
    part = cut(hall, "z")
    s, whole = part.state, hall.state
    assert set(s.lines) == {"A", "B"}
    assert list(s.windows.values()) == [w for w in whole.windows.values() if w.zone == "z"]
    mine = [t for t in whole.tickets.values() if t.line in ("A", "B") and t.state not in ENDED]
    assert list(s.tickets.values()) == mine
    assert {id: line.waiting for id, line in s.lines.items()} == {id: whole.lines[id].waiting for id in s.lines}
    assert (s.seq, s.serials, s.in_session, s.issuing) == (
        whole.seq,
        whole.serials,
        whole.in_session,
        whole.issuing,
    )
    assert s.tides == {"z": whole.tides["z"]}
    assert not s.offices.cases
    assert not s.clocks
    for ticket in s.tickets.values():
        ticket.note = "changed"
    for window in s.windows.values():
        window.staff = "changed"
    s.lines["A"].numbering.issued = 0
    assert hall.snapshot() == before


def test_a_slice_is_a_hall_like_any_other() -> None:
    """It can be kept and restored, its plan is whole and right, and the engine decides the same in it."""
    _, _, hall, now = stopped(two_zones(), 4000)
    part = cut(hall, "z")
    assert Hall.restore(part.snapshot(), estimates=False).facts() == part.facts()
    rules = part.state.rules
    assert parse_plan(json.decode(json.encode(rules))) == rules
    ask: list[c.Command] = [c.TakeTicket("new", "A"), c.OpenTidal("t1"), c.TakeTicket("more", "B")]
    for command in ask:
        mine, its = hall.decide(command, now), part.decide(command, now)
        assert mine == its
        for event in mine:
            hall.apply(event)
            part.apply(event)
    with pytest.raises(Refusal, match="unknown_zone"):
        cut(hall, "nowhere")


def test_the_tides_rule_can_rest_in_a_slice() -> None:
    """Without the rule nothing is advised where the hall itself advises; with it the slice says the same."""
    crowd = {"demand": {"lines": {"A": {"profile": [["09:00", 120.0]]}}}}
    _, _, hall, now = stopped(two_zones(**crowd), 300)

    def brought(part: Hall) -> list[Event]:
        found: list[Event] = []
        while (at := part.wakes_at()) and at <= now + 30 * MINUTE:
            for event in part.wake(at):
                part.apply(event)
                found.append(event)
        return found

    same, resting = cut(hall, "z"), cut(hall, "z", rule=False)
    advice = [event for event in brought(hall.copy()) if isinstance(event, e.TideAdvised)]
    assert advice
    assert [event for event in brought(same) if isinstance(event, e.TideAdvised)] == advice
    assert not [event for event in brought(resting) if isinstance(event, e.TideAdvised | e.TideLapsed)]


# ---- the fork


EXACT: dict[str, dict[str, Any]] = {
    "plain": {},
    "walking and changing over": {"people": {"walk_s": 40.0}, "clerks": {"changeover_s": 25.0}},
    "breaks": {"clerks": {"break_every_s": 2400.0, "break_s": 420.0}},
    "windows by the clock": {"windows": {"z": [["09:00", 3], ["10:00", 1], ["10:40", 2], ["13:00", 3]]}},
    "everything": {
        "people": {"walk_s": 40.0, "priority": {"first": 0.1}},
        "clerks": {"changeover_s": 25.0, "break_every_s": 2400.0, "break_s": 420.0},
        "windows": {"z": [["09:00", 2], ["10:00", 3], ["12:00", 1], ["13:00", 3], ["16:00", 1]]},
    },
}


@pytest.mark.parametrize("habits", EXACT)
def test_with_nothing_left_to_chance_the_forecast_is_what_the_hall_does(habits: str) -> None:
    """With fixed services and the very people who come, every event of the zone in the next hour is foreseen, at its
    microsecond; at any time of the day."""
    fixed = {"service": {"lines": {line: {"distribution": "deterministic", "mean_s": 421.0} for line in "ABC"}}}
    scenario = two_zones(**fixed, **EXACT[habits], tide={"policy": "off"})
    stage = Stage(scenario)
    flows = stage.draw(5, 0)
    events = stage.play(5, 0, flows=flows).events
    windows = {w.id for w in scenario.plan.windows if w.zone == "z"}
    for minutes in range(3, 470, 31):
        now = stage.hours.opens + minutes * MINUTE + 1
        hall = stage.copy()
        for event in events[len(stage.adopted) :]:
            if event.at <= now:
                hall.apply(event)
        question = Question("z", now, (Choice("not"),), runs=1)
        ahead = LookAhead(hall, scenario, question)
        to_come = [after(flow, now) for flow in flows if flow.line in "AB"]
        fork = ahead.play(question.choices[0], to_come, 0)
        known = set(hall.state.tickets)
        mine = story(fork.world.events, set("AB"), windows, now, ahead.until, known)
        assert mine == story(events, set("AB"), windows, now, ahead.until, known)
        assert len(mine) > 10 or not 60 <= minutes % 240 < 180


def after(flow: Flow, now: int) -> Flow:
    """Those of a stream who are still to come."""
    first = sum(at <= now for at in flow.arrivals)
    priority = None if flow.priority is None else flow.priority[first:]
    return Flow(flow.line, flow.arrivals[first:], flow.service[first:], priority=priority)


def story(
    events: list[Event], lines: set[str], windows: set[str], since: int, until: int, known: set[str]
) -> list[tuple[Any, ...]]:
    """(kind, moment, window, number of the ticket) of a zone's events; whoever comes new is called by the number."""
    number: dict[str, str] = {}
    found: list[tuple[Any, ...]] = []
    mine: set[str] = set()
    for event in events:
        ticket, window = getattr(event, "ticket", None), getattr(event, "window", None)
        if isinstance(event, e.TicketTaken):
            number[event.ticket] = event.number
            if event.line in lines:
                mine.add(event.ticket)
        if since < event.at < until and (ticket in mine or window in windows or (ticket in known and window is None)):
            called = number.get(ticket, ticket) if ticket is not None and ticket not in known else ticket
            found.append((type(event).__name__, event.at, window, called))
    return sorted(found, key=lambda row: (row[1], row[0], str(row[2])))


def test_a_fork_can_be_forked() -> None:
    """A fork stopped at any moment and looked at as a hall goes on as it would have: somebody on the way to an opened
    tidal window, a tidal window that closes after its citizen, people walking to windows."""
    scenario = two_zones(
        demand={"lines": {"A": {"profile": [["09:00", 30.0]]}}}, people={"walk_s": 40.0},
        service={"lines": {line: {"distribution": "deterministic", "mean_s": 421.0} for line in "ABC"}},
        clerks={"tidal_s": 90.0, "changeover_s": 25.0}, tide={"policy": "off"},
    )  # fmt: skip
    _, _, hall, now = stopped(scenario, 3600)
    close = Step(c.CloseTidal("t1"), 1800.0)
    both = Choice("both", (Step(c.OpenTidal("t1")), close))
    whole = LookAhead(hall, scenario, Question("z", now, (both,), runs=1))
    flows = whole.flows(0)
    seen: set[str] = set()
    for cut_s in (5, 30, 89, 91, 600, 1600, 1799, 1801, 1900, 2500):
        first = whole.fork(both, flows, 0)
        at = now + cut_s * SECOND
        first.world.run(at)
        seat = first.state.windows["t1"]
        seen.add("closing" if seat.closing else f"{seat.state} {seat.staff is not None} {seat.ticket is not None}")
        rest = Choice("rest", (replace(close, after_s=close.after_s - cut_s),) if cut_s < close.after_s else ())
        ahead = LookAhead(first.world.hall.copy(), scenario, Question("z", at, (rest,), runs=1))
        count, known = first.crowd.count, set(first.state.tickets)
        first.world.run(whole.until)
        second = ahead.fork(rest, [after(flow, at) for flow in flows], 0)
        second.crowd.count = count
        second.run(whole.until)
        stories = [
            story(world.events, {"A", "B"}, set(hall.state.windows), at, whole.until, known)
            for world in (first.world, second.world)
        ]
        assert stories[0] == stories[1]
        assert len(stories[0]) > 20
    assert seen >= {"open False False", "open True True", "closing", "closed False False"}


def test_a_line_waits_for_those_who_may_be_sent_to_it() -> None:
    """After closing time too: the clerk of line B goes home after the citizen whom line A has sent on."""
    scenario = two_zones(transfers={"A": {"B": 0.5, "C": 0.1}}, demand={"lines": {"A": {"profile": [["09:00", 0.0]]}}})
    _, _, hall, now = stopped(scenario, 8 * 3600 - 600)
    split = Choice("split", tuple(Step(c.SetLines(w, (line,))) for w, line in (("w1", "A"), ("w2", "B"), ("w3", "A"))))
    ahead = LookAhead(hall, scenario, Question("z", now, (split,), runs=1))
    late = Flow("A", [now + 5 * MINUTE], [20 * MINUTE], onward=[(Leg("B", "arrival", 5 * MINUTE),)])
    fork = ahead.play(split, [late], 0)
    assert not fork.refused
    ends = [(ev.at - now) / MINUTE for ev in fork.world.events if isinstance(ev, e.TicketFinished)]
    assert ends == [30]


def test_the_forecast_is_right_on_the_average() -> None:
    """Over many mornings with chance in everything, as many people wait an hour later as was foreseen, within the
    noise; and the p10–p90 band holds about 80 % of the mornings (more, as counts are whole)."""
    scenario = two_zones(
        demand={
            "day_factor_cv": 0.2,
            "lines": {"A": {"profile": [["09:00", 15.0]]}, "B": {"profile": [["09:00", 9.0]]}},
        },
        people={"walk_s": 20.0, "no_show": 0.03, "patience": {"distribution": "exponential", "mean_s": 3600.0}},
        tide={"policy": "off"},
    )  # fmt: skip
    stage = Stage(scenario)
    now, days, inside = stage.hours.opens + 75 * MINUTE, 30, 0
    gaps: list[float] = []
    for day in range(days):
        hall, later = stage.copy(), stage.copy()
        for event in stage.play(3, day).events[len(stage.adopted) :]:
            if event.at <= now:
                hall.apply(event)
            if event.at <= now + 60 * MINUTE:
                later.apply(event)
        foreseen = look_ahead(hall, scenario, Question("z", now, (Choice("not"),), runs=16, seed=day)).outcomes[0]
        really = sum(len(later.state.lines[line].waiting) for line in "AB")
        gaps.append(really - foreseen.at_end)
        inside += foreseen.curve[-1].waiting_p10 <= really <= foreseen.curve[-1].waiting_p90
    assert abs(float(np.mean(gaps))) < 3 * float(np.std(gaps, ddof=1)) / days**0.5
    assert inside / days == pytest.approx(0.84, abs=0.15)


# ---- under conditions

LAWS = {
    "exponential": {"distribution": "exponential", "mean_s": 300.0},
    "lognormal": {"distribution": "lognormal", "mean_s": 300.0, "cv": 0.8},
    "gamma": {"distribution": "gamma", "mean_s": 300.0, "cv": 0.5},
    "erlang": {"distribution": "erlang", "mean_s": 300.0, "phases": 4},
    "empirical": {"distribution": "empirical", "mean_s": 300.0, "values": [float(x * x) for x in range(1, 101)]},
}


def chances(n: int = 200_000) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Evenly spread chances in (0, 1]."""
    return (np.arange(n) + 0.5) / n


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("spent", [0.0, 120.0, 700.0])
def test_the_rest_of_a_service_is_that_of_the_long_ones(law: str, spent: float) -> None:
    """The remainder after `spent` seconds has the mean of those fresh draws that last longer, less what is spent; and
    the survival is the share of them."""
    d = convert(LAWS[law], Distribution)
    fresh = sample(d, 2_000_000, np.random.default_rng(1))
    longer = fresh[fresh > spent] - spent
    found = remaining(d, spent, chances())
    assert survival(d, spent) == pytest.approx(len(longer) / len(fresh), abs=0.003)
    assert found.min() >= 0
    assert found.mean() == pytest.approx(longer.mean(), rel=0.03)
    assert np.quantile(found, 0.9) == pytest.approx(np.quantile(longer, 0.9), rel=0.04)


def test_exponential_services_have_no_memory() -> None:
    """However long it has lasted, the same chance brings the same rest, and no past makes it end."""
    d = convert(LAWS["exponential"], Distribution)
    for spent in (1.0, 600.0, 1e6):
        assert np.array_equal(remaining(d, spent, chances(1000)), remaining(d, 0.0, chances(1000)))
    assert survival(d, 600.0) == pytest.approx(exp(-2))


def test_a_lognormal_rest_lies_at_its_inverse_survival() -> None:
    """P(X > s + rest) is the chance × P(X > s), far out in the tail too."""
    d = convert(LAWS["lognormal"], Distribution)
    for spent in (10.0, 300.0, 5000.0):
        for chance in (0.9, 0.5, 0.01):
            rest = float(remaining(d, spent, np.array([chance]))[0])
            assert survival(d, spent + rest) == pytest.approx(chance * survival(d, spent), rel=1e-6)
    assert np.isfinite(remaining(d, 1e7, chances(100))).all()


def test_what_cannot_be_may_last_as_long_again() -> None:
    """A fixed service has its rest to come; one that is overdue, or longer than all observed ones, goes on."""
    fixed = Distribution("deterministic", 300.0)
    assert remaining(fixed, 100.0, chances(3)).tolist() == [200.0] * 3
    for d in (fixed, convert(LAWS["empirical"], Distribution)):
        assert remaining(d, 4000.0, chances()).mean() == pytest.approx(4000.0, rel=0.01)


def test_a_window_that_rests_comes_back() -> None:
    """A pause lasts as long as a break does, an older one as long again; who stands in front is served meanwhile, and
    nobody is called."""
    scenario = two_zones(
        service={"lines": {line: {"distribution": "deterministic", "mean_s": 421.0} for line in "ABC"}},
        clerks={"break_every_s": 100_000.0, "break_s": 600.0}, demand={"lines": {"A": {"profile": [["09:00", 40.0]]}}},
        tide={"policy": "off"},
    )  # fmt: skip
    _, _, hall, paused_at = stopped(scenario, 3700)
    in_front = hall.state.windows["w1"].ticket
    assert in_front is not None
    over_s = (hall.state.tickets[in_front].serving_since - paused_at) / SECOND + 421
    assert 60 < over_s < 400
    for event in hall.decide(c.PauseWindow("w1", "printer"), paused_at):
        hall.apply(event)
    for later_s, back_s in ((60, 600), (400, 600), (700, 1400)):
        now = paused_at + later_s * SECOND
        live = hall.copy()
        if later_s > over_s:
            for event in live.decide(c.FinishTicket("w1"), now):
                live.apply(event)
        ahead = LookAhead(live, scenario, Question("z", now, (Choice("not"),), runs=1))
        events = ahead.play(ahead.question.choices[0], ahead.flows(0), 0).world.events
        mine = [(type(ev), ev.at - paused_at) for ev in events if getattr(ev, "window", None) == "w1"]
        if later_s < over_s:
            assert mine.pop(0)[0] is e.TicketFinished
        assert mine[:2] == [(e.WindowResumed, back_s * SECOND), (e.TicketCalled, back_s * SECOND)]


def test_who_was_called_is_on_the_way_until_it_takes_too_long() -> None:
    """Within the usual walk everybody is as likely to come as ever, and needs the rest of it; the longer nobody comes,
    the surer it is that nobody will; without no-shows somebody always comes."""
    scenario = two_zones(people={"walk_s": 30.0, "no_show": 0.1}, tide={"policy": "off"})
    _, events, _, _ = stopped(scenario, 0)
    called = next(ev for ev in events if isinstance(ev, e.TicketCalled))
    hall = Stage(scenario).copy()
    for event in events[1:]:
        hall.apply(event)
        if event is called:
            break
    ticket = hall.state.tickets[called.ticket]
    found: list[float] = []
    for after_s in (10, 31, 60, 150):
        present = Present(hall.state, scenario, called.at + after_s * SECOND)
        found.append(present.missing(ticket))
        luck = present.luck(1, 500)
        i = present.tickets.index(ticket)
        assert np.mean([run.absent[i] for run in luck]) == pytest.approx(found[-1], abs=0.06)
        if after_s == 10:
            assert {run.walk[i] for run in luck} == {20 * SECOND}
    assert found[0] == pytest.approx(0.1)
    assert found == sorted(found)
    assert found[-1] > 0.8
    surely = replace(scenario, people=replace(scenario.people, no_show=0.0))
    assert Present(hall.state, surely, called.at + 500 * SECOND).missing(ticket) == 0.0


def test_patience_is_known_only_where_leaving_is_seen() -> None:
    """Where people give their numbers back, who waits is patient so far; where they leave silently, some of those who
    seem to wait are gone."""
    patience = {"distribution": "deterministic", "mean_s": 1500.0}
    for leave in ("cancel", "silent"):
        crowd = {"lines": {"A": {"profile": [["09:00", 60.0]]}}}
        scenario = two_zones(people={"patience": patience, "leave": leave}, demand=crowd, tide={"policy": "off"})
        _, _, hall, now = stopped(scenario, 3600)
        present = Present(hall.state, scenario, now)
        waiting = [i for i, t in enumerate(present.tickets) if t.state == "waiting" and not t.misses]
        leaves = {i: present.luck(1, 1)[0].gives_up[i] for i in waiting}
        assert len(waiting) > 10
        assert all(leaves[i] == present.tickets[i].taken_at + 1500 * SECOND for i in waiting)
        assert any(at < now for at in leaves.values()) == (leave == "silent")


# ---- choices


def test_an_opened_window_helps() -> None:
    """Now is better than later, later better than not, on the same people; the sentence says it in numbers."""
    scenario, hall, now = busy()
    assert sum(len(line.waiting) for line in hall.state.lines.values()) > 5
    answer = look_ahead(hall, scenario, Question("z", now, tidal_choices("t1"), runs=60))
    nothing, at_once, later = answer.outcomes
    for outcome in (at_once, later):
        for name in ("mean_s", "p90_s", "at_end"):
            high = outcome.against[name].high
            assert high is not None
            assert high < 0
        low = outcome.against["within"].low
        assert low is not None
        assert low >= 0
    assert at_once.at_end < later.at_end < nothing.at_end
    assert at_once.within is not None
    assert nothing.within is not None
    assert at_once.within > nothing.within
    said = answer.sentence("now")
    assert said.in_s == 1800
    assert said.p90_s is not None
    assert said.instead_s is not None
    assert said.p90_s < said.instead_s
    assert [point.at for point in nothing.curve] == [now + k * 5 * MINUTE for k in range(1, 13)]
    assert all(point.waiting_p10 < point.waiting_p90 for point in nothing.curve)
    assert nothing.curve[-1].waiting == nothing.at_end


def test_an_opened_window_hurts_nobodys_run_beyond_noise() -> None:
    """With equal services a further window shortens every single run's waits; with random ones it does on average in
    every kind of hall, and hardly ever in one run the other way."""
    scenario, hall, now = busy()
    fixed = replace(scenario, line_service=dict.fromkeys("ABC", Distribution("deterministic", 600.0)))
    for world, allowed in ((fixed, 0), (scenario, 4)):
        ahead = LookAhead(hall, world, Question("z", now, tidal_choices("t1")[:2], runs=40))
        worse = 0
        for run in range(40):
            flows = ahead.flows(run)
            without, opened = (ahead.play(choice, flows, run) for choice in ahead.question.choices)
            worse += sum(opened.waiting) > sum(without.waiting)
        assert worse <= allowed


def test_closing_a_window_costs() -> None:
    """The tidal window closes after its citizen, and more people wait."""
    scenario, hall, now = busy()
    opened = hall.copy()
    for event in opened.decide(c.OpenTidal("t1", "anna"), now):
        opened.apply(event)
    answer = look_ahead(opened, scenario, Question("z", now, tidal_choices("t1", opening=False), runs=40))
    more = answer.outcomes[1].against["at_end"].low
    assert more is not None
    assert more > 0


def test_any_commands_about_windows() -> None:
    """Lines may be changed, windows opened, paused and resumed; a no of the hall is told, and is no failure."""
    scenario, hall, now = busy()
    narrow = Choice("narrow", tuple(Step(c.SetLines(w, ("B",))) for w in ("w1", "w2")))
    pause = Choice("pause", (Step(c.PauseWindow("w1", "meeting"), 60.0), Step(c.ResumeWindow("w1"), 2400.0)))
    wrong = Choice("wrong", (Step(c.OpenTidal("w1")), Step(c.CloseWindow("nowhere"), 5.0)))
    question = Question("z", now, (Choice("not"), narrow, pause, wrong), runs=10)
    ahead = LookAhead(hall, scenario, question)
    nothing, fewer, paused, refused = ahead.answer().outcomes
    assert fewer.at_end > nothing.at_end
    assert paused.at_end > nothing.at_end
    assert not paused.refused
    assert refused.refused == {"not_tidal": 10, "unknown_window": 10}
    assert replace(refused, choice="not", refused={}, against={}) == nothing
    calls = [ev.at - now for ev in ahead.play(pause, ahead.flows(0), 0).world.events
             if isinstance(ev, e.TicketCalled) and ev.window == "w1"]  # fmt: skip
    assert not [at for at in calls if MINUTE < at < 40 * MINUTE]
    assert 40 * MINUTE in calls


def test_the_same_question_has_the_same_answer() -> None:
    """Same state, same seed, same answer, from the hall, its snapshot or its slice; another seed differs; the number of
    choices asked beside it changes no outcome."""
    scenario, hall, now = busy()
    question = Question("z", now, tidal_choices("t1"), runs=8)
    before = hall.snapshot()
    first = look_ahead(hall, scenario, question)
    assert hall.snapshot() == before
    assert look_ahead(before, scenario, question) == first
    assert look_ahead(cut(hall, "z"), scenario, question) == first
    assert look_ahead(hall, scenario, replace(question, seed=2)) != first
    fewer = look_ahead(hall, scenario, replace(question, choices=question.choices[:2]))
    assert fewer.outcomes == first.outcomes[:2]


def test_todays_demand_follows_who_has_come() -> None:
    """After an hour with twice the usual numbers more people are expected than after an hour with half of them; without
    a day factor the past says nothing."""
    scenario, hall, now = busy()
    moved = replace(scenario, day_factor_cv=0.5)
    found: list[float] = []
    for came in (10, 40):
        other = hall.copy()
        other.state.lines["A"].numbering.issued = came
        ahead = LookAhead(other, moved, Question("z", now, (Choice("not"),), runs=400))
        found.append(float(np.mean(ahead.factors["A"])))
        # a gamma of mean 1 that weighs 4 citizens, and 20 who usually come in the first hour
        assert found[-1] == pytest.approx((4 + came) / 24, rel=0.05)
    assert LookAhead(hall, scenario, Question("z", now, (Choice("not"),), runs=2)).factors["A"] == [1.0, 1.0]


def test_questions_without_an_answer() -> None:
    """A zone that is not there, a moment that is over, choices without a name of their own."""
    scenario, hall, now = busy()
    with pytest.raises(Refusal, match="unknown_zone"):
        look_ahead(hall, scenario, Question("nowhere", now, (Choice("not"),)))
    with pytest.raises(ValueError, match="last event"):
        look_ahead(hall, scenario, Question("z", hall.state.last_at - 1, (Choice("not"),)))
    with pytest.raises(ValueError, match="names"):
        look_ahead(hall, scenario, Question("z", now, (Choice("not"), Choice("not"))))
