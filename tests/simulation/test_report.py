"""The planner's report: one page, nothing from elsewhere, the finding first."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from tidehall.command.planning import read_scenario_file
from tidehall.dashboards.report import Words, study_report
from tidehall.simulation.costs import day_cost
from tidehall.simulation.sizing_table import Sizing
from tidehall.simulation.study import Comparison, Estimate, compare, run_study
from tidehall.simulation.tables import Away, Bursts, Distribution, TidePolicy, Transfer

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
    """The reference hall's report in both languages, compared with a scenario of the same people and one of others."""
    scenario = read_scenario_file(YANGXIN)
    result = run_study(scenario, days=2)
    worse = Comparison("fewer.toml", "yangxin.toml", (), {
        "wait_mean_s": Estimate(60.0, 12.0, 0.95, 2), "wait_within_target": Estimate(-0.0149, 0.0123, 0.95, 2),
    })  # fmt: skip
    busier = Comparison("busier.toml", "yangxin.toml", ("demand.lines.A", "people.no_show"), {})
    found = {}
    for lang in ("zh", "en"):
        found[lang] = Page(
            study_report(result, scenario, source="<yangxin>.toml", lang=lang, version="1", differences=[worse, busier])
        )
    return found


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
    assert page.text.index("15 分钟内被叫到") < page.text.index("流转中") < page.text.index("主要指标")
    assert "95% 的群众在 15 分钟内叫到" in page.text
    assert "99% 的流转按时完成" in page.text
    assert len(page.heads) == 7
    assert all(re.search(r"最[高低]，为 [\d.,]+", head) for head in page.heads)
    assert page.tables >= 7 + 4


def test_a_comparison_says_what_differs(reports: dict[str, Page]) -> None:
    """The other scenario's difference with its interval; what has no data says so."""
    assert "fewer.toml" in reports["en"].text
    assert "1.00 ± 0.20 min" in reports["en"].text
    assert "-1.5 ± 1.2 percentage points" in reports["en"].text
    assert "-1.5 ± 1.2 个百分点" in reports["zh"].text
    assert "no data" in reports["en"].text


@pytest.mark.parametrize(
    ("lang", "same", "others"),
    [
        ("zh", "同一批群众、同样的日子", "在 demand.lines.A，people.no_show 上不同，相同的只是随机数"),
        ("en", "The same people on the same days", "the scenarios differ in demand.lines.A, people.no_show, and only"),
    ],
)
def test_a_comparison_says_who_comes(reports: dict[str, Page], lang: str, same: str, others: str) -> None:
    """The same people are said where they are the same; else what differs, and that only the numbers are shared."""
    text = reports[lang].text
    fewer, busier = text.index("fewer.toml"), text.index("busier.toml")
    assert text.count(same) == text.count(others) == 1
    assert fewer < text.index(same) < busier < text.index(others)


def test_a_comparison_says_what_differs_and_where() -> None:
    """What the other scenario says, this one's figures beside its own, its lines, and the costs of both."""
    usual = read_scenario_file(YANGXIN)
    other = replace(usual, tide=TidePolicy("off"))
    scenarios = [usual, other]
    results = [run_study(scenario, days=1, parts=True) for scenario in scenarios]
    found = compare(["usual.toml", "other.toml"], scenarios, results)
    costs = [day_cost(scenario, Sizing()) for scenario in scenarios]
    text = Page(
        study_report(results[0], usual, source="x", lang="en", version="1", differences=found, costs=costs)
    ).text  # fmt: skip
    shown = " ".join(text.split())
    assert 'tide.policy"plan""off"' in shown
    assert "Differences by line and zone" in shown
    assert f"{costs[1].total - costs[0].total:.2f}" in shown
    assert "officers" not in shown
    assert shown.count("issue windows, pre-check") == 1
    assert "Numbers and waits by line" in shown


def test_figures_say_no_more_than_their_interval() -> None:
    """Two digits of the half width, as many decimals before it; nothing spread is ± 0, and nothing is -0."""
    t = Words("en")
    found = {
        t.figure(Estimate(mean, half, 0.95, 9), kind)
        for mean, half, kind in (
            (1350.8, 72.96, "count"), (0.0, 0.0, "count"), (12.34, 1.04, "count"), (-0.00001, 0.0001, "points"),
        )
    }  # fmt: skip
    assert found == {"1,351 ± 73", "0 ± 0", "12.3 ± 1.0", "0.00 ± 0.01 percentage points"}


@pytest.mark.parametrize("policy", ["plan", "off", "threshold", "forecast"])
def test_every_assumption_is_told(policy: str) -> None:
    """Whatever a scenario may say has words: each tide policy, offices, transfers, groups, who must come back; an
    empirical service shows the mean of its values."""
    scenario = read_scenario_file(YANGXIN)
    first, *rest = scenario.demand
    scenario = replace(
        scenario, tide=TidePolicy(policy),  # type: ignore[arg-type] # each of the literals
        demand=(replace(first, bursts=Bursts(per_hour=1.5, mean_size=30)), *rest),
        line_service=scenario.line_service | {"D": Distribution("empirical", values=(60.0, 300.0))}, item_service={},
        transfers={"A": (Transfer("D", 0.07),)}, people=replace(scenario.people, away=Away(share=0.04, mean_s=1260.0)),
    )  # fmt: skip
    text = Page(study_report(run_study(read_scenario_file(YANGXIN), days=1), scenario, source="x", version="1")).text
    for told in (
        "1.5 批、每批约 30 人",
        "均值 3 分钟",
        "D 不动产交易登记 7%",
        "4%，",
        "最多 6 件",
        "休息 8 分钟",
        "其余区域",
    ):
        assert told in text
    assert "含等不及离开" in text
    assert "中途离开" not in text
