"""The offices through the HTTP door: Yangxin's whole story, refusals, two at once, who may, what is never written."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from httpx import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

from tests.live.servers import until
from tests.live.test_accounts import add, enter
from tests.live.test_http import ADMIN, Stage, problem
from tests.live.test_privacy import betrayed
from tidehall.display.door import Door
from tidehall.display.http.access import Grant
from tidehall.display.http.app import ALL_CALLS, SYSTEM_CALLS
from tidehall.display.http.openapi import document
from tidehall.display.messages import FileGateway, Gateway, HttpGateway
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import HallKeeper, House
from tidehall.locales import LANGUAGES, words
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal
from tidehall.store.passwords import Passwords
from tidehall.store.persons import Persons

SECOND = 1_000_000
#: Monday 23 November 2026, 09:00 in Yangxin, µs.
MORNING = 1_795_395_600 * SECOND
LI = {"name": "李测试四", "id_number": "110101199003077475", "phone": "13900001111"}
AGENT = {"name": "慕容代办", "id_number": "420222197212124414", "phone": "13907231104"}
OPINION, SIGNATURE, REASON = "现场看过，灶台合格", "李测试四亲笔", "第二页没有盖章"
REPLY = "凭居住证即可，\n不要户口本"
QUESTION, RESULT, NOTE = "外省户口怎么办", "已上门道歉并补办", "窗口态度让我很难过"
STREET, MISSING = "兴国大道一百二十号", "房东的身份证明"
SECRETS = [
    *LI.values(),
    *AGENT.values(),
    OPINION,
    SIGNATURE,
    REASON,
    QUESTION,
    RESULT,
    NOTE,
    STREET,
    MISSING,
    "凭居住证即可",
]


def name(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def item(code: str, kind: str, department: str = "hrss", **more: Any) -> dict[str, Any]:
    material = {"code": "form", "name": name("申请表")}
    return {"code": code, "name": name(f"事项{code}"), "department": department, "line": "A", "kind": kind,
            "promised_days": 0 if kind == "immediate" else 5, "materials": [material]} | more  # fmt: skip


def plan() -> Plan:
    """One zone with a runner and a supervisor, an item of each kind, a department that does not sit in the hall."""
    return parse_plan(
        {
            "hall": {"id": "t", "name": name("阳新"), "hours": [["00:00", "24:00"]],
                     "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "zones": [{"id": "g", "name": name("综合"), "posts": {"runner": 1, "supervisor": 1}},
                      {"id": "p", "name": name("专业")}],
            "lines": [{"id": "A", "letter": "A", "zone": "g", "name": name("综合")}],
            "windows": [{"id": "w1", "label": "1", "zone": "g", "lines": ["A"]},
                        {"id": "w2", "label": "2", "zone": "g", "lines": ["A"]},
                        {"id": "p1", "label": "9", "zone": "p"}],
            "departments": [{"id": "hrss", "name": name("人社")}, {"id": "amr", "name": name("市监")},
                            {"id": "fire", "name": name("消防"), "resident": False}],
            "items": [
                item("IMM", "immediate"),
                item("URG", "promised", urgent_allowed=True),
                item("FEE", "promised", "amr", fee=1500),
                item("REP", "reported"),
                item("JOI", "joint", "amr", parts=[{"department": "amr", "promised_days": 3},
                                                   {"department": "hrss", "promised_days": 7}]),
                item("FAR", "promised", "fire"),
            ],
            "bundles": [{"id": "shop", "name": name("开饭店"), "items": ["FEE", "JOI"]}],
            "boards": [{"id": "main", "zones": ["g"]}],
        }
    )  # fmt: skip


class Offices(Stage):
    """A hall with its own clock, which stands still until a test moves it."""

    clock: HallClock
    time: list[int]

    async def later(self, seconds: float) -> None:
        """Let time pass."""
        self.time[0] += round(seconds * SECOND)
        await self.clock.measure(self.journal)

    async def ok(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """A command that must succeed."""
        answer = await self.post(path, body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def see(self, path: str, **more: Any) -> Any:
        """Something that must be readable."""
        answer = await self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def intake(self, code: str, **more: Any) -> Any:
        """Serve a new citizen at window 1 and take papers in; the visit goes on."""
        window = await self.see("windows/w1")
        if window["ticket"] is None:
            self.ticket = await self.serve()
        return await self.ok("windows/w1/cases", papers(code, ticket=self.ticket["id"], **more), 201)

    async def finish(self) -> None:
        """The visit is done."""
        await self.ok("windows/w1/finish")

    async def carry(self, hand_off: Any) -> Any:
        """Pick up, arrive and check one hand-off."""
        path = f"hand-offs/{hand_off['id']}"
        await self.ok(f"{path}/pick-up", {"runner": "r1"})
        await self.ok(f"{path}/arrive")
        return await self.ok(f"{path}/verify", {"papers": hand_off["papers"], "staff": "checker"})

    async def to_review(self, code: str, **more: Any) -> str:
        """A case with an officer; its id."""
        taken = await self.intake(code, **more)
        await self.finish()
        await self.carry(taken["hand_off"])
        case = taken["case"]["id"]
        await self.ok(f"cases/{case}/claim", {"staff": "officer-1"})
        return str(case)

    async def hand_out(self, case: str, method: str = "window") -> Any:
        """From the decision to the archive."""
        await self.ok(f"cases/{case}/make", {"staff": "maker-1"})
        await self.ok(f"cases/{case}/ready")
        await self.ok(f"cases/{case}/deliver", {"method": method, "signature": SIGNATURE})
        return await self.ok(f"cases/{case}/archive")


def papers(code: str, *, ticket: str | None, **more: Any) -> dict[str, Any]:
    """An intake's body with everything that the item asks for."""
    return {"ticket": ticket, "item": code, "applicant": LI, "materials": [{"code": "form", "present": True}],
            "delivery": {"method": "window"}} | more  # fmt: skip


