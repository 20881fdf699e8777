"""Calibration gives back the scenario behind a log: rates, services, day factor, windows; broken rows are named."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from tests.simulation.laboratory import plan_tables
from tidehall.command import main
from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.plan import Plan, parse_plan
from tidehall.simulation.calibration import Calibration, LogUnusable, calibrate_log, scenario_text
from tidehall.simulation.counters import calibrate_office, count_office, usual_days
from tidehall.simulation.day import Stage
from tidehall.simulation.fitting import day_factor, fit_durations
from tidehall.simulation.scenario import plan_source, read_scenario
from tidehall.simulation.snapshots import read_snapshots
from tidehall.simulation.transient import expected_waiting
from tidehall.simulation.validation import validate
from tidehall.simulation.visits import Log, journal_log, read_visits

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAYS = 24
ZONE = "Asia/Shanghai"
WINDOWS = [["09:00", 3], ["12:00", 2], ["13:00", 4]]
TRUE: dict[str, Any] = {
    "demand": {
        "day_factor_cv": 0.2,
        "lines": {"A": {"profile": [["09:00", 16.0], ["13:00", 10.0]]}, "B": {"profile": [["09:00", 4.0]]}},
    },
    "service": {
        "lines": {"A": {"distribution": "lognormal", "mean_s": 540.0, "cv": 0.6},
                  "B": {"distribution": "gamma", "mean_s": 300.0, "cv": 0.4}},
    },
    "people": {"walk_s": 20.0, "no_show": 0.05,
               "patience": {"distribution": "exponential", "mean_s": 7200.0}, "leave": "cancel"},
    "clerks": {"changeover_s": 15.0},
    "windows": {"z": WINDOWS},
}  # fmt: skip


@cache
def the_plan() -> Plan:
    """A hall with two lines and four windows for both, open from nine to five."""
    return parse_plan(plan_tables(4, lines=2, hours=("09:00", "17:00")))


def play(first: str, days: int, scenario: dict[str, Any]) -> list[list[Event]]:
    """The journals of working days from a date on; tickets named apart."""
    found: list[list[Event]] = []
    day = date.fromisoformat(first)
    while len(found) < days:
        if day.weekday() < 5:
            stage = Stage(read_scenario(scenario | {"day": {"date": day.isoformat()}}, the_plan()))
            events = stage.play(5, len(found)).events
            found.append([
                replace(ev, ticket=f"{day}/{ev.ticket}") if hasattr(ev, "ticket") else ev for ev in events
            ])  # fmt: skip
        day += timedelta(days=1)
    return found


@cache
def journals() -> list[list[Event]]:
    """What happened in the hall on 24 days."""
    return play("2026-10-12", DAYS, TRUE)


def whole_log() -> Log:
    """Everything that the hall's journal tells."""
    return journal_log([event for day in journals() for event in day], ZONE)


def per_hour(found: Calibration, line: str, begin: str, end: str) -> float:
    """Mean citizens per hour between two times of a calibrated profile."""
    profile = dict(found.tables["demand"]["lines"][line]["profile"])
    rate, rates = 0.0, []
    for half in range(48):
        at = f"{half // 2:02d}:{half % 2 * 30:02d}"
        rate = profile.get(at, rate)
        if begin <= at < end:
            rates.append(rate)
    return float(np.mean(rates))


def check_truth(found: Calibration) -> None:
    """The true scenario within about three standard errors of 24 days."""
    assert per_hour(found, "A", "09:00", "13:00") == pytest.approx(16.0, rel=0.15)
    assert per_hour(found, "A", "13:00", "17:00") == pytest.approx(10.0, rel=0.15)
    assert per_hour(found, "B", "09:00", "17:00") == pytest.approx(4.0, rel=0.2)
    assert found.tables["demand"]["day_factor_cv"] == pytest.approx(0.2, abs=0.08)
    a, b = (found.tables["service"]["lines"][line] for line in "AB")
    assert a["mean_s"] == pytest.approx(540.0, rel=0.05)
    assert a["cv"] == pytest.approx(0.6, abs=0.07)
    assert b["mean_s"] == pytest.approx(300.0, rel=0.05)
    assert (a["distribution"], b["distribution"]) == ("lognormal", "gamma")
    assert all(line.ks is not None and line.ks < 0.05 for line in found.lines)
    assert found.tables["people"]["walk_s"] == pytest.approx(20.0, abs=0.5)
    assert found.tables["clerks"]["changeover_s"] == pytest.approx(15.0, abs=0.5)


