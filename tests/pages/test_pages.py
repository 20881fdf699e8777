"""The pages in a real browser, on a real server: what people see and do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.pages.conftest import BOARD, KIOSK, PHONE, Hands, Server
from tidehall import locales

pytestmark = pytest.mark.browser

ROOT = Path(locales.__file__).parents[1] / "display"


def sit_down(server: Server, window: str = "s01") -> None:
    """A clerk opens a window."""
    server.open_window(window, f"clerk-{window}")


def take_at_kiosk(page: Page) -> tuple[str, str]:
    """From the four doors to a number: (number, token)."""
    for step in (".door.main", "#found li:visible a", ".take"):
        page.wait_for_load_state("load")  # a hand is slower than this browser: the page's script has run by then
        if step.startswith("#found"):
            page.fill("#q", "社保")
        page.locator(step).first.click()
        if step != ".take":
            expect(page.locator("#q" if step == ".door.main" else ".take")).to_be_visible()
    number = page.locator("#number")
    expect(number).to_have_text(re.compile(r"^A\d{3}$"))
    token = re.search(r"ticket=([^&]+)", page.url)
    assert token is not None
    return number.inner_text(), token[1]


def test_a_number_taken_at_the_kiosk_is_called_and_every_screen_says_so(server: Server, hands: Hands) -> None:
    """Kiosk → window terminal → board, strip and phone show the same number within a second."""
    sit_down(server)
    board = hands.open("/board/pages/social", size=BOARD, signed_in=False)
    strip = hands.open("/board/pages/window/s01", size=(960, 256), signed_in=False)
    desk = hands.open("/desk/pages/window/s01")
    number, token = take_at_kiosk(hands.open("/kiosk/pages", size=KIOSK))
    phone = hands.open(f"/t/{token}", size=PHONE, signed_in=False)
    expect(phone.locator("#sentence")).to_have_text("请等候叫号")
    expect(desk.locator("#waiting li .number").first).to_have_text(number)

    expect(desk.locator("[data-key=F1]")).to_be_enabled()
    desk.keyboard.press("F1")
    for page, place in ((board, "#stage .call:visible [data-slot=number]"), (strip, "#number"), (desk, "#number")):
        expect(page.locator(place).first).to_have_text(number)
    expect(phone.locator("#sentence")).to_have_text("请现在到窗口办理")
    expect(phone.locator("#label")).to_have_text("1")
    expect(phone.locator("html")).to_have_class(re.compile("called"))
    expect(strip.locator("#doing")).to_have_text("请到窗口")
    expect(board.locator("#recent .row [data-slot=number]").first).to_have_text(number)

    expect(desk.locator("[data-key=F4]")).to_be_enabled()
    desk.keyboard.press("F4")
    expect(strip.locator("#doing")).to_have_text("正在办理")
    expect(phone.locator("#sentence")).to_have_text("正在 1 号窗口办理")
    expect(desk.locator("[data-key=F8]")).to_be_enabled()
    expect(desk.locator("[data-key=F8]")).to_be_enabled()
    desk.keyboard.press("F8")
    expect(desk.locator("#nobody")).to_be_visible()
    expect(strip.locator("#state")).to_have_text("空闲")
    expect(phone.locator("#sentence")).to_have_text("已办结，谢谢")


def test_only_what_the_server_allows_is_solid(server: Server, hands: Hands) -> None:
    """Each state of a window has its own solid keys, recall appears with time, and a reload changes nothing."""
    desk = hands.open("/desk/pages/window/s01")
    desk.locator("#staff").fill("clerk-1")
    desk.keyboard.press("Enter")
    solid = desk.locator(".keys button:enabled kbd")
    desk.locator("[data-press=open]").click()
    expect(solid).to_have_text(["F1", "F9"])
    server.take()
    expect(desk.locator("[data-key=F1]")).to_be_enabled()
    desk.keyboard.press("F1")
    expect(solid).to_have_text(["F2", "F3", "F4", "F9"])
    desk.reload()
    expect(solid).to_have_text(["F2", "F3", "F4", "F9"])
    expect(desk.locator("[data-key=F4]")).to_be_enabled()
    desk.keyboard.press("F4")
    expect(solid).to_have_text(["F1", "F5", "F6", "F7", "F8", "F9"])
    expect(desk.locator("[data-key=F5]")).to_be_enabled()
    desk.keyboard.press("F5")
    desk.locator("#ask-suspend button[value=hold]").click()
    expect(desk.locator("#parked li")).to_have_count(1)
    desk.locator("#parked button").click()
    expect(solid).to_have_text(["F1", "F5", "F6", "F7", "F8", "F9"])
    expect(desk.locator("[data-key=F7]")).to_be_enabled()
    desk.keyboard.press("F7")
    desk.locator("#missing-more").fill("缺照片")
    desk.locator("#ask-reject button[value=yes]").click()
    expect(desk.locator("#ask-reject")).to_be_visible()  # free text alone is no reason (R70)
    desk.locator('#reject-reasons [value="paper_form"]').check()
    desk.locator("#ask-reject button[value=yes]").click()
    expect(desk.locator("#nobody")).to_be_visible()
    desk.locator("#undo button").click()
    expect(solid).to_have_text(["F1", "F5", "F6", "F7", "F8", "F9"])
    expect(desk.locator("[data-key=F6]")).to_be_enabled()
    desk.keyboard.press("F6")
    desk.select_option("#to", "line:B")
    desk.fill("#transfer-note", "先到税务")
    desk.locator("#ask-transfer button[value=yes]").click()
    expect(desk.locator("#nobody")).to_be_visible()
    expect(desk.locator("[data-key=F9]")).to_be_enabled()
    desk.keyboard.press("F9")
    desk.locator("#ask-pause button[value=break]").click()
    expect(desk.locator("#state")).to_have_text("暂停")
    expect(solid).to_have_text(["F9"])
    expect(desk.locator("[data-key=F9]")).to_be_enabled()
    desk.keyboard.press("F9")
    expect(desk.locator("#state")).to_have_text("开放")


def test_the_note_of_a_transfer_is_read_at_the_next_window(server: Server, hands: Hands) -> None:
    """A note travels under seal and stands in plain words where the citizen goes on."""
    sit_down(server, "s01")
    sit_down(server, "s02")
    server.take()
    server.window("s02", "call", "start")
    server.post("/windows/s02/transfer", {"window": "s01", "note": "已核对身份证"})
    desk = hands.open("/desk/pages/window/s01")
    expect(desk.locator("[data-key=F1]")).to_be_enabled()
    desk.keyboard.press("F1")
    expect(desk.locator("#note")).to_have_text("已核对身份证")


def test_an_occupied_window_asks_before_it_is_taken_over(server: Server, hands: Hands) -> None:
    """Who signs in where somebody sits is told who, and takes over only by saying so (S19)."""
    sit_down(server)
    desk = hands.open("/desk/pages/window/s01")
    desk.locator("#change-staff").click()
    expect(desk.locator("#taken-by")).to_contain_text("clerk-s01")
    desk.locator("#staff").fill("clerk-9")
    desk.locator("#take-over").click()
    expect(desk.locator("#who")).to_have_text("clerk-9")


def test_a_refusal_is_said_in_the_servers_words(server: Server, hands: Hands) -> None:
    """A key that comes too late shows the problem's sentence, and the desk shows the truth."""
    sit_down(server)
    server.take()
    desk = hands.open("/desk/pages/window/s01")
    expect(desk.locator("#waiting li")).to_have_count(1)
    desk.route("**/windows/s01/call", lambda route: (server.window("s01", "call"), route.continue_())[1])
    expect(desk.locator("[data-key=F1]")).to_be_enabled()
    desk.keyboard.press("F1")
    expect(desk.locator("#said")).to_be_visible()
    expect(desk.locator("#said")).not_to_be_empty()
    expect(desk.locator("#ticket-state")).to_have_text("已呼叫，等待群众到窗口")
    hands.wrong[:] = [line for line in hands.wrong if "409" not in line]


