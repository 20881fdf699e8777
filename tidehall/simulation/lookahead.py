"""Look-ahead: what the next hour of a zone will be like if something is done now, later, or not at all.

Law: all choices meet the same people (arrivals, services, patience of each run are drawn once), start from the same
slice and follow the engine's rules; only the choice moves windows, for the tide's own rule rests. Arrivals follow
the scenario's profile (it counts those who take a number: nobody stops at a pre-check on the way), and today's factor
follows who has come today. Never run this on an event loop: see ahead.py.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.queue.tickets import Ticket, TicketState
from tidehall.simulation.draws import Flow, Purpose, draw_day, stream
from tidehall.simulation.forks import Fork, Scene
from tidehall.simulation.intervals import estimate
from tidehall.simulation.questions import Answer, Choice, Difference, Outcome, Point, Question, Waits
from tidehall.simulation.slices import cut
from tidehall.simulation.tables import Demand, Scenario

__all__ = ["LookAhead", "look_ahead"]

SECOND = 1_000_000
HOUR = 3600 * SECOND
#: How a first wait ended.
CALL, LEFT, WAITS = 0, 1, 2
Moments = NDArray[np.int64]


def look_ahead(hall: Hall | bytes, scenario: Scenario, question: Question) -> Answer:
    """The answer, from a running hall or its snapshot. Raises Refusal (unknown_zone, no_plan), ValueError."""
    return LookAhead(hall, scenario, question).answer()


class LookAhead:
    """One question about one hall: the slice, and the chances of all runs."""

    def __init__(self, hall: Hall | bytes, scenario: Scenario, question: Question) -> None:
        check(question)
        if isinstance(hall, bytes):
            hall = Hall.restore(hall, estimates=False)
        part = cut(hall, question.zone, rule=False)
        part.state.estimates = False
        state = part.state
        if question.now < state.last_at:
            raise ValueError("now lies before the hall's last event")
        unknown = [line for line in state.lines if line not in scenario.line_service]
        if unknown:
            raise ValueError(f"the scenario knows no line {unknown[0]}")
        self.question, self.now = question, question.now
        self.scene = Scene(part, scenario, question.now)
        self.until = min(question.now + round(question.horizon_s * SECOND), self.scene.hours.end)
        every = round(question.every_s * SECOND)
        self.looks = [*range(self.now + every, self.until, every), self.until]
        self.limit = round(scenario.target.wait.within_s * SECOND)
        self.lines = [line.id for line in state.rules.lines if line.purpose == "service"]
        self.begun = {
            t.id: begins(t) for t in state.tickets.values()
            if t.state is TicketState.WAITING and not t.first_called_at and t.line in self.lines
        }  # fmt: skip
        self.demand = tuple(d for d in scenario.demand if d.line in state.lines)
        self.usual = replace(
            scenario, offices=None, day_factor_cv=0.0, people=replace(scenario.people, precheck_share=0.0)
        )
        self.factors = {line: self.today(line) for line in sorted({d.line for d in self.demand})}
        self.luck = self.scene.present.luck(question.seed, question.runs)
        mean = scenario.clerks.late_mean_s * SECOND
        late = stream(question.seed, 0, Purpose.LATE, f"present:{question.zone}")
        self.lateness = np.rint(late.exponential(mean, (question.runs, len(self.scene.windows)))).astype(int).tolist()

    # ---- who comes

    def today(self, line: str) -> list[float]:
        """Today's demand as a multiple of the usual one, for each run: gamma by the scenario, given how many have
        taken a number of the line so far."""
        scenario, runs = self.scene.scenario, self.question.runs
        mine = [d for d in self.demand if d.line == line]
        spread = (1 + scenario.day_factor_cv**2) * (1 + max(d.day_factor_cv for d in mine) ** 2) - 1
        if not spread:
            return [1.0] * runs
        came = self.scene.hall.state.lines[line].numbering.issued
        expected = sum(self.expected(d) for d in mine)
        chance = stream(self.question.seed, 0, Purpose.FACTOR, f"present:{line}")
        found: list[float] = (chance.gamma(1 / spread + came, 1.0, runs) / (1 / spread + expected)).tolist()
        return found

    def expected(self, demand: Demand) -> float:
        """How many usually have come by now."""
        midnight = self.scene.hours.midnight
        ends = [at for at, _ in demand.profile[1:]] + [24 * HOUR]
        group = demand.bursts.per_hour * demand.bursts.mean_size if demand.bursts is not None else 0.0
        return sum(
            (rate + group * (rate > 0)) * max(0, min(end, self.now - midnight) - begin) / HOUR
            for (begin, rate), end in zip(demand.profile, ends, strict=True)
        )

    def flows(self, run: int) -> list[Flow]:
        """The people of one run, from now on."""
        return draw_day(
            replace(self.usual, demand=tuple(self.from_now(d, self.factors[d.line][run]) for d in self.demand)),
            self.question.seed, run, self.scene.hours.midnight, self.until,
        )  # fmt: skip

    def from_now(self, demand: Demand, factor: float) -> Demand:
        """The stream as it goes on today."""
        at = self.now - self.scene.hours.midnight
        past = [rate for begin, rate in demand.profile if begin <= at]
        to_come = [(begin, rate) for begin, rate in demand.profile if begin > at]
        profile = tuple((begin, rate * factor) for begin, rate in [(at, past[-1] if past else 0.0), *to_come])
        return replace(demand, profile=profile, day_factor_cv=0.0)

    # ---- the runs

    def answer(self) -> Answer:
        """Every choice in every run."""
        question = self.question
        found = [Runs(choice.name) for choice in question.choices]
        for run in range(question.runs):
            flows = self.flows(run)
            for choice, runs in zip(question.choices, found, strict=True):
                fork = self.play(choice, flows, run)
                runs.add(self, fork)
        outcomes = [runs.outcome(self, found[0]) for runs in found]
        return Answer(question.zone, self.now, self.until, question.runs, self.limit / SECOND, tuple(outcomes))

    def fork(self, choice: Choice, flows: list[Flow], run: int) -> Fork:
        """One run of one choice, at its beginning."""
        luck, late = self.luck[run], self.lateness[run]
        return Fork(self.scene, choice, flows, luck, late, lines=self.lines, looks=self.looks[:-1])

    def play(self, choice: Choice, flows: list[Flow], run: int) -> Fork:
        """One run of one choice, to its end."""
        fork = self.fork(choice, flows, run)
        fork.run(self.until)
        return fork


def check(question: Question) -> None:
    """Raise ValueError for what cannot be answered."""
    names = [choice.name for choice in question.choices]
    if not names or len(set(names)) < len(names):
        raise ValueError("choices need names of their own")
    if question.runs < 1 or not 0 < question.horizon_s <= 86_400 or question.every_s < 1:
        raise ValueError("at least one run, a horizon within a day, and points a second apart or more")


def begins(t: Ticket) -> int:
    """When a first wait begins, µs."""
    return max(t.taken_at, t.booked_for)


class Runs:
    """All runs of one choice: each first wait's begin and end (µs), how it ended, and in which run."""

    def __init__(self, choice: str) -> None:
        self.choice = choice
        self.begin: list[int] = []
        self.end: list[int] = []
        self.how: list[int] = []
        self.size: list[int] = []
        self.waiting: list[list[int]] = []
        self.turned_away = 0
        self.refused: Counter[str] = Counter()

    def add(self, ahead: LookAhead, fork: Fork) -> None:
        """One more run."""
        n = len(self.begin)
        since = ahead.begun.copy()
        event: Any  # of which only those that have a ticket are looked at
        for event in fork.world.events:
            kind = type(event)
            if kind is e.TicketTaken:
                since[event.ticket] = event.at
            elif kind in OVER:
                begun = since.pop(event.ticket, None)
                if begun is not None:
                    self.note(begun, event.at, OVER[kind])
        for begun in since.values():
            self.note(begun, ahead.until, WAITS)
        self.size.append(len(self.begin) - n)
        self.waiting.append(fork.waiting)
        self.turned_away += sum(fork.crowd.turned_away.values())
        self.refused.update(set(fork.refused))

    def note(self, begun: int, ended: int, how: int) -> None:
        self.begin.append(begun)
        self.end.append(ended)
        self.how.append(how)

    def outcome(self, ahead: LookAhead, first: Runs) -> Outcome:
        """What they show."""
        begin, end, how = np.array(self.begin, np.int64), np.array(self.end, np.int64), np.array(self.how)
        lasted = np.maximum(end - begin, 0)
        mine = self.by_run(ahead.limit)
        theirs = first.by_run(ahead.limit)
        within = int(((how == CALL) & (lasted <= ahead.limit)).sum())
        decided = int(((how != WAITS) | (lasted > ahead.limit)).sum())
        runs = len(self.size)
        return Outcome(
            self.choice,
            called=waits(lasted[how == CALL]),
            waiting=waits(lasted[how == WAITS]),
            all=waits(lasted[how != LEFT]),
            within=within / decided if decided else None,
            at_end=float(np.mean([counts[-1] for counts in self.waiting])),
            turned_away=self.turned_away / runs,
            curve=tuple(self.curve(ahead, begin, end, how)),
            refused=dict(self.refused),
            against={} if first is self else {name: difference(mine[name], theirs[name]) for name in mine},
        )

    def by_run(self, limit: int) -> dict[str, list[float | None]]:
        """The compared measures of each run; None where it has no data."""
        found: dict[str, list[float | None]] = {"mean_s": [], "p90_s": [], "within": [], "at_end": []}
        cuts = np.cumsum([0, *self.size])
        lasted = np.array(self.end, np.int64) - np.array(self.begin, np.int64)
        how = np.array(self.how)
        for run, counts in enumerate(self.waiting):
            mine, ended = lasted[cuts[run] : cuts[run + 1]], how[cuts[run] : cuts[run + 1]]
            some = waits(np.maximum(mine[ended != LEFT], 0))
            decided = int(((ended != WAITS) | (mine > limit)).sum())
            found["mean_s"].append(some.mean_s)
            found["p90_s"].append(some.p90_s)
            found["within"].append(int(((ended == CALL) & (mine <= limit)).sum()) / decided if decided else None)
            found["at_end"].append(float(counts[-1]))
        return found

    def curve(self, ahead: LookAhead, begin: Moments, end: Moments, how: NDArray[np.int64]) -> list[Point]:
        """The points of the curves."""
        counts = np.array(self.waiting)
        found: list[Point] = []
        before = ahead.now
        for k, at in enumerate(ahead.looks):
            column = np.sort(counts[:, k])
            mine = (how == CALL) & (end > before) & (end <= at)
            lasted = waits(np.maximum(end[mine] - begin[mine], 0))
            if not lasted.n:
                here = (begin <= at) & ((end > at) | ((how == WAITS) & (end == at)))
                lasted = waits(at - begin[here])
            found.append(
                Point(
                    at,
                    float(column.mean()),
                    float(quantile(column, 0.1)),
                    float(quantile(column, 0.9)),
                    lasted.p10_s,
                    lasted.p50_s,
                    lasted.p90_s,
                )
            )
            before = at
        return found


#: What ends a first wait.
OVER: dict[type[Event], int] = {e.TicketCalled: CALL, e.TicketCancelled: LEFT, e.TicketExpired: LEFT}


def quantile(ordered: NDArray[np.int64], share: float) -> int:
    """The smallest value not below the share, as everywhere (hall/measures.py)."""
    return int(ordered[max(0, ceil(share * len(ordered)) - 1)])


def waits(lasted: Moments) -> Waits:
    """The summary of some waits, µs."""
    if not len(lasted):
        return Waits(0, None, None, None, None)
    ordered = np.sort(lasted)
    p10, p50, p90 = (quantile(ordered, share) / SECOND for share in (0.1, 0.5, 0.9))
    return Waits(len(ordered), float(ordered.mean()) / SECOND, p10, p50, p90)


def difference(mine: list[float | None], theirs: list[float | None]) -> Difference:
    """The mean of the differences, run by run, and its interval."""
    pairs = [(x - y, 1.0) for x, y in zip(mine, theirs, strict=True) if x is not None and y is not None]
    found = estimate(pairs)
    if found.mean is None or found.half_width is None:
        return Difference(found.mean, None, None)
    return Difference(found.mean, found.mean - found.half_width, found.mean + found.half_width)
