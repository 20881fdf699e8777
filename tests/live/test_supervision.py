"""The supervisor's hand over HTTP: windows of his zone, notices on boards, runners; alerts of his, and sent out."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

from tests.live.clients import until
from tests.live.door import name, problem
from tests.live.offices import Offices, offices
from tests.live.people import add, enter
from tests.live.test_offices_messages import listening
from tidehall.display.alert_messages import SIGNATURE, AlertMessenger, Duty, PatientMessenger, Webhook
from tidehall.display.http.access import Grant
from tidehall.display.hub import KIOSK_SILENT_S
from tidehall.display.messages import FileGateway
from tidehall.hall import commands as c
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import Ask

WORDS = "电梯检修，请走楼梯"


def plan(**alerts: Any) -> Plan:
    """Zones g and p, each with a window, a line, a board and a supervisor; waits of a minute are long."""
    zones = [{"id": z, "name": name(z), "posts": {"supervisor": 1, "runner": 1}} for z in "gp"]
    rules = {"long_wait": {"limit_s": 60, "send": ["sms", "webhook"]}, "long_service": {"on": False}} | alerts
    return parse_plan(
        {
            "hall": {"id": "t", "name": name("阳新"), "hours": [["00:00", "24:00"]],
                     "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "zones": zones,
            "lines": [{"id": "A", "letter": "A", "zone": "g", "name": name("综合")},
                      {"id": "C", "letter": "C", "zone": "p", "name": name("专业")}],
            "windows": [{"id": "w1", "label": "1", "zone": "g", "lines": ["A"]},
                        {"id": "p1", "label": "9", "zone": "p", "lines": ["C"]}],
            "boards": [{"id": "main", "zones": ["g"]}, {"id": "other", "zones": ["p"]}],
            "alerts": rules,
        }
    )  # fmt: skip


async def supervisor(s: Offices, staff: str = "chief", zone: str | None = "g") -> dict[str, Any]:
    """A zone's supervisor, signed in: what the browser sends."""
    await add(s, staff, {"hall": "t", "zone": zone, "post": "supervisor"})
    return {"token": None, **await enter(s, staff)}


def begun(s: Offices, what: str = AlertMessenger.what) -> Callable[[], Awaitable[bool]]:
    """Whether a messenger of alerts has begun."""

    async def found() -> bool:
        return await s.journal.told("t", what) is not None

    return found


async def shown(s: Offices, board: str = "main") -> list[str]:
    """What a board says."""
    return [n["text"]["zh"] for n in (await s.see(f"boards/{board}"))["board"]["notices"]]


async def test_a_supervisor_runs_the_windows_of_his_zone_alone(tmp_path: Path) -> None:
    """Close, open, pause, resume and lines where somebody else sits, and a void ticket restored; not next door."""
    async with offices(tmp_path, hall=plan()) as s:
        who = await supervisor(s)
        for window in ("w1", "p1"):
            await s.ok(f"windows/{window}/sign-in", {"staff": f"clerk-{window}"})
            await s.ok(f"windows/{window}/open")
        steps: list[tuple[str, Any]] = [
            ("pause", {"reason": "meeting"}), ("resume", None), ("lines", {"lines": []}),
            ("lines", {"lines": ["A"], "keep": True}), ("close", None), ("open", None),
        ]  # fmt: skip
        for action, body in steps:
            await s.ok(f"windows/w1/{action}", body, **who)
            if action not in ("resume",):
                problem(await s.post(f"windows/p1/{action}", body, **who), 403, "not_allowed")
        problem(await s.post("windows/w1/call", **who), 403, "not_allowed")
        found = await s.see("windows/w1")
        assert (found["state"], found["staff"], found["lines"]) == ("open", "clerk-w1", ["A"])
        for line, window, status in (("A", "w1", 200), ("C", "p1", 403)):
            ticket = await s.take(line)
            for _ in range(3):
                await s.ok(f"windows/{window}/call", {"ticket": ticket["id"], "reason": "test"})
                await s.later(61)
                await s.ok(f"windows/{window}/no-show")
                await s.later(61)
            answer = await s.post(f"tickets/{ticket['id']}/restore", {"reason": "missed"}, **who)
            assert answer.status_code == status, answer.text


