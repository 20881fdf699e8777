"""The day's end in a real browser: what a unit has open, filed and kept in use (R27); the delivery asked for (R38)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import noon, serving
from tests.pages.office_hall import OFFICES, Hall

pytestmark = pytest.mark.browser

#: A case's steps after its papers were checked.
STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("claim", {"staff": "4001"}),
    ("decide", {"outcome": "approve", "opinion": "同意"}),
    ("make", {}),
    ("ready", {}),
    ("deliver", {"method": "window", "signature": "张小三"}),
)


def staffed(hall: Hall) -> None:
    """A clerk and an officer, and the clerk's window open."""
    hall.person("1001", {"post": "acceptance", "zone": "social"})
    hall.person("4001", {"post": "officer", "department": "hrss"})
    hall.server.open_window("s01", "1001")


def brought(hall: Hall, upto: str) -> dict[str, Any]:
    """A case whose papers have been checked at their office, and led on to the step `upto`."""
    answer = hall.intake()
    case: dict[str, Any] = answer["case"]
    hall.carried(answer["hand_off"], "4001")
    names = [name for name, _ in STEPS]
    for name, body in STEPS[: names.index(upto) + 1]:
        hall.server.post(f"/cases/{case['id']}/{name}", body)
    return case


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Hall]:
    """One hall for the module."""
    with serving(OFFICES, tmp_path_factory.mktemp("archive")) as server:
        hall = Hall(server, browser)
        staffed(hall)
        yield hall


@pytest.fixture
def hall(house: Hall) -> Iterator[Hall]:
    """The hall; at the end no script may have failed."""
    with house.in_use():
        yield house


def rows(page: Page, name: str, case: dict[str, Any]) -> Any:
    """A case's row in a list of the page."""
    return page.locator(f'[data-list="{name}"] [data-id="{case["id"]}"]')


def test_a_department_files_its_day(hall: Hall) -> None:
    """Several cases at once: filed, ended with it where all is done, or kept for a reason of the list; then printed."""
    decided, delivered, asked = brought(hall, "decide"), brought(hall, "deliver"), brought(hall, "claim")
    desk = hall.open("/desk/pages/office/hrss", "4001")
    expect(desk.locator("#unfiled b")).to_have_text("4")
    desk.locator("#unfiled").click()
    expect(rows(desk, "in_use", asked)).to_contain_text("使用中 · 正在审查")
    desk.locator('[data-pick-all="open"]').click()
    expect(desk.locator("#picked")).to_have_text("4")
    expect(desk.locator("#file-then")).to_have_text("其中 1 个办件同时办结")
    rows(desk, "open", decided).locator("[data-whole]").uncheck()
    expect(desk.locator("#picked")).to_have_text("2")
    desk.locator("#filing-bar button[value=file]").click()
    expect(desk.locator("#said")).to_have_text("已归档 2 件。")
    expect(rows(desk, "open", delivered)).to_have_count(0)
    expect(rows(desk, "filed", delivered).locator(".papers li")).to_have_count(5)  # two originals, three copies
    assert hall.case(delivered["receipt"])["stage"] == "closed"
    expect(desk.locator("#unfiled b")).to_have_text("2")

    rows(desk, "open", decided).locator("[data-pick]").first.check()
    desk.locator("#filing-bar button[value=keep]").click()
    expect(desk.locator("#said")).to_have_text("请先选仍在使用的原因。")
    desk.locator("#filing-bar select").select_option("needed_for_inspection")
    desk.locator("#filing-bar button[value=keep]").click()
    expect(rows(desk, "in_use", decided)).to_contain_text("使用中 · 现场核查要用")
    rows(desk, "open", decided).locator("[data-pick]").check()
    desk.locator("#filing-bar select").select_option("other")
    desk.locator("#filing-bar [name=text]").fill("局长要看原件")
    desk.locator("#filing-bar button[value=keep]").click()
    expect(rows(desk, "in_use", decided)).to_contain_text("局长要看原件")
    expect(rows(desk, "open", decided)).to_have_count(0)
    expect(desk.locator("#unfiled b")).to_have_text("0")
    expect(desk.locator("#unfiled")).to_have_attribute("data-standing", "none")

    expect(desk.locator(".signatures")).to_be_hidden()
    desk.emulate_media(media="print")
    expect(desk.locator(".signatures p")).to_have_text(["清点人：", "归档人：", "复核人：", "日期："])
    expect(desk.locator("header.printed h1")).to_have_text("人社局 原件归档日清单")
    expect(desk.locator("#filing input").first).to_be_hidden()