@asynccontextmanager
async def offices(
    folder: Path, *, gateway: Gateway | None = None, journal: MemoryJournal | None = None, hall: Plan | None = None
) -> AsyncIterator[Offices]:
    """A hall behind its door; `journal`: one that has been there before; `hall`: another plan."""
    time = [MORNING]
    journal = journal or MemoryJournal(lambda: time[0])
    bus, clock = LocalBus(), HallClock(monotonic=lambda: time[0])
    await clock.measure(journal)
    house = House({}, journal, Persons.load(folder / "persons.key"), bus, clock)
    keeper = HallKeeper("t", journal=journal, bus=bus, clock=clock)
    await keeper.start(hall or plan())
    house.halls["t"] = keeper
    door = Door(house, data=folder, base_url="http://hall.test", admin_token=ADMIN, gateway=gateway)
    door.sessions.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    if gateway is not None:
        await door.begin()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://hall.test") as client:
            found = Offices(door, keeper, journal, client)
            found.clock, found.time = clock, time
            yield found
    finally:
        await door.end()
        await keeper.stop()


def kinds(trace: Any) -> list[str]:
    return [step["kind"] for step in trace["steps"]]


def in_order(wanted: Iterable[str], found: Iterable[str]) -> bool:
    """Whether `wanted` stand in `found` in this order, with others between."""
    rest = iter(found)
    return all(kind in rest for kind in wanted)


# ---- the whole story


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


# ---- refusals


async def test_a_wrong_stage_says_what_is_allowed(tmp_path: Path) -> None:
    """A step that does not fit is refused with the actions that do, and the sentence names the stage."""
    async with offices(tmp_path) as s:
        taken = await s.intake("FEE")
        path = f"cases/{taken['case']['id']}"
        for action, body in (
            ("decide", {"outcome": "approve", "opinion": "x"}), ("make", {}), ("ready", {}), ("archive", {}),
            ("deliver", {"method": "window"}), ("claim", {"staff": "o"}), ("paid", {"reference": "p"}),
            ("request-fee", {"amount": 5, "reason": REASON}), ("opine", {"opinion": "x"}), ("accept", {}),
        ):  # fmt: skip
            found = problem(await s.post(f"{path}/{action}", body, accept_language="en"), 409, "wrong_stage")
            assert found["allowed"] == ["withdraw", "keep", "copy"]
            assert "on its way" in found["detail"]
        view = await s.see(path)
        assert (view["stage"], view["allowed"]) == ("handed_off", ["withdraw", "keep", "copy"])


