"""Yangxin's section 五 once in a real browser: eight cases of the reference hall from the kiosk to the archive (R22).

Law: whatever happens in the story happens on a page, done by the person who would do it (desks.py). HTTP prepares
accounts and reads what the pages have made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.served import always_open
from tests.pages.conftest import BOARD, KIOSK, PHONE, serving, until
from tests.pages.desks import PEOPLE, Desks
from tests.pages.office_hall import Hall
from tests.pages.test_pickup import by_receipt

pytestmark = pytest.mark.browser

#: Seconds until a message must have been sent.
MESSAGE_S = 15.0

PARENT = {"name": "张小三", "id_number": "420222199001011234", "phone": "13800001234"}
SELLER = {"name": "李四海", "id_number": "420222198503074321", "phone": "13900001111"}
LAWYER = {"name": "王五洲", "id_number": "420222199212125678", "phone": "13700002222"}
AGENT = {"name": "慕容代办", "phone": "13907231104"}
SOCIAL, PROPERTY, ISSUE = "s01", "p01", "s27"


def demonstration(folder: Path) -> Path:
    """The reference hall, open round the clock as the demonstration has it, under the name of the tests' hall."""
    plan = always_open(folder)
    text, count = re.subn(r'(?m)^id = "yangxin"$', 'id = "pages"', plan.read_text("utf-8"))
    assert count == 1
    plan.write_text(text, encoding="utf-8")
    return plan


@pytest.fixture
def story(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desks]:
    """The hall with everybody's account; short messages go into a file beside it."""
    monkeypatch.setenv("TIDEHALL_SMS", f"file:{tmp_path / 'messages.jsonl'}")
    with serving(demonstration(tmp_path), tmp_path_factory.mktemp("story")) as server:
        hall = Hall(server, browser)
        for staff, posts in PEOPLE.items():
            hall.person(staff, *posts)
        hall.place("kiosk")
        with hall.in_use():
            yield Desks(hall)


def message(path: Path) -> dict[str, str]:
    """The only short message that has been sent."""
    until(lambda: path.exists() and path.read_text("utf-8").endswith("\n"), MESSAGE_S, lambda: "no message came")
    (line,) = path.read_text("utf-8").splitlines()
    found: dict[str, str] = json.loads(line)
    return found


def refused(s: Desks, page: Page, sentence: str) -> None:
    """The page says in the server's words why not."""
    expect(page.locator("#said")).to_have_text(sentence)
    s.hall.wrong[:] = [line for line in s.hall.wrong if "409" not in line]


