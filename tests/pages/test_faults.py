"""What people stumbled over in the pages: refusals in dialogs, take-overs, lost connections, traces left at a kiosk."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.pages.conftest import BOARD, KIOSK, PHONE, Hands, Server
from tests.pages.test_pages import sit_down, take_at_kiosk

pytestmark = pytest.mark.browser


def forgive(hands: Hands, *statuses: int) -> None:
    """Answers that the test asked for are no faults of the page."""
    hands.wrong[:] = [line for line in hands.wrong if not any(f"status of {status}" in line for status in statuses)]


def test_enter_takes_over_a_window_where_somebody_sits(server: Server, hands: Hands) -> None:
    """A window taken meanwhile is asked about in the dialog, and Enter then presses the key in sight: 接管."""
    desk = hands.open("/desk/pages/window/s01")
    sit_down(server)
    desk.locator("#staff").fill("9")
    desk.keyboard.press("Enter")
    expect(desk.locator("#taken-by")).to_have_text(re.compile("clerk-s01 正在 1 号窗口登录。要接管"))
    expect(desk.locator("#plain-sign-in")).to_be_hidden()
    desk.locator("#staff").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#sign-in")).to_be_hidden()
    expect(desk.locator("#who")).to_have_text("9")
    forgive(hands, 409)


def test_who_sits_at_another_window_may_come_over(server: Server, hands: Hands) -> None:
    """Signed in elsewhere is a question with 接管, not a dead end."""
    server.post("/windows/s02/sign-in", {"staff": "7"})
    desk = hands.open("/desk/pages/window/s01")
    desk.locator("#staff").fill("7")
    desk.keyboard.press("Enter")
    expect(desk.locator("#taken-by")).to_have_text(re.compile("7 还在 2 号窗口登录"))
    desk.locator("#take-over").click()
    expect(desk.locator("#who")).to_have_text("7")
    forgive(hands, 409)


def test_a_wrong_field_is_named_in_the_open_dialog(server: Server, hands: Hands) -> None:
    """A staff number with a blank in it is refused by its name; what was typed stays."""
    desk = hands.open("/desk/pages/window/s01")
    desk.locator("#staff").fill("张 三")
    desk.keyboard.press("Enter")
    expect(desk.locator("#sign-in .wrong")).to_have_text("工号（字母、数字）：格式不正确")
    expect(desk.locator("#staff")).to_have_value("张 三")
    forgive(hands, 422)


def test_blanks_are_no_reason_and_nothing_is_chosen_beforehand(server: Server, hands: Hands) -> None:
    """A reason of blanks stays on the page; a transfer begins with 请选择, its own zone first."""
    sit_down(server)
    number = server.take()["number"]
    desk = hands.open("/desk/pages/window/s01")
    desk.locator("#waiting li", has_text=number).get_by_text("指定呼叫").click()
    desk.fill("#call-reason", "   ")
    desk.keyboard.press("Enter")
    expect(desk.locator("#ask-call .wrong")).to_contain_text("请填写原因")
    desk.fill("#call-reason", "腿脚不便")
    desk.keyboard.press("Enter")
    expect(desk.locator("#number")).to_have_text(number)
    expect(desk.locator("[data-key=F4]")).to_be_enabled()
    desk.keyboard.press("F4")
    desk.locator("[data-key=F6]:enabled").click()
    expect(desk.locator("#to")).to_have_value("")
    expect(desk.locator("#to optgroup").first).to_have_attribute("label", "社会事务服务区")
    desk.locator("#ask-transfer button[value=yes]").click()
    expect(desk.locator("#ask-transfer")).to_be_visible()
    desk.keyboard.press("Escape")


def test_a_displaced_clerk_is_told_and_can_press_nothing(server: Server, hands: Hands) -> None:
    """When another takes the window over, the keys go dead and the page says who; signing in brings them back."""
    sit_down(server)
    desk = hands.open("/desk/pages/window/s01")
    expect(desk.locator("[data-key=F9]")).to_be_enabled()
    server.post("/windows/s01/sign-in", {"staff": "3333", "take_over": True})
    expect(desk.locator("#displaced")).to_contain_text("窗口已由 3333 接管")
    expect(desk.locator(".keys button:enabled")).to_have_count(0)
    desk.locator("#displaced-sign-in").click()
    desk.locator("#staff").fill("clerk-s01")
    desk.locator("#take-over").click()
    expect(desk.locator("#displaced")).to_be_hidden()
    expect(desk.locator("#who")).to_have_text("clerk-s01")


def cut(page: Page) -> dict[str, bool]:
    """A switch: while on, the page reaches neither the API nor a socket."""
    away = {"now": False}
    sockets: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        if away["now"]:
            socket.close(code=1012)
            return
        sockets.append(socket)
        socket.connect_to_server()

    def api(route: Route) -> None:
        if away["now"]:
            for socket in sockets:
                socket.close(code=1012)
            sockets.clear()
            route.abort()
        else:
            route.continue_()

    page.route_web_socket(re.compile("/live"), between)
    page.route(re.compile("/api/v1/|/readyz"), api)
    return away


def test_what_was_said_about_a_lost_connection_goes_when_it_is_back(server: Server, hands: Hands) -> None:
    """Phone: 无法连接服务器 and, after five seconds, 数据截至; both gone with the first frame after recovery."""
    sit_down(server)
    server.take()
    token = server.take()["token"]
    page = hands.open("about:blank", size=PHONE, signed_in=False)
    away = cut(page)
    page.goto(f"{server.base}/t/{token}")
    expect(page.locator("#ahead")).to_have_text("前面还有 1 人")
    away["now"] = True
    page.locator("[data-act=postpone] summary").click()
    page.locator("button[value=postpone]").click()
    expect(page.locator("#said")).to_contain_text("无法连接服务器")
    expect(page.locator("#age")).to_contain_text("数据截至", timeout=9000)
    away["now"] = False
    expect(page.locator("#said")).to_be_hidden(timeout=9000)
    expect(page.locator("#age")).to_be_hidden()
    hands.wrong.clear()


def test_the_kiosk_says_that_the_server_is_away(hands: Hands) -> None:
    """Without a feed the kiosk notices too, and is quiet again when the server is back."""
    page = hands.open("about:blank", size=KIOSK)
    away = cut(page)
    page.goto(f"{hands.server.base}/kiosk/pages")
    away["now"] = True
    expect(page.locator("#age")).to_contain_text("数据截至", timeout=12_000)
    away["now"] = False
    expect(page.locator("#age")).to_be_hidden(timeout=12_000)
    hands.wrong.clear()


def test_an_answered_call_does_not_stand_on_the_board_for_ever(server: Server, hands: Hands) -> None:
    """An open call says 请到 in its row; once answered the stage waits, with the last call small."""
    sit_down(server)
    server.take()
    number = server.window("s01", "call")["ticket"]["number"]
    board = hands.open("/board/pages/social", size=BOARD, signed_in=False)
    row = board.locator("#recent .row").first
    expect(row.locator("[data-slot=arrow]")).to_have_text("请到")
    server.window("s01", "start")
    expect(row.locator("[data-slot=arrow]")).to_have_text("→")
    expect(board.locator("#stage .call:visible")).to_have_count(1)
    expect(board.locator("#idle")).to_be_visible(timeout=8000)
    expect(board.locator("#last-number")).to_have_text(number)


def test_a_hall_board_has_a_column_for_each_zone(server: Server, hands: Hands) -> None:
    """Each zone has its call, its last calls and its lines; a call in one zone leaves the other alone."""
    sit_down(server)
    sit_down(server, "t01")
    board = hands.open("/board/pages/all", size=BOARD, signed_in=False)
    expect(board.locator(".column h2")).to_have_text(["社会事务服务区", "税务专区"])
    server.take("B")
    number = server.window("t01", "call")["ticket"]["number"]
    social, tax = board.locator(".column").all()
    expect(tax.locator(".call [data-slot=number]")).to_have_text(number)
    expect(tax.locator(".row [data-slot=number]").first).to_have_text(number)
    expect(social.locator(".idle")).to_be_visible()
    assert board.evaluate(
        "document.documentElement.scrollHeight <= 1080 && document.documentElement.scrollWidth <= 1920"
    )


@pytest.mark.parametrize(
    ("lang", "name"), [("zh", "企业开办与经营许可"), ("en", "Housing fund: deposits and withdrawals")]
)
def test_nothing_in_the_foot_is_cut(server: Server, hands: Hands, *, lang: str, name: str) -> None:
    """The longest names of a real hall, people and ranges fit their cells in both languages."""
    sit_down(server)
    for _ in range(3):
        server.take()
    board = hands.open(f"/board/pages/social?lang={lang}", size=BOARD, signed_in=False)
    cell = board.locator(".foot .line:visible").first
    cell.locator(".line-name span").last.evaluate("(node, name) => { node.textContent = name; }", name)
    outside = """cell => {
      const room = cell.getBoundingClientRect();
      return Array.from(cell.querySelectorAll("p, .people span, .line-name span")).filter(part => {
        const box = part.getBoundingClientRect();
        const high = part.tagName === "P" && (box.top < room.top || box.bottom > room.bottom);
        return high || box.right > room.right || part.scrollWidth > part.clientWidth && part.clientWidth > 0;
      }).map(part => part.outerHTML);
    }"""
    assert cell.evaluate(outside) == []


def test_the_age_of_a_strip_stands_beside_its_words(server: Server, hands: Hands) -> None:
    """On 960×256 the chip with 数据截至 covers neither the number nor 正在办理."""
    sit_down(server)
    server.take()
    server.window("s01", "call", "start")
    strip = hands.open("/board/pages/window/s01", size=(960, 256), signed_in=False)
    strip.evaluate("a = document.getElementById('age'); a.hidden = false; a.textContent = '数据截至 14:02'")
    chip, words = strip.locator("#age").bounding_box(), strip.locator("#doing").bounding_box()
    assert chip is not None
    assert words is not None
    assert chip["y"] + chip["height"] <= words["y"] or words["x"] + words["width"] <= chip["x"]
    assert words["x"] + words["width"] <= 960


def test_going_back_at_the_kiosk_shows_nobodys_number(server: Server, hands: Hands) -> None:
    """A visit leaves no history: after 完成 the browser has nowhere to go back to."""
    sit_down(server)
    page = hands.open("/kiosk/pages", size=KIOSK)
    before = page.evaluate("history.length")
    number, _ = take_at_kiosk(page)
    page.locator("#home").click()
    expect(page.locator(".door.main")).to_be_visible()
    assert page.evaluate("history.length") == before
    expect(page.locator("body")).not_to_contain_text(number)


def test_full_width_letters_find_the_same(server: Server, hands: Hands) -> None:
    """ＳＳ－００１ is SS-001, with and without scripts; and M2 is M002 at the service desk."""
    for scripts in (True, False):
        page = hands.open("/kiosk/pages?door=number&q=ＳＳ－００１", size=KIOSK, scripts=scripts)
        expect(page.locator("#found li:visible")).to_have_count(1)
    number = server.take()["number"]
    guide = hands.open("/desk/pages/guide")
    guide.fill("#number", f"Ａ{int(number[1:])}")
    guide.locator("#find button").click()
    expect(guide.locator("#found li .number")).to_have_text(number)


def test_the_kiosk_says_when_no_window_is_open(server: Server, hands: Hands) -> None:
    """Before a number is taken for a line that nobody serves now, the card says so."""
    page = hands.open("/kiosk/pages?line=A", size=KIOSK)
    expect(page.locator("#no-window")).to_contain_text("目前没有开放窗口")
    sit_down(server)
    page.reload()
    expect(page.locator("#no-window")).to_have_count(0)
    expect(page.locator(".confirm dl")).to_contain_text("前面没有人")


def test_the_guides_word_of_success_names_the_number_and_goes(server: Server, hands: Hands) -> None:
    """已取 A001 号 stands there for a moment only."""
    guide = hands.open("/desk/pages/guide")
    guide.fill("#what", "社保卡")
    guide.locator("#take .go").click()
    expect(guide.locator("#said")).to_have_text(re.compile(r"^已取 A\d{3} 号。$"))
    expect(guide.locator("#said")).to_be_hidden(timeout=9000)


def test_postponing_with_nobody_behind_says_so(server: Server, hands: Hands) -> None:
    """The only one in a line stays where he is, and is told; next, he sees no range that speaks against it."""
    sit_down(server)
    token = server.take()["token"]
    for scripts in (True, False):
        page = hands.open(f"/t/{token}", size=PHONE, signed_in=False, scripts=scripts)
        expect(page.locator("#ahead")).to_have_text("下一个就是您，请留意叫号")
        expect(page.locator("#range")).to_be_hidden()
        page.locator("[data-act=postpone] summary").click()
        page.locator("button[value=postpone]").click()
        expect(page.locator("#said")).to_have_text("后面没有人，仍是您。")
