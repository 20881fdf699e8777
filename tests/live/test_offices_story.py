"""Yangxin's whole story (section 五) through the HTTP door."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from tests.live.clients import until
from tests.live.door import problem
from tests.live.leaks import betrayed
from tests.live.offices import (
    AGENT,
    LI,
    MISSING,
    NOTE,
    OPINION,
    QUESTION,
    REASON,
    REPLY,
    RESULT,
    SECRETS,
    STREET,
    in_order,
    kinds,
    offices,
)
from tidehall.display.messages import FileGateway


async def test_the_story_of_yangxin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Section 五: intake, carrying, review, one window for results, archive; each kind of item, and what goes wrong."""
    messages = tmp_path / "messages.jsonl"
    with caplog.at_level(logging.DEBUG):
        async with offices(tmp_path, gateway=FileGateway(messages)) as s:
            said: list[str] = []

            # 即办: done at the window
            immediate = await s.intake("IMM", agent=AGENT)
            assert (immediate["hand_off"], immediate["case"]["stage"]) == (None, "delivered")
            assert [(c["copy"], c["holder"]) for c in immediate["receipt"]["copies"]] == [
                (1, "applicant"), (2, "window:w1"), (3, "window:w1"),
            ]  # fmt: skip
            support = await s.ok("support", {"window": "w1", "item": "IMM", "question": QUESTION}, 201)
            await s.ok(f"support/{support['id']}/claim", {"staff": "middle-1"})
            await s.later(40)
            answered = await s.ok(f"support/{support['id']}/answer", {"channel": "phone", "answer": REPLY})
            assert (answered["state"], answered["response_s"], answered["staff"]) == ("answered", 40.0, "middle-1")
            (asked,) = await s.see("support")
            assert (asked["question"], asked["answer"]) == (QUESTION, REPLY)
            await s.finish()

            # 急件: ten minutes to the middle office, refused once, and thirty from the intake to the back office
            urgent = await s.intake("URG", urgent=True, delivery={"method": "courier", "address": STREET})
            first = urgent["hand_off"]
            assert (first["to"], first["remaining_s"], first["leg"]) == ("middle", 600.0, 1)
            await s.finish()
            await s.ok(f"hand-offs/{first['id']}/pick-up", {"runner": "r1"})
            await s.ok(f"hand-offs/{first['id']}/arrive")
            refused = await s.ok(f"hand-offs/{first['id']}/refuse", {"reason": REASON})
            assert (refused["id"], refused["refusals"], refused["state"]) == (first["id"], 1, "waiting")
            assert refused["due_at"] == first["due_at"], "a refusal is no end: the same clock"
            assert (await s.see("hand-offs"))[0]["reason"] == REASON
            await s.later(419)
            assert not (await s.see("hand-offs?state=open"))[0]["warned"]
            await s.later(1)
            await s.ok(f"hand-offs/{first['id']}/pick-up", {"runner": "r2"})
            assert (await s.see("hand-offs?runner=r2"))[0]["warned"], "70 % of ten minutes"
            await s.ok(f"hand-offs/{first['id']}/arrive")
            await s.later(180)
            await s.ok(f"hand-offs/{first['id']}/verify", {"papers": first["papers"], "staff": "middle-1"})
            breach = [a for a in await s.see("alerts") if a["kind"] == "hand_off_breached"]
            assert [(a["about"], a["owner"]) for a in breach] == [(first["id"], "supervisor:g")]
            second = (await s.see("hand-offs"))[0]
            assert (second["from"], second["to"], second["leg"], second["remaining_s"]) == (
                "middle", "office:hrss", 2, 1200.0,
            )  # fmt: skip
            await s.carry(second)
            case = urgent["case"]["id"]
            problem(await s.post(f"cases/{case}/claim", {"staff": "clerk-1"}), 409, "acceptor_decides")
            await s.ok(f"cases/{case}/claim", {"staff": "officer-1"})
            await s.ok(f"cases/{case}/decide", {"outcome": "approve", "opinion": OPINION})
            open_now = (await s.see("archive?unit=office:hrss"))[0]
            assert (open_now["open"], open_now["papers"][0]["state"]) == (1, "open")
            await s.ok(f"cases/{case}/keep", {"papers": [open_now["papers"][0]["id"]], "reason": REASON})
            assert (await s.see("archive?unit=office:hrss"))[0]["papers"][0]["reason"] == REASON
            assert (await s.hand_out(case, "courier"))["stage"] == "closed"
            assert (await s.see("archive?unit=office:hrss"))[0]["filed"] == 1

            # 一件事: one visit, a promised case with a fee and a joint one
            fee = await s.intake("FEE", bundle="shop")
            joint = await s.intake("JOI", bundle="shop")
            ticket = s.ticket
            assert (fee["hand_off"]["to"], fee["hand_off"]["remaining_s"]) == ("office:amr", 1800.0)
            await s.finish()
            for taken in (fee, joint):
                await s.carry(taken["hand_off"])
                await s.ok(f"cases/{taken['case']['id']}/claim", {"staff": "officer-2"})
            case, receipt = fee["case"]["id"], fee["receipt"]["number"]
            await s.ok(f"cases/{case}/request-fee", {"amount": 1500})
            problem(await s.post(f"cases/{case}/decide", {"outcome": "approve", "opinion": "x"}), 409, "wrong_stage")
            await until(messages.exists, "the message about the fee")
            (message,) = [json.loads(line) for line in messages.read_text().splitlines()]
            assert message["phone"] == LI["phone"]
            assert receipt in message["text"]
            assert "15.00" in message["text"]
            progress = await s.see(f"progress?receipt={receipt}&last4=7475", token=None)
            assert (progress["stage"], progress["fee"], progress["fee_paid"]) == ("awaiting_fee", 1500, False)
            said.append(json.dumps(progress, ensure_ascii=False))
            await s.ok(f"cases/{case}/paid", {"reference": "pay-4711"})
            await s.ok(f"cases/{case}/decide", {"outcome": "approve", "opinion": OPINION})
            await s.later(60)
            await s.hand_out(case)
            case = joint["case"]["id"]
            await s.ok(f"cases/{case}/opine", {"opinion": OPINION, "department": "amr"})
            waiting = problem(
                await s.post(f"cases/{case}/decide", {"outcome": "approve", "opinion": OPINION}), 409, "parts_open"
            )
            assert waiting["departments"] == ["hrss"]
            await s.ok(f"cases/{case}/opine", {"opinion": OPINION, "department": "hrss", "staff": "officer-1"})
            await s.ok(f"cases/{case}/decide", {"outcome": "approve", "opinion": OPINION})
            await s.hand_out(case)

            # 上报件: an opinion, and a special step
            case = await s.to_review("REP")
            problem(
                await s.post(f"cases/{case}/decide", {"outcome": "approve", "opinion": "x"}), 409, "opinion_missing"
            )
            await s.ok(f"cases/{case}/step", {"step": "expert_review"})
            problem(await s.post(f"cases/{case}/request-fee", {"amount": 1, "reason": REASON}), 409, "step_open")
            problem(await s.post(f"cases/{case}/step", {}), 422, "invalid")
            await s.ok(f"cases/{case}/step", {"done": True})
            await s.ok(f"cases/{case}/opine", {"opinion": OPINION})
            await s.ok(f"cases/{case}/decide", {"outcome": "refuse", "opinion": OPINION})
            await s.hand_out(case)

            # a department that does not sit in the hall; what is missing is told once
            far = await s.intake("FAR", materials=[{"code": "photo"}], incomplete=True)
            assert (far["hand_off"], far["case"]["stage"], far["case"]["missing"]) == (None, "received", ["form"])
            case = far["case"]["id"]
            asked = await s.ok(f"cases/{case}/request-correction", {"missing": ["form", MISSING]})
            assert (asked["stage"], asked["notices"], asked["missing"][0]) == ("correcting", 1, "form")
            assert (await s.see(f"cases/{case}"))["missing"] == ["form", MISSING]
            await s.ok(f"cases/{case}/correct")
            assert (await s.ok(f"cases/{case}/accept"))["accepted_by"] == "clerk-1"
            await s.finish()
            leg = (await s.see(f"hand-offs?case={case}"))[0]
            assert (leg["to"], leg["onward"]) == ("middle", "fire")
            assert (await s.carry(leg))["state"] == "verified"
            await s.ok(f"cases/{case}/withdraw", {"reason": "applicant_wish"})

            # 评价、整改、回访、追评
            rating = f"/api/v1/tickets/{ticket['token']}/rating"
            rated = await s.ok(rating, {"level": 1, "text": NOTE}, token=None)
            assert (rated["level"], rated["follow_up"]) == (1, False)
            problem(await s.post(rating, {"level": 5}, token=None), 409, "already_rated")
            (matter,) = await s.see("matters")
            assert (matter["kind"], matter["about"], matter["owner"]) == ("rectification", ticket["id"], "supervisor:g")
            path = f"matters/{matter['id']}"
            await s.ok(f"{path}/contact")
            problem(await s.post(f"{path}/close"), 409, "matter_state")
            await s.ok(f"{path}/solve", {"result": RESULT})
            assert (await s.see(path))["result"] == RESULT
            await s.ok(f"{path}/call-back")
            assert (await s.ok(f"{path}/close"))["state"] == "closed"
            assert (await s.ok(rating, {"level": 4}, token=None))["follow_up"]

            # the trace of the case with the fee
            trace = await s.see(f"cases/{fee['case']['id']}/trace")
            assert (trace["number"], trace["ticket"]) == (ticket["number"], ticket["id"])
            assert in_order(
                ["ticket_taken", "ticket_called", "service_started", "case_received", "case_accepted",
                 "hand_off_started", "ticket_finished", "hand_off_picked_up", "hand_off_arrived", "hand_off_verified",
                 "case_claimed", "fee_requested", "fee_paid", "case_decided", "result_made", "result_ready",
                 "result_delivered", "papers_filed", "case_closed", "ticket_rated", "matter_opened", "matter_closed",
                 "ticket_rated"],
                kinds(trace),
            )  # fmt: skip
            assert not [x for x in trace["steps"] if x["body"].get("case", fee["case"]["id"]) != fee["case"]["id"]]
            assert [step["seq"] for step in trace["steps"]] == sorted({step["seq"] for step in trace["steps"]})
            by_kind = {step["kind"]: step for step in trace["steps"]}
            assert by_kind["case_decided"]["why"] == [OPINION]
            assert by_kind["case_decided"]["staff"] == "officer-2"
            assert by_kind["hand_off_verified"]["who"] == "admin"
            assert all(re.fullmatch(r"2026-11-23T[\d:.]+\+08:00", step["at"]) for step in trace["steps"])
            durations = trace["durations"]
            assert [(leg["hand_off_s"], leg["breached"]) for leg in durations["hand_offs"]] == [(0.0, False)]
            assert (durations["make_s"], durations["whole_s"], durations["support_s"]) == (60.0, 60.0, None)
            of_urgent = await s.see(f"cases/{urgent['case']['id']}/trace")
            legs = of_urgent["durations"]["hand_offs"]
            assert [(leg["leg"], leg["hand_off_s"], leg["breached"]) for leg in legs] == [
                (1, 600.0, True),
                (2, 600.0, False),
            ]
            due = {step["kind"]: step.get("due") for step in of_urgent["steps"]}
            assert (due["hand_off_warned"][11:19], due["hand_off_breached"][11:19]) == ("09:07:40", "09:10:40")
            assert in_order(
                ["hand_off_refused", "hand_off_warned", "hand_off_breached", "alert_raised"], kinds(of_urgent)
            )

            # nobody is written down anywhere
            journal = (await s.get("journal?limit=1000")).text
            said += [s.written(), journal, (await s.get("/metrics")).text]
            assert betrayed("what the hall wrote and said", "\n".join(said).encode(), SECRETS) == []
    assert betrayed("the log", caplog.text.encode(), SECRETS) == []
