"""Collecting a result through the HTTP door: by receipt, at the issue window, handed out, told by the trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.live.door import name, problem
from tests.live.offices import AGENT, LI, SIGNATURE, Offices, in_order, kinds, offices
from tests.live.offices import plan as offices_plan
from tidehall.display.http.access import Grant
from tidehall.hall import commands as c
from tidehall.hall.plan import LinePlan, Plan, WindowPlan
from tidehall.live import Ask

DIGITS = LI["id_number"][-4:]


def with_pickup() -> Plan:
    """The offices' hall with an issue window and its line."""
    plan = offices_plan()
    line = LinePlan("R", "R", "g", name("取件"), 60.0, "pickup")
    return replace(
        plan, lines=(*plan.lines, line), windows=(*plan.windows, WindowPlan("i1", "8", "g", "issue", ("R",)))
    )


async def adopt(s: Offices) -> None:
    """The hall gets its pickup line."""
    await s.keeper.submit(
        Ask(c.AdoptPlan(with_pickup(), now=True), "test", "adopt", b"", lambda hall, events: (200, b""))
    )


async def ready(s: Offices, code: str = "URG", **more: Any) -> tuple[str, str]:
    """A case whose result lies ready: its id and receipt."""
    case = await s.to_review(code, **more)
    await s.ok(f"cases/{case}/decide", {"outcome": "approve", "opinion": "同意"})
    await s.ok(f"cases/{case}/make", {"staff": "maker-1"})
    return case, str((await s.ok(f"cases/{case}/ready"))["receipt"])


def slip(receipt: str, last_four: str = DIGITS, channel: str = "kiosk") -> dict[str, Any]:
    """What a kiosk sends."""
    return {"channel": channel, "receipt": {"number": receipt, "last_four": last_four}}


async def test_a_receipt_becomes_a_number_and_the_number_a_result(tmp_path: Path) -> None:
    """Ready, a number by receipt and last four, called at the issue window, both results handed out, in the trace."""
    async with offices(tmp_path) as s:
        await adopt(s)
        case, receipt = await ready(s)
        second, _ = await ready(s)
        under_way = await s.to_review("URG")
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        taken = await s.ok("tickets", slip(receipt), 201, token=kiosk)
        assert (taken["line"], taken["number"], taken["item"]) == ("R", "R001", None)
        assert "cases" not in taken
        own = str(await s.see(f"/api/v1/tickets/{taken['token']}", token=None))
        assert case not in own
        assert receipt not in own
        again = problem(await s.post("tickets", slip(receipt), token=kiosk), 409, "already_queueing")
        assert (again["number"], "case" in again) == ("R001", False)
        await s.ok("windows/i1/sign-in", {"staff": "issuer-1"})
        await s.ok("windows/i1/open")
        await s.later(30)
        assert (await s.ok("windows/i1/call"))["ticket"]["id"] == taken["id"]
        ticket = (await s.ok("windows/i1/start"))["ticket"]
        assert ticket["cases"][0] == {"id": case, "receipt": receipt, "item": "URG", "stage": "ready"}
        assert [found["id"] for found in ticket["cases"]] == [case, second]
        assert under_way not in str(ticket)
        for one in (case, second):
            await s.ok(f"cases/{one}/deliver", {"method": "window", "signature": SIGNATURE})
        window = await s.see("windows/i1")
        assert [found["stage"] for found in window["ticket"]["cases"]] == ["delivered", "delivered"]
        await s.ok("windows/i1/finish")
        trace = await s.see(f"cases/{case}/trace")
        assert in_order(["case_received", "result_ready", "result_delivered"], kinds(trace))
        done = problem(await s.post("tickets", slip(receipt), token=kiosk), 409, "result_not_ready")
        assert done["stage"] == "delivered"


async def test_wrong_digits_are_the_same_no_as_for_progress(tmp_path: Path) -> None:
    """A wrong pair is one 404 whatever is wrong, counted like a question for progress; a case's id opens nothing."""
    async with offices(tmp_path) as s:
        await adopt(s)
        case, receipt = await ready(s)
        asked = await s.get(f"progress?receipt={receipt}&last4=0000", token=None)
        for number, digits in ((receipt, "0000"), ("2026112399999", DIGITS), (case, DIGITS)):
            answer = await s.post("tickets", slip(number, digits))
            assert (answer.status_code, answer.json()) == (404, asked.json())
        for _ in range(8):
            last = await s.post("tickets", slip(receipt, "0000", "phone"), token=None)
        assert problem(last, 404, "unknown_receipt")
        assert problem(await s.post("tickets", slip(receipt)), 429, "too_many"), "ten tries for one receipt"


async def test_who_may_ask_and_for_what(tmp_path: Path) -> None:
    """Case ids are for staff; not ready and not at the window are told with what can be told; both ways are refused."""
    async with offices(tmp_path) as s:
        await adopt(s)
        case, receipt = await ready(s, agent=AGENT)
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        by_id = {"channel": "guide", "cases": [case]}
        problem(await s.post("tickets", by_id | {"channel": "kiosk"}, token=kiosk), 403, "not_allowed")
        problem(await s.post("tickets", by_id | slip(receipt)), 422, "invalid")
        problem(await s.post("tickets", slip(receipt) | {"line": "A"}), 422, "invalid")
        faults = problem(await s.post("tickets", slip("no-number", "12")), 422, "invalid")["errors"]
        assert [fault["field"] for fault in faults] == ["receipt.number", "receipt.last_four"]
        waiting = await s.to_review("FEE")
        no = problem(await s.post("tickets", {"channel": "guide", "cases": [waiting]}), 409, "result_not_ready")
        assert (no["case"], no["stage"], no["due_at"][:10]) == (waiting, "in_review", "2026-12-01"), (
            "a hall that never closes"
        )
        assert "12-01" in no["detail"]
        courier, _ = await ready(s, delivery={"method": "courier", "address": "兴国大道一百二十号"})
        no = problem(await s.post("tickets", {"channel": "guide", "cases": [courier]}), 409, "not_collected_here")
        assert no["method"] == "courier"
        problem(await s.post("tickets", {"channel": "guide", "cases": ["nothing"]}), 404, "unknown_case")
        agents = slip(receipt, AGENT["phone"][-4:], "phone")
        assert (await s.ok("tickets", agents, 201, token=None))["number"] == "R001"
        held = problem(await s.post("tickets", by_id), 409, "already_queueing")
        assert (held["number"], held["case"]) == ("R001", case)


async def test_the_hall_tells_its_pickup_line(tmp_path: Path) -> None:
    """Whoever shows lines can tell them apart."""
    async with offices(tmp_path) as s:
        await adopt(s)
        lines = (await s.see("/api/v1/halls/t", token=None))["lines"]
        assert [(line["id"], line["purpose"]) for line in lines] == [("A", "service"), ("R", "pickup")]
