"""The planner's commands: `tidehall simulate`, `compare`, `size` and `calibrate`, on files and the terminal.

Law: nothing is simulated here; the twin's libraries are an extra and are loaded only when such a command runs.
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
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec

from tidehall import __version__
from tidehall.command.files import must_be_writable, write_whole
from tidehall.command.terminal import progress
from tidehall.hall.errors import PlanInvalid
from tidehall.server import StartError, read_plan, read_scenario_file, read_tables

if TYPE_CHECKING:
    from tidehall.hall.events import Event
    from tidehall.hall.plan import Plan
    from tidehall.simulation.calibration import Calibration
    from tidehall.simulation.sizing import Proposal, Sized
    from tidehall.simulation.sizing_trial import Bounds
    from tidehall.simulation.study import Comparison, Estimate, Result
    from tidehall.simulation.tables import Scenario

__all__ = [
    "add_simulation_commands", "read_scenario_file", "run_calibrate", "run_compare", "run_simulate", "run_size",
]  # fmt: skip


def add_simulation_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall simulate`, `tidehall compare` and `tidehall size`: the twin."""

    def add(name: str, what: str, *, days: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        if days:
            sub.add_argument("--days", type=int, default=30, metavar="N", help="simulated days (default: 30)")
        sub.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same days")
        where = sub.add_mutually_exclusive_group()
        where.add_argument(
            "--jobs", type=int, default=1, metavar="J", help="processes; starting two costs about a second"
        )
        where.add_argument("--cluster", metavar="ADDRESS", help="play on all of a running Dask cluster (host:port)")
        sub.add_argument("--json", action="store_true")
        return sub

    simulate = add("simulate", "play days of a scenario with the hall's own rules")
    simulate.add_argument("scenario", type=Path)
    comparing = add("compare", "scenarios against the first one, day by day with the same random numbers")
    comparing.add_argument("scenarios", type=Path, nargs="+", metavar="scenario")
    for sub in (simulate, comparing):
        sub.add_argument("--html", type=Path, metavar="FILE", help="also a report, one page that needs nothing else")
        sub.add_argument("--lang", choices=("zh", "en"), default="zh", help="the report's language")
    sizing = add(
        "size", "the cheapest windows, tidal posts, runners and office staff that meet the targets", days=False
    )
    sizing.add_argument("scenario", type=Path)
    add_calibrate(commands)
    sizing.add_argument(
        "--zone", action="append", default=[], metavar="ZONE",
        help="only this zone (may be repeated); runners and office staff stay as they are",
    )  # fmt: skip


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
    sub.add_argument("--office", metavar="NAME", help="which hall of a file of snapshots")
    sub.add_argument("--weekdays", metavar="mon,tue…", help="only these (default: those with the usual hours)")
    sub.add_argument("--json", action="store_true")


#: Numbers on the command line: fewest and most.
NUMBERS = {"days": (1, 1_000_000), "jobs": (1, 512), "seed": (0, 2**63 - 1)}


def check_numbers(arguments: argparse.Namespace) -> None:
    """Raises StartError for a number that makes no sense."""
    for name, (least, most) in NUMBERS.items():
        value = getattr(arguments, name, least)
        if value < least:
            raise StartError(f"--{name} {value}: must be at least {least}")
        if value > most:
            raise StartError(f"--{name} {value}: must be at most {most}")


def studied(arguments: argparse.Namespace, scenarios: list[Scenario]) -> list[Result]:
    """One study of each, with a progress bar on a terminal. Raises StartError."""
    from tidehall.simulation.study import run_study

    check_numbers(arguments)
    must_be_writable(arguments.html)
    with processes(arguments) as jobs, progress("days", arguments.days * len(scenarios)) as bar:
        return [
            run_study(scenario, days=arguments.days, seed=arguments.seed, jobs=jobs, progress=bar.add)
            for scenario in scenarios
        ]


def twin_missing(error: ModuleNotFoundError) -> StartError:
    """The twin's libraries are extras."""
    extra = "simulation,cluster" if error.name == "distributed" else "simulation"
    return StartError(f"the twin needs {error.name}; install it: pip install 'tidehall[{extra}]'")


@contextmanager
def processes(arguments: argparse.Namespace) -> Iterator[int]:
    """How many processes play: of this machine, or all of a cluster. Raises StartError."""
    if arguments.cluster is None:
        yield arguments.jobs
        return
    from tidehall.simulation.cluster import ClusterUnusable, on_cluster

    try:
        with on_cluster(arguments.cluster) as jobs:
            yield jobs
    except ClusterUnusable as no:
        raise StartError(f"--cluster: {no}") from no


def run_simulate(arguments: argparse.Namespace) -> int:
    try:
        scenario = read_scenario_file(arguments.scenario)
        result = studied(arguments, [scenario])[0]
        write_report(arguments, arguments.scenario, scenario, result, [])
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        print(json.dumps(result.facts(), ensure_ascii=False))
        return 0
    print(f"{arguments.scenario}: {result.days} days, seed {result.seed}; a mean ± its 95 % interval, - for no data")
    print_figures(result.measures)
    for kind, parts in (("line", result.lines), ("zone", result.zones), ("post", result.posts)):
        for name, measures in parts.items():
            shown = ("tickets", "wait_mean_s", "wait_p95_s", "wait_within_target", "utilisation", "hand_off_on_time")
            figures = "  ".join(f"{m} {figure_text(measures[m])}" for m in shown if m in measures)
            print(f"{kind} {name:<24} {figures}")
    return 0


def write_report(
    arguments: argparse.Namespace, path: Path, scenario: Scenario, result: Result, differences: list[Comparison]
) -> None:
    """The report, where one is asked for. Raises StartError when it can't be written."""
    if arguments.html is None:
        return
    from tidehall.dashboards.report import study_report

    page = study_report(
        result, scenario, source=str(path), lang=arguments.lang, version=__version__, differences=differences
    )
    write_whole(arguments.html, page)


def run_compare(arguments: argparse.Namespace) -> int:
    try:
        from tidehall.simulation.study import compare

        names = [str(path) for path in arguments.scenarios]
        if len(names) < 2:
            raise StartError("compare: name at least two scenario files")
        scenarios = [read_scenario_file(path) for path in arguments.scenarios]
        results = studied(arguments, scenarios)
        differences = compare(names, scenarios, results)
        write_report(arguments, arguments.scenarios[0], scenarios[0], results[0], differences)
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        found = {
            "days": arguments.days, "seed": arguments.seed,
            "scenarios": [
                {"scenario": name, "measures": msgspec.to_builtins(result.measures)}
                for name, result in zip(names, results, strict=True)
            ],
            "differences": msgspec.to_builtins(differences),
        }  # fmt: skip
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print(f"{names[0]}: {arguments.days} days, seed {arguments.seed}; a mean ± its 95 % interval, - for no data")
    print_figures(results[0].measures)
    for difference in differences:
        print(f"{difference.scenario} minus {difference.against}, {paired(difference)}")
        print_figures(difference.measures)
    return 0


def paired(difference: Comparison) -> str:
    """What the two have in common on every day."""
    if not difference.parted:
        return "the same people on every day"
    return f"the same random numbers but not quite the same people: they differ in {', '.join(difference.parted)}"


def run_size(arguments: argparse.Namespace) -> int:
    """Exit 1 when a target can't be met within the bounds, or is not shown with the confidence asked for."""
    try:
        result = sized(arguments)
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(result), ensure_ascii=False))
    else:
        print_sized(result)
    return 0 if result.certificate is not None and result.certificate.met else 1


