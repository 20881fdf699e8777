"""The planner's report: a study as one page that needs nothing else, to hand to the hall's manager.

Law: the page says first what was found, in one sentence, then shows how sure it is, and ends with everything that was
assumed; nothing on it comes from elsewhere (no network, design law 14).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import Any

from tidehall import locales
from tidehall.dashboards.figures import Behind, Figure, Point, bars, course
from tidehall.dashboards.sheet import markup, sheet
from tidehall.simulation.costs import DayCost
from tidehall.simulation.intervals import decimals
from tidehall.simulation.opening import uncovered
from tidehall.simulation.study import Comparison, Estimate, Result
from tidehall.simulation.tables import Demand, Distribution, Scenario

__all__ = ["study_report"]

#: Measures of the whole hall in the order of the page, and how they are written.
SHOWN = (
    ("tickets", "count"), ("served", "count"), ("left", "count"), ("no_show", "count"), ("left_silently", "count"),
    ("expired", "count"), ("turned_away", "count"), ("censored", "count"), ("wait_mean_s", "minutes"),
    ("wait_p50_s", "minutes"), ("wait_p95_s", "minutes"), ("wait_within_target", "share"),
    ("days_within_target", "share"), ("waiting_mean", "count"), ("visit_mean_s", "minutes"), ("utilisation", "share"),
    ("window_hours", "count"), ("hand_offs", "count"), ("hand_off_on_time", "share"), ("hand_off_mean_s", "minutes"),
)  # fmt: skip
#: Measures of a line in its table.
OF_LINES = (
    ("tickets", "count"), ("wait_mean_s", "minutes"), ("wait_p95_s", "minutes"), ("wait_within_target", "share"),
    ("utilisation", "share"),
)  # fmt: skip
#: What stands in a scenario is shown in a comparison up to so many letters.
SHORT = 120
UNITS = {"minutes": 60.0, "share": 0.01, "points": 0.01, "count": 1.0}


class Words:
    """The report's sentences in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **params: Any) -> str:
        """The sentence `report.KEY`."""
        return locales.say(f"report.{key}", self.lang, **params)

    def number(self, value: float) -> str:
        """With as many decimals as say something, grouped."""
        if abs(value) >= 100:
            return f"{value:,.0f}"
        return (f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}").rstrip("0").rstrip(".")

    def figure(self, found: Estimate | None, kind: str) -> str:
        """An estimate with its interval, or "no data"."""
        if found is None or found.mean is None:
            return self("no_data")
        unit = UNITS[kind]
        if found.half_width is None:
            return self.number(found.mean / unit) + self(f"unit.{kind}")
        half = found.half_width / unit
        if half < 0.005:
            return f"{self.number(found.mean / unit)} ± 0" + self(f"unit.{kind}")
        places = decimals(half, most=2)
        return f"{found.mean / unit:z,.{places}f} ± {half:,.{places}f}" + self(f"unit.{kind}")

    def mean(self, value: float | None, kind: str) -> str:
        """A mean without its interval, beside a figure that has one."""
        return self("no_data") if value is None else self.number(value / UNITS[kind]) + self(f"unit.{kind}")

    def percent(self, share: float) -> str:
        """A share that was assumed."""
        return f"{100 * share:.4g}" + self("unit.share")

    def seconds(self, value: float) -> str:
        """A short time that was assumed."""
        return (
            f"{self.number(value / 60)}{self('unit.minutes')}" if value >= 300 else f"{value:.0f}{self('unit.seconds')}"
        )

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
    costs: Sequence[DayCost] = (),
) -> str:
    """A study as one self-contained HTML page.

    `source` names the scenario; `differences` are other scenarios against it, paired with it as they say themselves;
    `costs`: what a day of the scenario costs, then of each other.
    """
    t = Words(lang)
    rows = shown(scenario, t)
    return sheet(
        "report.html", lang=lang, t=t, source=source, version=version, result=result,
        hall=t.named(scenario.plan.hall.name), warnings=warnings(scenario, t),
        sentence=sentence(result, scenario, t) + hand_off_sentence(result, scenario, t),
        facts=[(word, t.figure(result.measures.get(name), kind)) for name, kind, word in rows],
        figures=[(f.title, markup(f), f.behind) for f in figures(result, scenario, t)],
        lines=lines_table(result, scenario, t),
        costs=cost_rows(costs[0], scenario, t) if costs else [],
        differences=[
            comparison(d, scenario, costs[0].total if costs else None, costs[i].total if costs else None, t)
            for i, d in enumerate(differences, 1)
        ],
        assumed=assumed(result, scenario, t),
    )  # fmt: skip