def test_journal_gives_back_its_scenario() -> None:
    """Rates, services, day factor, windows, no-shows and patience of a hall come out of its own journal."""
    found = calibrate_log(whole_log(), the_plan(), "plan.toml")
    check_truth(found)
    assert found.tables["windows"]["z"][:3] == WINDOWS
    assert found.tables["people"]["no_show"] == pytest.approx(0.05, abs=0.015)
    assert found.tables["people"]["patience"]["mean_s"] == pytest.approx(7200.0, rel=0.4)
    assert found.tables["people"]["leave"] == "cancel"
    assert read_scenario(found.tables, the_plan()).day_factor_cv > 0


def visit_rows(zone_text: str) -> list[dict[str, str]]:
    """The same visits as a queue system's table."""

    def at(day: str, seconds: float | None) -> str:
        moment = datetime.fromisoformat(day) + timedelta(seconds=round(seconds or 0.0, 3))
        return "" if seconds is None else moment.isoformat() + zone_text

    return [
        {"Ticket": str(i), "Line": v.line, "Taken at": at(v.day, v.taken), "Called at": at(v.day, v.called),
         "Started at": at(v.day, v.started), "Ended at": at(v.day, v.ended), "Window": v.window or ""}
        for i, v in enumerate(whole_log().visits)
    ]  # fmt: skip


@pytest.mark.parametrize("zone_text", ["", "+08:00"])
def test_log_of_visits_gives_back_its_scenario(zone_text: str) -> None:
    """A table of visits with local or RFC 3339 times does the same; what it has no column for is said."""
    log = read_visits(visit_rows(zone_text), ZONE)
    assert (log.problems, log.broken) == ([], 0)
    found = calibrate_log(log, the_plan(), "plan.toml")
    check_truth(found)
    counts = dict(found.tables["windows"]["z"])
    assert counts["12:30" if "12:30" in counts else "12:00"] == 2
    assert max(counts.values()) == 4
    assert {"no_show_unseen", "windows_from_services"} <= {it.code for it in found.unknown}


def test_broken_rows_of_a_log_are_named() -> None:
    """A row that cannot be right is left out with its number in the file and the reason."""
    rows = [dict(row) for row in visit_rows("")[:40]]
    rows[3]["Taken at"] = "soon"
    rows[5]["Called at"] = "2020-01-01 00:00"
    rows[7]["Line"] = ""
    log = read_visits(rows, ZONE)
    assert [problem.split(":")[0] for problem in log.problems] == ["row 5", "row 7", "row 9"]
    assert (log.broken, len(log.visits)) == (3, 37)
    assert "'soon' is no time" in log.problems[0]
    assert read_visits([{"a": "1"}], ZONE).problems[0].startswith("columns: line, taken, called")


def test_log_of_another_hall_is_refused() -> None:
    """A log none of whose lines the plan has cannot be used, and the sentence names them."""
    log = whole_log()
    for visit in log.visits:
        visit.line = "X7"
    with pytest.raises(LogUnusable, match="'X7'"):
        calibrate_log(log, the_plan(), "plan.toml")


def test_log_of_a_part_of_the_hall_opens_that_part() -> None:
    """Zones to which nobody came open no window, and it is said; the day is one on which the plan's hall is open, and
    people outside its hours are counted; a fit of a whole zone says from how many services it is."""
    tables = plan_tables(4, lines=2, hours=("10:00", "17:00"))
    tables["zones"].append({"id": "y", "name": {"zh": "另一区"}})
    tables["lines"].append({"id": "Y", "letter": "Y", "zone": "y", "name": {"zh": "另一队"}})
    tables["windows"].append({"id": "y1", "zone": "y", "label": "91", "lines": ["Y"]})
    tables["calendar"] = {"closed": sorted({visit.day for visit in whole_log().visits})}
    log = whole_log()
    rare = [visit for visit in log.visits if visit.line == "B"][:10]
    log.visits = [visit for visit in log.visits if visit.line == "A"] + rare
    found = calibrate_log(log, parse_plan(tables), "plan.toml")
    codes = {it.code: it.values for it in found.unknown}
    assert found.tables["windows"]["y"] == [["00:00", 0]]
    assert codes["zones_unused"] == {"zones": "y", "n": 1}
    assert found.tables["day"]["date"] == codes["days_closed"]["instead"] > codes["days_closed"]["day"]
    assert 0 < codes["outside_hours"]["n"] < codes["outside_hours"]["of"]
    assert found.lines[1].n > found.lines[0].n > 10
    assert read_scenario(found.tables, parse_plan(tables)).windows["y"] == ((0, 0),)


# ---- counter snapshots


