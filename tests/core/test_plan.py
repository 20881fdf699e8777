"""A plan is whole and right, or refused with all its mistakes, each with its place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from tests.core.halls import make_plan, problems, tables
from tidehall.command import main
from tidehall.hall.doubts import doubts
from tidehall.hall.plan import parse_plan

ROOT = Path(__file__).parents[2]
WORDS = {"zh": "名", "en": "Name"}


def item(**changes: Any) -> dict[str, Any]:
    return {"code": "X", "name": WORDS, "department": "d", "line": "A", **changes}


def window(**changes: Any) -> dict[str, Any]:
    return {"id": "w1", "label": "1", "zone": "g", "lines": ["A"], **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {"id": "A", "letter": "A", "zone": "g", "name": WORDS, **changes}


def tide(**changes: Any) -> dict[str, Any]:
    return {"g": changes}


#: (what is changed in the small plan, the place that must be named)
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"surprise": {}}, "surprise"),
    ({"hall": {"id": "no spaces"}}, "hall.id"),
    ({"hall": {"id": 7}}, "hall.id"),
    ({"hall": {"name": "one word"}}, "hall.name"),
    ({"hall": {"time_zone": "Asia/Nowhere"}}, "hall.time_zone"),
    ({"hall": {"time_zone": "../../etc/passwd"}}, "hall.time_zone"),
    ({"hall": {"hours": []}}, "hall.hours"),
    ({"hall": {"hours": [["08:30", "25:00"]]}}, "hall.hours[0]"),
    ({"hall": {"hours": [["8:30", "12:00"]]}}, "hall.hours[0]"),
    ({"hall": {"hours": [["12:00", "08:30"]]}}, "hall.hours[0]"),
    ({"hall": {"hours": [["08:00", "12:00"], ["11:00", "17:00"]]}}, "hall.hours[1]"),
    ({"hall": {"open_days": ["monday"]}}, "hall.open_days[0]"),
    ({"hall": {"colour": "red"}}, "hall.colour"),
    ({"limits": {"calls": 0}}, "limits.calls"),
    ({"limits": {"calls": "three"}}, "limits.calls"),
    ({"limits": {"misses": 0}}, "limits.misses"),
    ({"limits": {"recall_gap_s": -1}}, "limits.recall_gap_s"),
    ({"limits": {"undo_s": float("inf")}}, "limits.undo_s"),
    ({"limits": {"postpone_min_s": float("nan")}}, "limits.postpone_min_s"),
    ({"limits": {"hand_off_warn_share": 1.2}}, "limits.hand_off_warn_share"),
    ({"limits": {"overtime": 1}}, "limits.overtime"),
    ({"limits": 5}, "limits"),
    ({"targets": 5}, "targets"),
    ({"targets": {"speed": {}}}, "targets.speed"),
    ({"targets": {"wait": {"within": 900}}}, "targets.wait.within"),
    ({"targets": {"wait": {"within_s": 0}}}, "targets.wait.within_s"),
    ({"targets": {"wait": {"share": 1}}}, "targets.wait.share"),
    ({"targets": {"hand_off": {"share": 1.5}}}, "targets.hand_off.share"),
    ({"targets": {"utilisation": {"low": 0.9, "high": 0.5}}}, "targets.utilisation"),
    ({"targets": {"utilisation": {"high": float("nan")}}}, "targets.utilisation"),
    ({"offices": {"rating_days": 0}}, "offices.rating_days"),
    ({"offices": {"collect_within_days": 100_000}}, "offices.collect_within_days"),
    ({"offices": {"correction_days": 1.5}}, "offices.correction_days"),
    ({"offices": {"support_within_s": -1}}, "offices.support_within_s"),
    ({"offices": {"escalate_after_s": float("nan")}}, "offices.escalate_after_s"),
    ({"offices": {"pause_on": ["lunch"]}}, "offices.pause_on[0]"),
    ({"offices": {"hurry": 1}}, "offices.hurry"),
    ({"calendar": {"closed": ["2027-02-30"]}}, "calendar.closed"),
    ({"calendar": {"open": ["20270201"]}}, "calendar.open"),
    ({"calendar": {"open": ["2027-02-01"], "closed": ["2027-02-01"]}}, "calendar.open"),
    ({"service": {"default_s": 0}}, "service.default_s"),
    ({"priority": {"senior": -1}}, "priority.senior"),
    ({"priority": {"senior": float("inf")}}, "priority.senior"),
    ({"priority": {"senior": "much"}}, "priority.senior"),
    ({"zones": 5}, "zones"),
    ({"zones": [5]}, "zones[0]"),
    ({"zones": [{"id": "g", "name": WORDS, "kind": "royal"}]}, "zones[0].kind"),
    ({"zones": [{"id": "g", "name": WORDS}, {"id": "g", "name": WORDS}]}, "zones[1].id"),
    ({"zones": [{"id": "g", "name": WORDS, "posts": {"acceptance": -2}}]}, "zones[0].posts.acceptance"),
    ({"zones": [{"id": "g", "name": WORDS, "posts": {"king": 1}}]}, "zones[0].posts.king"),
    ({"lines": [line(letter="a")]}, "lines[0].letter"),
    ({"lines": [line(letter="O")]}, "lines[0].letter"),
    ({"lines": [line(letter="AB")]}, "lines[0].letter"),
    ({"lines": [line(), line(id="B")]}, "lines[1].letter"),
    ({"lines": [line(zone="moon")]}, "lines[0].zone"),
    ({"lines": [line(service_s=0)]}, "lines[0].service_s"),
    ({"lines": [{"id": "A"}]}, "lines[0].letter"),
    ({"lines": [line(purpose="lunch")]}, "lines[0].purpose"),
    (
        {
            "lines": [line(id=x, letter=x, purpose="pickup") for x in ("R", "S")],
            "items": [],
            "windows": [window(lines=[])],
        },
        "lines[1].purpose",
    ),
    ({"lines": [line(), line(id="R", letter="R", purpose="pickup")], "items": [item(line="R")]}, "items[0].line"),
    ({"lines": [line(id="R", letter="R", purpose="pickup")], "windows": [window(lines=["R"])]}, "windows[0].lines"),
    ({"windows": [window(lines=["Q"])]}, "windows[0].lines"),
    ({"windows": [window(lines=["C"])]}, "windows[0].lines"),
    ({"windows": [window(zone="moon")]}, "windows[0].zone"),
    ({"windows": [window(post="throne")]}, "windows[0].post"),
    ({"windows": [window(), window()]}, "windows[1].id"),
    ({"windows": [window(), window(id="w2")]}, "windows[1].label"),
    ({"window_ranges": 5}, "window_ranges"),
    ({"window_ranges": [{"id_prefix": "s", "first": 9, "last": 2, "zone": "g"}]}, "window_ranges[0]"),
    ({"window_ranges": [{"id_prefix": "w", "first": 1, "last": 1, "zone": "g", "digits": 1}]}, "windows[0].id"),
    ({"departments": [{"id": "d"}]}, "departments[0].name"),
    ({"departments": [{"id": "d", "name": WORDS, "zone": "moon"}]}, "departments[0].zone"),
    ({"items": [item(department="x")]}, "items[0].department"),
    ({"items": [item(line="Q")]}, "items[0].line"),
    ({"items": [item(kind="promised")]}, "items[0].promised_days"),
    ({"items": [item(kind="promised", promised_days=100_000)]}, "items[0].promised_days"),
    (
        {"items": [item(kind="joint", promised_days=5, parts=[{"department": "d", "promised_days": 100_000}])]},
        "items[0].parts",
    ),
    ({"items": [item(fee=-1)]}, "items[0].fee"),
    ({"items": [item(fee=1.5)]}, "items[0].fee"),
    ({"items": [item(zones=["moon"])]}, "items[0].zones"),
    ({"items": [item(service_s=-5)]}, "items[0].service_s"),
    ({"items": [item(), item()]}, "items[1].code"),
    ({"items": [item(materials=[{"code": "a", "name": WORDS}] * 2)]}, "items[0].materials"),
    (
        {"items": [item(materials=[{"code": "a", "name": WORDS}, {"code": "b", "name": 3}])]},
        "items[0].materials[1].name",
    ),
    ({"bundles": [{"id": "b", "name": WORDS, "items": ["nothing"]}]}, "bundles[0].items"),
    ({"boards": [{"id": "b", "zones": ["moon"]}]}, "boards[0].zones"),
    ({"boards": [{"id": "b", "zones": ["g"], "lines": ["Q"]}]}, "boards[0].lines"),
    ({"tide": 5}, "tide"),
    ({"tide": {"moon": {}}}, "tide.moon"),
    ({"tide": tide(open_for_s=-1)}, "tide.g.open_for_s"),
    ({"tide": tide(confirm="nobody")}, "tide.g.confirm"),
    ({"tide": tide(close_wait_s=60, open_wait_s=30)}, "tide.g.close_wait_s"),
    ({"tide": tide(close_waiting_per_window=11)}, "tide.g.close_waiting_per_window"),
]


@pytest.mark.parametrize(("changes", "place"), MISTAKES, ids=[f"{i}-{m[1]}" for i, m in enumerate(MISTAKES)])
def test_mistake_has_its_place(changes: dict[str, Any], place: str) -> None:
    """Every kind of mistake is found and named by the place where it stands."""
    found = problems(tables(**changes))
    assert place in [problem.split(": ")[0] for problem in found], found


def test_all_mistakes_at_once() -> None:
    """One reading lists every mistake, in an order that does not change."""
    wrong = tables(
        hall={"time_zone": "Mars", "hours": [["9", "10"]], "b": 1, "a": 1},
        limits={"calls": 0, "misses": 0},
        offices={"complaint_days": 0, "acknowledge_within_s": -1},
        items=[item(fee=-1, line="Q"), item(department="x")],
        tide={"moon": {}},
    )
    found = problems(wrong)
    assert [problem.split(": ")[0] for problem in found] == [
        "hall.a", "hall.b", "items[1].code", "items[0].line", "items[0].fee", "items[1].department", "tide.moon",
        "hall.hours[0]", "hall.time_zone", "limits.calls", "limits.misses", "offices.acknowledge_within_s",
        "offices.complaint_days",
    ]  # fmt: skip


def test_one_mistake_is_told_once() -> None:
    """A zone with a wrong field is still known to those that name it."""
    wrong = tables()
    wrong["zones"][0]["floor"] = "ground"
    assert [problem.split(": ")[0] for problem in problems(wrong)] == ["zones[0].floor"]


def test_a_wrong_word_is_told_with_those_that_may_stand_there() -> None:
    """In lists and as keys too; what stands twice names both places, the one written by hand as the wrong one."""
    said = problems(tables(
        hall={"open_days": ["mon", "tues"]}, priority={"senior": "x", "soldier": "y"},
        zones=[{"id": "g", "name": WORDS, "posts": {"janitor": 2}}], lines=[line(), line(id="B")], items=[],
        windows=[window(id="own")],
        window_ranges=[{"id_prefix": "s", "first": 1, "last": 2, "zone": "g", "lines": ["A"]}],
    ))  # fmt: skip
    for told in (
        "hall.open_days[1]: Invalid enum value 'tues'; write one of mon, tue, wed",
        "priority.senior: must be a number, not text", "priority.soldier: must be a number, not text",
        "zones[0].posts.janitor: Invalid enum value 'janitor'; write one of acceptance, precheck",
        "lines[1].letter: 'A' stands twice, in lines[0] too",
        "windows[0].label: '1' of zone 'g' stands twice, in window_ranges[0] too",
    ):  # fmt: skip
        assert any(problem.startswith(told) for problem in said), (told, said)


def test_doubts_are_warnings() -> None:
    """What works and yet looks like a slip is told with its place; the plan is right all the same."""
    changed = tables(
        zones=[{"id": "g", "name": {"en": "General"}, "posts": {"acceptance": 9, "precheck": 7}}],
        lines=[line(), line(id="B", letter="B")], windows=[window()], tide={"g": {}},
        items=[item(promised_days=9), item(code="Y", line="B", kind="promised", promised_days=70, statutory_days=20)],
        boards=[],
    )  # fmt: skip
    changed["hall"].pop("hours", None)
    found = doubts(parse_plan(changed), changed)
    assert [doubt.split(": ")[0] for doubt in found] == [
        "hall.hours", "lines[1]", "tide.g", "zones[0].posts.acceptance", "items[0].promised_days",
        "items[1].promised_days", "zones[0].name",
    ]  # fmt: skip
    assert "9, but zone 'g' has 1 such windows" in found[3]
    assert "08:30–12:00, 14:00–17:30 are taken" in found[0]


def test_plan_check_tells_doubts_and_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings go to standard error, with the file and exit 0; a byte-order mark is no mistake."""
    path = tmp_path / "plan.toml"
    path.write_text((ROOT / "halls" / "small.toml").read_text("utf-8").replace("tidal = 1", "tidal = 2"), "utf-8-sig")
    assert main(["plan", "check", str(path)]) == 0
    told = capsys.readouterr()
    assert told.err.startswith(f"{path}: warning: zones[0].posts.tidal: 2, but")
    assert len(told.err.splitlines()) == 1
    assert ": right. Hall small: 1 zones, 2 lines, 4 windows, 1 departments" in told.out