def warnings(scenario: Scenario, t: Words) -> list[str]:
    """Lines to which people come while no window is open for them."""
    names = line_names(scenario, t)
    return [
        t(
            "uncovered.never" if lack.never else "uncovered", line=names[lack.line], people=t.number(lack.people),
            when=t("comma").join(f"{begin}–{end}" for begin, end in lack.stretches),
        )
        for lack in uncovered(scenario)
    ]  # fmt: skip


def paired(found: Comparison, t: Words) -> str:
    """What the two scenarios have in common."""
    if not found.parted:
        return t("paired.people")
    return t("paired.numbers", places=t("comma").join(found.parted))


def shown(scenario: Scenario, t: Words) -> list[tuple[str, str, str]]:
    """The measures that this scenario can have: (name, kind, words). Silent leavers are found missing when called."""
    silent = scenario.people.leave == "silent" and scenario.people.patience is not None
    hidden = {"left"} if silent or scenario.people.patience is None else set()
    hidden |= set() if silent else {"left_silently"}
    hidden |= {"hand_offs", "hand_off_on_time", "hand_off_mean_s"} if scenario.offices is None else set()
    return [
        (name, kind, t("measure.no_show_or_left" if silent and name == "no_show" else f"measure.{name}"))
        for name, kind in SHOWN if name not in hidden
    ]  # fmt: skip


def difference_in(kind: str) -> str:
    """What a difference of such figures is counted in: that of two shares in percentage points."""
    return "points" if kind == "share" else kind


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


def hand_off_sentence(result: Result, scenario: Scenario, t: Words) -> str:
    """The same of the papers, where somebody carries them."""
    found = result.measures.get("hand_off_on_time")
    if scenario.offices is None or found is None or found.mean is None:
        return ""
    target, half = scenario.target.hand_off.share, found.half_width or 0.0
    verdict = "met" if found.mean - half >= target else "missed" if found.mean + half < target else "unsure"
    return t("gap") + t(
        f"sentence.hand_off_{verdict}", share=f"{100 * found.mean:.1f}", target=f"{100 * target:g}", days=result.days
    )


def lines_table(result: Result, scenario: Scenario, t: Words) -> tuple[list[str], list[tuple[str, ...]]]:
    """Numbers and waits line by line."""
    names = line_names(scenario, t)
    return [t("head.line"), *(t(f"measure.{name}") for name, _ in OF_LINES)], [
        (names.get(id, id), *(t.figure(found.get(name), kind) for name, kind in OF_LINES))
        for id, found in result.lines.items()
    ]


def line_names(scenario: Scenario, t: Words) -> dict[str, str]:
    """What lines are called: letter and name."""
    return {line.id: f"{line.letter} {t.named(line.name)}" for line in scenario.plan.lines}


def cost_rows(cost: DayCost, scenario: Scenario, t: Words) -> list[tuple[str, str]]:
    """A day's cost and its parts."""
    names = {"windows": t("cost.windows"), "tidal": t("cost.tidal"), "officers": t("post.office")}
    names |= post_names([part.what for part in cost.parts if part.what not in names], scenario, t)
    rows = [(t("cost.sum"), f"{cost.total:,.2f}")]
    for part in cost.parts:
        if part.people != 0:
            people = "" if part.people is None else t("cost.people", n=part.people)
            desks = t("cost.desks", n=part.desks) if part.desks > 1 else ""
            rows.append((f"{names[part.what]}{people}{desks}", f"{part.cost:,.2f}"))
    return rows


def comparison(
    found: Comparison, scenario: Scenario, cost: float | None, others: float | None, t: Words
) -> dict[str, Any]:
    """Another scenario: in what it differs, its figures beside this one's, and its lines and zones."""
    rows = []
    for name, kind, word in shown(scenario, t):
        ways = (t.mean(found.base.get(name), kind), t.mean(found.other.get(name), kind))
        rows.append((word, *ways, t.figure(found.measures.get(name), difference_in(kind))))
    if cost is not None and others is not None:
        rows.append((t("cost.total"), f"{cost:,.2f}", f"{others:,.2f}", f"{others - cost:z,.2f}"))
    zones = {zone.id: t.named(zone.name) for zone in scenario.plan.zones}
    parts = [(line_names(scenario, t), found.lines), (zones, found.zones)]
    return {
        "name": found.scenario, "paired": paired(found, t), "rows": rows,
        "changed": [(change.place, written(change.base), written(change.other)) for change in found.changed],
        "parts": [
            (names.get(id, id), *(t.figure(one.get(name), difference_in(kind)) for name, kind in OF_LINES))
            for names, of in parts for id, one in of.items()
        ],
        "part_heads": [t("head.part"), *(t(f"measure.{name}") for name, _ in OF_LINES)],
    }  # fmt: skip


def written(value: object) -> str:
    """What a scenario says, as far as it is short."""
    text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHORT else "…"


