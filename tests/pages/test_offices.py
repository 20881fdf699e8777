"""The offices' pages in a real browser: papers from the window through runner, office and issue post to the citizen."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.handoffs import FOLLOW
from tests.pages.conftest import BOARD, DESK, PHONE, serving
from tests.pages.office_hall import OFFICES, Hall
from tidehall import locales

pytestmark = pytest.mark.browser

ROOT = Path(locales.__file__).parents[1] / "display"
#: Open hand-offs on one page, and ms from a command's acknowledgement to the painted row.
MANY = 3000
PAINT_MS = 200
#: Changes that are timed.
TRIES = 15


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Hall]:
    """One hall for the module, with a clerk, a runner, officers and a supervisor."""
    with serving(OFFICES, tmp_path_factory.mktemp("offices")) as server:
        hall = Hall(server, browser)
        hall.person("1001", {"post": "acceptance", "zone": "social"})
        hall.person("2001", {"post": "runner"})
        hall.person("3001", {"post": "middle"})
        officer = [{"post": post, "department": "hrss"} for post in ("officer", "maker")]
        hall.person("4001", *officer)
        hall.person("5001", {"post": "issue", "zone": "social"})
        hall.person("6001", {"post": "supervisor"})
        hall.person("7001", {"post": "guide"})
        server.open_window("s01", "1001")
        yield hall


@pytest.fixture
def hall(house: Hall) -> Iterator[Hall]:
    """The hall with nobody at the window; at the end no script may have failed."""
    if house.server.api.get("/api/v1/halls/pages/windows/s01").json()["ticket"]:
        house.server.window("s01", "finish")
    with house.in_use():
        yield house


def choose(desk: Page, code: str, *materials: str) -> None:
    """The intake form of an item with papers ticked and an applicant."""
    desk.locator("#intake-open").click()
    desk.fill("#intake-item", code)
    form = desk.locator("#intake-form")
    expect(form).to_have_attribute("data-item", code)
    for material in materials:
        form.locator(f'[name="materials"][value="{material}"]').check()
    form.locator('[name="applicant.name"]').fill("张小三")
    form.locator('[name="applicant.phone"]').fill("13800001234")
    form.locator('[name="delivery.method"][value="window"]').check()


def test_papers_go_from_the_window_to_the_citizen(hall: Hall) -> None:
    """Intake, runner, check, claim, fee, decision, certificate, issue post, delivery, archive; a trace of it all."""
    ticket = hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    choose(desk, "SS-002", "id", "form")
    desk.locator("#intake-form .go").click()
    number = desk.locator("#receipt-number")
    expect(number).to_have_text(re.compile(r"^\d{13}$"))
    receipt = number.inner_text()
    expect(desk.locator("#receipt-copies li")).to_have_count(3)
    expect(desk.locator(".carry", has_text=receipt[-5:]).locator("[data-due]")).to_have_text(
        re.compile(r"^(30:00|29:\d\d)$")
    )
    case = hall.case(receipt)

    runner = hall.open("/desk/pages/runner", "2001", PHONE)
    task = runner.locator(".task", has_text=receipt[-5:])
    expect(task).to_contain_text("1 号窗口")
    expect(task).to_contain_text("人社局")
    runner.fill("#code", receipt[-5:])
    runner.keyboard.press("Enter")
    expect(task).to_contain_text("2001 送件中")
    expect(desk.locator(".carry", has_text=receipt[-5:])).to_contain_text("2001 送件中")
    task.get_by_role("button", name="送达").click()
    expect(runner.locator(".arrived .task")).to_contain_text(receipt[-5:])

    office = hall.open("/desk/pages/office/hrss", "4001")
    check = office.locator(".check", has_text=receipt)
    check.locator("button.go").click()
    expect(check).to_be_visible()  # the browser wants every paper ticked first
    for box in check.locator("input[type=checkbox]").all():
        box.check()
    check.locator("button.go").click()
    expect(check).to_have_count(0)
    expect(desk.locator(".carry", has_text=receipt[-5:])).to_have_count(0)
    expect(runner.locator(".task", has_text=receipt[-5:])).to_have_count(0)

    office.locator(f'[data-case="{case["id"]}"]').click()
    pane = office.locator("[data-pane=case]")
    pane.locator("[data-do=claim]").click()
    expect(pane.locator(".stage")).to_contain_text("审查中")
    pane.locator("summary", has_text="通知缴费").click()
    expect(pane.locator("[name=amount]")).to_have_value("10.00")
    pane.locator("[data-do=request-fee]").click()
    expect(pane.locator(".stage")).to_contain_text("待缴费")
    phone = hall.open(f"/t/{ticket['token']}", None, PHONE)
    expect(phone.locator(".cases")).to_contain_text("10.00 元")
    pane.locator("[name=reference]").fill("PAY-1")
    pane.locator("[data-do=paid]").click()
    pane.locator("[name=outcome][value=approve]").check()
    pane.locator(".deciding textarea").fill("符合条件")
    pane.locator("[data-do=decide]").click()
    pane.locator("[data-do=make]").click()
    expect(pane.locator(".stage")).to_contain_text("已制证")

    issue = hall.open("/desk/pages/issue", "5001")
    given = issue.locator(".give", has_text=receipt)
    given.locator("[data-do=ready]").click()
    issue.fill("#tail", receipt[-5:])
    issue.keyboard.press("Enter")
    given.locator("[name=signature]").fill("张小三")
    given.locator("[data-do=deliver]").click()
    expect(issue.locator(".given")).to_contain_text(receipt[-5:])
    office.locator(".to_file [data-case]", has_text=receipt[-5:]).click()
    pane.locator("[data-do=archive]").click()
    expect(pane.locator(".stage")).to_contain_text("已归档")

    trace = hall.open(f"/case/pages/{case['id']}", "6001")
    steps = trace.locator(".steps .what b").all_inner_texts()
    story = ["取号", "收件，出具三联凭证", "受理", "流转员取件", "送达，待核验", "当面核验接收", "领办", "通知缴费",
             "已缴费", "作出决定", "证照已制好", "移交出件岗", "送达申请人", "归档办结"]  # fmt: skip
    assert [step for step in steps if step in story] == story
    expect(trace.locator(".durations, .facts").last).to_contain_text("流转（30 分钟）")


#: Fields, ticks and buttons inside `root` that something lies over, once they are brought into sight.
COVERED = """root => Array.from(
  root.querySelectorAll('input:not([type=hidden]), select, button, a, #receipt-number')
).filter((node) => {
  if (!node.offsetParent || node.closest('details:not([open]) > :not(summary)')) return false;
  node.scrollIntoView({block: 'nearest'});
  const box = node.getBoundingClientRect();
  return [0.1, 0.5, 0.9].some((part) => {
    const top = document.elementFromPoint(box.left + part * box.width, box.top + box.height / 2);
    return !top || !(node.contains(top) || top.contains(node) && top.tagName === 'LABEL');
  });
}).map((node) => node.name || node.id || node.textContent)"""


def test_nothing_lies_over_the_intake_at_the_terminal_s_size(hall: Hall) -> None:
    """At 1366×768 every field, with the longest form open, can be seen and touched; afterwards number and print too."""
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    choose(desk, "SS-002", "id", "form")
    form = desk.locator("#intake-form")
    button = form.locator(".go").bounding_box()
    assert button is not None
    assert button["y"] + button["height"] <= DESK[1]
    assert desk.evaluate(COVERED, form.element_handle()) == []
    form.locator("summary").click()
    assert desk.evaluate(COVERED, form.element_handle()) == []
    form.locator(".go").click()
    done = desk.locator("#intake-done")
    expect(done.locator("#receipt-link")).to_be_in_viewport(ratio=1)
    expect(done.locator("#receipt-number")).to_be_in_viewport(ratio=1)
    assert desk.evaluate(COVERED, done.element_handle()) == []
    hall.server.window("s01", "finish")


def test_an_item_is_found_by_its_name_and_an_applicant_can_be_reached(hall: Hall) -> None:
    """A part of a name opens the one item that fits; without a number the clerk says so; a courier wants an address."""
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    desk.locator("#intake-open").click()
    desk.fill("#intake-item", "没有这种事项")
    expect(desk.locator("#intake-said")).to_contain_text("没有找到")
    desk.fill("#intake-item", "灵活就业")
    form = desk.locator("#intake-form")
    expect(form).to_have_attribute("data-item", "SS-002")
    expect(desk.locator("#intake-said")).to_be_hidden()
    for code in ("id", "form"):
        form.locator(f'[name="materials"][value="{code}"]').check()
    form.locator('[name="applicant.name"]').fill("李四")
    form.locator('[name="delivery.method"][value="courier"]').check()
    form.locator(".go").click()
    expect(desk.locator("#intake-done")).to_be_hidden()  # the browser asks for the address
    form.locator('[name="delivery.address"]').fill("兴国镇")
    form.locator(".go").click()
    expect(desk.locator("#said")).to_contain_text("勾选确认")
    form.locator("#no-contact input").check()
    form.locator(".go").click()
    expect(desk.locator("#receipt-number")).to_have_text(re.compile(r"^\d{13}$"))


def test_what_is_missing_is_told_once_and_the_case_waits(hall: Hall) -> None:
    """The server's list of missing papers becomes a notice to print; kept, the case goes on when they have come."""
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    choose(desk, "SS-002", "id")
    desk.locator("#intake-form .go").click()
    expect(desk.locator("#ask-notice .missing li")).to_have_text(["申请表"])
    hall.wrong[:] = [line for line in hall.wrong if "422" not in line]
    desk.locator("#notice-keep").click()
    row = desk.locator(".takencase", has_text="待补正")
    expect(row).to_contain_text("缺少：申请表")
    tail = row.locator("b.number").inner_text()
    receipt = hall.open(str(desk.locator("#receipt-link").get_attribute("href")), "1001")
    expect(receipt.locator(".a5 h1").first).to_have_text("收件凭证（待补正）")
    expect(receipt.locator(".a5").first).to_contain_text("尚未受理，承诺时限未起算")
    expect(receipt.locator(".a5 .missing").first).to_have_text("申请表")
    row.locator("[data-do=correct]").click()
    desk.locator(".takencase", has_text=tail).locator("[data-do=accept]").click()
    expect(desk.locator(".carry", has_text=tail)).to_have_count(1)


