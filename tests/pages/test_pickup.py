"""Fetching a result in a real browser: receipt at the kiosk, number, issue window, and how a case stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.pages.conftest import BOARD, DESK, KIOSK, PHONE, serving
from tests.pages.office_hall import Hall

pytestmark = pytest.mark.browser

HALL = Path(__file__).with_name("pickup.toml")
LAST4 = "1234"
APPLICANT = {"name": "张小三", "id_number": "420222199001011234"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Hall]:
    """One hall for the module, with a clerk at an open issue window."""
    with serving(HALL, tmp_path_factory.mktemp("pickup")) as server:
        hall = Hall(server, browser)
        hall.person("5001", {"post": "issue", "zone": "social"}, {"post": "acceptance", "zone": "social"})
        for window, staff in (("s01", "1001"), ("i01", "5001"), ("p01", "1002")):
            server.open_window(window, staff)
        hall.place("kiosk")
        yield hall


@pytest.fixture
def hall(house: Hall) -> Iterator[Hall]:
    """The hall with nobody waiting or at the issue window; at the end no script may have failed."""
    ticket = house.server.api.get("/api/v1/halls/pages/windows/i01").json()["ticket"]
    if ticket:
        house.server.window("i01", *(("start", "finish") if ticket["state"] == "called" else ("finish",)))
    for waiting in house.server.api.get("/api/v1/halls/pages/tickets?state=waiting").json():
        house.server.post(f"/tickets/{waiting['id']}/cancel")
    with house.in_use():
        yield house


def taken_in(hall: Hall, item: str = "SS-002", *, window: str = "s01", **more: Any) -> dict[str, Any]:
    """A case whose papers came by courier."""
    body = {
        "item": item, "source": "courier", "materials": [{"code": "id"}], "applicant": APPLICANT,
        "delivery": {"method": "window"},
    } | more  # fmt: skip
    return hall.server.post(f"/windows/{window}/cases", body)


def made(hall: Hall, item: str = "SS-002", **more: Any) -> tuple[str, str]:
    """A case whose result lies at its zone's issue post: (id, receipt)."""
    taken = taken_in(hall, item, **more)
    case = taken["case"]["id"]
    hall.carried(taken["hand_off"], "3001")
    hall.server.post(f"/cases/{case}/claim", {"staff": "4001"})
    hall.server.post(f"/cases/{case}/decide", {"outcome": "approve", "opinion": "符合条件", "staff": "4001"})
    hall.server.post(f"/cases/{case}/make", {"staff": "4002"})
    hall.server.post(f"/cases/{case}/ready")
    return case, taken["receipt"]["number"]


def tap(page: Page, text: str) -> None:
    """Type on the keypad of the screen."""
    for key in text:
        page.locator(f'.keypad button[value="{key}"]').click()


def by_receipt(page: Page, door: str, receipt: str, last4: str = LAST4) -> None:
    """From a door of the kiosk to what stands behind a receipt; the number scanned, the figures tapped."""
    page.locator(f'a.door[href*="door={door}"]').click()
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type(receipt)
    page.keyboard.press("Enter")
    expect(page.locator('#typing[data-field="last4"] #typed')).to_be_focused()
    tap(page, last4)
    page.locator("#go-on").click()


def test_a_result_is_fetched_from_the_kiosk_to_the_issue_window(hall: Hall) -> None:
    """Receipt and four figures give one number for all that lies ready; the window sees them, signs, hands out."""
    case, receipt = made(hall)
    other, _ = made(hall, "SS-003")
    desk = hall.open("/desk/pages/window/i01", "5001", DESK)
    kiosk = hall.open("/kiosk/pages", "kiosk", KIOSK)
    by_receipt(kiosk, "collect", receipt)
    expect(kiosk.locator(".confirm .sentence")).to_have_text("可以领取")
    expect(kiosk.locator(".confirm")).to_contain_text("25")
    expect(kiosk.locator("body")).not_to_contain_text("张小三")
    kiosk.locator(".take").click()
    number = kiosk.locator("#number")
    expect(number).to_have_text(re.compile(r"^Q\d{3}$"))
    expect(kiosk.locator(".fetching")).to_contain_text("2 件")

    expect(desk.locator("#waiting")).to_contain_text(number.inner_text())
    desk.keyboard.press("F1")
    expect(desk.locator("#number")).to_have_text(number.inner_text())
    rows = desk.locator('[data-list="results"] .result')
    expect(rows).to_have_count(2)
    desk.keyboard.press("F4")
    expect(desk.locator("#citizen")).to_have_attribute("data-ticket", "serving")
    row = desk.locator(f'[data-list="results"] [data-id="{case}"]')
    expect(row).to_contain_text(receipt[-5:])
    row.locator("[name=signature]").fill("张小三")
    row.locator("[data-do=give]").click()
    expect(row).to_contain_text("已发放")
    second = desk.locator(f'[data-list="results"] [data-id="{other}"]')
    expect(second.locator("[name=signature]")).to_have_value("张小三")
    second.locator("[data-do=give]").click()
    expect(second).to_contain_text("已发放")
    expect(desk.locator("#citizen")).to_have_attribute("data-ticket", "serving")  # finishing is a step of its own
    given = hall.server.api.get(f"/api/v1/halls/pages/cases/{case}").json()
    assert (given["stage"], given["delivery"]["method"]) == ("delivered", "window")
    desk.keyboard.press("F8")
    expect(desk.locator("#somebody")).to_be_hidden()
    expect(rows).to_have_count(0)


