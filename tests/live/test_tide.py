"""The tide over HTTP: what is advised and when, who confirms it, what is on record; restarts and two servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live.clients import HALL, Said, until
from tests.live.door import name, problem
from tests.live.offices import Offices, offices
from tests.live.people import add, enter
from tests.live.servers import houses, tidehall
from tidehall.hall.plan import Plan, parse_plan

RULE = {
    "open_waiting_per_window": 3, "open_wait_s": 1800, "open_for_s": 180, "close_waiting_per_window": 1,
    "close_wait_s": 600, "close_for_s": 900, "settle_s": 0, "min_open_s": 0,
}  # fmt: skip


def plan(**rule: Any) -> Plan:
    """Windows 1 and 2, tidal windows 5 and 6 and a supervisor in zone g; zone p has a window and no tide."""
    return parse_plan(
        {
            "hall": {"id": "t", "name": name("阳新"), "hours": [["00:00", "24:00"]],
                     "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "zones": [{"id": "g", "name": name("综合"), "posts": {"acceptance": 2, "supervisor": 1}},
                      {"id": "p", "name": name("专业"), "posts": {"acceptance": 1}}],
            "lines": [{"id": "A", "letter": "A", "zone": "g", "name": name("综合")},
                      {"id": "C", "letter": "C", "zone": "p", "name": name("专业")}],
            "windows": [{"id": f"w{n}", "label": str(n), "zone": "g", "lines": ["A"]} for n in (1, 2)]
                       + [{"id": f"t{n}", "label": f"T{n}", "zone": "g", "post": "tidal", "lines": ["A"]}
                          for n in (5, 6)]
                       + [{"id": "p1", "label": "9", "zone": "p", "lines": ["C"]}],
            "tide": {"g": {**RULE, **rule}},
            "boards": [{"id": "main", "zones": ["g", "p"]}],
        }
    )  # fmt: skip


async def open_window(s: Offices, window: str = "w1") -> None:
    """A clerk sits down and begins."""
    await s.ok(f"windows/{window}/sign-in", {"staff": f"clerk-{window}"})
    await s.ok(f"windows/{window}/open")


async def advice(s: Offices, **headers: str) -> list[Any]:
    """What is advised now, once the hall has seen the hour."""
    keeper = s.keeper
    await until(lambda: not due(keeper.committed.wakes_at(), keeper.now()), "what is due is done")
    found: list[Any] = (await s.see("tide", **headers))["advice"]
    return found


def due(at: int | None, now: int) -> bool:
    return at is not None and at <= now


async def journal(s: Offices, *kinds: str) -> list[Any]:
    """The events of these kinds."""
    return [e for e in (await s.see("journal?limit=1000"))["events"] if e["kind"] in kinds]


# ---- what is advised


async def test_advice_to_the_second_with_its_reason(tmp_path: Path) -> None:
    """Four wait for one window, for three minutes: advice at that second, in numbers and in the asker's language."""
    async with offices(tmp_path, hall=plan()) as s:
        await open_window(s)
        for _ in range(4):
            await s.take()
        await s.later(179)
        assert await advice(s) == []
        await s.later(1)
        (found,) = await advice(s)
        assert found["reason"] == "每个开放窗口 4 人在等，最长 3 分钟；已持续 3 分钟。目前没有空闲人员。"
        assert (found["zone"], found["window"], found["label"], found["action"]) == ("g", "t5", "T5", "open")
        assert found["figures"] == {"waiting": 4, "open_windows": 1, "per_window": 4.0, "longest_wait_s": 180.0}
        held = datetime.fromisoformat(found["advised_at"]) - datetime.fromisoformat(found["since"])
        assert (held.total_seconds(), found["staff"]) == (180.0, None)
        english = (await advice(s, accept_language="en"))[0]["reason"]
        assert english == "4 waiting per open window, longest 3 min; for 3 min now. Nobody is free."
        zones = {zone["id"]: zone for zone in (await s.see("tide"))["zones"]}
        assert zones["p"] == {"id": "p", "rule": None, "confirm": None, "waiting": 0, "open_windows": 0,
                              "longest_wait_s": 0.0, "tidal": [], "reserve": []}  # fmt: skip
        g = zones["g"]
        assert (g["confirm"], g["waiting"], g["open_windows"], g["longest_wait_s"]) == ("supervisor", 4, 1, 180.0)
        assert g["rule"] == {**RULE, "confirm": "supervisor", "policy": "threshold", "forecast_every_s": 600.0}
        assert [w["window"] for w in g["tidal"]] == ["t5", "t6"]
        assert g["tidal"][0] == {"window": "t5", "label": "T5", "state": "closed", "closing": False, "staff": None}


