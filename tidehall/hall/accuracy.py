"""How true the estimates are: what citizens were told beside how long it took.

Law: a pure fold of the journal. What is judged is what was shown: at taking it stands in the event; while a ticket
waits, the estimate is looked up at the first event after every five minutes, which writes nothing. Memory holds the
waiting tickets and the calls of the last half hour, whatever the length of the journal.

    accuracy = Accuracy()
    for event in journal:
        hall.apply(event)
        kept.extend(accuracy.feed(hall.state, event))
    quality(kept)

The wait is design section 6's: taking (booked: the later of check-in and booked time) → first call; for a later
showing the rest of it. Two baselines stand beside every showing: the plan's minutes × people ahead ÷ open windows, and
the mean wait of those who were called from the same line in the half hour before.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.state import HallState
from tidehall.queue.estimates import AT_ONCE, minutes_shown
from tidehall.queue.tickets import Estimate

__all__ = ["EVERY", "RECENT_WAITS", "Accuracy", "Compared", "Judged", "Quality", "Showing", "quality"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
#: A waiting ticket's estimate is judged again after so long, µs.
EVERY = 5 * MINUTE
#: The second baseline looks back so far, µs.
RECENT_WAITS = 30 * MINUTE


class Judged(Struct, frozen=True, gc=False):
    """One showing and what came of it. Times and durations are µs.

    `at`: when it was shown; `later`: not with the number, but while the ticket waited; `estimate`: p10, p50, p90 of the
    wait from then on, None where no estimate could be shown; `minutes`: the range as citizens read it; `wait`: how
    long it took from then on (booked: not before the booked time); `by_plan`, `by_recent`: what the baselines said,
    None where they say nothing.
    """

    ticket: str
    line: str
    at: int
    later: bool
    wait: int
    estimate: Estimate | None
    minutes: tuple[int, int] | None
    by_plan: int | None
    by_recent: int | None

    @property
    def at_once(self) -> bool:
        """A window stood idle: the citizen was told that he would be called at once."""
        return self.estimate is not None and self.estimate[1] <= AT_ONCE[1]

    @property
    def inside(self) -> bool:
        """Called between p10 and p90, and "at once" begins at once."""
        found = self.estimate
        return found is not None and (self.at_once or found[0] <= self.wait) and self.wait <= found[2]

    @property
    def inside_shown(self) -> bool:
        """Called within the minutes shown; a range that begins with 1, the least that is ever shown, begins at once."""
        if self.minutes is None:
            return False
        low, high = self.minutes
        return (low == 1 or low * MINUTE <= self.wait) and self.wait <= high * MINUTE


class Compared(Struct, frozen=True):
    """A baseline beside the estimate, on the `n` showings at which both said something: mean absolute errors in
    seconds, the baseline's (`error`) and the estimate's (`ours`)."""

    n: int
    error: float
    ours: float


class Quality(Struct, frozen=True):
    """Some showings together: `n` with an estimate, `unknown` without. Seconds and shares; None is "no data".

    `at_once`: how many of the `n` were told to be called at once, and `at_once_true` the share of these who were called
    within a minute. `bias`: mean of p50 − wait (below 0: people wait longer than told); `error`: mean of its size. Of
    the others, who had to wait, `inside` were called between p10 and p90, `inside_shown` within the rounded minutes.
    """

    n: int
    unknown: int
    at_once: int
    at_once_true: float | None
    bias: float | None
    error: float | None
    inside: float | None
    inside_shown: float | None
    by_plan: Compared | None
    by_recent: Compared | None


class Showing(Struct, frozen=True, gc=False):
    """A `Judged` before the call."""

    at: int
    since: int
    later: bool
    estimate: Estimate | None
    by_plan: int | None
    by_recent: int | None


class Accuracy(Struct):
    """The fold; plain data, so that it can be kept beside a checkpoint and taken up again.

    `waiting`: the showings of each ticket not yet called; `due`: (µs, ticket) whose estimate is looked up next, in
    order; `calls`: (µs, wait) of each line's first calls of the last half hour.
    """

    waiting: dict[str, list[Showing]] = {}
    due: list[tuple[int, str]] = []
    calls: dict[str, list[tuple[int, int]]] = {}

    def feed(self, state: HallState, event: Event) -> Iterable[Judged]:
        """Take in one event; `state` is the hall's right after it. Answers the showings of a ticket that was called
        for the first time, in order."""
        found: Iterable[Judged] = ()
        match event:
            case e.TicketTaken():
                self.shown(state, event)
            case e.TicketCalled():
                found = self.called(state, event)
            case e.TicketCancelled() | e.TicketExpired():
                self.waiting.pop(event.ticket, None)
            case _:
                pass
        if self.due and self.due[0][0] <= event.at:
            self.look(state, event.at)
        return found

    def shown(self, state: HallState, event: e.TicketTaken) -> None:
        """With the number."""
        since = max(event.at, event.booked_for)
        self.waiting[event.ticket] = [self.showing(state, event.ticket, event.at, since, event.shown, later=False)]
        self.due.append((event.at + EVERY, event.ticket))

    def look(self, state: HallState, at: int) -> None:
        """While it waits."""
        n = next((i for i, (due, _) in enumerate(self.due) if due > at), len(self.due))
        mine, self.due = self.due[:n], self.due[n:]
        for _, id in mine:
            ticket = state.tickets.get(id)
            if id not in self.waiting or ticket is None:
                self.waiting.pop(id, None)
                continue
            if at >= ticket.booked_for:  # before that nobody's wait has begun
                self.waiting[id].append(self.showing(state, id, at, at, state.estimate_of(ticket), later=True))
            self.due.append((at + EVERY, id))

    def showing(
        self, state: HallState, id: str, at: int, since: int, estimate: Estimate | None, *, later: bool
    ) -> Showing:
        """What the estimate and the baselines say of a ticket that waits."""
        ticket = state.tickets[id]
        windows, ahead = state.open_windows(ticket.line), state.ahead(ticket) or 0
        by_plan = state.priors[ticket.line] * ahead // windows if windows else None
        recent = self.calls.get(ticket.line, [])
        waits = [wait for called, wait in recent if called >= at - RECENT_WAITS]
        return Showing(at, since, later, estimate, by_plan, sum(waits) // len(waits) if waits else None)

    def called(self, state: HallState, event: e.TicketCalled) -> list[Judged]:
        """The first call: the wait is known."""
        showings = self.waiting.pop(event.ticket, None)
        if showings is None:
            return []
        line, at = state.tickets[event.ticket].line, event.at
        recent = self.calls.setdefault(line, [])
        while recent and recent[0][0] < at - RECENT_WAITS:
            recent.pop(0)
        recent.append((at, max(0, at - showings[0].since)))
        return [
            Judged(
                event.ticket, line, s.at, s.later, max(0, at - s.since), s.estimate,
                None if s.estimate is None else minutes_shown(s.estimate), s.by_plan, s.by_recent,
            )
            for s in showings
        ]  # fmt: skip


def quality(judged: Iterable[Judged]) -> Quality:
    """How good these showings were."""
    every = list(judged)
    known = [(j.estimate[1] - j.wait, j) for j in every if j.estimate is not None]
    n = len(known)
    waited = [j for _, j in known if not j.at_once]
    prompt = [j.wait <= MINUTE for _, j in known if j.at_once]

    def share(found: list[bool]) -> float | None:
        return sum(found) / len(found) if found else None

    def beside(pairs: list[tuple[int, int]]) -> Compared | None:
        """(the baseline's error, ours), µs."""
        m = len(pairs)
        return Compared(m, sum(b for b, _ in pairs) / m / SECOND, sum(o for _, o in pairs) / m / SECOND) if m else None

    return Quality(
        n,
        len(every) - n,
        len(prompt),
        at_once_true=share(prompt),
        bias=sum(off for off, _ in known) / n / SECOND if n else None,
        error=sum(abs(off) for off, _ in known) / n / SECOND if n else None,
        inside=share([j.inside for j in waited]),
        inside_shown=share([j.inside_shown for j in waited]),
        by_plan=beside([(abs(j.by_plan - j.wait), abs(off)) for off, j in known if j.by_plan is not None]),
        by_recent=beside([(abs(j.by_recent - j.wait), abs(off)) for off, j in known if j.by_recent is not None]),
    )
