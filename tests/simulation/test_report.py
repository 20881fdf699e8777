"""The planner's report: one page, nothing from elsewhere, the finding first."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tidehall.command.planning import read_scenario_file
from tidehall.dashboards.report import study_report
from tidehall.simulation.study import Comparison, Estimate, run_study

YANGXIN = Path(__file__).parents[2] / "scenarios" / "yangxin.toml"


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.from_elsewhere: list[str] = []
        self.text = ""
        self.heads: list[str] = []
        self.inside: list[str] = []
        self.tables = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        self.from_elsewhere += [f"{tag} {value}" for name, value in attrs if name in ("src", "href") and value]
        if tag not in ("meta", "br", "link"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self.inside or "style" in self.inside:
            return
        self.text += data
        if "figcaption" in self.inside:
            self.heads.append(data)


@pytest.fixture(scope="module")
def reports() -> dict[str, Page]:
    """The reference hall's report in both languages, with one comparison."""
    scenario = read_scenario_file(YANGXIN)
    result = run_study(scenario, days=2)
    worse = Comparison("fewer.toml", "yangxin.toml", {"wait_mean_s": Estimate(60.0, 12.0, 0.95, 2)})
    return {
        lang: Page(study_report(result, scenario, source="<yangxin>.toml", lang=lang, version="1", differences=[worse]))
        for lang in ("zh", "en")
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_needs_nothing_from_elsewhere(reports: dict[str, Page], lang: str) -> None:
    """No address is loaded, no key or placeholder of a sentence is left over; what comes from outside is escaped."""
    page = reports[lang]
    assert page.from_elsewhere == []
    assert not re.search(r"report\.|\{\w+\}", page.text)
    assert "<yangxin>.toml" in page.text


def test_the_finding_comes_first(reports: dict[str, Page]) -> None:
    """One sentence with the share within the limit, then the figures, each with its finding and its numbers."""
    page = reports["zh"]
    assert page.text.index("15 分钟内被叫到") < page.text.index("主要指标")
    assert len(page.heads) == 7
    assert all(re.search(r"最[高低]，为 [\d.,]+", head) for head in page.heads)
    assert page.tables >= 7 + 4


def test_a_comparison_says_what_differs(reports: dict[str, Page]) -> None:
    """The other scenario's difference with its interval; what has no data says so."""
    assert "fewer.toml" in reports["en"].text
    assert "1.0 ± 0.20 min" in reports["en"].text
    assert "no data" in reports["en"].text