@pytest.mark.parametrize("name", ["yangxin", "small"])
def test_shipped_plans_leave_no_doubt(name: str) -> None:
    """The halls that are shipped are right, and nothing in them looks like a slip."""
    found = tomllib.loads((ROOT / "halls" / f"{name}.toml").read_text("utf-8"))
    assert doubts(parse_plan(found), found) == []


def test_nothing_is_refused_in_words() -> None:
    """An empty plan says what is missing."""
    found = problems({})
    assert found[0] == "hall: is missing"
    assert {p.split(":")[0] for p in found} == {"hall", "zones", "lines", "windows"}


def test_small_plan_is_right() -> None:
    """The plan that the other tests use has no mistake, and defaults stand in."""
    plan = make_plan()
    assert plan.limits.calls == 3
    assert plan.head_start("senior") == 15 * 60 * 1_000_000
    assert plan.head_start("nobody") == 0


def test_ranges_make_windows() -> None:
    """A range stands for its windows, with labels of their own."""
    spread = {"id_prefix": "s", "first": 3, "last": 5, "zone": "g", "lines": ["A"], "label_first": 11}
    plan = make_plan(window_ranges=[spread])
    assert [(w.id, w.label) for w in plan.windows[-3:]] == [("s03", "11"), ("s04", "12"), ("s05", "13")]