def test_the_kiosk_works_without_scripts_and_gives_one_number_per_visit(server: Server, hands: Hands) -> None:
    """Plain links and forms lead to a number; going back and pressing again gives the same one."""
    sit_down(server)
    page = hands.open("/kiosk/pages", size=KIOSK, scripts=False)
    page.locator(".door.main").click()
    page.fill("#q", "社保卡")
    page.locator(".find button").click()
    page.locator("#found li:visible a").click()
    expect(page.locator(".bring")).to_contain_text("身份证")
    page.locator(".take").click()
    number = page.locator("#number").inner_text()
    page.go_back()
    page.locator(".take").click()
    assert page.locator("#number").inner_text() == number
    expect(page.locator("figure svg")).to_be_visible()
    assert server.api.get("/api/v1/halls/pages/lines").json()[0]["waiting"] == 1


def test_a_kiosk_left_alone_goes_back_to_the_start(hands: Hands) -> None:
    """After 30 s without a touch the start shows again; the seconds are counted down in sight."""
    page = hands.open("/kiosk/pages?door=number", size=KIOSK)
    page.clock.install()
    page.reload()
    page.clock.run_for(5000)
    expect(page.locator("#idle")).to_contain_text("秒后回到开始")
    page.clock.run_for(40000)
    expect(page.locator(".door.main")).to_be_visible()


