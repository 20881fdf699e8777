"""Studies: the same seed gives the same days, intervals mean what they say, the JSON has the contract's names."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.simulation.laboratory import SCENARIO, laboratory, plan_tables
from tidehall.command import main
from tidehall.command.planning import read_scenario_file
from tidehall.hall.measures import Measures
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.pairing import changed, parted
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.study import compare, estimate, run_study
from tidehall.simulation.tables import Scenario, TidePolicy
from tidehall.simulation.tally import tally

YANGXIN = Path(__file__).parents[2] / "scenarios" / "yangxin.toml"
NAMES = {
    "tickets", "served", "left", "wait_mean_s", "wait_p50_s", "wait_p95_s", "wait_within_target", "waiting_mean",
    "utilisation", "visit_mean_s", "hand_off_on_time", "window_hours", "censored",
}  # fmt: skip


def small(windows: int = 3, **more: object) -> Scenario:
    """A short day of a small hall."""
    tables = {
        "day": {"open": "09:00", "close": "11:00"},
        "demand": {"day_factor_cv": 0.1, "lines": {"A": {"profile": [["09:00", 30.0]]}}},
        "service": {"lines": {"A": {"mean_s": 300.0}}},
        **more,
    }
    return read_scenario(tables, parse_plan(plan_tables(windows)))


def test_same_seed_same_journal_in_any_process() -> None:
    """One process and two play the same days, to the last byte of every journal; another seed plays others."""
    one = run_study(small(), days=6, seed=3, digest=True)
    two = run_study(small(), days=6, seed=3, jobs=2, digest=True)
    assert one.journal == two.journal
    assert one == two
    assert run_study(small(), days=6, seed=4, digest=True).journal != one.journal


def test_results_have_the_contracts_names() -> None:
    """Hall, lines and half hours carry the measures of contract.md; what has no data is null."""
    facts = json.loads(msgspec.json.encode(run_study(small(), days=3).facts()))
    assert {"days", "seed", "measures", "lines", "by_half_hour"} <= facts.keys()
    assert facts["measures"].keys() >= NAMES
    assert facts["lines"]["A"].keys() >= NAMES
    assert facts["measures"]["wait_mean_s"].keys() == {"mean", "half_width", "level", "n"}
    assert facts["measures"]["hand_off_on_time"] == {"mean": None, "half_width": None, "level": 0.95, "n": 0}
    assert [half["from"] for half in facts["by_half_hour"]] == ["09:00", "09:30", "10:00", "10:30"]
    tickets = sum(half["tickets"]["mean"] for half in facts["by_half_hour"])
    assert tickets == pytest.approx(facts["measures"]["tickets"]["mean"])


def test_tally_is_the_halls_own_measures() -> None:
    """Where the live measures have a figure for the day, the simulated day has the same."""
    scenario = small(people={"no_show": 0.1, "walk_s": 15.0})
    played = Stage(scenario).play(1, 0)
    measures = Measures()
    for event in played.events:
        measures.apply(event)
    live, ours = measures.figures()[""], tally(scenario, played)[""]
    value = {name: a / b for name, (a, b) in ours.items() if b}
    assert live.wait is not None
    assert live.service is not None
    assert live.visit is not None
    assert value["tickets"] == live.tickets
    assert value["served"] == live.served
    assert value["no_show"] == live.no_show != 0
    assert value["wait_mean_s"] == pytest.approx(live.wait.mean)
    assert (value["wait_p50_s"], value["wait_p95_s"]) == (live.wait.p50, live.wait.p95)
    assert value["service_mean_s"] == pytest.approx(live.service.mean)
    assert value["visit_mean_s"] == pytest.approx(live.visit.mean)
    assert value["utilisation"] == pytest.approx(live.utilisation)


def test_waiting_is_arrivals_times_waits() -> None:
    """Little's law holds within one day: the integral of the waiting count is the sum of the waits until the close."""
    scenario = small(people={"walk_s": 15.0})
    played = Stage(scenario).play(1, 0)
    measures = Measures()
    for event in played.events:
        measures.apply(event)
    waits = sum(min(v.first_call, played.hours.closes) - v.taken for v in measures.visits.values()) / 1e6
    area, period = tally(scenario, played)[""]["waiting_mean"]
    assert area == pytest.approx(waits)
    assert period == 7200.0


