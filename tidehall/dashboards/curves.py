"""The wait curves: today's waits by quarter hour over the usual day, and the next hour as a fan.

Law: a figure is made once per zone with plotly and after that only its values change, so that a redraw costs nothing
and the browser keeps what somebody has zoomed to (`uirevision`). Gaps are gaps. Minutes on the axis, from zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from tidehall.dashboards.ahead import Ahead, Fan
from tidehall.dashboards.figures import FONT, INK, INK_2, LINE, TARGET, TIDE
from tidehall.dashboards.usual import Usual
from tidehall.hall.kept import QUARTER, QuarterWaits
from tidehall.hall.state import HallState
from tidehall.locales import say

__all__ = ["Course", "Curve", "day_of"]

MINUTE = 60_000_000
USUAL, FAN, FORECAST = "rgba(76, 100, 112, 0.16)", "rgba(180, 95, 0, 0.18)", "#B45F00"
#: How much of the day is drawn when the hall is open round the clock: so far back, and so far ahead.
BACK, AHEAD = 4 * 60 * MINUTE, 60 * MINUTE
#: The axis reaches at least so high, minutes.
LEAST_TOP = 20.0


class Course(NamedTuple):
    """What a zone's curve is drawn from; moments and durations in µs."""

    zone: str
    quarters: Mapping[int, QuarterWaits]
    usual: Sequence[Usual]
    ahead: Ahead | None
    now: int
    midnight: int
    hours: tuple[int, int] | None  # the day's first opening and last closing; None: round the clock
    limit: float  # how long a wait should be at most


