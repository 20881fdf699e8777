"""Writes docs/validation.md: calibrated halls against the waiting counts that were observed (issue C, "Reality").

    python docs/validation.py [SNAPSHOTS.csv.gz] [--days N]

`make proof` runs it on the snapshots of 14 Warsaw halls where they are there. Law: nobody types a figure by hand, and
no hall is treated by a rule of its own; the sentences about wins and losses follow from the figures.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from math import exp, log
from pathlib import Path

from tidehall.simulation.calibration import LogUnusable
from tidehall.simulation.counters import count_office
from tidehall.simulation.snapshots import read_snapshots
from tidehall.simulation.validation import Validation, validate

__all__ = ["main", "page"]

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOTS = ROOT.parent / "shared" / "data" / "warsaw_city_halls_2020.csv.gz"
PAGE = ROOT / "docs" / "validation.md"
HEAD = """# Calibrated halls against reality

Written by `python docs/validation.py SNAPSHOTS.csv.gz` (`make proof` runs it): {name}, {days} simulated days a hall,
seed {seed}, played by the real engine through the world (`tidehall calibrate`, then `tidehall simulate`).

**Days.** A scenario is one kind of day. Of each hall's days those count whose weekday has the hours of most (in Warsaw
Tuesday to Friday; on Mondays the halls are open two hours longer), on which the hall was open, with at least 60 % of
the usual snapshots, and with no more than 1.6 times more or fewer people than on the middle day. The same rules hold
for all halls (tidehall/simulation/working_days.py); nothing knows a hall or a date by name. Of these days, in their
order, the first, third … calibrate, the second, fourth … judge.

**Error.** For each half hour from opening to close the mean number of people who wait in the whole hall, simulated,
against the mean over the judged days; the error is the mean absolute difference, in people and as a share of the judged
days' mean. *Baseline*: the same half hour's mean over the calibration days. *Misfit*: the simulation's error on its own
calibration days, that is, what the model cannot follow even where it has seen it.

"""


def validations(path: Path, days: int, seed: int) -> list[tuple[Validation, Validation]]:
    """Two for each hall of the file, the second with the halves of its days exchanged; a hall without usual days is
    named on standard error."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        snapshots = read_snapshots(csv.DictReader(lines))
    for problem in snapshots.problems:
        print(f"{path.name}: {problem}", file=sys.stderr)
    found = []
    for name in sorted(snapshots.offices):
        try:
            counted = count_office(snapshots.offices[name])
            one, other = (validate(counted, days=days, seed=seed, swap=swap) for swap in (False, True))
            found.append((one, other))
        except LogUnusable as no:
            print(no, file=sys.stderr)
        else:
            if sys.stderr.isatty():
                print(f"{name} is done", file=sys.stderr)
    return found


def ratio(found: list[Validation]) -> float:
    """Geometric mean of error ÷ the baseline's error."""
    logs = [log(max(v.error, 1e-9) / max(v.naive_error, 1e-9)) for v in found]
    return exp(sum(logs) / len(logs))


def reading(found: list[Validation], swapped: list[Validation]) -> list[str]:
    """What the table says, with the losses explained by what can be told apart."""
    won = [v for v in found if v.error <= v.naive_error]
    lost = [v for v in found if v.error > v.naive_error]
    model = [v.office for v in lost if v.misfit > v.naive_error]
    chance = [v.office for v in lost if v.misfit <= v.naive_error]
    return [
        f"The simulation is nearer than the baseline in {len(won)} of {len(found)} halls; the geometric mean of error "
        f"÷ baseline's error is {ratio(found):.2f}. With the halves exchanged (last column) it is nearer in "
        f"{sum(v.error <= v.naive_error for v in swapped)}, and the mean is {ratio(swapped):.2f}; both ways together "
        f"{ratio(found + swapped):.2f}.",
        "",
        "- Few days judge: how far the two ways round differ is how sure these figures are. The constants of the fit "
        "(counters.py: TRUST, CHANGE) are the same for all halls, but they were chosen on these halls, both ways "
        "round; on others the simulation may do a little worse.",
        "- The baseline is hard to beat where the two halves of the days are alike: it has seen the very count that is "
        "asked for, the simulation has only people who came, windows that were shown and numbers that were called.",
        f"- Lost because the model cannot follow (its misfit alone is more than the baseline's error): "
        f"{', '.join(model) or 'none'}. Why: a board's open windows are not those that call; clerks work faster when "
        "many wait and towards the close, which no scenario says; windows serve several lines in ways that counts show "
        "only in part; windows are whole numbers, so a pool of one or two follows the day in steps.",
        f"- Lost although the model follows its own days (the misfit is below the baseline's error): "
        f"{', '.join(chance) or 'none'}. Here the two halves differ, and a queue near its limit makes more of a "
        "difference in demand than a mean of counts does.",
        "- What the baseline cannot do at all is the reason for a model: say what another number of windows, another "
        "demand or another rule would bring.",
        "",
    ]