def snapshot_rows(days: list[list[Event]]) -> list[dict[str, str]]:
    """What a board shows of these days, every five minutes: waiting, open windows, last number called, line by line."""
    rows = []
    for events in days:
        line_of = {ev.ticket: (ev.line, ev.number) for ev in events if isinstance(ev, e.TicketTaken)}
        waiting, shown, windows = {"A": 0, "B": 0}, {"A": "", "B": ""}, 0
        midnight = min(ev.at for ev in events)
        coming = iter(sorted(events, key=lambda ev: ev.at))
        event = next(coming, None)
        left: set[str] = set()
        for minute in range(8 * 60 + 55, 17 * 60 + 30, 5):
            while event is not None and event.at <= midnight + minute * MINUTE:
                match event:
                    case e.TicketTaken():
                        waiting[event.line] += 1
                    case e.TicketCalled():
                        line, number = line_of[event.ticket]
                        if event.ticket not in left:
                            waiting[line] -= 1
                        left.add(event.ticket)
                        shown[line] = number
                    case e.TicketCancelled() | e.TicketExpired():
                        if event.ticket not in left:
                            waiting[line_of[event.ticket][0]] -= 1
                        left.add(event.ticket)
                    case e.WindowOpened():
                        windows += 1
                    case e.WindowClosed():
                        windows -= 1
                event = next(coming, None)
            for line in "AB":
                rows.append({
                    "office": "Lab", "date": local_day(midnight), "time": f"{minute // 60:02d}:{minute % 60:02d}",
                    "line_id": f"7{line}", "letter": line, "line_name": f"{line}: Lab", "open_windows": str(windows),
                    "waiting": str(waiting[line]), "current_number": shown[line],
                })  # fmt: skip
    return rows


def local_day(at: int) -> str:
    """The day of a moment, Chinese time."""
    return (date(1970, 1, 1) + timedelta(microseconds=at, hours=8)).isoformat()


SIMPLE = TRUE | {
    "people": {}, "clerks": {},
    "service": {"lines": {x: {"distribution": "exponential", "mean_s": 560.0} for x in "AB"}},
    "windows": {"z": [["09:00", 3], ["12:00", 2], ["13:30", 3]]},
}  # fmt: skip


@cache
def board() -> tuple[dict[str, str], ...]:
    """Snapshots of 24 days of a plain hall."""
    return tuple(snapshot_rows(play("2026-10-12", DAYS, SIMPLE)))


def test_snapshots_give_back_their_scenario() -> None:
    """From counts alone: citizens a day, day factor, the shared windows and their times, the service time in busy
    moments; and played again the calibrated hall has the waiting count that was observed."""
    snapshots = read_snapshots(board())
    assert not snapshots.problems
    counted = count_office(snapshots.offices["Lab"])
    kind = usual_days(counted)
    assert kind is not None
    assert (kind.opens, kind.closes) == (9 * 3600, 17 * 3600)
    found = calibrate_office(counted, kind)
    came = {line.line: line.came_per_day for line in found.lines}
    assert came["l7A"] == pytest.approx(104.0, rel=0.15)
    assert came["l7B"] == pytest.approx(32.0, rel=0.2)
    assert found.tables["demand"]["day_factor_cv"] == pytest.approx(0.2, abs=0.09)
    [pool] = found.pools
    assert set(pool.lines) == {"l7A", "l7B"}
    assert pool.busy_s == pytest.approx(560.0, rel=0.1)
    assert pool.service_s == pytest.approx(560.0, rel=0.25)
    counts = [n for _, n in found.tables["windows"]["p1"]]
    assert 2 in counts
    assert max(counts) in (3, 4)
    check = validate(counted, days=60)
    assert check.error < 0.5 * check.mean
    assert check.misfit < 0.35 * check.mean
    assert not set(check.calibration_days) & set(check.judged_days)


def test_snapshots_survive_what_boards_do() -> None:
    """Broken rows are named; a repeated row, a frozen hour, a missing line and foreign numbers change little."""
    rows = [dict(row) for row in board()]
    clean = count_office(read_snapshots(board()).offices["Lab"])
    rows[2]["waiting"] = "many"
    rows[4]["time"] = "25:99"
    rows[10]["current_number"] = "Z123"
    rows.append(dict(rows[20]))
    frozen = [row for row in rows if row["date"] == rows[0]["date"] and "11:00" <= row["time"] < "12:00"]
    held = {row["line_id"]: row for row in frozen if row["time"] == "11:00"}
    for row in frozen:
        for name in ("waiting", "current_number", "open_windows"):
            row[name] = held[row["line_id"]][name]
    snapshots = read_snapshots(rows)
    assert [problem.split(":")[0] for problem in snapshots.problems] == ["row 4", "row 6"]
    dirty = count_office(snapshots.offices["Lab"])
    assert dirty.facts[0].came == pytest.approx(clean.facts[0].came, abs=3)
    assert [fact.came for fact in dirty.facts[1:]] == [fact.came for fact in clean.facts[1:]]