class Curve:
    """One zone's figure in one language: made once, filled again and again."""

    def __init__(self, zone: str, lang: str) -> None:
        self.lang = lang
        figure = go.Figure()
        none: dict[str, Any] = {"width": 0}
        plain: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip"}
        figure.add_scatter(x=[], y=[], line=none, **plain)
        figure.add_scatter(x=[], y=[], line=none, fill="tonexty", fillcolor=USUAL, **plain)
        figure.add_scatter(x=[], y=[], line={"color": INK_2, "width": 1.5, "dash": "dot"}, **plain)
        figure.add_scatter(x=[], y=[], line=none, **plain)
        figure.add_scatter(x=[], y=[], line=none, fill="tonexty", fillcolor=FAN, **plain)
        figure.add_scatter(
            x=[], y=[], mode="lines", line={"color": FORECAST, "width": 2.5, "dash": "dash"},
            hovertemplate=say("dashboard.curve.hover_ahead", lang, n="%{y:.0f}") + "<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[], y=[], mode="lines+markers", line={"color": TIDE, "width": 3}, marker={"size": 6, "color": TIDE},
            hovertemplate=say("dashboard.curve.hover_today", lang, n="%{y:.0f}") + "<extra></extra>",
        )  # fmt: skip
        figure.update_layout(
            template="none", showlegend=False, margin={"l": 36, "r": 8, "t": 8, "b": 24}, uirevision=zone,
            font={"family": "TideHall Sans, " + FONT, "size": 13, "color": INK}, paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)", hovermode="x", dragmode=False, autosize=True,
        )  # fmt: skip
        figure.update_yaxes(
            rangemode="tozero", gridcolor=LINE, zeroline=True, zerolinecolor=INK_2, tickfont={"color": INK_2},
            fixedrange=True, nticks=5,
        )  # fmt: skip
        figure.update_xaxes(
            type="date", tickformat="%H:%M", hoverformat="%H:%M", gridcolor="rgba(0,0,0,0)", fixedrange=True,
            tickfont={"color": INK_2}, nticks=6,
        )  # fmt: skip
        self.empty: dict[str, Any] = figure.to_dict()

    def filled(self, course: Course, zone_name: str) -> dict[str, Any]:
        """The figure with these values, as plain data for the browser."""
        place = ZoneInfo(zone_name)

        def text(at: int) -> str:
            return datetime.fromtimestamp(at / 1_000_000, place).strftime("%Y-%m-%d %H:%M")

        def minutes(span: float | None) -> float | None:
            return None if span is None else round(span / MINUTE, 1)

        today = sorted(course.quarters.items())
        usual = [course.midnight + u.start + QUARTER // 2 for u in course.usual]
        fan = coming(course)
        first, last = span_of(course)
        xs = (
            [text(at) for at in usual], [text(at) for at in usual], [text(at) for at in usual],
            [text(p.at) for p in fan], [text(p.at) for p in fan], [text(p.at) for p in fan],
            spread(today, course.midnight, course.now, text),
        )  # fmt: skip
        ys = (
            [minutes(u.high) for u in course.usual], [minutes(u.low) for u in course.usual],
            [minutes(u.middle) for u in course.usual], [minutes(p.high) for p in fan], [minutes(p.low) for p in fan],
            [minutes(p.high) for p in fan], means(today),
        )  # fmt: skip
        data = [trace | {"x": x, "y": y} for trace, x, y in zip(self.empty["data"], xs, ys, strict=True)]
        top = max([LEAST_TOP, *(v * 1.15 for y in ys for v in y if v is not None)])
        layout = dict(self.empty["layout"])
        layout["xaxis"] = layout["xaxis"] | {"range": [text(first), text(last)], "autorange": False}
        layout["yaxis"] = layout["yaxis"] | {"range": [0, round(top, 1)], "autorange": False}
        layout["shapes"], layout["annotations"] = self.marks(text, course, first, last, top)
        return {"data": data, "layout": layout}

    def marks(
        self, text: Any, course: Course, first: int, last: int, top: float
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The target and the present as lines, and what each line is, written beside it."""
        limit = course.limit / MINUTE
        shapes = [
            {"type": "line", "x0": text(first), "x1": text(last), "y0": limit, "y1": limit,
             "line": {"color": TARGET, "dash": "dash", "width": 1.5}},
            {"type": "line", "x0": text(course.now), "x1": text(course.now), "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": INK_2, "width": 1}},
        ]  # fmt: skip

        def label(x: str, y: float, words: str, color: str, anchor: str) -> dict[str, Any]:
            return {"x": x, "y": y, "text": words, "showarrow": False, "xanchor": anchor, "yanchor": "bottom",
                    "font": {"size": 12, "color": color}}  # fmt: skip

        notes = [label(text(first), limit, say("dashboard.curve.target", self.lang, n=f"{limit:g}"), TARGET, "left")]
        if course.usual:
            peak = max(course.usual, key=lambda u: u.high)
            notes.append(
                label(text(course.midnight + peak.start), min(top * 0.92, peak.high / MINUTE),
                      say("dashboard.curve.usual", self.lang), INK_2, "center")
            )  # fmt: skip
        shown = [p for p in coming(course) if p.high is not None]
        if shown:
            notes.append(
                label(text(shown[-1].at), min(top * 0.92, (shown[-1].high or 0) / MINUTE),
                      say("dashboard.curve.ahead", self.lang), FORECAST, "right")
            )  # fmt: skip
        return shapes, notes


def coming(course: Course) -> list[Fan]:
    """What was foreseen of the time that is still to come."""
    return [p for p in course.ahead.fan if p.at >= course.now] if course.ahead is not None else []


def spread(today: Sequence[tuple[int, QuarterWaits]], midnight: int, now: int, text: Any) -> list[str]:
    """The middles of the quarters in which somebody was called, of the present one the middle or now, whichever is
    earlier; between two that do not follow each other a gap."""
    found: list[str] = []
    for i, (quarter, _) in enumerate(today):
        if i and quarter != today[i - 1][0] + 1:
            found.append(text(midnight + today[i - 1][0] * QUARTER + QUARTER))
        found.append(text(min(now, midnight + quarter * QUARTER + QUARTER // 2)))
    return found


def means(today: Sequence[tuple[int, QuarterWaits]]) -> list[float | None]:
    """The mean waits beside these, minutes."""
    found: list[float | None] = []
    for i, (quarter, q) in enumerate(today):
        if i and quarter != today[i - 1][0] + 1:
            found.append(None)
        found.append(round(q.sum / q.n / MINUTE, 1))
    return found


def span_of(course: Course) -> tuple[int, int]:
    """From when to when the curve is drawn, µs: the opening hours with a little around, or the hours around now."""
    if course.hours is None:
        return course.now - BACK, course.now + AHEAD
    return course.hours[0] - QUARTER, course.hours[1] + 2 * QUARTER


def day_of(state: HallState, now: int) -> tuple[int, tuple[int, int] | None]:
    """(the service day's first moment, its first opening and last closing), µs; None for a hall that never closes."""
    place = ZoneInfo(state.zone_name)
    here = datetime.fromtimestamp(now / 1_000_000, place)
    midnight = int(here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000
    schedule = state.schedule
    if schedule is None or (schedule.sessions[0][0] == 0 and schedule.sessions[-1][1] == 1440):
        return midnight, None
    return midnight, (
        schedule.local(here.date(), schedule.sessions[0][0]), schedule.local(here.date(), schedule.sessions[-1][1])
    )  # fmt: skip
