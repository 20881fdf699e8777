"""Simulated citizens per second: a hall of one line and 24 windows, about 900 citizens a day, and a whole Yangxin day.

Baselines in the same run, on the same arrivals and services: textbook SimPy (a process for each citizen, one
`Resource`), SimPy in callback style without any hall, and Ciw (drawn by itself from the same distributions; it keeps no
journal either). Ciw brings a package `tests` that would hide ours, so it lies aside: `make tools` puts it there.
Time is the processor's; medians of five.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import simpy

from tidehall.command.planning import read_scenario_file
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.draws import Flow
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.study import Study
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
ROUNDS = 5
WINDOWS = 24
WORDS = {"zh": "名", "en": "Name"}
#: Citizens an hour, from a time of day on: 900 a day.
PROFILE = (("08:30", 70.0), ("09:00", 120.0), ("11:00", 90.0), ("12:00", 70.0), ("14:00", 125.0), ("16:00", 90.0))
MEAN_S = 720.0


def one_line() -> Scenario:
    """One line, 24 windows, a day of nine hours that is nearly full."""
    plan: dict[str, Any] = {
        "hall": {"id": "bench", "name": WORDS, "hours": [["08:30", "17:30"]]},
        "zones": [{"id": "z", "name": WORDS}],
        "lines": [{"id": "A", "letter": "A", "zone": "z", "name": WORDS}],
        "windows": [{"id": f"w{n}", "label": str(n), "zone": "z", "lines": ["A"]} for n in range(WINDOWS)],
    }
    return read_scenario(
        {"demand": {"lines": {"A": {"profile": PROFILE}}},
         "service": {"lines": {"A": {"distribution": "exponential", "mean_s": MEAN_S}}}},
        parse_plan(plan),
    )  # fmt: skip


def textbook(flow: Flow, opens: int) -> list[int]:
    """Waits, with a process for each citizen."""
    env = simpy.Environment(initial_time=opens)
    windows = simpy.Resource(env, WINDOWS)
    waits: list[int] = []

    def citizen(service: int) -> Any:
        came = env.now
        with windows.request() as request:
            yield request
            waits.append(int(env.now - came))
            yield env.timeout(service)

    def arrivals() -> Any:
        for at, service in zip(flow.arrivals, flow.service, strict=True):
            yield env.timeout(at - int(env.now))
            env.process(citizen(service))

    env.process(arrivals())
    env.run()
    return waits


def callbacks(flow: Flow, opens: int) -> list[int]:
    """Waits, with one timeout for each activity and a deque: what SimPy alone costs at best."""
    env = simpy.Environment(initial_time=opens)
    waiting: deque[int] = deque()
    waits: list[int] = []
    free = WINDOWS
    coming = 0

    def begin(i: int) -> None:
        waits.append(int(env.now) - flow.arrivals[i])
        simpy.Timeout(env, flow.service[i]).callbacks.append(over)

    def over(_: simpy.Event) -> None:
        nonlocal free
        if waiting:
            begin(waiting.popleft())
        else:
            free += 1

    def arrive(_: simpy.Event) -> None:
        nonlocal free, coming
        i, coming = coming, coming + 1
        if coming < len(flow.arrivals):
            simpy.Timeout(env, flow.arrivals[coming] - flow.arrivals[i]).callbacks.append(arrive)
        if free:
            free -= 1
            begin(i)
        else:
            waiting.append(i)

    simpy.Timeout(env, flow.arrivals[0] - opens).callbacks.append(arrive)
    env.run()
    return waits


def ciw_day(ciw: Any, seed: int) -> int:
    """Citizens that Ciw served in a like day, drawn by itself."""
    rates = [rate / 3600 for _, rate in PROFILE]
    edges = [0, 1800, 9000, 12_600, 19_800, 27_000, 32_400]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.PoissonIntervals(rates, edges[1:], max_sample_date=32_400)],
        service_distributions=[ciw.dists.Exponential(1 / MEAN_S)],
        number_of_servers=[WINDOWS],
    )
    ciw.seed(seed)
    day = ciw.Simulation(network)
    day.simulate_until_max_time(43_200)
    return len(day.get_all_records())


def cost(work: Callable[[], int]) -> float:
    """Processor µs per citizen: the median of several runs."""
    found: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = process_time()
        n = work()
        found.append(1e6 * (process_time() - begun) / n)
    return statistics.median(found)


def memory(stage: Stage, days: int) -> list[float]:
    """MB that a study holds after a tenth of its days, and at its end."""
    study = Study(1)
    tracemalloc.start()
    found: list[float] = []
    for day in range(days):
        study.add(tally(stage.scenario, stage.play(1, day)))
        if day in (days // 10, days - 1):
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0] / 1e6)
    tracemalloc.stop()
    return found


def main() -> None:
    """Print the figures."""
    scenario = one_line()
    stage = Stage(scenario)
    flows = [stage.draw(1, day)[0] for day in range(5)]
    n = sum(len(flow.arrivals) for flow in flows)
    opens = stage.hours.midnight

    def world() -> int:
        for day, flow in enumerate(flows):
            stage.play(1, day, flows=[flow])
        return n

    def whole_study() -> int:
        study = Study(1)
        for day in range(len(flows)):
            study.add(tally(scenario, stage.play(1, day)))
        return n

    base = cost(lambda: sum(len(textbook(flow, opens)) for flow in flows))
    rows = [
        ("textbook SimPy (process and Resource)", base, ""),
        ("SimPy callbacks, no hall", cost(lambda: sum(len(callbacks(flow, opens)) for flow in flows)), ""),
        ("the hall's own rules, journal kept", cost(world), "bar 0.7, aim 1.2"),
        ("the same with draws, measures and study", cost(whole_study), ""),
    ]
    sys.path.append(str(ROOT / ".venv" / "ciw"))
    try:
        import ciw  # type: ignore[import-not-found] # it lies aside, see above
    except ImportError:
        print("Ciw is not there (see the head of this file)")
    else:
        rows.append(("Ciw 3.2.7", cost(lambda: sum([ciw_day(ciw, seed) for seed in range(5)])), ""))
    print(f"one line, {WINDOWS} windows, {n / len(flows):.0f} citizens a day   µs per citizen   × textbook")
    for name, took, bar in rows:
        print(f"  {name:42}{took:9.1f}{base / took:12.2f}   {bar}")
    if len(rows) == 5:
        print(f"  the hall's own rules against Ciw: {rows[4][1] / rows[2][1]:.1f} ×   bar 1.5")
    early, late = memory(stage, 1000 if "--memory" in sys.argv else 100)
    print(f"  a study holds {early:.2f} MB after a tenth of its days, {late:.2f} MB at its end")
    hall = Stage(read_scenario_file(ROOT / "scenarios" / "yangxin.toml"))
    took = cost(lambda: len([hall.play(1, day) for day in range(3)])) / 1000
    print(f"a whole day of the reference hall: {took:.0f} ms   bar 200")


if __name__ == "__main__":
    main()