def test_a_door_that_is_not_open_yet_says_where_to_go(hands: Hands) -> None:
    """People with a booking are sent to the service desk in plain words."""
    page = hands.open("/kiosk/pages?door=booked", size=KIOSK)
    expect(page.locator(".plain")).to_contain_text("请到总服务台")


def test_large_type_and_english_keep_the_visitors_place(hands: Hands) -> None:
    """长辈版 is 1.35 times as large with one choice a row; EN speaks English at the same step."""
    page = hands.open("/kiosk/pages?zone=social", size=KIOSK)
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    usual = page.evaluate(size)
    page.get_by_text("长辈版").click()
    expect(page.locator("html")).to_have_class(re.compile("large"))
    page.wait_for_load_state()  # the new page's own style sheets
    assert page.evaluate(size) / usual == pytest.approx(1.35, rel=0.01)
    page.get_by_text("EN", exact=True).click()
    expect(page.locator(".ask")).to_have_text("Social affairs")


def test_the_phone_page_is_small_and_works_without_scripts(server: Server, hands: Hands) -> None:
    """Under 30 kB in all; readable, refreshing itself, and cancelling by a plain form."""
    sit_down(server)
    server.take()
    token = server.take()["token"]
    sizes: list[int] = []
    page = hands.open("/", size=PHONE, signed_in=False)
    page.wait_for_load_state("networkidle")  # the front door's own files are not the phone's
    page.on("response", lambda answer: sizes.append(answer.request.sizes()["responseBodySize"]))
    page.goto(f"/t/{token}")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < 30_000
    expect(page.locator("#dots i")).to_have_count(2)
    expect(page.locator("#ahead")).to_have_text("前面还有 1 人")

    plain = hands.open(f"/t/{token}", size=PHONE, signed_in=False, scripts=False)
    assert 'http-equiv="refresh" content="20"' in plain.content()
    plain.locator("[data-act=cancel] summary").click()
    plain.locator("button[value=cancel]").click()
    expect(plain.locator("#sentence")).to_have_text("已退号")
    expect(page.locator("#sentence")).to_have_text("已退号")
    expect(page.locator("[data-act=cancel]")).to_be_hidden()


