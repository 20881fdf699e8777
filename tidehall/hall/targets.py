"""`[targets]` of the plan: what the hall wants to reach, against which dashboards and reports show its figures.

Law: a target moves nothing in the hall; it only says how a figure stands. The usual ones stand here once.
"""

from __future__ import annotations

from msgspec import Struct

from tidehall.hall.reading import LONGEST, Reader

__all__ = ["HandOffGoal", "Targets", "UtilisationGoal", "WaitGoal", "read_targets"]


class WaitGoal(Struct, frozen=True, forbid_unknown_fields=True):
    """`[targets.wait]`: this share of the citizens is called within so many seconds (our choice, domain.md 7)."""

    share: float = 0.9
    within_s: float = 900.0


class HandOffGoal(Struct, frozen=True, forbid_unknown_fields=True):
    """`[targets.hand_off]`: this share of the hand-offs is checked within its limit (R23, R24)."""

    share: float = 0.99


class UtilisationGoal(Struct, frozen=True, forbid_unknown_fields=True):
    """`[targets.utilisation]`: windows below the share `low` of their open time idle, above `high` nothing is left in
    reserve (design section 6 defines utilisation)."""

    low: float = 0.5
    high: float = 0.9


class Targets(Struct, frozen=True, forbid_unknown_fields=True):
    """`[targets]`: all of them; what is not said is as usual."""

    wait: WaitGoal = WaitGoal()
    hand_off: HandOffGoal = HandOffGoal()
    utilisation: UtilisationGoal = UtilisationGoal()


def read_targets(read: Reader, table: object) -> Targets:
    """The targets that the plan's section says, the usual ones for the rest; every mistake is noted with its place."""
    return read.sections(Targets, table, "targets", check_goal)


def check_goal(read: Reader, goal: WaitGoal | HandOffGoal | UtilisationGoal, place: str) -> None:
    """Targets that nothing could reach, or that everything reaches."""
    if isinstance(goal, UtilisationGoal):
        if not 0 <= goal.low < goal.high <= 1:
            read.say(place, "low and high are shares of at most 1, low below high")
        return
    if isinstance(goal, HandOffGoal) and not 0 < goal.share <= 1:
        read.say(f"{place}.share", "is a share above 0 and of at most 1")
    if isinstance(goal, WaitGoal):
        if not 0 < goal.share < 1:
            read.say(f"{place}.share", "is a share above 0 and below 1")
        if not 0 < goal.within_s <= LONGEST:
            read.say(f"{place}.within_s", "must be above 0 and finite")
