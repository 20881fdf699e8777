"""Certificates: what is recommended, shown by days with people whom the search has never seen.

Law: a certificate rests on whole days of the real engine alone. What is not shown is mended one step at a time, each
time with new people and half the risk of the attempt before, so that all attempts together stay within the confidence
that is told. What is one step cheaper than the hall that is recommended is told of from the same days: the hall's own
share, less what the same people lose on a few of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tidehall.simulation.sizing_bounds import Sizing, ZoneRoom
from tidehall.simulation.sizing_trial import Bounds, Judge, Shortcut, Trial, looks, risk_of, shortcut
from tidehall.simulation.sizing_zone import Choice, ZoneSearch
from tidehall.simulation.tally import Pair

__all__ = [
    "MOST_REPAIRS", "TOLD_DAYS", "Certificate", "CertifiedZone", "Shown", "attempted", "certified_risk", "certify_zone",
    "fresh", "told",
]  # fmt: skip

#: Seeds of a certificate are as far from the search's.
FRESH = 1 << 32
#: How often what was not shown is mended.
MOST_REPAIRS = 6
#: A zone alone is quickly played: its certificate may take so many times the days of a test.
LONGER = 2
#: Days on which a choice that is one step cheaper is played beside a zone's answer, and the answer's own at least:
#: days that show a target soon are luckier than others.
TOLD_DAYS = 30
ANSWER_DAYS = 120


class Shown(Struct, frozen=True):
    """What fresh days, played with this seed, say of one target; `risk`: the smallest at which they show it."""

    target: str
    share: float
    found: Bounds
    met: bool
    risk: float
    seed: int


class Certificate(Struct, frozen=True):
    """Days with fresh people: each target's share with its bounds at `confidence`. `together`: at least so sure are
    all of them at once."""

    confidence: float
    targets: list[Shown]
    met: bool
    together: float


class CertifiedZone(Struct, frozen=True):
    """A zone's choice as it was mended, what was shown of it, the steps that were added, what is one step cheaper, and
    the days that it took."""

    choice: Choice
    shown: Shown
    repairs: list[str]
    shortcuts: list[Shortcut]
    days: int


def fresh(seed: int, attempt: int) -> int:
    """The seed of an attempt."""
    return (seed + FRESH * (attempt + 1)) % 2**64


def attempted(judge: Judge, attempt: int) -> Judge:
    """The judge of an attempt: each one is allowed half the risk of the one before, so that all of them together stay
    within the confidence that is told, however often something is mended."""
    return replace(judge, risk_met=judge.risk_met / 2 ** (attempt + 1))


def certified_risk(pairs: Sequence[Pair], judge: Judge, attempt: int) -> float:
    """The smallest risk, of all looks and attempts together, at which these days show the target."""
    risk = risk_of(pairs, judge) * len(looks(judge.max_days))
    return min(1.0, risk * float(1 << (attempt + 1)))


def certify_zone(room: ZoneRoom, sizing: Sizing, judge: Judge, choice: Choice, seed: int) -> CertifiedZone:
    """Show a zone's target with fresh people, mending the choice until it is shown or nothing is left to add."""
    longer = replace(judge, max_days=LONGER * judge.max_days)
    repairs: list[str] = []
    days = 0
    while True:
        attempt = len(repairs)
        trying = attempted(longer, attempt)
        search = ZoneSearch(room, sizing, trying, fresh(seed, attempt))
        trial = trying.judge(search.in_full(choice), trying.hopeless)
        more = search.dearer(choice)
        if trial.met or more is None or attempt == MOST_REPAIRS:
            break
        days += search.days
        repairs.append(search.words(choice, more))
        choice = more
    whole = search.whole[choice]
    shown = Shown(
        f"wait {room.zone}", judge.share, trial.bounds, trial.met, certified_risk(whole, trying, attempt), search.seed
    )
    few, many = (min(days, judge.max_days) for days in (TOLD_DAYS, ANSWER_DAYS))
    base = search.whole_pairs(choice, max(many, len(whole)))
    shortcuts = [
        shortcut(
            search.words(choice, cheaper), search.cost(choice) - search.cost(cheaper), judge,
            told(judge, search.pairs(cheaper, few), search.pairs(choice, few), base),
        )
        for cheaper in search.one_step_cheaper(choice)
    ]  # fmt: skip
    return CertifiedZone(choice, shown, repairs, shortcuts, days + search.days)


def told(judge: Judge, cheaper: Sequence[Pair], same: Sequence[Pair], many: Sequence[Pair]) -> Trial:
    """What the engine's days say of a choice that is one step cheaper: the share of the answer over `many` days, less
    what the people of a few days lose (`cheaper` against the answer's `same` days, the first of the many)."""
    found = judge.controlled(cheaper, same, many)
    return Trial(judge.verdict(found) or "tie", found)