async def test_papers_that_differ_are_not_taken(tmp_path: Path) -> None:
    """One paper less or more: papers_differ with both lists, and the clock runs on; a closed hand-off never reopens."""
    async with offices(tmp_path) as s:
        h = (await s.intake("FEE"))["hand_off"]
        path = f"hand-offs/{h['id']}"
        problem(await s.post(f"{path}/verify", {"papers": h["papers"]}), 409, "hand_off_state")
        await s.ok(f"{path}/pick-up", {"runner": "r1"})
        found = problem(await s.post(f"{path}/verify", {"papers": [*h["papers"][1:], "strange"]}), 409, "papers_differ")
        assert (found["missing"], found["strange"]) == (h["papers"][:1], ["strange"])
        assert (await s.see("hand-offs"))[0]["state"] == "carried"
        await s.ok(f"{path}/verify", {"papers": h["papers"]})
        for action, body in (("verify", {"papers": h["papers"]}), ("refuse", {"reason": "x"}), ("arrive", {})):
            problem(await s.post(f"{path}/{action}", body), 409, "hand_off_closed")


async def test_missing_papers_are_named(tmp_path: Path) -> None:
    """Intake without a required paper is refused with its code, and in the sentence with its name."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        found = problem(
            await s.post("windows/w1/cases", papers("FEE", ticket=ticket["id"], materials=[])), 422, "materials_missing"
        )
        assert found["missing"] == ["form"]
        assert "申请表" in found["detail"]
        assert s.keeper.committed.state.offices.cases == {}


async def test_unknown_things_of_the_offices(tmp_path: Path) -> None:
    """What is not there is 404, each with its own code."""
    async with offices(tmp_path) as s:
        problem(await s.get("cases/none"), 404, "unknown_case")
        problem(await s.get("cases/none/trace"), 404, "unknown_case")
        problem(await s.post("cases/none/make"), 404, "unknown_case")
        problem(await s.post("hand-offs/h9/arrive"), 404, "unknown_hand_off")
        problem(await s.post("support/q/claim", {"staff": "x"}), 404, "unknown_support")
        problem(await s.get("matters/m"), 404, "unknown_matter")
        problem(await s.post("alerts/a:b/acknowledge", {"staff": "x"}), 404, "unknown_alert")
        problem(await s.post("/api/v1/tickets/t.x.y/rating", {"level": 5}, token=None), 404, "unknown_ticket")
        ticket = await s.serve()
        problem(await s.post("windows/w1/cases", papers("NONE", ticket=ticket["id"])), 404, "unknown_item")
        problem(
            await s.post("windows/p1/cases", papers("FEE", ticket=None, source="courier")), 409, "not_authorised_item"
        )
        problem(await s.get("cases?stage=lost"), 422, "invalid")
        problem(await s.get("cases?due=soon"), 422, "invalid")
        problem(await s.get("hand-offs?state=lost"), 422, "invalid")


async def test_a_paper_beside_the_handbook_is_sealed(tmp_path: Path) -> None:
    """A code that the plan does not know could be anything, so only its reference is written; desks read it."""
    async with offices(tmp_path) as s:
        materials = [{"code": "form", "present": True}, {"code": LI["id_number"], "present": True}]
        case = (await s.intake("FEE", materials=materials))["case"]["id"]
        names = [p["name"]["zh"] for p in (await s.see(f"cases/{case}"))["papers"] if not p["copy"]]
        assert names == ["申请表", LI["id_number"]]
        assert betrayed("what the hall wrote", s.written().encode(), [LI["id_number"]]) == []


async def test_desks_hear_that_the_offices_moved(tmp_path: Path) -> None:
    """The staff's and every desk's channel tell the position of the offices' last event."""
    async with offices(tmp_path) as s:
        hub = s.door.hubs["t"]
        channels = [hub.staff(), hub.desk("p1")]
        for channel in channels:
            hub.join(channel)
        h = (await s.intake("FEE"))["hand_off"]
        seq = s.keeper.committed.state.offices.seq
        assert [json.loads(channel.ring[-1].body)["offices"] for channel in channels] == [seq, seq]
        await s.ok(f"hand-offs/{h['id']}/arrive")
        assert [json.loads(channel.ring[-1].body)["offices"] for channel in channels] == [s.seq, s.seq]