def test_a_window_files_its_immediate_items(hall: Hall) -> None:
    """What a window has done on the spot lies there until it is filed; the count stands beside the keys."""
    taken = hall.intake("SS-001")["case"]
    desk = hall.open("/desk/pages/window/s01", "1001")
    expect(desk.locator("#unfiled b")).to_have_text("1")
    desk.locator("#unfiled").click()
    rows(desk, "open", taken).locator("[data-whole]").check()
    desk.locator("#filing-bar button[value=file]").click()
    expect(rows(desk, "filed", taken)).to_contain_text("人社局")
    expect(desk.locator("#unfiled b")).to_have_text("0")
    assert hall.case(taken["receipt"])["stage"] == "closed"


def test_no_unit_no_list(hall: Hall) -> None:
    """An archive that the plan does not know is no page; nor is another window's for who sits at this one's post."""
    context = hall.browser.new_context(base_url=hall.server.base)
    context.add_cookies(hall.jars["4001"])
    for unit in ("office:nobody", "window:x", "cellar"):
        assert context.request.get(f"/desk/pages/archive/{unit}").status == 404
    assert context.request.get("/desk/pages/archive/window:s01").status == 403
    context.close()


@pytest.mark.parametrize(("minutes", "standing"), [(40, "soon"), (180, "calm")])
def test_the_count_warns_in_the_last_hour(
    minutes: int, standing: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> None:
    """So many minutes before the last session ends."""
    closes = datetime.now(ZoneInfo(noon())) + timedelta(minutes=minutes)
    plan = tmp_path / "hall.toml"
    text = OFFICES.read_text("utf-8").replace('[["00:00", "24:00"]]', f'[["00:00", "{closes:%H:%M}"]]')
    plan.write_text(text, "utf-8")
    with serving(plan, tmp_path_factory.mktemp("closing")) as server:
        hall = Hall(server, browser)
        staffed(hall)
        brought(hall, "decide")
        with hall.in_use():
            desk = hall.open("/desk/pages/office/hrss", "4001")
            expect(desk.locator("#unfiled")).to_have_attribute("data-standing", standing)
            words = {"soon": "快闭厅了，请归档 2", "calm": "未归档 2"}[standing]
            expect(desk.locator("#unfiled")).to_contain_text(words)


def test_intake_asks_how_the_result_shall_come(hall: Hall) -> None:
    """Nothing is preselected, and without a method papers are not taken in, by page or by API (R38)."""
    lacking: tuple[tuple[dict[str, Any], str], ...] = (({}, "delivery"), ({"delivery": {}}, "delivery.method"))
    for said, field in lacking:
        body = {"item": "SS-001", "source": "courier", "applicant": {"name": "张小三"}} | said
        answer = hall.server.api.post("/api/v1/halls/pages/windows/s01/cases", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    hall.in_front()
    desk = hall.open("/desk/pages/window/s01", "1001")
    desk.locator("#intake-open").click()
    desk.fill("#intake-item", "SS-001")
    form = desk.locator("#intake-form")
    form.locator('[name="materials"]').check()
    form.locator('[name="applicant.name"]').fill("张小三")
    form.locator('[name="applicant.phone"]').fill("13800001234")
    methods = form.locator('[name="delivery.method"]')
    expect(methods).to_have_count(4)
    expect(form.locator('[name="delivery.method"]:checked')).to_have_count(0)
    form.locator(".go").click()
    expect(form.locator('[name="delivery.method"]:invalid')).to_have_count(4)
    expect(desk.locator("#intake-done")).to_be_hidden()
    methods.nth(3).check()
    form.locator(".go").click()
    expect(desk.locator("#receipt-number")).to_be_visible()
    assert hall.case(desk.locator("#receipt-number").inner_text())["delivery"]["method"] == "electronic"
    hall.server.window("s01", "finish")
