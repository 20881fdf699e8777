"""Windows: signing in, opening, pausing, calling, transferring, lines of the day, and adopting a plan."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.halls import Driver, make_plan, tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.state import WINDOW_LIFE
from tidehall.queue.tickets import Parked

WORDS = {"zh": "名", "en": "Name"}


def test_a_closed_or_paused_window_calls_nobody() -> None:
    """Each answers with its own code and with what helps."""
    driver = Driver()
    driver.take()
    refused = driver.refusal(c.CallTicket("w2"))
    assert (refused.code, refused.status, refused.allowed) == ("window_closed", 409, ("open",))
    driver.do(c.PauseWindow("w1", "tea"))
    assert driver.refusal(c.CallTicket("w1")).allowed == ("resume",)
    assert driver.refusal(c.NextTicket("w1")).code == "window_paused"
    assert driver.refusal(c.OpenWindow("w1")).code == "window_paused"
    assert driver.refusal(c.CallTicket("w9")).code == "unknown_window"
    driver.do(c.ResumeWindow("w1"))
    assert driver.call("w1") is not None


def test_pause_needs_a_reason_and_serves_on() -> None:
    """A paused window finishes its citizen; the reason stands until it resumes."""
    driver = Driver()
    driver.begin()
    assert driver.refusal(c.PauseWindow("w1", "")).code == "invalid"
    driver.do(c.PauseWindow("w1", "tea"))
    assert driver.window("w1").reason == "tea"
    assert driver.refusal(c.CloseWindow("w1")).code == "window_busy"
    driver.do(c.FinishTicket("w1"))
    driver.do(c.ResumeWindow("w1"))
    assert (driver.window("w1").state, driver.window("w1").reason) == ("open", None)


def test_repeating_a_step_changes_nothing() -> None:
    """Opening the open, closing the closed, signing in again: no event, no refusal."""
    driver = Driver()
    for command in (c.OpenWindow("w1"), c.SignIn("w1", "staff-w1"), c.ResumeWindow("w1"), c.CloseWindow("w2")):
        assert driver.do(command) == []
    assert driver.do(c.SetLines("w1", ("A", "B", "A"))) == []


def test_one_person_sits_at_one_window() -> None:
    """Signing in elsewhere is refused, or leaves the old window, which closes; not with a citizen in front."""
    driver = Driver(windows=("w1", "w2"))
    assert driver.refusal(c.SignIn("w3", "staff-w1")).code == "signed_in_elsewhere"
    events = driver.do(c.SignIn("w3", "staff-w1", take_over=True))
    assert [type(ev) for ev in events] == [e.WindowClosed, e.StaffSignedOut, e.StaffSignedIn]
    driver.begin(window="w2")
    assert driver.refusal(c.SignIn("w4", "staff-w2", take_over=True)).code == "signed_in_elsewhere"
    assert driver.refusal(c.SignOut("w2")).code == "window_busy"
    assert driver.refusal(c.SignOut("w4")).code == "window_unstaffed"


def test_recall_has_a_gap_and_an_end() -> None:
    """At least 20 s apart, at most three calls, each at the same call id."""
    driver = Driver()
    driver.take()
    assert driver.refusal(c.RecallTicket("w1")).code == "ticket_not_called"
    driver.call()
    driver.wait(19.999)
    assert driver.refusal(c.RecallTicket("w1")).code == "too_early"
    attempts = []
    for _ in range(2):
        driver.wait(20)
        attempts += [
            (ev.call, ev.attempt) for ev in driver.do(c.RecallTicket("w1")) if isinstance(ev, e.TicketRecalled)
        ]
    assert attempts == [("c1", 2), ("c1", 3)]
    driver.wait(20)
    assert driver.refusal(c.RecallTicket("w1")).code == "calls_used_up"


def test_no_show_after_the_last_call_or_a_minute() -> None:
    """No-show is refused before 60 s, unless all calls are made."""
    driver = Driver()
    driver.take()
    driver.call()
    driver.wait(59)
    assert driver.refusal(c.MissTicket("w1")).code == "too_early"
    driver.do(c.RecallTicket("w1"))
    driver.wait(20)
    assert driver.refusal(c.MissTicket("w1")).code == "too_early"
    driver.do(c.RecallTicket("w1"))
    assert [type(ev) for ev in driver.do(c.MissTicket("w1"))] == [e.TicketMissed]


def test_a_chosen_call_needs_a_reason() -> None:
    """Out of turn only with a reason, which is kept, and only in a line that the window serves."""
    driver = Driver(windows=("w1", "w4"))
    driver.take()
    id = driver.take()
    assert driver.refusal(c.CallTicket("w1", id)).code == "invalid"
    assert driver.refusal(c.CallTicket("w4", id, "r")).code == "line_not_served"
    assert driver.refusal(c.CallTicket("w1", "nobody", "r")).code == "unknown_ticket"
    event = driver.do(c.CallTicket("w1", id, "frail"))[0]
    assert isinstance(event, e.TicketCalled)
    assert (event.chosen, event.reason, event.staff) == (True, "frail", "staff-w1")


def test_nobody_waiting_is_no_error() -> None:
    """A call with nobody to call brings nothing; next finishes and brings nobody."""
    driver = Driver()
    assert driver.do(c.CallTicket("w1")) == []
    driver.begin()
    assert [type(ev) for ev in driver.do(c.NextTicket("w1"))] == [e.TicketFinished]
    driver.take()
    driver.call()
    assert driver.refusal(c.NextTicket("w1")).code == "ticket_not_serving"


def test_next_is_one_decision() -> None:
    """Finish and call come together, at the same time."""
    driver = Driver()
    id, after = driver.begin(), driver.take()
    events = driver.do(c.NextTicket("w1"))
    assert [(type(ev), getattr(ev, "ticket", None)) for ev in events] == [
        (e.TicketFinished, id),
        (e.TicketCalled, after),
    ]
    assert len({ev.at for ev in events}) == 1


def test_transfer_places() -> None:
    """The arrival counts; front and end need a reason; the number stays."""
    driver = Driver(windows=("w1", "w4"))
    moved = [driver.take() for _ in range(3)]
    driver.wait(60)
    waiting = [driver.take("B") for _ in range(2)]
    for id, place in zip(moved, ("arrival", "front", "end"), strict=True):
        number = driver.ticket(id).number
        driver.do(c.CallTicket("w1", id, "r"))
        driver.do(c.StartService("w1"))
        if place != "arrival":
            assert driver.refusal(c.TransferTicket("w1", line="B", place=place)).code == "invalid"  # type: ignore[arg-type] # from the tuple above
        driver.do(c.TransferTicket("w1", line="B", place=place, reason="r", note="n"))  # type: ignore[arg-type] # the same
        assert (driver.ticket(id).number, driver.ticket(id).note) == (number, "n")
    assert driver.waiting("B") == [moved[1], moved[0], *waiting, moved[2]]


def test_transfer_wants_one_aim() -> None:
    """A line or a window, known and not this one, and not where the holder queues already."""
    driver = Driver()
    driver.begin(holder="h")
    for wrong in (c.TransferTicket("w1"), c.TransferTicket("w1", line="B", to="w2"), c.TransferTicket("w1", to="w1")):
        assert driver.refusal(wrong).code == "invalid"
    assert driver.refusal(c.TransferTicket("w1", line="Q")).code == "unknown_line"
    assert driver.refusal(c.TransferTicket("w1", to="w9")).code == "unknown_window"
    driver.take("B", holder="h")
    assert driver.refusal(c.TransferTicket("w1", line="B")).code == "already_queueing"


def test_transfer_to_one_window() -> None:
    """Only that window calls the ticket, until it is closed or serves the line no more."""
    driver = Driver(windows=("w1", "w2", "w3"))
    id = driver.begin()
    driver.do(c.TransferTicket("w1", to="w2"))
    assert driver.call("w1") is None
    driver.do(c.SetLines("w2", ("B",)))
    assert driver.call("w1") == id
    driver.do(c.StartService("w1"))
    driver.do(c.SetLines("w2", ("A",)))
    driver.do(c.TransferTicket("w1", to="w2"))
    driver.do(c.PauseWindow("w2", "tea"))
    assert driver.call("w1") is None
    driver.do(c.CloseWindow("w2"))
    assert driver.call("w1") == id


def test_a_notice_lists_everything() -> None:
    """A rejection without a list is refused; what is missing stands with the ticket, each thing once."""
    driver = Driver()
    id = driver.begin()
    assert driver.refusal(c.RejectTicket("w1", ())).code == "invalid"
    driver.do(c.RejectTicket("w1", ("photo", "form", "photo")))
    assert driver.ticket(id).missing == ("photo", "form")
    assert driver.ticket(id).state == "rejected"


def test_lines_of_the_day() -> None:
    """A change of lines lapses with the day unless kept; lines of another zone are refused."""
    driver = Driver(make_plan(round_the_clock=True))
    assert driver.refusal(c.SetLines("w1", ("C",))).code == "invalid"
    assert driver.refusal(c.SetLines("w1", ("Q",))).code == "unknown_line"
    driver.do(c.SetLines("w1", ("B",)))
    driver.do(c.SetLines("w2", ("B",), keep=True))
    driver.take()
    assert driver.call() is None
    driver.until("2026-11-24 00:00")
    assert (driver.window("w1").lines, driver.window("w2").lines) == (("A", "B"), ("B",))
    assert driver.call() is not None


def test_lines_come_back_with_the_day_for_the_alert_too() -> None:
    """A window whose lines lapsed at midnight serves again: nobody stands before a zone without one."""
    driver = Driver(make_plan(round_the_clock=True), windows=("w1",))
    driver.do(c.SetLines("w1", ()))
    driver.take()
    driver.wake()
    alert = driver.hall.state.alerts["no_window_open:g"]
    assert alert.ended is None
    driver.until("2026-11-24 00:00")
    assert driver.hall.state.watches["g"].open == {"w1"}
    assert driver.hall.state.alerts["no_window_open:g"].ended is not None
    twin = Hall.restore(driver.hall.snapshot())
    assert twin.facts() == driver.hall.facts()
    assert twin.wakes_at() == driver.hall.wakes_at()


def test_what_is_allowed_now() -> None:
    """The window's keys follow its state and the ticket's."""
    driver = Driver()

    def allowed() -> set[str]:
        return set(driver.hall.state.allowed("w1", driver.now))

    assert allowed() == {"sign-in", "sign-out", "pause", "lines", "close", "call", "next", "unsuspend"}
    driver.take()
    driver.call()
    assert allowed() == {"sign-in", "pause", "lines", "start"}
    driver.wait(20)
    assert "recall" in allowed()
    assert "no-show" not in allowed()
    driver.wait(40)
    assert "no-show" in allowed()
    driver.do(c.StartService("w1"))
    assert {"finish", "next", "suspend", "transfer", "reject", "items"} <= allowed()
    driver.do(c.PauseWindow("w1", "r"))
    assert "next" not in allowed()
    driver.do(c.FinishTicket("w1"))
    assert allowed() == {"sign-in", "sign-out", "resume", "lines", "close", "undo"}


def test_window_life_is_whole() -> None:
    """Every state is in the table and every step leads to one of them."""
    assert {after for moves in WINDOW_LIFE.values() for after in moves.values()} == WINDOW_LIFE.keys()


# ---- adopting a plan


def smaller(**changes: Any) -> dict[str, Any]:
    """The small hall without line C, zone p's window and window w4."""
    whole = tables()
    return {"lines": whole["lines"][:2], "windows": whole["windows"][:3], **changes}


