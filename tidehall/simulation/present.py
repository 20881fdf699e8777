"""Who is here already: the luck of those whom a look-ahead finds waiting, called or served.

Law: what the hall has seen of a citizen is known, the rest is drawn under that condition. A service under way has
lasted its time; who would have given the number back is patient so far; whoever left silently cannot be told from those
who wait, until called; who was called has not come yet. All chances are drawn ahead, by citizen, in order of serials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidehall.hall.state import HallState
from tidehall.queue.tickets import Ticket, TicketState
from tidehall.simulation.draws import Purpose, stream
from tidehall.simulation.remainders import remaining, survival
from tidehall.simulation.tables import Distribution, Scenario

__all__ = ["Luck", "Present"]

SECOND = 1_000_000
WAITING, CALLED, SERVING = TicketState.WAITING, TicketState.CALLED, TicketState.SERVING
#: What a service can be: shares and how long it then takes.
Mixture = list[tuple[float, Distribution]]
Chances = NDArray[np.float64]


@dataclass(slots=True)
class Luck:
    """One run's luck of everybody present, in their order. `service`: µs of serving (still) to come; `walk`: µs until
    a called one is there; `gives_up`: the moment (µs) until which he waits, 0 for ever."""

    service: list[int]
    walk: list[int]
    absent: list[bool]
    gives_up: list[int]


class Present:
    """Everybody who waits, is called or is served at `now` (µs). Who is parked stays so: nobody knows how long."""

    def __init__(self, state: HallState, scenario: Scenario, now: int) -> None:
        self.state, self.scenario, self.people, self.now = state, scenario, scenario.people, now
        here = [t for t in state.tickets.values() if t.state in (WAITING, CALLED, SERVING)]
        self.tickets = sorted(here, key=lambda t: t.serial)
        self.gap = round(state.rules.limits.recall_gap_s * SECOND)

    def luck(self, seed: int, runs: int) -> list[Luck]:
        """The luck of all runs."""
        n = len(self.tickets)

        def chances(purpose: Purpose) -> Chances:
            zones = ",".join(sorted(self.state.zones))
            return 1.0 - stream(seed, 0, purpose, f"present:{zones}").random((runs, n))

        service, item, walk = chances(Purpose.SERVICE), chances(Purpose.ITEM), chances(Purpose.ARRIVAL)
        patience, absent = chances(Purpose.PATIENCE), chances(Purpose.NO_SHOW)
        lasts = np.zeros((runs, n), np.int64)
        walks = np.zeros((runs, n), np.int64)
        missing = np.zeros((runs, n), bool)
        leaves = np.zeros((runs, n), np.int64)
        for j, t in enumerate(self.tickets):
            lasts[:, j] = whole(self.service(t, service[:, j], item[:, j]))
            if t.state is CALLED:
                missing[:, j] = absent[:, j] <= self.missing(t)
                walks[:, j] = whole(self.walk(t, walk[:, j]))
            elif t.state is WAITING:
                missing[:, j] = self.stays_away(t, absent[:, j])
                leaves[:, j] = self.leaves(t, patience[:, j], absent[:, j])
        rows = zip(lasts.tolist(), walks.tolist(), missing.tolist(), leaves.tolist(), strict=True)
        return [Luck(*row) for row in rows]

    # ---- serving

    def service(self, t: Ticket, chances: Chances, which: Chances) -> Chances:
        """Seconds of serving to come, given what was served already."""
        spent = self.spent(t)
        mixture = self.mixture(t)
        if len(mixture) == 1:
            return remaining(mixture[0][1], spent, chances)
        weights = np.array([share * survival(d, spent) for share, d in mixture])
        if not weights.sum():  # longer than anything known: any of them
            weights = np.array([share for share, _ in mixture])
        edges = np.cumsum(weights) / weights.sum()
        kind = np.minimum(np.searchsorted(edges, which, "left"), len(mixture) - 1)
        found = np.zeros(len(chances))
        for k, (_, d) in enumerate(mixture):
            mine = kind == k
            if mine.any():
                found[mine] = remaining(d, spent, chances[mine])
        return found

    def spent(self, t: Ticket) -> float:
        """Seconds of this service that are over; who was sent on begins anew, who was parked goes on."""
        before = t.served if t.parked_total else 0
        return (before + (self.now - t.serving_since if t.state is SERVING else 0)) / SECOND

    def mixture(self, t: Ticket) -> Mixture:
        """How long such a visit takes: by its item where that is known, else by what people of the line come for."""
        scenario = self.scenario
        if t.cases and scenario.offices is not None:
            return [(1.0, scenario.offices.issue)]
        item = t.current or (t.items[0] if t.items else None)
        if item is not None or not scenario.item_service:
            return [(1.0, scenario.service(t.line, item))]
        mix = next((dict(d.mix) for d in scenario.demand if d.line == t.line and d.item is None and d.mix), {})
        mix = mix or {item.code: 1.0 for item in scenario.plan.items if item.line == t.line}
        shares: dict[Distribution, float] = {}
        for code, weight in mix.items():
            d = scenario.service(t.line, code)
            shares[d] = shares.get(d, 0.0) + weight
        return [(share, d) for d, share in shares.items()] or [(1.0, scenario.service(t.line, None))]

    # ---- coming when called

    def called_for(self, t: Ticket) -> float:
        """Seconds since the first of this calling's calls."""
        return (self.now - t.called_at + (t.attempt - 1) * self.gap) / SECOND

    def not_yet(self, t: Ticket) -> float:
        """The share of those who come that is not there yet: all until the usual walk is over, then ever fewer."""
        late, walk = self.called_for(t) - self.people.walk_s, self.people.walk_s
        if late < 0:
            return 1.0
        return float(np.exp(-late / walk)) if walk else 0.0

    def missing(self, t: Ticket) -> float:
        """The share of such callings that nobody will follow, given that nobody has come yet."""
        people = self.people
        if t.misses:
            return 1.0
        if self.was_served(t):
            return 0.0
        gone = 0.0
        if people.patience is not None and people.leave == "silent":
            waited = (t.called_at - (t.attempt - 1) * self.gap - t.taken_at) / SECOND
            zero = people.patience.zero_share
            gone = zero + (1 - zero) * (1 - survival(people.patience, waited)) if waited > 0 else 0.0
        never = people.no_show + (1 - people.no_show) * gone
        return never / (never + (1 - never) * self.not_yet(t)) if never else 0.0

    def walk(self, t: Ticket, chances: Chances) -> Chances:
        """Seconds until he is there, if he comes: the rest of the usual walk; then soon, as memory tells nothing."""
        left = self.people.walk_s - self.called_for(t)
        return np.full(len(chances), left) if left >= 0 else -self.people.walk_s * np.log(chances)

    # ---- waiting

    def was_served(self, t: Ticket) -> bool:
        """Somebody has seen him: he was sent on, or is back from fetching papers."""
        return t.served > 0

    def stays_away(self, t: Ticket, chances: Chances) -> NDArray[np.bool_] | bool:
        """Who was missed before is missing again; of the others the usual share never comes."""
        if t.misses or self.was_served(t) or t.cases:
            return t.misses > 0
        return chances <= self.people.no_show

    def leaves(self, t: Ticket, chances: Chances, zero: Chances) -> NDArray[np.int64] | int:
        """The moment until which he waits, µs; 0 for ever."""
        patience = self.people.patience
        if patience is None or t.misses or self.was_served(t) or t.cases:
            return 0
        waited = (self.now - t.taken_at) / SECOND
        if self.people.leave == "cancel":
            return self.now + whole(remaining(patience, waited, chances))
        lasts = whole(remaining(patience, 0.0, chances))
        # the share that left at once is another share of the same chance than those who never come
        never = self.people.no_show
        at_once = (zero > never) & (zero <= never + (1 - never) * patience.zero_share)
        return t.taken_at + np.where(at_once, 0, lasts)


def whole(seconds: Chances) -> NDArray[np.int64]:
    """µs."""
    return np.rint(seconds * SECOND).astype(np.int64)
