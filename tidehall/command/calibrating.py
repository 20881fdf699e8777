"""`tidehall calibrate`: a scenario file from a log, and what it rests on, on the terminal.

Law: nothing is worked out here; what could not be known is said, in the scenario and to whoever asked for it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from zoneinfo import available_timezones

import msgspec
from msgspec.structs import replace

from tidehall.command.files import must_be_writable, write_whole
from tidehall.command.terminal import progress
from tidehall.hall.errors import PlanInvalid
from tidehall.server import StartError, read_plan

if TYPE_CHECKING:
    from tidehall.hall.events import Event
    from tidehall.hall.plan import Plan
    from tidehall.simulation.calibration import Calibration, Unknown

__all__ = ["add_calibrate", "run_calibrate", "twin_missing"]


def add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall calibrate`: a scenario from a log."""
    what = "a scenario from a journal (journal --jsonl), a log of visits (CSV) or counter snapshots (CSV); .gz too"
    columns = (
        "Columns of a log of visits, one row a citizen: line, taken_at, called_at; where they are known started_at, "
        "ended_at, window, outcome (served, no_show, left). Columns of snapshots, one row a line and moment: date and "
        "time (or at), line_id, open_windows, waiting; where they are known office, letter, line_name, current_number. "
        "Times are local (YYYY-MM-DD HH:MM:SS) or RFC 3339."
    )
    sub = commands.add_parser("calibrate", help=what, description=what, epilog=columns)
    sub.add_argument("log", type=Path)
    sub.add_argument("--plan", type=Path, metavar="FILE", help="the hall's plan (snapshots make their own)")
    sub.add_argument("--out", type=Path, required=True, metavar="SCENARIO")
    sub.add_argument("--time-zone", metavar="ZONE", help="of snapshots (default: the plan's, else Asia/Shanghai)")
    sub.add_argument(
        "--days", type=int, default=20, metavar="N",
        help="days to play, so that simulated waits stand beside logged ones (default: 20; 0: none)",
    )  # fmt: skip
    sub.add_argument("--office", metavar="NAME", help="which hall of a file of snapshots")
    sub.add_argument("--weekdays", metavar="mon,tue…", help="only these (default: those with the usual hours)")
    sub.add_argument("--json", action="store_true")


def twin_missing(error: ModuleNotFoundError) -> StartError:
    """The twin's libraries are extras."""
    extra = "simulation,cluster" if error.name == "distributed" else "simulation"
    return StartError(f"the twin needs {error.name}; install it: pip install 'tidehall[{extra}]'")


