"""The guide to the items on a phone without scripts, and services counted at the guide desk, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.pages.conftest import PHONE, Server, serving
from tests.pages.office_hall import OFFICES, Hall

pytestmark = pytest.mark.browser

GUIDE = """
[items.guide]
basis = [{ zh = "《某法》第一条", en = "Some law, article 1" }]
forms = ["window", "online"]
supervision = "12345"
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Hall]:
    """The offices' hall, one item of it with a guide."""
    folder = tmp_path_factory.mktemp("guide")
    plan = folder / "hall.toml"
    text = OFFICES.read_text(encoding="utf-8")
    start = text.index('code = "SS-001"')
    end = text.index("[[items]]", start)
    plan.write_text(text[:end] + GUIDE + text[end:], encoding="utf-8")
    with serving(plan, folder) as server:
        yield Hall(server, browser)


@pytest.fixture
def hall(house: Hall) -> Iterator[Hall]:
    """The hall; at the end no script may have failed."""
    with house.in_use():
        yield house


def test_a_citizen_finds_an_item_and_reads_it(hall: Hall) -> None:
    """From the front door by name to the item, without scripts; nothing is wider than a phone; paper has no buttons."""
    page = hall.open("/", None, PHONE, scripts=False)
    page.locator('a[href^="/guide/"]').first.click()
    page.fill("#q", "社会保障卡申领")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name="社会保障卡申领").click()
    expect(page.locator("h1")).to_have_text("社会保障卡申领")
    expect(page.locator("main")).to_contain_text("《某法》第一条")
    expect(page.locator("main")).to_contain_text("窗口办理、网上办理")
    expect(page.locator('a[href="tel:12345"]')).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("审查标准")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()


def counted(server: Server) -> dict[str, int]:
    """Today's services."""
    found: dict[str, int] = server.api.get("/api/v1/halls/pages/services").json()["totals"]
    return found


def test_the_guide_counts_and_takes_back(hall: Hall) -> None:
    """One press is one more, the figure stands on the button; the last is taken back with the button that then goes."""
    hall.person("5001", {"post": "guide"})
    page = hall.open("/desk/pages/guide", "5001")
    copies = page.locator("[data-service=print_copy]")
    copies.click()
    expect(copies).to_contain_text("今天 1")
    copies.click()
    expect(copies).to_contain_text("今天 2")
    page.locator("#service-undo").click()
    expect(copies).to_contain_text("今天 1")
    expect(page.locator("#service-undo")).to_be_hidden()
    assert counted(hall.server) == {"print_copy": 1}
    page.fill("#what", "SS-001")
    page.fill("#helper", "3001")
    page.locator("#take .go").click()
    expect(page.locator("#taken-number")).to_have_text("A001")
    assert hall.server.api.get("/api/v1/halls/pages/tickets").json()[0]["helper"] == "3001"
