"""A case from the papers taken in to the decision: who may take it, who may decide, what silence means."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.halls import local, make_plan
from tests.core.offices import Office, item, kinds, of, office_plan, office_tables
from tidehall.hall import commands as c
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import CASE_LIFE, Delivery

WINDOW = Delivery("window")


# ---- intake


def test_immediate() -> None:
    """R10, R54: accepted, decided and handed out at the window in one step; no hand-off."""
    office = Office()
    ticket = office.begin()
    found = office.do(q.ReceiveCase("i", "w1", "IMM", ("id",), WINDOW, ticket))
    assert kinds(found) == ["case_received", "case_accepted", "case_decided", "result_delivered"]
    case = office.case("i")
    assert (case.stage, case.holder, case.ticket, case.hand_off) == ("delivered", "window:w1", ticket, None)


def test_several_cases_on_one_ticket() -> None:
    """R2: one number, several items; the visit ends once."""
    office = Office()
    ticket = office.begin()
    ids = [office.intake(item, ticket=ticket, bundle="shop") for item in ("IMM", "PRO")]
    assert {office.case(id).ticket for id in ids} == {ticket}
    assert office.refusal(q.ReceiveCase("x", "w1", "REP", ("form",), WINDOW, ticket, bundle="shop")).code == "invalid"
    assert office.refusal(q.ReceiveCase("x", "w1", "PRO", ("id",), WINDOW, ticket, bundle="none")).code == "invalid"
    office.do(c.FinishTicket("w1"))
    assert office.ticket(ticket).state == "finished"


def test_who_stands_at_the_window() -> None:
    """Papers come with the citizen being served here, or by courier; a case's id is given once."""
    office = Office(windows=("w1", "w2"))
    take = q.ReceiveCase("x", "w1", "PRO", ("id", "form"), WINDOW)
    assert office.refusal(take).code == "invalid"
    called = office.take()
    office.call()
    assert office.refusal(q.ReceiveCase("x", "w1", "PRO", ("id", "form"), WINDOW, called)).code == "ticket_not_serving"
    office.do(c.StartService("w1"))
    assert office.refusal(q.ReceiveCase("x", "w2", "PRO", ("id", "form"), WINDOW, called)).code == "ticket_not_serving"
    id = office.intake()
    assert office.case(id).ticket is None
    again = q.ReceiveCase(id, "w1", "PRO", ("id", "form"), WINDOW, source="courier")
    assert office.refusal(again).code == "case_exists"


def test_missing_papers_are_told_at_once() -> None:
    """R45: all that is missing in one answer, only what is required, and nothing has happened."""
    office = Office()
    ticket = office.begin()
    refused = office.refusal(q.ReceiveCase("x", "w1", "PRO", (), WINDOW, ticket))
    assert (refused.code, refused.details["missing"]) == ("materials_missing", ["id", "form"])


def test_nothing_is_taken_in_without_a_paper() -> None:
    """R45: where papers are required and none came there is nothing to keep; one that came is kept, one is enough."""
    office = Office()
    take = q.ReceiveCase("x", "w1", "PRO", (), WINDOW, source="courier", incomplete=True)
    refused = office.refusal(take)
    assert (refused.code, refused.details["missing"]) == ("nothing_received", ["id", "form"])
    assert not office.hall.state.offices.cases
    assert office.case(office.intake(present=("id",), incomplete=True)).stage == "received"


def test_a_courier_needs_an_address() -> None:
    """R38: sent home, the result needs an address; fetched or electronic it needs none."""
    office = Office()
    take = q.ReceiveCase("x", "w1", "PRO", ("id", "form"), Delivery("courier"), source="courier")
    assert office.refusal(take).details["fields"] == {"delivery.address": "is needed"}
    for delivery in (Delivery("courier", "sealed:1:x"), Delivery("electronic"), WINDOW):
        office.intake(delivery=delivery)