def sized(arguments: argparse.Namespace) -> Sized:
    """The sizing of a scenario file; the first proposal is printed as soon as it is there. Raises StartError."""
    from msgspec.structs import replace

    from tidehall.simulation.scenario import ScenarioInvalid
    from tidehall.simulation.sizing import size
    from tidehall.simulation.sizing_bounds import read_sizing

    check_numbers(arguments)
    path: Path = arguments.scenario
    scenario = read_scenario_file(path)
    if any(rule.policy == "forecast" for rule in scenario.plan.tide.values()):
        raise StartError(f'{path}: tide.policy: sizing plays too many days to look ahead in each; write "threshold"')
    try:
        sizing = read_sizing(read_tables(path, "scenario file").get("sizing", {}), scenario)
    except ScenarioInvalid as wrong:
        raise StartError("\ntidehall: ".join(f"{path}: {problem}" for problem in wrong.problems)) from wrong
    if arguments.zone:
        zone_of = {line.id: line.zone for line in scenario.plan.lines}
        used = list(dict.fromkeys(zone_of[demand.line] for demand in scenario.demand))
        for zone in arguments.zone:
            if zone not in used:
                why = "nobody comes there" if zone in zone_of.values() else "the plan has no such zone"
                raise StartError(f"--zone {zone}: {why}; name one of {', '.join(used)}")
        demand = tuple(demand for demand in scenario.demand if zone_of[demand.line] in arguments.zone)
        scenario = replace(scenario, demand=demand)
    with processes(arguments) as jobs, progress("days: first proposal") as bar:

        def first(found: Proposal) -> None:
            out = sys.stderr if arguments.json else sys.stdout
            with bar.aside():
                print("first proposal, by formula and screening, not yet played:", file=out)
                print_proposal(found, out)

        return size(
            scenario, sizing, seed=arguments.seed, jobs=jobs, offices=not arguments.zone, first=first,
            progress=lambda what, days: bar.add(days, f"days: {what}"),
        )  # fmt: skip


