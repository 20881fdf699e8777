"""Zones whose waits are off target, now or in half an hour, and about which no advice stands: what is still to be had.

Law: it says what the hall knows (tidal windows, closed and paused ones) and advises nothing; advice is the hall's own,
and a zone with advice is told of there and not twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidehall.dashboards.picture import Standing
from tidehall.hall.state import HallState

__all__ = ["Left", "left", "strained"]


class Left(Struct, frozen=True):
    """What a zone has left. `tidal`: it has tidal windows; `shut`: the labels of those that are closed; `closed`,
    `paused`: how many of its windows of acceptance are."""

    tidal: bool
    shut: tuple[str, ...]
    closed: int
    paused: int


def strained(state: HallState, standings: Mapping[str, Standing], zones: list[str], limit: float) -> list[str]:
    """Of these zones the ones over the limit (µs) without advice, the longest wait first."""
    longest = {zone: max(standings[zone].wait or 0, standings[zone].soon or 0) for zone in zones}
    advised = {watch.zone for watch in state.watches.values() if watch.tide.advice is not None}
    return sorted((z for z in zones if longest[z] > limit and z not in advised), key=lambda z: -longest[z])


def left(state: HallState, zone: str) -> Left:
    """What a zone has left."""
    windows = sorted((w for w in state.windows.values() if w.zone == zone), key=lambda w: (len(w.label), w.label))
    tidal = [w for w in windows if w.post == "tidal"]
    others = [w.state for w in windows if w.post == "acceptance"]
    return Left(
        bool(tidal), tuple(w.label for w in tidal if w.state == "closed"), others.count("closed"),
        others.count("paused"),
    )  # fmt: skip
