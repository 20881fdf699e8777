"""The report of a period (R107, R108, R110): a page that needs nothing else, for the authority that asks for it.

Law: it shows figures that statistics show, by the same functions; behind every chart stands its table, and at its end
the journal's digest that proves what it rests on (design section 7). Nothing on it comes from elsewhere (law 14).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidehall import __version__, locales
from tidehall.dashboards.figures import Behind, Figure, Point, bars, course
from tidehall.dashboards.sheet import markup, sheet
from tidehall.display.figure_tables import (
    ASPECTS,
    aimed,
    met,
    named,
    noted,
    of_indicators,
    of_parts,
    shown,
    titled,
    words_of,
    written,
)
from tidehall.display.sheets import Sheet
from tidehall.hall.figures import By, Figures, figures
from tidehall.hall.indicators import Unknown
from tidehall.hall.plan import Plan
from tidehall.records.periods import Reported

__all__ = ["month_page"]

#: Departments in the chart.
MOST_DEPARTMENTS = 5
#: Columns of a table before its figures: key, name, open days.
COUNTED = 3


class Words:
    """The page's sentences in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **params: Any) -> str:
        """The sentence `monthly.KEY`."""
        return locales.say(f"monthly.{key}", self.lang, **params)

    def say(self, key: str, **params: Any) -> str:
        """The sentence `KEY`."""
        return locales.say(key, self.lang, **params)


def month_page(found: Reported, plan: Plan, lang: str, staff: bool) -> str:
    """The report as one self-contained HTML page; `staff`: with the table by person."""
    t = Words(lang)
    if not found.begun:
        return sheet(
            "monthly.html", lang=lang, t=t, version=__version__, period=found.period, begun=False,
            hall=words_of(plan.hall.name, plan.hall.id, lang),
        )  # fmt: skip
    rows = of_indicators(found.kept, found.before, plan)
    tables = [apart(of_parts(found.kept, by, plan, lang), t) for by in ASPECTS if staff or by != "staff"]
    return sheet(
        "monthly.html", lang=lang, t=t, version=__version__, period=found.period, begun=True, over=found.over,
        seq=found.seq, cell_of=shown,
        hall=words_of(plan.hall.name, plan.hall.id, lang),
        days=sum(day.opened for day in found.kept.days.values()), sentence=sentence(found, plan, t),
        indicators=[
            (
                titled(i, plan, lang), noted(i, plan, lang), written(now, i.kind, lang), aimed(i, lang),
                {None: "", True: "met", False: "missed"}[met(i, now)], written(then, i.kind, lang),
            )
            for i, now, then in rows
        ],
        figures=[(f.title, markup(f), f.behind) for f in charts(found, plan, t)],
        tables=tables, head=found.head,
    )  # fmt: skip


def sentence(found: Reported, plan: Plan, t: Words) -> str:
    """What the period was like, in one sentence."""
    values = {i.name: (now, i.kind) for i, now, _ in of_indicators(found.kept, found.before, plan)}
    if isinstance(values["tickets"][0], Unknown):
        return t("nothing")
    said = {name: written(*values[name], t.lang) for name in ("tickets", "wait_mean", "hand_offs_on_time", "on_time")}
    return t(
        "finding", tickets=said["tickets"], wait=said["wait_mean"], hand_offs=said["hand_offs_on_time"],
        on_time=said["on_time"],
    )  # fmt: skip


def apart(table: Sheet, t: Words) -> tuple[Sheet, str]:
    """A table without the row of what belongs to none of its parts, where nobody took a number there: nearly all of
    that row is empty. What stands in it is said in a sentence, so that nothing is missing from the sums."""
    rest = next((row for row in table.rows if not row[0]), None)
    if rest is None or rest[table.heads.index(t.say("statistics.tickets"))]:
        return table, ""
    told = [
        t("outside.figure", what=head, value=shown(value))
        for head, value in list(zip(table.heads, rest, strict=True))[COUNTED:] if value
    ]  # fmt: skip
    kept = table._replace(rows=[row for row in table.rows if row is not rest])
    return kept, t("outside", part=table.name.lower(), figures=t("outside.and").join(told)) if told else ""


