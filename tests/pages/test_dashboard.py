"""The supervisors' dashboard in a real browser: a rush, the advice, the window that opens, and what is behind a number.

Law: the rush is made over HTTP, as kiosks make it; everything that the supervisor does he does on his page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import BOARD, DESK, PHONE, serving, until
from tests.pages.office_hall import OFFICES, Hall

pytestmark = pytest.mark.browser

#: ms until something has come by itself; the advice must be there within ten seconds of its rule's coming true.
SOON = 15_000
ADVICE = 10_000
TIDE = """
[[lines]]
id = "B"
letter = "B"
zone = "social"
name = { zh = "社保综合", en = "Insurance" }
[[windows]]
id = "t1"
label = "9"
zone = "social"
post = "tidal"
lines = ["A"]
[tide.social]
open_waiting_per_window = 3
open_for_s = 2
close_waiting_per_window = 1
close_for_s = 600
settle_s = 0
min_open_s = 600
"""
SHOTS = os.environ.get("TIDEHALL_SHOTS")


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants one."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Hall]:
    """The hall with offices and a tidal window: a manager, a supervisor of one zone, two windows open."""
    folder = tmp_path_factory.mktemp("dashboard")
    plan = folder / "hall.toml"
    plan.write_text(OFFICES.read_text("utf-8").replace("[limits]\n", "[limits]\nmisses = 1\n") + TIDE, "utf-8")
    with serving(plan, folder) as server:
        hall = Hall(server, browser)
        hall.person("6000", {"post": "manager"})
        hall.person("6001", {"post": "supervisor", "zone": "social"})
        hall.person("1009", {"post": "tidal"})
        server.open_window("s01", "1001")
        server.open_window("s02", "1002")
        server.post("/tide/reserve", {"zone": "social", "staff": ["1009"]})
        yield hall


@pytest.fixture
def hall(house: Hall) -> Iterator[Hall]:
    """The same while one test lasts: at the end no script of its pages may have failed."""
    with house.in_use():
        yield house


def test_a_rush_is_seen_and_answered(hall: Hall) -> None:
    """A rush: the advice comes, the supervisor confirms, the window opens, the board calls to it, waits fall."""
    server = hall.server
    page = hall.open("/dashboard/pages", "6001", BOARD)
    board = hall.open("/board/pages/social", None, BOARD)
    expect(page.locator('.bar .zones [aria-current="page"]')).to_have_text("社会事务服务区")  # his own zone first
    expect(page.locator(".curve .main-svg").first).to_be_visible(timeout=SOON)
    shot(page, "dashboard-calm")
    for _ in range(10):
        server.take()
    waiting = page.locator('.zone[data-id="social"] .number').first
    expect(waiting).to_have_text("10", timeout=SOON)
    advice = page.locator(".card.advice")
    expect(advice).to_contain_text("开放 9 号窗口", timeout=ADVICE + 2_000)  # the rule wants two seconds
    expect(advice).to_contain_text("5 人在等")
    expect(advice).to_contain_text("1009")
    shot(page, "dashboard-advice")
    advice.get_by_role("button", name="开放窗口").click()
    cell = page.locator('.cell[data-id="t1"]')
    expect(cell).to_have_attribute("data-kind", "idle", timeout=SOON)
    expect(advice).to_have_count(0)
    server.post("/windows/t1/sign-in", {"staff": "1009"})
    called = server.window("t1", "call")["ticket"]["number"]
    expect(cell).to_have_attribute("data-kind", "called", timeout=SOON)
    expect(cell).to_contain_text(called)
    expect(board.locator("body")).to_contain_text(called)
    expect(board.locator("body")).to_contain_text(re.compile(r"\b9\b"))
    shot(board, "dashboard-board")
    server.window("t1", "start")
    expect(cell).to_have_attribute("data-kind", "serving", timeout=SOON)
    for window in ("s01", "s02", "t1"):
        server.window(window, *(("finish",) if window == "t1" else ()), "call", "start", "finish", "call", "start")
    expect(waiting).to_have_text("3", timeout=SOON)
    shot(page, "dashboard-after")
    server.clear()
    server.open_window("s01", "1001")


def test_a_number_opens_what_is_behind_it(hall: Hall) -> None:
    """From the first figure to the people who wait, from one of them to his own events, as a dialog and as a page."""
    server = hall.server
    ticket = server.take()
    page = hall.open("/dashboard/pages?zone=", "6000", DESK)
    page.locator('.figure[data-id="wait"] a').click()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("正在等候")
    panel.get_by_role("link", name=ticket["number"]).click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(f"{ticket['number']} 号")
    expect(panel).to_contain_text("取号")
    shot(page, "dashboard-behind")
    panel.get_by_role("button", name="返回").click()
    expect(panel).to_contain_text("正在等候")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    plain = hall.open("/dashboard/pages?zone=", "6000", DESK, scripts=False)
    plain.locator('.figure[data-id="wait"] a').click()
    expect(plain.get_by_role("cell", name=ticket["number"])).to_be_visible()
    server.post(f"/tickets/{ticket['id']}/cancel")


def test_a_supervisor_runs_his_windows_from_the_page(hall: Hall) -> None:
    """Pause with a reason, resume, other lines, close: each from the window's own panel; the cell follows."""
    page = hall.open("/dashboard/pages", "6001", DESK)
    cell = page.locator('.cell[data-id="s01"]')
    expect(cell).to_have_attribute("data-kind", "idle")
    cell.locator("a").click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("原因").fill("设备检查")
    panel.get_by_role("button", name="暂停服务").click()
    expect(cell).to_have_attribute("data-kind", "paused", timeout=SOON)
    panel.get_by_role("button", name="恢复服务").click()
    expect(cell).to_have_attribute("data-kind", "idle", timeout=SOON)
    panel.get_by_role("button", name="关闭窗口").click()
    expect(cell).to_have_attribute("data-kind", "closed", timeout=SOON)
    panel.get_by_role("button", name="开放窗口").click()
    expect(cell).to_have_attribute("data-kind", "idle", timeout=SOON)


