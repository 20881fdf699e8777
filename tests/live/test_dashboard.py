"""The dashboard's channel and what it is made from: the day survives a restart, a frame serves all, nothing grows."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live.door import ADMIN, Stage, plan, served, stage
from tests.live.feeds import until
from tidehall.dashboards.behind import BEHIND, Cell
from tidehall.dashboards.channel import DashboardChannel
from tidehall.dashboards.live import dashboards
from tidehall.dashboards.panels import desk, figure_facts, wait_text, zone_facts
from tidehall.dashboards.picture import Standing, of_hall
from tidehall.dashboards.room import Room
from tidehall.dashboards.today import Today, waited_at_most
from tidehall.display.door import Door
from tidehall.hall import commands as c
from tidehall.hall.events import AlertEnded, AlertRaised
from tidehall.hall.papers import commands as q
from tidehall.hall.papers.events import AlertEscalated
from tidehall.live import Ask, HallKeeper
from tidehall.records import DayRecords
from tidehall.store.bus import LocalBus
from tidehall.store.projections import WAITS, Checkpoint

MINUTE = 60_000_000
STAFF = {"Authorization": f"Bearer {ADMIN}"}
DEADLINE_S = 15.0


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[Stage, str]]:
    """A hall behind its door with dashboards, and the address of a server on it."""
    async with stage(folder) as s:
        door = Door(s.door.house, data=folder / "here", base_url="http://hall.test", admin_token=ADMIN, more=dashboards)
        s.door = door
        await door.begin()
        try:
            async with served(s) as base, httpx.AsyncClient(base_url=base, trust_env=False) as client:
                s.client = client
                yield s, base
        finally:
            await door.end()


def socket_of(base: str, zone: str = "", **headers: str) -> Any:
    """A dashboard's socket."""
    address = f"{base.replace('http', 'ws', 1)}/api/v1/halls/t/dashboard/live?lang=zh&zone={zone}"
    return connect(address, additional_headers=headers, proxy=None, compression=None, max_size=None, max_queue=None)


async def heard(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] == kind:
                return frame


# ---- how long people wait


@pytest.mark.parametrize(
    ("called", "waiting", "expected"),
    [
        ([], [], None),
        ([n * MINUTE for n in range(1, 11)], [], (9 * MINUTE, False)),
        ([], [3 * MINUTE, 7 * MINUTE], (7 * MINUTE, True)),
        # three of six called at 1, 2, 3; the others have waited 5 so far: nobody knows when nine in ten are called
        ([MINUTE, 2 * MINUTE, 3 * MINUTE], [5 * MINUTE] * 3, (5 * MINUTE, True)),
        # those who have just come say nothing about long waits
        ([10 * MINUTE] * 9, [0] * 50, (10 * MINUTE, False)),
    ],
)
def test_who_still_waits_counts_as_long_as_he_has_waited(
    called: list[int], waiting: list[int], expected: tuple[int, bool] | None
) -> None:
    """The time within which nine in ten are called is the product-limit estimate, and a lower bound where it ends."""
    assert waited_at_most(called, waiting, 0.9) == expected


def test_the_product_limit_is_kaplan_and_meiers() -> None:
    """A worked example: events at 6, 6, 6, 7, 10, 13, 16, 22, 23, others censored between (Freireich 1963)."""
    events = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    assert waited_at_most(events, censored, 0.5) == (23, False)
    assert waited_at_most(events, censored, 0.25) == (13, False)
    assert waited_at_most(events, censored, 0.9) == (35, True)


async def test_the_day_survives_a_restart(tmp_path: Path) -> None:
    """Waits by quarter hour, recent calls and use of windows are the same when they are read from the journal anew."""
    async with stage(tmp_path) as s:
        today = Today(s.keeper)
        await today.begin()
        for _ in range(3):
            await s.serve()
            await s.post("windows/w1/finish")
        await s.take()
        again = HallKeeper("t", journal=s.journal, bus=LocalBus(), clock=s.door.house.clock)
        await again.start(plan())
        try:
            other = Today(again)
            await other.begin()
            assert [(q.n, q.sum, q.longest) for q in other.quarters("g").values()] == [
                (q.n, q.sum, q.longest) for q in today.quarters("g").values()
            ]
            assert sum(q.n for q in other.quarters("g").values()) == 3
            now = s.keeper.now()
            assert other.recent("g", now) == today.recent("g", now)
            assert other.use(now) == today.use(now)
            assert other.use(now)["w1"][1] > 0
        finally:
            await again.stop()