def test_another_fee_needs_a_reason_and_has_a_limit() -> None:
    """R40: the item's fee goes without a word; another amount with a reason, and never more than 100,000 yuan."""
    dear = 20_000_000
    items = [item(code, "promised", "form", promised_days=5, fee=n) for code, n in (("FEE", 1500), ("DEAR", dear))]
    office = Office(office_plan(items=[*office_tables()["items"], *items]))
    fee, dearer = office.review("FEE"), office.review("DEAR")
    assert office.refusal(q.RequestFee(fee, 1600)).details["fields"] == {"reason": "is needed for another fee"}
    assert "amount" in office.refusal(q.RequestFee(fee, 10_000_001, "sealed:1:x")).details["fields"]
    assert "amount" in office.refusal(q.RequestFee(dearer, dear + 1, "sealed:1:x")).details["fields"]
    office.do(q.RequestFee(fee, 1500))
    (asked,) = of(office.do(q.RequestFee(dearer, dear)), o.FeeRequested)
    assert (asked.amount, asked.reason) == (dear, None)
    free = office.review()
    assert office.refusal(q.RequestFee(free, 1)).code == "invalid"
    (asked,) = of(office.do(q.RequestFee(free, 10_000_000, "sealed:1:x")), o.FeeRequested)
    assert (asked.amount, asked.reason) == (10_000_000, "sealed:1:x")


@pytest.mark.parametrize("code", ["receipt", "result", "copy2"])
def test_the_hall_s_own_papers_are_no_materials(code: str) -> None:
    """A material cannot take the name of a paper that the hall makes: two papers would be one."""
    office = Office()
    command = q.ReceiveCase("x", "w1", "PRO", ("id", "form", code), WINDOW, source="courier")
    assert office.refusal(command).code == "invalid"
    office.intake(present=("id",), incomplete=True)
    assert office.refusal(q.CorrectPapers("c1", ("form",))).code == "wrong_stage"
    office.do(q.RequestCorrection("c1", ("form",)))
    assert office.refusal(q.CorrectPapers("c1", (code,))).code == "invalid"


def test_urgent_where_the_plan_allows_it() -> None:
    """R58: urgency stands beside the kind, and only where the item allows it."""
    office = Office()
    assert office.refusal(q.ReceiveCase("x", "w1", "REP", ("form",), WINDOW, source="courier", urgent=True)).code == (
        "urgent_not_allowed"
    )
    assert office.case(office.intake(urgent=True)).urgent


def test_letters_of_authorisation() -> None:
    """R72: an item with a letter only at its windows and in its time; one without at every window of its zone."""
    office = Office(windows=("w1", "w2", "w5"))

    def code(window: str, item: str) -> str:
        return office.refusal(q.ReceiveCase("x", window, item, ("form", "id"), WINDOW, source="courier")).code

    assert code("w1", "LET") == "not_authorised_item"
    assert code("w5", "PRO") == "not_authorised_item"
    assert code("w1", "SPE") == "not_authorised_item"
    assert code("w1", "NIX") == "unknown_item"
    assert office.case(office.intake("LET", window="w2")).stage == "handed_off"
    office.until("2026-11-25 09:00")
    assert code("w2", "LET") == "not_authorised_item"


# ---- one notice, and silence


def test_one_notice_and_the_papers_come() -> None:
    """Told what is missing, brought, accepted: the clock of the law stops with the notice and starts anew after it."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    assert (office.case(id).stage, office.case(id).correct_by) == ("received", local("2026-11-30 17:30"))
    assert office.refusal(q.RequestCorrection(id, ())).code == "invalid"
    refused = office.refusal(q.AcceptCase(id))
    assert (refused.code, refused.details["missing"]) == ("materials_missing", ["form"])
    office.do(q.RequestCorrection(id, ("form",), "w"))
    case = office.case(id)
    assert (case.stage, case.notices, case.missing, case.correct_by) == ("correcting", 1, ("form",), 0)
    assert "correction_requested" not in office.refusal(q.RequestCorrection(id, ("photo",))).allowed
    office.until("2026-12-10 09:00")
    assert not of(office.events, o.CaseAccepted), "told in time: silence is the applicant's now"
    office.do(q.CorrectPapers(id, ("form", "form", "id")))
    assert [p.code for p in office.case(id).papers if not p.copy] == ["id", "form"]
    assert office.case(id).correct_by == local("2026-12-17 17:30")
    found = office.do(q.AcceptCase(id, "anna"))
    assert kinds(found) == ["case_accepted", "hand_off_started"]
    assert (office.case(id).accepted_by, office.case(id).correct_by) == ("anna", 0)
    assert set(office.open_hand_off(id).papers) == {f"{id}-id", f"{id}-form", f"{id}-copy2"}


def test_a_second_notice_is_a_breach() -> None:
    """It goes out all the same, and is counted against the hall; in review too."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    office.do(q.RequestCorrection(id, ("form",)))
    office.do(q.CorrectPapers(id))
    assert not office.case(id).notice_breach
    assert [ev.breach for ev in of(office.do(q.RequestCorrection(id, ("photo",))), o.CorrectionRequested)] == [True]
    assert (office.case(id).notices, office.case(id).notice_breach) == (2, True)
    other = office.review()
    office.do(q.RequestCorrection(other, ("seal",)))
    assert not office.case(other).notice_breach
    assert office.refusal(q.CorrectPapers(office.review(), ("x",))).code == "wrong_stage"