async def test_papers_by_courier_need_no_ticket(tmp_path: Path) -> None:
    """A case by courier has no ticket; the receipt's first copy waits at the window to be sent."""
    async with offices(tmp_path) as s:
        problem(await s.post("windows/w1/cases", papers("FEE", ticket=None)), 422, "invalid")
        taken = await s.ok("windows/w1/cases", papers("FEE", ticket=None, source="courier"), 201)
        assert (taken["case"]["ticket"], taken["receipt"]["copies"][0]["holder"]) == (None, "window:w1")
        moved = await s.ok(f"cases/{taken['case']['id']}/copy", {"copy": 1, "holder": "applicant"})
        assert [p["holder"] for p in moved["papers"] if p["copy"] == 1] == ["applicant"]
        trace = await s.see(f"cases/{taken['case']['id']}/trace")
        assert (trace["number"], kinds(trace)[0], trace["durations"]["wait_s"]) == (None, "case_received", None)


# ---- two at once, and again


async def test_of_two_at_once_one_wins(tmp_path: Path) -> None:
    """Two runners take the same papers, two officers decide the same case: once yes, once no, one event each."""
    async with offices(tmp_path) as s:
        h = (await s.intake("FEE"))["hand_off"]
        await s.finish()
        picks = await asyncio.gather(*(s.post(f"hand-offs/{h['id']}/pick-up", {"runner": f"r{n}"}) for n in range(5)))
        assert sorted(a.status_code for a in picks) == [200, 409, 409, 409, 409]
        runner = next(a.json()["runner"] for a in picks if a.status_code == 200)
        assert (await s.see("hand-offs"))[0]["runner"] == runner
        await s.ok(f"hand-offs/{h['id']}/arrive")
        await s.ok(f"hand-offs/{h['id']}/verify", {"papers": h["papers"]})
        await s.ok(f"cases/{h['case']}/claim", {"staff": "o1"})
        body = {"outcome": "approve", "opinion": OPINION}
        decides = await asyncio.gather(*(s.post(f"cases/{h['case']}/decide", body) for _ in range(3)))
        assert sorted(a.status_code for a in decides) == [200, 409, 409]
        events = [e["kind"] for e in (await s.see("journal?limit=1000"))["events"]]
        assert (events.count("hand_off_picked_up"), events.count("case_decided")) == (1, 1)