async def test_what_happens_while_the_day_is_read_counts_once(tmp_path: Path) -> None:
    """Events committed during the first reading are neither lost nor taken twice."""
    async with stage(tmp_path) as s:
        for _ in range(5):
            await s.take()
        today = Today(s.keeper)
        began = asyncio.create_task(today.begin())
        await asyncio.gather(*(s.take() for _ in range(20)), began)
        assert len(today.kept.visits) == 25
        assert today.seq == s.seq


async def test_the_usual_day_is_a_band_from_three_days_on(tmp_path: Path) -> None:
    """Two recorded days draw nothing; with the third the curve lies over their spread, in minutes, with its name, and
    the table behind it says the same."""
    async with house(tmp_path) as (s, _):
        room = Room(s.keeper, s.door.hubs["t"], s.door.house.projections, s.door.house.outlook)
        here, store = date.fromisoformat(s.keeper.committed.state.day), s.door.house.projections
        at = Checkpoint("epoch", DayRecords.version, 0)
        await store.restart("t", DayRecords.name, None, at)
        for ago, wait in ((1, 4), (2, 12), (3, 8)):
            day = (here - timedelta(days=ago)).isoformat()
            rows = {(day, "g", q): (day, "g", q, 5, 5 * wait * MINUTE, wait * MINUTE) for q in (36, 37)}
            assert await store.advance("t", DayRecords.name, at, ago, {WAITS: rows})
            at = Checkpoint(at.epoch, at.version, ago)
            await room.ask_usual()
            await room.ready()
            figure = room.charts("zh", "")["g"]
            drawn = [trace["y"] for trace in figure["data"][:3]]
            assert drawn == ([[12, 12], [4, 4], [8, 8]] if ago == 3 else [[], [], []])
            assert any(note["text"] == "平日" for note in figure["layout"]["annotations"]) == (ago == 3)
            tables = {table.caption: table for table in BEHIND["wait"](room.seen("zh", "g")).tables}
            assert ("平日同一时段的平均等候" in tables) == (ago == 3)
        told = tables["平日同一时段的平均等候"].rows
        assert [[cell.text for cell in row] for row in told] == [["09:00", "4", "8", "12"], ["09:15", "4", "8", "12"]]


# ---- what the figures say, and what is behind them


def room_of(s: Stage) -> Room:
    """The hall's room for dashboards."""
    return Room(s.keeper, s.door.hubs["t"], s.door.house.projections, s.door.house.outlook)


async def do(s: Stage, *commands: Any) -> None:
    """Commands of the hall itself, one after the other."""
    for command in commands:
        key = f"{s.seq}{command}"
        await s.keeper.submit(Ask(command, "test", key, b"", lambda hall, events: (200, b"{}")))


def texts(row: Any) -> list[str]:
    """A row's cells as texts."""
    return [cell.text for cell in row]


async def test_alerts_behind_the_number_are_those_it_counts(tmp_path: Path) -> None:
    """First the open ones that nobody took, as many as the figure says; then every other raise of the day by itself,
    with whose it was first and to whom it was escalated; together as many as the day's records."""
    async with house(tmp_path) as (s, _):
        room = room_of(s)
        await room.ready()
        await do(
            s, c.RaiseAlert("board_silent", "main"), c.EndAlert("board_silent", "main"),
            c.RaiseAlert("kiosk_silent", "k1"), q.AcknowledgeAlert("kiosk_silent:k1", "1001"),
            c.RaiseAlert("board_silent", "main"),
        )  # fmt: skip
        seen = room.seen("zh", "")
        open_ones, rest = BEHIND["alerts"](seen).tables
        assert open_ones.n == seen.standings[""].alerts == int(figure_facts(seen, "alerts")["value"]) == 1
        assert open_ones.rows[0][-1].text == "未结束"
        assert (rest.n, open_ones.n + rest.n) == (2, len(seen.today.kept.alarms))
        assert texts(rest.rows[0])[-2:] == ["1001", "未结束"], "what goes on comes first"
        assert re.fullmatch(r"\d\d:\d\d:\d\d", rest.rows[1][-1].text), "this one is over"
        assert "共发出 3 次" in BEHIND["alerts"](seen).meaning
        later, wait = seen.now + MINUTE, ("long_wait:A", "long_wait", "A", "supervisor:g", None, "g")
        room.today.take(s.seq + 1, AlertRaised(seen.now, *wait))
        room.today.take(s.seq + 2, AlertEscalated(seen.now, wait[0], "manager", seen.now))
        room.today.take(s.seq + 3, AlertEnded(seen.now, wait[0]))
        room.today.take(s.seq + 4, AlertRaised(later, *wait))
        again, once, *_ = BEHIND["alerts"](room.seen("zh", "g")).tables[1].rows
        assert texts(again)[2:5] == ["g", "g主管", ""]
        assert texts(once)[2:5] == ["g", "g主管", "已升级：大厅主管"]


