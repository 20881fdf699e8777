"""Figures and indicators as tables with words: what statistics, reports and their files show alike.

Law: a value is written as it is measured; only its unit is chosen for reading (minutes, per cent), and the heading says
which. What has no data, or cannot be said of a part, stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import fields

from tidehall.display.sheets import Cell, Sheet
from tidehall.hall.alert_rules import AlertRules
from tidehall.hall.figures import By, Figures, Share, Summary, figures, per_day
from tidehall.hall.indicators import Indicator, Unknown, Value, facts_of, indicators
from tidehall.hall.kept import Kept
from tidehall.hall.plan import Department, LinePlan, Plan, Zone
from tidehall.locales import say

__all__ = [
    "ASPECTS", "SHARES", "aimed", "figures_sheet", "indicator_sheet", "met", "named", "noted", "of_indicators",
    "of_parts", "report_sheets", "shown", "titled", "words_of", "written",
]  # fmt: skip

#: By what a report's tables are made.
ASPECTS: tuple[By, ...] = ("day", "zone", "line", "department", "item", "window", "staff", "hour_of_day")
#: Figures that are shares.
SHARES = tuple(f.name for f in fields(Figures) if f.type == Share | None)
#: Figures that are sets of durations, and what is shown of one.
SETS = tuple(f.name for f in fields(Figures) if f.type == Summary | None)
OF_SET = ("n", "mean", "p50", "p90", "max")
UNITS = {"share": 100.0, "seconds": 1 / 60, "count": 1.0}


def named(plan: Plan, by: By, key: str, lang: str) -> str:
    """What a part of the hall is called; the key where it has no name."""
    if not key:
        return say("statistics.nowhere", lang) if by != "hall" else plan.hall.name.get(lang) or plan.hall.id
    match by:
        case "zone" | "line" | "department":
            rows: tuple[Zone | LinePlan | Department, ...] = (*plan.zones, *plan.lines, *plan.departments)
            kind = {"zone": Zone, "line": LinePlan, "department": Department}[by]
            return words_of(next((row.name for row in rows if row.id == key and isinstance(row, kind)), {}), key, lang)
        case "item":
            return words_of(next((item.name for item in plan.items if item.code == key), {}), key, lang)
        case "window":
            label = next((window.label for window in plan.windows if window.id == key), None)
            return key if label is None else say("statistics.window", lang, label=label)
        case "hour_of_day":
            return f"{key}:00"
        case _:
            return key.replace("T", " ") + ":00" if by == "hour" else key


def words_of(name: Mapping[str, str], key: str, lang: str) -> str:
    """A name of the plan in a language; the key where there is none."""
    return name.get(lang) or next(iter(name.values()), key)


def heads(lang: str) -> Iterator[str]:
    """The columns of a table of figures."""
    for f in fields(Figures):
        word = say(f"statistics.{f.name}", lang)
        if f.name in SETS:
            for part in OF_SET:
                yield f"{word} · {say(f'statistics.of_set.{part}', lang)}"
        elif f.name in SHARES:
            yield f"{word} (%)"
        elif f.type != dict[str, float] | None:
            yield word


def cells(found: Figures) -> Iterator[Cell]:
    """A row of a table of figures: durations in minutes, shares in per cent."""
    for f in fields(Figures):
        value = getattr(found, f.name)
        if f.name in SETS:
            yield None if value is None else value.n
            for part in OF_SET[1:]:
                yield None if value is None else round(getattr(value, part) / 60, 2)
        elif f.name in SHARES:
            yield None if value is None else round(100 * value, 2)
        elif f.type != dict[str, float] | None:
            yield None if value is None else round(value, 2)


def of_parts(kept: Kept, by: By, plan: Plan, lang: str, *, mean: bool = False) -> Sheet:
    """The figures by one aspect as a table; counts are sums, or means per open day."""
    rows = [
        (key, named(plan, by, key, lang), per_day(found) if mean else found)
        for key, found in figures(kept, by, plan.hall.time_zone).items()
    ]
    return figures_sheet(rows, by, lang)


def figures_sheet(rows: Iterable[tuple[str, str, Figures]], by: By, lang: str) -> Sheet:
    """Figures of parts, each with its key and what it is called, as a table."""
    word = say(f"statistics.by.{by}", lang)
    found: list[tuple[Cell, ...]] = [(key, name, *cells(figures)) for key, name, figures in rows]
    return Sheet(word, (word, say("statistics.name", lang), *heads(lang)), found)


def written(value: Value, kind: str, lang: str) -> str:
    """An indicator's value in words, or why there is none."""
    if isinstance(value, Unknown):
        return say(f"indicator.unknown.{value.reason}", lang)
    scaled = value * UNITS[kind]
    text = f"{scaled:,.0f}" if kind == "count" else f"{scaled:.1f}"
    return text + say(f"indicator.unit.{kind}", lang)


