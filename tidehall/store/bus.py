"""Tells the other processes of a hall that its journal has a new head.

One law: the bus is a loudspeaker (law 7). What is lost on it costs a moment, never a fact: listeners get seqs and read
the journal. Redis (or Valkey) may vanish at any time; then the journal's head is polled. Source: facts.md 2 and 3.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError, ResponseError

from tidehall.store.errors import StoreUnavailable
from tidehall.store.rows import Head

__all__ = ["Bus", "FollowingBus", "HeadSource", "LocalBus", "PollingBus", "RedisBus", "open_bus"]

_log = logging.getLogger(__name__)

_STREAM_LENGTH = 2000
_BLOCK_MS = 1000
_TIMEOUT_S = 2.0
_PAUSE_S = 0.25
_WATCH_S = 0.5

_Name = tuple[str, str]
"""A hall and the epoch of its journal."""


class HeadSource(Protocol):
    """Whatever knows where a hall's journal ends: a journal."""

    async def head(self, hall: str) -> Head | None:
        """Return the head; may raise StoreUnavailable."""
        ...


class Bus(Protocol):
    """What is asked of a bus."""

    @property
    def healthy(self) -> bool:
        """Whether the last thing that was tried over the bus worked."""
        ...

    async def publish(self, hall: str, epoch: str, seq: int) -> None:
        """Tell that the journal has reached `seq`, after the commit. Never raises and never waits for the network."""
        ...

    def listen(self, hall: str, epoch: str, after: int) -> AsyncGenerator[int, None]:
        """Yield seqs > after, each greater than the one before, possibly leaving some out; the newest always comes.

        Ends on aclose, or when the hall's journal was replaced by another (a new epoch): load the hall anew then.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and tasks; listeners are to be closed before."""
        ...


class LocalBus:
    """For keepers and feeds of one process."""

    healthy = True

    def __init__(self) -> None:
        self._newest: dict[_Name, int] = {}
        self._waiting: dict[_Name, set[asyncio.Event]] = {}

    async def publish(self, hall: str, epoch: str, seq: int) -> None:
        """See Bus.publish."""
        name = (hall, epoch)
        if seq > self._newest.get(name, 0):
            self._newest[name] = seq
            for event in self._waiting.get(name, ()):
                event.set()

    async def listen(self, hall: str, epoch: str, after: int) -> AsyncGenerator[int, None]:
        """See Bus.listen."""
        name = (hall, epoch)
        event = asyncio.Event()
        self._waiting.setdefault(name, set()).add(event)
        try:
            while True:
                event.clear()
                newest = self._newest.get(name, 0)
                if newest > after:
                    after = newest
                    yield newest
                else:
                    await event.wait()
        finally:
            self._waiting[name].discard(event)

    async def close(self) -> None:
        """See Bus.close."""


class PollingBus:
    """For several processes without Redis: asks the journal for its head every `interval_s` seconds."""

    def __init__(self, journal: HeadSource, interval_s: float = 0.25) -> None:
        self._journal = journal
        self._interval_s = interval_s
        self.healthy = True

    async def publish(self, hall: str, epoch: str, seq: int) -> None:
        """See Bus.publish. The journal says it all."""

    async def listen(self, hall: str, epoch: str, after: int) -> AsyncGenerator[int, None]:
        """See Bus.listen."""
        while True:
            try:
                head = await self._journal.head(hall)
                self.healthy = True
            except StoreUnavailable:
                self.healthy = False
            else:
                if head is None or head.epoch != epoch:
                    return
                if head.seq > after:
                    after = head.seq
                    yield after
            await asyncio.sleep(self._interval_s)

    async def close(self) -> None:
        """See Bus.close."""


