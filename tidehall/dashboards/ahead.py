"""What comes next, as the dashboard needs it: the fan of the next hour by zone, and the wait in half an hour.

Law: the figures are the look-ahead's own (dashboards/outlook.py); where it has said nothing, there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidehall.hall.outlook import Basis, Outlooks

__all__ = ["Ahead", "Fan", "looked_ahead"]

SECOND = 1_000_000


class Fan(Struct, frozen=True):
    """At a moment (µs): within which times one, five and nine in ten of those called then are called, µs."""

    at: int
    low: int | None
    middle: int | None
    high: int | None


class Ahead(Struct, frozen=True):
    """A zone's next hour, as seen at `at`. `soon`: the wait of nine in ten in half an hour, µs; `basis`: whose
    arrivals it rests on."""

    zone: str
    at: int
    basis: Basis
    soon: int | None
    fan: tuple[Fan, ...]


def span(seconds: float | None) -> int | None:
    """Seconds as µs."""
    return None if seconds is None else round(seconds * SECOND)


def looked_ahead(outlook: Outlooks, hall: str) -> Mapping[str, Ahead]:
    """What is known of the hall's next hour, by zone; that somebody looks keeps the look-ahead going."""
    return {
        zone: Ahead(
            zone, found.at, found.basis, span(found.p90_30_s),
            tuple(Fan(p.at, span(p.wait_p10_s), span(p.wait_p50_s), span(p.wait_p90_s)) for p in found.points),
        )
        for zone, found in outlook.of(hall).items()
    }  # fmt: skip
