"""The next hour as an answer: each zone's picture with its moments in the hall's time and its basis in words.

Law: pure projections of what look-ahead computed (hall/outlook.py); nothing is computed here.
"""

from __future__ import annotations

from msgspec import Struct

from tidehall.hall.calendar import local_text
from tidehall.hall.outlook import ChoiceOutlook, ZoneOutlook
from tidehall.locales import say

__all__ = ["OutlookView", "PointView", "TidalOutlookView", "ZoneOutlookView", "outlook_view"]


class PointView(Struct, frozen=True):
    """At a moment: the wait of those called in the five minutes before (where nobody is: of those who wait, so far),
    and how many wait. null: nobody waits and nobody is called."""

    at: str
    wait_p10_s: float | None
    wait_p50_s: float | None
    wait_p90_s: float | None
    waiting: float
    waiting_p10: float
    waiting_p90: float


class TidalOutlookView(Struct, frozen=True):
    """The tidal window in question, and what not moving it, moving it now, or a quarter of an hour later leads to."""

    window: str
    label: str
    action: str
    choices: tuple[ChoiceOutlook, ...]


class ZoneOutlookView(Struct, frozen=True):
    """A zone's next hour if nothing is done, as seen `at`; `basis` in words is `basis_words`. `p90_30_s`: the wait
    that 90 % stay below in half an hour."""

    zone: str
    at: str
    until: str
    basis: str
    basis_words: str
    runs: int
    limit_s: float
    p90_30_s: float | None
    waiting_30: float
    points: tuple[PointView, ...]
    tidal: TidalOutlookView | None


class OutlookView(Struct, frozen=True):
    """The zones of which a picture is ready; a look keeps pictures coming for five minutes. `seq`: the state's now."""

    zones: tuple[ZoneOutlookView, ...]
    seq: int


def outlook_view(found: list[ZoneOutlook], zone_name: str, seq: int, lang: str) -> OutlookView:
    """The pictures in the reader's language, moments in the hall's time zone."""
    return OutlookView(tuple([zone_view(picture, zone_name, lang) for picture in found]), seq)


def zone_view(found: ZoneOutlook, zone_name: str, lang: str) -> ZoneOutlookView:
    """One zone."""
    points = [
        PointView(
            local_text(p.at, zone_name), p.wait_p10_s, p.wait_p50_s, p.wait_p90_s, p.waiting, p.waiting_p10,
            p.waiting_p90,
        )
        for p in found.points
    ]  # fmt: skip
    tidal = found.tidal
    return ZoneOutlookView(
        found.zone, local_text(found.at, zone_name), local_text(found.until, zone_name), found.basis,
        say(f"tide.basis.{found.basis}", lang), found.runs, found.limit_s, found.p90_30_s, found.waiting_30,
        tuple(points),
        None if tidal is None else TidalOutlookView(tidal.window, tidal.label, tidal.action, tidal.choices),
    )  # fmt: skip