def test_a_question_reaches_the_middle_office_and_its_answer_the_window(hall: Hall) -> None:
    """Asked at the window, claimed and answered in the middle office, seen at the window without a reload."""
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    middle = hall.open("/desk/pages/middle", "3001")
    desk.locator("#ask-open").click()
    desk.fill("#question", "怎么认定灵活就业？")
    desk.locator("#ask-middle .go").click()
    ask = middle.locator(".ask")
    expect(ask).to_contain_text("怎么认定灵活就业？")
    ask.locator("[data-do=claim-support]").click()
    expect(desk.locator(".questions")).to_contain_text("中台处理中")
    ask.locator("[name=channel]").select_option("phone")
    ask.locator("[name=answer]").fill("看劳动合同")
    ask.locator("[data-do=answer]").click()
    expect(ask).to_have_count(0)
    expect(desk.locator(".questions")).to_contain_text("已答复")
    expect(desk.locator(".questions")).to_contain_text("电话")
    expect(desk.locator(".questions .reply")).to_have_text("看劳动合同")


def test_a_refused_hand_off_goes_back_with_its_reason_and_its_clock(hall: Hall) -> None:
    """Urgent papers go to the middle office; sent back they stand at the window with the reason, same limit."""
    case = hall.intake(urgent=True)
    hand_off = case["hand_off"]["id"]
    board = hall.open("/desk/pages/handoffs", "6001", BOARD)
    lane = board.locator(f'.urgent [data-id="{hand_off}"]')
    due = lane.locator("[data-due]").get_attribute("data-due")
    hall.server.post(f"/hand-offs/{hand_off}/pick-up", {"runner": "2001"})
    middle = hall.open("/desk/pages/middle", "3001")
    check = middle.locator(f'[data-id="{hand_off}"]')
    check.locator("details", has_text="退回窗口").locator("summary").click()
    check.locator("[name=reason]").select_option("paper_unsigned")
    check.locator("[name=note]").fill("申请表第二页")
    hall.server.post(f"/hand-offs/{hand_off}/arrive")
    expect(check).to_contain_text("已送达，待核验")
    expect(check.locator("[name=reason]")).to_have_value("paper_unsigned")  # what was chosen and typed has stayed
    expect(check.locator("[name=note]")).to_have_value("申请表第二页")
    check.locator("[data-do=refuse]").click()
    expect(lane).to_contain_text("缺签字或盖章 申请表第二页")
    assert lane.locator("[data-due]").get_attribute("data-due") == due


