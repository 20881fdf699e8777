"""The reports on a phone: nothing runs out of the screen sideways, wide tables scroll in boxes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.day import Day
from tests.pages.conftest import DESK, PHONE, note_errors
from tidehall.command.planning import read_scenario_file
from tidehall.dashboards.monthly import month_page
from tidehall.dashboards.report import study_report
from tidehall.hall.kept import Kept
from tidehall.hall.measures import Measures
from tidehall.records.periods import Reported, period
from tidehall.simulation.study import compare, run_study
from tidehall.store.rows import Head

YANGXIN = Path(__file__).parents[2] / "scenarios" / "yangxin.toml"
#: Text that sticks out of a part of the page that does not scroll.
CUT = """() => [...document.querySelectorAll("main *")].filter(
    part => !part.closest(".scroll, svg, .plotly") && part.scrollWidth > part.clientWidth && part.clientWidth > 0
).map(part => part.tagName + " " + part.textContent.slice(0, 40))"""
#: Where each chart begins and ends, px.
CHARTS = """() => [...document.querySelectorAll("figure .main-svg")].map(chart => {
    const box = chart.getBoundingClientRect();
    return [box.left, box.right];
})"""
#: Of each box: whether it has a name, what stands above it, whether its table is wider than it.
BOXES = """() => [...document.querySelectorAll('[role="region"][tabindex="0"]')].map(
    box => [box.ariaLabel !== "", box.previousElementSibling.textContent, box.scrollWidth > box.clientWidth]
)"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of a monthly report and of a planner's with a comparison, in both languages."""
    folder, day, measures = tmp_path_factory.mktemp("reports"), Day(tickets=200, cases=80), Measures()
    for event in day.events:
        measures.apply(event)
    head = Head("0123456789abcdef", len(day.events), bytes(range(32)))
    month = Reported(period("2026-11"), measures.kept, Kept(), head.seq, head, over=False)
    scenario = read_scenario_file(YANGXIN)
    result = run_study(scenario, days=1)
    differences = compare(["a.toml", "b" * 80 + ".toml"], [scenario, scenario], [result, result])
    found = {}
    for lang in ("zh", "en"):
        pages = {
            "month": month_page(month, day.plan, lang, True),
            "study": study_report(
                result, scenario, source="plans/" + "a" * 80, lang=lang, version="1", differences=differences
            ),
        }
        for name, text in pages.items():
            file = folder / f"{name}_{lang}.html"
            file.write_text(text, "utf-8")
            found[f"{name}_{lang}"] = file.as_uri()
    return found


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone on which no script may fail."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    note_errors(page, "report", wrong)
    yield page
    context.close()
    assert wrong == []


def opened(page: Page, address: str) -> None:
    """The report with its charts drawn and every table unfolded."""
    page.goto(address)
    expect(page.locator("figure .main-svg").first).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


@pytest.mark.parametrize("name", ["month_zh", "month_en", "study_en"])
def test_no_report_is_wider_than_a_phone(reports: dict[str, str], phone: Page, name: str) -> None:
    """The page never scrolls sideways, no text is cut off, and every chart lies within the screen."""
    opened(phone, reports[name])
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert phone.evaluate(CUT) == []
    charts = phone.evaluate(CHARTS)
    assert len(charts) >= 6
    assert all(left >= 0 and right <= PHONE[0] for left, right in charts), charts


def test_wide_tables_scroll_in_a_box_of_their_own(reports: dict[str, str], phone: Page) -> None:
    """Each box has a name, is reached and moved by keyboard, says that it scrolls, and keeps the names in sight."""
    opened(phone, reports["month_en"])
    hint = "A wide table: swipe it sideways, or use the arrow keys."
    assert phone.evaluate(BOXES) == [[True, hint, True]] * 9
    zones = phone.locator('[role="region"][tabindex="0"][aria-label="Zone"]')
    zones.focus()
    expect(zones).to_be_focused()
    phone.keyboard.press("ArrowRight")
    phone.wait_for_function("box => box.scrollLeft > 0", arg=zones.element_handle())
    zones.evaluate("box => { box.scrollLeft = box.scrollWidth; box.scrollIntoView(); }")
    expect(zones.locator("tbody tr").first.locator("td").nth(1)).to_be_in_viewport(ratio=1)


def test_on_a_desk_and_on_paper_the_indicators_need_no_scrolling(reports: dict[str, str], phone: Page) -> None:
    """Where the table fits nothing says that it scrolls; on paper it is whole, and no page is wider than the sheet."""
    phone.goto(reports["month_zh"])
    for size, media in ((DESK, "screen"), ((718, 1000), "print")):  # A4 within its margins, px
        phone.set_viewport_size({"width": size[0], "height": size[1]})
        phone.emulate_media(media=media)  # type: ignore[arg-type] # one of its literals
        expect(phone.locator(".indicators .hint")).to_be_hidden()
        table = phone.locator(".indicators .scroll")
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth"), media
        phone.wait_for_function("wide => document.documentElement.scrollWidth <= wide", arg=size[0])