async def test_a_repeated_intake_is_one_case(tmp_path: Path) -> None:
    """The same key gives the same receipt; the same person in two cases, and as his own agent, is one sealed row."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        body = papers("FEE", ticket=ticket["id"], agent=LI)
        answers = [await s.post("windows/w1/cases", body, idempotency_key="k-1") for _ in range(3)]
        assert len({answer.text for answer in answers}) == 1
        other = await s.ok("windows/w1/cases", papers("JOI", ticket=ticket["id"], agent=AGENT), 201)
        cases = s.keeper.committed.state.offices.cases
        first = cases[answers[0].json()["case"]["id"]]
        assert len(cases) == 2
        assert first.applicant == first.agent == cases[other["case"]["id"]].applicant
        assert cases[other["case"]["id"]].agent != first.applicant
        await s.finish()
        again = await s.take("A", holder=LI)
        assert s.keeper.committed.state.tickets[again["id"]].holder == first.applicant


async def test_a_runner_takes_several_and_gives_them_back(tmp_path: Path) -> None:
    """A batch answers for each; what somebody else has is refused alone; off duty everything waits again."""
    async with offices(tmp_path) as s:
        ids = [(await s.intake(code))["hand_off"]["id"] for code in ("FEE", "JOI", "REP")]
        await s.ok(f"hand-offs/{ids[2]}/pick-up", {"runner": "r2"})
        for _ in range(2):
            got = await s.ok("hand-offs/pick-up", {"runner": "r1", "ids": [*ids, "h99"]}, idempotency_key="batch")
            assert [h["id"] for h in got["hand_offs"]] == ids[:2]
            assert got["refused"] == [
                {"id": ids[2], "code": "hand_off_state"}, {"id": "h99", "code": "unknown_hand_off"},
            ]  # fmt: skip
        assert [h["id"] for h in (await s.ok("runners/r1/off-duty"))["hand_offs"]] == ids[:2]
        assert {h["id"]: h["state"] for h in await s.see("hand-offs")} == {
            ids[0]: "waiting", ids[1]: "waiting", ids[2]: "carried",
        }  # fmt: skip


# ---- who may


async def test_a_person_acts_as_himself_where_his_posts_reach(tmp_path: Path) -> None:
    """A signed-in officer decides in his department, under no other name; a runner does not see who applies."""
    async with offices(tmp_path) as s:
        await add(s, "7001", {"hall": "t", "post": "officer", "department": "amr"})
        await add(s, "7002", {"hall": "t", "post": "officer", "department": "hrss"})
        await add(s, "7003", {"hall": "t", "post": "runner", "zone": "g"})
        await add(s, "7004", {"hall": "t", "post": "officer", "department": "amr", "decide": False})
        await add(s, "7005", {"hall": "t", "post": "precheck", "zone": "g"})
        amr, hrss, runner, clerk, precheck = [
            {"token": None, **await enter(s, staff)} for staff in ("7001", "7002", "7003", "7004", "7005")
        ]
        h = (await s.intake("FEE"))["hand_off"]
        case = f"cases/{h['case']}"
        intake = papers("FEE", ticket=None, source="courier")
        problem(await s.post("windows/w2/cases", intake, **precheck), 403, "not_allowed")
        problem(await s.post(f"hand-offs/{h['id']}/pick-up", {"runner": "r9"}, **runner), 403, "not_allowed")
        assert (await s.ok(f"hand-offs/{h['id']}/pick-up", **runner))["runner"] == "7003"
        await s.ok(f"hand-offs/{h['id']}/arrive", **runner)
        problem(await s.post(f"hand-offs/{h['id']}/verify", {"papers": h["papers"]}, **runner), 403, "not_allowed")
        problem(await s.post(f"hand-offs/{h['id']}/verify", {"papers": h["papers"]}, **hrss), 403, "not_allowed")
        await s.ok(f"hand-offs/{h['id']}/verify", {"papers": h["papers"]}, **amr)
        problem(await s.post(f"{case}/claim", **hrss), 403, "not_allowed")
        problem(await s.post(f"{case}/claim", {"staff": "7002"}, **amr), 403, "not_allowed")
        assert (await s.ok(f"{case}/claim", **amr))["officer"] == "7001"
        body = {"outcome": "approve", "opinion": OPINION}
        problem(await s.post(f"{case}/decide", body, **clerk), 403, "not_allowed")
        await s.ok(f"{case}/decide", body, **amr)
        assert s.keeper.committed.state.offices.cases[h["case"]].decided_by == "7001"
        assert (await s.see(case, **amr))["applicant"]["name"] == LI["name"]
        assert (await s.see(case, **runner))["applicant"]["name"] == "李***"
        why = {x["kind"]: x["why"] for x in (await s.see(f"{case}/trace", **runner))["steps"]}
        assert why["case_decided"][0].startswith("sealed:")
        assert {x["kind"]: x["why"] for x in (await s.see(f"{case}/trace", **amr))["steps"]}["case_decided"] == [
            OPINION
        ]


async def test_a_window_keeps_to_its_zone(tmp_path: Path) -> None:
    """A window's link acts for cases of its zone only; a kiosk and a stranger for none."""
    async with offices(tmp_path) as s:
        case = f"cases/{(await s.intake('FEE'))['case']['id']}"
        far = s.door.access.sign([Grant("window", "t", "p1")])
        near = s.door.access.sign([Grant("window", "t", "w2")])
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        problem(await s.post(f"{case}/withdraw", token=far), 403, "not_allowed")
        problem(await s.post(f"{case}/withdraw", token=kiosk), 403, "not_allowed")
        problem(await s.post("support", {"window": "w1"}, token=near), 403, "not_allowed")
        assert (await s.ok(f"{case}/withdraw", token=near))["stage"] == "withdrawn"


async def test_nobody_comes_in_without_a_principal() -> None:
    """Every call but the citizen's own, and a case's progress, names the rights that it needs."""
    open_calls = {call.name for call in ALL_CALLS if not call.rights}
    assert {"own_ticket_rating", "get_progress"} <= open_calls
    assert not [n for n in open_calls if n.startswith(("case_", "hand_off_", "support_", "matter_", "list_c"))]


async def test_strangers_are_turned_away_first(tmp_path: Path) -> None:
    """Without a principal it is 401 whatever else is wrong."""
    async with offices(tmp_path) as s:
        for call, token in product((call for call in ALL_CALLS if call.rights), (None, "wrong")):
            path = re.sub(r"\{\w+\}", "nowhere", call.path)
            answer = await s.send(call.method, path, token=token, headers={}, content=b"{")
            problem(answer, 401, "not_signed_in")


# ---- the citizen