def figures(result: Result, scenario: Scenario, t: Words) -> list[Figure]:
    """The figures of the page, each with its finding as the title."""
    wait, hand_off = scenario.target.wait, scenario.target.hand_off
    lines = line_names(scenario, t)
    zones = {zone.id: t.named(zone.name) for zone in scenario.plan.zones}
    limit = (wait.within_s / 60, t("target.wait", minutes=f"{wait.within_s / 60:.0f}"))
    goal = (100 * wait.share, t("target.share", share=f"{100 * wait.share:.0f}"))
    found = [
        over_the_day(result, "waiting_mean", "count", t("figure.waiting"), t("unit.people").strip(), t),
        over_the_day(result, "wait_p95_s", "minutes", t("figure.wait"), t("unit.minutes").strip(), t, limit),
        over_the_day(result, "open_windows", "count", t("figure.windows"), t("unit.windows"), t),
        by_part(result.lines, lines, "wait_within_target", t("figure.lines"), t, goal),
        by_part(result.zones, zones, "utilisation", t("figure.zones"), t),
        by_part(
            result.zones, zones, "hand_off_on_time", t("figure.hand_offs"), t,
            (100 * hand_off.share, t("target.share", share=f"{100 * hand_off.share:.0f}")),
        ),
        by_part(result.posts, post_names(result.posts, scenario, t), "utilisation", t("figure.posts"), t),
    ]  # fmt: skip
    return [figure for figure in found if figure is not None]