async def test_nobody_open_is_said_and_alerted(tmp_path: Path) -> None:
    """With no window open the advice says so, and its alert stands on the supervisor's page in words."""
    async with offices(tmp_path, hall=plan()) as s:
        await s.take()
        await s.later(180)
        assert (await advice(s))[0]["reason"].startswith("没有窗口开放，1 人在等，最长 3 分钟；已持续 3 分钟。")
        alerts = [a for a in await s.see("alerts") if a["kind"] == "no_window_open"]
        assert [(a["about"], a["owner"], a["ended"]) for a in alerts] == [("g", "supervisor:g", None)]
        page = (await s.get("/desk/t/handoffs?zone=g")).text
        assert "有人等候，无窗口开放" in page
        assert "<b>开放 T5 号窗口</b> 综合" in page
        elsewhere = (await s.get("/desk/t/handoffs/state?zone=p")).json()["lists"]
        assert (elsewhere["tide"]["order"], elsewhere["alerts"]["order"]) == ([], [])


async def test_confirmed_and_closed_again(tmp_path: Path) -> None:
    """The advice names who is free, is confirmed; the window serves, and closes after its citizen."""
    async with offices(tmp_path, hall=plan()) as s:
        await open_window(s)
        kept = await s.ok("tide/reserve", {"zone": "g", "staff": ["clerk-w1", "li"]})
        assert (kept["zone"], kept["staff"], kept["seq"]) == ("g", ["clerk-w1", "li"], s.seq)
        for _ in range(4):
            await s.take()
        await s.later(180)
        (found,) = await advice(s)
        assert (found["staff"], found["reason"].endswith("可由 li 到岗。")) == ("li", True)
        opened = await s.ok("tide/t5/open")
        assert (opened["window"]["state"], opened["window"]["staff"], opened["ticket"]) == ("open", None, None)
        assert opened["seq"] == s.seq
        assert await advice(s) == []
        await s.ok("windows/t5/sign-in", {"staff": "li"})
        for window in ("w1", "t5", "w1"):
            await s.ok(f"windows/{window}/call")
            await s.ok(f"windows/{window}/start")
            if window == "w1":
                await s.ok("windows/w1/finish")
        await s.ok("windows/w1/call")
        await s.later(900)
        (found,) = await advice(s)
        assert (found["action"], found["staff"]) == ("close", "li")
        assert found["reason"] == "没有人在等；已平稳 15 分钟。"
        closing = (await s.ok("tide/t5/close"))["window"]
        assert (closing["state"], closing["closing"]) == ("open", True)
        assert "办完当前这一位后关窗" in (await s.get("/desk/t/window/t5")).text
        assert "next" not in closing["allowed"]
        await s.ok("windows/t5/finish")
        now = await s.see("windows/t5")
        assert (now["state"], now["closing"]) == ("closed", False)
        confirmed = await journal(s, "tide_confirmed")
        assert [(e["body"]["action"], e["body"]["advised"], e["actor"]) for e in confirmed] == [
            ("open", True, "admin"), ("close", True, "admin"),
        ]  # fmt: skip


