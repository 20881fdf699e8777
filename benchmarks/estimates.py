"""What an estimate costs, in the reference hall's rush: bar 10 µs.

Baseline: the plan's minutes × people ahead ÷ open windows: look-ups, a multiplication and a division. It knows nothing
of breaks, other lines or who comes first. Time is the processor's.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from time import process_time

from benchmarks.day import Day
from tidehall.hall.engine import Hall

__all__ = ["main"]

ROUNDS = 7
TIMES = 200


def median_us(work: Callable[[], int]) -> float:
    """Median µs of one of the things that `work` does and counts."""
    found = []
    gc.collect()
    for _ in range(ROUNDS):
        begun = process_time()
        n = work()
        found.append(1e6 * (process_time() - begun) / n)
    return statistics.median(found)


def rush() -> Hall:
    """The hall at the moment of its day at which most people wait."""
    day = Day(cases=0)
    hall = Hall(day.plan.hall.id)
    waiting = most = most_at = 0
    for i, event in enumerate(day.events):
        hall.apply(event)
        waiting = sum(len(line.waiting) for line in hall.state.lines.values())
        if waiting > most:
            most, most_at = waiting, i
    hall = Hall(day.plan.hall.id)
    for event in day.events[: most_at + 1]:
        hall.apply(event)
    return hall


def main() -> None:
    """Print the figures."""
    state = rush().state
    known = [id for id in state.lines if state.open_windows(id)]
    ahead = {id: len(state.lines[id].waiting) for id in known}
    waiting = [state.tickets[entry[3]] for id in known for entry in state.lines[id].waiting]
    priors, windows = state.priors, {id: state.open_windows(id) for id in known}

    def estimates() -> int:
        for _ in range(TIMES):
            for id in known:
                state.estimate(id, ahead[id])
        return TIMES * len(known)

    def of_tickets() -> int:
        for _ in range(TIMES // 10):
            for ticket in waiting:
                state.estimate_of(ticket)
        return TIMES // 10 * len(waiting)

    def plain() -> int:
        for _ in range(TIMES):
            for id in known:
                priors[id] * ahead[id] // windows[id]
        return TIMES * len(known)

    def of_line(id: str) -> float:
        def one() -> int:
            for _ in range(TIMES):
                state.estimate(id, ahead[id])
            return TIMES

        return median_us(one)

    base = median_us(plain)
    dearest = max(known, key=of_line)
    people = f"{len(waiting)} people waiting, {sum(windows.values())} places at open windows, {len(known)} lines"
    print(f"estimates, {people}")
    print(f"baseline: look-up and division     {base:8.2f} µs")
    for name, cost in (
        ("one more in a line", median_us(estimates)),
        ("one who waits", median_us(of_tickets)),
        (f"the dearest line ({dearest})", of_line(dearest)),
    ):
        print(f"{name:34} {cost:8.2f} µs   bar 10   {cost / base:5.0f} × the baseline")


if __name__ == "__main__":
    main()
