"""The handbook, cross-region intake, services, lists of reasons and assisted tickets through the HTTP door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.live.door import name, problem
from tests.live.offices import LI, Offices, kinds, offices, papers
from tests.live.offices import plan as offices_plan
from tidehall.command import main
from tidehall.display.http.access import Grant
from tidehall.hall.catalogue import Form, Guide, Item, Material, Reason, Standard
from tidehall.hall.plan import Plan

FORM = Form(name("申请表样表"), "/forms/a.pdf")
GUIDE = Guide(
    basis=(name("《某法》第一条"),), process=(name("先取号"), name("后交材料")),
    forms=("window", "online"), fee_standard=name("每件 15 元"), courier=True, result_sample=FORM,
)  # fmt: skip
MATERIAL = Material("form", name("申请表"), standard=Standard(format="original", copies=2, form=FORM))
REASONS = (
    Reason("reject", "no_card", name("没带身份证")),
    Reason("correction", "blurred", name("复印件模糊")),
    Reason("withdraw", "moved", name("迁往外地")),
    Reason("refuse_hand_off", "wet", name("材料受潮")),
)


def item_with(item: Item) -> Item:
    """FEE has a handbook, URG is taken in for other regions."""
    if item.code == "FEE":
        return replace(item, guide=GUIDE, materials=(MATERIAL,))
    return replace(item, cross_region=item.code == "URG")


def plan(*reasons: Reason) -> Plan:
    """The offices' hall with a handbook, two regions, telephones and its own reasons."""
    found = offices_plan()
    hall = replace(found.hall, regions={"420281": name("大冶市")}, consultation="12345")
    return replace(found, hall=hall, items=tuple(map(item_with, found.items)), reasons=reasons)


async def test_an_item_answers_its_handbook(tmp_path: Path) -> None:
    """Elements, materials' standards, what comes from the hall, and which of the 22 lack; open to all."""
    async with offices(tmp_path, hall=plan()) as s:
        found = await s.see("items/FEE", token=None)
        assert found["guide"]["forms"] == ["window", "online"]
        assert found["guide"]["result_sample"]["address"] == "/forms/a.pdf"
        assert found["materials"][0]["standard"]["copies"] == 2
        assert (found["consultation"], found["supervision"]) == ("12345", None)
        assert found["hours"]["zh"].startswith("周一至周日") or "08:30" in found["hours"]["zh"]
        lacks = found["elements"]["lacking"]
        assert found["elements"]["filled"] + len(lacks) == found["elements"]["of"] == 22
        assert {"scope", "review", "supervision", "fee_basis"} <= set(lacks)
        assert not {"basis", "process", "materials", "courier", "consultation"} & set(lacks)
        assert (await s.see("items/IMM", token=None))["guide"] is None


async def test_the_guide_book_shows_what_is_there(tmp_path: Path) -> None:
    """Pages for everybody without a script: zones, a search by name, an item with what it has and nothing else."""
    async with offices(tmp_path, hall=plan()) as s:

        async def page(path: str, status: int = 200) -> str:
            answer = await s.get(path, token=None)
            assert answer.status_code == status
            return answer.text

        assert "/guide/t?zone=g" in await page("/guide/t")
        found = await page("/guide/t?q=ＦＥＥ")
        assert "/guide/t/FEE?lang=zh" in found
        assert "/guide/t/URG" not in found
        assert "没有找到" in await page("/guide/t?q=没有的事")
        whole = await page("/guide/t/FEE")
        for words in (
            "《某法》第一条",
            "后交材料",
            "每件 15 元",
            "申请表样表",
            "2 份",
            "原件",
            "结果可以邮寄",
            "tel:12345",
        ):
            assert words in whole, words
        for words in ("审查标准", "通办范围", "收费依据", "监督电话"):
            assert words not in whole, words
        bare = await page("/guide/t/IMM")
        assert "当场办结" in bare
        assert "设定依据" not in bare
        assert "Papers to bring" in await page("/guide/t/FEE?lang=en")
        await page("/guide/t/NONE", 404)
        await page("/guide/nowhere", 404)
        assert "/guide/t" in await page("/")
        kiosk = await s.get("/kiosk/t?item=FEE", token=None)
        assert "扫码看办事指南" in kiosk.text


async def test_a_case_for_another_region(tmp_path: Path) -> None:
    """The region stands in the case, on the receipt and in the trace; an unknown one and a foreign item are refused."""
    async with offices(tmp_path, hall=plan()) as s:
        taken = (await s.intake("URG", origin="420281"))["case"]
        assert taken["origin"] == "420281"
        receipt = await s.see(f"cases/{taken['id']}/receipt")
        assert (receipt["origin"], receipt["origin_name"]["zh"]) == ("420281", "大冶市")
        assert "大冶市" in (await s.get(f"/receipt/t/{taken['id']}")).text
        trace = await s.see(f"cases/{taken['id']}/trace")
        assert trace["steps"][kinds(trace).index("case_received")]["body"]["origin"] == "420281"
        assert "大冶市" in (await s.get(f"/case/t/{taken['id']}")).text
        for code, origin in (("URG", "110000"), ("FEE", "420281")):
            body = papers(code, ticket=s.ticket["id"], origin=origin)
            no = problem(await s.post("windows/w1/cases", body), 422, "invalid")
            assert no["errors"][0]["field"] == "origin"