def post_names(names: Iterable[str], scenario: Scenario, t: Words) -> dict[str, str]:
    """What the offices' posts are called."""
    departments = {d.id: t.named(d.name) for d in scenario.plan.departments}
    zones = {zone.id: t.named(zone.name) for zone in scenario.plan.zones}
    found = {}
    for post in names:
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
    parts: Mapping[str, Mapping[str, Estimate]], names: Mapping[str, str], measure: str, title: str, t: Words,
    target: tuple[float, str] | None = None,
) -> Figure | None:  # fmt: skip
    """A share for each line, zone or post; the title says which is lowest or, without a target, highest."""
    rows = [(names.get(id, id), found.get(measure)) for id, found in parts.items()]
    points = sorted(
        (scaled(found, "share", name) for name, found in rows), key=lambda p: inf if p.mean is None else p.mean,
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
    behind = Behind((t("head.part"), title), tuple((name, t.figure(found, "share")) for name, found in rows))
    return Figure(finding, bars(known, unit=t("unit.per_cent"), target=target, top=105, most=100), behind)


# ---- what was assumed


def assumed(result: Result, scenario: Scenario, t: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything that the study took as given, in tables."""
    lines = line_names(scenario, t)
    wait, hand_off = scenario.target.wait, scenario.target.hand_off
    cost, hours = scenario.cost, scenario.plan.hall.hours
    unsaid = {line.zone for line in scenario.plan.lines} - scenario.windows.keys()
    tables = [
        (
            t("assumed.demand"),
            [
                (
                    lines.get(d.line, d.line) + (f" · {d.item}" if d.item else ""),
                    t(
                        "assumed.demand_row", people=t.number(a_day(d)), cv=f"{d.day_factor_cv:.2f}",
                        service=distribution(scenario.service(d.line, d.item), t),
                    )
                    + bursts(d, t),
                )
                for d in scenario.demand
            ],
        ),
        (
            t("assumed.windows"),
            [
                (
                    t.named(next((z.name for z in scenario.plan.zones if z.id == zone), {"zh": zone})),
                    " · ".join(f"{clock(at)} {n if isinstance(n, int) else ', '.join(n)}" for at, n in steps),
                )
                for zone, steps in scenario.windows.items()
            ]
            + ([(t("assumed.other_zones"), t("assumed.all_windows"))] if unsaid else []),
        ),
        (
            t("assumed.transfers"),
            [
                (
                    lines.get(line, line),
                    " · ".join(f"{lines.get(way.line, way.line)} {t.percent(way.share)}" for way in ways),
                )
                for line, ways in scenario.transfers.items()
            ],
        ),
        (t("assumed.people"), habits(scenario, t)),
        (t("assumed.offices"), office_rows(scenario, t)),
        (
            t("assumed.study"),
            [
                (t("assumed.day"), scenario.day.date),
                (t("assumed.hours"), t("comma").join(f"{opens}–{closes}" for opens, closes in hours)),
                (t("assumed.drain"), t("drain.yes" if scenario.day.drain else "drain.no")),
                (t("assumed.days"), str(result.days)),
                (t("assumed.seed"), str(result.seed)),
                (t("assumed.day_factor"), f"{scenario.day_factor_cv:.2f}"),
                (t("assumed.target"), t(f"assumed.target_{wait.reading}", share=f"{100 * wait.share:g}",
                                        within=f"{wait.within_s / 60:g}")),
                *([] if scenario.offices is None else [
                    (t("assumed.target"), t("assumed.target_hand_off", share=f"{100 * hand_off.share:g}"))
                ]),
                (t("assumed.prices"), t("assumed.prices_row", window=f"{cost.window_hour:g}",
                                        runner=f"{cost.runner_hour:g}", office=f"{cost.office_hour:g}")),
            ],
        ),
    ]  # fmt: skip
    return [(head, rows) for head, rows in tables if rows]


def habits(scenario: Scenario, t: Words) -> list[tuple[str, str]]:
    """What people at both sides of the windows are taken to do."""
    people, clerks, names = scenario.people, scenario.clerks, scenario.plan.priority_names
    rows = [
        ("walk", t.seconds(people.walk_s)), ("no_show", t.percent(people.no_show)),
        ("patience", distribution(people.patience, t) if people.patience else t("assumed.endless")),
        ("leave", t(f"leave.{people.leave}")),
        ("priority", t("comma").join(
            f"{t.named(names.get(name, {'zh': name}))} {t.percent(share)}" for name, share in people.priority.items()
        ) or t("none")),
        ("precheck", share_and(people.precheck_share, people.precheck, t)),
        ("away", t("none") if people.away is None else share_and(people.away.share, people.away, t)),
        ("changeover", t.seconds(clerks.changeover_s)), ("late", t.seconds(clerks.late_mean_s)),
        ("breaks", t("none") if clerks.break_every_s is None else t(
            "assumed.breaks_row", every=t.number(clerks.break_every_s / 60), long=t.number(clerks.break_s / 60)
        )),
        ("tide", t(f"tide.{scenario.tide.policy}")), ("tidal", t.seconds(clerks.tidal_s)),
    ]  # fmt: skip
    return [(t(f"assumed.{name}"), value) for name, value in rows]


def share_and(share: float, found: Distribution, t: Words) -> str:
    """Whom something happens to, and how long it takes."""
    return f"{t.percent(share)}{t('comma')}{distribution(found, t)}" if share else t("none")


def office_rows(scenario: Scenario, t: Words) -> list[tuple[str, str]]:
    """Who carries and works on papers, and how long it takes."""
    work = scenario.offices
    if work is None:
        return [(t("assumed.no_offices"), "")]
    departments = {d.id: t.named(d.name) for d in scenario.plan.departments}
    officers = str(work.officers)
    if work.officers_of:
        apart = t("comma").join(f"{departments.get(id, id)} {n}" for id, n in work.officers_of.items())
        officers = t("assumed.officers_row", apart=apart, n=work.officers)
    rows = [
        ("case_share", t.percent(work.case_share)), ("urgent_share", t.percent(work.urgent_share)),
        ("pool", str(work.pool)), ("middle", str(work.middle)), ("officers", officers),
        ("makers", str(work.makers)),
        ("trip", t("assumed.trip_row", batch=work.batch, gather=t.seconds(work.gather_s), walk=t.seconds(work.walk_s),
                   between=t.seconds(work.between_s))),
        ("check", distribution(work.check, t)),
        ("refuse", f"{t.percent(work.refuse_share)}{t('comma')}{t.seconds(work.mend_s)}"),
        ("support", share_and(work.support_share, work.answer, t)),
        ("review", share_and(work.same_day_share, work.review, t)),
        ("make", distribution(work.make, t)),
        ("collect", f"{t.percent(work.collect_share)}{t('comma')}{t.seconds(work.collect_after_s)}"),
        ("issue", distribution(work.issue, t)),
    ]  # fmt: skip
    if work.messenger is not None:
        rows.append(("messenger", f"{' '.join(work.messenger.at)}{t('comma')}{distribution(work.messenger, t)}"))
    return [(t(f"assumed.{name}"), value) for name, value in rows]


def bursts(demand: Demand, t: Words) -> str:
    """People who come together, beside the profile."""
    if demand.bursts is None:
        return ""
    return t("assumed.bursts", per_hour=t.number(demand.bursts.per_hour), people=t.number(demand.bursts.mean_size))


def clock(at: int) -> str:
    """HH:MM of µs after midnight."""
    return f"{at // 3_600_000_000:02d}:{at // 60_000_000 % 60:02d}"


def a_day(demand: Demand) -> float:
    """Expected citizens of a day, bursts left out: the integral of the profile."""
    steps = [*demand.profile, (24 * 3_600_000_000, 0.0)]
    return sum(rate * (to - at) / 3_600_000_000 for (at, rate), (to, _) in pairwise(steps))


def distribution(found: Distribution, t: Words) -> str:
    """A distribution in words."""
    mean = found.mean_s or (fmean(found.values) if found.values else 0.0)
    return t(f"distribution.{found.distribution}", mean=t.number(mean / 60), cv=f"{found.cv:.2g}")
