"""Chance: everything random of a simulated day, drawn ahead.

Law: a citizen's luck belongs to the citizen. Each purpose (when, how long, how patient…) of each stream of citizens has
a Philox stream of its own, named by (seed, day, purpose, stream), and citizen i takes the i-th draw whatever else
happens; so two configurations are compared on the same people. Nothing is drawn while a day runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from math import sqrt
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from tidehall.simulation.remainders import gamma, lognormal
from tidehall.simulation.tables import Bursts, Demand, Distribution, OfficeWork, People, Place, Scenario

__all__ = ["CaseDraws", "Flow", "Leg", "Purpose", "draw_day", "sample", "stream"]

SECOND = 1_000_000
HOUR = 3600 * SECOND


class Purpose(IntEnum):
    """What a stream of chance is for. The numbers are part of what a seed means: never change one."""

    FACTOR = 1
    ARRIVAL = 2
    BURST = 3
    SERVICE = 4
    PATIENCE = 5
    NO_SHOW = 6
    PRIORITY = 7
    ITEM = 8
    FATE = 9
    CHECK = 10
    SECOND_CHECK = 11
    REVIEW = 12
    MAKE = 13
    ISSUE = 14
    ANSWER = 15
    LATE = 16
    PRECHECK = 17
    TRANSFER = 18
    ONWARD = 19
    AWAY = 20
    MESSENGER = 21


def stream(seed: int, day: int, purpose: Purpose, name: str) -> Generator:
    """The generator of one purpose, on one day, for one stream of citizens (or window)."""
    key = np.array([seed % 2**64, (day % 2**24) << 40 | purpose << 32 | crc32(name.encode())], np.uint64)
    return Generator(Philox(key=key))


@dataclass(slots=True)
class CaseDraws:
    """What becomes of citizen i's papers: chances between 0 and 1, and durations in µs."""

    case: list[float]
    urgent: list[float]
    refuse: list[float]
    same_day: list[float]
    collect: list[float]
    support: list[float]
    check: list[int]
    second_check: list[int]
    review: list[int]
    make: list[int]
    issue: list[int]
    answer: list[int]
    messenger: list[int] = field(default_factory=list)


class Leg(NamedTuple):
    """One more line on a citizen's way through the hall: where he stands in it, and his service there, µs."""

    line: str
    place: Place
    service: int


@dataclass(slots=True)
class Flow:
    """One stream of citizens of one day: citizen i arrives at `arrivals[i]` (µs since the epoch, in order) and is
    served for `service[i]` µs once somebody serves him. None where nobody has the habit.

    `patience`: µs from taking the number until giving up; `absent`: never appears when called; `precheck`: µs at the
    pre-check desk, −1 for who does not go there; `away`: µs that he needs to fetch a missing paper, −1 for who has them
    all; `onward`: the lines to which he is sent on, one after the other.
    """

    line: str
    arrivals: list[int]
    service: list[int]
    item: str | None = None
    patience: list[int] | None = None
    absent: list[bool] | None = None
    priority: list[str] | None = None
    precheck: list[int] | None = None
    away: list[int] | None = None
    onward: list[tuple[Leg, ...]] | None = None
    items: list[str] = field(default_factory=list)
    cases: CaseDraws | None = None


def microseconds(seconds: NDArray[np.float64]) -> list[int]:
    """Whole µs, as Python's own integers: exact and quick to add."""
    found: list[int] = np.rint(seconds * SECOND).astype(np.int64).tolist()
    return found


def sample(d: Distribution, n: int, chance: Generator) -> NDArray[np.float64]:
    """`n` durations in seconds."""
    match d.distribution:
        case "exponential":
            return chance.exponential(d.mean_s, n)
        case "lognormal":
            return chance.lognormal(*lognormal(d), n)
        case "gamma" | "erlang":
            return chance.gamma(*gamma(d), n)
        case "deterministic":
            return np.full(n, d.mean_s)
        case "empirical":
            values = np.array(d.values)
            return chance.choice(values, n) * (d.mean_s / values.mean() if d.mean_s else 1.0)


def day_factor(seed: int, day: int, name: str, cv: float) -> float:
    """This day's demand as a multiple of the usual one: gamma with mean 1."""
    if not cv:
        return 1.0
    shape = 1 / (cv * cv)
    return float(stream(seed, day, Purpose.FACTOR, name).gamma(shape, 1 / shape))


