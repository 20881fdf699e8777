"""The sheet that every report is printed on: one self-contained page with figures (R107, R110; a study's report).

Law: nothing on it comes from elsewhere (no network, design law 14): plotly's script stands in the page.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from tidehall.dashboards.figures import Figure

__all__ = ["markup", "sheet"]

TEMPLATES = Environment(
    loader=PackageLoader("tidehall.dashboards", "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def sheet(template: str, **values: Any) -> str:
    """The page that a template of templates/ makes of these values."""
    return TEMPLATES.get_template(template).render(plotly=Markup(get_plotlyjs()), **values)


def markup(figure: Figure) -> Markup:
    """A figure as a part of the page."""
    return Markup(
        figure.figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "displayModeBar": False, "responsive": True},
        )
    )