def test_hall_with_more_lines_than_letters_gets_a_plan() -> None:
    """Thirty lines of the same windows, some with Chinese ids, become a plan that can be played."""
    rows = []
    for row in board():
        for part in range(15):
            rows.append(
                row
                | {
                    "line_id": f"{row['line_id']}{part}" if part else "队" + row["letter"].replace("A", "列"),
                    "waiting": row["waiting"] if part < 2 else "1",
                }
            )
    counted = count_office(read_snapshots(rows).offices["Lab"])
    kind = usual_days(counted)
    assert kind is not None
    found = calibrate_office(counted, kind)
    plan = plan_source(found.tables)
    assert isinstance(plan, Plan)
    assert len(plan.lines) <= 24
    assert read_scenario(found.tables, plan).demand


# ---- fitting


def test_distributions_are_told_apart() -> None:
    """A lognormal and a gamma sample are recognised; what is neither is kept as it is, with its own goodness."""
    chance = np.random.default_rng(3)
    lognormal = fit_durations(chance.lognormal(6.0, 0.7, 2000).tolist())
    gamma = fit_durations(chance.gamma(2.0, 150.0, 2000).tolist())
    two_kinds = np.concatenate((chance.normal(100, 5, 1000), chance.normal(900, 20, 1000)))
    mixed = fit_durations(two_kinds.tolist())
    names = [fit.table["distribution"] for fit in (lognormal, gamma, mixed)]
    assert names == ["lognormal", "gamma", "empirical"]
    assert max(lognormal.ks, gamma.ks, mixed.ks) < 0.04


def test_day_factor_leaves_chance_out() -> None:
    """Poisson days have almost no factor; days with one show it."""
    chance = np.random.default_rng(4)
    assert day_factor(chance.poisson(400, 200).tolist()) < 0.03
    busy = chance.poisson(400 * chance.gamma(25, 1 / 25, 400)).tolist()
    assert day_factor(busy) == pytest.approx(0.2, abs=0.03)


def test_expected_waiting_is_erlang_c() -> None:
    """In the long run the equations give the textbook's M/M/3 queue (Stevenson, table 18.4: .889 for a load of 2)."""
    row = expected_waiting(np.full(400, 30.0), 900.0, np.full(400, 3.0), 60.0, most=200)
    assert row[-1] == pytest.approx(0.889, abs=0.002)


# ---- the command


def test_calibrate_writes_a_scenario_that_plays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal as `tidehall journal --jsonl` prints it, and snapshots, become files that `simulate` plays; what is
    not known stands in them in both languages."""
    plan, log, out = tmp_path / "hall.toml", tmp_path / "journal.jsonl", tmp_path / "found.toml"
    tables = plan_tables(4, lines=2, hours=("09:00", "17:00"))
    import tomli_w

    plan.write_text(tomli_w.dumps(tables), "utf-8")
    events = [event for day in journals()[:6] for event in day]
    body = [json.dumps({"seq": i, "body": msgspec.to_builtins(ev)}) for i, ev in enumerate(events, 1)]
    log.write_text("\n".join([*body[:9], "{broken", *body[9:]]), "utf-8")
    assert main(["calibrate", str(log), "--plan", str(plan), "--out", str(out)]) == 0
    assert "line 10: " in capsys.readouterr().err
    text = out.read_text("utf-8")
    assert "# 校准自 journal.jsonl" in text
    assert "# Calibrated from journal.jsonl" in text
    assert tomllib.loads(text)["plan"] == "hall.toml"
    assert main(["simulate", str(out), "--days", "2"]) == 0
    capsys.readouterr()
    shown = tmp_path / "board.csv"
    stream = io.StringIO()
    table = csv.DictWriter(stream, list(board()[0]))
    table.writeheader()
    table.writerows(board())
    shown.write_text(stream.getvalue(), "utf-8")
    assert main(["calibrate", str(shown), "--out", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["pools"]
    assert all(it["zh"] and it["en"] for it in facts["unknown"])
    assert main(["simulate", str(out), "--days", "2"]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("a,b\n1,2\n", "say --plan"), ("date,time,line,waiting,open_windows\nx,y,A,1,1\n", "row 2")],
)
def test_calibrate_refuses_with_one_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be used is refused with exit 2 and what to mend."""
    log = tmp_path / "log.csv"
    log.write_text(text, "utf-8")
    assert main(["calibrate", str(log), "--out", str(tmp_path / "out.toml")]) == 2
    assert said in capsys.readouterr().err


def test_scenario_text_is_toml() -> None:
    """The remarks are comments, the tables come back as they were."""
    found = Calibration({"day": {"date": "2026-11-23"}, "windows": {"z": WINDOWS}}, [], [], [])
    assert tomllib.loads(scenario_text(found, ["one\ntwo", ""])) == found.tables
