"""Many at once: windows that call, kiosks that give numbers; at one server, at two, with and without Redis."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import pytest

from tests.live.figures import keep
from tests.live.servers import HALL, Servers, houses, tidehall

SETTINGS = pytest.mark.parametrize(
    ("servers", "redis"), [(1, False), (2, False), (2, True)], ids=["one", "two", "two with Redis"]
)
LINES = "ABCDE"


def clean(house: Servers) -> None:
    """No server has complained of a mistake, and the journal's chain is whole."""
    for server in house.servers:
        assert server.complaints() == []
    found = tidehall("verify", "--hall", HALL, "--rules", data=house.data, url=house.url)
    assert found.returncode == 0, found.stderr


@SETTINGS
async def test_calls_of_200_clients_at_60_windows(tmp_path: Path, servers: int, redis: bool) -> None:
    """200 calls at 60 windows for 60 waiting tickets: 60 calls, no ticket and no window twice, nobody gets a 5xx."""
    windows = [f"w{n:02}" for n in range(1, 61)]
    async with houses(tmp_path, servers=servers, redis=redis) as house:
        await house.client.open(windows)
        taken = await asyncio.gather(*(house.client.take(LINES[n % 5]) for n in range(60)))
        assert {answer.status for answer in taken} == {201}
        answers = await asyncio.gather(
            *(house.clients[n % servers].do(windows[n % 60], "call") for n in range(200)),
        )
        assert Counter(answer.status for answer in answers) == {200: 60, 409: 140}
        assert {answer.code for answer in answers if answer.status == 409} == {"window_busy"}
        called = [answer.body["ticket"]["id"] for answer in answers if answer.status == 200]
        assert sorted(called) == sorted(answer.body["id"] for answer in taken)
        events = [event for event in await house.client.journal() if event["kind"] == "ticket_called"]
        assert len(events) == 60
        for name in ("ticket", "window", "call"):
            assert len({event["body"][name] for event in events}) == 60
        clean(house)


@SETTINGS
async def test_500_kiosk_requests_with_repeated_keys(tmp_path: Path, servers: int, redis: bool) -> None:
    """500 at once over five lines, 100 of them repeats: numbers without gap, a repeat gets the same ticket anywhere."""
    keys = [f"kiosk-{n}" for n in range(400)]
    asked = keys + keys[::4]
    async with houses(tmp_path, servers=servers, redis=redis) as house:
        begun = monotonic()
        answers = await asyncio.gather(
            *(
                # the first 400 and their repeats go to different servers
                house.clients[(n + n // 400) % servers].take(LINES[keys.index(key) % 5], key=key)
                for n, key in enumerate(asked)
            )
        )
        took_s = monotonic() - begun
        assert {answer.status for answer in answers} == {201}
        tickets: defaultdict[str, list[Any]] = defaultdict(list)
        for key, answer in zip(asked, answers, strict=True):
            tickets[key].append(answer.body)
        assert all(found == found[:1] * len(found) for found in tickets.values())
        numbers = sorted(found[0]["number"] for found in tickets.values())
        assert numbers == [f"{line}{n:03}" for line in LINES for n in range(1, 81)]
        assert len({found[0]["id"] for found in tickets.values()}) == len({f[0]["token"] for f in tickets.values()})
        other = await house.clients[-1].take("B", key=keys[0])
        assert (other.status, other.code) == (422, "key_reused")
        kinds = Counter(event["kind"] for event in await house.client.journal())
        assert kinds["ticket_taken"] == 400
        clean(house)
    print(f"500 kiosk requests at {servers} server(s){' with Redis' if redis else ''}: {took_s:.2f} s")


@pytest.mark.parametrize("redis", [False, True], ids=["polling", "Redis"])
async def test_number_of_one_server_is_called_at_the_other(tmp_path: Path, redis: bool) -> None:
    """A call at one server finds the number that the other has just given, and its citizen's page shows it at both."""
    took: list[float] = []
    async with houses(tmp_path, servers=2, redis=redis, windows=2) as house:
        here, there = house.clients
        await here.open(["w01"])
        await there.open(["w02"])
        for n in range(20):
            here, there = there, here
            ticket = (await here.take(LINES[n % 5])).body
            begun = monotonic()
            called = await there.do("w01", "call")
            took.append(monotonic() - begun)
            assert called.status == 200
            assert called.body["ticket"]["id"] == ticket["id"]
            own = await here.get(f"tickets/{ticket['token']}?after={called.body['seq']}", token=None)
            assert (own.status, own.body["state"]) == (200, "called")
            assert (await here.do("w01", "start")).status == 200
            assert (await there.do("w01", "finish")).status == 200
        empty = await here.do("w02", "call")
        assert (empty.status, empty.body["ticket"]) == (200, None)
        clean(house)
    keep(
        f"called at the other server, {'Redis' if redis else 'polling'}",
        calls=len(took), median_ms=1000 * median(took), worst_ms=1000 * max(took),
    )  # fmt: skip


async def test_repeat_is_answered_first_and_decided_never(tmp_path: Path) -> None:
    """The key of a call, a start and a finish gives the first answer at a server that never saw it, long after."""
    async with houses(tmp_path, servers=2, windows=1) as house:
        here, there = house.clients
        await here.open(["w01"])
        await here.take("A")
        first = [await here.do("w01", action, key=f"key-{action}") for action in ("call", "start", "finish")]
        assert [answer.status for answer in first] == [200, 200, 200]
        seq = first[-1].body["seq"]
        for answer, action in zip(first, ("call", "start", "finish"), strict=True):
            for client in (there, here):
                again = await client.do("w01", action, key=f"key-{action}")
                assert (again.status, again.body) == (answer.status, answer.body)
            wrong = await there.do("w01", action, key=f"key-{action}", ticket="other") if action == "call" else None
            assert wrong is None or (wrong.status, wrong.code) == (422, "key_reused")
        # A no is decided again: nobody waited, now somebody does.
        empty = await there.do("w01", "call", key="key-empty")
        assert (empty.status, empty.body["ticket"]) == (200, None)
        await here.take("A")
        full = await there.do("w01", "call", key="key-empty")
        assert full.body["ticket"]["number"] == "A002"
        assert len(await here.journal()) == seq + 2
        clean(house)
