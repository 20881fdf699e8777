"""Engine speed on one core: take–call–start–finish, a recorded hall day, replay, and the cost of a dropped draft.

Baseline: a bare dict-and-deque queue that does the same four steps with no rules at all. Time is the processor's,
so that what else the machine does counts little.
"""

from __future__ import annotations

import gc
import statistics
from collections import Counter, deque
from collections.abc import Callable
from time import process_time

from benchmarks.day import MORNING, SECOND, Day, reference_plan
from tidehall.hall import commands as c
from tidehall.hall.engine import Hall

__all__ = ["main"]

ROUNDS = 5


def median(work: Callable[[], float]) -> float:
    """The median of several runs; two noisy cores."""
    gc.collect()
    return statistics.median(work() for _ in range(ROUNDS))


def bare() -> float:
    """Steps/s of the baseline."""
    line: deque[str] = deque()
    tickets: dict[str, list[object]] = {}
    steps = 4 * 50_000
    begun = process_time()
    for i in range(steps // 4):
        id = f"t{i}"
        tickets[id] = ["waiting", i]
        line.append(id)
        got = line.popleft()
        tickets[got][0] = "called"
        tickets[got][0] = "serving"
        tickets[got][0] = "finished"
    return steps / (process_time() - begun)


def four_steps() -> float:
    """Commands/s of take, call, start, finish on the reference hall with 60 people waiting; estimates off."""
    plan = reference_plan()
    hall = Hall(plan.hall.id, estimates=False)
    now = MORNING + 3600 * SECOND

    def do(command: c.Command) -> None:
        for event in hall.decide(command, now):
            hall.apply(event)

    do(c.AdoptPlan(plan))
    window = next(w for w in plan.windows if w.lines and w.post == "acceptance")
    do(c.SignIn(window.id, "clerk"))
    do(c.OpenWindow(window.id))
    line = window.lines[0]
    for i in range(60):
        do(c.TakeTicket(f"w{i}", line))
    rounds = 900
    commands: list[c.Command] = []
    for i in range(rounds):
        commands += [
            c.TakeTicket(f"t{i}", line), c.CallTicket(window.id), c.StartService(window.id), c.FinishTicket(window.id),
        ]  # fmt: skip
    decide, apply = hall.decide, hall.apply
    begun = process_time()
    for command in commands:
        for event in decide(command, now):
            apply(event)
    return len(commands) / (process_time() - begun)


def whole_day(day: Day) -> float:
    """Commands/s of the recorded day, wakes included, estimates on."""
    hall = Hall(day.plan.hall.id)
    decide, apply, wake = hall.decide, hall.apply, hall.wake
    begun = process_time()
    for command, now in day.commands:
        for event in wake(now) if command is None else decide(command, now):
            apply(event)
    took = process_time() - begun
    assert hall.facts() == day.hall.facts()
    return len(day.commands) / took


def replay(day: Day) -> float:
    """Events/s of applying the day's events."""
    hall = Hall(day.plan.hall.id)
    apply = hall.apply
    begun = process_time()
    for event in day.events:
        apply(event)
    return len(day.events) / (process_time() - begun)


def dropped_draft(day: Day) -> float:
    """Milliseconds of one state copy in the rush."""
    hall = Hall(day.plan.hall.id)
    for event in day.events[: len(day.events) // 2]:
        hall.apply(event)
    begun = process_time()
    hall.copy()
    return 1000 * (process_time() - begun)


def main() -> None:
    """Print the figures."""
    base = median(bare)
    four = median(four_steps)
    print(f"baseline: bare dict and deque      {base:12,.0f} steps/s   (the last column: share of it)")
    print(f"take–call–start–finish             {four:12,.0f} commands/s   bar 250,000   {four / base:.3f}")
    for name, day, bar in (("the line's day", Day(cases=0), "   bar 500,000"), ("with 700 cases", Day(), "")):
        mixed, again = median(lambda d=day: whole_day(d)), median(lambda d=day: replay(d))  # type: ignore[misc] # bound now
        print(f"{name}, estimates, wakes    {mixed:12,.0f} commands/s   bar 120,000   {mixed / base:.3f}")
        print(f"  replay                           {again:12,.0f} events/s  {bar}   {again / base:.3f}")
        print(f"  dropped draft (state copy)       {median(lambda d=day: dropped_draft(d)):12.2f} ms           bar 5")  # type: ignore[misc] # bound now
        mix = Counter(type(command).__name__ if command is not None else "wake" for command, _ in day.commands)
        parts = ", ".join(f"{kind} {n}" for kind, n in mix.most_common(12))
        print(f"  {len(day.commands)} commands, {len(day.events)} events: {parts} …")


if __name__ == "__main__":
    main()