async def test_a_notice_stands_on_its_boards_until_it_ends(tmp_path: Path) -> None:
    """Sealed in the journal, in words on the board and its page; another zone's board is not his; it ends by itself."""
    async with offices(tmp_path, hall=plan()) as s:
        who = await supervisor(s)
        posted = await s.ok("notices", {"zh": WORDS, "en": "Lift out of order", "zone": "g"}, 201, **who)
        assert await shown(s) == [WORDS]
        assert await shown(s, "other") == []
        assert WORDS in (await s.get("/board/t/main")).text
        assert WORDS not in (await s.get("journal?limit=1000")).text
        assert WORDS.encode() not in s.keeper.committed.snapshot()
        (listed,) = await s.see("notices")
        assert (listed["zh"], listed["en"], listed["boards"]) == (WORDS, "Lift out of order", ["main"])
        for body in ({"zh": WORDS}, {"zh": WORDS, "zone": "p"}, {"zh": WORDS, "board": "other"}):
            problem(await s.post("notices", body, **who), 403, "not_allowed")
        problem(await s.post("notices", {"zh": WORDS, "until": "2026-11-23T08:00:00+08:00"}), 422, "invalid")
        await s.ok("notices", {"zh": "午休", "until": "2026-11-23T09:10:00+08:00"}, 201)
        assert await shown(s, "other") == ["午休"]
        await s.later(600)
        await until(lambda: len(s.keeper.committed.state.notices) == 1, "the end of the second notice")
        await s.ok(f"notices/{posted['id']}/end", **who)
        assert await shown(s) == []
        problem(await s.post(f"notices/{posted['id']}/end", **who), 404, "unknown_notice")


async def test_boards_that_are_on_hear_a_notice(tmp_path: Path) -> None:
    """The words are opened behind the feed and ride on a beat at once; a snapshot afterwards has them."""
    async with offices(tmp_path, hall=plan()) as s:
        await s.door.begin()
        channel = s.door.hubs["t"].board("main")
        beats = channel.beats
        await s.ok("notices", {"zh": WORDS, "board": "main"}, 201)
        await until(lambda: channel.beats > beats and WORDS in channel.beat, "the beat with the words")
        assert WORDS in channel.snapshot()
        assert WORDS not in s.door.hubs["t"].board("other").snapshot()


async def test_a_runner_is_sent_to_a_zone(tmp_path: Path) -> None:
    """Listed with his post and where he was sent; only the zone's supervisor sends there; the board of hand-offs says
    so."""
    async with offices(tmp_path, hall=plan()) as s:
        who = await supervisor(s)
        await add(s, "r1", {"hall": "t", "zone": "p", "post": "runner"})
        found = {r["runner"]: r for r in await s.see("runners", **who)}
        assert (found["r1"]["zone"], found["r1"]["zones"], found["r1"]["moved_at"]) == ("p", ["p"], None)
        problem(await s.post("runners/r1/zone", {"zone": "p"}, **who), 403, "not_allowed")
        moved = await s.ok("runners/r1/zone", {"zone": "g"}, **who)
        assert (moved["runner"], moved["zone"], moved["seq"]) == ("r1", "g", s.seq)
        assert (await s.see("runners"))[0]["zone"] == "g"
        assert "r1 → g" in (await s.get("/desk/t/handoffs")).text
        assert (await s.ok("runners/r1/zone", {"zone": None}, **who))["zone"] == "pool"
        problem(await s.post("runners/r1/zone", {"zone": "x"}, **who), 404, "unknown_zone")
        problem(
            await s.post("runners/李流转/zone", {"zone": "g"}, **who), 422, "invalid"
        )  # no name gets into the journal


async def test_alerts_say_whose_they_are(tmp_path: Path) -> None:
    """With zone, figure and who looks after it; mine are those of my post; ended ones only where all are wanted."""
    async with offices(tmp_path, hall=plan()) as s:
        who, other = await supervisor(s), await supervisor(s, "next", "p")
        await s.take("A")
        await s.later(61)
        await until(lambda: "long_wait:A" in s.keeper.committed.state.alerts, "the alert")
        (found,) = [a for a in await s.see("alerts?owner=me", **who) if a["kind"] == "long_wait"]
        assert (found["zone"], found["limit"], found["unit"], found["owner"]) == ("g", 60.0, "s", "supervisor:g")
        assert await s.see("alerts?owner=me", **other) == []
        noted = await s.ok("alerts/long_wait:A/acknowledge", **who)
        assert (noted["acknowledged"], noted["acknowledged_by"], noted["escalated"]) == (True, "chief", False)
        await s.ok("windows/w1/sign-in", {"staff": "li"})
        for action in ("open", "call"):
            await s.ok(f"windows/w1/{action}")
        await s.later(300)
        await until(lambda: s.keeper.committed.state.alerts["long_wait:A"].ended, "the end of the alert")
        assert "long_wait" not in [a["kind"] for a in await s.see("alerts?state=open")]
        assert "long_wait" in [a["kind"] for a in await s.see("alerts?state=all")]
        problem(await s.get("alerts?state=none"), 422, "invalid")


