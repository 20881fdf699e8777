"""The forecast policy: its rule on made-up answers, and whole days of a small hall in which look-ahead decides."""

from __future__ import annotations

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.simulation.laboratory import SCENARIO
from tests.simulation.mornings import stopped, two_zones
from tidehall.command import main
from tidehall.hall import events as e
from tidehall.hall.outlook import Prospect
from tidehall.queue.tickets import TicketState
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.foresight import CUT_S, GAIN, LOSS, MARGIN, Moves, foresee, moves, prospect, wish
from tidehall.simulation.lookahead import look_ahead
from tidehall.simulation.questions import Answer, Difference, Outcome, Point, Waits
from tidehall.simulation.recent import recent_rates, recent_scenario
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally

LIMIT = 900.0
NOBODY = Waits(0, None, None, None, None)
SURE = Difference(GAIN, GAIN / 2, 2 * GAIN)
NOTHING = Difference(0.0, -0.01, 0.01)


def module_of(path: Path) -> ModuleType:
    """A program of docs/ as a module."""
    spec = spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcome(choice: str, p90: float | None, *, within: Difference = NOTHING, cut: Difference = NOTHING) -> Outcome:
    """A choice under which 90 % wait so long all through the hour, with its differences to doing nothing."""
    points = [Point(minute * 60_000_000, 1.0, 0.0, 2.0, p90, p90, p90) for minute in range(5, 61, 5)]
    against = {} if choice == "not" else {"within": within, "p90_s": cut}
    return Outcome(choice, NOBODY, NOBODY, NOBODY, 0.9, 1.0, 0.0, tuple(points), {}, against)


def wanted(may: Moves, *outcomes: Outcome) -> tuple[str, str] | None:
    """What the rule wants for these outcomes."""
    found = wish(Answer("z", 0, 3600_000_000, 20, LIMIT, outcomes), may, "scenario")
    return None if found is None else (found.action, found.window)


def test_it_opens_when_the_limit_would_break_and_opening_surely_helps() -> None:
    """Above the limit, with a gain that the paired interval shows; not below it, not for a gain that may be chance."""
    may = Moves("t1", None)
    late = outcome("not", LIMIT + 1)
    assert wanted(may, late, outcome("open", 600.0, within=SURE)) == ("open", "t1")
    assert wanted(may, outcome("not", LIMIT), outcome("open", 600.0, within=SURE)) is None
    assert wanted(may, late, outcome("open", 600.0, within=Difference(GAIN, -0.01, 0.05))) is None
    assert wanted(may, late, outcome("open", 600.0, within=Difference(GAIN / 2, GAIN / 4, GAIN))) is None
    assert wanted(may, outcome("not", None), outcome("open", None, within=SURE)) is None


def test_it_opens_for_those_who_have_waited_too_long_already() -> None:
    """Nobody is saved any more, but they are called much sooner: that is enough, where it is sure."""
    may, late = Moves("t1", None), outcome("not", 2 * LIMIT)
    much = Difference(-CUT_S, -2 * CUT_S, -1.0)
    assert wanted(may, late, outcome("open", LIMIT, cut=much)) == ("open", "t1")
    assert wanted(may, late, outcome("open", LIMIT, cut=Difference(-CUT_S, -2 * CUT_S, 1.0))) is None


def test_it_closes_only_with_room_to_spare() -> None:
    """Closed, the hour stays well below the limit and hardly anybody pays for it; never while the limit breaks."""
    may, calm = Moves(None, "t1"), outcome("not", 100.0)
    assert wanted(may, calm, outcome("close", MARGIN * LIMIT)) == ("close", "t1")
    assert wanted(may, calm, outcome("close", None, within=Difference(None, None, None))) == ("close", "t1")
    assert wanted(may, calm, outcome("close", MARGIN * LIMIT + 1)) is None
    assert wanted(may, calm, outcome("close", 100.0, within=Difference(-2 * LOSS, -3 * LOSS, -LOSS))) is None
    both = Moves("t2", "t1")
    assert wanted(both, outcome("not", LIMIT + 1), outcome("open", 1.0), outcome("close", 1.0)) is None