async def test_an_alert_about_a_line_opens_that_line(tmp_path: Path) -> None:
    """No link of the page gives a part of the hall twice; the alert's link opens the line's people and no others."""
    async with house(tmp_path) as (s, base):
        mine, other = await s.take("A"), await s.take("B")
        await do(s, c.RaiseAlert("numbers_running_out", "A"), c.RaiseAlert("no_window_open", "g"))
        page = (await s.client.get(f"{base}/dashboard/t?zone=", headers=STAFF)).text
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*)"', page)]
        for link in links:
            names = [name for name, _ in parse_qsl(urlsplit(link).query, keep_blank_values=True)]
            assert len(names) == len(set(names)), link
        assert "/dashboard/t/behind/wait?zone=g" in links
        (line,) = [link for link in links if "/behind/line?" in link]
        found = (await s.client.get(base + line, headers=STAFF)).text
        assert mine["number"] in found
        assert other["number"] not in found


async def test_a_number_is_the_same_wherever_it_stands(tmp_path: Path) -> None:
    """The wait with its sign behind the figure too; the hall's forecast in the same minutes as its zone's."""
    async with house(tmp_path) as (s, _):
        room = room_of(s)
        await room.ready()
        seen = room.seen("zh", "")
        wait, soon = 22 * MINUTE + 1, 18 * MINUTE + 1
        zone = Standing("g", 5, 0, wait, True, soon, False, "g", "g", 0, 0, 0, 0, None, 1, 0, 0, 0)
        whole = Standing("", 9, 0, wait, True, soon, True, "g", "g", 0, 0, 0, 0, None, 1, 0, 0, 0)
        seen = seen._replace(standings={"g": zone, "": whole})
        row, figure = zone_facts(seen, "g"), figure_facts(seen, "wait")
        assert Cell("≥22") in BEHIND["wait"](seen).tables[0].rows[0]
        assert (wait_text(zone), row["wait"], figure["value"], figure["least"]) == ("≥22", "22", "22", True)
        soon_figure = figure_facts(seen, "soon")
        assert (soon_figure["value"], soon_figure["least"], row["soon"]) == ("19", True, "19")


async def test_windows_that_serve_and_that_have_called_are_told_apart(tmp_path: Path) -> None:
    """A window that has called somebody does not serve yet, and the figure says how many there are of each."""
    async with house(tmp_path) as (s, _):
        room = room_of(s)
        await room.ready()
        await s.serve()
        await s.post("windows/w2/sign-in", {"staff": "clerk-2"})
        await s.post("windows/w2/open")
        await s.take()
        await s.post("windows/w2/call")
        assert figure_facts(room.seen("zh", ""), "busy")["sub"] == "开放 2 个：办理 1，已叫 1"


async def test_who_sent_a_runner_is_told(tmp_path: Path) -> None:
    """Where he is and who sent him stand in the panel, and on the dashboard who was sent where."""
    async with house(tmp_path) as (s, base):
        answer = await s.post("runners/r1/zone", {"zone": "g"})
        assert answer.status_code == 200, answer.text
        panel = (await s.client.get(f"{base}/dashboard/t/behind/runners", headers=STAFF)).text
        assert re.search(r"\d\d:\d\d 由.+调往", panel)
        room = room_of(s)
        await room.ready()
        assert desk(room.seen("zh", ""), ["g"], []).slots["runners"] == "r1 → g"


# ---- the page and its socket


async def test_the_halls_forecast_is_a_lower_bound_until_all_zones_are_foreseen(tmp_path: Path) -> None:
    """A zone with people waiting and no picture yet may be worse; one in which nobody waits is not waited for."""

    def zone(id: str, waiting: int, soon: int | None) -> Standing:
        return Standing(id, waiting, 0, None, False, soon, False, id, id, 0, 0, 0, 0, None, 1, 0, 0, 0)

    async with stage(tmp_path) as s:
        state, today = s.keeper.committed.state, Today(s.keeper)
        seen = zone("g", 5, 9 * MINUTE)
        for other, expected in ((zone("p", 1, None), True), (zone("p", 0, None), False), (zone("p", 1, 3), False)):
            found = of_hall(state, [seen, other], today, {})
            assert (found.soon, found.soon_least) == (9 * MINUTE, expected)


async def test_only_supervisors_look(tmp_path: Path) -> None:
    """Without the right there is neither page nor panel nor socket."""
    async with house(tmp_path) as (s, base):
        for path in ("/dashboard/t", "/dashboard/t/behind/wait"):
            assert (await s.client.get(base + path)).status_code == 401
            assert (await s.client.get(base + path, headers=STAFF)).status_code == 200
        assert (await s.client.get(f"{base}/dashboard/t/behind/nothing", headers=STAFF)).status_code == 404
        async with socket_of(base) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4401


