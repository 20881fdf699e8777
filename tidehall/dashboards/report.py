"""The planner's report: a study as one page that needs nothing else, to hand to the hall's manager.

Law: the page says first what was found, in one sentence, then shows how sure it is, and ends with everything that was
assumed; nothing on it comes from elsewhere (no network, design law 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import inf
from typing import Any

from tidehall import locales
from tidehall.dashboards.figures import Behind, Figure, Point, bars, course
from tidehall.dashboards.sheet import markup, sheet
from tidehall.simulation.study import Comparison, Estimate, Result
from tidehall.simulation.tables import Demand, Distribution, Scenario

__all__ = ["study_report"]

#: Measures of the whole hall in the order of the page, and how they are written.
SHOWN = (
    ("tickets", "count"), ("served", "count"), ("left", "count"), ("no_show", "count"), ("expired", "count"),
    ("turned_away", "count"), ("censored", "count"), ("wait_mean_s", "minutes"), ("wait_p50_s", "minutes"),
    ("wait_p95_s", "minutes"), ("wait_within_target", "share"), ("days_within_target", "share"),
    ("waiting_mean", "count"), ("visit_mean_s", "minutes"), ("utilisation", "share"), ("window_hours", "count"),
    ("hand_offs", "count"), ("hand_off_on_time", "share"), ("hand_off_mean_s", "minutes"),
)  # fmt: skip
UNITS = {"minutes": 60.0, "share": 0.01, "count": 1.0}


class Words:
    """The report's sentences in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **params: Any) -> str:
        """The sentence `report.KEY`."""
        return locales.say(f"report.{key}", self.lang, **params)

    def number(self, value: float) -> str:
        """With as many decimals as say something, grouped."""
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"

    def figure(self, found: Estimate | None, kind: str) -> str:
        """An estimate with its interval, or "no data"."""
        if found is None or found.mean is None:
            return self("no_data")
        unit = UNITS[kind]
        text = self.number(found.mean / unit)
        if found.half_width is not None:
            text += f" ± {self.number(found.half_width / unit)}"
        return text + self(f"unit.{kind}")

    def named(self, words: Mapping[str, str]) -> str:
        """A name of the plan."""
        return words.get(self.lang) or next(iter(words.values()))


def study_report(
    result: Result,
    scenario: Scenario,
    *,
    source: str,
    lang: str = "zh",
    version: str,
    differences: Iterable[Comparison] = (),
) -> str:
    """A study as one self-contained HTML page.

    `source` names the scenario; `differences` are other scenarios against it, on the same people.
    """
    t = Words(lang)
    return sheet(
        "report.html", lang=lang, t=t, source=source, version=version, result=result,
        hall=t.named(scenario.plan.hall.name), sentence=sentence(result, scenario, t),
        facts=[(t(f"measure.{name}"), t.figure(result.measures.get(name), kind)) for name, kind in SHOWN],
        figures=[(f.title, markup(f), f.behind) for f in figures(result, scenario, t)],
        differences=[
            (d.scenario, [(t(f"measure.{name}"), t.figure(d.measures.get(name), kind)) for name, kind in SHOWN])
            for d in differences
        ],
        assumed=assumed(result, scenario, t),
    )  # fmt: skip


def sentence(result: Result, scenario: Scenario, t: Words) -> str:
    """What was found, in one sentence."""
    wait = scenario.target.wait
    found = result.measures["days_within_target" if wait.reading == "days" else "wait_within_target"]
    if found.mean is None:
        return t("sentence.nobody")
    share, least = 100 * found.mean, 100 * (found.mean - (found.half_width or 0.0))
    most = 100 * (found.mean + (found.half_width or 0.0))
    verdict = "met" if least >= 100 * wait.share else "missed" if most < 100 * wait.share else "unsure"
    return t(
        f"sentence.{verdict}_{wait.reading}", share=f"{share:.1f}", within=f"{wait.within_s / 60:.0f}",
        target=f"{100 * wait.share:.0f}", days=result.days,
    )  # fmt: skip


def figures(result: Result, scenario: Scenario, t: Words) -> list[Figure]:
    """The figures of the page, each with its finding as the title."""
    wait, hand_off = scenario.target.wait, scenario.target.hand_off
    lines = {line.id: f"{line.letter} {t.named(line.name)}" for line in scenario.plan.lines}
    zones = {zone.id: t.named(zone.name) for zone in scenario.plan.zones}
    limit = (wait.within_s / 60, t("target.wait", minutes=f"{wait.within_s / 60:.0f}"))
    goal = (100 * wait.share, t("target.share", share=f"{100 * wait.share:.0f}"))
    found = [
        over_the_day(result, "waiting_mean", "count", t("figure.waiting"), t("unit.people"), t),
        over_the_day(result, "wait_p95_s", "minutes", t("figure.wait"), t("unit.minutes"), t, limit),
        over_the_day(result, "open_windows", "count", t("figure.windows"), t("unit.windows"), t),
        by_part(result.lines, lines, "wait_within_target", "share", t("figure.lines"), t, goal),
        by_part(result.zones, zones, "utilisation", "share", t("figure.zones"), t),
        by_part(
            result.zones, zones, "hand_off_on_time", "share", t("figure.hand_offs"), t,
            (100 * hand_off.share, t("target.share", share=f"{100 * hand_off.share:.0f}")),
        ),
        by_part(result.posts, posts(result, scenario, t), "utilisation", "share", t("figure.posts"), t),
    ]  # fmt: skip
    return [figure for figure in found if figure is not None]