def charts(found: Reported, plan: Plan, t: Words) -> list[Figure]:
    """The charts, each with its finding as the title."""

    def parts(by: By) -> dict[str, Figures]:
        return figures(found.kept, by, plan.hall.time_zone)

    def points(by: By, value: Mapping[str, float | None]) -> list[Point]:
        return [Point(named(plan, by, key, t.lang), x, None) for key, x in value.items()]

    days, zones = parts("day"), {key: f for key, f in parts("zone").items() if key}
    waits = {by: {key: None if f.wait is None else f.wait.mean / 60 for key, f in parts(by).items()}
             for by in ("day", "hour_of_day")}  # fmt: skip
    cases = sorted(parts("department").items(), key=lambda pair: -pair[1].cases_received)
    made = [
        over_time(t, "tickets", "people", points("day", {key: f.tickets for key, f in days.items()}), "day"),
        over_time(t, "wait", "minutes", points("day", waits["day"]), "day"),
        over_time(t, "hours", "minutes", points("hour_of_day", waits["hour_of_day"]), "hour_of_day"),
        among(t, "zones", "per_cent", points("zone", {k: hundred(f.utilisation) for k, f in zones.items()}), "highest",
              top=100),
        among(t, "hand_offs", "per_cent", points("zone", {k: hundred(f.hand_off_on_time) for k, f in zones.items()}),
              "lowest", top=100),
        among(t, "departments", "cases",
              points("department", {k: f.cases_received for k, f in cases[:MOST_DEPARTMENTS] if f.cases_received}),
              "most"),
    ]  # fmt: skip
    return [figure for figure in made if figure is not None]


def hundred(share: float | None) -> float | None:
    """A share in per cent."""
    return None if share is None else 100 * share


def told(value: float) -> str:
    """A number in a title: whole, or with one decimal."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def behind(t: Words, name: str, unit: str, points: list[Point], head: str) -> Behind:
    """The table behind a chart."""
    heads = (t.say(head), f"{t(f'chart.{name}')} ({t(f'unit.{unit}').strip()})")
    return Behind(heads, tuple((p.name, shown(None if p.mean is None else round(p.mean, 2))) for p in points))


def over_time(t: Words, name: str, unit: str, points: list[Point], by: By) -> Figure | None:
    """A value by day or hour; the title says when it is highest."""
    known = [(p.mean, p.name) for p in points if p.mean is not None]
    if not known:
        return None
    value, when = max(known)
    across = t.say(f"statistics.by.{by}")
    title = t("finding.highest", what=t(f"chart.{name}"), when=when, value=told(value), unit=t(f"unit.{unit}"))
    figure = course(points, unit=t(f"unit.{unit}").strip(), across=across)
    figure.update_xaxes(type="category")  # days on which the hall was closed are left out, not drawn as a slope
    return Figure(title, figure, behind(t, name, unit, points, f"statistics.by.{by}"))


def among(t: Words, name: str, unit: str, points: list[Point], end: str, *, top: float | None = None) -> Figure | None:
    """A value of several parts; the title says which is at the end that matters, or that they are all alike."""
    known = sorted(((p.mean, p.name) for p in points if p.mean is not None), reverse=end != "lowest")
    if not known:
        return None
    value, where = known[0]
    ordered = [Point(name, mean, None) for mean, name in known]
    said = "same" if len(known) > 1 and value == known[-1][0] else end
    finding = t(
        f"finding.{said}", what=t(f"chart.{name}"), where=where, when=where, value=told(value),
        unit=t(f"unit.{unit}"),
    )  # fmt: skip
    figure = bars(ordered, unit=t(f"unit.{unit}").strip(), top=top)
    return Figure(finding, figure, behind(t, name, unit, points, "statistics.name"))