def test_a_runner_takes_several_at_once_and_gives_back(hall: Hall) -> None:
    """Ticked tasks are picked up together; going off duty gives them back."""
    receipts = [hall.intake()["receipt"]["number"] for _ in range(2)]
    runner = hall.open("/desk/pages/runner", "2001", PHONE)
    rows = [runner.locator(".task", has_text=number[-5:]) for number in receipts]
    for row in rows:
        row.locator("[data-batch]").check()
    expect(runner.locator("#batch-words")).to_have_text("取走所选 2 件")
    runner.locator("#batch button").click()
    for row in rows:
        expect(row).to_contain_text("2001 送件中")
    runner.locator("[data-do=off-duty]").click()
    for row in rows:
        expect(row).to_contain_text("待取件")


def test_a_zone_s_runner_sees_his_own_zone_and_the_pool_first(hall: Hall) -> None:
    """The other zones' tasks stand under 全部; whoever runs for the whole hall begins there."""
    hall.server.open_window("p01", "1002")
    own = hall.intake()["receipt"]["number"][-5:]
    pool = hall.intake("PC-001", window="p01")
    assert pool["hand_off"]["runners"] == "pool"
    pooled = pool["receipt"]["number"][-5:]
    for staff, zone in (("2101", "social"), ("2102", "property")):
        hall.person(staff, {"post": "runner", "zone": zone})
        phone = hall.open("/desk/pages/runner", staff, PHONE)
        tasks = phone.locator("[data-list=tasks]")
        expect(tasks).to_contain_text(pooled)
        expect(tasks.get_by_text(own, exact=True)).to_have_count(1 if zone == "social" else 0)
        expect(phone.locator(".zones .on")).to_have_count(1)
        phone.locator(".zones a", has_text="全部").click()
        expect(phone.locator(".zones .on")).to_have_text("全部")
        expect(tasks).to_contain_text(own)
        late = hall.intake()["receipt"]["number"][-5:]  # and what comes then is listed by the same rule
        expect(tasks).to_contain_text(late)
    expect(hall.open("/desk/pages/runner", "2001", PHONE).locator(".zones .on")).to_have_text("全部")


