"""The contract of the bus, in process, over a real Redis or Valkey, by polling, and of the three together (law 7)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tidehall.store.bus import Bus, FollowingBus, LocalBus, PollingBus, RedisBus, open_bus
from tidehall.store.errors import StoreUnavailable
from tidehall.store.memory import MemoryJournal
from tidehall.store.rows import Batch, Fact, Head

HALL = "阳新"

Eventually = Callable[[Callable[[], object | Awaitable[object]]], Awaitable[None]]


class Server(Protocol):
    """A Redis that can be killed and started again."""

    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...


class Desk:
    """A bus with the journal behind it, as a keeper uses them."""

    def __init__(self, bus: Bus, journal: MemoryJournal, epoch: str) -> None:
        self.bus = bus
        self.journal = journal
        self.epoch = epoch

    async def commit(self, upto: int) -> None:
        """Append facts until the journal's head is `upto`."""
        head = await self.journal.head(HALL)
        assert head is not None
        facts = [Fact(0, None, "called", 1, b"", "", "")] * (upto - head.seq)
        await self.journal.append(Batch(HALL, head.seq, head.digest, facts))

    async def tell(self, upto: int) -> None:
        """Commit, then publish."""
        await self.commit(upto)
        await self.bus.publish(HALL, self.epoch, upto)


