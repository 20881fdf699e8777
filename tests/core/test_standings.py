"""What dashboard and report say: zones off target, a window that pauses after its citizen, a chart's finding."""

from __future__ import annotations

from typing import Any

from tests.core.halls import Driver, make_plan
from tests.core.offices import Office
from tidehall.dashboards.figures import Point
from tidehall.dashboards.floor import counts, what
from tidehall.dashboards.monthly import Words, among
from tidehall.dashboards.picture import Standing
from tidehall.dashboards.strain import left, strained
from tidehall.display.office_lists import board_of_hand_offs
from tidehall.hall import commands as c

MINUTE = 60_000_000
LIMIT = 15.0 * MINUTE
TIDE = {
    "open_waiting_per_window": 3, "open_wait_s": 600, "open_for_s": 60, "close_waiting_per_window": 1,
    "close_wait_s": 120, "close_for_s": 90, "settle_s": 30, "min_open_s": 300,
}  # fmt: skip


def hall() -> Driver:
    """Zone g with w1 open, w2 closed and two tidal windows; zone p with one window and no tide."""
    words = {"zh": "名", "en": "Name"}
    rows: list[dict[str, Any]] = [{"id": f"w{n}", "label": str(n), "zone": "g", "lines": ["A", "B"]} for n in (1, 2)]
    rows += [{"id": f"t{n}", "label": f"T{n}", "zone": "g", "post": "tidal", "lines": ["A"]} for n in (2, 10)]
    rows.append({"id": "p1", "label": "9", "zone": "p", "lines": ["C"]})
    plan = make_plan(windows=rows, tide={"g": TIDE}, zones=[
        {"id": "g", "kind": "general", "name": words, "posts": {"supervisor": 1}},
        {"id": "p", "kind": "specialist", "name": words},
    ])  # fmt: skip
    return Driver(plan, windows=("w1",))


def standing(zone: str, *, waiting: int = 5, wait: int | None = None, soon: int | None = None) -> Standing:
    """A zone whose waits (minutes) are these."""
    span = [None if n is None else n * MINUTE for n in (wait, soon)]
    return Standing(zone, waiting, 0, span[0], False, span[1], False, zone, zone, 0, 0, 0, 0, None, 1, 0, 0, 0)


def test_a_zone_off_target_is_told_until_there_is_advice() -> None:
    """Off target now or in half an hour, the longest first; a zone with advice is told of there alone."""
    d = hall()
    found = {"g": standing("g", wait=10, soon=16), "p": standing("p", wait=20)}
    assert strained(d.hall.state, found, ["g", "p"], LIMIT) == ["p", "g"]
    assert strained(d.hall.state, found | {"p": standing("p", wait=15, soon=15)}, ["g", "p"], LIMIT) == ["g"]
    assert strained(d.hall.state, found, ["p"], LIMIT) == ["p"]
    for _ in range(4):
        d.take()
    d.wait(60)
    assert d.hall.state.watches["g"].tide.advice is not None
    assert strained(d.hall.state, found, ["g", "p"], LIMIT) == ["p"]


def test_what_a_zone_has_left() -> None:
    """The labels of closed tidal windows, in order, and how many windows of acceptance are closed or paused."""
    d = hall()
    seen = left(d.hall.state, "g")
    assert (seen.tidal, seen.shut, seen.closed, seen.paused) == (True, ("T2", "T10"), 1, 0)
    d.do(c.OpenTidal("t2"))
    d.do(c.OpenTidal("t10"))
    d.do(c.PauseWindow("w1", "break"))
    seen = left(d.hall.state, "g")
    assert (seen.tidal, seen.shut, seen.closed, seen.paused) == (True, (), 1, 1)
    assert not left(d.hall.state, "p").tidal


def test_a_window_that_pauses_after_its_citizen_is_not_open() -> None:
    """Paused with somebody in front it is called so, is never long, and counts as little as open as in the figures."""
    d = hall()
    d.begin()
    d.wait(7200)
    assert what(d.hall.state, d.window("w1"), d.now)[0] == "long"
    d.do(c.PauseWindow("w1", "break"))
    kind, since, late = what(d.hall.state, d.window("w1"), d.now)
    assert (kind, late) == ("pausing", 0)
    assert since < d.now
    assert counts(d.hall.state, "g", d.now)["pausing"] == 1
    assert sum(w.state == "open" for w in d.hall.state.windows.values()) == 0


def test_what_leaves_the_hall_has_a_lane_of_its_own() -> None:
    """In the lane of 30 minutes stands nothing with another limit: the way on to a department outside stands apart."""
    office = Office(at="2026-11-27 09:00")
    id = office.intake("OUT")
    found = board_of_hand_offs(office.hall, office.now, "zh", "").lists
    assert [len(found[name]) for name in ("promised", "onward")] == [1, 0]
    office.wait(300)
    office.carry(id)
    found = board_of_hand_offs(office.hall, office.now, "zh", "").lists
    assert [len(found[name]) for name in ("urgent", "promised", "onward")] == [0, 0, 1]


def test_a_report_names_nobody_where_all_are_alike() -> None:
    """The title of a chart says who is lowest; where every zone has the same value it says that."""
    words = Words("zh")
    for values, expected in (
        ((100.0, 100.0), "均为 100%"),
        ((100.0, 97.0), "乙 最低，97%"),
        ((97.0,), "甲 最低，97%"),
    ):
        points = [Point(name, value, None) for name, value in zip("甲乙", values, strict=False)]
        figure = among(words, "hand_offs", "per_cent", points, "lowest")
        assert figure is not None
        assert expected in figure.title


def test_the_department_with_most_cases_is_called_so_once() -> None:
    """A title whose subject says "most" does not say it again of the part."""
    points = [Point(name, n, None) for name, n in (("不动产", 22.0), ("社保", 9.0))]
    figure = among(Words("zh"), "departments", "cases", points, "most")
    assert figure is not None
    assert figure.title == "收件最多的部门：不动产，22 件"
