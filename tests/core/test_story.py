"""Yangxin's plan, section five, as one story of a working day and what comes after it (R22).

办事申请 → 前台综合受理 → 后台分类审批 → 统一窗口出件, and 专业窗口的业务流转: on the reference hall, with an urgent, a
promised, an immediate, a reported and a joint case, a refused hand-off, a fee, a bundle and a department outside.
"""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.core.halls import local
from tests.core.offices import MINUTE, Office, kinds, of
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Delivery
from tidehall.hall.plan import Plan, parse_plan

PLAN = Path(__file__).parents[2] / "halls" / "yangxin.toml"


@cache
def yangxin() -> Plan:
    """The reference hall; its transfer of a house is given the parts of two departments."""
    tables: dict[str, Any] = tomllib.loads(PLAN.read_text("utf-8"))
    house = next(item for item in tables["items"] if item["code"] == "RP-001")
    parts = [{"department": house["department"], "promised_days": 1}, {"department": "tax", "promised_days": 2}]
    house["parts"] = parts
    return parse_plan(tables)


def window_of(plan: Plan, zone: str) -> str:
    """The zone's first acceptance window."""
    return next(w.id for w in plan.windows if w.zone == zone and w.post == "acceptance" and w.lines)


def test_the_story_of_section_five() -> None:
    """One hall, seven cases, one complete trace from the call to the rating."""
    plan = yangxin()
    social, property_zone, police = (window_of(plan, zone) for zone in ("social", "property", "police"))
    hall = Office(plan, at="2026-11-23 08:25", windows=(social, property_zone, police))
    state = hall.hall.state

    # 办事申请: numbers on site, and one envelope by courier
    hall.until("2026-11-23 08:30")
    parent = hall.take("A")
    seller = hall.take("D")
    soldier = hall.take("E")

    # 前台综合受理: a bundle (新生儿出生一件事), two immediate items and a promised one on one number
    assert hall.call(social) == parent
    hall.do(c.StartService(social))
    born = [
        hall.intake(code, window=social, ticket=parent, bundle="newborn") for code in ("PS-004", "SS-001", "MI-003")
    ]
    assert [hall.case(id).stage for id in born] == ["delivered", "delivered", "handed_off"]
    promised = born[2]
    # an urgent case on the same visit, with an agent
    urgent = hall.intake("SS-008", window=social, ticket=parent, urgent=True, agent="p2", applicant="p1")
    # papers by courier, without a number: reported, and for a department outside the hall
    reported = hall.intake("JU-002", window=social)
    outside = hall.intake("UF-002", window=social, delivery=Delivery("courier", "sealed:1:x"))
    hall.wait(300)
    hall.do(c.FinishTicket(social))
    # the joint case (房产过户) in a zone without runners of its own
    assert hall.call(property_zone) == seller
    hall.do(c.StartService(property_zone))
    joint = hall.intake("RP-001", window=property_zone, ticket=seller, delivery=Delivery("electronic"))
    hall.do(c.FinishTicket(property_zone))
    assert [hall.open_hand_off(id).zone for id in (promised, joint)] == ["social", "pool"]
    # 专业窗口: the police accept and decide their immediate item themselves
    assert hall.call(police) == soldier
    hall.do(c.StartService(police))
    card = hall.intake("PS-004", window=police, ticket=soldier)
    hall.do(c.FinishTicket(police))
    assert hall.case(card).stage == "delivered"
    assert {hall.case(id).receipt for id in (*born, urgent, reported, outside, joint, card)} == {
        f"20261123{n:05d}" for n in range(1, 9)
    }

    # 流转: urgent within ten minutes to the middle office, the others within thirty to the back office
    taken = hall.case(urgent).received_at
    hall.carry(urgent, runner="liu", staff="middle-1")
    second = hall.open_hand_off(urgent)
    assert (second.leg, second.due_at) == (2, taken + 30 * MINUTE)
    hall.carry(urgent, runner="liu", staff="hrss-1")
    assert hall.case(urgent).stage == "verified"
    # a refused hand-off: the same object, the same clock, back to its window and on again
    h = hall.open_hand_off(promised)
    hall.do(q.PickUpHandOff(h.id, "wu"))
    hall.do(q.ArriveHandOff(h.id))
    hall.do(q.RefuseHandOff(h.id, "page two is another person's"))
    assert hall.case(promised).holder == f"window:{social}"
    hall.wait(18 * 60)
    assert [ev.hand_off for ev in of(hall.events, o.HandOffWarned) if ev.hand_off == h.id] == [h.id]
    for id in (promised, reported, joint, outside):
        hall.carry(id, runner="wu")
    assert not of(hall.events, o.HandOffBreached)
    onward = hall.open_hand_off(outside)
    assert (onward.to, onward.due_at) == ("office:united_front", local("2026-11-24 17:30"))

    # 后台分类审批
    hall.do(q.ClaimCase(urgent, "hrss-1"))
    assert hall.refusal(q.DecideCase(urgent, "approve", "ok", f"staff-{social}")).code == "acceptor_decides"
    hall.do(q.DecideCase(urgent, "approve", "sealed:2:x"))
    hall.do(q.ClaimCase(promised, "med-1"))
    hall.do(q.StartStep(promised, "expert_review"))
    hall.do(q.ClaimCase(reported, "just-1"))
    assert hall.refusal(q.DecideCase(reported, "approve", "ok")).code == "opinion_missing"
    hall.do(q.GiveOpinion(reported, "sealed:3:x"))
    hall.do(q.StartStep(reported, "upper_level"))
    hall.do(q.ClaimCase(joint, "prop-1"))
    hall.do(q.GiveOpinion(joint, "sealed:4:x", "tax-1", "tax"))
    fee = next(item.fee for item in plan.items if item.code == "RP-001")
    hall.do(q.RequestFee(joint, fee, "sealed:9:x"))
    assert hall.refusal(q.DecideCase(joint, "approve", "ok")).code == "wrong_stage"

    # 一天一归档: the decided cases' originals are missed at the end of the day, until they have their place
    hall.until("2026-11-23 17:30")
    assert {a.about for a in state.alerts.values() if a.kind == "papers_unfiled"} == {
        f"window:{social}", f"window:{police}", "office:hrss",
    }  # fmt: skip
    for id in (*born[:2], card, urgent):
        hall.do(q.FilePapers(id))
    assert not [a for a in state.alerts.values() if a.ended is None]

    # the next day: onward, the fee paid, the parts done, everything decided
    hall.until("2026-11-24 09:00")
    hall.carry(outside, runner="wu")
    hall.do(q.ClaimCase(outside, "front-1"))
    hall.do(q.DecideCase(outside, "refuse", "sealed:5:x"))
    hall.do(q.PayFee(joint, "pay-1"))
    assert hall.refusal(q.DecideCase(joint, "approve", "ok")).details["departments"] == ["property"]
    hall.do(q.GiveOpinion(joint, "sealed:6:x", "prop-1", "property"))
    hall.do(q.DecideCase(joint, "approve", "ok"))
    for id in (promised, reported):
        hall.do(q.EndStep(id))
        hall.do(q.DecideCase(id, "approve", "sealed:7:x"))
    assert not of(hall.events, o.CaseOverdue)

    # 统一窗口出件: as the applicant asked at intake
    hall.do(q.DeliverResult(joint, "electronic"))
    for id in (urgent, promised, reported, outside):
        hall.do(q.MakeResult(id))
        hall.do(q.ReadyResult(id))
        assert hall.case(id).holder == "issue:social"
        hall.do(q.DeliverResult(id, hall.case(id).delivery.method, "sealed:8:x"))
    hall.do(q.RateTicket(parent, 5))
    everything = (*born, urgent, reported, outside, joint, card)
    for id in everything:
        hall.do(q.CloseCase(id))

    # 全程留痕: from the call to the rating, in order, nothing between two holders
    trace = [ev for ev in hall.events if getattr(ev, "case", None) == promised or getattr(ev, "ticket", None) == parent]
    assert [kind for kind in kinds(trace) if not kind.startswith("case_decided")][:3] == [
        "ticket_taken", "ticket_called", "service_started",
    ]  # fmt: skip
    own = [ev for ev in hall.events if getattr(ev, "case", None) == promised]
    assert kinds(own) == [
        "case_received", "case_accepted", "hand_off_started", "hand_off_picked_up", "hand_off_arrived",
        "hand_off_refused", "hand_off_warned", "hand_off_picked_up", "hand_off_arrived", "hand_off_verified",
        "case_claimed", "step_started", "step_ended", "case_decided", "result_made", "result_ready",
        "result_delivered", "papers_filed", "case_closed",
    ]  # fmt: skip
    assert all(one.at <= other.at for one, other in pairwise(own))
    assert of(trace, o.TicketRated)[0].level == 5

    # the evening: nothing is left, and the journal says it all
    hall.until("2026-11-25 00:00")
    assert (state.offices.cases, state.offices.hand_offs, state.offices.armed) == ({}, {}, {})
    assert not state.alerts
    assert hall.replayed().facts() == hall.hall.facts()
    assert len(of(hall.events, e.TicketFinished)) == 3
