"""The tide: since when its conditions hold, what it advises, and how windows follow (R95, design section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.halls import SECOND, Driver, local, make_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.queue.tickets import Parked

RULE = {
    "open_waiting_per_window": 3, "open_wait_s": 600, "open_for_s": 60, "close_waiting_per_window": 1,
    "close_wait_s": 120, "close_for_s": 90, "settle_s": 30, "min_open_s": 300,
}  # fmt: skip


def hall(*, windows: tuple[str, ...] = ("w1",), tidal: int = 2, **rule: Any) -> Driver:
    """A zone with w1, w2 and tidal windows t1 …; from 09:00 on."""
    words = {"zh": "名", "en": "Name"}
    rows = [{"id": f"w{n}", "label": str(n), "zone": "g", "lines": ["A", "B"]} for n in (1, 2)]
    rows += [
        {"id": f"t{n}", "label": f"T{n}", "zone": "g", "post": "tidal", "lines": ["A"]} for n in range(1, tidal + 1)
    ]
    rows.append({"id": "p1", "label": "9", "zone": "p", "lines": ["C"]})
    plan = make_plan(windows=rows, tide={"g": {**RULE, **rule}}, zones=[
        {"id": "g", "kind": "general", "name": words, "posts": {"supervisor": 1}},
        {"id": "p", "kind": "specialist", "name": words},
    ])  # fmt: skip
    return Driver(plan, windows=windows)


def take(d: Driver, n: int, line: str = "A") -> None:
    """`n` people take numbers now."""
    for _ in range(n):
        d.taken += 1
        d.do(c.TakeTicket(f"k{d.taken}", line))


def brought(d: Driver, seconds: float = 0.0) -> list[Any]:
    """What time brings in so many seconds."""
    d.now += round(seconds * SECOND)
    return d.wake()


def done(d: Driver, command: c.Command) -> list[Any]:
    """What a command brings."""
    return list(d.do(command))


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_open_after_it_has_held() -> None:
    """More than three for each open window, for a minute: advice to the second, with its numbers."""
    d = hall()
    take(d, 3)
    assert brought(d, 300) == []
    take(d, 1)
    begun = d.now
    assert brought(d, 59.999999) == []
    (advised,) = brought(d, 0.000001)
    assert isinstance(advised, e.TideAdvised)
    assert (advised.window, advised.action, advised.since, advised.due) == ("t1", "open", begun, begun + 60 * SECOND)
    assert (advised.waiting, advised.open_windows, advised.longest, advised.staff) == (4, 1, 360 * SECOND, None)
    assert brought(d, 3600 * 0.1) == []  # once


def test_late_waking_changes_nothing() -> None:
    """However late the hall is woken, the advice says when it was due."""
    d = hall()
    take(d, 4)
    begun = d.now
    (advised,) = brought(d, 1200)
    assert (advised.due, advised.longest) == (begun + 60 * SECOND, 60 * SECOND)


def test_holding_must_be_unbroken() -> None:
    """A moment below the limit begins the minute anew."""
    d = hall()
    take(d, 4)
    assert brought(d, 40) == []
    d.do(c.CancelTicket("k4"))
    d.now += 5 * SECOND
    take(d, 1)
    begun = d.now
    assert brought(d, 59) == []
    assert brought(d, 1)[0].since == begun


def test_long_wait_alone_is_enough() -> None:
    """One person who waits more than ten minutes, for a minute."""
    d = hall()
    take(d, 1)
    begun = d.now
    assert d.hall.wakes_at() == begun + 660 * SECOND
    (advised,) = brought(d, 660)
    assert advised.since == begun + 600 * SECOND


def test_long_wait_goes_on_over_two_people() -> None:
    """Who comes to the front has waited long too: the condition is unbroken; a younger one breaks it."""
    d = hall()
    take(d, 1)
    begun = d.now
    d.now += 10 * SECOND
    take(d, 1)
    d.now = begun + 630 * SECOND
    d.do(c.CallTicket("w1"))  # k1 goes; k2 has waited 620 s
    assert brought(d, 29.999999) == []
    assert brought(d, 0.000001)[0].since == begun + 600 * SECOND
    other = hall()
    take(other, 1)
    other.now += 300 * SECOND
    take(other, 1)
    other.now += 310 * SECOND
    other.do(c.CallTicket("w1"))
    assert brought(other, 60) == []


def test_advice_lapses_when_its_reason_goes() -> None:
    """The line has shrunk: the advice ends by an event, at the moment it did; the next needs its minute again."""
    d = hall()
    take(d, 4)
    brought(d, 60)
    d.now += 10 * SECOND
    d.do(c.CancelTicket("k1"))
    gone = d.now
    (lapsed,) = brought(d, 5)
    assert isinstance(lapsed, e.TideLapsed)
    assert (lapsed.window, lapsed.action, lapsed.due) == ("t1", "open", gone)
    take(d, 1)
    assert brought(d, 59) == []
    assert kinds(brought(d, 1)) == ["TideAdvised"]


def test_confirmed_opens_without_a_sign_in_and_settles() -> None:
    """The window opens, signing in follows; the next step waits for the settling time."""
    d = hall(settle_s=200)
    take(d, 20)
    brought(d, 60)
    confirmed, opened = done(d, c.OpenTidal("t1"))
    assert (confirmed.advised, opened.window, opened.staff) == (True, "t1", None)
    assert d.hall.state.windows["t1"].state == "open"
    assert kinds(d.do(c.SignIn("t1", "li"))) == ["StaffSignedIn"]
    assert kinds(d.do(c.CallTicket("t1"))) == ["TicketCalled"]
    assert brought(d, 199) == []
    (second,) = brought(d, 1)
    assert (second.window, second.open_windows) == ("t2", 2)


def test_a_step_of_ones_own_is_on_record() -> None:
    """A supervisor opens before anything is advised; the staff named takes the window."""
    d = hall()
    signed, confirmed, opened = done(d, c.OpenTidal("t2", "wang"))
    assert (signed.staff, confirmed.advised, confirmed.staff, opened.staff) == ("wang", False, "wang", "wang")
    assert d.do(c.OpenTidal("t2")) == []
    assert d.refusal(c.OpenTidal("w1")).code == "not_tidal"


def test_reserve_names_who_is_free() -> None:
    """The first of the reserve who sits nowhere."""
    d = hall()
    d.do(c.SetReserve("g", ("li", "wang")))
    d.do(c.SignIn("w2", "li"))
    take(d, 4)
    assert brought(d, 60)[0].staff == "wang"
    assert d.do(c.SetReserve("g", ("li", "wang"))) == []
    assert d.refusal(c.SetReserve("x", ())).code == "unknown_zone"


def test_close_when_calm() -> None:
    """Below both closing values for the closing time, and not before the least open time."""
    d = hall(windows=("w1", "w2"), min_open_s=500)
    d.do(c.OpenTidal("t1", "li"))
    begun = d.now
    assert brought(d, 499) == []
    (advised,) = brought(d, 1)
    assert (advised.action, advised.window, advised.due, advised.staff) == ("close", "t1", begun + 500 * SECOND, "li")
    confirmed, closed = done(d, c.CloseTidal("t1"))
    assert (confirmed.action, confirmed.advised, closed.window) == ("close", True, "t1")
    assert brought(d, 3600) == []


def test_calm_that_may_last_after_all_is_not_overslept() -> None:
    """The one whose wait would have ended the calm is called: the closing time runs on, and the hall wakes for it."""
    d = hall(windows=("w1", "w2"), min_open_s=0, close_for_s=130, close_waiting_per_window=2)
    d.do(c.OpenTidal("t1", "li"))
    began = d.now
    take(d, 1)
    assert d.hall.wakes_at() == began + 660 * SECOND, "nobody would be advised to close before"
    d.now += 10 * SECOND
    take(d, 1)
    d.do(c.CallTicket("w1"))
    d.do(c.CallTicket("w2"))
    assert d.hall.wakes_at() == began + 130 * SECOND
    d.now = began
    assert brought(d, 130)[0].since == began


def test_the_window_to_close() -> None:
    """Of those open for their least time an idle one, else the one open longest; a busy one is no reason to wait."""
    d = hall(windows=("w1",), min_open_s=500)
    d.do(c.OpenTidal("t1", "li"))
    begun = d.now
    d.now += 400 * SECOND
    d.do(c.OpenTidal("t2", "wang"))
    take(d, 1)
    d.do(c.CallTicket("t1"))
    assert d.hall.wakes_at() == begun + 500 * SECOND
    d.now = begun
    (advised,) = brought(d, 500)
    assert (advised.window, advised.due) == ("t1", begun + 500 * SECOND), "t2 has not been open long enough"
    other = hall(windows=("w1",), min_open_s=0)
    other.do(c.OpenTidal("t1", "li"))
    other.now += 10 * SECOND
    other.do(c.OpenTidal("t2", "wang"))
    take(other, 3)
    assert brought(other, 300) == []
    other.do(c.CallTicket("t1"))
    for n in (2, 3):
        other.do(c.CancelTicket(f"k{n}"))
    assert brought(other, 90)[0].window == "t2", "the idle one, though t1 has been open longer"


def test_calm_ends_by_time_alone() -> None:
    """One who waits two minutes ends the calm, though nobody came or went; the advice lapses at that second."""
    d = hall(windows=("w1", "w2"), min_open_s=0)
    d.do(c.OpenTidal("t1", "li"))
    brought(d, 80)
    take(d, 1)
    came = d.now
    assert kinds(brought(d, 10)) == ["TideAdvised"]
    (lapsed,) = brought(d, 110)
    assert (lapsed.action, lapsed.due) == ("close", came + 120 * SECOND)


def test_calm_that_a_long_wait_would_end_first_brings_no_advice() -> None:
    """The closing time would be over only after somebody has waited too long."""
    d = hall(windows=("w1", "w2"), min_open_s=0, close_for_s=130)
    d.do(c.OpenTidal("t1", "li"))
    take(d, 1)
    assert brought(d, 500) == []
    d.do(c.CallTicket("w1"))
    began = d.now
    assert brought(d, 129) == []
    assert brought(d, 1)[0].since == began


@pytest.mark.parametrize("end", ["finish", "reject", "suspend", "transfer", "miss", "cancel", "next"])
def test_a_window_finishes_its_citizen_before_it_closes(end: str) -> None:
    """However the citizen goes, the window closes then and calls nobody before."""
    d = hall(windows=("w1", "w2"))
    d.do(c.OpenTidal("t1", "li"))
    take(d, 2)
    d.do(c.CallTicket("t1"))
    if end not in ("miss", "cancel"):
        d.do(c.StartService("t1"))
    assert kinds(d.do(c.CloseTidal("t1"))) == ["TideConfirmed"]
    assert d.hall.state.windows["t1"].state == "open"
    assert d.do(c.CloseTidal("t1")) == []
    d.now += 70 * SECOND
    d.wake()
    commands: dict[str, c.Command] = {
        "finish": c.FinishTicket("t1"), "reject": c.RejectTicket("t1", ("id",)), "next": c.NextTicket("t1"),
        "suspend": c.SuspendTicket("t1", Parked.HOLD), "transfer": c.TransferTicket("t1", line="B"),
        "miss": c.MissTicket("t1"), "cancel": c.CancelTicket("k1"),
    }  # fmt: skip
    assert kinds(d.do(commands[end]))[-1] == "WindowClosed"
    window = d.hall.state.windows["t1"]
    assert (window.state, window.closing, window.ticket) == ("closed", False, None)


def test_a_closing_window_calls_nobody_and_may_stay_open() -> None:
    """Until its citizen goes it refuses to call; opening takes the closing back."""
    d = hall(windows=("w1",))
    d.do(c.OpenTidal("t1", "li"))
    take(d, 2)
    d.do(c.CallTicket("t1"))
    d.do(c.CloseTidal("t1"))
    assert "next" not in d.hall.state.allowed("t1", d.now)
    assert kinds(d.do(c.OpenTidal("t1"))) == ["TideConfirmed"]
    d.do(c.StartService("t1"))
    assert kinds(d.do(c.NextTicket("t1"))) == ["TicketFinished", "TicketCalled"]


def test_paused_windows_do_not_count() -> None:
    """Three wait at two windows; one pauses, and it is too many for the other."""
    d = hall(windows=("w1", "w2"), open_waiting_per_window=2)
    take(d, 3)
    assert brought(d, 300) == []
    d.do(c.PauseWindow("w2", "tea"))
    begun = d.now
    (advised,) = brought(d, 60)
    assert (advised.since, advised.open_windows) == (begun, 1)


def test_nobody_open_is_an_alert_at_once() -> None:
    """People wait and no window is open: an alert for the zone's supervisor, over when one opens."""
    d = hall(windows=())
    assert d.wake() == []
    take(d, 1)
    (raised,) = brought(d, 0)
    assert (raised.alert_kind, raised.about, raised.owner, raised.due) == ("no_window_open", "g", "supervisor:g", d.now)
    d.do(c.SignIn("w1", "li"))
    d.do(c.OpenWindow("w1"))
    assert kinds(brought(d, 0)) == ["AlertEnded"]
    take(d, 1, "C")
    assert [(x.about, x.owner) for x in brought(d, 1)] == [("p", "manager")]  # a zone without a tide rule too