def print_proposal(found: Proposal, out: TextIO) -> None:
    """A hall, zone by zone."""
    for zone, steps in found.windows.items():
        roster = ", ".join(f"from {at} {n}" for at, n in steps)
        print(f"  {zone:<16} {roster}; tidal {found.tidal.get(zone, 0)}", file=out)
    if found.people:
        print("  " + ", ".join(f"{name} {n}" for name, n in found.people.items()), file=out)
    print(f"  cost a day {found.cost:.2f}", file=out, flush=True)


def print_sized(result: Sized) -> None:
    """The whole answer."""
    for refused in result.refused:
        print(f"REFUSED {refused.target}: {refused.why}")
    print("everything within the bounds where refused, else the cheapest:" if result.refused else "recommended:")
    print_proposal(result.hall, sys.stdout)
    for repair in result.repairs:
        print(f"  mended after a certificate that was not given: {repair}")
    certificate = result.certificate
    if certificate is not None:
        print(
            f"certificate {'given' if certificate.met else 'NOT GIVEN'}, on fresh days: each target with "
            f"confidence {certificate.confidence:g}, "
            f"all together at least {certificate.together:.4f}"
        )
        for shown in certificate.targets:
            word = "shown" if shown.met else "not shown"
            print(f"  {shown.target:<22} {bounds_text(shown.found)} of {shown.share:g}: {word} (seed {shown.seed})")
    if result.cheaper:
        print("one step cheaper:")
    for shortcut in result.cheaper:
        found, target, near = bounds_text(shortcut.trial.bounds), shortcut.target, shortcut.indifference
        word = {
            "below": f"fails: {found} is below {target:g}",
            "near": f"is a near-tie: {found} of {target:g}, within the zone of indifference (± {near:g})",
            "does": f"seems to do as well: {found} of {target:g}, with less to spare than fresh days need to show it",
            "open": f"is not shown to do: {found} leaves it open whether {target:g} is reached",
        }[shortcut.why]
        print(f"  {shortcut.change} saves {shortcut.saves:.2f} and {word}")
    for zone, rows in result.curve.items():
        points = dict.fromkeys(f"{row['cost']:g}: {row['share']:.4f}" for row in rows)
        if points:
            print(f"cost and share, {zone}: {'  '.join(points)}")
    spent = ", ".join(f"{kind} {days}" for kind, days in result.days.items())
    print(f"{result.tried} configurations tried; simulated days: {spent}; seed {result.seed}")
    for assumed in result.assumed:
        print(f"assumed: {assumed}")


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def run_calibrate(arguments: argparse.Namespace) -> int:
    """Calibrate, write the scenario, say what was found and what could not be known."""
    try:
        from tidehall.locales import say
        from tidehall.simulation.calibration import LogUnusable, scenario_text

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
    for line in found.lines:
        goodness = "" if line.ks is None else f"  KS distance {line.ks:.3f} of {line.n}"
        shape = line.service.get("distribution", "as the plan has it")
        mean = f" {line.service['mean_s']:.0f} s" if "mean_s" in line.service else ""
        print(f"  line {line.line:<12} {line.came_per_day:7.1f} a day  service {shape}{mean}{goodness}")
    for pool in found.pools:
        busy = "-" if pool.busy_s is None else f"{pool.busy_s:.0f} s"
        print(
            f"  windows {pool.zone:<5} for {', '.join(pool.lines)}: at most {pool.shown:.1f} shown, {pool.calling} call"
            f"; busy {busy}, fitted {pool.service_s:.0f} s; waiting {pool.observed:.2f}, fitted {pool.expected:.2f}"
        )
    print("not known:")
    for text in said["en"]:
        print(f"  {text}")
    return 0


