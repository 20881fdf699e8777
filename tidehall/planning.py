"""The planner's commands: `tidehall simulate` and `tidehall compare`, on files and the terminal.

Law: nothing is simulated here; the twin's libraries are an extra and are loaded only when such a command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidehall.hall.errors import PlanInvalid
from tidehall.server import StartError, read_plan

if TYPE_CHECKING:
    from tidehall.simulation.study import Estimate, Result
    from tidehall.simulation.tables import Scenario

__all__ = ["add_simulation_commands", "read_scenario_file", "run_compare", "run_simulate"]


def add_simulation_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall simulate` and `tidehall compare`: the twin."""

    def add(name: str, what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        sub.add_argument("--days", type=int, default=30, metavar="N", help="simulated days (default: 30)")
        sub.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same days")
        sub.add_argument("--jobs", type=int, default=1, metavar="J", help="processes; worth it from some 200 days on")
        sub.add_argument("--json", action="store_true")
        return sub

    add("simulate", "play days of a scenario with the hall's own rules").add_argument("scenario", type=Path)
    add("compare", "scenarios on the same people, against the first one").add_argument(
        "scenarios", type=Path, nargs="+", metavar="scenario"
    )


def read_scenario_file(path: Path) -> Scenario:
    """The scenario in a TOML file, with its plan. Raises StartError with all mistakes, a line each."""
    from tidehall.simulation.scenario import ScenarioInvalid, plan_source, read_scenario

    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StartError(f"{path}: {error.strerror or error}; name a scenario file that can be read") from error
    except UnicodeDecodeError as error:
        raise StartError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"{path}: {error}; mend the TOML there") from error
    try:
        source = plan_source(tables)
        if isinstance(source, str):
            beside = path.parent / source
            plan_path = beside if beside.exists() else Path(source)
            try:
                source = read_plan(plan_path)
            except PlanInvalid as wrong:
                raise StartError(
                    "\ntidehall: ".join(f"{plan_path}: {problem}" for problem in wrong.problems)
                ) from wrong
        return read_scenario(tables, source)
    except ScenarioInvalid as wrong:
        raise StartError("\ntidehall: ".join(f"{path}: {problem}" for problem in wrong.problems)) from wrong


def studied(arguments: argparse.Namespace, scenarios: list[Scenario]) -> list[Result]:
    """One study of each, with a progress bar on a terminal. Raises StartError."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from tidehall.simulation.study import run_study

    for name, least in (("days", 1), ("jobs", 1), ("seed", 0)):
        if getattr(arguments, name) < least:
            raise StartError(f"--{name} {getattr(arguments, name)}: must be at least {least}")
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("days", total=arguments.days * len(scenarios))
        return [
            run_study(
                scenario, days=arguments.days, seed=arguments.seed, jobs=arguments.jobs,
                progress=lambda: bar.advance(task),
            )
            for scenario in scenarios
        ]  # fmt: skip


def twin_missing(error: ModuleNotFoundError) -> StartError:
    """The twin's libraries are an extra."""
    return StartError(f"the twin needs {error.name}; install it: pip install 'tidehall[simulation]'")


def run_simulate(arguments: argparse.Namespace) -> int:
    try:
        result = studied(arguments, [read_scenario_file(arguments.scenario)])[0]
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


def run_compare(arguments: argparse.Namespace) -> int:
    try:
        from tidehall.simulation.study import compare

        names = [str(path) for path in arguments.scenarios]
        if len(names) < 2:
            raise StartError("compare: name at least two scenario files")
        results = studied(arguments, [read_scenario_file(path) for path in arguments.scenarios])
    except ModuleNotFoundError as error:
        raise twin_missing(error) from error
    differences = compare(names, results)
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
        print(f"{difference.scenario} minus {difference.against}, the same people on every day")
        print_figures(difference.measures)
    return 0


def figure_text(found: Estimate) -> str:
    """An estimate for the terminal."""
    if found.mean is None:
        return "-"
    return f"{found.mean:.4g}" if found.half_width is None else f"{found.mean:.4g} ± {found.half_width:.2g}"


def print_figures(measures: dict[str, Estimate]) -> None:
    for name, found in measures.items():
        print(f"  {name:<22} {figure_text(found)}")