def test_a_case_begins_at_its_top_after_a_step(hall: Hall) -> None:
    """Scrolled down to a button, the officer sees the new stage at once when it is pressed; so with another case."""
    case = hall.intake()
    hall.carried(case["hand_off"], "4001")
    office = hall.open(f"/desk/pages/office/hrss?case={case['case']['id']}", "4001", (1366, 420))
    pane = office.locator("[data-pane=case]")
    pane.evaluate("pane => { pane.scrollTop = pane.scrollHeight; }")
    stage = pane.locator(".stage")
    expect(stage).not_to_be_in_viewport()
    pane.locator("[data-do=claim]").dispatch_event("click")
    expect(stage).to_contain_text("审查中")
    expect(stage).to_be_in_viewport()


def test_the_window_s_card_begins_at_its_top_with_the_next_one(hall: Hall) -> None:
    """Scrolled down to what was taken in, the card shows its head again when the visit is over."""
    for _ in range(8):
        hall.intake()
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001", (1366, 600))
    card = desk.locator("#citizen")
    expect(desk.locator("#number")).to_be_in_viewport()
    card.evaluate("card => { card.scrollTop = card.scrollHeight; }")
    expect(desk.locator("#number")).not_to_be_in_viewport()
    desk.keyboard.press("F8")
    expect(desk.locator("#nobody-text")).to_be_visible()
    assert card.evaluate("card => card.scrollHeight > card.clientHeight")
    expect(desk.locator("#nobody-text")).to_be_in_viewport(ratio=1)


