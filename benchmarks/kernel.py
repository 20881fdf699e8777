"""The screening kernel against textbook SimPy: one line, 24 windows, about 900 citizens a day, the same people in both.

The baseline (a process for each citizen, one `Resource`) runs in the same process on the same arrivals and services,
and its waits must be the kernel's to the µs. Time is the processor's, medians of five; compiling is told apart.
"""

from __future__ import annotations

from time import process_time

from benchmarks.simulation import WINDOWS, cost, one_line, textbook
from tidehall.simulation.day import Stage
from tidehall.simulation.kernel import Habits, Screen, compiled, queue_of

__all__ = ["main"]

DAYS = 5
#: Days that the kernel plays in one call, as sizing does.
MANY = 60


def main() -> None:
    """Print the figures; ends with 1 when the bar is missed."""
    stage = Stage(one_line())
    midnight = stage.hours.midnight
    flows = [stage.draw(1, day)[0] for day in range(MANY)]
    queues = [queue_of([flow], midnight, 0) for flow in flows]
    steps = [(0, WINDOWS)]
    citizens = sum(len(queue.arrivals) for queue in queues)
    base = cost(lambda: sum(len(textbook(flow, midnight)) for flow in flows[:DAYS]))
    rows = [("textbook SimPy (process and Resource)", base)]
    expected = [wait for flow in flows[:DAYS] for wait in textbook(flow, midnight)]
    for name, plain in (("kernel, plain Python", True), ("kernel, numba", False)):
        if not plain and compiled() is None:
            print("numba is not installed (extra `kernel`)")
            continue
        screen = Screen(queues, WINDOWS, Habits(), plain=plain)
        begun = process_time()
        waits = screen.waits(steps)
        first = process_time() - begun
        assert waits[: len(expected)] == expected, "the kernel's waits are not the baseline's"
        rows.append((name, cost(lambda screen=screen: screen.good(steps, 0) and citizens)))  # type: ignore[misc] # bound now
        print(f"{name}: first call {first:.2f} s (compiling or reading the cache included)")
    print(f"one line, {WINDOWS} windows, {citizens / MANY:.0f} citizens a day   µs per citizen   × textbook")
    for name, took in rows:
        print(f"  {name:42}{took:12.3f}{base / took:12.1f}")
    if len(rows) == 3 and base / rows[2][1] < 50:
        raise SystemExit("the kernel misses its bar of 50 × textbook SimPy")


if __name__ == "__main__":
    main()