class RedisBus:
    """Streams with the seq as explicit id, so that a listener goes on after whatever it has heard last.

    Publishing is left to a task of its own that sends only the newest seq of each hall: a slow or lost Redis never
    holds up a keeper. The same task watches whether Redis is there, and tells the heads again when it is back.
    `losses` counts how often Redis was lost.
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            # No socket_timeout: redis-py would use asyncio.wait_for, which on Python 3.11 can swallow a cancellation.
            # Each call has an asyncio.timeout around it instead.
            socket_timeout=None,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.02), 2),
        )
        self._newest: dict[_Name, int] = {}
        self._unsent: set[_Name] = set()
        self._work = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._retell = False
        self.healthy = True
        self.losses = 0

    async def publish(self, hall: str, epoch: str, seq: int) -> None:
        """See Bus.publish."""
        name = (hall, epoch)
        if seq > self._newest.get(name, 0):
            self._newest[name] = seq
            self._unsent.add(name)
            self._work.set()
        self._watch()

    async def listen(self, hall: str, epoch: str, after: int) -> AsyncGenerator[int, None]:
        """See Bus.listen. Outages are waited out."""
        self._watch()
        stream = _stream((hall, epoch))
        while True:
            try:
                # Only the position is wanted, so the last id of the stream would do; XREAD is what can wait for it.
                async with asyncio.timeout(_TIMEOUT_S):
                    answer: Any = await self._redis.xread({stream: f"{after}-0"}, block=_BLOCK_MS)
            except (RedisError, OSError) as error:
                self._lost(error)
                await asyncio.sleep(_PAUSE_S)
                continue
            self._found()
            seq = _newest_of(answer)
            if seq > after:
                after = seq
                yield seq

    async def close(self) -> None:
        """See Bus.close. What was not sent yet is dropped: the listeners poll or read the journal anyway."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    def _watch(self) -> None:
        if self._sender is None:
            self._sender = asyncio.create_task(self._send(), name="tidehall-bus")

    async def _send(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_S):
                    await self._work.wait()
            self._work.clear()
            names, self._unsent = self._unsent, set()
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    if names:
                        await self._add(names)
                    else:
                        await self._redis.ping()
            except (RedisError, OSError) as error:
                self._unsent |= names
                self._lost(error)
                await asyncio.sleep(_PAUSE_S)
            else:
                if self._retell:
                    self._retell = False
                    self._unsent |= self._newest.keys()  # a Redis that came back may have forgotten everything
                    self._work.set()
                self._found()

    async def _add(self, names: set[_Name]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            seq = self._newest[name]
            pipeline.xadd(_stream(name), {"seq": seq}, id=f"{seq}-0", maxlen=_STREAM_LENGTH, approximate=True)
        for result in await pipeline.execute(raise_on_error=False):
            # Another process told this seq, or a later one, first: then its id is not above the newest one.
            told = isinstance(result, ResponseError) and "equal or smaller" in str(result)
            if isinstance(result, Exception) and not told:
                raise result

    def _lost(self, error: Exception) -> None:
        self._retell = True
        if self.healthy:
            self.healthy = False
            self.losses += 1
            _log.warning("Redis is lost, the journal is polled instead: %s", error)

    def _found(self) -> None:
        if not self.healthy:
            self.healthy = True
            _log.info("Redis is back")


class FollowingBus:
    """Redis for speed, the journal for certainty.

    The head is polled every `interval_s` while Redis is lost. While it is there, it is polled too, half as often:
    so neither a frozen Redis nor a process that died between commit and publish costs more than half a second (law 7).
    """

    def __init__(self, journal: HeadSource, redis: RedisBus, interval_s: float = 0.25) -> None:
        self._journal = journal
        self._redis = redis
        self._interval_s = interval_s

    @property
    def healthy(self) -> bool:
        """Whether Redis carries the hints; polling goes on either way."""
        return self._redis.healthy

    async def publish(self, hall: str, epoch: str, seq: int) -> None:
        """See Bus.publish."""
        await self._redis.publish(hall, epoch, seq)

    async def listen(self, hall: str, epoch: str, after: int) -> AsyncGenerator[int, None]:
        """See Bus.listen."""
        heard = after
        news = asyncio.Event()

        async def hear() -> None:
            nonlocal heard
            async with aclosing(self._redis.listen(hall, epoch, after)) as seqs:
                async for seq in seqs:
                    heard = max(heard, seq)
                    news.set()

        ear = asyncio.create_task(hear(), name=f"tidehall-bus-{hall}")
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval_s * (2 if self.healthy else 1)):
                        await news.wait()
                if not news.is_set():
                    with suppress(StoreUnavailable):
                        head = await self._journal.head(hall)
                        if head is None or head.epoch != epoch:
                            return
                        heard = max(heard, head.seq)
                news.clear()
                if heard > after:
                    after = heard
                    yield after
        finally:
            ear.cancel()
            await asyncio.wait([ear])

    async def close(self) -> None:
        """See Bus.close."""
        await self._redis.close()


def open_bus(journal: HeadSource, redis_url: str | None, *, single_process: bool) -> Bus:
    """Return the bus that fits: Redis if there is one, the own process if that is all, else polling."""
    if redis_url:
        return FollowingBus(journal, RedisBus(redis_url))
    return LocalBus() if single_process else PollingBus(journal)


def _stream(name: _Name) -> str:
    return f"tidehall:{name[0]}:{name[1]}"


def _newest_of(answer: Any) -> int:
    """Return the highest seq in an answer of XREAD, which is empty, a list (RESP2) or a mapping (RESP3)."""
    streams = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer or ()]
    ids = [entry[0] for entries in streams for entry in entries if isinstance(entry, (list, tuple)) and entry]
    return max((int(bytes(name).split(b"-")[0]) for name in ids), default=0)