def test_a_citizen_who_went_for_papers_says_that_he_is_back(server: Server, hands: Hands) -> None:
    """Suspended as away, the phone offers 我回来了, and the ticket waits again."""
    sit_down(server)
    token = server.take()["token"]
    page = hands.open(f"/t/{token}", size=PHONE, signed_in=False)
    server.window("s01", "call", "start")
    server.post("/windows/s01/suspend", {"kind": "away"})
    expect(page.locator("#sentence")).to_contain_text("已暂停办理")
    page.locator("[data-act=back] button").click()
    expect(page.locator("#sentence")).not_to_contain_text("已暂停办理")
    assert server.api.get(f"/api/v1/tickets/{token}").json()["state"] == "waiting"


def test_a_board_that_hears_nothing_keeps_its_content_and_says_how_old_it_is(server: Server, hands: Hands) -> None:
    """After 15 s of silence: the last calls, and 数据截至; when frames come again, the line goes (S26)."""
    sit_down(server)
    server.take()
    number = server.window("s01", "call")["ticket"]["number"]
    page = hands.open("about:blank", size=BOARD, signed_in=False)
    deaf = {"now": False}

    def between(socket: WebSocketRoute) -> None:
        upstream = socket.connect_to_server()
        upstream.on_message(lambda message: None if deaf["now"] else socket.send(message))

    page.route_web_socket(re.compile("/live"), between)
    page.clock.install()
    page.goto(f"{server.base}/board/pages/social")
    hero = page.locator("#stage .call:visible [data-slot=number]").first
    expect(hero).to_have_text(number)
    deaf["now"] = True
    page.clock.run_for(20_000)
    expect(page.locator("#age")).to_contain_text("数据截至")
    expect(hero).to_have_text(number)
    deaf["now"] = False
    page.clock.run_for(20_000)
    expect(page.locator("#age")).to_be_hidden()


def test_a_board_never_grows(server: Server, hands: Hands) -> None:
    """Forty calls later a board has exactly as many elements, eight rows, and the last call on top."""
    sit_down(server)
    page = hands.open("/board/pages/social", size=BOARD, signed_in=False)
    count = "document.querySelectorAll('*').length"
    before = page.evaluate(count)
    number = ""
    for _ in range(40):
        server.take()
        number = server.window("s01", "call")["ticket"]["number"]
        server.window("s01", "start", "finish")
    expect(page.locator("#recent .row [data-slot=number]").first).to_have_text(number)
    assert page.evaluate(count) == before
    expect(page.locator("#recent .row")).to_have_count(8)


def test_the_board_is_legible(hands: Hands, server: Server) -> None:
    """Type sizes of the look at 1920×1080, nothing wider or higher than the screen, no scrolling."""
    sit_down(server)
    server.take()
    server.window("s01", "call")
    page = hands.open("/board/pages/social", size=BOARD, signed_in=False)
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    assert page.locator("#stage .call:visible [data-slot=number]").first.evaluate(size) >= 240
    assert page.locator("#recent .number").first.evaluate(size) * 0.73 >= 64  # the height of its capitals
    for rest in (".foot .people", ".foot .line-name", ".foot .below", "#recent h2", "#recent .unit", "#recent .arrow"):
        assert page.locator(rest).first.evaluate(size) >= 40, rest
    assert page.evaluate(
        "document.documentElement.scrollHeight <= 1080 && document.documentElement.scrollWidth <= 1920"
    )


def test_the_guide_desk_takes_numbers_and_mends_tickets(server: Server, hands: Hands) -> None:
    """A number with priority for somebody, a void ticket restored with a reason, one given back."""
    sit_down(server)
    page = hands.open("/desk/pages/guide")
    page.fill("#what", "A · 社会事务综合")
    page.select_option("#priority", "senior")
    page.locator("#take .go").click()
    number = page.locator("#taken-number")
    expect(number).to_have_text(re.compile(r"^A\d{3}$"))
    row = server.api.get("/api/v1/halls/pages/tickets?state=waiting").json()[0]
    assert (row["priority"], row["claimed"]) == ("senior", None)

    for _ in range(2):
        server.window("s01", "call")
        server.wait_until_allowed("s01", "no-show")
        server.window("s01", "no-show")
    page.locator("#missed li", has_text=number.inner_text()).get_by_text("恢复").click()
    page.fill("#reason", "在走廊里没听到")
    page.locator("#ask-reason button[value=yes]").click()
    page.fill("#number", number.inner_text().lower())
    page.locator("#find button").click()
    expect(page.locator("#found li")).to_contain_text("等候")
    page.locator("#found").get_by_text("退号").click()
    page.locator("#ask-sure button[value=yes]").click()
    expect(page.locator("#found li")).to_contain_text("已退号")