def test_interval_of_a_ratio() -> None:
    """Σa ÷ Σb with Student's t on the residuals, by hand; one day has no interval, none no data."""
    found = estimate([(1.0, 2.0), (2.0, 2.0), (6.0, 4.0)], 0.95)
    assert found.mean == pytest.approx(9 / 8)
    residuals = [1 - 2.25, 2 - 2.25, 6 - 4.5]
    spread = (sum(r * r for r in residuals) / 2 / 3) ** 0.5 / (8 / 3)
    assert found.half_width == pytest.approx(4.302653 * spread, rel=1e-6)
    assert estimate([(1.0, 2.0)]).half_width is None
    assert estimate([(0.0, 0.0)]).mean is None


def test_both_readings_of_a_target() -> None:
    """The share of citizens and the share of days are different questions with different answers."""
    target = {"wait": {"share": 0.9, "within_s": 240, "reading": "days"}}
    measures = run_study(small(target=target), days=40).measures
    by_citizens, by_days = measures["wait_within_target"].mean, measures["days_within_target"].mean
    assert by_citizens is not None
    assert by_days is not None
    assert 0 < by_days < by_citizens < 1


def test_pairs_narrow_a_difference() -> None:
    """One more window on the same people: the paired difference is far surer than two separate studies."""
    fewer, more = (run_study(small(windows), days=40) for windows in (3, 4))
    (found,) = compare(["three", "four"], [small(3), small(4)], [fewer, more])
    assert found.parted == ()
    difference = found.measures["wait_mean_s"]
    apart = [r.measures["wait_mean_s"] for r in (fewer, more)]
    assert difference.mean is not None
    assert difference.half_width is not None
    assert difference.mean + difference.half_width < 0
    assert apart[0].mean is not None
    assert apart[1].mean is not None
    assert difference.mean == pytest.approx(apart[1].mean - apart[0].mean)
    separate = sum((e.half_width or 0) ** 2 for e in apart) ** 0.5
    assert difference.half_width < separate
    (same,) = compare(["three", "three"], [small(3)] * 2, [fewer, fewer])
    assert same.measures["wait_mean_s"].half_width == pytest.approx(0, abs=1e-9)


def test_the_same_people_come_to_every_configuration() -> None:
    """Windows change nothing of who comes when and how long serving takes; more demand only draws them together."""
    one, two = Stage(small(3)).draw(5, 2), Stage(small(9)).draw(5, 2)
    assert one == two
    busier = small(demand={"lines": {"A": {"profile": [["09:00", 60.0]]}}})
    usual = small(demand={"lines": {"A": {"profile": [["09:00", 30.0]]}}})
    (few,), (many,) = Stage(usual).draw(5, 2), Stage(busier).draw(5, 2)
    opens = Stage(usual).hours.opens
    assert many.service[: len(few.service)] == few.service
    assert abs((many.arrivals[3] - opens) * 2 - (few.arrivals[3] - opens)) <= 2


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"demand": {"lines": {"A": {"profile": [["09:00", 31.0]]}}, "day_factor_cv": 0.1}}, "demand.lines.A"),
        ({"demand": {"lines": {"A": {"profile": [["09:00", 30.0]]}}}}, "demand.day_factor_cv"),
        ({"service": {"lines": {"A": {"mean_s": 301.0}}}}, "service.lines.A"),
        ({"people": {"patience": {"mean_s": 600.0}}}, "people.patience"),
        ({"people": {"leave": "cancel"}}, "people.leave"),
        ({"transfers": {"A": {"A": 0.1}}}, "transfers.A"),
        ({"day": {"open": "09:00", "close": "11:30"}}, "day"),
    ],
)
def test_where_the_people_of_two_scenarios_differ(table: dict[str, object], place: str) -> None:
    """Whatever a day's people are drawn from is named by its place in the file, and the drawn people do differ."""
    assert parted(small(), small(**table)) == parted(small(**table), small()) == (place,)  # type: ignore[arg-type]
    if place != "people.leave":  # how they leave is a habit without chance
        drawn = [[Stage(scenario).draw(5, day) for day in range(3)] for scenario in (small(), small(**table))]  # type: ignore[arg-type]
        assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    "table",
    [
        {"clerks": {"changeover_s": 30.0}}, {"tide": {"policy": "off"}},
        {"people": {"walk_s": 20.0}}, {"target": {"wait": {"within_s": 60}}},
        {"day": {"open": "09:00", "close": "11:00", "date": "2026-11-24"}},
    ],
)  # fmt: skip
def test_the_hall_alone_makes_nobody_another(table: dict[str, object]) -> None:
    """Windows, clerks, tide, ways, targets and the date leave the people as they are."""
    assert parted(small(), replace(small(4, **table), windows={"z": ((0, 1),)})) == ()