def test_the_kiosk_says_what_is_not_ready_and_when(hall: Hall) -> None:
    """No number for a result that is not there: the stage, the promised day, and from there the way of the case."""
    receipt = taken_in(hall)["receipt"]["number"]
    page = hall.open("/kiosk/pages", "kiosk", KIOSK)
    by_receipt(page, "collect", receipt)
    expect(page.locator(".confirm")).to_contain_text(re.compile(r"尚未办结，承诺办结时限：\d+月\d+日"))
    expect(page.locator(".take")).to_have_count(0)
    page.locator(".other a").click()
    expect(page.locator(".way li")).to_have_count(6)
    expect(page.locator(".way .now")).to_contain_text("受理")


def test_a_result_that_comes_by_post_is_not_fetched(hall: Hall) -> None:
    """What was to be sent is not handed out at a window: the kiosk says how it comes and gives no number."""
    _, receipt = made(hall, delivery={"method": "courier", "address": "兴国镇"})
    page = hall.open("/kiosk/pages", "kiosk", KIOSK)
    by_receipt(page, "collect", receipt)
    expect(page.locator(".confirm")).to_contain_text("快递")
    expect(page.locator(".take")).to_have_count(0)


def test_a_zone_without_issue_windows_sends_to_the_service_desk(hall: Hall) -> None:
    """Where no line hands results out, the kiosk says who knows, and gives no number."""
    _, receipt = made(hall, "RE-001", window="p01")
    page = hall.open("/kiosk/pages", "kiosk", KIOSK)
    by_receipt(page, "collect", receipt)
    expect(page.locator(".confirm")).to_contain_text("请到总服务台")
    expect(page.locator(".take")).to_have_count(0)


def test_progress_at_the_kiosk_leads_on_to_the_number(hall: Hall) -> None:
    """The way of the case, masked, with the door to fetching it once it is ready; the page leaves by itself."""
    _, receipt = made(hall)
    page = hall.open("/kiosk/pages", "kiosk", KIOSK)
    page.clock.install()
    by_receipt(page, "progress", receipt)
    expect(page.locator(".way .now")).to_contain_text("可领取")
    expect(page.locator(".way-card")).to_contain_text("张**")
    expect(page.locator("body")).not_to_contain_text("张小三")
    page.locator(".other a").click()
    expect(page.locator(".take")).to_be_visible()
    page.clock.run_for(65_000)
    expect(page.locator(".door.main")).to_be_visible()


def test_wrong_figures_say_no_more_than_a_wrong_number(hall: Hall) -> None:
    """A receipt that does not exist and figures that do not fit are one sentence; what was typed can be mended."""
    receipt = taken_in(hall)["receipt"]["number"]
    said = []
    for number, last4 in ((receipt, "9999"), ("2020010100001", LAST4)):
        page = hall.open("/kiosk/pages", "kiosk", KIOSK)
        by_receipt(page, "progress", number, last4)
        said.append(page.locator("main .said").inner_text())
        expect(page.locator("#typed")).to_have_value(number)
    assert said[0] == said[1]
    hall.wrong[:] = [line for line in hall.wrong if "404" not in line]


def test_a_scanner_may_read_the_receipts_code(hall: Hall) -> None:
    """The QR code holds the address of the progress page; the number in it is what counts, wherever the focus was."""
    receipt = taken_in(hall)["receipt"]["number"]
    page = hall.open("/kiosk/pages?door=progress", "kiosk", KIOSK)
    page.locator(".erase").focus()
    page.keyboard.type(f"http://tide.example/progress/pages?receipt={receipt}")
    page.keyboard.press("Enter")
    expect(page.locator('#typing[data-field="last4"]')).to_be_visible()
    expect(page.locator("[name=receipt]")).to_have_value(receipt)


def test_fetching_works_without_scripts(hall: Hall) -> None:
    """The keypad, the card and the number are plain forms; the same visit gives the same number."""
    _, receipt = made(hall)
    page = hall.open("/kiosk/pages", "kiosk", KIOSK, scripts=False)
    page.locator('a.door[href*="door=collect"]').click()
    tap(page, receipt[:3])
    page.locator(".erase").click()
    expect(page.locator("#typed")).to_have_value(receipt[:2])
    page.fill("#typed", receipt)
    page.keyboard.press("Enter")
    tap(page, LAST4)
    expect(page.locator("#typed")).to_have_value(LAST4)
    page.locator("#go-on").click()
    page.locator(".take").click()
    number = page.locator("#number").inner_text()
    page.go_back()
    page.locator(".take").click()
    assert page.locator("#number").inner_text() == number