def test_progress_needs_no_script_and_shows_no_name(hall: Hall) -> None:
    """Receipt number and four digits open a masked page; wrong digits say so and no more."""
    number = hall.intake()["receipt"]["number"]
    page = hall.open("/progress/pages", None, PHONE, scripts=False)
    page.fill("#receipt", number)
    page.fill("#last4", "1234")
    page.locator("button").click()
    expect(page.locator(".sentence")).to_have_text("已受理，材料送往部门")
    expect(page.locator("body")).not_to_contain_text("张小三")
    page.fill("#last4", "9999")
    page.locator("button").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator(".sentence")).to_have_count(0)
    hall.wrong[:] = [line for line in hall.wrong if "404" not in line]


def test_rating_is_one_tap_and_reasons_come_with_low_levels(hall: Hall) -> None:
    """Five faces in the standard order after service; a bad one asks why and opens a matter at the guide desk."""
    ticket = hall.in_front()
    phone = hall.open(f"/t/{ticket['token']}", None, PHONE)
    expect(phone.locator("#rating")).to_be_hidden()
    hall.server.window("s01", "finish")
    expect(phone.locator("#rating")).to_be_visible()
    faces = phone.locator(".faces label")
    expect(faces).to_have_text(["非常满意", "满意", "基本满意", "不满意", "非常不满意"])
    faces.nth(0).click()
    expect(phone.locator(".reasons")).to_be_hidden()
    faces.nth(3).click()
    phone.locator(".reasons label", has_text="没讲清楚").click()
    phone.locator("#rating button").click()
    expect(phone.locator(".rated")).to_contain_text("不满意")
    guide = hall.open("/desk/pages/guide", "7001")
    expect(guide.locator(".matters .card", has_text="差评整改")).to_have_count(1)


def test_what_could_not_be_done_is_looked_after_to_the_end(hall: Hall) -> None:
    """办不成事: registered with a first contact, contacted, solved, called back, closed."""
    guide = hall.open("/desk/pages/guide", "7001")
    guide.locator(".new-matter summary").click()
    guide.fill("#matter-note", "三次没办成")
    guide.fill("#matter-name", "王五")
    guide.fill("#matter-phone", "13900000000")
    expect(guide.locator("#matter-owner")).to_have_value("7001")
    guide.locator("#new-matter .go").click()
    card = guide.locator(".matters .card", has_text="三次没办成")
    card.locator("[data-do=contact]").click()
    card.locator("summary", has_text="已办理").click()
    card.locator("[name=result]").fill("当场办结")
    card.locator("[data-do=solve]").click()
    card.locator("[data-do=call-back]").click()
    card.locator("[data-do=close]").click()
    expect(card).to_have_count(0)