def test_papers_differ_by_what_is_drawn_and_not_by_who_works_on_them() -> None:
    """More officers are the same people with the same papers; more cases among them are not."""
    usual = read_scenario_file(YANGXIN)
    assert usual.offices is not None
    staffed = replace(usual, offices=replace(usual.offices, officers=9, pool=5))
    busier = replace(usual, offices=replace(usual.offices, case_share=0.9))
    assert parted(usual, staffed) == ()
    assert parted(usual, busier) == ("offices.case_share",)
    assert parted(usual, replace(usual, offices=None)) == ("offices",)


def test_all_in_which_two_scenarios_differ_is_told() -> None:
    """Windows, tide, staff, targets, prices and the plan, each by its place and with both sides; the same: nothing."""
    usual = read_scenario_file(YANGXIN)
    assert usual.offices is not None
    assert changed(usual, usual) == ()
    line = usual.plan.lines[0]
    other = replace(
        usual, windows=usual.windows | {line.zone: ((8 * 3_600_000_000, 3),)}, tide=TidePolicy("off"),
        offices=replace(usual.offices, officers=9), cost=replace(usual.cost, window_hour=2.0),
        plan=replace(usual.plan, tide={}, lines=(replace(line, service_s=77.0), *usual.plan.lines[1:])),
    )  # fmt: skip
    found = {change.place: (change.base, change.other) for change in changed(usual, other)}
    assert found.keys() == {
        f"windows.{line.zone}", "tide.policy", "offices.officers", "cost.window_hour", f"plan.lines.{line.id}"
    }  # fmt: skip
    assert found["offices.officers"] == (usual.offices.officers, 9)
    assert found[f"windows.{line.zone}"][1] == [["08:00", 3]]


def test_lines_and_zones_are_compared_too() -> None:
    """A line's difference is that of its own days, and what a line gains is the hall's where there is no other."""
    scenarios = [small(2), small(3)]
    results = [run_study(scenario, days=8, parts=True) for scenario in scenarios]
    (found,) = compare(["two", "three"], scenarios, results)
    assert found.lines["A"]["wait_mean_s"] == found.zones["z"]["wait_mean_s"] == found.measures["wait_mean_s"]
    assert found.base["wait_mean_s"] == results[0].measures["wait_mean_s"].mean
    assert found.other["wait_mean_s"] == results[1].measures["wait_mean_s"].mean


def test_who_leaves_in_silence_is_counted_apart() -> None:
    """`left_silently` are those of the no-shows whose patience had ended; without patience nobody is."""
    patient = small(1, people={"no_show": 0.1})
    hasty = small(1, people={"no_show": 0.1, "patience": {"distribution": "exponential", "mean_s": 300.0}})
    assert "left_silently" not in run_study(patient, days=2).measures
    result = run_study(hasty, days=4)
    gone, missing = result.measures["left_silently"].mean, result.measures["no_show"].mean
    assert gone is not None
    assert missing is not None
    assert 0 < gone < missing
    assert result.lines["A"]["left_silently"].mean == gone


