"""What is expected of a zone in the next hour: facts that look-ahead computes and everybody else reads.

Law: nothing here computes; moments are µs since the epoch, durations seconds. A picture says what it rests on (`basis`)
and from when it is (`at`): the scenario named at the start, the one calibrated from the hall's journal, or, without
either, the people of the last half hour.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

__all__ = ["Basis", "ChoiceOutlook", "NoOutlook", "OutlookPoint", "Outlooks", "Prospect", "TidalOutlook", "ZoneOutlook"]

Basis = Literal["scenario", "calibrated", "recent"]


class Prospect(Struct, frozen=True, gc=False):
    """What a step with a tidal window would bring, as it was foreseen at `at` (µs).

    `in_s` later, 90 % of those called will have waited `p90_s` at most if the step is taken now, `instead_s` if it is
    not, `later_p90_s` if it is taken a quarter of an hour later (None: nobody waits or is called then, or not asked).
    `within`, `instead_within`: the shares of the next hour's citizens called within `limit_s`; `gain`: their
    difference, run by run on the same people, with its 95 % interval. From `runs` paired runs.
    """

    at: int
    basis: Basis
    runs: int
    in_s: float
    p90_s: float | None
    instead_s: float | None
    later_p90_s: float | None = None
    limit_s: float = 900.0
    within: float | None = None
    instead_within: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


class OutlookPoint(Struct, frozen=True):
    """At a moment: how long those will have waited who are called in the five minutes before (where nobody is: who
    waits, so far), and how many will wait. None: nobody waits and nobody is called."""

    at: int
    wait_p10_s: float | None
    wait_p50_s: float | None
    wait_p90_s: float | None
    waiting: float
    waiting_p10: float
    waiting_p90: float


class ChoiceOutlook(Struct, frozen=True):
    """What a choice about a tidal window leads to: the 90th percentile of the wait in `in_s`, the share of the hour's
    citizens called within the limit, how many wait in the end; `gain`: that share against doing nothing, paired, with
    its 95 % interval (None for "not" itself)."""

    choice: Literal["not", "now", "later"]
    in_s: float
    p90_s: float | None
    within: float | None
    waiting_end: float
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


class TidalOutlook(Struct, frozen=True):
    """The tidal window in question (the advised one, else the next to open, else the next to close), and the choices:
    not, now, or a quarter of an hour later."""

    window: str
    label: str
    action: Literal["open", "close"]
    choices: tuple[ChoiceOutlook, ...]


class ZoneOutlook(Struct, frozen=True):
    """A zone's next hour (or until the service day ends) if nothing is done, as seen at `at`. `p90_30_s`: the 90th
    percentile of the wait in half an hour; `limit_s`: the target's limit; `tidal`: None without a tidal window to move.
    """

    zone: str
    at: int
    until: int
    basis: Basis
    runs: int
    limit_s: float
    points: tuple[OutlookPoint, ...]
    p90_30_s: float | None
    waiting_30: float
    tidal: TidalOutlook | None = None


class Outlooks(Protocol):
    """Whoever looks ahead for the halls of this process."""

    def of(self, hall: str) -> dict[str, ZoneOutlook]:
        """The newest picture of each zone, and a sign that somebody looks: pictures are renewed as long as somebody
        has asked in the last five minutes. Empty until the first is ready."""
        ...


class NoOutlook:
    """Nobody looks ahead."""

    def of(self, hall: str) -> dict[str, ZoneOutlook]:
        """Nothing is known."""
        return {}
