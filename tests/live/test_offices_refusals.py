"""What the offices refuse through the HTTP door, in words that name what is wrong."""

from __future__ import annotations

import asyncio
import re
from itertools import product
from pathlib import Path

from tests.live.door import problem
from tests.live.leaks import betrayed
from tests.live.offices import AGENT, LI, OPINION, REASON, SIGNATURE, offices, papers
from tests.live.people import add, enter
from tidehall.display.http.access import Grant
from tidehall.display.http.app import ALL_CALLS


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


async def test_a_paper_beside_the_handbook_is_sealed(tmp_path: Path) -> None:
    """A code that the plan does not know could be anything, so only its reference is written; desks read it."""
    async with offices(tmp_path) as s:
        materials = [{"code": "form", "present": True}, {"code": LI["id_number"], "present": True}]
        case = (await s.intake("FEE", materials=materials))["case"]["id"]
        names = [p["name"]["zh"] for p in (await s.see(f"cases/{case}"))["papers"] if not p["copy"]]
        assert names == ["申请表", LI["id_number"]]
        assert betrayed("what the hall wrote", s.written().encode(), [LI["id_number"]]) == []


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
