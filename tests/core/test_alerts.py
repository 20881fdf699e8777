"""Every alert of the offices has an owner, may be acknowledged, escalates when nobody does, and ends."""

from __future__ import annotations

import pytest

from tests.core.halls import local
from tests.core.offices import Office, kinds, of, office_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import MatterKind


def breached(office: Office) -> str:
    """The alert of a hand-off that has just become too late."""
    id = office.intake()
    office.wait(1800)
    return f"hand_off_breached:{office.open_hand_off(id).id}"


def test_acknowledged_in_time() -> None:
    """Who takes note of it looks after it: it stays his; the hand-off's own escalation still tells the manager."""
    office = Office(office_plan(offices={"escalate_after_s": 3600}))
    id = breached(office)
    office.wait(599)
    office.do(q.AcknowledgeAlert(id, "anna"))
    assert office.do(q.AcknowledgeAlert(id, "anna")) == []
    office.wait(2000)
    found = office.alert(id)
    assert found is not None
    assert (found.owner, found.acknowledged_by, found.escalated) == ("supervisor:g", "anna", False)
    office.wait(1001)
    found = office.alert(id)
    assert found is not None
    assert (found.owner, found.acknowledged_by, found.escalated) == ("manager", "anna", True)


def test_who_has_an_alert_keeps_it() -> None:
    """A second hand on it is told who has it, and gets it only by taking it over; nothing comes of his own again."""
    office = Office()
    id = breached(office)
    office.do(q.AcknowledgeAlert(id, "anna"))
    refused = office.refusal(q.AcknowledgeAlert(id, "bo"))
    assert (refused.code, refused.details["staff"], refused.allowed) == ("alert_taken", "anna", ("take_over",))
    assert office.do(q.AcknowledgeAlert(id, "anna", take_over=True)) == []
    office.do(q.AcknowledgeAlert(id, "bo", take_over=True))
    found = office.alert(id)
    assert found is not None
    assert found.acknowledged_by == "bo"


def test_not_acknowledged() -> None:
    """Ten minutes without a hand on it: the manager's, to the second and once."""
    office = Office(office_plan(offices={"escalate_after_s": 3600}))
    id = breached(office)
    due = office.now + 600_000_000
    assert office.wait(599) == []
    found = of(office.wait(2000), o.AlertEscalated)
    assert [(ev.alert, ev.owner, ev.due) for ev in found] == [(id, "manager", due)]
    office.until("2026-11-23 17:00")
    assert len([ev for ev in of(office.events, o.AlertEscalated) if ev.alert == id]) == 1


def test_an_alert_that_ended_speaks_no_more() -> None:
    """Verified after the breach: the alert is over, neither it nor the hand-off escalates."""
    office = Office()
    id = breached(office)
    office.carry("c1")
    assert office.alert(id) is None
    assert office.refusal(q.AcknowledgeAlert(id, "anna")).code == "alert_ended"
    assert office.refusal(q.AcknowledgeAlert("nothing:1", "anna")).code == "unknown_alert"
    office.wait(3600)
    assert not of(office.events, o.AlertEscalated)
    office.until("2026-11-24 00:00")
    assert id not in office.hall.state.alerts


def test_open_alerts_live_through_the_night() -> None:
    """What is not over in the evening still stands in the morning, and its clock runs."""
    office = Office(at="2026-11-23 17:25")
    office.do(q.OpenMatter("m", MatterKind.ENQUIRY, "anna"))
    id = office.review()
    office.until("2026-11-30 17:31")
    assert office.alert(f"case_overdue:{id}") is not None
    office.until("2026-12-01 09:00")
    found = office.alert(f"case_overdue:{id}")
    assert found is not None
    assert found.escalated


def test_overdue_case() -> None:
    """The promised moment passes undecided: the department's alert, once, until it is decided."""
    office = Office()
    id = office.review()
    office.until("2026-12-24 09:00")
    assert [ev.due for ev in of(office.events, o.CaseOverdue)] == [local("2026-11-30 17:30")]
    raised = [ev for ev in of(office.events, e.AlertRaised) if ev.alert_kind == "case_overdue"]
    assert [(ev.owner, ev.due) for ev in raised] == [("office:d", local("2026-11-30 17:30"))]
    assert office.case(id).overdue
    assert kinds(office.do(q.DecideCase(id, "refuse", "no"))) == ["case_decided", "alert_ended"]


def test_uncollected_result() -> None:
    """Ready and not collected for seven working days: the issue post's alert, until it is handed out."""
    office = Office()
    id = office.decided()
    office.do(q.MakeResult(id))
    office.do(q.ReadyResult(id))
    office.until("2026-12-02 17:29")
    assert not of(office.events, o.ResultUncollected)
    office.until("2026-12-20 09:00")
    assert [ev.due for ev in of(office.events, o.ResultUncollected)] == [local("2026-12-02 17:30")]
    raised = [ev for ev in of(office.events, e.AlertRaised) if ev.alert_kind == "result_uncollected"]
    assert [ev.owner for ev in raised] == ["issue:g"]
    assert kinds(office.do(q.DeliverResult(id, "window"))) == ["result_delivered", "alert_ended"]


@pytest.mark.parametrize("way", ["decided", "withdrawn"])
def test_deemed_accepted_ends_with_the_case(way: str) -> None:
    """The alert that silence has accepted a case stands until it is decided or withdrawn."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    office.until("2026-12-01 09:00")
    assert office.alert(f"deemed_accepted:{id}") is not None
    if way == "decided":
        office.carry(id)
        office.do(q.ClaimCase(id, "o"))
        office.do(q.DecideCase(id, "approve", "ok"))
    else:
        office.do(q.WithdrawCase(id))
    assert office.alert(f"deemed_accepted:{id}") is None


def test_an_alert_again() -> None:
    """Another occasion raises the same alert anew, with a clock of its own."""
    office = Office()
    id = office.decided()
    office.until("2026-11-23 17:30")
    unfiled = "papers_unfiled:office:d"
    assert office.alert(unfiled) is not None
    office.do(q.KeepInUse(id, tuple(p.id for p in office.case(id).papers if not p.copy), "appeal"))
    assert office.alert(unfiled) is None
    office.until("2026-11-24 17:30")
    assert office.alert(unfiled) is not None
    office.wait(600)
    assert [ev.alert for ev in of(office.events, o.AlertEscalated)] == [unfiled]


def test_an_alert_ended_by_hand() -> None:
    """EndAlert stops the alert's clock; the hand-off's escalation finds nothing to escalate."""
    office = Office()
    id = breached(office)
    office.do(c.EndAlert(*id.split(":", 1)))
    assert kinds(office.wait(600)) == ["hand_off_escalated"]