def test_silence_accepts() -> None:
    """行政许可法 32: nobody told within five working days: accepted as of the day of receipt, and on its way."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    office.until("2026-11-30 17:29")
    assert office.case(id).stage == "received"
    office.until("2026-12-01 09:00")  # woken late
    found = of(office.events, o.CaseAccepted)
    assert [(ev.due, ev.deemed, ev.staff) for ev in found] == [(local("2026-11-30 17:30"), True, None)]
    case, h = office.case(id), office.open_hand_off(id)
    assert (case.deemed, case.accepted_at, case.due_at) == (True, case.received_at, local("2026-11-30 17:30"))
    assert (h.started_at, h.due_at) == (local("2026-11-30 17:30"), local("2026-11-30 18:00"))
    assert [ev.due for ev in of(office.events, o.HandOffBreached)] == [local("2026-11-30 18:00")]
    alert = office.alert(f"deemed_accepted:{id}")
    assert alert is not None
    assert alert.since == local("2026-11-30 17:30")


def test_silence_after_the_correction_counts_from_it() -> None:
    """The papers came again: five working days anew, and accepted as of that day."""
    office = Office()
    id = office.intake(present=("id",), incomplete=True)
    office.do(q.RequestCorrection(id, ("form",)))
    office.until("2026-11-25 10:00")
    office.do(q.CorrectPapers(id))
    office.until("2026-12-02 17:30")
    assert office.case(id).accepted_at == local("2026-11-25 10:00")
    assert office.case(id).received_at == local("2026-11-23 09:00")


def test_silence_decides_nothing() -> None:
    """An immediate item that silence accepted is not approved by it: its window still decides."""
    office = Office()
    id = office.intake("IMM", present=("photo",), incomplete=True)
    office.until("2026-12-01 09:00")
    assert office.case(id).stage == "accepted"
    assert not of(office.events, o.CaseDecided)
    office.do(q.DecideCase(id, "refuse", "no", "anna"))
    assert (office.case(id).stage, office.case(id).outcome) == ("decided", "refuse")


def test_another_plan_while_papers_are_at_intake() -> None:
    """R69: the case keeps the item under which it was taken in, also when the new plan knows it no more."""
    office = Office()
    id, told = (office.intake(present=("id",), incomplete=True) for _ in range(2))
    office.do(q.RequestCorrection(told, ("form",)))
    without = {**office_tables(), "items": [i for i in office_tables()["items"] if i["code"] != "PRO"], "bundles": []}
    office.do(c.AdoptPlan(make_plan(**{name: value for name, value in without.items() if name != "hall"})))
    office.until("2026-11-24 09:00")
    assert "PRO" not in office.hall.state.items
    assert office.replayed().facts() == office.hall.facts()
    assert office.refusal(q.AcceptCase(id)).details["missing"] == ["form"]
    office.do(q.CorrectPapers(told))
    office.do(q.AcceptCase(told))
    assert office.case(told).due_at == local("2026-12-01 17:30")
    office.until("2026-12-02 09:00")
    assert office.case(id).deemed
    for case in (id, told):
        office.carry(case)
        office.do(q.ClaimCase(case, "o1"))
        office.do(q.RequestFee(case, 500, "another fee than the item's"))
        office.do(q.PayFee(case, "paid"))
        office.do(q.DecideCase(case, "refuse", "no"))
    office.until("2026-12-03 09:00")
    assert office.hall.state.offices.versions == {}


# ---- the back office


def test_claim_and_decide() -> None:
    """R4: the one who accepted neither claims nor decides; another officer may take over from the first."""
    office = Office()
    id = office.intake()
    assert office.refusal(q.ClaimCase(id, "o1")).code == "wrong_stage"
    office.carry(id)
    assert office.refusal(q.ClaimCase(id, "staff-w1")).code == "acceptor_decides"
    office.do(q.ClaimCase(id, "o1"))
    assert office.do(q.ClaimCase(id, "o1")) == []
    office.do(q.ClaimCase(id, "o2"))
    assert office.case(id).officer == "o2"
    assert office.refusal(q.DecideCase(id, "approve", "ok", "staff-w1")).code == "acceptor_decides"
    office.do(q.DecideCase(id, "approve", "ok"))
    assert (office.case(id).decided_by, office.case(id).outcome) == ("o2", "approve")
    assert office.refusal(q.DecideCase(id, "refuse", "no")).code == "wrong_stage"
    assert office.refusal(q.WithdrawCase(id)).code == "wrong_stage"


def test_reported_needs_an_opinion() -> None:
    """R56: the preliminary opinion comes before the decision, the wait for the upper level is a step."""
    office = Office()
    id = office.review("REP")
    assert office.refusal(q.DecideCase(id, "approve", "ok")).code == "opinion_missing"
    office.do(q.GiveOpinion(id, "sealed:4:x"))
    office.do(q.StartStep(id, "upper_level"))
    office.do(q.EndStep(id))
    office.do(q.DecideCase(id, "approve", "ok"))


def test_joint_parts_in_parallel() -> None:
    """R30, R57: due when the slowest part is due; approved when all parts are done, refused at any time."""
    office = Office()
    id = office.review("JOI")
    case = office.case(id)
    assert {p.department: p.due_at for p in case.parts} == {
        "d": local("2026-11-25 17:30"), "e": local("2026-12-01 17:30"),
    }  # fmt: skip
    assert case.due_at == local("2026-12-01 17:30")
    office.do(q.GiveOpinion(id, "sealed:4:x", "e1", "e"))
    assert office.refusal(q.GiveOpinion(id, "sealed:4:x", "e1", "e")).code == "part_done"
    assert office.refusal(q.GiveOpinion(id, "sealed:4:x", "z", "x")).code == "invalid"
    refused = office.refusal(q.DecideCase(id, "approve", "ok"))
    assert (refused.code, refused.details["departments"]) == ("parts_open", ["d"])
    office.do(q.GiveOpinion(id, "sealed:5:x", "d1", "d"))
    office.do(q.DecideCase(id, "approve", "ok"))
    assert [(p.staff, bool(p.done_at)) for p in office.case(id).parts] == [("d1", True), ("e1", True)]
    other = office.review("JOI")
    office.do(q.DecideCase(other, "refuse", "no"))


def test_fee() -> None:
    """R40, R41: nothing goes on before it is paid; a second fee is a fee of its own."""
    office = Office()
    id = office.review()
    assert office.refusal(q.RequestFee(id, 0)).code == "invalid"
    assert office.refusal(q.PayFee(id, "p")).code == "wrong_stage"
    office.do(q.RequestFee(id, 1500, "sealed:9:x"))
    assert office.case(id).stage == "awaiting_fee"
    assert office.refusal(q.DecideCase(id, "approve", "ok")).code == "wrong_stage"
    office.do(q.PayFee(id, "p-1"))
    assert (office.case(id).stage, office.case(id).fee, office.case(id).fee_paid) == ("in_review", 1500, True)
    office.do(q.RequestFee(id, 200, "sealed:9:x"))
    assert not office.case(id).fee_paid


# ---- results


@pytest.mark.parametrize("method", ["window", "courier", "cabinet", "electronic"])
def test_results(method: Any) -> None:
    """R15, R39: made, ready at the zone's issue post, handed out as asked; only an electronic one goes at once."""
    office = Office()
    id = office.decided(delivery=Delivery(method, "sealed:5:x"))
    if method == "electronic":
        office.do(q.DeliverResult(id, method))
    else:
        refused = office.refusal(q.DeliverResult(id, method))
        assert (refused.code, refused.allowed) == ("wrong_stage", ("result_made",))
        office.do(q.MakeResult(id, "maker"))
        assert office.refusal(q.DeliverResult(id, method)).code == "wrong_stage"
        office.do(q.ReadyResult(id))
        office.do(q.DeliverResult(id, method, "sealed:6:x"))
    assert office.case(id).stage == "delivered"
    office.do(q.CloseCase(id))
    assert office.case(id).stage == "closed"


