"""A count of windows means those that help most, ids mean themselves, and a line that nobody serves is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.laboratory import LETTERS, WORDS, plan_tables
from tidehall.command import main
from tidehall.dashboards.report import study_report
from tidehall.hall.plan import parse_plan
from tidehall.simulation.opening import opening_order, uncovered
from tidehall.simulation.scenario import ScenarioInvalid, read_scenario
from tidehall.simulation.sizing_bounds import read_sizing, zone_rooms
from tidehall.simulation.study import run_study
from tidehall.simulation.tables import Scenario


def hall(*serve: str, hours: tuple[str, str] = ("09:00", "17:00")) -> dict[str, Any]:
    """A plan whose windows, labelled 9, 10, 11…, serve these lines: "A", "AB"…"""
    tables = plan_tables(0, lines=3, hours=hours)
    tables["windows"] = [
        {"id": f"w{n}", "label": str(n), "zone": "z", "lines": list(lines)} for n, lines in enumerate(serve, 9)
    ]
    return tables


def scenario(plan: dict[str, Any], windows: object = None, **per_hour: float) -> Scenario:
    """So many people an hour come to each line from nine to five; each is served for ten minutes."""
    demand = {"lines": {line: {"profile": [["09:00", rate], ["17:00", 0.0]]} for line, rate in per_hour.items()}}
    more = {} if windows is None else {"windows": {"z": windows}}
    return read_scenario({"demand": demand, **more}, parse_plan(plan))


def served(found: Scenario) -> dict[str, float]:
    """People served a day by line."""
    measures = run_study(found, days=2).lines
    return {line: mine["served"].mean or 0.0 for line, mine in measures.items()}


def test_next_window_helps_the_busiest_line() -> None:
    """Each line gets a window first, the busiest before the others; then the most work for each window counts."""
    found = scenario(hall("C", "A", "A", "A", "B"), A=12.0, B=5.0, C=2.0)
    assert opening_order(found) == {"z": ("w10", "w13", "w9", "w11", "w12")}


def test_window_for_several_lines_comes_first() -> None:
    """Of several windows for the busiest line, one that also serves lines without any opens first."""
    assert opening_order(scenario(hall("A", "A", "AB"), A=9.0, B=1.0))["z"] == ("w11", "w9", "w10")


def test_order_is_that_of_the_labels_however_the_plan_is_written() -> None:
    """`[[windows]]` and `[[window_ranges]]` give the same order; windows that are alike keep the plan's."""
    plain = hall("A", "A", "A", "B")
    some = {"id_prefix": "w", "digits": 1, "zone": "z", "lines": ["A"]}
    ranged = plain | {
        "windows": plain["windows"][1:2] + plain["windows"][3:],
        "window_ranges": [some | {"first": n, "last": n, "label_first": n} for n in (9, 11)],
    }
    orders = [opening_order(scenario(plan, A=9.0, B=1.0))["z"] for plan in (plain, ranged)]
    assert orders == [("w9", "w12", "w10", "w11")] * 2
    alike = hall("AB", "AB")
    alike["windows"].reverse()
    assert opening_order(scenario(alike, A=1.0, B=9.0))["z"] == ("w10", "w9")


def test_transfers_are_work_too() -> None:
    """A line to which people only come from another has a window before the other's second."""
    tables = {"demand": {"lines": {"A": {"profile": [["09:00", 9.0]]}}}, "transfers": {"A": {"B": 0.2}}}
    assert opening_order(read_scenario(tables, parse_plan(hall("A", "A", "B"))))["z"] == ("w9", "w11", "w10")


def test_counts_leave_no_line_out() -> None:
    """With two of three windows open, also after a step down, both lines are served; the plan's first two serve A."""
    found = served(scenario(hall("A", "A", "B"), [["09:00", 3], ["11:00", 2]], A=4.0, B=3.0))
    assert found["B"] > 12
    assert found["A"] > 15


