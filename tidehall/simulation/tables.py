"""A scenario's sections as a planner writes them, and the whole that they make (contract.md, "Scenario file").

Law: these are facts, immutable and checked elsewhere (scenario.py); durations are seconds, as written.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean
from typing import Literal

from msgspec import Struct

from tidehall.hall.plan import Plan

__all__ = [
    "Away", "Bursts", "Clerks", "Cost", "DayPlan", "Demand", "DemandTable", "Distribution", "HandOffTarget",
    "Messenger", "OfficeWork", "Patience", "People", "Place", "Scenario", "Target", "TidePolicy", "Transfer",
    "WaitTarget", "WindowSteps", "Wish",
]  # fmt: skip

#: Where a citizen who is sent on stands in the next line: by when he took his number, or behind everybody.
Place = Literal["arrival", "end"]
#: The windows that shall stand open in a zone: so many (which ones: opening.py), or these.
Wish = int | tuple[str, ...]
#: From a time of day (µs after local midnight) on, what shall stand open.
WindowSteps = tuple[tuple[int, Wish], ...]
HOUR = 3_600_000_000
#: The services that a plan assumes spread like this (domain.md: lognormal, 0.8).
USUAL_CV = 0.8


class Distribution(Struct, frozen=True, forbid_unknown_fields=True):
    """How long something takes, seconds. `cv`: coefficient of variation; `phases`: of an Erlang; `values`: observed
    ones, drawn with equal chances (empirical), scaled to `mean_s` where it is given."""

    distribution: Literal["exponential", "lognormal", "gamma", "erlang", "deterministic", "empirical"] = "lognormal"
    mean_s: float = 0.0
    cv: float = USUAL_CV
    phases: int = 2
    values: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Its mean, seconds."""
        return self.mean_s or (fmean(self.values) if self.values else 0.0)


class Patience(Distribution, frozen=True, forbid_unknown_fields=True):
    """How long a citizen waits for the call; `zero_share` of them don't wait at all unless called at once."""

    zero_share: float = 0.0


class Away(Distribution, frozen=True, forbid_unknown_fields=True):
    """`[people] away`: halfway through the service a paper turns out to be missing at `share` of the windows' citizens;
    they fetch it (挂起, the number stays), are back after this time, and are served on."""

    share: float = 0.0


class DayPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """`[day]`: `open` and `close` override the plan's sessions by one; `warm_up_s` after the opening is left out of
    every measure; `drain`: who holds a number at closing time is served."""

    date: str = "2026-11-23"
    open: str | None = None
    close: str | None = None
    warm_up_s: float = 0.0
    drain: bool = True


class Bursts(Struct, frozen=True, forbid_unknown_fields=True):
    """People who come together (a coach, a school class): Poisson groups while there is demand at all, of geometric
    size with this mean, spread evenly over `spread_s`. They come on top of the profile."""

    per_hour: float
    mean_size: float = 6.0
    spread_s: float = 120.0


class Demand(Struct, frozen=True):
    """One stream of citizens: a line's, or an item's. `profile`: (µs after local midnight, citizens per hour) from
    then on; `mix`: weights of the line's items where the visit's item matters."""

    line: str
    item: str | None
    profile: tuple[tuple[int, float], ...]
    day_factor_cv: float = 0.0
    bursts: Bursts | None = None
    mix: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:
        """What names its streams of chance."""
        return self.line if self.item is None else f"{self.line}/{self.item}"

    def expected(self, begin: int = 0, end: int = 24 * HOUR) -> float:
        """How many people are expected between two times of the day (µs after local midnight), groups included."""
        more = 0.0 if self.bursts is None else self.bursts.per_hour * self.bursts.mean_size
        return sum(
            (rate + more) * max(0, min(to, end) - max(at, begin)) / HOUR
            for (at, rate), (to, _) in pairwise([*self.profile, (24 * HOUR, 0.0)])
            if rate
        )


class DemandTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[demand.lines.ID]`, `[demand.items.CODE]` as they are written."""

    profile: tuple[tuple[str, float], ...]
    day_factor_cv: float = 0.0
    bursts: Bursts | None = None
    mix: dict[str, float] = {}


class Transfer(Struct, frozen=True, forbid_unknown_fields=True):
    """`[transfers.FROM]` `TO = 0.3` or `TO = { share = 0.3, place = "end" }`: this share of those served in a line is
    sent on to `line`, with the same number (转号)."""

    line: str
    share: float
    place: Place = "arrival"


class People(Struct, frozen=True, forbid_unknown_fields=True):
    """`[people]`: habits of citizens. `walk_s`: call → window; `no_show`: share that never appears; `leave`: how who
    gives up leaves; `priority`: shares of the classes with their proof shown; `precheck_share`: those whose papers are
    looked at, for `precheck`, before they take a number, in zones that have pre-check (or else consult) posts; `away`:
    who must fetch a paper in the middle of the service."""

    walk_s: float = 0.0
    no_show: float = 0.0
    patience: Patience | None = None
    leave: Literal["silent", "cancel"] = "silent"
    priority: dict[str, float] = {}
    precheck_share: float = 0.0
    precheck: Distribution = Distribution(mean_s=120.0)
    away: Away | None = None


class Clerks(Struct, frozen=True, forbid_unknown_fields=True):
    """`[clerks]`: habits of the windows, seconds. `late_mean_s`: how late a window opens (exponential); `changeover_s`:
    from the end of a service to the next call; a break of `break_s` after every `break_every_s` at an open window,
    between two citizens; `tidal_s`: how long the person for a tidal window needs to get there."""

    late_mean_s: float = 0.0
    changeover_s: float = 0.0
    break_every_s: float | None = None
    break_s: float = 600.0
    tidal_s: float = 0.0


class WaitTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """`share` of the citizens are called within `within_s`; or: on `share` of the days, that share is reached."""

    share: float = 0.95
    within_s: float = 900.0
    reading: Literal["citizens", "days"] = "citizens"


class HandOffTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """`share` of the hand-offs end in time."""

    share: float = 0.99


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """`[target]`."""

    wait: WaitTarget = WaitTarget()
    hand_off: HandOffTarget = HandOffTarget()


class Cost(Struct, frozen=True, forbid_unknown_fields=True):
    """`[cost]` of an hour, in any one unit."""

    window_hour: float = 1.0
    runner_hour: float = 0.7
    office_hour: float = 1.2


class Messenger(Distribution, frozen=True, forbid_unknown_fields=True):
    """`[offices] messenger`: `at` these times of day (HH:MM) the papers that lie at a receiving desk leave for their
    departments outside the hall, and each is checked there after this time."""

    at: tuple[str, ...] = ()


class OfficeWork(Struct, frozen=True, forbid_unknown_fields=True):
    """`[offices]`: who carries and works on papers, and how long it takes. Without this section nobody does.

    `case_share`: share of the served citizens whose item is taken in as a case, `urgent_share` of those whose item may
    be urgent. Runners (the zone's posts, or the hall's `pool`) wait `gather_s` for more papers unless some are urgent,
    take at most `batch` in a trip of `walk_s` each way and `between_s` between two desks. A receiver checks each
    case's papers for `check` and refuses `refuse_share` of them; the window mends those in `mend_s`. `middle` people
    receive and answer in the middle office, `officers` receive and decide in every department (`officers_of` says it
    for one), `makers` sit in the certificate room. An officer finishes `same_day_share` of the cases on their day,
    each after `review`; a result is made in `make`, and `collect_share` are collected at the zone's issue posts
    `collect_after_s` later, in `issue` each. `support_share` of the services need an `answer` of the middle office.
    Without a `messenger` papers for departments outside the hall stay at their receiving desk, and that way is not
    judged.
    """

    case_share: float = 0.55
    urgent_share: float = 0.1
    pool: int = 2
    gather_s: float = 120.0
    batch: int = 6
    walk_s: float = 90.0
    between_s: float = 30.0
    check: Distribution = Distribution(mean_s=45.0, cv=0.5)
    refuse_share: float = 0.02
    mend_s: float = 120.0
    middle: int = 3
    officers: int = 2
    officers_of: dict[str, int] = {}
    makers: int = 2
    same_day_share: float = 0.6
    review: Distribution = Distribution(mean_s=900.0)
    make: Distribution = Distribution(mean_s=180.0, cv=0.5)
    collect_share: float = 0.5
    collect_after_s: float = 1800.0
    issue: Distribution = Distribution(mean_s=120.0, cv=0.5)
    support_share: float = 0.03
    answer: Distribution = Distribution(mean_s=90.0)
    messenger: Messenger | None = None


class TidePolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """`[tide]`: as the plan has it, never, by the plan's thresholds, or by look-ahead (foresight.py: a day then takes
    as long as its look-ahead, some hundred times longer)."""

    policy: Literal["plan", "off", "threshold", "forecast"] = "plan"


class Scenario(Struct, frozen=True):
    """A whole scenario with the plan that rules in it (its hours and tide as `[day]` and `[tide]` say).

    `windows`: per zone, how many acceptance windows stand open from a time of day on, or which; a zone that is missing
    opens all of them in every session. `line_service` has every line. `offices` None: nobody
    carries papers. `transfers`: line → where those served in it are sent on to.
    """

    plan: Plan
    day: DayPlan
    demand: tuple[Demand, ...]
    day_factor_cv: float
    line_service: dict[str, Distribution]
    item_service: dict[str, Distribution]
    people: People
    clerks: Clerks
    windows: dict[str, WindowSteps]
    offices: OfficeWork | None
    tide: TidePolicy
    target: Target
    cost: Cost
    transfers: dict[str, tuple[Transfer, ...]] = {}

    def service(self, line: str, item: str | None) -> Distribution:
        """How long serving takes: the item's, or the line's."""
        return self.item_service.get(item, self.line_service[line]) if item is not None else self.line_service[line]