def test_without_a_receipt_the_window_looks_it_up(hall: Hall) -> None:
    """A number of the zone's pickup line; the window finds the result by the end of its receipt and hands it out."""
    case, receipt = made(hall)
    kiosk = hall.open("/kiosk/pages", "kiosk", KIOSK)
    kiosk.locator('a.door[href*="door=collect"]').click()
    kiosk.locator(".other a").click()
    expect(kiosk.locator(".choice")).to_have_count(1)  # the other zone hands nothing out
    kiosk.locator(".choice").click()
    kiosk.locator(".take").click()
    expect(kiosk.locator("#number")).to_have_text(re.compile(r"^Q\d{3}$"))
    hall.server.window("i01", "call", "start")
    desk = hall.open("/desk/pages/window/i01", "5001", DESK)
    expect(desk.locator('[data-none="results"]')).to_be_visible()
    desk.fill("#tail", "99999")
    desk.keyboard.press("Enter")
    expect(desk.locator("#none-found")).to_be_visible()
    desk.fill("#tail", receipt[-5:])
    desk.keyboard.press("Enter")
    row = desk.locator(f'[data-list="found"] [data-id="{case}"]')
    row.locator("[name=signature]").fill("张小三")
    row.locator("[data-do=give]").click()
    expect(row).to_contain_text("已发放")
    expect(desk.locator('[data-list="given"]')).to_contain_text(receipt[-5:])


def test_numbers_for_a_matter_do_not_show_the_pickup_line(hall: Hall) -> None:
    """取号办事 lists the lines where matters are dealt with; results have their own door."""
    page = hall.open("/kiosk/pages?zone=social", "kiosk", KIOSK)
    expect(page.locator(".letter")).to_have_text(["A"])


@pytest.mark.parametrize("size", [PHONE, DESK, KIOSK])
def test_the_keypad_fits_every_screen(hall: Hall, size: tuple[int, int]) -> None:
    """On a phone, a lying screen and the kiosk nothing stands beyond the sides and the last key can be reached."""
    page = hall.open("/kiosk/pages?door=collect", "kiosk", size)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator('.keypad button[value="0"]').scroll_into_view_if_needed()
    expect(page.locator('.keypad button[value="0"]')).to_be_in_viewport(ratio=1)


def test_the_issue_board_shows_what_is_ready_and_stays_right_after_a_cut(hall: Hall) -> None:
    """Ends of receipts under their day; one more comes, one is handed out while the board hears nothing: both right."""
    first, receipt = made(hall)
    page = hall.open("/progress/pages", None, BOARD)
    sockets: list[WebSocketRoute] = []
    away = False

    def between(socket: WebSocketRoute) -> None:
        if away:
            socket.close(code=1012)
            return
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile("/live"), between)
    page.goto(f"{hall.server.base}/board/pages/ready")
    column = page.locator('[data-zone="social"]')
    tails = column.locator(".tails .number")
    expect(column.locator(".day").first).to_have_text(re.compile(r"^\d+月\d+日收件$"))
    expect(tails.get_by_text(receipt[-5:], exact=True)).to_have_count(1)
    expect(page.locator("body")).not_to_contain_text("张")
    expect(page.locator("#age")).to_be_hidden()
    second, later = made(hall)
    expect(tails.get_by_text(later[-5:], exact=True)).to_have_count(1)

    away = True
    for socket in sockets:
        socket.close(code=1012)
    hall.server.post(f"/cases/{first}/deliver", {"method": "window", "signature": "张小三"})
    _, third = made(hall)
    _, by_post = made(hall, delivery={"method": "courier", "address": "兴国镇"})
    expect(tails.get_by_text(receipt[-5:], exact=True)).to_have_count(1)  # it has heard nothing
    away = False
    expect(tails.get_by_text(third[-5:], exact=True)).to_have_count(1, timeout=15_000)
    expect(tails.get_by_text(receipt[-5:], exact=True)).to_have_count(0)
    expect(tails.get_by_text(by_post[-5:], exact=True)).to_have_count(0)
    shown = hall.server.api.get("/api/v1/halls/pages/boards/ready").json()["board"]["ready"]
    assert [tail for group in shown for tail in group["tails"]] == page.locator(".tails .number").all_inner_texts()
    hall.server.post(f"/cases/{second}/deliver", {"method": "window", "signature": "张小三"})
    expect(tails.get_by_text(later[-5:], exact=True)).to_have_count(0)


def test_the_issue_board_is_right_without_scripts(hall: Hall) -> None:
    """What the server sends is the board as it stands."""
    _, receipt = made(hall)
    page = hall.open("/board/pages/ready", None, BOARD, scripts=False)
    expect(page.locator('[data-zone="social"] .tails')).to_contain_text(receipt[-5:])
