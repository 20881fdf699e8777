"""What a log holds twice, lacks or leaves open is told; its windows and its hall's own plan come out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w

from tests.simulation.laboratory import plan_tables
from tidehall.command import main
from tidehall.hall.plan import parse_plan
from tidehall.locales import say
from tidehall.server import StartError, read_scenario_file
from tidehall.simulation.calibration import Calibration, LogUnusable, calibrate_log
from tidehall.simulation.counters import calibrate_office, count_office, usual_days
from tidehall.simulation.scenario import plan_source, read_scenario
from tidehall.simulation.snapshots import read_snapshots
from tidehall.simulation.visits import read_visits

ZONE = "Asia/Shanghai"
DAYS = ("2026-10-12", "2026-10-13", "2026-10-14", "2026-10-15", "2026-10-16")


def hall() -> dict[str, Any]:
    """Line A has windows 1 and 2, line B window 3; open from nine to twelve and from two to five, Monday to Friday."""
    tables = plan_tables(3, lines=2)
    tables["hall"] |= {
        "hours": [["09:00", "12:00"], ["14:00", "17:00"]],
        "open_days": ["mon", "tue", "wed", "thu", "fri"],
    }
    for window, lines in zip(tables["windows"], ("A", "A", "B"), strict=True):
        window["lines"] = [lines]
    return tables


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def rows(*days: str, until: int = 16 * 60 + 25) -> Iterator[dict[str, str]]:
    """Every five minutes of the sessions somebody comes to A, every twenty to B; nobody waits, all take four minutes.
    B's window begins at 9:20 and ends at 16:24 with whom it has; window 2 is open in the morning only."""
    for day in days:
        for n, at in enumerate(m for m in range(9 * 60, until, 5) if not 12 * 60 <= m < 14 * 60):
            line = "B" if n % 4 == 0 and n else "A"
            window = "w3" if line == "B" else "w2" if n % 2 and at < 12 * 60 else "w1"
            taken, ended = f"{day} {clock(at)}", f"{day} {clock(at + 4)}"
            yield {"line": line, "taken_at": taken, "called_at": taken, "ended_at": ended, "window": window}


def calibrated(found: list[dict[str, str]], **more: Any) -> Calibration:
    return calibrate_log(read_visits(found, ZONE), parse_plan(hall()), "plan.toml", **more)


def said(found: Calibration) -> dict[str, dict[str, Any]]:
    """What is not known, by its code; every sentence can be said."""
    assert all(
        say(f"calibration.unknown.{it.code}", lang, **it.values) for it in found.unknown for lang in ("zh", "en")
    )
    return {it.code: it.values for it in found.unknown}


def test_windows_come_back_by_name() -> None:
    """Where not all windows serve the same lines, those seen are named; the last service of a session is no closing,
    the first one of somebody who had not waited no opening; and all that stand open serve everybody who comes."""
    found = calibrated(list(rows(*DAYS)))
    steps = dict(found.tables["windows"]["z"])
    assert steps == {"09:00": ["w1", "w2", "w3"], "12:00": ["w1", "w3"], "17:00": []}
    assert read_scenario(found.tables, parse_plan(hall())).windows["z"][1][1] == ("w1", "w3")


def test_waiting_people_show_that_a_window_was_shut() -> None:
    """A window whose first citizen had waited opened with that call, not with the session."""
    late = list(rows(*DAYS))
    for row in late:
        if row["window"] == "w3" and " 09:20" in row["taken_at"]:
            row["called_at"] = row["taken_at"].replace(":20:", ":35:")
            row["ended_at"] = row["ended_at"].replace(":24:", ":39:")
    steps = dict(calibrated(late).tables["windows"]["z"])
    assert steps["09:00"] == ["w1", "w2"]
    assert steps["09:30"] == ["w1", "w2", "w3"]


def test_rows_that_stand_twice_count_once() -> None:
    """A row with the same person, times and window is dropped and counted; where nothing tells whether two are one
    person both count, and that is said; in a log that was written twice they don't."""
    once = list(rows(*DAYS))
    found = calibrated(once + once[:20])
    assert said(found)["rows_doubled"] == {"n": 20}
    assert found.lines[0].came_per_day == calibrated(once).lines[0].came_per_day
    left = {"line": "A", "taken_at": f"{DAYS[0]} 10:01:00", "called_at": "", "ended_at": "", "window": ""}
    codes = said(calibrated([*once, left, left]))
    assert codes["rows_alike"] == {"n": 1}
    assert "rows_doubled" not in codes
    codes = said(calibrated([*once, left] * 2))
    assert codes["rows_doubled"] == {"n": len(once) + 1}
    assert "rows_alike" not in codes


def test_gaps_and_missing_days_are_named() -> None:
    """An hour without anybody where many come on other days, and an open day without any row, are named; breaks and
    weekends are not."""
    some = list(rows(*DAYS[:2], *DAYS[3:], "2026-10-19"))
    whole = said(calibrated(some))
    assert whole["days_missing"] == {"n": 1, "days": "2026-10-14"}
    assert "gaps" not in whole
    holed = [row for row in some if not f"{DAYS[1]} 10:00" <= row["taken_at"] < f"{DAYS[1]} 11:30"]
    assert said(calibrated(holed))["gaps"] == {"n": 1, "gaps": "2026-10-13 09:55–11:30"}
    assert "days_missing" not in said(calibrated(some, weekdays={0, 1}))