def test_turned_away_when_numbers_are_exhausted() -> None:
    """999 numbers a letter and day bind in the twin as in the hall; who gets none is counted."""
    scenario = laboratory(50, 100.0, {"distribution": "exponential", "mean_s": 60.0}, lines=1)
    measures = run_study(scenario, days=2).measures
    assert measures["tickets"].mean == 999
    assert (measures["turned_away"].mean or 0) > 1000


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`simulate` and `compare` answer in JSON; a wrong scenario is exit 2 with every mistake and its place."""
    scenario, wrong = tmp_path / "s.toml", tmp_path / "wrong.toml"
    scenario.write_text(SCENARIO, "utf-8")
    wrong.write_text(SCENARIO + "[people]\nno_show = 2.0\nwalks = 3\n", "utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        return code, *capsys.readouterr()

    code, out, err = run("simulate", str(scenario), "--days", "2", "--seed", "7", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert (facts["days"], facts["seed"]) == (2, 7)
    _, out, _ = run("compare", str(scenario), str(scenario), "--days", "2", "--json")
    assert json.loads(out)["differences"][0]["measures"]["served"]["mean"] == 0
    _, out, _ = run("simulate", str(scenario), "--days", "3")
    for told in ("3 days, seed 1", "wait_mean_s", "±", "hand_off_on_time       -", "4.00 a day: windows 4.00 (without"):
        assert told in out
    assert facts["cost"]["total"] == 4.0
    _, out, _ = run("compare", str(scenario), str(scenario), "--days", "2")
    assert "the same people on every day" in out
    assert "nothing differs" in out
    busier = tmp_path / "busier.toml"
    busier.write_text(SCENARIO.replace("20.0", "25.0") + "[people]\nno_show = 0.2\n", "utf-8")
    _, out, _ = run("compare", str(scenario), str(busier), "--days", "2")
    assert "not quite the same people: they differ in demand.lines.A, people.no_show\n" in out
    assert "on every day" not in out
    assert "differs in people.no_show: 0.0 → 0.2" in out
    assert "differs in demand.lines.A.profile: [[" in out
    _, out, _ = run("compare", str(scenario), str(busier), "--days", "2", "--json")
    assert json.loads(out)["differences"][0]["parted"] == ["demand.lines.A", "people.no_show"]
    code, _, err = run("simulate", str(wrong), "--json")
    assert code == 2
    assert "wrong.toml: people.no_show: must lie between 0 and 1" in err
    assert "people.walks: is not known here" in err
    for arguments in (("simulate", str(tmp_path / "none.toml")), ("simulate", str(scenario), "--days", "0"),
                      ("compare", str(scenario))):  # fmt: skip
        code, _, err = run(*arguments)
        assert code == 2
        assert len(err.splitlines()) == 1


def test_parts_add_up_on_quiet_days() -> None:
    """A line to which nobody came on a day counts as one with nobody: numbers taken by lines and by zones are the
    hall's."""
    scenario = read_scenario_file(YANGXIN)
    assert scenario.offices is not None
    scenario = replace(scenario, offices=replace(scenario.offices, collect_share=0.01))
    result = run_study(scenario, days=3)
    quiet = [line for line in result.lines.values() if line["tickets"].mean == 0]
    assert quiet
    for parts in (result.lines, result.zones):
        assert {part["tickets"].n for part in parts.values()} == {3}
        total = sum(part["tickets"].mean or 0.0 for part in parts.values())
        assert total == pytest.approx(result.measures["tickets"].mean)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--html", "{0}"], "is a folder; name a file"),
        (["--html", "{0}/none/x.html"], "there is no such folder"),
        (["--jobs", "1000000"], "--jobs 1000000: must be at most"),
        (["--days", "0"], "--days 0: must be at least 1"),
    ],
)
def test_what_cannot_end_well_does_not_begin(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that can't be written and numbers that make no sense are refused before the first day."""
    given = ["simulate", str(YANGXIN), "--days", "1000000", *(word.format(tmp_path) for word in more)]
    assert main(given) == 2
    assert said in capsys.readouterr().err


def test_ctrl_c_while_the_house_loads() -> None:
    """Whoever presses Ctrl-C at once gets the sentence and 130 too, and no traceback of an import."""
    code = "import sys; sys.argv[1:] = ['simulate', 'none.toml']; import tidehall.__main__ as door; door.main()"
    stop = "import os, signal, sys; sys.addaudithook(lambda what, given: what == 'import' and given[0] == "
    stop += "'tidehall.server' and os.kill(os.getpid(), signal.SIGINT)); "
    done = subprocess.run([sys.executable, "-c", stop + code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "tidehall: stopped before the end\n")


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A study that is stopped says so, ends with 130 and leaves an older report as it was."""
    report = tmp_path / "report.html"
    report.write_text("older", "utf-8")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        code = main(["simulate", str(YANGXIN), "--days", "1000000", "--html", str(report)])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert code == 130
    assert "stopped before the end" in capsys.readouterr().err
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("report.html", "older")]
