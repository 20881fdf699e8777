"""What the offices show: a case's progress, the handbook, lists, papers that come by courier, what desks hear."""

from __future__ import annotations

import json
from pathlib import Path

from httpx import Response

from tests.live.door import problem
from tests.live.offices import AGENT, STREET, kinds, offices, papers


async def test_progress_needs_four_digits_and_is_masked(tmp_path: Path) -> None:
    """Receipt and digits show a masked case; wrong ones of either are the same answer, and soon too many."""
    async with offices(tmp_path) as s:
        receipt = (await s.intake("FEE", agent=AGENT))["receipt"]["number"]
        for last4 in ("7475", "1111", "4414"):
            found = await s.see(f"progress?receipt={receipt}&last4={last4}", token=None)
            assert (found["receipt"], found["stage"], found["applicant"]) == (receipt, "handed_off", "李***")
        problem(await s.get(f"progress?receipt={receipt}&last4=0000", token=None), 404, "unknown_receipt")
        problem(await s.get("progress?receipt=2026112300099&last4=7475", token=None), 404, "unknown_receipt")
        errors = problem(await s.get("progress?last4=12", token=None), 422, "invalid")["errors"]
        assert [e["field"] for e in errors] == ["receipt", "last4"]
        answers: list[Response] = [
            await s.get(f"progress?receipt={receipt}&last4={n:04}", token=None) for n in range(15)
        ]
        assert {a.status_code for a in answers} == {404, 429}
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_handbook_is_open_to_all(tmp_path: Path) -> None:
    """An item tells its materials, days, parts and bundles without a principal."""
    async with offices(tmp_path) as s:
        found = await s.see("items/JOI", token=None)
        assert (found["kind"], found["bundles"], found["materials"][0]["code"]) == ("joint", ["shop"], "form")
        assert [part["promised_days"] for part in found["parts"]] == [3, 7]
        problem(await s.get("items/NONE", token=None), 404, "unknown_item")


async def test_lists_find_what_is_due(tmp_path: Path) -> None:
    """Cases by stage, department and due day; a list never tells where somebody lives, the case does."""
    async with offices(tmp_path) as s:
        fee = (await s.intake("FEE", delivery={"method": "courier", "address": STREET}))["case"]
        joint = (await s.intake("JOI"))["case"]
        await s.finish()
        assert [c["id"] for c in await s.see("cases?department=hrss")] == [joint["id"]], "a part of a joint case"
        assert [c["id"] for c in await s.see("cases?stage=handed_off&kind=promised")] == [fee["id"]]
        assert fee["due_at"] < joint["due_at"]
        assert [c["id"] for c in await s.see(f"cases?due={fee['due_at'][:10]}")] == [fee["id"]]
        assert await s.see("cases?due=overdue") == []
        assert STREET not in (await s.get("cases")).text
        assert (await s.see(f"cases/{fee['id']}"))["delivery"] == {"method": "courier", "address": STREET}
        await s.later(30 * 86_400)
        await s.ok(f"cases/{fee['id']}/copy", {"copy": 3, "holder": "office:amr"})
        late = await s.see("cases?due=overdue")
        assert [(c["id"], c["overdue"], c["remaining_s"] < 0) for c in late] == [
            (fee["id"], True, True), (joint["id"], True, True),
        ]  # fmt: skip


async def test_papers_by_courier_need_no_ticket(tmp_path: Path) -> None:
    """A case by courier has no ticket; the receipt's first copy waits at the window to be sent."""
    async with offices(tmp_path) as s:
        problem(await s.post("windows/w1/cases", papers("FEE", ticket=None)), 422, "invalid")
        taken = await s.ok("windows/w1/cases", papers("FEE", ticket=None, source="courier"), 201)
        assert (taken["case"]["ticket"], taken["receipt"]["copies"][0]["holder"]) == (None, "window:w1")
        moved = await s.ok(f"cases/{taken['case']['id']}/copy", {"copy": 1, "holder": "applicant"})
        assert [p["holder"] for p in moved["papers"] if p["copy"] == 1] == ["applicant"]
        trace = await s.see(f"cases/{taken['case']['id']}/trace")
        assert (trace["number"], kinds(trace)[0], trace["durations"]["wait_s"]) == (None, "case_received", None)


async def test_desks_hear_that_the_offices_moved(tmp_path: Path) -> None:
    """The staff's and every desk's channel tell the position of the offices' last event."""
    async with offices(tmp_path) as s:
        hub = s.door.hubs["t"]
        channels = [hub.staff(), hub.desk("p1")]
        for channel in channels:
            hub.join(channel)
        h = (await s.intake("FEE"))["hand_off"]
        seq = s.keeper.committed.state.offices.seq
        assert [json.loads(channel.ring[-1].body)["offices"] for channel in channels] == [seq, seq]
        await s.ok(f"hand-offs/{h['id']}/arrive")
        assert [json.loads(channel.ring[-1].body)["offices"] for channel in channels] == [s.seq, s.seq]
