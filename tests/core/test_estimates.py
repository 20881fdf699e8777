"""S25: an estimate never falls when a window closes and never rises when somebody ahead leaves; never 0."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, make_plan, problems, tables
from tidehall.hall import commands as c
from tidehall.queue.estimates import AT_ONCE, Step, estimate, minutes_shown, quantiles, reached, service_mean
from tidehall.queue.tickets import Estimate, Parked

WORDS = {"zh": "名", "en": "Name"}
LINES = "ABCD"
#: Sums in another order may differ in the last bits of a float: 1 ms of some hours.
ROUNDING = 1000

#: Whom a window serves: some lines, or (as mostly) all of them; and how it stands.
states = st.sampled_from(["closed", "open", "busy", "paused"])
windows = st.one_of(
    st.lists(st.tuples(st.sets(st.sampled_from(LINES), min_size=1), states), min_size=1, max_size=7),
    st.lists(st.tuples(st.just(set(LINES)), states), min_size=1, max_size=7),
)
people = st.lists(st.tuples(st.sampled_from(LINES), st.booleans()), max_size=25)
#: How long ago all that was, in seconds: rests are far away, due soon, or were due and are left out or not.
ages = st.sampled_from([0, 100, 900, 1500, 4000])
#: Items that take a fifth of their line's time, or six times as long.
ITEMS = [
    {"code": f"{line}-{i}", "name": WORDS, "department": "d", "line": line, "service_s": seconds}
    for line in LINES
    for i, seconds in enumerate((120, 3600))
]
ROSTER = [["08:30", 7], ["09:05", 2], ["11:00", 4]]


def hall(
    windows: list[tuple[set[str], str]], people: list[tuple[str, bool]], age: int = 0, *, roster: bool = False
) -> Driver:
    """A hall with rests and services of all lengths in which these windows stand so and these people wait; the first
    of them was called and did not come."""
    rows = [
        {"id": f"w{i}", "label": str(i), "zone": "g", "lines": sorted(lines)} for i, (lines, _) in enumerate(windows)
    ]
    lines = [
        {"id": x, "letter": x, "zone": "g", "name": WORDS, "service_s": seconds}
        for x, seconds in zip(LINES, (120, 600, 600, 1800), strict=True)
    ]
    zones = [{"id": "g", "name": WORDS, **({"roster": ROSTER} if roster else {})}]
    service = {"break_every_s": 2400, "break_s": 480}
    plan = make_plan(windows=rows, lines=lines, zones=zones, items=ITEMS, service=service, boards=[])
    driver = Driver(plan, windows=())
    for i, (serves, state) in enumerate(windows):
        if state != "closed":
            driver.do(c.SignIn(f"w{i}", f"clerk-{i}"))
            driver.do(c.OpenWindow(f"w{i}"))
        if state == "busy":
            line = sorted(serves)[i % len(serves)]
            driver.begin(line, f"w{i}", item=[None, f"{line}-0", f"{line}-1"][i % 3])
        if state == "paused":
            driver.do(c.PauseWindow(f"w{i}", "r"))
    for line, senior in people:
        driver.wait(30)
        driver.take(line, priority="senior" if senior else "normal", confirmed=True)
    driver.wait(age)
    idle = next((w for w in driver.hall.state.windows.values() if w.state == "open" and w.ticket is None), None)
    if idle is not None and driver.call(idle.id):
        driver.miss(idle.id)
    return driver


def estimates(driver: Driver) -> dict[str, Estimate | None]:
    """The estimate of everybody who waits, and of one who would come to each line now (by the line's name)."""
    state, now = driver.hall.state, driver.now
    waiting = [t for t in state.tickets.values() if t.state == "waiting"]
    found = {t.id: state.estimate(t.line, state.ahead(t) or 0, t.rank, now) for t in waiting}
    return found | {line: state.estimate(line, len(state.lines[line].waiting), None, now) for line in LINES}


@settings(max_examples=60, deadline=None)
@given(windows, people, ages, st.booleans(), st.data())
def test_never_falls_when_a_window_closes(
    stand: list[tuple[set[str], str]], people: list[tuple[str, bool]], age: int, roster: bool, data: st.DataObject
) -> None:
    """S25: whichever window closes or rests, p10, p50 and p90 of everybody stay or rise, or become unknown."""
    driver = hall(stand, people, age, roster=roster)
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


@settings(max_examples=60, deadline=None)
@given(windows, people, ages, st.booleans(), st.data())
def test_never_rises_when_somebody_ahead_leaves(
    stand: list[tuple[set[str], str]], people: list[tuple[str, bool]], age: int, roster: bool, data: st.DataObject
) -> None:
    """S25: when somebody ahead gives the number back or lets others go first, nobody behind is told a longer wait."""
    driver = hall(stand, people, age, roster=roster)
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


def test_windows_become_free_at_their_rate() -> None:
    """One window that ends a service a minute: the wait's quantiles are the gamma distribution's; two windows halve it;
    one that comes later counts from then on."""
    one = reached(3.0, [(0.0, 1 / 60, 0)])
    assert one == [60 * goal for goal in quantiles(3.0)]
    assert reached(3.0, [(0.0, 2 / 60, 0)]) == [wait / 2 for wait in one]
    late = reached(3.0, [(0.0, 1 / 60, 0), (60.0, 1 / 60, 0)])
    assert [round(wait) for wait in late] == [round(wait if wait <= 60 else 30 + wait / 2) for wait in one]


def test_a_window_that_comes_back_takes_one_at_once() -> None:
    """With nobody in front it is the asker's, surely; with one in front a service must end before."""
    assert reached(1.0, [(5.0, 1 / 60, 1)]) == [5.0] * 3
    assert reached(2.0, [(5.0, 1 / 60, 1), (9.0, 1 / 60, 1)])[1] == 9.0
    assert reached(2.0, [(5.0, 1 / 60, 1)]) == [5 + 60 * goal for goal in quantiles(1.0)]
    assert 5.0 < reached(1.0, [(0.0, 1 / 60, 0), (50.0, 0.0, 1)])[0] < reached(1.0, [(0.0, 1 / 60, 0)])[0] + 1e-9


def test_nobody_is_taken_while_all_windows_rest() -> None:
    """A rest delays what is reached after it by its whole length, and nothing before it."""
    steps: list[Step] = [(0.0, 1 / 60, 0), (100.0, -1 / 60, 0), (400.0, 1 / 60, 0)]
    plain = reached(2.0, steps[:1])
    assert [round(wait) for wait in reached(2.0, steps)] == [round(w if w <= 100 else w + 300) for w in plain]


comings = st.tuples(st.floats(0, 3), st.integers(1, 3), st.booleans())


def course(windows: list[tuple[float, int, bool]]) -> list[Step]:
    """So many windows from then on, each ending a service in one unit of time."""
    return sorted((at, float(n), n if comes else 0) for at, n, comes in windows)


@settings(max_examples=100, deadline=None)
@given(st.lists(comings, min_size=1, max_size=4), st.floats(1, 6), st.floats(0, 2), st.data())
def test_less_room_or_more_people_never_make_it_shorter(
    windows: list[tuple[float, int, bool]], people: float, more: float, data: st.DataObject
) -> None:
    """Whatever lets windows come later, takes one away or lets one more in front makes nobody's wait shorter."""
    i = data.draw(st.integers(0, len(windows) - 1))
    at, n, comes = windows[i]
    before = reached(people, course(windows))
    fewer = [(at, n - 1, comes)] if n > 1 else []
    worse = [
        reached(people + more, course(windows)),
        reached(people, course([*windows[:i], (at + more, n, comes), *windows[i + 1 :]])),
    ]
    if rest := [*windows[:i], *fewer, *windows[i + 1 :]]:
        worse.append(reached(people, course(rest)))
    for after in worse:
        assert all(b >= a - 1e-6 for a, b in zip(before, after, strict=True))


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
    one, many = quantiles(1.0), [goal / 50 for goal in quantiles(50.0)]
    assert [round(x, 2) for x in one] == [0.09, 0.7, 2.29]
    assert one[0] < many[0] < many[1] < many[2] < one[2]
    assert estimate(0.0, 0.0, 0.0) == estimate(0.0, 5e5, 9e6) == AT_ONCE


def test_minutes_are_rounded_outward() -> None:
    """Citizens read whole minutes, p10 rounded down and p90 up, never 0 and never one figure alone."""
    minute = 60_000_000
    assert minutes_shown((119 * 1_000_000, 0, 10 * minute + 1)) == (1, 11)
    assert minutes_shown((2 * minute, 0, 3 * minute)) == (2, 3)
    assert minutes_shown((1, 2, 3)) == minutes_shown(AT_ONCE) == (1, 2)


LINE = [{"id": "A", "letter": "A", "zone": "g", "name": WORDS}]
ONE = [{"id": "w1", "label": "1", "zone": "g", "lines": ["A"]}]
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


def test_a_break_that_has_begun_sends_the_windows_away() -> None:
    """Who comes when the last citizens before noon are still served is told two o'clock, not the end of their service;
    and so is nobody whose window called somebody in the break: it works on."""
    two_o_clock = LUNCH - 5 * 60 * SECOND
    assert two_o_clock <= at("12:05", 2, 0)[0] <= at("12:05", 2, 0)[2] < two_o_clock + 60 * SECOND
    assert at("12:05", 2, 4)[1] > two_o_clock + 600 * SECOND


def test_services_under_way_teach() -> None:
    """The longer services last without an end, the longer those of the others are thought to last; but not for ever:
    somebody who was forgotten at a window counts as twice the plan's time."""
    soon, later, forgotten, for_long = (at(text, 2, 9)[1] for text in ("08:32", "08:46", "09:00", "09:25"))
    assert soon < later < forgotten
    assert later < 1.1 * soon
    assert for_long == forgotten


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


def test_what_a_window_is_busy_with_is_known() -> None:
    """Who is next waits as long as the matter in front takes by the plan; who comes after that waits for the usual."""
    items = [
        {"code": code, "name": WORDS, "department": "d", "line": "A", "service_s": seconds}
        for code, seconds in (("long", 2400), ("short", 150))
    ]
    waits = {}
    for item in ("long", None, "short"):
        driver = Driver(make_plan(items=items, lines=[{**LINE[0], "service_s": 600}], windows=ONE, boards=[]))
        driver.begin(item=item)
        waits[item] = [driver.hall.state.estimate("A", ahead, None, driver.now) or AT_ONCE for ahead in (0, 9)]
    assert [waits["long"][0][1] // waits[item][0][1] for item in ("long", None, "short")] == [1, 4, 16]
    assert waits["long"][1][1] < 2 * waits["short"][1][1]


def test_who_leaves_by_the_roster_takes_nobody_more() -> None:
    """Where the roster has had one window since ten, the other one of two that were busy then does not count on."""
    alone = at("10:05", 1, 2, roster=[["08:30", 1]])  # one long service teaches a bit less than two
    assert at("10:05", 2, 2, roster=[["08:30", 2], ["10:00", 1]]) == pytest.approx(alone, rel=0.06)
    assert at("10:05", 2, 2, roster=[["08:30", 2]])[1] < alone[1]


def test_who_was_missed_counts_for_a_minute() -> None:
    """Somebody in front who was missed before is thought to be missed again."""
    driver = Driver(make_plan(windows=ONE, lines=LINE, items=[], boards=[]))
    driver.take()
    driver.call()
    driver.miss()
    driver.begin()
    driver.wait(300)
    driver.take()
    now = driver.now
    two = driver.hall.state.estimate("A", 2, None, now)
    assert driver.hall.state.ahead(driver.ticket(driver.take())) == 2
    driver.do(c.CancelTicket("t1"))
    one = driver.hall.state.estimate("A", 1, None, now)
    assert one is not None
    assert two is not None
    assert 0 < two[1] - one[1] < 65 * SECOND