async def test_the_page_is_whole_without_scripts(tmp_path: Path) -> None:
    """Figures, windows and zones stand in the page as the server sends it, in both languages, and nothing is inline."""
    async with house(tmp_path) as (s, base):
        await s.take()
        for lang, words in (("zh", "现在等候 P90"), ("en", "Wait now, P90")):
            page = (await s.client.get(f"{base}/dashboard/t?lang={lang}", headers=STAFF)).text
            assert words in page
            assert 'data-id="w1"' in page
            assert " style=" not in page
        packed = await s.client.get(
            base + page[page.index("/static/plotly") : page.index('"', page.index("/static/plotly"))]
        )
        assert packed.headers["content-encoding"] == "gzip"


async def test_a_frame_is_made_once_for_all_who_look(tmp_path: Path) -> None:
    """A burst of events is one frame a second at most, the same bytes for everybody, with only the rows that moved."""
    async with house(tmp_path) as (s, base), socket_of(base, **STAFF) as one, socket_of(base, **STAFF) as two:
        first = await heard(one, "snapshot")
        await heard(two, "snapshot")
        assert {"figures", "areas", "floor-g", "alerts", "lane-urgent"} <= first["dashboard"]["lists"].keys()
        assert first["dashboard"]["charts"]["g"]["data"]
        await s.serve()
        await asyncio.gather(*(s.take() for _ in range(30)))
        end = s.seq
        frames: list[list[str]] = [[], []]
        async with asyncio.timeout(DEADLINE_S):
            for socket, found in zip((one, two), frames, strict=True):
                while not found or json.loads(found[-1])["seq"] < end:
                    text = await socket.recv()
                    if json.loads(text)["type"] == "update":
                        found.append(str(text))
        assert frames[0] == frames[1]
        assert len(frames[0]) <= 4, "one a second"
        moved = {id for text in frames[0] for id in json.loads(text)["lists"].get("floor-g", {}).get("rows", {})}
        assert "w1" in moved
        assert "办理" in frames[0][-1] or any("办理" in text for text in frames[0])


async def test_a_zone_has_a_channel_of_its_own(tmp_path: Path) -> None:
    """Who looks at a zone gets that zone's windows, and the channel ends with its last listener."""
    async with house(tmp_path) as (s, base):
        hub = s.door.hubs["t"]
        async with socket_of(base, "g", **STAFF) as socket:
            assert "floor-g" in (await heard(socket, "snapshot"))["dashboard"]["lists"]
            assert ("dashboard", "zh:g") in hub.private
        await until(lambda: ("dashboard", "zh:g") not in hub.private)


async def test_nothing_grows_with_the_events(tmp_path: Path) -> None:
    """After hundreds of visits the channel keeps a minute of frames, and facts only of what is shown."""
    async with house(tmp_path) as (s, base), socket_of(base, **STAFF) as socket:
        await heard(socket, "snapshot")
        channel = next(found for found in s.door.hubs["t"].private.values() if isinstance(found, DashboardChannel))
        await s.serve()
        sizes = []
        for n in range(120):
            for command in (c.TakeTicket(f"t{n}", line="A"), c.NextTicket("w1"), c.StartService("w1")):
                await s.keeper.submit(Ask(command, "test", f"{n}{command}", b"", lambda hall, events: (200, b"{}")))
            channel.sound()
            if n % 40 == 39:
                sizes.append((len(channel.snapshot()), len(channel.facts)))
        assert len(channel.ring) <= 60
        assert sizes[-1][0] < 1.1 * sizes[0][0]
        assert sizes[-1][1] <= sizes[0][1] + 2


async def test_a_demonstration_prints_the_way_in(tmp_path: Path) -> None:
    """The greeting has a link to the dashboard that lets any browser in; a real hall's has none."""
    async with stage(tmp_path) as s:
        door = Door(s.door.house, data=tmp_path / "here", base_url="http://hall.test", more=dashboards)
        assert not any("dashboard" in line for line in door.greeting())
        s.door.house.demo = True
        door = Door(s.door.house, data=tmp_path / "here", base_url="http://hall.test", more=dashboards)
        (link,) = [line.split()[-1] for line in door.greeting() if "dashboard" in line]
        transport = httpx.ASGITransport(door.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hall.test", follow_redirects=True) as client:
            page = await client.get(link)
            assert (page.status_code, page.url.path) == (200, "/dashboard/t")
            assert "演示数据" in page.text
            assert 'href="/enter/' in (await client.get("/")).text