def test_no_plan_no_service() -> None:
    """A hall without a plan refuses everything but adopting one; its own, not another's."""
    driver = Driver(windows=())
    bare = Hall("t")
    assert bare.wakes_at() is None
    with pytest.raises(Exception, match="no_plan"):
        bare.decide(c.TakeTicket("x", line="A"), driver.now)
    other = make_plan(hall={"id": "other"})
    assert driver.refusal(c.AdoptPlan(other)).code == "other_hall"
    assert driver.do(c.AdoptPlan(driver.plan)) == []


def test_a_plan_comes_with_the_next_day() -> None:
    """By default a plan rules from the next service day; what has no place in it expires with the old one."""
    driver = Driver(make_plan(round_the_clock=True), windows=("w1", "w5"))
    stranded, kept = driver.take("C"), driver.take("A")
    served = driver.begin("C", "w5")
    driver.do(c.AdoptPlan(make_plan(round_the_clock=True, **smaller())))
    assert "C" in driver.hall.state.lines
    driver.do(c.AdoptPlan(make_plan(round_the_clock=True, **smaller(limits={"calls": 2}))))
    events = driver.until("2026-11-24 00:00")
    assert {ev.ticket for ev in events if isinstance(ev, e.TicketExpired)} == {stranded, served}
    assert set(driver.hall.state.lines) == {"A", "B"}
    assert set(driver.hall.state.windows) == {"w1", "w2", "w3"}
    assert driver.hall.state.rules.limits.calls == 2
    assert driver.call("w1") == kept
    assert driver.replayed().facts() == driver.hall.facts()