#: Days that may be played beside a calibration.
MOST_DAYS = 10_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def run_calibrate(arguments: argparse.Namespace) -> int:
    """Calibrate, write the scenario, say what was found and what could not be known."""
    try:
        from tidehall.locales import say
        from tidehall.simulation.calibration import LogUnusable, scenario_text

        for given, what in ((arguments.log, "the log"), (arguments.plan, "the plan")):
            if given is not None and given.resolve() == arguments.out.resolve():
                raise StartError(f"--out {arguments.out}: is {what} itself; name another file")
        if not 0 <= arguments.days <= MOST_DAYS:
            raise StartError(f"--days {arguments.days}: must lie between 0 and {MOST_DAYS}")
        if arguments.time_zone is not None and arguments.time_zone not in available_timezones():
            raise StartError(f"--time-zone {arguments.time_zone}: is not known; write one like Europe/Warsaw")
        must_be_writable(arguments.out)
        weekdays = None
        if arguments.weekdays is not None:
            names = arguments.weekdays.lower().split(",")
            if not set(names) <= set(WEEKDAYS):
                raise StartError(f"--weekdays {arguments.weekdays}: write some of {','.join(WEEKDAYS)}")
            weekdays = {WEEKDAYS.index(name) for name in names}
        try:
            found, problems, broken = calibrated(arguments, weekdays)
        except LogUnusable as no:
            raise StartError(f"{arguments.log}: {no}") from no
        said = {
            lang: [say(f"calibration.unknown.{it.code}", lang, **it.values) for it in found.unknown]
            for lang in ("zh", "en")
        }
        heads = {lang: say("calibration.head", lang, log=arguments.log.name, days=len(found.days)) for lang in said}
        remarks = [line for lang in said for line in (heads[lang], *(f"- {text}" for text in said[lang]), "")]
        write_whole(arguments.out, scenario_text(found, remarks[:-1]))
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    for problem in problems[:20]:
        print(f"{arguments.log}: {problem}; left out", file=sys.stderr)
    if broken > 20:
        print(f"{arguments.log}: {broken} rows in all are broken and left out", file=sys.stderr)
    if arguments.json:
        facts = msgspec.to_builtins(found)
        del facts["tables"]
        facts["unknown"] = [
            facts["unknown"][i] | {"zh": said["zh"][i], "en": said["en"][i]} for i in range(len(found.unknown))
        ]
        print(json.dumps(facts | {"problems": problems, "broken": broken}, ensure_ascii=False))
        return 0
    print(f"{arguments.out}: {heads['en']} ({found.days[0]} to {found.days[-1]})")
    if found.left_out:
        print("days left out: " + ", ".join(f"{day} ({why.replace('_', ' ')})" for day, why in found.left_out))
    names = {x.line: f"{x.more['letter']} ({x.line})" if "letter" in x.more else x.line for x in found.lines}
    for line in found.lines:
        goodness = "" if line.ks is None else f"  KS distance {line.ks:.3f} of {line.n}"
        shape = line.service.get("distribution", "as the plan has it")
        mean = f" {line.service['mean_s']:.0f} s" if "mean_s" in line.service else ""
        print(f"  line {names[line.line]:<12} {line.came_per_day:7.1f} a day  service {shape}{mean}{goodness}")
    for pool in found.pools:
        lines = ", ".join(names[x] for x in pool.lines)
        busy = "-" if pool.busy_s is None else f"{pool.busy_s:.0f} s"
        print(
            f"  windows {pool.zone:<5} for {lines}: at most {pool.shown:.1f} shown, {pool.calling} call"
            f"; busy {busy}, fitted {pool.service_s:.0f} s; waiting {pool.observed:.2f}, fitted {pool.expected:.2f}"
        )
    for waits in found.waits:
        simulated = "nobody called" if waits.simulated is None else f"{waits.simulated:.0f} s"
        print(f"  line {waits.line:<12} mean wait {waits.logged:.0f} s logged, {simulated} simulated")
    print("not known:")
    for text in said["en"]:
        print(f"  {text}")
    return 0