async def test_progress_needs_four_digits_and_is_masked(tmp_path: Path) -> None:
    """Receipt and digits show a masked case; wrong ones of either are the same answer, and soon too many."""
    async with offices(tmp_path) as s:
        receipt = (await s.intake("FEE", agent=AGENT))["receipt"]["number"]
        for last4 in ("7475", "1111", "4414"):
            found = await s.see(f"progress?receipt={receipt}&last4={last4}", token=None)
            assert (found["receipt"], found["stage"], found["applicant"]) == (receipt, "handed_off", "李***")
        problem(await s.get(f"progress?receipt={receipt}&last4=0000", token=None), 404, "unknown_receipt")
        problem(await s.get("progress?receipt=2026112300099&last4=7475", token=None), 404, "unknown_receipt")
        errors = problem(await s.get("progress?last4=12", token=None), 422, "invalid")["errors"]
        assert [e["field"] for e in errors] == ["receipt", "last4"]
        answers: list[Response] = [
            await s.get(f"progress?receipt={receipt}&last4={n:04}", token=None) for n in range(15)
        ]
        assert {a.status_code for a in answers} == {404, 429}
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_handbook_is_open_to_all(tmp_path: Path) -> None:
    """An item tells its materials, days, parts and bundles without a principal."""
    async with offices(tmp_path) as s:
        found = await s.see("items/JOI", token=None)
        assert (found["kind"], found["bundles"], found["materials"][0]["code"]) == ("joint", ["shop"], "form")
        assert [part["promised_days"] for part in found["parts"]] == [3, 7]
        problem(await s.get("items/NONE", token=None), 404, "unknown_item")


async def test_lists_find_what_is_due(tmp_path: Path) -> None:
    """Cases by stage, department and due day; a list never tells where somebody lives, the case does."""
    async with offices(tmp_path) as s:
        fee = (await s.intake("FEE", delivery={"method": "courier", "address": STREET}))["case"]
        joint = (await s.intake("JOI"))["case"]
        await s.finish()
        assert [c["id"] for c in await s.see("cases?department=hrss")] == [joint["id"]], "a part of a joint case"
        assert [c["id"] for c in await s.see("cases?stage=handed_off&kind=promised")] == [fee["id"]]
        assert fee["due_at"] < joint["due_at"]
        assert [c["id"] for c in await s.see(f"cases?due={fee['due_at'][:10]}")] == [fee["id"]]
        assert await s.see("cases?due=overdue") == []
        assert STREET not in (await s.get("cases")).text
        assert (await s.see(f"cases/{fee['id']}"))["delivery"] == {"method": "courier", "address": STREET}
        await s.later(30 * 86_400)
        await s.ok(f"cases/{fee['id']}/copy", {"copy": 3, "holder": "office:amr"})
        late = await s.see("cases?due=overdue")
        assert [(c["id"], c["overdue"], c["remaining_s"] < 0) for c in late] == [
            (fee["id"], True, True), (joint["id"], True, True),
        ]  # fmt: skip