def number(value: Value | None, kind: str) -> Cell:
    """An indicator's value as a cell."""
    if value is None or isinstance(value, Unknown):
        return None
    found = round(value * UNITS[kind], 2)
    return int(found) if kind == "count" and found == int(found) else found


def aim(indicator: Indicator) -> Cell:
    """An indicator's target as a cell; of a range both ends."""
    least, most = number(indicator.target, indicator.kind), number(indicator.most, indicator.kind)
    return least if most is None else f"{least:g}–{most:g}"


def met(indicator: Indicator, value: Value) -> bool | None:
    """Whether a target is reached; None: there is none, or no value."""
    if indicator.target is None or isinstance(value, Unknown):
        return None
    if indicator.at_most:
        return value <= indicator.target
    return indicator.target <= value and (indicator.most is None or value <= indicator.most)


def limits(plan: Plan) -> dict[str, str]:
    """The plan's figures that the words of indicators name, minutes."""
    rules = plan.alerts or AlertRules()
    seconds = {
        "n": plan.targets.wait.within_s, "wait": rules.long_wait.limit_s, "service": rules.long_service.limit_s,
        "urgent": plan.limits.hand_off_urgent_s, "promised": plan.limits.hand_off_promised_s,
    }  # fmt: skip
    return {name: f"{value / 60:g}" for name, value in seconds.items()}


def titled(indicator: Indicator, plan: Plan, lang: str) -> str:
    """What an indicator is called; one that rests on a limit of the plan says which."""
    return say(f"indicator.{indicator.name}", lang, **limits(plan))


def noted(indicator: Indicator, plan: Plan, lang: str) -> str:
    """What an indicator counts, in a sentence; a limit that some lines have otherwise is said to be the usual one."""
    rules = plan.alerts or AlertRules()
    rule = {"waits_over": rules.long_wait, "services_over": rules.long_service}.get(indicator.name)
    text = say(f"indicator.note.{indicator.name}", lang, **limits(plan))
    return text if rule is None or not rule.lines else text + say("indicator.some_lines", lang)


def why(value: Value, note: str, lang: str) -> str:
    """What an indicator counts, before it why it has no value where it has none."""
    if not isinstance(value, Unknown):
        return note
    reason = say(f"indicator.unknown.{value.reason}", lang).capitalize()
    return say("indicator.note_unknown", lang, reason=reason, note=note)


def shown(value: Cell) -> str:
    """A cell of a table as a page shows it; what is empty is a dash."""
    if value is None:
        return "—"
    return value if isinstance(value, str) else f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def aimed(indicator: Indicator, lang: str) -> str:
    """An indicator's target in words; "" without one."""
    if indicator.target is None:
        return ""
    text = written(indicator.target, indicator.kind, lang)
    if indicator.most is not None:
        return f"{text} – {written(indicator.most, indicator.kind, lang)}"
    return ("≤ " if indicator.at_most else "≥ ") + text


def of_indicators(kept: Kept, before: Kept, plan: Plan) -> list[tuple[Indicator, Value, Value]]:
    """Every indicator with its value now and in the period before."""
    now, then = (facts_of(days, plan.hall.time_zone, plan.targets) for days in (kept, before))
    return [(i, i.found(now), i.found(then)) for i in indicators(plan.targets)]


def indicator_sheet(kept: Kept, before: Kept, plan: Plan, lang: str) -> Sheet:
    """The indicators against target and the period before."""
    rows: list[tuple[Cell, ...]] = []
    for indicator, now, then in of_indicators(kept, before, plan):
        reached = met(indicator, now)
        rows.append(
            (
                titled(indicator, plan, lang), number(now, indicator.kind),
                say(f"indicator.unit_name.{indicator.kind}", lang), aim(indicator),
                None if reached is None else say("indicator.met" if reached else "indicator.missed", lang),
                number(then, indicator.kind),
                why(now, noted(indicator, plan, lang), lang),
            )
        )  # fmt: skip
    heads_ = [say(f"indicator.head.{name}", lang) for name in
              ("name", "value", "unit", "target", "met", "before", "note")]  # fmt: skip
    return Sheet(say("indicator.title", lang), tuple(heads_), rows)


def report_sheets(kept: Kept, before: Kept, plan: Plan, lang: str, *, staff: bool = True) -> list[Sheet]:
    """All tables of a report; `staff`: also by person."""
    aspects = [by for by in ASPECTS if staff or by != "staff"]
    return [indicator_sheet(kept, before, plan, lang), *(of_parts(kept, by, plan, lang) for by in aspects)]