def test_a_window_is_free_after_its_line_ends() -> None:
    """Whoever was served in a line that ends leaves the window ready for the next."""
    driver = Driver(make_plan(round_the_clock=True))
    driver.begin("B")
    only_a = [{"id": "w1", "label": "1", "zone": "g", "lines": ["A"]}]
    changed = make_plan(round_the_clock=True, lines=tables()["lines"][:1], windows=only_a, items=[])
    driver.do(c.AdoptPlan(changed))
    driver.until("2026-11-24 00:01")
    assert driver.window("w1").ticket is None
    id = driver.take()
    assert driver.call() == id


def test_a_new_plans_hours_begin_with_its_day() -> None:
    """The first midnight already follows the plan that begins with it, both ways."""
    closed = make_plan(hall={"open_days": ["mon"]})
    driver = Driver(make_plan(round_the_clock=True))
    driver.do(c.AdoptPlan(closed))
    driver.until("2026-11-24 00:00")
    assert (driver.hall.state.issuing, driver.hall.state.in_session) == (False, False)
    driver = Driver(closed)
    driver.do(c.AdoptPlan(make_plan(round_the_clock=True)))
    driver.until("2026-11-24 00:00")
    assert (driver.hall.state.issuing, driver.hall.state.in_session) == (True, True)