# ---- days


def rush() -> Scenario:
    """Few people until ten, then far too many for three windows, and few again from 11:00."""
    fixed: dict[str, Any] = {"clerks": {"tidal_s": 60.0}, "people": {"walk_s": 20.0}}
    profile = [["09:00", 8.0], ["10:00", 36.0], ["11:00", 4.0], ["12:00", 0.0]]
    found = two_zones(demand={"lines": {"A": {"profile": profile}}}, **fixed)
    rule = replace(found.plan.tide["z"], open_waiting_per_window=5.0, confirm="automatic", min_open_s=1200.0)
    return replace(found, plan=replace(found.plan, tide={"z": rule}))


@cache
def day(policy: str, seed: int = 1) -> Played:
    """A day of the rush under a policy."""
    scenario = rush()
    tide = {zone: replace(rule, policy=policy) for zone, rule in scenario.plan.tide.items()} if policy else {}
    return Stage(replace(scenario, plan=replace(scenario.plan, tide=tide))).play(seed, 0, record=True)


def first(played: Played, kind: type, **wanted: Any) -> int:
    """When this first happened, µs."""
    return next(
        ev.at for ev in played.events
        if type(ev) is kind and all(getattr(ev, name) == value for name, value in wanted.items())
    )  # fmt: skip


def test_it_opens_before_the_rush_and_thresholds_after() -> None:
    """Look-ahead knows the profile: the window is open when the rush comes, the threshold waits until they stand there;
    more people are called in time, and it closes again."""
    forecast, threshold, none = day("forecast"), day("threshold"), day("")
    ten = forecast.hours.opens + 3600_000_000
    assert first(forecast, e.WindowOpened, window="t1") <= ten < first(threshold, e.WindowOpened, window="t1")
    assert first(forecast, e.WindowClosed, window="t1") > first(forecast, e.WindowOpened, window="t1")
    share = [tally(rush(), played)[""]["wait_within_target"][0] for played in (forecast, threshold, none)]
    assert share[0] > share[1] >= share[2]
    advised = next(ev for ev in forecast.events if isinstance(ev, e.TideAdvised))
    assert advised.prospect is not None
    assert advised.prospect.runs == 20


def test_the_same_seed_gives_the_same_journal() -> None:
    """Look-ahead has its own chance, derived from the day: played again, the day is the same to the byte; on another
    day it is asked with other chances."""
    once = msgspec.json.encode(day("forecast").events)
    day.cache_clear()
    assert msgspec.json.encode(day("forecast").events) == once
    assert foresee("z", 1, Moves("t1", None), runs=1, seed="a") != foresee("z", 1, Moves("t1", None), runs=1, seed="b")


def test_the_figures_are_those_of_the_answer() -> None:
    """A prospect holds the sentence's two percentiles, the later one, the two shares and their paired difference."""
    scenario = rush()
    _, _, hall, now = stopped(scenario, 5400)
    may = moves(hall.state, hall.state.watches["z"], now)
    assert may == Moves("t1", None)
    answer = look_ahead(hall, scenario, foresee("z", now, may, runs=10, seed="x", later=True))
    found = prospect(answer, "open", "calibrated")
    stay, opened, _ = answer.outcomes
    assert [o.choice for o in answer.outcomes] == ["not", "open", "open_later"]
    assert isinstance(found, Prospect)
    assert (found.within, found.instead_within, found.gain) == (
        opened.within, stay.within, opened.against["within"].mean,
    )  # fmt: skip
    said = answer.sentence("open")
    assert (found.p90_s, found.instead_s, found.in_s) == (said.p90_s, said.instead_s, 1800.0)
    assert found.later_p90_s == answer.sentence("open_later").p90_s
    with pytest.raises(KeyError):
        prospect(answer, "close", "recent")