async def test_services_are_counted_and_taken_back(tmp_path: Path) -> None:
    """The guide counts and takes back in time; a kiosk counts its own use alone; strangers count nothing."""
    async with offices(tmp_path) as s:
        guide, kiosk = (s.door.access.sign([Grant(kind, "t")]) for kind in ("guide", "kiosk"))
        for _ in range(2):
            await s.ok("services", {"kind": "print_copy", "zone": "g"}, token=guide)
        back = await s.ok("services", {"kind": "print_copy", "zone": "g", "count": -1}, token=guide)
        assert back["totals"] == {"print_copy": 1}
        await s.ok("services", {"kind": "self_service", "zone": "g"}, token=kiosk)
        problem(await s.post("services", {"kind": "print_copy", "zone": "g"}, token=kiosk), 403, "not_allowed")
        problem(await s.post("services", {"kind": "print_copy", "zone": "g"}, token=None), 401, "not_signed_in")
        await s.later(31)
        problem(
            await s.post("services", {"kind": "print_copy", "zone": "g", "count": -1}, token=guide), 409,
            "nothing_counted",
        )  # fmt: skip
        found = await s.see("services")
        assert [(r["zone"], r["kind"], r["count"]) for r in found["services"]] == [
            ("g", "print_copy", 1), ("g", "self_service", 1),
        ]  # fmt: skip
        assert await s.see(f"services?day={found['day']}") == found
        assert (await s.see("services?day=2026-01-01"))["services"] == []
        problem(await s.get("services?day=today"), 422, "invalid")


async def test_an_assisted_ticket_has_its_helper(tmp_path: Path) -> None:
    """Only the guide names a helper; the window sees him, the citizen's own ticket does not, the trace tells him."""
    async with offices(tmp_path) as s:
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        body = {"item": "URG", "channel": "kiosk", "helper": "3001"}
        problem(await s.post("tickets", body, token=kiosk), 403, "not_allowed")
        taken = await s.ok("tickets", body | {"channel": "guide"}, 201)
        assert "helper" not in taken
        assert "helper" not in await s.see(f"/api/v1/tickets/{taken['token']}", token=None)
        await s.ok("windows/w1/sign-in", {"staff": "1001"})
        for action in ("open", "call", "start"):
            window = await s.ok(f"windows/w1/{action}")
        assert window["ticket"]["helper"] == "3001"
        case = (await s.ok("windows/w1/cases", papers("URG", ticket=taken["id"]), 201))["case"]
        assert case["helper"] == "3001"
        assert (await s.get(f"/case/t/{case['id']}")).text.count("帮办人 3001") == 2, "the number and the intake"


async def rejected(s: Offices, missing: list[str]) -> Any:
    """Somebody is sent home from window 1 with this notice."""
    if (await s.see("windows/w1"))["ticket"] is None:
        await s.serve()
    return await s.post("windows/w1/reject", {"missing": missing})


async def test_a_plans_own_reasons_are_the_whole_list(tmp_path: Path) -> None:
    """A free text alone is refused where the plan has reasons; a code, a material, and words beside them are taken."""
    async with offices(tmp_path, hall=plan(*REASONS)) as s:
        no = problem(await rejected(s, ["心情不好"]), 422, "invalid")
        assert (no["errors"][0]["field"], "no_card" in no["errors"][0]["detail"]) == ("missing", True)
        problem(await rejected(s, ["paper_form"]), 422, "invalid")
        for missing in (["no_card", "明天再来"], ["form"]):
            assert (await rejected(s, missing)).status_code == 200
        taken = await s.intake("URG")
        case, hand_off = taken["case"]["id"], taken["hand_off"]["id"]
        await s.ok(f"hand-offs/{hand_off}/pick-up", {"runner": "r1"})
        await s.ok(f"hand-offs/{hand_off}/arrive")
        problem(await s.post(f"hand-offs/{hand_off}/refuse", {"reason": "不想收"}), 422, "invalid")
        assert (await s.ok(f"hand-offs/{hand_off}/refuse", {"reason": "wet"}))["reason"] == "wet"
        assert "材料受潮" in (await s.get(f"/case/t/{case}")).text
        problem(await s.post(f"cases/{case}/withdraw", {"reason": "applicant_wish"}), 422, "invalid")
        await s.ok(f"cases/{case}/withdraw", {"reason": "moved"})
        await s.finish()
        later = await s.to_review("URG")
        problem(await s.post(f"cases/{later}/request-correction", {"missing": ["重做"]}), 422, "invalid")
        await s.ok(f"cases/{later}/request-correction", {"missing": ["blurred", "form"]})


async def test_the_houses_reasons_stay_unsealed(tmp_path: Path) -> None:
    """Without a list of the plan's own, the house's codes for withdrawal and correction are stored as codes."""
    async with offices(tmp_path) as s:
        case = await s.to_review("URG")
        found = await s.ok(f"cases/{case}/request-correction", {"missing": ["paper_unsigned", "请重签"]})
        assert found["missing"][0] == "paper_unsigned"
        assert found["missing"][1].startswith("sealed:")
        await s.ok(f"cases/{case}/withdraw", {"reason": "done_elsewhere"})
        trace = await s.see(f"cases/{case}/trace")
        assert trace["steps"][kinds(trace).index("case_withdrawn")]["why"] == ["done_elsewhere"]
        assert LI["name"] not in s.written()


def test_the_check_tells_how_complete_the_guides_are(capsys: pytest.CaptureFixture[str]) -> None:
    """The share over all items and the worst items are information: the reference hall's plan stays right."""
    assert main(["plan", "check", str(Path(__file__).parents[2] / "halls" / "yangxin.toml")]) == 0
    said = capsys.readouterr().out
    assert "of the 22 elements over 267 items; 12 items have a guide of their own" in said
    assert said.count("of 22, lacks ") == 5