async def test_advice_ignored_is_on_record(tmp_path: Path) -> None:
    """Nobody follows and the line shrinks: a lapse with its moment, and the advice is gone."""
    async with offices(tmp_path, hall=plan()) as s:
        await open_window(s)
        tickets = [await s.take() for _ in range(4)]
        await s.later(180)
        assert len(await advice(s)) == 1
        await s.later(60)
        await s.ok(f"tickets/{tickets[0]['id']}/cancel")
        assert await advice(s) == []
        advised, lapsed = await journal(s, "tide_advised", "tide_lapsed")
        assert (advised["kind"], lapsed["kind"], lapsed["body"]["window"]) == ("tide_advised", "tide_lapsed", "t5")
        waited = datetime.fromisoformat(lapsed["due"]) - datetime.fromisoformat(advised["due"])
        assert waited.total_seconds() == 60.0


async def test_an_automatic_plan_follows_itself(tmp_path: Path) -> None:
    """`confirm = automatic`: the window opens at the second of the advice, and the journal says by whose wish."""
    async with offices(tmp_path, hall=plan(confirm="automatic")) as s:
        await open_window(s)
        await s.ok("tide/reserve", {"zone": "g", "staff": ["li"]})
        for _ in range(4):
            await s.take()
        await s.later(180)
        assert await advice(s) == []
        steps = await journal(s, "tide_advised", "tide_confirmed", "window_opened")
        assert [e["kind"] for e in steps[-3:]] == ["tide_advised", "tide_confirmed", "window_opened"]
        assert (steps[-2]["body"]["staff"], steps[-2]["body"]["advised"]) == ("li", True)
        assert (await s.see("windows/t5"))["state"] == "open"


async def test_the_staff_channel_tells_it(tmp_path: Path) -> None:
    """Whoever watches the hall hears of advice and of its end; a desk does not."""
    async with offices(tmp_path, hall=plan()) as s:
        hub = s.door.hubs["t"]
        staff, desk = hub.staff(), hub.desk("w1")
        for channel in (staff, desk):
            hub.join(channel)
        await open_window(s)
        for _ in range(4):
            await s.take()
        await s.later(180)
        (found,) = await advice(s)
        del found["reason"]
        assert json.loads(staff.ring[-1].body)["advice"] == [found]
        await s.ok("tide/t5/open", {"staff": "li"})
        assert json.loads(staff.ring[-1].body)["advice"] == []
        assert all("advice" not in json.loads(frame.body) for frame in desk.ring)


# ---- who may


async def test_who_may(tmp_path: Path) -> None:
    """A supervisor acts in his zone, a manager everywhere; clerks and runners only look; strangers not even that."""
    async with offices(tmp_path, hall=plan()) as s:
        tokens = {}
        posts = {"9001": {"post": "supervisor", "zone": "g"}, "9002": {"post": "supervisor", "zone": "p"},
                 "9003": {"post": "manager"}, "9004": {"post": "acceptance"}}  # fmt: skip
        for staff, post in posts.items():
            await add(s, staff, {"hall": "t"} | post)
            tokens[staff] = await enter(s, staff)
        for staff, status in {"9001": 200, "9002": 403, "9003": 200, "9004": 403}.items():
            for path, body in (("tide/t5/open", {}), ("tide/reserve", {"zone": "g", "staff": [staff]}),
                               ("tide/t5/close", {})):  # fmt: skip
                answer = await s.post(path, body, token=None, **tokens[staff])
                assert answer.status_code == status, (staff, path, answer.text)
            assert (await s.get("tide", token=None, **tokens[staff])).status_code == 200
        by = [(e["kind"], e["actor"]) for e in await journal(s, "tide_confirmed", "reserve_set")]
        assert by == [
            ("tide_confirmed", "staff:9001"), ("reserve_set", "staff:9001"), ("tide_confirmed", "staff:9001"),
            ("tide_confirmed", "staff:9003"), ("reserve_set", "staff:9003"), ("tide_confirmed", "staff:9003"),
        ]  # fmt: skip
        problem(await s.get("tide", token=None), 401, "not_signed_in")