def test_the_receipt_has_three_labelled_copies(hall: Hall) -> None:
    """Three A5 pages with one number, each with its label; the applicant's has the QR code."""
    case = hall.intake()
    page = hall.open(f"/receipt/pages/{case['case']['id']}", "1001")
    expect(page.locator(".a5")).to_have_count(3)
    expect(page.locator(".a5 .copy")).to_have_text(["第一联 申请人留存", "第二联 随件流转", "第三联 窗口存档"])
    assert len(set(page.locator(".a5 .big").all_inner_texts())) == 1
    expect(page.locator(".a5 .qr")).to_have_count(1)


#: Ids of the rows in which anything but a countdown is written, from now on.
TOUCHED = """() => {
  window.touched = new Set();
  document.querySelectorAll('.lane').forEach((row) => { row.kept = true; });
  new MutationObserver((records) => records.forEach((record) => {
    const node = record.target.closest ? record.target : record.target.parentElement;
    const row = node.closest('.lane');
    if (row && !node.closest('.left, progress')) window.touched.add(row.dataset.id);
  })).observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
}"""


def paint_times(hall: Hall, many: int) -> list[float]:
    """With `many` open hand-offs on one page, change some: ms from each command's acknowledgement to the painted row.

    Only the rows that changed are written to, and no row is drawn anew.
    """
    have = len(hall.server.api.get("/api/v1/halls/pages/hand-offs?state=open").json())
    cases = [hall.intake() for _ in range(many - have)]
    board = hall.open("/desk/pages/handoffs", "6001", BOARD)
    expect(board.locator(".lane")).to_have_count(many)
    expect(board.locator("#age")).to_be_hidden()
    board.evaluate(FOLLOW)
    board.evaluate(TOUCHED)
    times, changed = [], set()
    for case in cases[:TRIES]:
        hand_off = case["hand_off"]["id"]
        changed.add(hand_off)
        board.evaluate("asked => window.follow(asked)", {"id": hand_off, "want": "2001 送件中"})
        hall.server.post(f"/hand-offs/{hand_off}/pick-up", {"runner": "2001"})
        acknowledged = 1000 * time.time()
        times.append(board.evaluate("window.followed") - acknowledged)
    assert set(board.evaluate("Array.from(window.touched)")) == changed
    assert board.evaluate("Array.from(document.querySelectorAll('.lane')).filter((row) => row.kept).length") == many
    return times


def test_a_change_touches_its_own_row_alone(hall: Hall) -> None:
    """With 200 open hand-offs on one page a change is written into its row and no other."""
    assert len(paint_times(hall, 200)) == TRIES


@pytest.mark.proof
def test_three_thousand_hand_offs_on_one_page_follow_within_200_ms(hall: Hall) -> None:
    """With 3,000 open hand-offs a change is painted within 200 ms (median, on a machine that does nothing else)."""
    times = sorted(paint_times(hall, MANY))
    print(f"{MANY} hand-offs, update to paint: median {times[len(times) // 2]:.0f} ms, worst {times[-1]:.0f} ms")
    assert times[len(times) // 2] <= PAINT_MS, times


def test_every_sentence_of_the_offices_stands_in_both_languages() -> None:
    """A key that a template or script of the offices names is in zh.json and en.json."""
    found: set[str] = set()
    files = [*ROOT.glob("templates/*.html"), *ROOT.glob("static/js/*.js"), *ROOT.glob("office_*.py")]
    for file in files:
        said = file.read_text(encoding="utf-8")
        found |= set(
            re.findall(r"""["']((?:office|progress|rating|receipt|trace)\.(?!html)[a-z_.-]*[a-z])["']""", said)
        )
    assert len(found) > 150
    for lang in locales.LANGUAGES:
        assert found <= set(json.loads((ROOT.parent / "locales" / f"{lang}.json").read_text(encoding="utf-8"))), lang
