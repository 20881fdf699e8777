"""Writes docs/tide.md and docs/tide.svg: the tide's policies compared on the reference hall's day (issue D, point 2).

    python docs/tide.py [--days 200] [--forecast 40] [--busy 20] [--seed 1] [--resume]

`make proof` runs it (some 20 minutes of one core, nearly all of it look-ahead). Law: nobody types a figure by hand;
every policy meets the same people on the same days, and a difference is of days that both have played. Each day's
figures are also appended to build/tide.jsonl, from which `--resume` goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from tidehall.hall import events as e
from tidehall.hall.plan import TideRule
from tidehall.server import read_scenario_file
from tidehall.simulation.day import Played, Stage
from tidehall.simulation.foresight import CUT_S, GAIN, LOSS, MARGIN, RUNS
from tidehall.simulation.study import Estimate, Study, differences
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import Tally, tally

__all__ = ["BUSY", "POLICIES", "Course", "day_figures", "figure", "main", "page", "played", "under"]

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "yangxin.toml"
PAGE, FIGURE = (Path(__file__).resolve().with_suffix(kind) for kind in (".md", ".svg"))
KEPT = (ROOT / "build" / PAGE.stem).with_suffix(".jsonl")
POLICIES = ("none", "threshold", "forecast")
#: On the busy day so many times as many people come to the zones that have a tide.
BUSY = 1.4
HOUR = 3600 * 1_000_000

HEAD = """# The tide's policies compared

Written by `python docs/tide.py` (`make proof` runs it): `scenarios/yangxin.toml`, seed {seed}, played by the hall's own
engine; the policies meet the same people with the same services on the same days. *none*: tidal windows stay closed.
*threshold*: the plan's rule (`[tide.ZONE]`: more than 10 waiting for each open window, or 30 minutes, for 3 minutes).
*forecast*: every 10 minutes look-ahead plays the next hour of each zone {runs} times with and without one more (or one
fewer) tidal window, and the rule of `tidehall/simulation/foresight.py` decides: open when otherwise the 90th percentile
of the wait exceeds the 15 minutes somewhere in the hour, and opening lifts the share called in time by {gain:.0%} at
least or takes {cut:.0f} minutes off the hour's 90th percentile, the paired 95 % interval beyond 0; close when without
it the 90th percentile stays below {margin:.0%} of the limit and the share falls by {loss:.0%} at most. What is advised
is followed at once (`confirm = "automatic"`); the clerk needs two minutes to get there.

Shares and waits are those of the zones with a tide (social affairs, enterprise, property); *tidal hours* is the time
for which their tidal windows are open, a day, the lunch break included where one stays open over it. A figure is a mean
± its 95 % interval; a difference is paired, day by day. *forecast* plays fewer days than the others, which may be
busier or quieter ones: compare policies by the differences and the figure (both of the days that all have played), not
by the rows of the table.

![Share called within 15 minutes against tidal window-hours](tide.svg)

"""
READING = """## How to read it

- The plan's thresholds are set for a hall that is nearly overrun: ten people for each window wait far longer than 15
  minutes. By the time they speak, the limit is long broken for those who stand there. Look-ahead speaks while it can
  still be kept, and lets go again after the least open time.
- What look-ahead knows here is more than a running hall may know: the scenario's own profile is the truth that the day
  was drawn from, and only the day's factor and everybody's luck are unknown to it. A hall without a calibrated
  scenario looks ahead by the people of the last half hour (`tidehall/simulation/recent.py`), and sees no rush before
  its first half hour.
- Tidal hours are not free: whoever sits there is missing elsewhere. The scenario does not model from where he comes.
- Supervisors follow here within the second. Every minute that advice waits is lost to all policies alike.
"""


class Course(NamedTuple):
    """A day's kind: its name, its scenario, and how many of its days the policy `forecast` plays."""

    name: str
    scenario: Scenario
    forecast: int


def under(scenario: Scenario, policy: str) -> Scenario:
    """The scenario under one of the policies, each of which follows itself."""
    tide: dict[str, TideRule] = {}
    if policy != "none":
        tide = {zone: replace(rule, policy=policy, confirm="automatic") for zone, rule in scenario.plan.tide.items()}
    return replace(scenario, plan=replace(scenario.plan, tide=tide))