def page(both: list[tuple[Validation, Validation]], name: str, seed: int) -> str:
    """The page."""
    found, swapped = [one for one, _ in both], [other for _, other in both]
    lines = [HEAD.format(name=name, days=found[0].simulated_days, seed=seed) + "## All halls", ""]
    lines += [
        "| hall | days calibrating + judging | waiting, judged | simulated | error | baseline | misfit | error ÷ mean |"
        " baseline ÷ mean | nearer | halves exchanged: error, baseline |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for v, other in both:
        mean = sum(half.simulated for half in v.half_hours) / len(v.half_hours)
        own, naive = v.relative
        lines.append(
            f"| {v.office} | {len(v.calibration_days)} + {len(v.judged_days)} | {v.mean:.2f} | {mean:.2f} |"
            f" {v.error:.2f} | {v.naive_error:.2f} | {v.misfit:.2f} | {own:.2f} | {naive:.2f} |"
            f" {'simulation' if v.error <= v.naive_error else 'baseline'} |"
            f" {other.error:.2f}, {other.naive_error:.2f} |"
        )
    n = len(found)
    other_sums = [sum(x) / n for x in zip(*((v.error, v.naive_error) for v in swapped), strict=True)]
    sums = [
        sum(x) / n for x in zip(*((v.mean, v.error, v.naive_error, v.misfit, *v.relative) for v in found), strict=True)
    ]
    lines += [
        "| **mean** | | {:.2f} | | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | | {:.2f}, {:.2f} |".format(
            *sums, *other_sums
        ),
        "", "## How to read it", "", *reading(found, swapped), "## Half hours", "",
        "Mean waiting count of the whole hall: simulated / judged days / calibration days (the baseline).", "",
    ]  # fmt: skip
    for v in found:
        left_out = ", ".join(f"{day} ({why.replace('_', ' ')})" for day, why in v.left_out) or "none"
        lines += [
            f"**{v.office}**; left out: {left_out}", "",
            "| | " + " | ".join(half.begin for half in v.half_hours) + " |",
            "|---|" + "---|" * len(v.half_hours),
            "| simulated | " + " | ".join(f"{half.simulated:.1f}" for half in v.half_hours) + " |",
            "| judged | " + " | ".join(f"{half.judged:.1f}" for half in v.half_hours) + " |",
            "| baseline | " + " | ".join(f"{half.naive:.1f}" for half in v.half_hours) + " |", "",
        ]  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the page; without the snapshots it stays as it is."""
    options = argparse.ArgumentParser(description="validate calibrations against counter snapshots")
    options.add_argument("snapshots", type=Path, nargs="?", default=SNAPSHOTS)
    options.add_argument("--days", type=int, default=60, metavar="N", help="simulated days of each hall")
    options.add_argument("--seed", type=int, default=1, metavar="S")
    options.add_argument("--out", type=Path, default=PAGE)
    given = options.parse_args(arguments)
    if not given.snapshots.exists():
        print(f"{given.snapshots.name} is not there: {given.out.name} stays as it is", file=sys.stderr)
        return 0
    found = validations(given.snapshots, given.days, given.seed)
    if not found:
        print("no hall could be validated", file=sys.stderr)
        return 1
    given.out.write_text(page(found, given.snapshots.name, given.seed), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
