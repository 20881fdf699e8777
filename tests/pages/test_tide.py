"""The tide in a real browser: the supervisor hears of it, opens and closes a window, and its terminal says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.pages.conftest import DESK, serving
from tests.pages.conftest import HALL as SMALL
from tests.pages.office_hall import Hall

pytestmark = pytest.mark.browser

#: ms until something has come by itself.
SOON = 15_000
#: ms until look-ahead has spoken for the first time: its process must start, and steps back on a busy machine.
AHEAD = 60_000
TIDE = """
[[windows]]
id = "t1"
label = "9"
zone = "{zone}"
post = "tidal"
lines = ["A"]
[tide.{zone}]
open_waiting_per_window = 3
open_for_s = 1
close_waiting_per_window = 1
close_for_s = 1
settle_s = 0
min_open_s = 0
"""


@pytest.fixture
def house(tmp_path: Path, browser: Browser) -> Iterator[Hall]:
    """The small hall with a tidal window, a supervisor, and one window open."""
    plan = tmp_path / "hall.toml"
    plan.write_text(SMALL.read_text("utf-8") + TIDE.format(zone="social"), "utf-8")
    with serving(plan, tmp_path) as server:
        hall = Hall(server, browser)
        hall.person("6001", {"post": "supervisor"})
        hall.person("1009", {"post": "tidal"})
        server.open_window("s01", "1001")
        with hall.in_use():
            yield hall


def test_a_supervisor_follows_the_tide(house: Hall) -> None:
    """Advice comes to the open page by itself; one button opens the window, one closes it after its citizen."""
    server = house.server
    board = house.open("/desk/pages/handoffs", "6001", DESK)
    expect(board.get_by_text("目前没有开关潮汐窗口的建议。")).to_be_visible()
    server.post("/tide/reserve", {"zone": "social", "staff": ["1009"]})
    tickets = [server.take() for _ in range(4)]
    row = board.locator(".advice")
    expect(row).to_contain_text("开放 9 号窗口", timeout=SOON)
    expect(row).to_contain_text("每个开放窗口 4 人在等，最长 1 秒；已持续 1 秒")
    expect(row).to_contain_text("现在开放 9 号窗口，30 分钟后 90% 的人等候", timeout=AHEAD)
    expect(row).to_contain_text("可由 1009 到岗。")
    row.get_by_role("button", name="开放窗口").click()
    expect(row).to_have_count(0)
    expect(board.locator('[data-slot="tide-count"]')).to_have_text("0")
    assert server.api.get("/api/v1/halls/pages/windows/t1").json()["state"] == "open"

    server.post("/windows/t1/sign-in", {"staff": "1009"})
    server.window("t1", "call", "start")
    terminal = house.open("/desk/pages/window/t1", "1009", DESK)
    expect(terminal.locator("#state")).to_have_text("开放")
    for ticket in tickets[1:]:
        server.post(f"/tickets/{ticket['id']}/cancel")
    expect(row).to_contain_text("关闭 9 号窗口", timeout=SOON)
    expect(row).to_contain_text("没有人在等；已平稳 1 秒")
    row.get_by_role("button", name="关闭窗口").click()
    expect(terminal.locator("#state")).to_have_text("办完当前这一位后关窗")
    server.window("t1", "finish")
    expect(terminal.locator("#state")).to_have_text("关闭")


def test_nobody_open_is_an_alert_in_words(house: Hall) -> None:
    """People wait and the last window closes: the alert names the zone."""
    board = house.open("/desk/pages/handoffs", "6001", DESK)
    house.server.window("s01", "close")
    house.server.take()
    row = board.locator(".alert")
    expect(row).to_contain_text("有人等候，无窗口开放", timeout=SOON)
    expect(row).to_contain_text("社会事务服务区")