def test_log_outside_the_hours_is_refused() -> None:
    """A log none of whose people come in the plan's hours leaves nobody: it is refused."""
    tables = hall()
    tables["hall"]["hours"] = [["20:00", "22:00"]]
    with pytest.raises(LogUnusable, match=r"outside the plan's hours \(20:00–22:00\): nobody is left"):
        calibrate_log(read_visits(rows(*DAYS), ZONE), parse_plan(tables), "plan.toml")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A plan, a log and a place for the scenario."""
    plan, log, out = tmp_path / "hall.toml", tmp_path / "log.csv", tmp_path / "found.toml"
    plan.write_text(tomli_w.dumps(hall()), "utf-8")
    table = list(rows(*DAYS))
    log.write_text("\n".join([",".join(table[0]), *(",".join(row.values()) for row in table)]), "utf-8")
    return plan, log, out


def test_simulated_waits_stand_beside_logged_ones(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line's mean wait, logged and simulated, is told; with --days 0 nothing is played."""
    plan, log, out = files
    asked = ["calibrate", str(log), "--plan", str(plan), "--out", str(out)]
    assert main([*asked, "--days", "3"]) == 0
    assert "  line A            mean wait 0 s logged, " in capsys.readouterr().out
    assert main([*asked, "--days", "2", "--json"]) == 0
    waits = json.loads(capsys.readouterr().out)["waits"]
    assert [(line["line"], line["logged"]) for line in waits] == [("A", 0.0), ("B", 0.0)]
    assert all(line["simulated"] > 0 for line in waits)
    assert main([*asked, "--days", "0"]) == 0
    assert "mean wait" not in capsys.readouterr().out


def test_own_input_is_not_overwritten(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--out may be neither the plan nor the log, by whatever name."""
    plan, log, _ = files
    (tmp_path / "link.toml").symlink_to(plan)
    before = plan.read_text("utf-8"), log.read_text("utf-8")
    for out in (plan, log, tmp_path / "link.toml", tmp_path / "." / "x" / ".." / "log.csv"):
        assert main(["calibrate", str(log), "--plan", str(plan), "--out", str(out)]) == 2
        assert "itself; name another file" in capsys.readouterr().err
    assert (plan.read_text("utf-8"), log.read_text("utf-8")) == before


def test_journal_brings_its_own_plan(files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The plan adopted in a journal is the one used: under the file's name where that is it, else inside the scenario,
    and that is said; without --plan too."""
    from tidehall.simulation.day import Stage

    plan, log, out = files
    ruled = hall()
    ruled["hall"]["hours"] = [["08:00", "12:00"]]
    tables = {"demand": {"lines": {"A": {"profile": [["08:00", 20.0], ["12:00", 0.0]]}}}}
    events = Stage(read_scenario(tables, parse_plan(ruled))).play(1, 0).events
    log.write_text("\n".join(json.dumps({"body": msgspec.to_builtins(event)}) for event in events), "utf-8")
    ask = ["calibrate", str(log), "--out", str(out), "--days", "0"]
    for more, told in (([], "no plan was named"), (["--plan", str(plan)], "another plan than hall.toml")):
        assert main([*ask, *more]) == 0
        assert told in capsys.readouterr().out
        assert read_scenario_file(out).plan.hall.hours == (("08:00", "12:00"),)
    plan.write_text(tomli_w.dumps(ruled), "utf-8")
    assert main([*ask, "--plan", str(plan)]) == 0
    assert "adopted in the journal" not in capsys.readouterr().out
    assert 'plan = "hall.toml"' in out.read_text("utf-8")


def test_inline_plan_is_the_whole_plan() -> None:
    """A plan written into the scenario reads back as it was."""
    plan = parse_plan(hall())
    found = calibrate_log(read_visits(rows(*DAYS), ZONE), plan, None)
    assert plan_source(found.tables) == plan


def test_snapshots_say_what_is_assumed() -> None:
    """The assumed service of a line whose people are never called, and the assumed time zone, are told; the line by its
    letter and id in the scenario."""
    cells = [
        {"date": "2026-10-12", "time": f"{9 + n // 6:02d}:{n % 6 * 10:02d}", "line_id": id, "letter": "K",
         "open_windows": windows, "waiting": str(waiting), "current_number": number}
        for n in range(40)
        for id, windows, waiting, number in (("71", "2", n % 3 + 1, f"K{n + 1:03d}"), ("72", "0", n // 4, ""))
    ]  # fmt: skip
    counted = count_office(read_snapshots(cells).offices["hall"])
    kind = usual_days(counted)
    assert kind is not None
    found = calibrate_office(counted, kind)
    codes = said(found)
    assert codes["time_zone_assumed"] == {"zone": "Asia/Shanghai"}
    (line,) = (x for x in found.lines if x.line == "l72")
    name = f"{line.more['letter']} (l72)"
    assert codes["never_called"] == {"lines": name, "service": f"{line.service['mean_s']:.0f}"}
    assert "time_zone_assumed" not in said(calibrate_office(counted, kind, time_zone="Europe/Warsaw"))


def test_plan_of_a_scenario_is_found_from_anywhere(
    files: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scenario's plan is looked for beside it, in the working folder, and in the folder above; a refusal says so."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "scenarios" / "day.toml"
    path.write_text('plan = "hall.toml"\n[demand.lines.A]\nprofile = [["09:00", 1.0]]\n', "utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_scenario_file(path).plan.hall.id == "lab"
    monkeypatch.chdir(tmp_path / "scenarios")
    assert read_scenario_file(Path("day.toml")).plan.hall.id == "lab"
    files[0].rename(tmp_path / "elsewhere" / "hall.toml")
    with pytest.raises(StartError, match=r"no hall\.toml beside this file, in the working folder .*scenarios"):
        read_scenario_file(path)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_scenario_file(path).plan.hall.id == "lab"