async def test_an_alert_is_one_person_s(tmp_path: Path) -> None:
    """Another zone's supervisor may not; the manager is told who has it, and takes it over if he says so; the hall's
    own are the manager's."""
    async with offices(tmp_path, hall=plan()) as s:
        who, other = await supervisor(s), await supervisor(s, "next", "p")
        await add(s, "clerk", {"hall": "t", "zone": "g", "post": "acceptance"})
        clerk = {"token": None, **await enter(s, "clerk")}
        await add(s, "guan", {"hall": "t", "zone": None, "post": "manager"})
        manager = {"token": None, **await enter(s, "guan")}
        await s.take("A")
        await s.later(61)
        await until(lambda: "long_wait:A" in s.keeper.committed.state.alerts, "the alert")
        path = "alerts/long_wait:A/acknowledge"
        problem(await s.post(path, **other), 403, "not_allowed")
        problem(await s.post(path, {"take_over": True}, **other), 403, "not_allowed")
        first = await s.post(path, **who, idempotency_key="noted")
        assert first.status_code == 200
        assert "转由我处理" in (await s.get("/desk/t/handoffs")).text
        for late in (manager, clerk):
            said = problem(await s.post(path, **late), 409, "alert_taken")
            assert (said["staff"], said["allowed"]) == ("chief", ["take_over"])
            assert said["detail"].startswith("chief 已接手")
        assert (await s.ok(path, **who))["acknowledged_by"] == "chief"
        assert (await s.ok(path, {"take_over": True}, **manager))["acknowledged_by"] == "guan"
        assert (await s.post(path, **who, idempotency_key="noted")).json() == first.json()
        command = c.RaiseAlert("clock_unsure", "t")
        await s.keeper.submit(Ask(command, "test", "raise", b"", lambda hall, events: (200, b"{}")))
        for nobody in (who, clerk):
            problem(await s.post("alerts/clock_unsure:t/acknowledge", **nobody), 403, "not_allowed")
        assert (await s.ok("alerts/clock_unsure:t/acknowledge", **manager))["acknowledged_by"] == "guan"


async def test_nobody_is_called_at_once_where_a_window_is_about_to_open(tmp_path: Path) -> None:
    """The page has the alert at once; the message goes when it has stood for a minute, and none for one that was over
    before, though the next one stands by then."""
    file, duty = tmp_path / "sms.jsonl", tmp_path / "duty.toml"
    duty.write_text('"supervisor:g" = "13900002222"\n', "utf-8")
    rules = {"long_wait": {"on": False}, "no_window_open": {"send": ["sms"]}}
    async with offices(tmp_path, hall=plan(**rules)) as s:
        for kind in (AlertMessenger, PatientMessenger):
            messenger = kind(
                s.keeper, gateway=FileGateway(file), webhook=None, duty=Duty(duty), count=lambda way, result: None
            )
            s.door.spawn(messenger.run())
        await until(begun(s), "the messenger")
        await until(begun(s, PatientMessenger.what), "the other messenger")
        await s.ok("windows/w1/sign-in", {"staff": "li"})

        def told() -> Any:
            return s.keeper.committed.state.alerts.get("no_window_open:g")

        async def noted(seq: int) -> bool:
            return (await s.journal.told("t", PatientMessenger.what) or 0) >= seq

        await s.take("A")
        await until(lambda: told() is not None, "the alert")
        first = told().seq
        await s.later(5)
        await s.ok("windows/w1/open")
        await until(lambda: told().ended, "its end")
        await until(lambda: noted(first), "the first")
        await s.later(10)
        await s.ok("windows/w1/close")
        await until(lambda: told().ended is None, "the alert again")
        second = told().seq
        await s.later(55)
        await s.take("A")
        assert not await noted(second)
        assert not file.exists()
        await s.later(5)
        await s.take("A")
        await until(file.exists, "the message")
        (said,) = file.read_text("utf-8").splitlines()
        assert "无窗口开放" in said
        assert json.loads(said)["name"] == f"t-{second}-0"