def arrivals(
    knots: list[int], rates: list[float], end: int, chance: Generator, burst: tuple[Bursts, Generator] | None
) -> list[int]:
    """Moments (µs) of a Poisson stream with `rates` (per hour) from each of `knots` on, until `end`.

    A unit stream is stretched by the inverse of the expected count, so that more demand means the same people closer
    together, and not others.
    """
    edges = np.array([*(k for k in knots if k < end), end], np.float64)
    lengths = np.diff(edges) / HOUR
    expected = np.concatenate(([0.0], np.cumsum(np.array(rates[: len(lengths)]) * lengths)))
    total = float(expected[-1])
    units = np.cumsum(chance.standard_exponential(int(total + 8 * sqrt(total) + 16)))
    while units[-1] < total:
        units = np.concatenate((units, units[-1] + np.cumsum(chance.standard_exponential(64))))
    moments = np.interp(units[units < total], expected, edges)
    if burst is not None:
        moments = np.concatenate((moments, groups(*burst, edges, np.array(rates[: len(lengths)]))))
    found: list[int] = np.sort(np.rint(moments).astype(np.int64)).tolist()
    return found


def groups(
    bursts: Bursts, chance: Generator, edges: NDArray[np.float64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Moments of people who come in groups, while there is demand."""
    found = [np.empty(0)]
    for begin, end, rate in zip(edges[:-1], edges[1:], rates, strict=True):
        if rate > 0:
            for at in chance.uniform(begin, end, chance.poisson(bursts.per_hour * (end - begin) / HOUR)):
                size = int(chance.geometric(1 / bursts.mean_size))
                found.append(np.minimum(at + chance.uniform(0, bursts.spread_s * SECOND, size), end - 1))
    return np.concatenate(found)


def draw_day(scenario: Scenario, seed: int, day: int, midnight: int, end: int) -> list[Flow]:
    """All streams of citizens of one day (`day` is its number in the study); nobody comes from `end` on.

    `midnight` is the day's local one, µs.
    """
    whole = day_factor(seed, day, "", scenario.day_factor_cv)
    return [draw_flow(scenario, demand, whole, seed, day, midnight, end) for demand in scenario.demand]


def draw_flow(scenario: Scenario, demand: Demand, factor: float, seed: int, day: int, midnight: int, end: int) -> Flow:
    """One stream of one day."""
    name = demand.key

    def chance(purpose: Purpose) -> Generator:
        return stream(seed, day, purpose, name)

    factor *= day_factor(seed, day, name, demand.day_factor_cv)
    bursts = None if demand.bursts is None else (demand.bursts, chance(Purpose.BURST))
    when = arrivals(
        [midnight + at for at, _ in demand.profile], [rate * factor for _, rate in demand.profile], end,
        chance(Purpose.ARRIVAL), bursts,
    )  # fmt: skip
    n = len(when)
    flow = Flow(demand.line, when, [], demand.item)
    habits(flow, scenario.people, n, chance)
    service = chance(Purpose.SERVICE)
    if scenario.offices is not None or (demand.item is None and scenario.item_service):
        flow.items = pick_items(scenario, demand, n, chance(Purpose.ITEM))
    if demand.item is not None or not flow.items:
        flow.service = microseconds(sample(scenario.service(demand.line, demand.item), n, service))
    else:
        flow.service = microseconds(service_by_item(scenario, demand.line, flow.items, service))
    if scenario.offices is not None and flow.items:
        flow.cases = draw_cases(scenario.offices, n, chance)
    if scenario.transfers:
        flow.onward = draw_onward(scenario, demand, n, lambda purpose, way: stream(seed, day, purpose, f"{name}>{way}"))
    return flow


def draw_onward(
    scenario: Scenario, demand: Demand, n: int, chance: Callable[[Purpose, str], Generator]
) -> list[tuple[Leg, ...]]:
    """Each citizen's way through the hall after the first service. Every step has chances of its own, and so has every
    line in every step: another share sends on more or fewer of the same people, and changes nobody's service."""
    onward: list[list[Leg]] = [[] for _ in range(n)]
    served = {demand.line: np.arange(n)}
    step = 0
    while served := {line: mine for line, mine in served.items() if line in scenario.transfers and len(mine)}:
        step += 1
        draws = chance(Purpose.TRANSFER, f"{step}").random(n)
        following: dict[str, list[NDArray[np.int64]]] = {}
        took: dict[str, list[int]] = {}
        for line, mine in served.items():
            ways = scenario.transfers[line]
            choice = np.searchsorted(np.cumsum([way.share for way in ways]), draws[mine], "right")
            for k, way in enumerate(ways):
                if way.line not in took:
                    service = chance(Purpose.ONWARD, f"{way.line}>{step}")
                    took[way.line] = microseconds(sample(scenario.line_service[way.line], n, service))
                gone = mine[choice == k]
                following.setdefault(way.line, []).append(gone)
                for i in gone.tolist():
                    onward[i].append(Leg(way.line, way.place, took[way.line][i]))
        served = {line: np.concatenate(parts) for line, parts in following.items()}
    return [tuple(legs) for legs in onward]


def habits(flow: Flow, people: People, n: int, chance: Callable[[Purpose], Generator]) -> None:
    """Patience, absence and class of each citizen."""
    if people.patience is not None:
        draw = chance(Purpose.PATIENCE)
        leaves_at_once = draw.random(n) < people.patience.zero_share
        flow.patience = microseconds(np.where(leaves_at_once, 0.0, sample(people.patience, n, draw)))
    if people.no_show:
        flow.absent = (chance(Purpose.NO_SHOW).random(n) < people.no_show).tolist()
    if people.precheck_share:
        flow.precheck = some_last(people.precheck_share, people.precheck, n, chance(Purpose.PRECHECK))
    if people.away is not None:
        flow.away = some_last(people.away.share, people.away, n, chance(Purpose.AWAY))
    if people.priority:
        names = [*people.priority, "normal"]
        edges = np.cumsum(list(people.priority.values()))
        flow.priority = [names[i] for i in np.searchsorted(edges, chance(Purpose.PRIORITY).random(n), "right")]


def some_last(share: float, lasting: Distribution, n: int, chance: Generator) -> list[int]:
    """How long something takes that happens to a share of the citizens, µs; −1 for the others."""
    goes = chance.random(n) < share
    return [took if there else -1 for took, there in zip(microseconds(sample(lasting, n, chance)), goes, strict=True)]


def pick_items(scenario: Scenario, demand: Demand, n: int, chance: Generator) -> list[str]:
    """What each visit is about; empty where the line has no items."""
    if demand.item is not None:
        return [demand.item] * n
    codes = [code for code, _ in demand.mix] or [i.code for i in scenario.plan.items if i.line == demand.line]
    if not codes:
        return []
    weights = np.array([weight for _, weight in demand.mix] or [1.0] * len(codes))
    edges = np.cumsum(weights) / weights.sum()
    return [codes[i] for i in np.minimum(np.searchsorted(edges, chance.random(n), "right"), len(codes) - 1)]


def service_by_item(scenario: Scenario, line: str, items: list[str], chance: Generator) -> NDArray[np.float64]:
    """Seconds of serving; every distribution is drawn from the same state, so that another mix changes nobody else's
    luck."""
    places: dict[Distribution, list[int]] = {}
    for i, code in enumerate(items):
        places.setdefault(scenario.service(line, code), []).append(i)
    seconds = np.zeros(len(items))
    state = chance.bit_generator.state
    for distribution, at in places.items():
        chance.bit_generator.state = state
        seconds[at] = sample(distribution, len(items), chance)[at]
    return seconds


def draw_cases(work: OfficeWork, n: int, chance: Callable[[Purpose], Generator]) -> CaseDraws:
    """What becomes of the papers of each citizen."""
    case, urgent, refuse, same_day, collect, support = chance(Purpose.FATE).random((6, n)).tolist()

    def lasting(purpose: Purpose, distribution: Distribution) -> list[int]:
        return microseconds(sample(distribution, n, chance(purpose)))

    return CaseDraws(
        case, urgent, refuse, same_day, collect, support,
        check=lasting(Purpose.CHECK, work.check),
        second_check=lasting(Purpose.SECOND_CHECK, work.check),
        review=lasting(Purpose.REVIEW, work.review),
        make=lasting(Purpose.MAKE, work.make),
        issue=lasting(Purpose.ISSUE, work.issue),
        answer=lasting(Purpose.ANSWER, work.answer),
        messenger=[] if work.messenger is None else lasting(Purpose.MESSENGER, work.messenger),
    )  # fmt: skip
