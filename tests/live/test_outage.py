"""PostgreSQL or Redis goes away while the hall is in use: clear answers, boards that say how old they are, no loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from tests.live.clients import HALL, Answer, Board, Load, settled, until
from tests.live.figures import keep, show
from tests.live.servers import Servers, houses, tidehall

#: Seconds that a command may wait for the database (store/journal.py `connect`), for its connection and then for its
#: answer; and what a busy machine adds.
COMMAND_S = 3.0
SLACK_S = 1.5
#: Seconds until a board must say that it is old: one look a second, one timeout, and the slack.
NOTICE_S = 1.0 + COMMAND_S + SLACK_S
#: Seconds until everything must go on when the database is back.
BACK_S = 5.0
#: Law 7: what another server wrote is here within half a second without Redis.
POLL_S = 0.5

Step = Callable[[], Awaitable[None]]
PROOF_S = 10.0
LENGTHS = [pytest.param(3.0, id="short"), pytest.param(PROOF_S, id="long", marks=pytest.mark.proof)]


async def reading(house: Servers, stop: asyncio.Event) -> list[Answer]:
    """Somebody who looks at everything that a GET shows, over and over."""
    found: list[Answer] = []
    while not stop.is_set():
        for path in (f"halls/{HALL}", f"halls/{HALL}/lines", f"halls/{HALL}/boards/main", f"halls/{HALL}/tickets"):
            found.append(await house.client.get(path))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await stop.wait()
    return found


async def outage(house: Servers, begin: Step, end: Step, *, seconds: float) -> dict[str, float | int]:
    """Take the database away under load for so long; prove what must hold; the figures."""
    client = house.client
    windows = [f"w{n:02}" for n in range(1, 5)]
    await client.open([*windows, "w05"])
    load = Load([client], windows, takers=4, pause_s=0.01)
    stop = asyncio.Event()
    async with Board(client) as board:
        async with load.running():
            await until(lambda: len(load.acknowledged) >= 50, "load")
            assert board.stale is None
            reader = asyncio.create_task(reading(house, stop))
            had = len(load.sent)
            begun = monotonic()
            await begin()
            noticed_s = await until(lambda: board.stale is not None, "the board says that it is old", seconds=NOTICE_S)
            assert board.stale == (await client.board())["board"]["stale_since"]
            since = board.stale
            ready = await client.get("/readyz", token=None)
            assert (ready.status, ready.code) == (503, "not_ready")
            assert (await client.get("/healthz", token=None)).status == 200
            phone = await client.get(f"tickets/{load.acknowledged[0].answer.body['token']}", token=None)  # type: ignore[union-attr] # a yes has an answer
            assert phone.status == 200
            await until(lambda: monotonic() - begun >= seconds, "the outage's end", seconds=seconds + 1)
            assert board.stale == since, "an outage has one beginning"
            stop.set()
            looks = await reader
            during = load.sent[had:]
            await end()
            back = monotonic()
            await until(lambda: board.stale is None, "the board is up to date again", seconds=BACK_S)
            fresh_s = monotonic() - back
            yes = len(load.acknowledged)
            await until(lambda: len(load.acknowledged) >= yes + 50, "the load goes on")
            await until(house.server.ready, "ready", seconds=BACK_S)
        last = (await client.take("A"), await client.do("w05", "call"))[-1]
        await until(lambda: board.seq >= last.body["seq"], "the last call on the board")
        board.proved(await client.journal())
    refused = [sent.answer for sent in during if sent.answer is not None and sent.answer.status == 503]
    assert refused
    for answer in refused:
        assert (answer.code, answer.kind) == ("journal_unavailable", "application/problem+json")
        assert int(answer.retry_after or 0) > 0
        assert answer.took_s <= COMMAND_S + SLACK_S
    assert 0 not in load.statuses(), "a connection was lost"
    assert set(load.statuses()) <= {200, 201, 409, 503}
    assert {answer.status for answer in looks} == {200}
    assert max(answer.took_s for answer in looks[:-4]) <= COMMAND_S + SLACK_S
    await settled(load, client)
    found = tidehall("verify", "--hall", HALL, "--rules", data=house.data, url=house.url)
    assert found.returncode == 0, found.stderr
    return {
        "outage_s": seconds,
        "acknowledged": len(load.acknowledged),
        "lost": 0,
        "refused_503": len(refused),
        "refused_worst_s": max(answer.took_s for answer in refused),
        "reads": len(looks),
        "reads_worst_s": max(answer.took_s for answer in looks),
        "board_says_so_after_s": noticed_s,
        "fresh_again_after_s": fresh_s,
    }


@pytest.mark.parametrize("seconds", LENGTHS)
async def test_postgres_shut_down(tmp_path: Path, seconds: float) -> None:
    """PostgreSQL is shut down and started again under load: 503 with Retry-After, old boards say so, no loss."""
    async with houses(tmp_path, external=True, windows=5) as house:
        assert house.postgres is not None
        postgres = house.postgres

        async def start() -> None:
            await postgres.start()

        figures = await outage(house, postgres.stop, start, seconds=seconds)
    (keep if seconds >= PROOF_S else show)("PostgreSQL shut down", **figures)


@pytest.mark.parametrize("seconds", LENGTHS)
async def test_connections_frozen(tmp_path: Path, seconds: float) -> None:
    """Nothing passes to PostgreSQL and nothing breaks off: the same holds within the command's timeout."""
    async with houses(tmp_path, proxy=True, windows=5) as house:
        assert house.proxy is not None
        proxy = house.proxy

        async def freeze() -> None:
            proxy.freeze()

        async def thaw() -> None:
            proxy.thaw()

        figures = await outage(house, freeze, thaw, seconds=max(seconds, COMMAND_S + 2))
    (keep if seconds >= PROOF_S else show)("connections to PostgreSQL frozen", **figures)


