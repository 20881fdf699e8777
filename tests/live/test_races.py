"""Many at once: windows that call, kiosks that give numbers; at one server, at two, with and without Redis."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import pytest

from tests.live.clients import HALL
from tests.live.figures import keep
from tests.live.servers import Servers, houses, tidehall

SETTINGS = pytest.mark.parametrize(
    ("servers", "redis"), [(1, False), (2, False), (2, True)], ids=["one", "two", "two with Redis"]
)
LINES = "ABCDE"


def clean(house: Servers) -> None:
    """No server has complained of a mistake, the journal's chain is whole, and the rules give the same events again."""
    for server in house.servers:
        assert server.complaints() == []
    found = tidehall("verify", "--hall", HALL, "--rules", data=house.data, url=house.url)
    assert found.returncode == 0, found.stderr


async def calls(house: Servers) -> float:
    """200 clients call at once at 60 windows while 60 tickets wait; seconds."""
    windows = [f"w{n:02}" for n in range(1, 61)]
    await house.client.open(windows)
    taken = await asyncio.gather(*(house.client.take(LINES[n % 5]) for n in range(60)))
    assert {answer.status for answer in taken} == {201}
    begun = monotonic()
    answers = await asyncio.gather(
        *(house.clients[n % len(house.clients)].do(windows[n % 60], "call") for n in range(200)),
    )
    took_s = monotonic() - begun
    assert Counter(answer.status for answer in answers) == {200: 60, 409: 140}
    assert {answer.code for answer in answers if answer.status == 409} == {"window_busy"}
    called = [answer.body["ticket"]["id"] for answer in answers if answer.status == 200]
    assert sorted(called) == sorted(answer.body["id"] for answer in taken)
    events = [event for event in await house.client.journal() if event["kind"] == "ticket_called"]
    assert len(events) == 60
    for name in ("ticket", "window", "call"):
        assert len({event["body"][name] for event in events}) == 60
    return took_s


async def found_at_the_other(house: Servers) -> list[float]:
    """Numbers are taken at one server and called at the other at once, in turns; seconds of each call."""
    took: list[float] = []
    here, there = house.clients[0], house.clients[-1]
    await here.open(["w61", "w62"])
    for n in range(20):
        here, there = there, here
        ticket = (await here.take(LINES[n % 5])).body
        begun = monotonic()
        called = await there.do("w61", "call")
        took.append(monotonic() - begun)
        assert called.status == 200
        assert called.body["ticket"]["id"] == ticket["id"]
        own = await here.get(f"tickets/{ticket['token']}?after={called.body['seq']}", token=None)
        assert (own.status, own.body["state"]) == (200, "called")
        assert (await here.do("w61", "start")).status == 200
        assert (await there.do("w61", "finish")).status == 200
    empty = await here.do("w62", "call")
    assert (empty.status, empty.body["ticket"]) == (200, None)
    return took


async def kiosks(house: Servers, *, given: int) -> float:
    """500 requests at once over five lines, 100 of them repeats of a key; each line has `given` numbers; seconds."""
    keys = [f"kiosk-{n}" for n in range(400)]
    asked = keys + keys[::4]
    begun = monotonic()
    answers = await asyncio.gather(
        *(
            # a key and its repeat go to different servers, if there are two
            house.clients[(n // 4 + n // 400) % len(house.clients)].take(LINES[keys.index(key) % 5], key=key)
            for n, key in enumerate(asked)
        )
    )
    took_s = monotonic() - begun
    assert {answer.status for answer in answers} == {201}
    tickets: defaultdict[str, list[Any]] = defaultdict(list)
    for key, answer in zip(asked, answers, strict=True):
        tickets[key].append(answer.body)
    assert all(found == found[:1] * len(found) for found in tickets.values()), "a repeat is another ticket"
    numbers = sorted(found[0]["number"] for found in tickets.values())
    assert numbers == [f"{line}{n:03}" for line in LINES for n in range(given + 1, given + 81)]
    for name in ("id", "token"):
        assert len({found[0][name] for found in tickets.values()}) == 400
    other = await house.clients[-1].take("B", key=keys[0])
    assert (other.status, other.code) == (422, "key_reused")
    kinds = Counter(event["kind"] for event in await house.client.journal())
    assert kinds["ticket_taken"] == 5 * given + 400
    return took_s


@SETTINGS
async def test_many_at_once(tmp_path: Path, servers: int, redis: bool) -> None:
    """60 calls for 60 tickets whoever calls where, a number is found at every server at once, numbers have no gap."""
    async with houses(tmp_path, servers=servers, redis=redis, windows=62) as house:
        calls_s = await calls(house)
        found_s = await found_at_the_other(house)
        kiosks_s = await kiosks(house, given=16)
        clean(house)
    keep(
        f"Races, {servers} server{'s' if servers > 1 else ''}{', Redis' if redis else ''}",
        calls_200_s=calls_s, kiosks_500_s=kiosks_s, taken_here_called_there_median_s=median(found_s),
        taken_here_called_there_worst_s=max(found_s),
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
