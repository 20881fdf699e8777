"""S25: an estimate never falls when a window closes and never rises when somebody ahead leaves; never 0."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, make_plan
from tidehall.hall import commands as c
from tidehall.queue.estimates import estimate, level, service_mean
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
    """Water fills the least burdened windows first; an idle window starts one service lower."""
    assert level(0, [(1, 0, 0.0)]) == 1.0
    assert level(3, [(2, 0, 0.0)]) == 2.0
    assert level(0, [(1, 1, 0.0)]) == 0.0
    assert level(1, [(1, 0, 0.0), (1, 0, 5.0)]) == 2.0
    assert level(6, [(1, 0, 0.0), (1, 0, 5.0)]) == 6.0


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


def test_faster_service_is_a_shorter_wait() -> None:
    """Twice the service time is twice the wait, whatever the place."""
    once, twice = estimate(5, [(3, 0, 0.0)], 100e6, 3), estimate(5, [(3, 0, 0.0)], 200e6, 3)
    assert once is not None
    assert twice is not None
    assert all(abs(b - 2 * a) <= 2 for a, b in zip(once, twice, strict=True))
    assert estimate(5, [], 100e6, 3) is None