def test_staff_pages_say_how_to_get_in(hands: Hands) -> None:
    """Without the cookie a desk is a page with words, not a form and not an empty screen."""
    for path, post in (("/desk/pages/window/s01", "本窗口"), ("/desk/pages/guide", "本岗位")):
        page = hands.open(path, signed_in=False)
        expect(page.locator("body")).to_contain_text(f"请登录，或向管理员索取{post}的链接。")
        expect(page.locator("body")).not_to_contain_text("tidehall")
    hands.wrong[:] = [line for line in hands.wrong if "401" not in line]


def test_pages_that_are_not_there_say_so(hands: Hands) -> None:
    """Unknown halls, boards, windows and tickets are answered by a page with a way back."""
    for path in (
        "/board/nowhere/x",
        "/board/pages/x",
        "/board/pages/window/x",
        "/kiosk/nowhere",
        "/t/x",
    ):
        page = hands.open(path, signed_in=False)
        expect(page.locator("main a")).to_have_attribute("href", "/")
    page = hands.open("/kiosk/pages?line=X", signed_in=False)
    expect(page.locator("main a")).to_have_attribute("href", re.compile(r"^/kiosk/pages\?"))
    assert re.search(r'http-equiv="refresh" content="10;url=/kiosk/pages\?', page.content())
    hands.wrong[:] = [line for line in hands.wrong if "404" not in line]


def test_the_front_door_leads_to_every_board_and_window(hands: Hands) -> None:
    """Every screen that the plan has is one click away."""
    page = hands.open("/", signed_in=False)
    for path in (
        "/kiosk/pages",
        "/board/pages/social",
        "/board/pages/all",
        "/board/pages/window/t01",
        "/desk/pages/guide",
    ):
        expect(page.locator(f'a[href="{path}"]')).to_have_count(1)


def test_nothing_is_inline_and_files_may_be_kept_for_ever(server: Server) -> None:
    """A strict policy on every page; static addresses name their content and are immutable."""
    answer = server.api.get("/board/pages/social")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|<script>|\son\w+=", answer.text)
    script = re.search(r'src="(/static/[^"]+/js/board\.js)"', answer.text)
    assert script is not None
    assert "immutable" in server.api.get(script[1]).headers["cache-control"]
    assert server.api.get("/static/old/js/board.js").headers["cache-control"] == "no-cache"


def test_the_scripts_pure_parts() -> None:
    """Frames, stage, keys and words hold what tests/pages/*.test.mjs say (node --test)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed here; browsers test the same scripts in whole pages")
    run = subprocess.run([node, "--test", str(Path(__file__).parent)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_every_sentence_of_the_pages_stands_in_both_languages() -> None:
    """A key that a template or script names is in zh.json and en.json."""
    found: set[str] = set()
    for file in [*ROOT.glob("templates/*.html"), *ROOT.glob("static/js/*.js"), *ROOT.glob("*.py")]:
        text = file.read_text(encoding="utf-8")
        found |= set(
            re.findall(
                r"""["']((?:common|door|board|strip|phone|kiosk|desk|guide)\.(?!html)[a-z_.-]*[a-z])["']""", text
            )
        )
    assert len(found) > 100
    for lang in locales.LANGUAGES:
        assert found <= set(json.loads((ROOT.parent / "locales" / f"{lang}.json").read_text(encoding="utf-8"))), lang