def posts(result: Result, scenario: Scenario, t: Words) -> dict[str, str]:
    """What the offices' posts are called."""
    departments = {d.id: t.named(d.name) for d in scenario.plan.departments}
    zones = {zone.id: t.named(zone.name) for zone in scenario.plan.zones}
    found = {}
    for post in result.posts:
        name, _, of = post.partition(":")
        found[post] = " ".join(
            filter(
                None,
                (t(f"post.{name}"), zones.get(of) or departments.get(of) or (t("post.pool") if of == "pool" else of)),
            )
        )
    return found


def scaled(found: Estimate | None, kind: str, name: str) -> Point:
    """An estimate as a point of a figure."""
    if found is None or found.mean is None:
        return Point(name, None, None)
    unit = UNITS[kind]
    return Point(name, found.mean / unit, None if found.half_width is None else found.half_width / unit)


def over_the_day(
    result: Result, measure: str, kind: str, title: str, unit: str, t: Words, target: tuple[float, str] | None = None
) -> Figure | None:
    """A measure by half hour; the title says when it is highest."""
    halves = [(str(half["from"]), half.get(measure)) for half in result.by_half_hour]
    points = [scaled(found, kind, name) for name, found in halves]
    known = [p for p in points if p.mean is not None]
    if not known:
        return None
    top = max(known, key=lambda p: p.mean or 0.0)
    behind = Behind(
        (t("head.half_hour"), title), tuple((name, t.figure(found, kind)) for name, found in halves)
    )  # fmt: skip
    finding = t("finding.highest", what=title, when=top.name, value=t.number(top.mean or 0.0), unit=unit)
    return Figure(finding, course(points, unit=unit, across=t("head.half_hour"), target=target), behind)


def by_part(
    parts: Mapping[str, Mapping[str, Estimate]], names: Mapping[str, str], measure: str, kind: str, title: str,
    t: Words, target: tuple[float, str] | None = None,
) -> Figure | None:  # fmt: skip
    """A share for each line, zone or post; the title says which is lowest or, without a target, highest."""
    rows = [(names.get(id, id), found.get(measure)) for id, found in parts.items()]
    points = sorted(
        (scaled(found, kind, name) for name, found in rows), key=lambda p: inf if p.mean is None else p.mean,
        reverse=target is None,
    )  # fmt: skip
    known = [p for p in points if p.mean is not None]
    if not known:
        return None
    end = known[0]
    finding = t(
        "finding.lowest" if target is not None else "finding.highest_part", what=title, where=end.name,
        value=t.number(end.mean or 0.0),
    )  # fmt: skip
    behind = Behind((t("head.part"), title), tuple((name, t.figure(found, kind)) for name, found in rows))
    return Figure(
        finding, bars(known, unit=t("unit.per_cent"), target=target, top=105 if kind == "share" else None), behind
    )


# ---- what was assumed


def assumed(result: Result, scenario: Scenario, t: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything that the study took as given, in tables."""
    lines = {line.id: f"{line.letter} {t.named(line.name)}" for line in scenario.plan.lines}
    people, clerks, wait = scenario.people, scenario.clerks, scenario.target.wait
    tables = [
        (
            t("assumed.demand"),
            [
                (
                    lines.get(d.line, d.line) + (f" · {d.item}" if d.item else ""),
                    t(
                        "assumed.demand_row", people=t.number(a_day(d)), cv=f"{d.day_factor_cv:.2f}",
                        service=distribution(scenario.service(d.line, d.item), t),
                    ),
                )
                for d in scenario.demand
            ],
        ),
        (
            t("assumed.windows"),
            [
                (
                    t.named(next((z.name for z in scenario.plan.zones if z.id == zone), {"zh": zone})),
                    " · ".join(f"{clock(at)} {n}" for at, n in steps),
                )
                for zone, steps in scenario.windows.items()
            ]
            or [(t("assumed.all_windows"), "")],
        ),
        (
            t("assumed.people"),
            [
                (t("assumed.walk"), f"{people.walk_s:g} s"),
                (t("assumed.no_show"), f"{100 * people.no_show:g} %"),
                (t("assumed.patience"), distribution(people.patience, t) if people.patience else t("assumed.endless")),
                (t("assumed.leave"), t(f"leave.{people.leave}")),
                (t("assumed.changeover"), f"{clerks.changeover_s:g} s"),
                (t("assumed.late"), f"{clerks.late_mean_s:g} s"),
                (t("assumed.tide"), t(f"tide.{scenario.tide.policy}")),
            ],
        ),
        (
            t("assumed.study"),
            [
                (t("assumed.day"), scenario.day.date),
                (t("assumed.days"), str(result.days)),
                (t("assumed.seed"), str(result.seed)),
                (t("assumed.day_factor"), f"{scenario.day_factor_cv:.2f}"),
                (t("assumed.target"), t(f"assumed.target_{wait.reading}", share=f"{100 * wait.share:g}",
                                        within=f"{wait.within_s / 60:g}")),
            ],
        ),
    ]  # fmt: skip
    return [(head, rows) for head, rows in tables if rows]


def clock(at: int) -> str:
    """HH:MM of µs after midnight."""
    return f"{at // 3_600_000_000:02d}:{at // 60_000_000 % 60:02d}"


def a_day(demand: Demand) -> float:
    """Expected citizens of a day, bursts left out: the integral of the profile."""
    steps = [*demand.profile, (24 * 3_600_000_000, 0.0)]
    return sum(rate * (to - at) / 3_600_000_000 for (at, rate), (to, _) in pairwise(steps))


def distribution(found: Distribution, t: Words) -> str:
    """A distribution in words."""
    return t(f"distribution.{found.distribution}", mean=t.number(found.mean_s / 60), cv=f"{found.cv:.2g}")