def test_breaks_are_no_tide() -> None:
    """At lunch nobody is advised; what still waits after it counts from the session's beginning."""
    d = hall()
    d.now = local("2026-11-23 11:59:30")
    take(d, 9)
    d.now = local("2026-11-23 12:30")
    assert kinds(d.wake()) == ["SessionEnded"]
    assert d.hall.wakes_at() == local("2026-11-23 14:00")
    d.now = local("2026-11-23 14:05")
    events: list[Any] = d.wake()
    assert kinds(events) == ["SessionStarted", "AlertRaised", "TideAdvised"]
    assert (events[1].alert_kind, events[1].due) == ("long_wait", local("2026-11-23 14:00"))
    assert (events[2].since, events[2].due) == (local("2026-11-23 14:00"), local("2026-11-23 14:01"))


def test_automatic_halls_confirm_at_once() -> None:
    """Where the plan says so, the advice is followed in the same breath."""
    d = hall(confirm="automatic", min_open_s=0, windows=("w1", "w2"))
    take(d, 7)
    advised, confirmed, opened = brought(d, 60)
    assert kinds([advised, confirmed, opened]) == ["TideAdvised", "TideConfirmed", "WindowOpened"]
    assert confirmed.advised, "not of somebody's own"
    for n in range(1, 8):
        d.do(c.CancelTicket(f"k{n}"))
    assert kinds(brought(d, 90)) == ["TideAdvised", "TideConfirmed", "WindowClosed"]


def test_another_plan_takes_the_advice_back() -> None:
    """A plan adopted while advice stands: the advice lapses first, and the new rule is weighed from then on."""
    d = hall()
    take(d, 4)
    brought(d, 60)
    softer = hall(open_waiting_per_window=4).plan
    assert kinds(d.do(c.AdoptPlan(softer, now=True))) == ["TideLapsed", "PlanAdopted"]
    assert brought(d, 100) == []


def test_a_snapshot_keeps_the_tide() -> None:
    """Restored in the middle of a condition, the hall advises at the same second; a copy too."""
    d = hall()
    take(d, 4)
    d.now += 30 * SECOND
    again, copy = Hall.restore(d.hall.snapshot()), d.hall.copy()
    assert again.facts() == copy.facts() == d.hall.facts()
    at = d.hall.wakes_at()
    assert at == again.wakes_at() == copy.wakes_at()
    assert at is not None
    assert again.wake(at) == copy.wake(at) == d.hall.wake(at)


def test_unknown_window() -> None:
    """A window that the plan does not have."""
    with pytest.raises(Refusal, match="unknown_window"):
        hall().do(c.CloseTidal("nowhere"))