def test_what_is_done_in_the_panel_is_done_on_its_own_page(hall: Hall) -> None:
    """Opened by its address, as in a new tab, a window's panel pauses and resumes it; the answer stands there. Without
    scripts no button is offered."""
    page = hall.open("/dashboard/pages/behind/window?id=s01&zone=", "6001", DESK)
    page.get_by_label("原因").fill("设备检查")
    page.get_by_role("button", name="暂停服务").click()
    page.get_by_role("button", name="恢复服务").click(timeout=SOON)
    expect(page.get_by_role("button", name="暂停服务")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto("/dashboard/pages/behind/notices")
    page.get_by_label("通知内容").fill("请到三楼取证")
    page.get_by_role("button", name="发布").click()
    page.get_by_role("button", name="撤下").click(timeout=SOON)
    expect(page.get_by_role("button", name="撤下")).to_have_count(0, timeout=SOON)
    plain = hall.open("/dashboard/pages/behind/window?id=s01", "6001", DESK, scripts=False)
    expect(plain.get_by_role("cell", name="1001")).to_be_visible()
    expect(plain.get_by_role("button")).to_have_count(0)


def test_a_window_with_a_citizen_pauses_after_him(hall: Hall) -> None:
    """Paused with somebody in front, the cell says so at once; an answer moves nothing on the page; no line at all is
    refused by the field's name."""
    server = hall.server
    server.take()
    server.window("s01", "call", "start")
    page = hall.open("/dashboard/pages", "6001", DESK)
    cell, figures, panel = page.locator('.cell[data-id="s01"]'), page.locator(".five"), page.get_by_role("dialog")
    before = figures.bounding_box()
    cell.locator("a").click()
    panel.get_by_label("原因").fill("设备检查")
    panel.get_by_role("button", name="暂停服务").click()
    expect(cell).to_have_attribute("data-kind", "pausing", timeout=SOON)
    expect(panel.get_by_role("button", name="恢复服务")).to_be_visible(timeout=SOON)
    panel.get_by_text("调整业务").first.click()
    for box in panel.locator("input[name=lines]:checked").all():
        box.uncheck()
    panel.get_by_role("button", name="确定").click()
    expect(panel.get_by_text("业务：不能为空")).to_be_visible(timeout=SOON)
    hall.wrong[:] = [line for line in hall.wrong if "422" not in line]  # the browser prints a refusal as an error
    assert figures.bounding_box() == before
    server.window("s01", "finish", "resume")
    expect(cell).to_have_attribute("data-kind", "idle", timeout=SOON)


def test_a_notice_goes_from_the_dashboard_to_the_boards(hall: Hall) -> None:
    """What the supervisor writes stands on the board, and goes when he takes it down."""
    page = hall.open("/dashboard/pages", "6001", DESK)
    board = hall.open("/board/pages/social", None, BOARD)
    page.get_by_role("link", name="屏幕通知").click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("通知内容").fill("请到二楼取证")
    panel.get_by_role("button", name="发布").click()
    expect(board.get_by_text("请到二楼取证")).to_be_visible(timeout=SOON)
    panel.get_by_role("button", name="撤下").click()
    expect(board.get_by_text("请到二楼取证")).to_have_count(0, timeout=SOON)


def test_papers_on_their_way_are_lanes(hall: Hall) -> None:
    """Urgent papers stand in the lane to ten minutes, counted down, and lead to the case's trace."""
    page = hall.open("/dashboard/pages?zone=", "6000", BOARD)
    taken = hall.intake(urgent=True)
    run = page.locator(".lane-urgent .run")
    expect(run).to_have_count(1, timeout=SOON)
    expect(run.locator(".left .number")).to_have_text(re.compile(r"^9:\d\d$"))
    expect(run.locator("a")).to_have_attribute("href", f"/case/pages/{taken['case']['id']}")
    shot(page, "dashboard-lanes")


def test_the_curve_is_drawn_without_breaking_the_pages_rules(hall: Hall) -> None:
    """Plotly draws under the strict policy (a violation would be an error of the page), and the table is behind it."""
    page = hall.open("/dashboard/pages?zone=", "6000", DESK)
    plot = page.locator(".curve:not([hidden]) .plot")
    expect(plot.locator(".main-svg").first).to_be_visible(timeout=SOON)
    first = page.locator(".curve:not([hidden])").get_attribute("data-zone")
    page.locator(f".zone a[data-curve]:not([data-curve={first}])").first.click()
    expect(page.locator(f'.curve[data-zone="{first}"]')).to_be_hidden()
    expect(page.locator(".curve:not([hidden]) .main-svg").first).to_be_visible(timeout=SOON)


#: Elements whose text does not fit into them and is cut.
CUT = """() => Array.from(document.querySelectorAll("main *"))
  .filter((n) => !n.closest(".plot") && n.clientWidth > 1 && n.scrollWidth > n.clientWidth + 1)
  .filter((n) => ["hidden", "clip"].includes(getComputedStyle(n).overflowX))
  .map((n) => n.className + ": " + n.textContent)"""


def test_no_name_is_cut(hall: Hall) -> None:
    """On desk, wall and phone, in both languages, names of zones, boards and offices are whole."""
    hall.intake(urgent=True)
    hall.intake()
    page = hall.open("/dashboard/pages?zone=", "6000", DESK)
    for lang in ("zh", "en"):
        for width, height in (DESK, BOARD, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"/dashboard/pages?zone=&lang={lang}")
            expect(page.locator(".run").first).to_be_visible()
            assert page.evaluate(CUT) == [], (lang, width)


def test_it_fits_a_phone(hall: Hall) -> None:
    """On a phone nothing runs out of the screen sideways, and the first figure stands at the top."""
    page = hall.open("/dashboard/pages?zone=", "6000", PHONE)
    expect(page.locator(".figure").first).to_be_in_viewport()
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= PHONE[0], wide


def test_a_runner_is_sent_to_another_zone(hall: Hall) -> None:
    """From the lanes the supervisor sends a runner to a zone for the day, and back to the pool."""
    hall.person("2001", {"post": "runner"})
    page = hall.open("/dashboard/pages?zone=", "6000", DESK)
    page.get_by_role("link", name="调配流转").click()
    panel = page.get_by_role("dialog")
    where = panel.get_by_role("combobox")
    where.select_option("social")
    panel.get_by_role("button", name="调往").click()

    def carries_in(zone: str) -> bool:
        found = hall.server.api.get("/api/v1/halls/pages/runners").json()
        return any(r["runner"] == "2001" and r["zone"] == zone for r in found)

    until(lambda: carries_in("social"), 10, lambda: "the runner was not sent")
    expect(where.locator("option[selected]")).to_have_attribute("value", "social")  # the panel was drawn anew
    where.select_option("")
    panel.get_by_role("button", name="调往").click()
    until(lambda: carries_in("pool"), 10, lambda: "the runner stayed in the zone")


def test_an_alert_is_taken_by_who_sees_it(hall: Hall) -> None:
    """People wait and no window is open: the alert is his, two supervisors see it, one takes it, both see by whom, and
    the other may take it over; what it is about opens who waits there."""
    server = hall.server
    server.clear()
    server.take()
    page = hall.open("/dashboard/pages", "6001", DESK)
    other = hall.open("/dashboard/pages?zone=", "6000", DESK)
    alarm, same = (one.locator(".alarm").filter(has_text="无窗口开放") for one in (page, other))
    expect(alarm).to_have_count(1, timeout=SOON)
    expect(same).to_have_count(1, timeout=SOON)
    expect(alarm.locator(".mine")).to_be_visible()
    same.get_by_role("link", name="社会事务服务区").click()
    expect(other.get_by_role("dialog").get_by_role("heading", name="正在等候")).to_be_visible(timeout=SOON)
    other.keyboard.press("Escape")
    alarm.get_by_role("button", name="我来处理").click()
    for one in (alarm, same):
        expect(one).to_contain_text("6001", timeout=SOON)
        expect(one.get_by_role("button", name="我来处理")).to_have_count(0)
    expect(alarm.get_by_role("button")).to_have_count(0)  # whoever has it need not take it over
    same.get_by_role("button", name="转由我处理").click()
    expect(alarm).to_contain_text("6000", timeout=SOON)
    expect(same.get_by_role("button")).to_have_count(0)
    server.open_window("s01", "1001")
    expect(alarm).to_have_count(0, timeout=SOON)
    server.clear()


def test_a_void_number_is_restored(hall: Hall) -> None:
    """Missed once too often, the number is void; among the void ones the supervisor finds it and restores it."""
    server = hall.server
    server.clear()
    ticket = server.take()
    server.open_window("s01", "1001")
    server.window("s01", "call")
    server.wait_until_allowed("s01", "no-show")
    server.window("s01", "no-show")
    page = hall.open("/dashboard/pages", "6001", DESK)
    page.locator('.figure[data-id="wait"] a').click()
    panel = page.get_by_role("dialog")
    void = panel.get_by_role("table").filter(has_text=ticket["number"]).last
    void.get_by_role("link", name=ticket["number"]).click()
    panel.get_by_label("原因").fill("本人在场")
    panel.get_by_role("button", name="恢复此号").click()
    expect(panel.get_by_role("button", name="恢复此号")).to_have_count(0, timeout=SOON)
    expect(panel).to_contain_text("恢复")
    found = server.api.get(f"/api/v1/halls/pages/tickets/{ticket['id']}").json()
    assert found["state"] == "waiting"
    server.clear()


def test_a_window_gets_other_lines(hall: Hall) -> None:
    """From the window's panel a supervisor sets its lines; at another zone's window nothing is offered to him."""
    server = hall.server
    page = hall.open("/dashboard/pages?zone=", "6001", DESK)
    panel = page.get_by_role("dialog")
    page.locator('.cell[data-id="s02"] a').click()
    panel.locator("summary").click()
    panel.get_by_label("B 社保综合").check()
    panel.get_by_role("button", name="确定").click()
    expect(panel).to_contain_text("A 社会事务综合、B 社保综合", timeout=SOON)
    assert server.api.get("/api/v1/halls/pages/windows/s02").json()["lines"] == ["A", "B"]
    page.keyboard.press("Escape")
    page.locator('.cell[data-id="p01"] a').click()
    expect(panel.get_by_text("本窗口由所在区主管或大厅主管操作")).to_be_visible()
    expect(panel.locator("form")).to_have_count(0)
    panel.get_by_role("button", name="收起").click()
    page.get_by_role("link", name="屏幕通知").click()
    expect(panel.get_by_role("combobox").locator("option")).to_have_text(["社会事务服务区"])


def test_the_curve_is_that_of_the_zone_in_the_figure(hall: Hall) -> None:
    """The curve is that of the zone which the first figure names, also when that changes; a chosen one stays."""
    server = hall.server
    server.clear()
    ticket = server.take("C")
    page = hall.open("/dashboard/pages?zone=", "6000", DESK)
    shown, where = page.locator(".curve:not([hidden])"), page.locator('.figure[data-id="wait"] .where')
    expect(where).to_have_text("不动产交易事务服务区", timeout=SOON)
    expect(shown).to_have_attribute("data-zone", "property")
    page.goto("/dashboard/pages?zone=")
    expect(shown).to_have_attribute("data-zone", "property")
    page.locator(".zone a[data-curve=social]").click()
    expect(shown).to_have_attribute("data-zone", "social")
    page.goto("/dashboard/pages?zone=&curve=social")
    expect(where).to_have_text("不动产交易事务服务区")
    expect(shown).to_have_attribute("data-zone", "social")
    server.post(f"/tickets/{ticket['id']}/cancel")
    server.open_window("s01", "1001")
