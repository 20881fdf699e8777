"""Ratings and matters through the HTTP door: who owns one, what he sees of it, and alerts acknowledged."""

from __future__ import annotations

from pathlib import Path

from tests.live.door import problem
from tests.live.offices import LI, NOTE, offices
from tests.live.people import add


async def test_a_rating_needs_a_finished_visit(tmp_path: Path) -> None:
    """Nothing to rate before the visit is done; a good rating opens no matter."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        path = f"/api/v1/tickets/{ticket['token']}/rating"
        problem(await s.post(path, {"level": 5}, token=None), 409, "nothing_to_rate")
        problem(await s.post(path, {"level": 6}, token=None), 422, "invalid")
        await s.finish()
        assert (await s.ok(path, {"level": 5}, token=None))["number"] == ticket["number"]
        assert await s.see("matters") == []


async def test_a_matter_goes_to_somebody_who_is_there(tmp_path: Path) -> None:
    """Where there are accounts a matter is handed over to one of them or to a post; a made-up staff id is refused."""
    async with offices(tmp_path) as s:
        opened = await s.ok("matters", {"kind": "complaint", "owner": "1", "note": NOTE}, 201)
        path = f"matters/{opened['id']}/hand-over"
        assert (await s.ok(path, {"owner": "ghost99"}))["owner"] == "ghost99", "no accounts, nothing to compare with"
        await add(s, "1042", {"hall": "t", "post": "guide"})
        no = problem(await s.post(path, {"owner": "ghost98"}), 422, "invalid")
        assert [error["field"] for error in no["errors"]] == ["owner"]
        assert (await s.ok(path, {"owner": "1042"}))["owner"] == "1042"
        assert (await s.ok(path, {"owner": "supervisor:g"}))["owner"] == "supervisor:g"


async def test_a_bad_rating_says_what_was_bad(tmp_path: Path) -> None:
    """Whoever puts a bad rating right sees its level, its reasons, the citizen's words, the number and the window."""
    async with offices(tmp_path) as s:
        ticket = await s.serve()
        await s.finish()
        rating = {"level": 1, "reasons": ["not_solved"], "text": NOTE}
        await s.ok(f"/api/v1/tickets/{ticket['token']}/rating", rating, token=None)
        (matter,) = await s.see("matters")
        assert (matter["level"], matter["reasons"], matter["note"]) == (1, ["not_solved"], NOTE)
        assert (matter["number"], matter["window"]) == (ticket["number"], "w1")


async def test_whoever_is_asked_first_owns_the_matter(tmp_path: Path) -> None:
    """A matter keeps its person sealed; who calls back sees the telephone; an alert is acknowledged by name."""
    async with offices(tmp_path) as s:
        problem(await s.post("matters", {"kind": "complaint"}), 422, "invalid")
        opened = await s.ok("matters", {"kind": "complaint", "owner": "staff:1", "holder": LI, "note": NOTE}, 201)
        assert "holder" not in opened
        one = await s.see(f"matters/{opened['id']}")
        assert (one["holder"]["phone"], one["note"]) == (LI["phone"], NOTE)
        assert (await s.ok(f"matters/{opened['id']}/hand-over", {"owner": "staff:2"}))["owner"] == "2"
        await s.later(2 * 86_400)
        await s.ok(f"matters/{opened['id']}/contact")
        late = next(a for a in await s.see("alerts") if a["kind"] == "matter_late")
        assert late["owner"] == "manager"
        fee = (await s.intake("FEE"))["hand_off"]
        await s.later(1300)
        await s.ok(f"hand-offs/{fee['id']}/pick-up", {"runner": "r1"})
        alert = next(a for a in await s.see("alerts") if a["about"] == fee["id"])
        assert (alert["kind"], alert["acknowledged"]) == ("hand_off_due", False)
        noted = await s.ok(f"alerts/{alert['id']}/acknowledge", {"staff": "sup-1"})
        assert (noted["acknowledged"], noted["id"]) == (True, alert["id"])
