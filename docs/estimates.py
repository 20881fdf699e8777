"""Writes docs/estimates.md: how true the wait estimates are (issue D, point 1), in the reference hall and in calibrated
ones.

    python docs/estimates.py [SNAPSHOTS.csv.gz] [--days N] [--sample N] [--runs N]

`make proof` runs it. Law: nobody types a figure by hand, and where a bar is missed the page says so by itself.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import tomllib
from math import ceil
from pathlib import Path

from tidehall.hall.accuracy import Quality, quality
from tidehall.hall.plan import parse_plan
from tidehall.simulation.calibration import LogUnusable
from tidehall.simulation.counters import calibrate_office, count_office, usual_days
from tidehall.simulation.estimates import Study, judge
from tidehall.simulation.scenario import plan_source, read_scenario
from tidehall.simulation.snapshots import read_snapshots
from tidehall.simulation.tables import Scenario

__all__ = ["main", "page"]

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOTS = ROOT.parent / "shared" / "data" / "warsaw_city_halls_2020.csv.gz"
SCENARIO = ROOT / "scenarios" / "yangxin.toml"
PAGE = ROOT / "docs" / "estimates.md"
#: The bars: share between p10 and p90, and the error against the oracle's.
LOW, HIGH, ORACLE = 0.75, 0.85, 1.1
#: The reference hall's sample is so many times larger: most of its numbers meet an idle window and tell little. It is
#: taken from more days: a single rush of one zone would decide the figure.
REFERENCE, DAYS = 6, 20
#: A share of fewer numbers that had to wait is chance: a small hall is played for more days, so many at most.
WAITED, MOST_DAYS = 250, 60
HEAD = """# How true the wait estimates are

Written by `python docs/estimates.py` (`make proof` runs it): {days} simulated days a hall, seed {seed}, and more (said
beside its name) in the reference hall, where one zone's rush on one day would weigh too much, and wherever fewer than
{waited} numbers had to wait in them. The days are played by the real engine; what was
shown and what came of it is judged by tidehall/hall/accuracy.py, which judges live halls too. The method stands in
[decision 005](decisions/005-estimates.md).

- **n**: numbers given with an estimate. *Unknown*: given while no window was open; nothing was shown.
- **At once**: of the n, those who met an idle window and were told "at once", and how many of these were called within
  a minute. Ranges are judged on the others, who had to wait: to be right about an idle window is no art.
- **Bias, error**: mean of p50 − wait, and of its size, over all n; seconds. Below 0: people waited longer than told.
- **Inside**: called between p10 and p90 (bar 75–85 %); *shown*: within the whole minutes that citizens read.
- **Plan, last half hour**: the errors of the two baselines, plan minutes × people ahead ÷ open windows and the mean
  wait of those called in the last half hour from the same line; the second one says nothing where nobody was called,
  and our error on the same numbers stands behind it.
- **Oracle**: the error of one who knows the hall as it stands, the true rates of arrival (today's factor only as far as
  those who came tell it), the true service distributions with the time already spent in each service, no-shows and
  patience, and when each window will open, close and rest: the median of {runs} forks of the hall, on a sample of the
  numbers, and ours on the same ones; neither may say 0. *÷*: ours ÷ the oracle's (bar {oracle}).

What the estimator knows of a hall is its plan (sessions, rosters, rests, service times, head starts) and what has
happened today. In the calibrated halls the plan holds what calibration found, each day is the first, and citizens are
as patient as the calibration thinks.

"""


def halls(path: Path) -> list[tuple[str, Scenario]]:
    """The reference hall's scenario, and one for each calibrated hall of the snapshots where there are some."""
    tables = tomllib.loads(SCENARIO.read_text("utf-8"))
    plan = parse_plan(tomllib.loads((ROOT / str(plan_source(tables))).read_text("utf-8")))
    found = [("Yangxin", read_scenario(tables, plan))]
    if not path.exists():
        print(f"{path.name} is not there: only the reference hall is judged", file=sys.stderr)
        return found
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        snapshots = read_snapshots(csv.DictReader(lines))
    for name in sorted(snapshots.offices):
        counted = count_office(snapshots.offices[name])
        kind = usual_days(counted)
        if kind is None:
            continue
        try:
            calibrated = calibrate_office(counted, kind).tables
        except LogUnusable as no:
            print(no, file=sys.stderr)
            continue
        source = plan_source(calibrated)
        assert not isinstance(source, str)  # a calibration from counts holds its plan
        found.append((name, read_scenario(calibrated, source)))
    return found


def percent(share: float | None) -> str:
    """A share, or that there is none."""
    return "no data" if share is None else f"{100 * share:.1f} %"


def days_for(scenario: Scenario, days: int, seed: int) -> int:
    """`days`, or so many more as it takes until enough numbers have had to wait."""
    q = judge(scenario, days=days, seed=seed).quality
    waited = q.n - q.at_once
    return days if waited >= WAITED else min(MOST_DAYS, ceil(days * WAITED / max(1, waited)))