async def test_quiet_hall_notices_too(tmp_path: Path) -> None:
    """Nobody sends a command: the boards still say within seconds that the database is gone, and that it is back."""
    async with houses(tmp_path, proxy=True, windows=1) as house:
        assert house.proxy is not None
        async with Board(house.client) as board:
            house.proxy.freeze()
            await until(lambda: board.stale is not None, "the board says that it is old", seconds=NOTICE_S)
            refused = await house.client.take("A")
            assert (refused.status, refused.code) == (503, "journal_unavailable")
            assert refused.took_s <= SLACK_S, "what is known to be away is not waited for"
            house.proxy.thaw()
            await until(lambda: board.stale is None, "the board is up to date again", seconds=BACK_S)
            assert (await house.client.take("A")).status == 201


async def test_redis_killed_in_the_middle(tmp_path: Path) -> None:
    """Two servers lose Redis: they go on by polling, the other's calls are on the board within half a second."""

    async def seen(house: Servers, board: Board) -> float:
        """Seconds from one server's yes to the other server's board."""
        await house.client.take("A")
        answer = await house.client.do("w01", "call")
        begun = monotonic()
        await until(lambda: board.seq >= answer.body["seq"], "the call on the other server's board", seconds=10)
        took_s = monotonic() - begun
        for action in ("start", "finish"):
            assert (await house.client.do("w01", action)).status == 200
        return took_s

    async with houses(tmp_path, servers=2, redis=True, windows=4) as house:
        assert house.redis is not None
        await house.client.open(["w01", "w02", "w03"])
        load = Load(house.clients, ["w02", "w03"], takers=2, pause_s=0.02)
        async with Board(house.clients[1]) as board:
            with_redis = [await seen(house, board) for _ in range(10)]
            async with load.running():
                await until(lambda: len(load.acknowledged) >= 20, "load")
                house.redis.kill()
                had = len(load.acknowledged)
                await until(lambda: len(load.acknowledged) >= had + 40, "load without Redis")
            by_polling = [await seen(house, board) for _ in range(10)]
            house.redis.start()
            again = [await seen(house, board) for _ in range(10)]
            board.proved(await house.client.journal())
        assert set(load.statuses()) <= {200, 201, 409}, "Redis is no reason to refuse"
        await settled(load, house.clients[1])
        assert [server.complaints() for server in house.servers] == [[], []]
    keep(
        "Redis killed, two servers",
        with_redis_median_s=median(with_redis), polling_median_s=median(by_polling), polling_worst_s=max(by_polling),
        again_median_s=median(again),
    )  # fmt: skip
    assert median(by_polling) <= POLL_S
