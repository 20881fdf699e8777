"""Forgetting a person: what still needs him, force, and how many cases one agent may have."""

from __future__ import annotations

from tests.core.offices import Office, kinds, of, office_plan
from tidehall.hall import commands as c
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import MatterKind


def test_a_person_is_kept_while_something_open_names_him() -> None:
    """A ticket, a case as applicant or agent, and a matter each stand against it, by name, until they are done."""
    office = Office()
    erase = q.ErasePerson("p1", "own_request")
    ticket = office.take(holder="p1")
    case = office.intake(applicant="p2", agent="p1")
    office.do(q.OpenMatter("m1", MatterKind.ENQUIRY, "anna", holder="p1"))
    open_now = [office.ticket(ticket).number, office.case(case).receipt, "m1"]
    found = office.refusal(erase)
    assert (found.code, found.status) == ("person_needed", 409)
    assert found.details == {"person": "p1", "needed_for": open_now, "open": ", ".join(open_now)}
    office.do(c.CancelTicket(ticket))
    office.do(q.WithdrawCase(case))
    assert office.refusal(erase).details["needed_for"] == ["m1"]
    for step in (q.ContactMatter("m1"), q.SolveMatter("m1", "done"), q.CallBackMatter("m1"), q.CloseMatter("m1")):
        office.do(step)
    assert of(office.do(erase), o.PersonErased) == [o.PersonErased(office.now, "p1", "own_request")]


def test_force_forgets_though_something_is_open() -> None:
    """By force the event says so; nothing else changes, and the case goes on."""
    office = Office()
    case = office.review(applicant="p1")
    before = office.case(case)
    (event,) = of(office.do(q.ErasePerson("p1", "mistake", forced=True)), o.PersonErased)
    assert event.forced
    assert office.case(case) == before
    assert kinds(office.do(q.DecideCase(case, "approve", "ok")))[0] == "case_decided"
    (event,) = of(office.do(q.ErasePerson("p9", "mistake", forced=True)), o.PersonErased)
    assert not event.forced, "nothing was open"


def test_an_agent_has_only_so_many_open_cases() -> None:
    """R116: the plan's limit counts a person's open cases as agent, his own and those that are done not."""
    office = Office(office_plan(offices={"agent_open_cases": 2}))
    mine = [office.intake(agent="p1", applicant=f"a{n}", helper="anna") for n in range(2)]
    assert office.case(mine[0]).helper == "anna"
    by_post = office.case(mine[0]).delivery
    command = q.ReceiveCase("x", "w1", "PRO", ("id", "form"), by_post, source="courier", agent="p1")
    found = office.refusal(command)
    assert (found.code, found.details) == ("agent_limit", {"open": 2, "limit": 2})
    office.intake(applicant="p1")
    office.intake(agent="p2")
    office.do(q.WithdrawCase(mine[0]))
    office.intake(agent="p1")
