"""The screening kernel: the world's own waits where both apply, and the same with and without numba."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.laboratory import plan_tables
from tidehall.hall import events as e
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.kernel import Habits, Queue, Screen, compiled, queue_of
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import tally

SECOND = 1_000_000
HOUR = 3600 * SECOND


def hall(windows: int, lines: int, roster: list[list[object]], **more: Any) -> Scenario:
    """Nine hours that are nearly full, with a rush."""
    letters = "ABC"[:lines]
    profile = [["08:00", 80.0 / lines], ["09:30", 130.0 / lines], ["12:00", 60.0 / lines], ["15:00", 110.0 / lines]]
    tables: dict[str, Any] = {
        "demand": {"lines": {x: {"profile": profile, "day_factor_cv": 0.1} for x in letters}},
        "service": {"lines": {x: {"distribution": "lognormal", "mean_s": 420.0, "cv": 0.8} for x in letters}},
        "windows": {"z": roster},
        **more,
    }
    return read_scenario(tables, parse_plan(plan_tables(windows, lines=lines, hours=("08:30", "17:30"))))


def world_waits(scenario: Scenario, day: int) -> list[int | None]:
    """Waits as the journal of the real hall has them, in the order of arrival."""
    taken: dict[str, int] = {}
    called: dict[str, int] = {}
    for event in Stage(scenario).play(1, day).events:
        if isinstance(event, e.TicketTaken):
            taken[event.ticket] = event.at
        elif isinstance(event, e.TicketCalled):
            called.setdefault(event.ticket, event.at)
    return [called[id] - at if id in called else None for id, at in taken.items()]


ROSTER: list[list[object]] = [
    ["08:30", 6], ["09:00", 14], ["10:30", 18], ["12:00", 5], ["12:20", 9], ["12:25", 4], ["14:00", 18], ["16:30", 11]
]  # fmt: skip


def counts(scenario: Scenario) -> list[tuple[int, int]]:
    """How many windows of the zone are to be open, from when on."""
    return [(at, wish) for at, wish in scenario.windows["z"] if isinstance(wish, int)]


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "numba"])
@pytest.mark.parametrize(
    ("lines", "more"),
    [
        (1, {}),
        (3, {"people": {"walk_s": 20.0}}),
        (1, {"people": {"walk_s": 7.5}, "clerks": {"changeover_s": 15.0}}),
        (2, {"people": {"patience": {"distribution": "exponential", "mean_s": 900.0, "zero_share": 0.05},
                        "leave": "cancel"}}),
    ],
    ids=["bare", "lines and walks", "changeover", "cancelling"],
)  # fmt: skip
def test_waits_are_the_worlds(lines: int, more: dict[str, Any], plain: bool) -> None:
    """First come first served with windows that open and close: every citizen's wait is the real hall's, to the µs."""
    if not plain and compiled() is None:
        pytest.skip("numba is not installed (extra `kernel`)")
    scenario = hall(18, lines, ROSTER, **more)
    stage = Stage(scenario)
    hours = stage.hours
    habits = Habits(
        walk=round(scenario.people.walk_s * SECOND),
        changeover=round(scenario.clerks.changeover_s * SECOND),
        silent=scenario.people.leave == "silent",
        last_call=hours.closes - hours.midnight + round(scenario.plan.limits.overtime_max_s * SECOND),
    )
    for day in range(3):
        queue = queue_of(stage.draw(1, day), hours.midnight, hours.opens - 1800 * SECOND)
        screen = Screen([queue], 18, habits, plain=plain)
        ours = [None if wait == -1 else wait for wait in screen.waits(counts(scenario))]
        assert len(ours) > 600
        assert ours == world_waits(scenario, day)


def test_numba_and_plain_python_are_equal_bit_for_bit() -> None:
    """Compiled or not, with people missing and giving up, the same waits and the same counts."""
    if compiled() is None:
        pytest.skip("numba is not installed (extra `kernel`)")
    people = {"no_show": 0.1, "patience": {"distribution": "exponential", "mean_s": 1200.0}}
    stage = Stage(hall(18, 3, ROSTER, people=people))
    days = [queue_of(stage.draw(1, day), stage.hours.midnight, 0) for day in range(5)]
    habits = Habits(walk=20 * SECOND, changeover=SECOND, missing=180 * SECOND, most=60)
    fast, slow = (Screen(days, 18, habits, plain=plain) for plain in (False, True))
    steps = [(8 * HOUR, 9), (10 * HOUR, 17), (13 * HOUR, 0), (14 * HOUR, 16)]
    assert fast.waits(steps) == slow.waits(steps)
    assert {-1, -2} & set(slow.waits(steps)) == {-2}
    assert fast.good(steps, 600 * SECOND) == slow.good(steps, 600 * SECOND)


def test_good_counts_those_called_within_the_limit() -> None:
    """Two windows, three citizens at once: two are called at once, the third after the shorter service."""
    queue = Queue([10, 11, 12], [100, 50, 70], [1000] * 3, [False] * 3)
    screen = Screen([queue], 2, Habits(), plain=True)
    assert screen.waits([(0, 2)]) == [0, 0, 49]
    assert [screen.good([(0, 2)], within)[0] for within in (0, 48, 49)] == [2, 2, 3]
    assert screen.waits([(0, 1)]) == [0, 99, 148]
    assert screen.waits([]) == [-1, -1, -1]


def test_kernel_errs_little_where_it_leaves_things_out() -> None:
    """Breaks, late clerks and head starts are not in the kernel; its share within the limit still is close."""
    scenario = hall(
        18, 1, ROSTER, clerks={"late_mean_s": 60.0, "break_every_s": 7200.0, "break_s": 300.0, "changeover_s": 10.0},
        people={"priority": {"first": 0.1}, "walk_s": 20.0}, target={"wait": {"within_s": 900.0}},
    )  # fmt: skip
    stage = Stage(scenario)
    midnight = stage.hours.midnight
    days = [queue_of(stage.draw(1, day), midnight, stage.hours.opens - 1800 * SECOND) for day in range(5)]
    screen = Screen(days, 18, Habits(walk=20 * SECOND, changeover=10 * SECOND))
    ours = sum(screen.good(counts(scenario), 900 * SECOND)) / sum(screen.totals)
    pairs = [tally(scenario, stage.play(1, day))[""]["wait_within_target"] for day in range(5)]
    assert ours == pytest.approx(sum(a for a, _ in pairs) / sum(b for _, b in pairs), abs=0.06)