async def test_alerts_go_out_once_for_each_step(tmp_path: Path) -> None:
    """To the duty telephone and, signed, to the address; tried again; two servers of one folder send it once."""
    heard: list[tuple[str, bytes, str]] = []
    answers = [500, 200]

    async def take(request: Request) -> Answer:
        heard.append((request.headers["idempotency-key"], await request.body(), request.headers[SIGNATURE]))
        return PlainTextResponse("", answers.pop(0) if answers else 200)

    file, duty = tmp_path / "sms.jsonl", tmp_path / "duty.toml"
    duty.write_text('"supervisor:g" = "13900002222"\nmanager = ["13900003333"]\n', "utf-8")

    def sent() -> list[Any]:
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    async with listening(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as base:
        hook = Webhook(f"{base}/hook", "secret", longest_pause_s=0.0)
        async with offices(tmp_path, hall=plan()) as s:
            counted: list[tuple[str, str]] = []
            for _ in range(2):
                messenger = AlertMessenger(
                    s.keeper, gateway=FileGateway(file), webhook=hook, duty=Duty(duty),
                    count=lambda way, result: counted.append((way, result)),
                )  # fmt: skip
                s.door.spawn(messenger.run())
            await until(begun(s), "the messengers")
            await s.take("A")
            await s.later(61)
            await until(lambda: len(sent()) == 1, "the message")
            await s.later(600)
            await until(lambda: len(sent()) == 2, "the escalation")
        await hook.close()
    assert [m["phone"] for m in sent()] == ["13900002222", "13900003333"]
    assert "等候过久" in sent()[0]["text"]
    assert len(heard) == 3
    assert heard[0] == heard[1]
    key, body, signature = heard[-1]
    assert signature == "sha256=" + hmac.new(b"secret", body, sha256).hexdigest()
    said = json.loads(body)
    assert (said["hall"], said["step"], said["alert"]["id"], key) == (
        "t",
        "escalated",
        "long_wait:A",
        f"t-{said['seq']}",
    )
    assert sorted(counted) == [("sms", "taken")] * 2 + [("webhook", "taken")] * 2


async def test_a_slow_address_does_not_hold_up_the_telephone_and_hears_no_name(tmp_path: Path) -> None:
    """While the address has not answered yet the message is out; who looks after the alert is not told outside."""
    heard: list[bytes] = []
    answered = asyncio.Event()

    async def take(request: Request) -> Answer:
        heard.append(await request.body())
        await answered.wait()
        return PlainTextResponse("")

    file, duty = tmp_path / "sms.jsonl", tmp_path / "duty.toml"
    duty.write_text('"supervisor:g" = "13900002222"\n', "utf-8")
    async with listening(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as base:
        hook = Webhook(f"{base}/hook", "secret")
        async with offices(tmp_path, hall=plan()) as s:
            # a messenger was here before, and comes back when the alert is in hand already
            await s.journal.note_told("t", AlertMessenger.what, 0)
            who = await supervisor(s)
            await s.take("A")
            await s.later(61)
            await until(lambda: "long_wait:A" in s.keeper.committed.state.alerts, "the alert")
            await s.ok("alerts/long_wait:A/acknowledge", **who)
            messenger = AlertMessenger(
                s.keeper, gateway=FileGateway(file), webhook=hook, duty=Duty(duty),
                count=lambda way, result: None,
            )  # fmt: skip
            s.door.spawn(messenger.run())
            await until(lambda: file.exists() and heard, "the message, and the address has heard")
            answered.set()
            said = json.loads(heard[0])["alert"]
            assert (said["acknowledged"], said["acknowledged_by"]) == (True, None)
        await hook.close()


async def test_nobody_waits_for_an_address_that_is_away(tmp_path: Path) -> None:
    """It is counted as failed, and the hall goes on."""
    counted: list[tuple[str, str]] = []
    async with offices(tmp_path, hall=plan()) as s:
        hook = Webhook("http://127.0.0.1:9/", "secret", longest_pause_s=0.0)
        messenger = AlertMessenger(
            s.keeper, gateway=None, webhook=hook, duty=Duty(None),
            count=lambda way, result: counted.append((way, result)),
        )  # fmt: skip
        s.door.spawn(messenger.run())
        await until(begun(s), "the messenger")
        await s.take("A")
        await s.later(61)
        await until(lambda: counted == [("webhook", "failed")], "the failure")
        await s.take("A")
        await hook.close()


async def test_a_kiosk_that_falls_silent_is_an_alert(tmp_path: Path) -> None:
    """A kiosk that was let in reports under a name of its own; silent, it is an alert until it is back."""
    async with offices(tmp_path, hall=plan()) as s:
        hub, time = s.door.hubs["t"], [0.0]
        hub.clock = lambda: time[0]
        assert (await s.post("/kiosk/t/here", token=None)).status_code == 204  # a citizen's browser
        assert not hub.kiosks
        token = s.door.access.sign([Grant("kiosk", "t")])
        cookie = (await s.post("/kiosk/t/here", token=token)).cookies["tidehall_kiosk"]

        async def here() -> httpx.Response:
            return await s.post("/kiosk/t/here", token=token, cookie=f"tidehall_kiosk={cookie}")

        s.client.cookies.clear()
        await here()
        assert list(hub.kiosks) == [cookie]
        hub.watch_displays()
        alerts = s.keeper.committed.state.alerts
        assert f"kiosk_silent:{cookie}" not in alerts
        time[0] = KIOSK_SILENT_S + 1
        hub.watch_displays()
        await until(lambda: f"kiosk_silent:{cookie}" in s.keeper.committed.state.alerts, "the alert")
        await here()
        hub.watch_displays()
        await until(lambda: s.keeper.committed.state.alerts[f"kiosk_silent:{cookie}"].ended, "its end")