def test_ids_open_these_windows() -> None:
    """Windows are named instead of counted, for the whole day or from a time on."""
    plan = hall("A", "A", "B")
    assert served(scenario(plan, ["w11"], A=4.0, B=3.0))["A"] == 0
    banded = scenario(plan, [["09:00", ["w9", "w11"]], ["13:00", 1]], A=4.0, B=3.0)
    assert banded.windows["z"][0] == (9 * 3600 * 1_000_000, ("w9", "w11"))
    assert [(x.line, x.stretches) for x in uncovered(banded)] == [("B", (("13:00", "17:00"),))]


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (["w99"], "windows.z[0]: 'w99': zone 'z' has no such window that accepts"),
        ([["09:00", ["w9", "w9"]]], "windows.z[0]: names a window twice"),
        ([["09:00", 4]], "windows.z[0]: 4 windows"),
    ],
)
def test_wrong_windows_are_named(windows: object, said: str) -> None:
    """An id that the zone has not, one that stands twice, and too many are refused with their place."""
    with pytest.raises(ScenarioInvalid) as caught:
        scenario(hall("A", "A", "B"), windows, A=4.0)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(said)


def test_line_without_a_window_is_told() -> None:
    """Stretches of a session without a window for people who come are told; breaks, and lines without people, not."""
    plan = hall("A", "B")
    plan["hall"]["hours"] = [["09:00", "12:00"], ["14:00", "17:00"]]
    assert uncovered(scenario(plan, A=4.0, B=3.0)) == []
    (lack,) = uncovered(scenario(plan, [["09:00", 1]], A=4.0, B=3.0))
    assert lack.sentence == "windows.z: line B has no open window 09:00–12:00, 14:00–17:00: nobody can be called"
    (lack,) = uncovered(scenario(plan, [["09:00", 1], ["11:00", 2]], A=4.0, B=3.0))
    assert (lack.line, lack.stretches, lack.people, lack.never) == ("B", (("09:00", "11:00"),), 6.0, False)
    assert uncovered(scenario(plan, [["09:00", 1]], A=4.0)) == []


def test_sizing_counts_in_the_same_order() -> None:
    """So many windows as serve every line are the least: two in the order of opening, three in the plan's."""
    found = scenario(hall("A", "A", "B"), A=4.0, B=3.0)
    (room,) = zone_rooms(found, read_sizing({}, found))
    assert {band.least for band in room.bands} == {2}


def test_commands_and_report_warn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`simulate` warns on standard error and in its JSON, the report beside its finding."""
    path = tmp_path / "a.toml"
    names = "name = { zh = '名', en = 'Name' }\n"
    path.write_text(
        "[demand.lines]\nA.profile = [['09:00', 2.0]]\nB.profile = [['09:00', 1.0]]\n[windows]\nz = [['09:00', 1]]\n"
        f"[hall.hall]\nid = 'lab'\n{names}[[hall.zones]]\nid = 'z'\n{names}"
        + "".join(f"[[hall.lines]]\nid = '{x}'\nletter = '{x}'\nzone = 'z'\n{names}" for x in LETTERS[:2])
        + "".join(f"[[hall.windows]]\nid = 'w{x}'\nlabel = '{x}'\nzone = 'z'\nlines = ['{x}']\n" for x in LETTERS[:2]),
        "utf-8",
    )
    assert main(["simulate", str(path), "--days", "1", "--json"]) == 0
    said = capsys.readouterr()
    assert "warning: windows.z: line B has no open window" in said.err
    assert [lack["line"] for lack in json.loads(said.out)["uncovered"]] == ["B"]
    found = scenario(hall("A", "B"), [["09:00", 1]], A=4.0, B=3.0)
    page = study_report(run_study(found, days=1), found, source="a.toml", lang="en", version="1")
    assert f"No window is open for line B {WORDS['en']} on this day" in page