def row(name: str, study: Study) -> str:
    """One hall."""
    q, oracle = study.quality, study.against_oracle
    plan, recent = q.by_plan, q.by_recent
    return " | ".join(
        [
            f"| {name}",
            f"{q.n} + {q.unknown}",
            f"{q.at_once}, {percent(q.at_once_true)}",
            f"{q.bias or 0:.0f}",
            f"{q.error or 0:.0f}",
            percent(q.inside),
            percent(q.inside_shown),
            f"{plan.error:.0f}" if plan else "no data",
            f"{recent.error:.0f}, {recent.ours:.0f}" if recent else "no data",
            f"{oracle.error:.0f}, {oracle.ours:.0f} ({oracle.n})" if oracle else "no data",
            f"{oracle.ours / oracle.error:.2f} |" if oracle and oracle.error else "no data |",
        ]
    )


def worse(q: Quality) -> bool:
    """A baseline is better on the same numbers."""
    return any(b is not None and b.ours > b.error for b in (q.by_plan, q.by_recent))


def names(found: list[str]) -> str:
    """Names, or none."""
    return ", ".join(found) or "none"


def reading(studies: list[tuple[str, Study]]) -> list[str]:
    """What the table says."""
    shares = [(name, study.quality.inside or 0.0) for name, study in studies]
    held = [name for name, share in shares if LOW <= share <= HIGH]
    judged = {name: study.quality.n - study.quality.at_once for name, study in studies}
    narrow = [f"{name} ({judged[name]} numbers)" for name, share in shares if share < LOW]
    broad = [f"{name} ({judged[name]} numbers)" for name, share in shares if share > HIGH]
    against = [(name, study.against_oracle) for name, study in studies]
    far = [f"{n} ({o.ours / o.error:.2f})" for n, o in against if o and o.error and o.ours > ORACLE * o.error]
    beaten = [name for name, study in studies if worse(study.quality)]
    sums = [o for _, o in against if o]
    ours, theirs = sum(o.ours * o.n for o in sums), sum(o.error * o.n for o in sums)
    every = quality(j for _, study in studies for j in study.taken)
    return [
        f"- p10–p90 holds {100 * LOW:.0f}–{100 * HIGH:.0f} % in {len(held)} of {len(studies)} halls, and "
        f"{percent(every.inside)} of all numbers together; too narrow: {names(narrow)}; too broad: {names(broad)}.",
        f"- Within {ORACLE} of the oracle's error in {len(studies) - len(far)} of {len(studies)} halls, "
        f"{ours / theirs if theirs else 0:.2f} of it over all samples; farther: {names(far)}.",
        f"- Worse than a baseline on the same numbers: {names(beaten)}.",
        "- A figure below 1 against the oracle is chance: its median is that of a sample, and so are these numbers.",
        "- Where the estimator is farther from the oracle, the oracle knows more: "
        "how far each service has come and how long its kind may last, when who gives up, how many will come. "
        "Small halls give few numbers: a dozen long waits decide.",
        "- These days obey the plan's roster and rests. A hall whose windows do not open as its roster says has larger"
        " errors; the statistics show them, by day (`/api/v1/halls/{hall}/statistics`).",
        "",
    ]


def page(studies: list[tuple[str, Study]], *, days: int, runs: int, seed: int) -> str:
    """The page."""
    lines = [
        HEAD.format(days=days, runs=runs, seed=seed, oracle=ORACLE, waited=WAITED)
        + "| hall | n + unknown | at once, true | bias | error | inside | shown | plan | last half hour, ours |"
        " oracle, ours (sample) | ÷ |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(row(name, study) for name, study in studies),
        "", "## How to read it", "", *reading(studies), "## While people wait", "",
        "The same, of what was shown later: every five minutes while a number waited.", "",
        "| hall | n | bias | error | inside | plan |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, study in studies:
        q = quality(study.later)
        plan = f"{q.by_plan.error:.0f}" if q.by_plan else "no data"
        lines.append(f"| {name} | {q.n} | {q.bias or 0:.0f} | {q.error or 0:.0f} | {percent(q.inside)} | {plan} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    ask = argparse.ArgumentParser(description="writes docs/estimates.md")
    ask.add_argument("snapshots", nargs="?", type=Path, default=SNAPSHOTS)
    ask.add_argument("--days", type=int, default=5)
    ask.add_argument("--sample", type=int, default=60, help="numbers of a day that the oracle is asked about")
    ask.add_argument("--runs", type=int, default=32, help="forks for each of them")
    ask.add_argument("--seed", type=int, default=1)
    asked = ask.parse_args()
    studies: list[tuple[str, Study]] = []
    for name, scenario in halls(asked.snapshots):
        days = days_for(scenario, asked.days, asked.seed) if studies else max(DAYS, asked.days)
        sample = ceil(asked.sample * asked.days * (1 if studies else REFERENCE) / days)
        study = judge(scenario, days=days, seed=asked.seed, sample=sample, runs=asked.runs)
        studies.append((name if days == asked.days else f"{name} ({days} days)", study))
        if sys.stderr.isatty():
            print(f"{name} is done", file=sys.stderr)
    PAGE.write_text(page(studies, days=asked.days, runs=asked.runs, seed=asked.seed), "utf-8")


if __name__ == "__main__":
    main()
