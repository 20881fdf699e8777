"""Wait estimates on simulated days of the reference hall: the bars of docs/estimates.md, with slack for few days."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.simulation.laboratory import WORDS, laboratory, plan_tables
from tidehall.hall.accuracy import quality
from tidehall.hall.plan import parse_plan
from tidehall.queue import estimates
from tidehall.simulation.estimates import Study, chosen, judge
from tidehall.simulation.scenario import plan_source, read_scenario
from tidehall.simulation.tables import Scenario

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def yangxin() -> Scenario:
    """The reference hall's scenario."""
    tables = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    return read_scenario(tables, parse_plan(tomllib.loads((ROOT / str(plan_source(tables))).read_text("utf-8"))))


@pytest.fixture(scope="module")
def study(yangxin: Scenario) -> Study:
    """A few days of it, with the oracle asked about some numbers."""
    return judge(yangxin, days=3, sample=15, runs=12)


def test_ranges_hold_what_they_say(study: Study) -> None:
    """p10–p90 holds about 80 % of those who had to wait, the minutes shown more; "at once" is true."""
    found = study.quality
    assert found.inside is not None
    assert found.inside_shown is not None
    assert found.at_once_true is not None
    assert 0.72 <= found.inside <= 0.88
    assert found.inside <= found.inside_shown
    assert found.at_once_true > 0.97
    later = quality(study.later)
    assert later.inside is not None
    assert 0.68 <= later.inside <= 0.9


def test_no_baseline_is_better(study: Study) -> None:
    """The error is below both baselines' on the same numbers."""
    found = study.quality
    assert found.by_plan is not None
    assert found.by_recent is not None
    assert found.by_plan.ours < 0.85 * found.by_plan.error
    assert found.by_recent.ours < found.by_recent.error


def test_near_the_oracle(study: Study) -> None:
    """Who knows the true rates, the clerks' habits and every service under way is little better."""
    found = study.against_oracle
    assert found is not None
    assert found.n >= 40
    assert found.ours <= 1.3 * found.error


def test_the_bars_can_fail(study: Study, yangxin: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that thinks itself surer than it is, or that knows neither roster nor rests, misses them."""
    monkeypatch.setattr(estimates, "SPREAD", 0.2)
    monkeypatch.setattr(estimates, "DOUBT", 0.0)
    plan = yangxin.plan
    blind = replace(
        yangxin,
        plan=replace(
            plan,
            zones=tuple(replace(zone, roster=()) for zone in plan.zones),
            service=replace(plan.service, break_every_s=None),
        ),
    )
    found, seeing = judge(blind, days=3).quality, study.quality
    assert found.inside is not None
    assert found.inside < 0.72
    assert found.error is not None
    assert seeing.error is not None
    assert found.error > 1.1 * seeing.error


@pytest.mark.parametrize(
    ("windows", "demand", "means"),
    [
        (["A", "A", "A", "AB", "B"], {"A": 26.0, "B": 9.0}, {"A": 450.0, "B": 700.0}),
        (["A", "B", "C", "ABC", "ABC"], {"A": 14.0, "B": 11.0, "C": 10.0}, {"A": 500.0, "B": 480.0, "C": 520.0}),
    ],
    ids=["specialists and one that helps", "specialists and generalists"],
)
def test_windows_that_serve_some_lines_more(
    windows: list[str], demand: dict[str, float], means: dict[str, float]
) -> None:
    """Where windows share some lines only, the estimates are as good as where they share all: hardly any bias, far from
    the plan's error, near the oracle's, and ranges that hold what they say or a little more."""
    hall = parse_plan(
        plan_tables(1, hours=("09:00", "17:00"))
        | {
            "lines": [{"id": x, "letter": x, "zone": "z", "name": WORDS} for x in demand],
            "windows": [
                {"id": f"w{n}", "label": str(n), "zone": "z", "lines": list(lines)} for n, lines in enumerate(windows)
            ],
        }
    )
    tide = (("09:00", 1.25), ("11:30", 0.5), ("13:30", 1.2), ("16:00", 0.4))
    tables = {
        "day": {"date": "2026-11-23", "open": "09:00", "close": "17:00"},
        "demand": {"lines": {x: {"profile": [[at, share * n] for at, share in tide]} for x, n in demand.items()}},
        "service": {"lines": {x: {"distribution": "lognormal", "mean_s": means[x], "cv": 0.8} for x in demand}},
    }
    found = judge(read_scenario(tables, hall), days=5, sample=12, runs=12)
    all_of, oracle = found.quality, found.against_oracle
    assert all_of.n > 800
    assert all_of.inside is not None
    assert 0.75 <= all_of.inside <= 0.95
    assert all_of.error is not None
    assert all_of.bias is not None
    assert abs(all_of.bias) < 0.2 * all_of.error
    assert all_of.by_plan is not None
    assert all_of.by_plan.ours < 0.88 * all_of.by_plan.error
    assert oracle is not None
    assert oracle.ours <= 1.2 * oracle.error


def test_a_certain_hall_is_foretold() -> None:
    """One window, services of exactly ten minutes: the error is what is left of the service in front, on average."""
    found = judge(laboratory(1, 5.0, {"distribution": "deterministic", "mean_s": 600.0}, lines=1), days=1).quality
    assert found.n > 80
    assert found.error is not None
    assert found.error < 300.0


def test_the_sample_is_spread_over_the_day(study: Study, yangxin: Scenario) -> None:
    """The oracle is asked about numbers of the whole day, in order, never about the same one twice."""
    some = chosen(study.taken, yangxin, 50)
    assert len({(j.at, j.ticket) for j in some}) == 50
    assert [j.at for j in some] == sorted(j.at for j in some)
    assert len(chosen(study.taken[:3], yangxin, 50)) <= 3