def test_the_comparison_in_its_smallest_form(tmp_path: Path) -> None:
    """docs/tide.py on two days of the rush, one of them by forecast: the same people under every policy, differences of
    the days that both have played, page and figure without a gap; resumed, nothing is played again."""
    tide = module_of(Path(__file__).parents[2] / "docs" / "tide.py")
    courses, kept = [tide.Course("usual", rush(), 1)], tmp_path / "build" / "tide.jsonl"
    found = tide.Compared(1, 1)
    rows = list(tide.played(courses, 2, 1, kept=kept))
    assert list(tide.played([tide.Course("usual", None, 1)], 2, 1, kept=kept, resume=True)) == rows
    for _, policy, number, figures in rows:
        found.add(policy, number, figures)
    days = {(policy, number): figures for _, policy, number, figures in rows}
    assert days.keys() == {("none", 0), ("none", 1), ("threshold", 0), ("threshold", 1), ("forecast", 0)}
    assert len({days[policy, 0]["wait_within_target"][1] for policy in tide.POLICIES}) == 1, "the same people"
    hours = {policy: days[policy, 0]["tidal_hours"][0] for policy in tide.POLICIES}
    assert hours["none"] == 0 < hours["threshold"]
    gained = found.differences(("none", "forecast"), found.paired)
    one, other = (days[policy, 0]["wait_within_target"] for policy in ("none", "forecast"))
    assert gained["wait_within_target"].mean == pytest.approx((other[0] - one[0]) / one[1])
    assert gained["tidal_hours"].mean == pytest.approx(hours["forecast"])
    page, figure = tide.page({"usual": found}, 1), tide.figure({"usual": found})
    assert "| forecast − none | 1 | +" in page
    assert figure.count("<circle") == 6, "a point and a name for each policy"
    assert not {"None", "nan", "{"} & set(page.split()) | ({"nan"} & set(figure.split()))


def test_sizing_does_not_look_ahead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would take days: a scenario under the policy `forecast` is refused with what to write instead."""
    path = tmp_path / "ahead.toml"
    path.write_text(SCENARIO + '[hall.tide.z]\npolicy = "forecast"\n', "utf-8")
    assert main(["size", str(path)]) == 2
    assert "tide.policy: sizing plays too many days to look ahead in each" in capsys.readouterr().err


# ---- without a scenario


def test_the_last_half_hour_goes_on() -> None:
    """Rates are the people of the last half hour; the day's first numbers count for the time there was; services are
    learned, windows stay as many as they are, and the answer follows."""
    scenario = rush()
    _, _, hall, now = stopped(scenario, 5400)
    state = hall.state
    rates = recent_rates(state, now)
    taken = sum(t.line == "A" and t.taken_at > now - 1800_000_000 for t in state.tickets.values())
    assert rates == {"A": 2.0 * taken, "B": 0.0, "C": 0.0}
    assert taken > 5
    early = stopped(scenario, 1500)
    begun = min(t.taken_at for t in early[2].state.tickets.values())
    span = max(600_000_000, early[3] - begun)
    assert recent_rates(early[2].state, early[3])["A"] == pytest.approx(
        len(early[2].state.tickets) * 3600_000_000 / span
    )
    found = recent_scenario(state, rates, now)
    assert [(d.line, d.profile) for d in found.demand] == [("A", ((0, rates["A"]),))]
    assert found.windows["z"][0][1] == 3
    assert found.line_service["A"].mean_s == pytest.approx(
        (state.lines["A"].service_sum + 20 * state.priors["A"]) / (state.lines["A"].service_count + 20) / 1e6
    )
    assert found.line_service["C"].mean_s == state.priors["C"] / 1e6
    answer = look_ahead(hall, found, foresee("z", now, Moves("t1", None), runs=10, seed="x"))
    waiting = sum(t.state is TicketState.WAITING for t in state.tickets.values())
    assert waiting > 0
    assert answer.outcomes[0].curve[0].waiting > 0
    assert answer.outcomes[1].at_end < answer.outcomes[0].at_end