# ---- the life table


def test_every_command_at_every_stage() -> None:
    """A command whose event the life table does not know from a stage is refused there; no command is forgotten."""
    office = Office()
    id = office.review()
    commands: dict[str, q.OfficeCommand] = {
        "case_accepted": q.AcceptCase(id), "correction_requested": q.RequestCorrection(id, ("x",)),
        "papers_corrected": q.CorrectPapers(id), "case_withdrawn": q.WithdrawCase(id),
        "case_claimed": q.ClaimCase(id, "o9"), "opinion_given": q.GiveOpinion(id, "s"),
        "step_started": q.StartStep(id, "site_visit"), "step_ended": q.EndStep(id),
        "fee_requested": q.RequestFee(id, 1, "sealed:9:x"), "fee_paid": q.PayFee(id, "p"),
        "case_decided": q.DecideCase(id, "approve", "ok"), "result_made": q.MakeResult(id),
        "result_ready": q.ReadyResult(id), "result_delivered": q.DeliverResult(id, "window"),
        "case_closed": q.CloseCase(id),
    }  # fmt: skip
    ways: list[list[q.OfficeCommand]] = [
        [], [q.RequestFee(id, 1, "sealed:9:x")], [q.PayFee(id, "p"), q.DecideCase(id, "approve", "ok")],
        [q.MakeResult(id)],
        [q.ReadyResult(id)], [q.DeliverResult(id, "window")], [q.CloseCase(id)],
    ]  # fmt: skip
    seen: set[str] = set()
    for way in ways:
        for command in way:
            office.do(command)
        stage = office.case(id).stage
        seen.add(stage)
        for kind, command in commands.items():
            if kind not in CASE_LIFE[stage]:
                assert office.refusal(command).code == "wrong_stage", (stage, kind)
    assert len(seen) == 7
    known = {kind for moves in CASE_LIFE.values() for kind in moves} - {"hand_off_started", "hand_off_verified"}
    assert known == commands.keys()


