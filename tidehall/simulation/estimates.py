"""The wait estimates put to the test: simulated days, what was shown on them, and an oracle beside it.

Law: a day is judged by hall/accuracy.py from its journal, as a live hall is. The oracle answers for the same people at
the same moments, and its knowledge is said: the scenario's arrivals (today's factor judged by who has come), service
distributions and the time already spent in them, no-shows and patience, and when every window will open, close and
pause. It does not know what chance will bring, nor who of the waiting has gone silently. Its answer is the median of
forks of the very hall (lookahead.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from tidehall.hall.accuracy import Accuracy, Compared, Judged, Quality, quality
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event, TicketTaken
from tidehall.queue.estimates import AT_ONCE
from tidehall.queue.tickets import Ticket, TicketState
from tidehall.simulation.day import Stage
from tidehall.simulation.lookahead import LookAhead
from tidehall.simulation.questions import Choice, Question
from tidehall.simulation.tables import Scenario

__all__ = ["Study", "judge"]

SECOND = 1_000_000
#: A fork is carried on in steps of this length (µs) until the citizen is called.
STEP = 600 * SECOND
#: No fork goes farther (seconds).
HORIZON_S = 4 * 3600.0
NOTHING = Choice("nothing is done")


@dataclass(slots=True)
class Study:
    """Some days of a scenario: `taken`, what was shown with the numbers; `later`, while people waited; `oracle`: for a
    sample of `taken`, what was shown and the oracle's median (µs)."""

    taken: list[Judged] = field(default_factory=list)
    later: list[Judged] = field(default_factory=list)
    oracle: list[tuple[Judged, int]] = field(default_factory=list)

    @property
    def quality(self) -> Quality:
        """Of what was shown with the numbers."""
        return quality(self.taken)

    @property
    def against_oracle(self) -> Compared | None:
        """Mean absolute errors on the sample, seconds: the oracle's, and the estimate's. Neither may say 0 (S25)."""
        off = [
            (abs(max(AT_ONCE[1], median_us) - j.wait), abs(j.estimate[1] - j.wait))
            for j, median_us in self.oracle if j.estimate is not None
        ]  # fmt: skip
        n = len(off)
        return Compared(n, sum(o for o, _ in off) / n / SECOND, sum(e for _, e in off) / n / SECOND) if n else None


def judge(
    scenario: Scenario, *, days: int, seed: int = 1, first_day: int = 0, sample: int = 0, runs: int = 40
) -> Study:  # fmt: skip
    """Play `days` days and judge every showing; the oracle is asked about `sample` of a day's numbers, with `runs`
    forks each."""
    stage, found = Stage(scenario, estimates=True), Study()
    for day in range(first_day, first_day + days):
        events = stage.play(seed, day).events
        judged = list(fold(scenario, events))
        found.taken += [j for j in judged if not j.later]
        found.later += [j for j in judged if j.later]
        if sample:
            asked = chosen([j for j in judged if not j.later and j.estimate is not None], scenario, sample)
            found.oracle += oracle(scenario, events, asked, seed=seed + day, runs=runs)
    return found


def fold(scenario: Scenario, events: Iterable[Event]) -> Iterator[Judged]:
    """The journal of a day, judged."""
    hall, accuracy = Hall(scenario.plan.hall.id), Accuracy()
    for event in events:
        hall.apply(event)
        yield from accuracy.feed(hall.state, event)


def chosen(judged: list[Judged], scenario: Scenario, sample: int) -> list[Judged]:
    """So many of them, evenly over the day; only lines whose people the scenario brings."""
    known = {demand.line for demand in scenario.demand}
    some = sorted((j for j in judged if j.line in known), key=lambda j: (j.at, j.ticket))
    step = max(1.0, len(some) / sample)
    return [some[int(i * step)] for i in range(min(sample, len(some)))]


def oracle(
    scenario: Scenario, events: Iterable[Event], asked: list[Judged], *, seed: int, runs: int
) -> Iterator[tuple[Judged, int]]:
    """Each of `asked` with the oracle's median of its wait, µs."""
    by_ticket = {j.ticket: j for j in asked}
    hall = Hall(scenario.plan.hall.id)
    for event in events:
        hall.apply(event)
        if isinstance(event, TicketTaken) and event.ticket in by_ticket:
            waits = forked_waits(hall, scenario, hall.state.tickets[event.ticket], event.at, seed=seed, runs=runs)
            if waits:
                yield by_ticket[event.ticket], int(median(waits))


def forked_waits(hall: Hall, scenario: Scenario, ticket: Ticket, now: int, *, seed: int, runs: int) -> list[int]:
    """How long this citizen waits for the first call in each of `runs` forks, µs; forks in which he gives the number
    back tell nothing, those that end before the call count to their end."""
    zone = hall.state.lines[ticket.line].zone
    question = Question(zone, now, (NOTHING,), horizon_s=HORIZON_S, runs=runs, seed=seed)
    ahead = LookAhead(hall, scenario, question)
    found = []
    for run in range(runs):
        fork = ahead.fork(NOTHING, ahead.flows(run), run)
        mine, until = fork.state.tickets[ticket.id], now
        while not mine.first_called_at and mine.state is TicketState.WAITING and until < ahead.until:
            until = min(until + STEP, ahead.until)
            fork.world.run(until)
            mine = fork.state.tickets[ticket.id]
        if mine.first_called_at or mine.state is TicketState.WAITING:
            found.append((mine.first_called_at or until) - now)
    return found
