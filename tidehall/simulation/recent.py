"""Today as it is: the scenario that look-ahead rests on where nobody has calibrated one.

Law: nothing is assumed that the hall's state or its plan does not say. Who came in the last half hour goes on coming at
that rate; a service takes what services of the line took so far, shrunk towards the plan's figure as in the estimates;
as many windows as are open stay open in the day's sessions. Nobody gives up, everybody comes when called: what cannot
be seen in a state is left out, so a rush that only habit announces is not foreseen.
"""

from __future__ import annotations

from tidehall.hall.calendar import service_day
from tidehall.hall.state import HallState
from tidehall.queue.estimates import service_mean
from tidehall.simulation.tables import (
    Clerks,
    Cost,
    DayPlan,
    Demand,
    Distribution,
    People,
    Scenario,
    Target,
    TidePolicy,
    WindowSteps,
)

__all__ = ["recent_rates", "recent_scenario"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
#: The people of so long a time, µs, stand for those to come; on a day that is younger, of its first numbers so far.
SPAN, LEAST = 30 * MINUTE, 10 * MINUTE


def recent_rates(state: HallState, now: int) -> dict[str, float]:
    """Line → citizens per hour who took a number in the last half hour (`now` in µs)."""
    assert state.schedule is not None
    midnight = state.schedule.local(service_day(now, state.zone_name), 0)
    taken = [(t.taken_at, t.line) for t in state.tickets.values() if t.taken_at >= midnight]
    span = min(SPAN, max(LEAST, now - min((at for at, _ in taken), default=now)))
    found = dict.fromkeys((line.id for line in state.rules.lines if line.purpose == "service"), 0.0)
    for at, line in taken:
        if at >= now - span and line in found:
            found[line] += HOUR / span
    return found


def recent_scenario(state: HallState, rates: dict[str, float], now: int) -> Scenario:
    """The rest of today, for a hall or a slice of one; of `rates` those of its lines. `now` in µs."""
    plan = state.rules
    means = {
        id: service_mean(line.service_count, line.service_sum, state.priors[id]) for id, line in state.lines.items()
    }
    coming = [Demand(line, None, ((0, rate),)) for line, rate in sorted(rates.items()) if line in state.lines and rate]
    return Scenario(
        plan=plan,
        day=DayPlan(date=service_day(now, state.zone_name).isoformat()),
        demand=tuple(coming),
        day_factor_cv=0.0,
        line_service={id: Distribution(mean_s=mean / SECOND) for id, mean in means.items()},
        item_service={},
        people=People(),
        clerks=Clerks(),
        windows={zone.id: roster(state, zone.id) for zone in plan.zones},
        offices=None,
        tide=TidePolicy(),
        target=Target(),
        cost=Cost(),
    )


def roster(state: HallState, zone: str) -> WindowSteps:
    """As many acceptance windows as are open now (before a session: all), in every session of the day."""
    assert state.schedule is not None
    windows = [w for w in state.windows.values() if w.zone == zone and w.post == "acceptance" and w.lines]
    count = sum(w.state != "closed" for w in windows) if state.in_session else len(windows)
    sessions = state.schedule.sessions
    return tuple(step for a, b in sessions for step in ((a * MINUTE, count), (b * MINUTE, 0)))