def test_acceptance_shape() -> None:
    """The contract's short plan (fractions of a minute, no pause after a miss, tide, materials) is understood."""
    plan = make_plan(
        round_the_clock=True,
        limits={"hand_off_warn_share": 0.5, "recall_gap_s": 1, "postpone_min_s": 0, "waiting_per_line": 900},
        priority={"normal": 0, "senior": 15, "slight": 0.05},
        items=[item(materials=[{"code": "id", "name": WORDS, "required": True}], urgent_allowed=True, fee=1500)],
        tide={"g": {"open_waiting_per_window": 3, "open_wait_s": 20, "close_wait_s": 1, "close_waiting_per_window": 1}},
    )
    assert plan.head_start("slight") == 3_000_000
    assert plan.head_start("booked") == 30 * 60 * 1_000_000
    assert plan.tide["g"].open_waiting_per_window == 3


def reference_tables() -> dict[str, Any]:
    return tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8"))


def test_reference_hall_is_right() -> None:
    """halls/yangxin.toml has no mistake and the size that the issue asks for."""
    found = reference_tables()
    assert problems(found) == []
    assert len(found["items"]) >= 150


def test_a_plan_can_be_written_out_and_read_again() -> None:
    """As JSON, with every section that a plan may have; and one from before there were rules for alerts."""
    small = make_plan(
        zones=[{"id": "g", "name": WORDS, "roster": [["08:30", 1], ["12:00", 2]]}],
        lines=[line()],
        items=[item()],
        boards=[],
        windows=[window(), window(id="w2", label="2", post="tidal")],
        service={"default_s": 500, "break_every_s": 3600, "break_s": 300},
        tide=tide(policy="forecast", forecast_every_s=300),
        alerts={
            "long_wait": {"limit_s": 60, "lines": {"A": 5}, "owner": "middle", "escalate_after_s": 30, "send": ["sms"]},
            "hand_off_due": {"on": False}, "case_due": {"days": 3}, "estimate_off": {"share": 0.5},
        },
    )  # fmt: skip
    for plan in (small, replace(small, alerts=None), parse_plan(reference_tables())):
        assert parse_plan(json.decode(json.encode(plan))) == plan