def test_now_is_refused_with_the_list() -> None:
    """At once only if nothing stands against it, else everything that does is named."""
    driver = Driver(windows=("w1", "w4", "w5"))
    driver.take("C")
    driver.begin("B", "w4")
    driver.do(c.SuspendTicket("w4", Parked.HOLD))
    driver.do(c.CloseWindow("w4"))
    plan = make_plan(**smaller(hall={"time_zone": "Europe/Berlin"}))
    refused = driver.refusal(c.AdoptPlan(plan, now=True))
    assert refused.code == "plan_blocked"
    assert refused.details["against"] == [
        "time zone Asia/Shanghai cannot become Europe/Berlin",
        "ticket C001 is open in line C",
        "ticket B001 is kept at window w4",
        "window w5 is open",
    ]
    assert driver.refusal(c.AdoptPlan(plan)).details["against"] == refused.details["against"][:1]


def test_now() -> None:
    """With nothing against it a plan rules at once: new limits, new hours, open tickets keep their place."""
    driver = Driver(at="2026-11-23 09:01")
    id = driver.take()
    driver.do(c.AdoptPlan(make_plan(limits={"waiting_per_line": 1}, hall={"hours": [["08:30", "09:30"]]}), now=True))
    assert driver.waiting() == [id]
    assert driver.refusal(c.TakeTicket("x", line="A")).code == "line_full"
    assert [type(ev) for ev in driver.until("2026-11-23 09:30")] == [e.SessionEnded, e.IssuingEnded]
    assert driver.replayed().facts() == driver.hall.facts()


def test_now_brings_no_past() -> None:
    """Moments of the new hours that lie before the adoption are not made up for."""
    driver = Driver(at="2026-11-23 10:00")
    driver.do(c.AdoptPlan(make_plan(hall={"hours": [["09:00", "09:30"], ["11:00", "12:00"]]}), now=True))
    assert driver.wake() == []
    assert not driver.hall.state.in_session
    assert [type(ev) for ev in driver.until("2026-11-23 11:00")] == [e.SessionStarted]


def test_what_a_plan_took_away_stays_away() -> None:
    """A step cannot be undone, nor a void number restored, into a line that a plan adopted since has ended."""
    driver = Driver(windows=("w1", "w5"))
    driver.begin("C", "w5")
    driver.do(c.FinishTicket("w5"))
    void = driver.take("C")
    for _ in range(3):
        driver.do(c.CallTicket("w5", void, "r"))
        driver.miss("w5")
    driver.begin("B", "w1")
    driver.do(c.FinishTicket("w1"))
    driver.do(c.SignOut("w5"))
    driver.do(c.AdoptPlan(make_plan(**smaller()), now=True))
    assert driver.refusal(c.RestoreTicket(void, "r")).code == "unknown_line"
    assert driver.refusal(c.Undo("w1")).code == "nothing_to_undo"


def test_a_letter_goes_on_under_another_line() -> None:
    """A letter that moves to another line during the day gives no number twice."""
    driver = Driver()
    for _ in range(2):
        driver.take()
        driver.serve()
    swapped = [{**line, "letter": {"A": "B", "B": "A", "C": "C"}[line["letter"]]} for line in tables()["lines"]]
    driver.do(c.AdoptPlan(make_plan(lines=swapped), now=True))
    assert driver.ticket(driver.take("B")).number == "A003"
    assert driver.ticket(driver.take("A")).number == "B001"