def busier(scenario: Scenario) -> Scenario:
    """The same day with more people in the zones that have a tide."""
    lines = {line.id for line in scenario.plan.lines if line.zone in scenario.plan.tide}
    return replace(
        scenario,
        demand=tuple(
            replace(d, profile=tuple((at, rate * (BUSY if d.line in lines else 1.0)) for at, rate in d.profile))
            for d in scenario.demand
        ),
    )


def tidal_hours(day: Played, tidal: set[str]) -> float:
    """For how long these windows stood open."""
    total, since = 0, dict.fromkeys(tidal, 0)
    for event in day.events:
        if isinstance(event, e.WindowOpened) and event.window in tidal:
            since[event.window] = event.at
        elif isinstance(event, e.WindowClosed) and since.get(event.window):
            total += event.at - since[event.window]
            since[event.window] = 0
    return (total + sum(day.until - at for at in since.values() if at)) / HOUR


def day_figures(scenario: Scenario, policy: str, seed: int, day: int) -> dict[str, tuple[float, float]]:
    """One day under a policy, as pairs: each measure of the zones with a tide is Σa ÷ Σb."""
    mine = under(scenario, policy)
    found = Stage(mine).play(seed, day)
    parts = tally(mine, found)
    tidal = {w.id for w in scenario.plan.windows if w.post == "tidal" and w.zone in scenario.plan.tide}
    figures = {
        "tidal_hours": (tidal_hours(found, tidal), 1.0),
        "openings": (float(sum(isinstance(x, e.TideConfirmed) and x.action == "open" for x in found.events)), 1.0),
    }
    for name in ("wait_within_target", "wait_mean_s"):
        rows = {zone: parts[f"zone:{zone}"][name] for zone in scenario.plan.tide}
        figures[name] = (sum(a for a, _ in rows.values()), sum(b for _, b in rows.values()))
        if name == "wait_within_target":
            figures |= {f"{name}:{zone}": (float(a), float(b)) for zone, (a, b) in rows.items()}
    return figures


def kept_days(path: Path) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """What an earlier run has written."""
    rows = map(json.loads, path.read_text("utf-8").splitlines()) if path.exists() else ()
    return {(row["course"], row["policy"], row["seed"], row["day"]): row["figures"] for row in rows}


def played(
    courses: Iterable[Course], days: int, seed: int, *, kept: Path | None = None, resume: bool = False
) -> Iterator[tuple[str, str, int, dict[str, tuple[float, float]]]]:
    """(course, policy, day, figures) of every day that is to be played."""
    there = kept_days(kept) if kept is not None and resume else {}
    if kept is not None:
        kept.parent.mkdir(exist_ok=True)
        if not resume:
            kept.unlink(missing_ok=True)
    for course in courses:
        for policy in POLICIES:
            for day in range(course.forecast if policy == "forecast" else days):
                figures = there.get((course.name, policy, seed, day))
                if figures is None:
                    figures = day_figures(course.scenario, policy, seed, day)
                    row = {"course": course.name, "policy": policy, "seed": seed, "day": day, "figures": figures}
                    if kept is not None:
                        with kept.open("a", encoding="utf-8") as lines:
                            lines.write(json.dumps(row) + "\n")
                yield course.name, policy, day, {name: (a, b) for name, (a, b) in figures.items()}


class Compared:
    """Everything about one course: a study of each policy, over all its days and over those that all have played."""

    def __init__(self, seed: int, common: int) -> None:
        self.common = common
        self.all = {policy: Study(seed) for policy in POLICIES}
        self.paired = {policy: Study(seed) for policy in POLICIES}

    def add(self, policy: str, day: int, figures: dict[str, tuple[float, float]]) -> None:
        """One more day."""
        row: Tally = {"": figures}
        self.all[policy].add(row)
        if day < self.common:
            self.paired[policy].add(row)

    def measures(self, policy: str) -> tuple[int, dict[str, Estimate]]:
        """How many days, and the figures over them."""
        found = self.all[policy].result()
        return found.days, found.measures

    def differences(self, pair: tuple[str, str], studies: dict[str, Study]) -> dict[str, Estimate]:
        """The second policy minus the first, on the days of `studies`."""
        one, other = (studies[policy].result() for policy in pair)
        return differences(one, other)


