"""The planner's commands: `tidehall simulate`, `compare` and `size`, on files and the terminal.

Law: nothing is simulated here; the twin's libraries are an extra and are loaded only when such a command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from tidehall import __version__
from tidehall.command.calibrating import add_calibrate, twin_missing
from tidehall.command.files import must_be_writable, write_whole
from tidehall.command.terminal import progress
from tidehall.hall.calendar import clock_minutes
from tidehall.server import StartError, read_scenario_file, read_tables

if TYPE_CHECKING:
    from tidehall.simulation.costs import DayCost, Part
    from tidehall.simulation.sizing import Proposal, Sized
    from tidehall.simulation.sizing_trial import Bounds
    from tidehall.simulation.study import Comparison, Estimate, Result
    from tidehall.simulation.tables import Scenario

__all__ = [
    "add_simulation_commands", "read_scenario_file", "run_compare", "run_simulate", "run_size",
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


def studied(arguments: argparse.Namespace, scenarios: list[Scenario], *, parts: bool = False) -> list[Result]:
    """One study of each, with a progress bar on a terminal; `parts` to compare. Raises StartError."""
    from tidehall.simulation.study import run_study

    check_numbers(arguments)
    must_be_writable(arguments.html)
    with processes(arguments) as jobs, progress("days", arguments.days * len(scenarios)) as bar:
        return [
            run_study(scenario, days=arguments.days, seed=arguments.seed, jobs=jobs, parts=parts, progress=bar.add)
            for scenario in scenarios
        ]


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


def warned(path: Path, scenario: Scenario) -> list[dict[str, Any]]:
    """Lines to which people come while no window is open for them: said on standard error, and as JSON has them."""
    from tidehall.simulation.opening import uncovered

    found = uncovered(scenario)
    for lack in found:
        print(f"{path}: warning: {lack.sentence}", file=sys.stderr)
    return [msgspec.to_builtins(lack) for lack in found]


def run_simulate(arguments: argparse.Namespace) -> int:
    try:
        scenario = read_scenario_file(arguments.scenario)
        lacks = warned(arguments.scenario, scenario)
        result = studied(arguments, [scenario])[0]
        cost = cost_of(arguments.scenario, scenario)
        write_report(arguments, arguments.scenario, scenario, result, [], [cost])
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        facts = result.facts() | {"cost": msgspec.to_builtins(cost), "uncovered": lacks}
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    print(f"{arguments.scenario}: {result.days} days, seed {result.seed}; a mean ± its 95 % interval, - for no data")
    print_figures(result.measures)
    print(f"  {'cost':<22} {cost.total:.2f} a day: {cost_text(cost.parts)}")
    for kind, parts in (("line", result.lines), ("zone", result.zones), ("post", result.posts)):
        for name, measures in parts.items():
            shown = ("tickets", "wait_mean_s", "wait_p95_s", "wait_within_target", "utilisation", "hand_off_on_time")
            figures = "  ".join(f"{m} {figure_text(measures[m])}" for m in shown if m in measures)
            print(f"{kind} {name:<24} {figures}")
    return 0


def write_report(
    arguments: argparse.Namespace, path: Path, scenario: Scenario, result: Result, differences: list[Comparison],
    costs: list[DayCost],
) -> None:  # fmt: skip
    """The report, where one is asked for; `costs`: of the scenario, then of the others. Raises StartError when it can't
    be written."""
    if arguments.html is None:
        return
    from tidehall.dashboards.report import study_report

    page = study_report(
        result, scenario, source=str(path), lang=arguments.lang, version=__version__, differences=differences,
        costs=costs,
    )  # fmt: skip
    write_whole(arguments.html, page)


def run_compare(arguments: argparse.Namespace) -> int:
    try:
        from tidehall.simulation.study import compare

        names = [str(path) for path in arguments.scenarios]
        if len(names) < 2:
            raise StartError("compare: name at least two scenario files")
        scenarios = [read_scenario_file(path) for path in arguments.scenarios]
        lacks = [warned(path, scenario) for path, scenario in zip(arguments.scenarios, scenarios, strict=True)]
        results = studied(arguments, scenarios, parts=True)
        differences = compare(names, scenarios, results)
        costs = [cost_of(path, scenario) for path, scenario in zip(arguments.scenarios, scenarios, strict=True)]
        write_report(arguments, arguments.scenarios[0], scenarios[0], results[0], differences, costs)
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        found = {
            "days": arguments.days, "seed": arguments.seed,
            "scenarios": [
                {
                    "scenario": name, "measures": msgspec.to_builtins(result.measures),
                    "uncovered": lack, "cost": msgspec.to_builtins(cost),
                }
                for name, result, lack, cost in zip(names, results, lacks, costs, strict=True)
            ],
            "differences": [
                msgspec.to_builtins(difference) | {"cost": round(cost.total - costs[0].total, 6)}
                for difference, cost in zip(differences, costs[1:], strict=True)
            ],
        }  # fmt: skip
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print(f"{names[0]}: {arguments.days} days, seed {arguments.seed}; a mean ± its 95 % interval, - for no data")
    print_figures(results[0].measures)
    print(f"  {'cost':<22} {costs[0].total:.2f} a day: {cost_text(costs[0].parts)}")
    for difference, cost in zip(differences, costs[1:], strict=True):
        print(f"{difference.scenario} minus {difference.against}, {paired(difference)}")
        print_changes(difference)
        for name, estimate in difference.measures.items():
            ways = " → ".join("-" if mean is None else f"{mean:.4g}"
                              for mean in (difference.base.get(name), difference.other.get(name)))  # fmt: skip
            print(f"  {name:<22} {ways:<20} {figure_text(estimate)}")
        ways = f"{costs[0].total:.2f} → {cost.total:.2f}"
        print(f"  {'cost':<22} {ways:<20} {cost.total - costs[0].total:z.2f}")
    print("differences by line and zone: --json, or --html FILE")
    return 0


#: What stands in a scenario is shown on the terminal up to so many letters.
SHORT = 60


def print_changes(difference: Comparison) -> None:
    """In what the two scenarios differ, and how, where that is short."""
    for change in difference.changed:
        ways = [
            "-" if value is None else json.dumps(value, ensure_ascii=False) for value in (change.base, change.other)
        ]
        told = ways != ["-", "-"] and max(map(len, ways)) <= SHORT
        print(f"  differs in {change.place}" + (f": {ways[0]} → {ways[1]}" if told else ""))
    if not difference.changed:
        print("  nothing differs in what a simulated day rests on")


def cost_of(path: Path, scenario: Scenario) -> DayCost:
    """What a day of a scenario file costs; a tidal post as its `[sizing]` says."""
    from tidehall.simulation.costs import day_cost
    from tidehall.simulation.sizing_bounds import read_sizing

    return day_cost(scenario, read_sizing(read_tables(path, "scenario file").get("sizing", {}), scenario))


def cost_text(parts: tuple[Part, ...]) -> str:
    """Of what a cost consists, and what is left out."""
    found = []
    for part in parts:
        if part.people == 0:
            continue
        people = "" if part.people is None else f" {part.people}"
        desks = "" if part.desks == 1 else f" in each of {part.desks} departments"
        found.append(f"{part.what}{people}{desks} {part.cost:.2f}")
    return f"{', '.join(found)} (without issue windows, pre-check, certificate room, supervisors)"


def paired(difference: Comparison) -> str:
    """What the two have in common on every day."""
    if not difference.parted:
        return "the same people on every day"
    return f"the same random numbers but not quite the same people: they differ in {', '.join(difference.parted)}"


def run_size(arguments: argparse.Namespace) -> int:
    """Exit 1 when a target can't be met within the bounds, or is not shown with the confidence asked for."""
    try:
        result, scenario = sized(arguments)
        lacks = warned(arguments.scenario, scenario)
        order = meant(scenario, result)
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    if arguments.json:
        facts = msgspec.to_builtins(result) | {"order": order, "uncovered": lacks}
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print_sized(result)
        for zone, windows in order.items():
            print(f"windows of {zone} open in this order: {', '.join(windows)}")
    return 0 if result.certificate is not None and result.certificate.met else 1