def test_unknown_case() -> None:
    """Every command about a case nobody has says so."""
    assert Office().refusal(q.ClaimCase("c9", "o")).code == "unknown_case"
    assert Office(office_plan()).refusal(q.FilePapers("c9")).code == "unknown_case"


# ---- scenarios of other systems, as far as they concern cases


def test_s4_the_items_of_a_visit_change_and_stay_in_the_record() -> None:
    """S4: what the visit is about is changed at the window; each change is an event, each item its own case."""
    office = Office()
    ticket = office.begin()
    office.do(c.SetItems("w1", ("A-1", "PRO"), "PRO"))
    office.do(c.SetItems("w1", ("IMM", "PRO"), "IMM"))
    first = office.intake("IMM", ticket=ticket)
    second = office.intake("PRO", ticket=ticket)
    assert kinds(office.events).count("items_set") == 2
    assert office.ticket(ticket).items == ("IMM", "PRO")
    assert [office.case(id).item for id in (first, second)] == ["IMM", "PRO"]


def test_s7_a_redirected_person_s_cases_stay() -> None:
    """S7: the person goes on to another window under the same number; the case taken in before stays where it is."""
    office = Office(windows=("w1", "w2"))
    ticket = office.begin()
    first = office.intake(ticket=ticket)
    number = office.ticket(ticket).number
    office.do(c.TransferTicket("w1", to="w2", note="sealed:7:x"))
    assert office.case(first).holder == "window:w1"
    assert office.refusal(q.ReceiveCase("x", "w1", "PRO", ("id", "form"), WINDOW, ticket)).code == "ticket_not_serving"
    office.do(c.CallTicket("w2"))
    office.do(c.StartService("w2"))
    second = office.intake(ticket=ticket, window="w2")
    assert office.ticket(ticket).number == number
    assert [office.case(id).window for id in (first, second)] == ["w1", "w2"]


def test_s14_an_undone_finish_leaves_the_cases_alone() -> None:
    """S14: undoing the finish opens the visit again with its old start; its cases and clocks are untouched."""
    office = Office()
    ticket = office.begin()
    id = office.intake(ticket=ticket)
    before, h = office.case(id), office.open_hand_off(id)
    started = office.ticket(ticket).started_at
    office.do(c.FinishTicket("w1"))
    office.do(c.Undo("w1"))
    assert (office.ticket(ticket).state, office.ticket(ticket).started_at) == ("serving", started)
    assert (office.case(id), office.open_hand_off(id)) == (before, h)
    other = office.intake("IMM", ticket=ticket)
    assert office.case(other).ticket == ticket