async def test_a_rating_needs_a_finished_visit(tmp_path: Path) -> None:
    """Nothing to rate before the visit is done; a good rating opens no matter."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        path = f"/api/v1/tickets/{ticket['token']}/rating"
        problem(await s.post(path, {"level": 5}, token=None), 409, "nothing_to_rate")
        problem(await s.post(path, {"level": 6}, token=None), 422, "invalid")
        await s.finish()
        assert (await s.ok(path, {"level": 5}, token=None))["number"] == ticket["number"]
        assert await s.see("matters") == []


async def test_nobody_checks_what_he_carried_and_nothing_comes_of_nothing(tmp_path: Path) -> None:
    """Face to face takes two; no paper, no case; a courier needs an address, a result a signature, another
    fee a reason: each refused in words that name what is wrong."""
    async with offices(tmp_path) as s:
        s.ticket = await s.serve()
        path = "windows/w1/cases"
        body = papers("FEE", ticket=s.ticket["id"])
        none = problem(await s.post(path, body | {"materials": [], "incomplete": True}), 422, "nothing_received")
        assert none["missing"] == ["form"]
        no = problem(await s.post(path, body | {"delivery": {"method": "courier"}}), 422, "invalid")
        assert [error["field"] for error in no["errors"]] == ["delivery.address"]
        taken = await s.ok(path, body, 201)
        await s.finish()
        h, case = taken["hand_off"], f"cases/{taken['case']['id']}"
        await s.ok(f"hand-offs/{h['id']}/pick-up", {"runner": "r1"})
        await s.ok(f"hand-offs/{h['id']}/arrive")
        for action, said in (("verify", {"papers": h["papers"]}), ("refuse", {"reason": "paper_missing"})):
            answer = await s.post(f"hand-offs/{h['id']}/{action}", said | {"staff": "r1"})
            alone = problem(answer, 409, "carrier_verifies")
            assert "r1" in alone["detail"]
        await s.ok(f"hand-offs/{h['id']}/verify", {"papers": h["papers"], "staff": "checker"})
        await s.ok(f"{case}/claim", {"staff": "officer-1"})
        for said, field in (({"amount": 1600}, "reason"), ({"amount": 10_000_001, "reason": "x"}, "amount")):
            no = problem(await s.post(f"{case}/request-fee", said), 422, "invalid")
            assert [error["field"] for error in no["errors"]] == [field]
        await s.ok(f"{case}/request-fee", {"amount": 1600, "reason": REASON})
        trace = await s.see(f"{case}/trace")
        assert REASON in next(step["why"] for step in trace["steps"] if step["kind"] == "fee_requested")
        await s.ok(f"{case}/paid", {"reference": "pay-1"})
        await s.ok(f"{case}/decide", {"outcome": "approve", "opinion": OPINION})
        await s.ok(f"{case}/make")
        await s.ok(f"{case}/ready")
        no = problem(await s.post(f"{case}/deliver", {"method": "window"}), 422, "invalid")
        assert [error["field"] for error in no["errors"]] == ["signature"]
        await s.ok(f"{case}/deliver", {"method": "window", "signature": SIGNATURE})


async def test_a_matter_goes_to_somebody_who_is_there(tmp_path: Path) -> None:
    """Where there are accounts a matter is handed over to one of them or to a post; a made-up staff id is refused."""
    async with offices(tmp_path) as s:
        opened = await s.ok("matters", {"kind": "complaint", "owner": "1", "note": NOTE}, 201)
        path = f"matters/{opened['id']}/hand-over"
        assert (await s.ok(path, {"owner": "ghost99"}))["owner"] == "ghost99", "no accounts, nothing to compare with"
        await add(s, "1042", {"hall": "t", "post": "guide"})
        no = problem(await s.post(path, {"owner": "ghost98"}), 422, "invalid")
        assert [error["field"] for error in no["errors"]] == ["owner"]
        assert (await s.ok(path, {"owner": "1042"}))["owner"] == "1042"
        assert (await s.ok(path, {"owner": "supervisor:g"}))["owner"] == "supervisor:g"


async def test_a_bad_rating_says_what_was_bad(tmp_path: Path) -> None:
    """Whoever puts a bad rating right sees its level, its reasons, the citizen's words, the number and the window."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        await s.finish()
        rating = {"level": 1, "reasons": ["not_solved"], "text": NOTE}
        await s.ok(f"/api/v1/tickets/{ticket['token']}/rating", rating, token=None)
        (matter,) = await s.see("matters")
        assert (matter["level"], matter["reasons"], matter["note"]) == (1, ["not_solved"], NOTE)
        assert (matter["number"], matter["window"]) == (ticket["number"], "w1")


async def test_whoever_is_asked_first_owns_the_matter(tmp_path: Path) -> None:
    """A matter keeps its person sealed; who calls back sees the telephone; an alert is acknowledged by name."""
    async with offices(tmp_path) as s:
        problem(await s.post("matters", {"kind": "complaint"}), 422, "invalid")
        opened = await s.ok("matters", {"kind": "complaint", "owner": "staff:1", "holder": LI, "note": NOTE}, 201)
        assert "holder" not in opened
        one = await s.see(f"matters/{opened['id']}")
        assert (one["holder"]["phone"], one["note"]) == (LI["phone"], NOTE)
        assert (await s.ok(f"matters/{opened['id']}/hand-over", {"owner": "staff:2"}))["owner"] == "2"
        await s.later(2 * 86_400)
        await s.ok(f"matters/{opened['id']}/contact")
        late = next(a for a in await s.see("alerts") if a["kind"] == "matter_late")
        assert late["owner"] == "manager"
        fee = (await s.intake("FEE"))["hand_off"]
        await s.later(1300)
        await s.ok(f"hand-offs/{fee['id']}/pick-up", {"runner": "r1"})
        alert = next(a for a in await s.see("alerts") if a["about"] == fee["id"])
        assert (alert["kind"], alert["acknowledged"]) == ("hand_off_due", False)
        noted = await s.ok(f"alerts/{alert['id']}/acknowledge", {"staff": "sup-1"})
        assert (noted["acknowledged"], noted["id"]) == (True, alert["id"])