def calibrated(arguments: argparse.Namespace, weekdays: set[int] | None) -> tuple[Calibration, list[str], int]:
    """The calibration of a log of any kind, its broken rows, and how many there are. Raises StartError, LogUnusable."""
    from tidehall.simulation.calibration import LogUnusable, calibrate_log
    from tidehall.simulation.counters import calibrate_office, count_office, usual_days
    from tidehall.simulation.scenario import ScenarioInvalid
    from tidehall.simulation.snapshots import is_snapshots, read_snapshots
    from tidehall.simulation.validation import wait_gaps
    from tidehall.simulation.visits import journal_log, read_visits

    path: Path = arguments.log
    try:
        plan = read_plan(arguments.plan) if arguments.plan is not None else None
    except PlanInvalid as wrong:
        raise StartError("\ntidehall: ".join(f"{arguments.plan}: {problem}" for problem in wrong.problems)) from wrong
    name = os.path.relpath(arguments.plan.resolve(), arguments.out.resolve().parent) if plan is not None else None
    notes: list[Unknown] = []
    with opened_log(path) as lines:
        first = lines.readline()
        if not first.strip():
            raise StartError(f"{path}: is empty; name a log with rows")
        if first.lstrip().startswith("{"):
            events, problems = read_events(chain([first], lines))
            plan, name, notes = plan_of(events, plan, name)
            log = journal_log(events, wanted_plan(plan, path).hall.time_zone)
            log.problems, log.broken = problems, len(problems)
        else:
            names = next(csv.reader([first]))
            rows = csv.DictReader(lines, fieldnames=names)
            if is_snapshots(names):
                snapshots = read_snapshots(rows)
                if not snapshots.offices:
                    raise LogUnusable("; ".join(snapshots.problems[:3]) or "no row can be used")
                known = ", ".join(sorted(snapshots.offices))
                office = arguments.office or (known if len(snapshots.offices) == 1 else None)
                if office not in snapshots.offices:
                    raise StartError(f"{path}: holds several halls; say --office NAME, one of {known}")
                counted = count_office(snapshots.offices[office])
                kind = usual_days(counted, weekdays)
                if kind is None or not kind.days:
                    raise LogUnusable("no day can be used: nobody came on any")
                zone = arguments.time_zone or (None if plan is None else plan.hall.time_zone)
                found = calibrate_office(counted, kind, time_zone=zone)
                return found, snapshots.problems, snapshots.broken
            log = read_visits(rows, wanted_plan(plan, path).hall.time_zone)
    if not log.visits:
        raise LogUnusable("; ".join(log.problems[:3]) or "no visit in it")
    found = calibrate_log(log, wanted_plan(plan, path), name, weekdays=weekdays)
    found.unknown = notes + found.unknown
    if arguments.days:
        try:
            with progress("days", arguments.days) as bar:
                found.waits = wait_gaps(found, log, wanted_plan(plan, path), days=arguments.days, progress=bar.add)
        except ScenarioInvalid as wrong:
            raise LogUnusable(f"the scenario that follows from it cannot be played: {wrong}") from wrong
    return found, log.problems, log.broken


def plan_of(events: list[Event], plan: Plan | None, name: str | None) -> tuple[Plan | None, str | None, list[Unknown]]:
    """The plan that a journal's hall ran by, with the file's name where it is that one, and what is to be said of it.
    Without one in the journal: the file's."""
    from tidehall.hall.events import PlanAdopted
    from tidehall.simulation.calibration import Unknown

    adopted = [event.plan for event in events if isinstance(event, PlanAdopted)]
    if not adopted:
        return plan, name, []
    changes = sum(before != after for before, after in pairwise(adopted))
    notes = [Unknown("plan_changed", {"n": changes})] if changes else []
    if plan is None:
        return adopted[-1], None, [*notes, Unknown("plan_from_journal")]
    if plan != (replace(adopted[-1], alerts=plan.alerts) if adopted[-1].alerts is None else adopted[-1]):
        return adopted[-1], None, [*notes, Unknown("plan_of_journal", {"file": name})]
    return plan, name, notes


def wanted_plan(plan: Plan | None, path: Path) -> Plan:
    """The plan, where a log cannot do without."""
    if plan is None:
        raise StartError(f"{path}: is no file of snapshots, and holds no plan; say --plan FILE, the plan of its hall")
    return plan


@contextmanager
def opened_log(path: Path) -> Iterator[TextIO]:
    """A log as text, unpacked where it is packed. Raises StartError."""
    try:
        packed = path.read_bytes()[:2] == b"\x1f\x8b"
        opening = gzip.open if packed else open
        with opening(path, "rt", encoding="utf-8-sig", newline="") as lines:
            yield lines
    except (OSError, EOFError) as error:
        raise StartError(f"{path}: {getattr(error, 'strerror', None) or error}; name a log that can be read") from error
    except UnicodeDecodeError as error:
        raise StartError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise StartError(f"{path}: {error}; mend the table") from error


def read_events(lines: Iterable[str]) -> tuple[list[Event], list[str]]:
    """The events of `tidehall journal --jsonl`, and the lines that are none."""
    from tidehall.hall.events import Event

    events: list[Event] = []
    problems: list[str] = []
    decode = msgspec.json.Decoder(dict)
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = decode.decode(line)
            events.append(msgspec.convert(row.get("body", row), Event))
        except (msgspec.MsgspecError, UnicodeError) as wrong:
            problems.append(f"line {place}: {wrong}")
    return events, problems
