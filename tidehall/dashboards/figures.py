"""Figures in the house's look: one idea each, the title says the finding, and the numbers behind it as a table.

Law: a figure is made from estimates and says how sure they are; no data is a gap, never a zero (design section 6).
Colours, sizes and rules are those of the design system: zero-based axes, direct labels, bands for uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

__all__ = ["Behind", "Figure", "Point", "bars", "course"]

INK, INK_2, LINE, TIDE, BAND = "#10242E", "#4C6470", "#D9E3E7", "#0A5F7E", "rgba(10, 95, 126, 0.16)"
TARGET = "#A86400"
FONT = "Noto Sans SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"


class Point(NamedTuple):
    """A value with its half width, by a name (a half hour, a line); None: no data."""

    name: str
    mean: float | None
    half_width: float | None


class Behind(NamedTuple):
    """The table behind a figure."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Figure(NamedTuple):
    """A figure: its finding, what it shows, and the table behind it."""

    title: str
    figure: go.Figure
    behind: Behind


def laid_out(figure: go.Figure, *, unit: str, across: str, height: int = 340) -> go.Figure:
    """The common look."""
    figure.update_layout(
        template="none", height=height, showlegend=False, margin={"l": 64, "r": 24, "t": 12, "b": 52},
        font={"family": FONT, "size": 14, "color": INK}, paper_bgcolor="#FFFFFF", plot_bgcolor="#FFFFFF",
        hovermode="x unified",
    )  # fmt: skip
    figure.update_yaxes(
        title={"text": unit, "font": {"color": INK_2}}, tickfont={"color": INK_2}, rangemode="tozero", gridcolor=LINE,
        zeroline=True, zerolinecolor=INK_2,
    )  # fmt: skip
    figure.update_xaxes(
        title={"text": across, "font": {"color": INK_2}}, tickfont={"color": INK_2}, gridcolor="rgba(0,0,0,0)",
        automargin=True,
    )  # fmt: skip
    return figure


def course(points: Sequence[Point], *, unit: str, across: str, target: tuple[float, str] | None = None) -> go.Figure:
    """A value over the day with its band; `target`: a level and its label."""
    names = [point.name for point in points]
    means = [point.mean for point in points]
    low = [None if p.mean is None else max(0.0, p.mean - (p.half_width or 0.0)) for p in points]
    high = [None if p.mean is None else p.mean + (p.half_width or 0.0) for p in points]
    figure = go.Figure()
    figure.add_scatter(x=names, y=high, mode="lines", line={"width": 0}, hoverinfo="skip")
    figure.add_scatter(
        x=names, y=low, mode="lines", line={"width": 0}, fill="tonexty", fillcolor=BAND, hoverinfo="skip"
    )
    figure.add_scatter(x=names, y=means, mode="lines+markers", line={"color": TIDE, "width": 3}, marker={"size": 6},
                       hovertemplate="%{y:.1f}<extra></extra>")  # fmt: skip
    marked(figure, target)
    return laid_out(figure, unit=unit, across=across)


def bars(
    points: Sequence[Point], *, unit: str, target: tuple[float, str] | None = None, top: float | None = None,
    most: float | None = None,
) -> go.Figure:  # fmt: skip
    """A value for each of several, as lying bars with their intervals, in the given order from the top. `top`: the
    axis's end; `most`: the largest value that there is (100 of a share), where intervals end too."""
    shown = [point for point in points if point.mean is not None]
    half = [p.half_width or 0.0 for p in shown]
    above = (
        half if most is None else [min(h, max(0.0, most - (p.mean or 0.0))) for p, h in zip(shown, half, strict=True)]
    )
    below = half if most is None else [min(h, p.mean or 0.0) for p, h in zip(shown, half, strict=True)]
    figure = go.Figure()
    figure.add_bar(
        x=[p.mean for p in shown], y=[p.name for p in shown], orientation="h", marker={"color": TIDE},
        error_x={
            "type": "data", "array": above, "arrayminus": below, "symmetric": False, "color": INK_2, "thickness": 1.5,
        },
        hovertemplate="%{x:.3g}<extra></extra>",
    )  # fmt: skip
    if target is not None:
        figure.add_vline(x=target[0], line={"color": TARGET, "dash": "dash", "width": 2}, annotation_text=target[1],
                         annotation_font={"color": TARGET}, annotation_position="top")  # fmt: skip
    laid_out(figure, unit="", across=unit, height=max(160, 76 + 26 * len(shown)) + (20 if target is not None else 0))
    if target is not None:
        figure.update_layout(margin_t=32)  # room for the target's label above the bars
    figure.update_yaxes(autorange="reversed", automargin=True, gridcolor="rgba(0,0,0,0)", zeroline=False)
    figure.update_xaxes(rangemode="tozero", gridcolor=LINE, range=None if top is None else [0, top])
    figure.update_layout(hovermode="closest")
    return figure


def marked(figure: go.Figure, target: tuple[float, str] | None) -> None:
    """A level to reach."""
    if target is not None:
        figure.add_hline(y=target[0], line={"color": TARGET, "dash": "dash", "width": 2}, annotation_text=target[1],
                         annotation_font={"color": TARGET}, annotation_position="top left")  # fmt: skip