# ---- messages


async def test_a_message_is_sent_once_across_restarts(tmp_path: Path) -> None:
    """What was asked for while no messenger ran is sent at the next start; what was sent is never sent again."""
    file = tmp_path / "messages.jsonl"
    time = [MORNING]
    journal = MemoryJournal(lambda: time[0])

    def sent() -> list[Any]:
        return [json.loads(line)["name"] for line in file.read_text().splitlines()] if file.exists() else []

    async with offices(tmp_path, gateway=FileGateway(file), journal=journal) as s:
        case = await s.to_review("FEE")
        await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
        await until(sent, "the first message")
    async with offices(tmp_path, journal=journal) as s:
        await s.ok(f"cases/{case}/paid", {"reference": "p"})
        second = (await s.ok(f"cases/{case}/request-fee", {"amount": 250, "reason": REASON}))["seq"]
    for _ in range(2):
        async with offices(tmp_path, gateway=FileGateway(file), journal=journal) as s:
            await until(lambda: len(sent()) >= 2, "the message that was missed")
            other = await s.to_review("FEE", applicant={"name": "无电话"})
            await s.ok(f"cases/{other}/request-fee", {"amount": 1, "reason": REASON})
            await looked_at(tmp_path / "messages" / "t.seq", s.seq)
    assert len(sent()) == len(set(sent())) == 2
    assert sent()[1] == f"t-{second}"
    assert file.stat().st_mode & 0o077 == 0


async def looked_at(mark: Path, seq: int) -> None:
    """Wait until the messenger has gone by this position."""
    await until(lambda: int(mark.read_text()) >= seq, "the messenger's mark")


async def test_the_gateway_is_tried_again_and_then_an_alert_is_raised(tmp_path: Path) -> None:
    """A busy gateway gets the same message again under the same key; one that never takes it is an alert."""
    heard: list[tuple[str, Any]] = []
    answers = [503, 200, 500, 500, 500, 500]

    async def take(request: Request) -> Answer:
        heard.append((request.headers["idempotency-key"], await request.json()))
        return PlainTextResponse("", answers[len(heard) - 1])

    app = Starlette(routes=[Route("/sms", take, methods=["POST"])])
    async with listening(app) as base:
        gateway = HttpGateway(f"{base}/sms", longest_pause_s=0.0)
        async with offices(tmp_path, gateway=gateway) as s:
            case = await s.to_review("FEE")
            await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
            await until(lambda: len(heard) == 2, "the second try")
            assert heard[0] == heard[1]
            assert heard[0][1]["phone"] == LI["phone"]
            await s.ok(f"cases/{case}/paid", {"reference": "p"})
            await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
            await until(lambda: f"message_failed:{case}" in s.keeper.committed.state.alerts, "the alert")
            assert len(heard) == 6


@asynccontextmanager
async def listening(app: Starlette) -> AsyncIterator[str]:
    """An application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, "the gateway")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


# ---- the table, its words and its document


def test_every_code_of_the_offices_has_its_words() -> None:
    """Every code that the offices' rules and calls can say no with has a title and a sentence in both languages."""
    sources = [*Path("tidehall/hall/offices").glob("*.py"), *Path("tidehall/display/http").glob("*.py")]
    pattern = re.compile(r"""(?:Refusal|Problem)\(\s*"(\w+)\"""")
    codes = {code for path in sources for code in pattern.findall(path.read_text("utf-8"))}
    codes |= {code for call in ALL_CALLS for code in call.described}
    assert {"papers_differ", "parts_open", "unknown_receipt"} <= codes
    for lang in LANGUAGES:
        assert not [c for c in codes for p in ("title", "detail") if f"problem.{c}.{p}" not in words(lang)], lang


def test_the_document_names_every_call() -> None:
    """The OpenAPI document has every call once, with every status that its table row says."""
    data = document(ALL_CALLS + SYSTEM_CALLS)
    operations = [operation for methods in data["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for call in ALL_CALLS:
        said = data["paths"][call.path][call.method.lower()]
        assert set(said["responses"]) == {str(call.status), *map(str, call.answering())}
        assert {p["name"] for p in said.get("parameters", ()) if p["in"] == "path"} == set(
            re.findall(r"\{(\w+)\}", call.path)
        )