class Listener:
    """Collects what a listener hears until it is stopped."""

    def __init__(self, desk: Desk, after: int = 0) -> None:
        self.heard: list[int] = []
        self.task = asyncio.create_task(self._listen(desk, after))

    async def _listen(self, desk: Desk, after: int) -> None:
        async with aclosing(desk.bus.listen(HALL, desk.epoch, after)) as seqs:
            async for seq in seqs:
                self.heard.append(seq)

    async def stop(self) -> None:
        """End it and wait until it is gone."""
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture(params=["local", "redis", "polling", "following"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each of the buses."""
    return str(request.param)


@pytest.fixture
def redis_url(kind: str, request: pytest.FixtureRequest) -> str:
    """Where Redis is, started only for those that need one."""
    return str(request.getfixturevalue("redis_server").url) if kind in ("redis", "following") else ""


@pytest_asyncio.fixture
async def desk(kind: str, redis_url: str) -> AsyncIterator[Desk]:
    """A hall's journal with a bus of each kind."""
    journal = MemoryJournal()
    buses: dict[str, Callable[[], Bus]] = {
        "local": LocalBus,
        "redis": lambda: RedisBus(redis_url),
        "polling": lambda: PollingBus(journal, 0.02),
        "following": lambda: FollowingBus(journal, RedisBus(redis_url)),
    }
    bus = buses[kind]()
    yield Desk(bus, journal, (await journal.create(HALL)).epoch)
    await bus.close()


@pytest_asyncio.fixture
async def following(redis_server: Server) -> AsyncIterator[Desk]:
    """A bus over Redis with polling behind it."""
    journal = MemoryJournal()
    bus = FollowingBus(journal, RedisBus(redis_server.url))
    yield Desk(bus, journal, (await journal.create(HALL)).epoch)
    await bus.close()


async def test_listeners_hear_the_newest_head_in_order(desk: Desk, eventually: Eventually) -> None:
    """Two listeners hear rising seqs that end with the newest; some between may be left out."""
    listeners = [Listener(desk), Listener(desk)]
    for seq in (1, 4, 5, 9):
        await desk.tell(seq)
    for listener in listeners:
        await eventually(lambda heard=listener.heard: heard[-1:] == [9])  # type: ignore[misc]
        assert listener.heard == sorted(set(listener.heard))
        await listener.stop()


async def test_a_listener_hears_what_was_told_before_it_came(desk: Desk, eventually: Eventually) -> None:
    """Who stands behind hears at once that there is more; who stands at the head hears only what comes."""
    await desk.tell(7)
    late, current = Listener(desk, after=3), Listener(desk, after=7)
    await eventually(lambda: late.heard == [7])
    await desk.tell(8)
    await eventually(lambda: late.heard == [7, 8] and current.heard == [8])
    await late.stop()
    await current.stop()


async def test_older_and_repeated_news_are_no_news(desk: Desk, eventually: Eventually) -> None:
    """Telling a seq again or late is no error, and no listener hears a seq that does not rise."""
    listener = Listener(desk)
    await desk.tell(5)
    await eventually(lambda: listener.heard == [5])
    for seq in (5, 3, 5):
        await desk.bus.publish(HALL, desk.epoch, seq)
    await desk.tell(6)
    await eventually(lambda: listener.heard[-1:] == [6])
    assert listener.heard == [5, 6]
    assert desk.bus.healthy
    await listener.stop()


async def test_halls_and_epochs_are_apart(desk: Desk, eventually: Eventually) -> None:
    """News of another hall or of another journal of this hall are not heard."""
    listener = Listener(desk)
    await desk.bus.publish(HALL, "other epoch", 50)
    await desk.bus.publish("other hall", desk.epoch, 60)
    await desk.tell(2)
    await eventually(lambda: listener.heard == [2])
    await listener.stop()


async def test_a_listener_ends_when_it_is_closed(desk: Desk) -> None:
    """After aclose the listener gives nothing any more, whatever is told."""
    await desk.tell(1)
    listener = desk.bus.listen(HALL, desk.epoch, 0)
    assert await anext(listener) == 1
    await listener.aclose()
    await desk.tell(2)
    with pytest.raises(StopAsyncIteration):
        await anext(listener)


async def test_two_processes_tell_each_other_over_redis(redis_server: Server, eventually: Eventually) -> None:
    """What one bus tells, another hears, also when both tell the same seqs in their own order."""
    journal = MemoryJournal()
    epoch = (await journal.create(HALL)).epoch
    one, two = (Desk(RedisBus(redis_server.url), journal, epoch) for _ in range(2))
    listeners = [Listener(one), Listener(two)]
    await asyncio.gather(*(desk.bus.publish(HALL, epoch, seq) for seq in (1, 3, 2) for desk in (one, two)))
    await two.bus.publish(HALL, epoch, 4)
    for listener in listeners:
        await eventually(lambda heard=listener.heard: heard[-1:] == [4])  # type: ignore[misc]
        await listener.stop()
    assert one.bus.healthy
    assert two.bus.healthy
    await one.bus.close()
    await two.bus.close()


async def test_the_stream_is_named_by_hall_and_epoch_and_counts_in_seqs(
    redis_server: Server, eventually: Eventually
) -> None:
    """The entry's id is the seq itself, so that any client may go on after what it has."""
    bus = RedisBus(redis_server.url)
    await bus.publish(HALL, "e1", 12)
    async with Redis.from_url(redis_server.url, decode_responses=True) as client:

        async def entries() -> bool:
            return bool(await client.xrange(f"tidehall:{HALL}:e1") == [("12-0", {"seq": "12"})])

        await eventually(entries)
    await bus.close()


async def test_the_stream_stays_short(redis_server: Server, eventually: Eventually) -> None:
    """Streams are cut at about two thousand entries; who comes later still hears the newest."""
    bus = RedisBus(redis_server.url)
    async with Redis.from_url(redis_server.url) as client:
        stream = f"tidehall:{HALL}:e"
        async with client.pipeline(transaction=False) as pipeline:
            for seq in range(1, 6001):
                pipeline.xadd(stream, {"seq": seq}, id=f"{seq}-0")
            await pipeline.execute()
        await bus.publish(HALL, "e", 6001)

        async def short() -> bool:
            return bool(await client.xlen(stream) < 2500)

        await eventually(short)
    async with aclosing(bus.listen(HALL, "e", 1)) as seqs:
        heard = [await anext(seqs)]
        while heard[-1] < 6001:
            heard.append(await anext(seqs))
    assert heard == sorted(heard)
    await bus.close()


async def test_a_lost_redis_is_noticed_and_used_again(redis_server: Server, eventually: Eventually) -> None:
    """Kill: unhealthy, one loss counted, publishing does not raise. Restart: healthy, and the head is told again."""
    bus = RedisBus(redis_server.url)
    desk = Desk(bus, MemoryJournal(), "e")
    listener = Listener(desk)
    await bus.publish(HALL, "e", 1)
    await eventually(lambda: listener.heard == [1])
    redis_server.kill()
    await eventually(lambda: not bus.healthy)
    await bus.publish(HALL, "e", 2)
    await bus.publish(HALL, "e", 3)
    assert bus.losses == 1
    redis_server.start()
    await eventually(lambda: bus.healthy and listener.heard[-1:] == [3])
    newcomer = Listener(desk)
    await eventually(lambda: newcomer.heard == [3])
    await listener.stop()
    await newcomer.stop()
    await bus.close()


async def test_listeners_follow_the_journal_while_redis_is_away(
    following: Desk, redis_server: Server, eventually: Eventually
) -> None:
    """Without Redis the head is polled; with it again, everything goes on; nobody notices."""
    listener = Listener(following)
    await following.tell(1)
    await eventually(lambda: listener.heard == [1])
    redis_server.kill()
    await eventually(lambda: not following.bus.healthy)
    await following.tell(2)
    began = asyncio.get_running_loop().time()
    await eventually(lambda: listener.heard == [1, 2])
    assert asyncio.get_running_loop().time() - began < 0.5
    redis_server.start()
    await eventually(lambda: following.bus.healthy)
    await following.tell(3)
    await eventually(lambda: listener.heard == [1, 2, 3])
    await listener.stop()


async def test_a_hint_that_was_never_told_is_made_up_for(following: Desk, eventually: Eventually) -> None:
    """A process that dies between commit and publish leaves listeners behind for a moment only."""
    listener = Listener(following)
    await following.commit(4)
    await eventually(lambda: listener.heard == [4])
    assert following.bus.healthy
    await listener.stop()


async def test_redis_is_faster_than_polling(redis_server: Server, eventually: Eventually) -> None:
    """While Redis is there nobody waits for the poll: here it would come only after ten minutes."""
    journal = MemoryJournal()
    bus = FollowingBus(journal, RedisBus(redis_server.url), interval_s=300)
    desk = Desk(bus, journal, (await journal.create(HALL)).epoch)
    listener = Listener(desk)
    await desk.tell(3)
    await eventually(lambda: listener.heard == [3])
    await listener.stop()
    await bus.close()


@pytest.mark.parametrize("kind", ["polling", "following"])
async def test_a_replaced_journal_ends_the_listener(desk: Desk) -> None:
    """Seqs of another epoch mean nothing: the listener ends, so that the hall is loaded anew."""
    heard = [seq async for seq in desk.bus.listen(HALL, "an epoch long gone", 0)]
    assert heard == []


async def test_polling_outlives_a_lost_database(eventually: Eventually) -> None:
    """While the journal cannot be reached a poller is unhealthy; afterwards it yields again."""

    class Failing:
        """A database that comes and goes."""

        there = True
        seq = 1

        async def head(self, hall: str) -> Head:
            """Return the head if the database is there."""
            if not self.there:
                raise StoreUnavailable("gone")
            return Head("e", self.seq, b"")

    source = Failing()
    bus = PollingBus(source, 0.01)
    desk = Desk(bus, MemoryJournal(), "e")
    listener = Listener(desk)
    await eventually(lambda: listener.heard == [1])
    source.there = False
    await eventually(lambda: not bus.healthy)
    source.there, source.seq = True, 2
    await eventually(lambda: bus.healthy and listener.heard == [1, 2])
    await listener.stop()


async def test_the_bus_that_fits_is_opened() -> None:
    """Redis if there is an address, the own process if that is all there is, else polling."""
    journal = MemoryJournal()
    for url, single, wanted in (
        ("redis://127.0.0.1:1", False, FollowingBus),
        ("redis://127.0.0.1:1", True, FollowingBus),
        (None, True, LocalBus),
        ("", False, PollingBus),
    ):
        bus = open_bus(journal, url, single_process=single)
        assert isinstance(bus, wanted)
        await bus.close()