async def test_what_is_refused(tmp_path: Path) -> None:
    """Windows that are not tidal, not there, paused or whose clerk sits elsewhere; zones that are not there."""
    async with offices(tmp_path, hall=plan()) as s:
        await open_window(s)
        assert "潮汐窗口" in problem(await s.post("tide/w1/open"), 409, "not_tidal")["detail"]
        problem(await s.post("tide/w1/close"), 409, "not_tidal")
        problem(await s.post("tide/zz/open"), 404, "unknown_window")
        problem(await s.post("tide/t5/open", {"staff": "clerk-w1"}), 409, "signed_in_elsewhere")
        problem(await s.post("tide/reserve", {"zone": "zz", "staff": []}), 404, "unknown_zone")
        problem(await s.post("tide/reserve", {"zone": "g"}), 422, "invalid")
        first = await s.ok("tide/t5/open", {"staff": "li"})
        assert await s.ok("tide/t5/open", {"staff": "li"}) == first, "open already: nothing to do"
        await s.ok("windows/t5/pause", {"reason": "break"})
        problem(await s.post("tide/t5/open"), 409, "window_paused")
        assert (await s.ok("tide/t6/close"))["window"]["state"] == "closed"


# ---- restarts and several servers


def with_tide(seconds: float) -> Callable[[Path], None]:
    """Adds a tidal window and its rule to a plan file."""

    def add_tide(path: Path) -> None:
        words = path.read_text("utf-8")
        words += '[[windows]]\nid = "t1"\nlabel = "T1"\nzone = "g"\npost = "tidal"\nlines = ["A"]\n'
        words += f"[tide.g]\nopen_waiting_per_window = 3\nopen_for_s = {seconds}\nsettle_s = 0\n"
        path.write_text(words, "utf-8")

    return add_tide


def told(events: list[Said], kind: str) -> list[Said]:
    return [event for event in events if event["kind"] == kind]


async def test_killed_in_the_middle_of_a_condition(tmp_path: Path) -> None:
    """kill -9 while the condition holds: after the start it is advised once, due when it was due all along."""
    async with houses(tmp_path, windows=1, plan=with_tide(6.0)) as house:
        client = house.client
        await client.open(["w01"])
        for _ in range(4):
            assert (await client.take()).status == 201
        house.server.kill()
        await house.server.start()

        async def advised() -> object:
            return (await client.get(f"halls/{HALL}/tide")).body["advice"]

        await until(advised, "the advice")
        events = await client.journal()
        (found,) = told(events, "tide_advised")
        fourth = told(events, "ticket_taken")[-1]["body"]["at"]
        assert (found["body"]["since"], found["body"]["due"]) == (fourth, fourth + 6_000_000)
        house.server.kill()
        await house.server.start()
        assert (await client.request("POST", f"halls/{HALL}/tide/t1/open")).status == 200
        events = await client.journal()
        assert (len(told(events, "tide_advised")), len(told(events, "tide_lapsed"))) == (1, 0)
        assert told(events, "tide_confirmed")[0]["body"]["advised"] is True
        house.server.stop()
        verified = tidehall("verify", "--hall", HALL, "--rules", data=house.data)
        assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("redis", [False, True], ids=["polling", "redis"])
async def test_two_servers_advise_once(tmp_path: Path, redis: bool) -> None:
    """Both servers see the hour come; the hall is advised once, and both say the same."""
    async with houses(tmp_path, servers=2, redis=redis, windows=1, plan=with_tide(2.0)) as house:
        here, there = house.clients
        await here.open(["w01"])
        for client in (here, there, here, there):
            assert (await client.take()).status == 201

        async def both() -> object:
            said = [(await client.get(f"halls/{HALL}/tide")).body["advice"] for client in (here, there)]
            return said[0] and said[0] == said[1]

        await until(both, "the same advice at both")
        answers = await asyncio.gather(*(c.request("POST", f"halls/{HALL}/tide/t1/open") for c in (here, there)))
        assert [answer.status for answer in answers] == [200, 200]
        events = await here.journal()
        assert [len(told(events, f"tide_{kind}")) for kind in ("advised", "confirmed", "lapsed")] == [1, 1, 0]
        assert [server.complaints() for server in house.servers] == [[], []]
