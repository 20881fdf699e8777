"""Look-ahead: processor seconds for 100 paired runs of two choices about the social zone's next hour, in its rush.

The rush is the reference hall's usual Monday with 2.2 times as many citizens in this zone, at the moment of the morning
at which most people wait. The bar is 2 s on one core; medians of five. Beside it: what the server itself pays for a
question (the snapshot, of the whole hall or of the slice), and what the answer says.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from pathlib import Path
from time import process_time

from msgspec.structs import replace

from tidehall.command.planning import read_scenario_file
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.simulation.day import Stage
from tidehall.simulation.lookahead import LookAhead, look_ahead
from tidehall.simulation.questions import Question, tidal_choices
from tidehall.simulation.slices import cut
from tidehall.simulation.tables import Scenario

__all__ = ["main", "rush"]

ROOT = Path(__file__).parent.parent
ROUNDS = 5
MINUTE = 60 * 1_000_000
MORE = 2.2


def rush() -> tuple[Scenario, Hall, int]:
    """The scenario, and the hall at the fullest minute of a busy morning."""
    usual = read_scenario_file(ROOT / "scenarios" / "yangxin.toml")
    busy = replace(
        usual,
        demand=tuple(
            replace(d, profile=tuple((at, rate * (MORE if d.line == "A" else 1.0)) for at, rate in d.profile))
            for d in usual.demand
        ),
    )
    stage = Stage(busy)
    events = stage.play(1, 0).events[len(stage.adopted) :]
    hall = stage.copy()
    fullest, at_minute = 0, stage.hours.opens
    for event in events:
        hall.apply(event)
        waiting = len(hall.state.lines["A"].waiting)
        if waiting > fullest and event.at < stage.hours.sessions[0][1] - 60 * MINUTE:
            fullest, at_minute = waiting, event.at // MINUTE * MINUTE
    hall = stage.copy()
    for event in events:
        if event.at > at_minute:
            break
        hall.apply(event)
    return busy, hall, at_minute


def median(work: Callable[[], object], times: int = 1) -> float:
    """Processor seconds."""
    found: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = process_time()
        for _ in range(times):
            work()
        found.append((process_time() - begun) / times)
    return statistics.median(found)


def main() -> None:
    """Print the figures."""
    scenario, hall, now = rush()
    state = hall.state
    waiting = len(state.lines["A"].waiting)
    opened = sum(w.state == "open" and "A" in w.lines for w in state.windows.values())
    window = next(w.id for w in state.windows.values() if w.post == "tidal" and w.state == "closed" and "A" in w.lines)
    question = Question("social", now, tidal_choices(window)[:2])
    snapshot, part = hall.snapshot(), cut(hall, "social").snapshot()
    answer = look_ahead(part, scenario, question)
    clock = local_text(now, scenario.plan.hall.time_zone)[11:16]
    print(f"{clock}: {waiting} people wait for {opened} windows; 100 paired runs of two choices, an hour ahead")
    for name, body in (("slice's", part), ("hall's", snapshot)):
        took = median(lambda body=body: look_ahead(body, scenario, question))  # type: ignore[misc] # bound now
        print(f"  the answer, from the {name:7} snapshot {took:7.2f} s   bar 2")
    print(f"  of it before the first run            {median(lambda: LookAhead(part, scenario, question)):7.3f} s")
    print(f"  the hall's snapshot, {len(snapshot) / 1000:5.0f} KB         {1000 * median(hall.snapshot, 10):7.2f} ms")
    cutting = median(lambda: cut(hall, "social").snapshot(), 10)
    print(f"  the slice's snapshot, {len(part) / 1000:4.0f} KB         {1000 * cutting:7.2f} ms")
    for outcome in answer.outcomes:
        said, share = answer.sentence(outcome.choice), outcome.within
        p90 = f"{said.p90_s / 60:.1f}" if said.p90_s is not None else "no"
        within = f"{share:.0%}" if share is not None else "no"
        print(f"  {outcome.choice:5} p90 in 30 min {p90} min, {within} in time, {outcome.at_end:.1f} wait at the end")


if __name__ == "__main__":
    main()