def calibrated(arguments: argparse.Namespace, weekdays: set[int] | None) -> tuple[Calibration, list[str], int]:
    """The calibration of a log of any kind, its broken rows, and how many there are. Raises StartError, LogUnusable."""
    from tidehall.simulation.calibration import LogUnusable, calibrate_log
    from tidehall.simulation.counters import calibrate_office, count_office, usual_days
    from tidehall.simulation.snapshots import is_snapshots, read_snapshots
    from tidehall.simulation.visits import journal_log, read_visits

    path: Path = arguments.log
    try:
        plan = read_plan(arguments.plan) if arguments.plan is not None else None
    except PlanInvalid as wrong:
        raise StartError("\ntidehall: ".join(f"{arguments.plan}: {problem}" for problem in wrong.problems)) from wrong
    with opened_log(path) as lines:
        first = lines.readline()
        if not first.strip():
            raise StartError(f"{path}: is empty; name a log with rows")
        if first.lstrip().startswith("{"):
            events, problems = read_events(chain([first], lines))
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
                name = arguments.office or (known if len(snapshots.offices) == 1 else None)
                if name not in snapshots.offices:
                    raise StartError(f"{path}: holds several halls; say --office NAME, one of {known}")
                counted = count_office(snapshots.offices[name])
                kind = usual_days(counted, weekdays)
                if kind is None or not kind.days:
                    raise LogUnusable("no day can be used: nobody came on any")
                zone = {} if plan is None else {"time_zone": plan.hall.time_zone}
                return calibrate_office(counted, kind, **zone), snapshots.problems, snapshots.broken
            log = read_visits(rows, wanted_plan(plan, path).hall.time_zone)
    if not log.visits:
        raise LogUnusable("; ".join(log.problems[:3]) or "no visit in it")
    beside = os.path.relpath(arguments.plan.resolve(), arguments.out.resolve().parent)
    return calibrate_log(log, wanted_plan(plan, path), beside, weekdays=weekdays), log.problems, log.broken


def wanted_plan(plan: Plan | None, path: Path) -> Plan:
    """The plan, where a log cannot do without."""
    if plan is None:
        raise StartError(f"{path}: is no file of snapshots; say --plan FILE, the plan of its hall")
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


def bounds_text(found: Bounds) -> str:
    """A share for the terminal."""
    return f"{found.share:.4f} [{found.lower:.4f}, {found.upper:.4f}] in {found.days} days"


def figure_text(found: Estimate) -> str:
    """An estimate for the terminal."""
    from tidehall.simulation.intervals import decimals

    if found.mean is None:
        return "-"
    if not found.half_width:
        return f"{found.mean:.4g}" + ("" if found.half_width is None else " ± 0")
    places = decimals(found.half_width, most=4)
    return f"{found.mean:z.{places}f} ± {found.half_width:.{places}f}"


def print_figures(measures: dict[str, Estimate]) -> None:
    for name, found in measures.items():
        print(f"  {name:<22} {figure_text(found)}")