def test_the_story_of_section_five(story: Desks, tmp_path: Path) -> None:
    """Urgent, promised with a fee, immediate, reported, joint, a bundle, a department outside, a refused hand-off:
    all from the number to the archive, with the trace and the applicant's page saying so."""
    s = story

    # 办事申请: two citizens take their numbers for a matter
    kiosk = s.at("/kiosk/pages", "kiosk", KIOSK)
    social, property_zone = s.window(SOCIAL, "1001"), s.window(PROPERTY, "1301")
    parent, parent_token = s.number(kiosk, "失业", "SS-008", "A")
    seller, seller_token = s.number(kiosk, "抵押", "RP-007", "D")

    # 前台综合受理: a bundle (新生儿出生一件事) of two immediate items and a promised one, an urgent item with an agent
    # and one for a department outside, all on one visit
    s.begin(social, parent)
    born = [s.intake(social, code, PARENT, bundle="newborn") for code in ("PS-004", "SS-001", "MI-003")]
    promised = born[2]
    urgent = s.intake(social, "SS-008", PARENT, agent=AGENT, urgent=True)
    outside = s.intake(social, "UF-002", PARENT)
    expect(social.locator(".carry")).to_have_count(3)
    expect(social.locator(".carry", has_text=urgent[-5:]).locator("[data-due]")).to_have_text(re.compile(r"^9:\d\d$"))
    expect(social.locator("#unfiled b")).to_have_text("7")
    s.finish(social)
    reported = s.intake(social, "JU-002", LAWYER, delivery="courier", source="courier")  # its papers came by post
    s.begin(property_zone, seller)
    fee = s.intake(property_zone, "RP-007", SELLER, delivery="courier")
    joint = s.intake(property_zone, "RP-001", SELLER, delivery="electronic")
    s.finish(property_zone)
    assert [s.hall.case(receipt)["stage"] for receipt in born[:2]] == ["delivered", "delivered"]
    board = s.at("/desk/pages/handoffs", "6001", BOARD)
    expect(board.locator(".urgent .lane")).to_have_count(1)
    expect(board.locator(".promised .lane")).to_have_count(5)
    s.shot(board, "hand-offs")

    # 流转: the urgent papers in ten minutes to the middle office, on to the back office in a second leg
    middle = s.at("/desk/pages/middle", "3001")
    s.carry(urgent, scan=True)
    s.shot(middle, "middle")
    s.verify(middle, urgent)
    s.carry(urgent)
    hrss = s.office("hrss")
    s.shot(hrss, "office-coming")
    s.verify(hrss, urgent)
    # refused: back to its window with the reason, and on again
    medical = s.office("medical_insurance")
    s.carry(promised)
    check = s.coming(medical, promised)
    check.locator("summary", has_text="退回窗口").click()
    check.locator("[name=reason]").select_option("paper_unsigned")
    check.locator("[name=note]").fill("申请表第二页")
    s.shot(medical, "office-refuse")
    check.locator("[data-do=refuse]").click()
    back = social.locator(".carry", has_text=promised[-5:])
    expect(back).to_contain_text("退回 1 次： 缺签字或盖章 申请表第二页")
    s.shot(social, "window-refused")
    expect(s.runner().locator("[data-list=tasks] .task", has_text=promised[-5:])).to_contain_text("缺签字或盖章")
    s.carry(promised)
    s.verify(medical, promised)
    expect(back).to_have_count(0)
    # a department outside: its receiving desk ends the clock, then the way there
    s.carry(outside)
    expect(s.coming(middle, outside)).to_contain_text("统战部")
    s.verify(middle, outside)
    s.carry(outside)
    s.verify(s.office("united_front"), outside)
    s.carry(reported)
    s.verify(s.office("justice"), reported)
    for receipt in (fee, joint):  # a zone without runners is served by the hall's pool
        s.carry(receipt, "2002")
        s.verify(s.office("property"), receipt)
    expect(board.locator(".lane")).to_have_count(0)

    # 后台分类审批
    pane = s.claimed("hrss", urgent)
    s.shot(hrss, "office-case")
    s.decide(pane)
    s.make(pane)
    pane = s.claimed("medical_insurance", promised)
    s.decide(pane)
    s.make(pane)
    pane = s.claimed("united_front", outside)
    s.decide(pane, "refuse")
    s.make(pane)
    pane = s.claimed("justice", reported)
    s.decide(pane)
    refused(s, s.office("justice"), "上报件须先有审查意见才能决定。请先填写意见。")
    s.opine(pane, "材料齐全，同意上报")
    s.decide(pane)
    s.make(pane)
    # a fee: told by a short message and on the phone, paid, on it goes
    owner = s.at(f"/t/{seller_token}", None, PHONE)
    pane = s.claimed("property", fee)
    pane.locator("summary", has_text="通知缴费").click()
    expect(pane.locator("[name=amount]")).to_have_value("80.00")
    pane.locator("[data-do=request-fee]").click()
    expect(pane.locator(".stage")).to_contain_text("待缴费")
    s.shot(s.office("property"), "office-fee")
    told = message(tmp_path / "messages.jsonl")
    assert told["phone"] == SELLER["phone"]
    assert fee in told["text"]
    assert "80.00" in told["text"]
    owner.reload()
    expect(owner.locator(".cases li", has_text=fee)).to_contain_text("请缴纳费用 80.00 元")
    s.shot(owner, "phone-fee")
    pane.locator("[name=reference]").fill("PAY-1")
    pane.locator("[data-do=paid]").click()
    expect(pane.locator(".stage")).to_contain_text("审查中")
    s.decide(pane)
    s.make(pane)
    # joint: no decision before every department has ended its part
    pane = s.claimed("property", joint)
    s.opine(pane, "权属清楚")
    s.decide(pane)
    refused(s, s.office("property"), "联办件尚有部门未办结：税务局、住房和城乡建设局，全部办结后方可作出决定。")
    for department in ("tax", "housing"):
        s.opine(s.chosen(department, joint), "本部门已办结")
    s.shot(s.office("housing"), "office-joint")
    expect(pane.locator(".parts .quiet", has_text=" 完成")).to_have_count(3)
    s.decide(pane)
    s.make(pane)

    # 统一窗口出件: some is sent as it was asked for, the rest is fetched with one number
    s.sent("5001", reported, "courier")
    s.sent("5301", fee, "courier")
    s.sent("5301", joint, "electronic")
    for receipt in (urgent, promised, outside):
        s.ready("5001", receipt)
    s.shot(s.pages["issue 5001"], "issue")
    desk = s.window(ISSUE, "5001")
    s.shown("/board/pages/social", "board-social", BOARD)
    by_receipt(kiosk, "collect", urgent)
    expect(kiosk.locator(".confirm .sentence")).to_have_text("可以领取")
    s.shot(kiosk, "kiosk-collect")
    kiosk.locator(".take").click()
    expect(kiosk.locator(".fetching")).to_contain_text("3 件")
    s.shot(kiosk, "kiosk-fetching")
    s.begin(desk, kiosk.locator("#number").inner_text())
    results = desk.locator('[data-list="results"] .result')
    expect(results).to_have_count(3)
    for receipt in (urgent, promised, outside):
        row = results.and_(desk.locator(f'[data-receipt="{receipt}"]'))
        row.locator("[name=signature]").fill(PARENT["name"])
        row.locator("[data-do=give]").click()
        expect(row).to_contain_text("已发放")
    s.shot(desk, "issue-window")
    s.finish(desk)

    # 评价
    phone = s.at(f"/t/{parent_token}", None, PHONE)
    s.shot(phone, "phone-rating")
    phone.locator(".faces label", has_text="非常满意").first.click()
    phone.locator("#rating button").click()
    expect(phone.locator(".rated")).to_contain_text("非常满意")
    s.shot(phone, "phone-rated")

    # 一天一归档
    s.file(social, 2)
    for department, cases in (
        ("hrss", 1), ("medical_insurance", 1), ("united_front", 1), ("justice", 1), ("property", 2),
    ):  # fmt: skip
        s.file(s.office(department), cases)
    everything = (*born, urgent, outside, reported, fee, joint)
    assert {receipt: s.hall.case(receipt)["stage"] for receipt in everything} == dict.fromkeys(everything, "closed")
    expect(board.locator(".alert")).to_have_count(0)

    # 全程留痕
    trace = s.at(f"/case/pages/{s.hall.case(promised)['id']}", "6001")
    assert trace.locator(".steps .what b").all_inner_texts() == [
        "取号", "叫号", "开始办理", "收件，出具三联凭证", "受理", "开始流转", "窗口办结", "流转员取件", "送达，待核验",
        "退回窗口", "流转员取件", "送达，待核验", "当面核验接收", "领办", "作出决定", "证照已制好", "移交出件岗",
        "送达申请人", "群众评价", "原件归档", "归档办结",
    ]  # fmt: skip
    s.shot(trace, "trace")
    two_legs = s.at(f"/case/pages/{s.hall.case(urgent)['id']}", "6001")
    expect(two_legs.locator(".durations, .facts").last).to_contain_text("急件流转（10 分钟）")
    expect(two_legs.locator(".steps .what b", has_text="当面核验接收")).to_have_count(2)

    # the applicant's own page: where it stands, and nobody's name
    progress = s.at("/progress/pages", None, PHONE)
    progress.fill("#receipt", promised)
    progress.fill("#last4", PARENT["id_number"][-4:])
    progress.locator("button").click()
    expect(progress.locator(".sentence")).to_have_text("已办结")
    expect(progress.locator(".way li.done")).to_have_count(6)
    expect(progress.locator(".way-card")).to_contain_text("张**")
    for text in PARENT.values():
        expect(progress.locator("body")).not_to_contain_text(text)
    s.shot(progress, "progress")
