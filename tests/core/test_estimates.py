"""S25: an estimate never falls when a window closes and never rises when somebody ahead leaves; never 0."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, make_plan, problems, tables
from tidehall.hall import commands as c
from tidehall.queue.estimates import AT_ONCE, estimate, mean_wait, minutes_shown, service_mean
from tidehall.queue.tickets import Estimate, Parked

WORDS = {"zh": "名", "en": "Name"}
LINES = "ABCD"
#: Sums in another order may differ in the last bits of a float: 1 ms of some hours.
ROUNDING = 1000

windows = st.lists(
    st.tuples(st.sets(st.sampled_from(LINES), min_size=1), st.sampled_from(["closed", "open", "busy", "paused"])),
    min_size=1,
    max_size=7,
)
people = st.lists(st.tuples(st.sampled_from(LINES), st.booleans()), max_size=25)


def hall(windows: list[tuple[set[str], str]], people: list[tuple[str, bool]]) -> Driver:
    """A hall in which these windows stand so and these people wait."""
    rows = [
        {"id": f"w{i}", "label": str(i), "zone": "g", "lines": sorted(lines)} for i, (lines, _) in enumerate(windows)
    ]
    lines = [{"id": x, "letter": x, "zone": "g", "name": WORDS} for x in LINES]
    driver = Driver(make_plan(windows=rows, lines=lines, items=[]), windows=())
    for i, (serves, state) in enumerate(windows):
        if state != "closed":
            driver.do(c.SignIn(f"w{i}", f"clerk-{i}"))
            driver.do(c.OpenWindow(f"w{i}"))
        if state == "busy":
            driver.begin(min(serves), f"w{i}")
        if state == "paused":
            driver.do(c.PauseWindow(f"w{i}", "r"))
    for line, senior in people:
        driver.wait(30)
        driver.take(line, priority="senior" if senior else "normal", confirmed=True)
    return driver


def estimates(driver: Driver) -> dict[str, Estimate | None]:
    """The estimate of everybody who waits, and of one who would come to each line now (by the line's name)."""
    state = driver.hall.state
    found = {t.id: state.estimate_of(t) for t in state.tickets.values() if t.state == "waiting"}
    return found | {line: state.estimate(line, len(state.lines[line].waiting)) for line in LINES}


@settings(max_examples=50, deadline=None)
@given(windows, people, st.data())
def test_never_falls_when_a_window_closes(
    stand: list[tuple[set[str], str]], people: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """S25: whichever window closes or rests, p10, p50 and p90 of everybody stay or rise, or become unknown."""
    driver = hall(stand, people)
    for _ in range(2):
        before = estimates(driver)
        opened = [w for w in driver.hall.state.windows.values() if w.state == "open"]
        if not opened:
            return
        window = data.draw(st.sampled_from(opened))
        driver.do(c.PauseWindow(window.id, "r") if window.ticket else c.CloseWindow(window.id))
        for id, after in estimates(driver).items():
            was = before[id]
            if was is None:
                assert after is None
            elif after is not None:
                assert all(b >= a - ROUNDING for a, b in zip(was, after, strict=True)), (id, was, after)


@settings(max_examples=50, deadline=None)
@given(windows, people, st.data())
def test_never_rises_when_somebody_ahead_leaves(
    stand: list[tuple[set[str], str]], people: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """S25: when somebody ahead gives the number back or lets others go first, nobody behind is told a longer wait."""
    driver = hall(stand, people)
    waiting = [t for t in driver.hall.state.tickets.values() if t.state == "waiting"]
    if not waiting:
        return
    leaver = data.draw(st.sampled_from(waiting))
    before = estimates(driver)
    behind = [t.id for t in waiting if t.rank > leaver.rank]
    driver.do(c.CancelTicket(leaver.id))
    after = estimates(driver)
    for id in [*behind, *LINES]:
        was, now = before[id], after[id]
        assert (was is None) == (now is None)
        if was is not None and now is not None:
            assert all(b <= a + ROUNDING for a, b in zip(was, now, strict=True)), (id, was, now)


@settings(max_examples=25, deadline=None)
@given(windows, people)
def test_known_only_with_a_window(stand: list[tuple[set[str], str]], people: list[tuple[str, bool]]) -> None:
    """S25: no open window gives "unknown", an open one a range above 0 with p10 ≤ p50 ≤ p90."""
    driver = hall(stand, people)
    state = driver.hall.state
    for id, found in estimates(driver).items():
        line = id if id in LINES else driver.ticket(id).line
        is_open = any(w.state == "open" and line in w.lines for w in state.windows.values())
        assert (found is not None) == is_open == (state.open_windows(line) > 0)
        assert found is None or 0 < found[0] <= found[1] <= found[2]


def test_parked_and_void_are_not_counted() -> None:
    """S25: who is parked, void or gone is not ahead of anybody."""
    driver = Driver(windows=("w1", "w2"))
    driver.begin(window="w2")
    asks = driver.take()
    alone = driver.hall.state.estimate_of(driver.ticket(asks))
    parked = driver.begin()
    driver.do(c.SuspendTicket("w1", Parked.AWAY))
    void = driver.take()
    for _ in range(3):
        driver.do(c.CallTicket("w1", void, "r"))
        driver.miss()
    assert (driver.ticket(parked).state, driver.ticket(void).state) == ("suspended", "void")
    assert driver.hall.state.estimate_of(driver.ticket(asks)) == alone
    assert driver.hall.state.ahead(driver.ticket(asks)) == 0
    assert driver.hall.state.ahead(driver.ticket(parked)) is None


def test_the_shown_estimate_is_kept() -> None:
    """What the citizen saw when taking the number stands with the ticket and in its event."""
    driver = Driver()
    shown = driver.ticket(driver.take()).shown
    assert shown is not None
    driver.do(c.CloseWindow("w1"))
    assert driver.ticket(driver.take()).shown is None


def test_levels() -> None:
    """Work fills the least burdened windows first; then the services under way race to end."""
    assert mean_wait(0.0, 100.0, [(0.0, 1, False)]) == 100.0
    assert mean_wait(300.0, 100.0, [(0.0, 2, False)]) == 200.0
    assert mean_wait(0.0, 100.0, [(-100.0, 1, False)]) == 0.0
    assert mean_wait(600.0, 100.0, [(0.0, 1, False), (500.0, 1, False)]) == 600.0
    assert 99.0 < mean_wait(0.0, 100.0, [(0.0, 1, False), (1e9, 1, False)]) < 100.0


def test_a_window_that_comes_back_takes_one_at_once() -> None:
    """Nobody waits longer than until there are more windows back than people in front; with one in front it is his."""
    assert mean_wait(0.0, 600.0, [(5.0, 1, True)]) == 5.0
    assert mean_wait(600.0, 600.0, [(5.0, 1, True), (9.0, 1, True)]) < 10.0
    assert mean_wait(600.0, 600.0, [(5.0, 1, True)]) == 605.0
    assert mean_wait(0.0, 600.0, [(5.0, 1, False)]) == 605.0


places = st.tuples(st.floats(-1, 3), st.integers(1, 3), st.booleans())


@settings(max_examples=100, deadline=None)
@given(st.lists(places, min_size=1, max_size=4), st.floats(0, 5), st.floats(0, 2), st.data())
def test_less_room_or_more_people_never_make_it_shorter(
    floors: list[tuple[float, int, bool]], work: float, more: float, data: st.DataObject
) -> None:
    """Whatever takes windows longer, takes one away or lets one more in front makes nobody's wait shorter."""
    i = data.draw(st.integers(0, len(floors) - 1))
    floor, count, comes = floors[i]
    before = mean_wait(work, 1.0, floors.copy())
    assert mean_wait(work + more, 1.0, floors.copy()) >= before - 1e-6
    assert mean_wait(work, 1.0, [*floors[:i], (floor + more, count, comes), *floors[i + 1 :]]) >= before - 1e-6
    fewer = [(floor, count - 1, comes)] if count > 1 else []
    if rest := [*floors[:i], *fewer, *floors[i + 1 :]]:
        assert mean_wait(work, 1.0, rest) >= before - 1e-6


def test_observed_services_outweigh_the_assumption() -> None:
    """The mean starts at the plan's assumption and moves to what is seen; undo takes the observation back."""
    assert service_mean(0, 0, 600) == 600
    assert service_mean(20, 20 * 300, 600) == 450
    driver = Driver()
    line = driver.hall.state.lines["A"]
    driver.take()
    driver.serve(seconds=100)
    assert (line.service_count, line.service_sum) == (1, 100 * SECOND)
    driver.do(c.Undo("w1"))
    assert (line.service_count, line.service_sum) == (0, 0)


def test_more_services_to_end_make_a_narrower_range() -> None:
    """p10, p50 and p90 lie apart as a gamma distribution has them, relatively closer the more services must end."""
    one, many = estimate(600e6, 1.0), estimate(600e6, 50.0)
    assert [round(x / 600e6, 2) for x in one] == [0.09, 0.69, 2.3]
    assert one[0] < many[0] < many[1] < many[2] < one[2]
    assert estimate(0.0, 1.0) == estimate(-5e6, 1.0) == AT_ONCE


def test_minutes_are_rounded_outward() -> None:
    """Citizens read whole minutes, p10 rounded down and p90 up, never 0 and never one figure alone."""
    minute = 60_000_000
    assert minutes_shown((119 * 1_000_000, 0, 10 * minute + 1)) == (1, 11)
    assert minutes_shown((2 * minute, 0, 3 * minute)) == (2, 3)
    assert minutes_shown((1, 2, 3)) == minutes_shown(AT_ONCE) == (1, 2)


LINE = [{"id": "A", "letter": "A", "zone": "g", "name": WORDS}]
LUNCH = 2 * 3600 * SECOND


def at(text: str, windows: int, ahead: int, **zone: Any) -> Estimate:
    """The estimate at a time of day in a hall that opens `windows` windows at 08:30 with somebody in front of each, for
    one with `ahead` people before him."""
    rows = [{"id": f"w{i}", "label": str(i), "zone": "g", "lines": ["A"]} for i in range(windows)]
    zones = [{"id": "g", "name": WORDS, **zone}]
    service = {"default_s": 600, "break_every_s": 7200, "break_s": 480}
    plan = make_plan(windows=rows, zones=zones, service=service, lines=LINE, items=[], boards=[])
    driver = Driver(plan, "2026-11-23 08:30", windows=tuple(f"w{i}" for i in range(windows)))
    for i in range(windows):
        driver.begin(window=f"w{i}")
    for _ in range(ahead):
        driver.take()
    driver.until(f"2026-11-23 {text}")
    found = driver.hall.state.estimate("A", ahead, None, driver.now)
    assert found is not None
    return found


def test_a_break_of_the_hall_is_foreseen() -> None:
    """Who will not be called before the noon break is told the break too, and nobody who will."""
    assert at("10:40", 2, 8)[0] < at("10:40", 2, 8)[1] < LUNCH < at("11:40", 2, 8)[1]
    assert at("11:20", 1, 0)[1] < LUNCH < at("11:58", 1, 0)[1]


def test_the_roster_is_foreseen() -> None:
    """Twice the windows from ten o'clock on make the rest of the wait half as long; half of them double it."""
    same = at("09:50", 2, 2)
    more = at("09:50", 2, 2, roster=[["08:30", 2], ["10:00", 4]])
    fewer = at("09:50", 2, 2, roster=[["08:30", 2], ["10:00", 1]])
    ten = 600 * SECOND
    assert abs(more[1] - (ten + (same[1] - ten) // 2)) <= 1
    assert abs(fewer[1] - (ten + (same[1] - ten) * 2)) <= 1


def test_a_rest_is_foreseen() -> None:
    """A window that has stood open for two hours rests for eight minutes before the next one is called."""
    fresh, tired = at("10:00", 1, 0), at("10:29", 1, 0)
    assert fresh[1] < 600 * SECOND < tired[1]


def test_a_window_at_rest_comes_back() -> None:
    """One window open, another at rest: the wait is shorter than with one window, longer than with two open."""
    waits = []
    for action in (c.CloseWindow("w2"), c.PauseWindow("w2", "r"), None):
        driver = Driver(windows=("w1", "w2"))
        driver.begin(window="w1")
        if action is not None:
            driver.do(action)
        found = driver.hall.state.estimate("A", 3)
        assert found is not None
        waits.append(found[1])
    assert waits[0] > waits[1] > waits[2]


def test_windows_that_are_about_to_open_count() -> None:
    """At the beginning of a session the first window open is not taken for the only one, five minutes later it is."""
    driver = Driver(at="2026-11-23 08:00", windows=())
    driver.until("2026-11-23 08:30")
    driver.do(c.SignIn("w1", "clerk"))
    driver.do(c.OpenWindow("w1"))
    driver.begin()
    early = driver.hall.state.estimate("A", 4, None, driver.now)
    driver.wait(300)
    late = driver.hall.state.estimate("A", 4, None, driver.now)
    assert early is not None
    assert late is not None
    assert early[1] < late[1]


def test_a_closed_window_keeps_ranges_narrow_for_a_while() -> None:
    """S25: a range does not become wider at the low end by a closing, also when another closed a while ago."""
    driver = Driver(windows=("w1", "w2", "w3"))
    driver.begin(window="w1")
    driver.do(c.CloseWindow("w2"))
    driver.wait(3600)
    before = driver.hall.state.estimate("A", 5, None, driver.now)
    driver.do(c.CloseWindow("w3"))
    after = driver.hall.state.estimate("A", 5, None, driver.now)
    assert before is not None
    assert after is not None
    assert all(b >= a for a, b in zip(before, after, strict=True))


def test_people_with_a_head_start_are_expected() -> None:
    """Where many come with a head start, who has none is told that some will be called before; who has one, less so."""
    waits: dict[bool, list[int]] = {False: [], True: []}
    for seniors in (False, True):
        driver = Driver(windows=("w1",))
        driver.begin()
        for i in range(40):
            driver.take(priority="senior" if seniors and i % 2 else "normal", confirmed=True)
        for key in (0, 900):
            found = driver.hall.state.estimate("A", 5, (driver.now - key * SECOND, 10**6, 0), driver.now)
            assert found is not None
            waits[seniors].append(found[1])
    assert waits[True][0] > waits[False][0] == waits[False][1] == waits[True][1]


def test_whoever_does_not_come_costs_little() -> None:
    """The time that windows wait in vain is learned as well, and so is the time between two citizens; undo forgets."""
    driver = Driver()
    line = driver.hall.state.lines["A"]
    driver.take()
    driver.take()
    driver.call()
    driver.miss()
    assert (line.service_count, line.service_sum) == (1, round(driver.plan.limits.no_show_after_s) * SECOND)
    driver.do(c.Undo("w1"))
    assert (line.service_count, line.service_sum) == (0, 0)
    driver.do(c.StartService("w1"))
    driver.wait(100)
    driver.do(c.FinishTicket("w1"))
    before = line.service_sum
    driver.wait(15)
    driver.call()
    assert line.service_sum == before + 15 * SECOND


def test_a_wrong_roster_is_refused() -> None:
    """Times must be times of day in order, counts not negative, and rests have a length; every mistake is named."""
    zones = [
        {"id": "g", "name": WORDS, "roster": [["08:30", 2], ["8:45", 3], ["08:30", 1], ["09:00", -1]]},
        {"id": "p", "name": WORDS},
    ]
    found = problems(tables(zones=zones, service={"break_every_s": 0, "break_s": -1}))
    assert [line.split(":")[0] for line in found] == [
        "zones[0].roster[1]", "zones[0].roster[2]", "zones[0].roster[3]", "service.break_every_s", "service.break_s",
    ]  # fmt: skip