def plus(found: Estimate, *, scale: float = 1.0, digits: int = 2, sign: bool = False) -> str:
    """A figure ± its interval."""
    if found.mean is None:
        return "-"
    text = f"{found.mean * scale:{'+' if sign else ''}.{digits}f}"
    return text if found.half_width is None else f"{text} ± {found.half_width * scale:.{digits}f}"


def row_of(name: str, days: int, m: dict[str, Estimate], *, sign: bool = False) -> str:
    """A line of the table."""
    cells = [
        plus(m["wait_within_target"], scale=100, sign=sign), plus(m["wait_mean_s"], scale=1 / 60, sign=sign),
        plus(m["tidal_hours"], sign=sign), plus(m["openings"], digits=1, sign=sign),
        *(plus(m[key], scale=100, digits=1, sign=sign) for key in sorted(m) if ":" in key),
    ]  # fmt: skip
    return f"| {name} | {days} | {' | '.join(cells)} |"


def course_page(title: str, found: Compared) -> list[str]:
    """One course's tables and what they say."""
    zones = sorted(name.partition(":")[2] for name in found.measures("none")[1] if ":" in name)
    heads = ["days", "% within 15 min", "mean wait, min", "tidal hours", "openings", *(f"{z}, %" for z in zones)]
    lines = [f"## {title}", "", f"| policy | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    lines += [row_of(policy, *found.measures(policy)) for policy in POLICIES]
    days = found.measures("none")[0]
    steps = [("none", "threshold", found.all, days)]
    steps += [(one, "forecast", found.paired, found.common) for one in ("none", "threshold")]
    for one, other, studies, n in steps:
        lines.append(row_of(f"{other} − {one}", n, found.differences((one, other), studies), sign=True))
    return [*lines, "", *sentences(found), ""]


def sentences(found: Compared) -> list[str]:
    """What the differences say, and what an hour of a tidal window brings."""
    said = []
    for one, other, studies in (("none", "threshold", found.all), ("none", "forecast", found.paired),
                                ("threshold", "forecast", found.paired)):  # fmt: skip
        m = found.differences((one, other), studies)
        share, hours = m["wait_within_target"], m["tidal_hours"]
        if share.mean is None or share.half_width is None or hours.mean is None:
            continue
        if share.mean == 0 and hours.mean == 0:
            said.append(f"- *{other}* against *{one}*: nothing ever differs.")
            continue
        verb = "more" if share.mean > 0 else "fewer"
        text = f"- *{other}* against *{one}*: {100 * abs(share.mean):.2f} in a hundred {verb} are called in time"
        text += "" if abs(share.mean) > share.half_width else ", which may be chance"
        if hours.mean > 0.05:
            text += f", for {hours.mean:.1f} tidal hours a day"
        said.append(text + ".")
    return said


def page(found: dict[str, Compared], seed: int) -> str:
    """The page."""
    head = HEAD.format(seed=seed, runs=RUNS, gain=GAIN, cut=CUT_S / 60, margin=MARGIN, loss=LOSS)
    titles = {
        "usual": "The usual Monday",
        "busy": f"A busy Monday: {BUSY:g} times as many people in the zones with a tide",
    }
    return (
        head
        + "\n".join(line for name, course in found.items() for line in course_page(titles[name], course))
        + "\n"
        + READING
    )


# ---- the figure

INK, INK_2, LINE, COLOURS = (
    "#10242E",
    "#4C6470",
    "#D9E3E7",
    {"none": "#4C6470", "threshold": "#A86400", "forecast": "#0A5F7E"},
)
WIDE, HIGH, LEFT, TOP, BOTTOM = 360, 260, 56, 44, 52


def figure(found: dict[str, Compared]) -> str:
    """Share against tidal hours on the days that all have played, a panel for each course, with 95 % intervals; a file
    that needs nothing else."""
    titles = {"usual": "Usual Monday", "busy": f"Busy Monday (× {BUSY:g})"}
    titles = {name: f"{titles[name]}, {course.common} days" for name, course in found.items()}
    width = WIDE * len(found)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HIGH}" width="{width}" height="{HIGH}" '
        f'font-family="Noto Sans SC, sans-serif" font-size="13" fill="{INK}" role="img">',
        "<title>Share called within 15 minutes against tidal window-hours, by policy</title>",
        f'<rect width="{width}" height="{HIGH}" fill="#FFFFFF"/>',
    ]
    rows = {
        name: {policy: course.paired[policy].result().measures for policy in POLICIES} for name, course in found.items()
    }
    ends = [(m["tidal_hours"], m["wait_within_target"]) for row in rows.values() for m in row.values()]
    most = 4 * ceil((max(x.mean + (x.half_width or 0) for x, _ in ends if x.mean is not None) + 0.1) / 4)
    least = min(y.mean - (y.half_width or 0) for _, y in ends if y.mean is not None)
    floor = int(least * 20) / 20 - 0.1  # the names stand below the points

    def at(x: float, y: float, panel: int) -> tuple[float, float]:
        inner = (WIDE - LEFT - 20, HIGH - TOP - BOTTOM)
        return panel * WIDE + LEFT + x / most * inner[0], TOP + (1 - (y - floor) / (1 - floor)) * inner[1]

    for panel, (name, row) in enumerate(rows.items()):
        parts.append(f'<text x="{panel * WIDE + LEFT}" y="22" font-weight="bold">{titles[name]}</text>')
        steps = round((1 - floor) / 0.05)
        for i in range(steps + 1):
            share = floor + i * (1 - floor) / steps
            (x0, py), (x1, _) = at(0, share, panel), at(most, share, panel)
            parts.append(f'<line x1="{x0:.1f}" x2="{x1:.1f}" y1="{py:.1f}" y2="{py:.1f}" stroke="{LINE}"/>')
            parts.append(f'<text x="{x0 - 6:.1f}" y="{py + 4:.1f}" text-anchor="end" fill="{INK_2}">{share:.0%}</text>')
        for i in range(5):
            px, py = at(most * i / 4, floor, panel)
            parts.append(
                f'<text x="{px:.1f}" y="{py + 18:.1f}" text-anchor="middle" fill="{INK_2}">{most * i // 4}</text>'
            )
        px, py = at(most / 2, floor, panel)
        parts.append(
            f'<text x="{px:.1f}" y="{py + 38:.1f}" text-anchor="middle" fill="{INK_2}">tidal window-hours a day</text>'
        )
        for policy, m in row.items():
            x, y = m["tidal_hours"], m["wait_within_target"]
            if x.mean is None or y.mean is None:
                continue
            colour, (px, py) = COLOURS[policy], at(x.mean, y.mean, panel)
            for dx, dy in ((x.half_width or 0.0, 0.0), (0.0, y.half_width or 0.0)):
                (ax, ay), (bx, by) = at(x.mean - dx, y.mean - dy, panel), at(x.mean + dx, y.mean + dy, panel)
                place = f'x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}"'
                parts.append(f'<line {place} stroke="{colour}" stroke-width="2"/>')
            parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5" fill="{colour}"/>')
            lx, ly = panel * WIDE + WIDE - 150, HIGH - BOTTOM - 54 + 18 * POLICIES.index(policy)
            parts.append(f'<circle cx="{lx}" cy="{ly - 4}" r="5" fill="{colour}"/>')
            parts.append(f'<text x="{lx + 12}" y="{ly}" fill="{colour}">{policy} {y.mean:.1%}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main(arguments: list[str] | None = None) -> int:
    """Write page and figure."""
    options = argparse.ArgumentParser(description="compare the tide's policies on the reference hall's day")
    options.add_argument("--days", type=int, default=200, metavar="N", help="days without a tide and by thresholds")
    options.add_argument("--forecast", type=int, default=40, metavar="N", help="of them, by forecast, usual day")
    options.add_argument(
        "--busy", type=int, default=20, metavar="N", help="the same on the busy day; 0: leave that out"
    )
    options.add_argument("--seed", type=int, default=1, metavar="S")
    options.add_argument("--resume", action="store_true", help="take the days that build/tide.jsonl has")
    given = options.parse_args(arguments)
    usual = read_scenario_file(SCENARIO)
    courses = [Course("usual", usual, given.forecast)]
    if given.busy:
        courses.append(Course("busy", busier(usual), given.busy))
    found = {course.name: Compared(given.seed, min(course.forecast, given.days)) for course in courses}
    for name, policy, day, figures in played(courses, given.days, given.seed, kept=KEPT, resume=given.resume):
        found[name].add(policy, day, figures)
        if sys.stderr.isatty():
            print(f"{name}, {policy}: day {day}", end="\r", file=sys.stderr)
    PAGE.write_text(page(found, given.seed), "utf-8")
    FIGURE.write_text(figure(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