def meant(scenario: Scenario, result: Sized) -> dict[str, tuple[str, ...]]:
    """The windows that the answer's counts mean, where it matters: zone → the order in which they open."""
    from tidehall.simulation.opening import mixed_zones, opening_order

    order = opening_order(scenario)
    return {zone: order[zone] for zone in mixed_zones(scenario) if zone in result.hall.windows}


def sized(arguments: argparse.Namespace) -> tuple[Sized, Scenario]:
    """The sizing of a scenario file, and the scenario with the answer's windows; the first proposal is printed as soon
    as it is there. Raises StartError."""
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

        result = size(
            scenario, sizing, seed=arguments.seed, jobs=jobs, offices=not arguments.zone, first=first,
            progress=lambda what, days: bar.add(days, f"days: {what}"),
        )  # fmt: skip
    chosen = {
        zone: tuple(((clock_minutes(at) or 0) * 60_000_000, n) for at, n in steps)
        for zone, steps in result.hall.windows.items()
    }
    return result, replace(scenario, windows=scenario.windows | chosen)


def print_proposal(found: Proposal, out: TextIO) -> None:
    """A hall, zone by zone."""
    for zone, steps in found.windows.items():
        roster = ", ".join(f"from {at} {n}" for at, n in steps)
        print(f"  {zone:<16} {roster}; tidal {found.tidal.get(zone, 0)}", file=out)
    if found.people:
        print("  " + ", ".join(f"{name} {n}" for name, n in found.people.items()), file=out)
    print(f"  cost a day {found.cost:.2f}: {cost_text(found.parts)}", file=out, flush=True)


def print_sized(result: Sized) -> None:
    """The whole answer."""
    for refused in result.refused:
        print(f"REFUSED {refused.target}: {'cannot be met' if refused.missed else 'not shown'}: {refused.why}")
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
        more = "  (left_silently are among them)" if name == "no_show" and "left_silently" in measures else ""
        print(f"  {name:<22} {figure_text(found)}{more}")
