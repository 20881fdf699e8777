"""Real `tidehall serve` processes for tests, and what stands between them and their database.

Law: nothing here knows the inside; servers are processes that are ended by their pid.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.contract.conftest import RedisServer
from tests.live.clients import HALL, NO_TLS, TOKEN, Client, Said, until
from tidehall.store.binaries import serves
from tidehall.store.embedded import EmbeddedPostgres

__all__ = ["Server", "Servers", "houses", "tidehall"]


def write_plan(folder: Path, *, windows: int = 60, lines: str = "ABCDE", limits: Said | None = None) -> Path:
    """A hall that is open round the clock: one zone, every window serves every line, no waiting between calls."""
    words = '{ zh = "名", en = "Name" }'
    given = {"recall_gap_s": 0, "no_show_after_s": 0, "postpone_min_s": 0, "waiting_per_line": 999} | (limits or {})
    served = ", ".join(f'"{line}"' for line in lines)
    parts = [
        f'[hall]\nid = "{HALL}"\nname = {words}\nhours = [["00:00", "24:00"]]',
        'open_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]',
        "[limits]",
        *(f"{name} = {value}" for name, value in given.items()),
        "[priority]\nnormal = 0\nsenior = 15",
        f'[[zones]]\nid = "g"\nname = {words}',
        *(f'[[lines]]\nid = "{line}"\nletter = "{line}"\nzone = "g"\nname = {words}' for line in lines),
        f'[[window_ranges]]\nid_prefix = "w"\ndigits = 2\nfirst = 1\nlast = {windows}\nzone = "g"\nlines = [{served}]',
        '[[boards]]\nid = "main"\nzones = ["g"]',
    ]
    path = folder / "hall.toml"
    path.write_text("\n".join(parts) + "\n", "utf-8")
    return path


def tidehall(*arguments: str, data: Path, url: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEHALL_")}
    if url is not None:
        environment["TIDEHALL_DATABASE_URL"] = url
    command = [sys.executable, "-m", "tidehall.command", *arguments, "--data", str(data)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


# ---- processes


class Server:
    """One `tidehall serve`, on a port of its own that it keeps over restarts."""

    def __init__(
        self, data: Path, plan: Path, *, url: str | None = None, redis: str | None = None, workers: int = 1
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.data = data
        self.log = data.parent / f"server-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._options = ["--data", str(data), "--plan", str(plan), "--workers", str(workers)]
        self._environment = {n: v for n, v in os.environ.items() if not n.startswith("TIDEHALL_")}
        self._environment["TIDEHALL_ADMIN_TOKEN"] = TOKEN
        if url is not None:
            self._environment["TIDEHALL_DATABASE_URL"] = url
        if redis is not None:
            self._environment["TIDEHALL_REDIS_URL"] = redis

    def launch(self) -> None:
        """Start the process and come back at once."""
        command = [sys.executable, "-m", "tidehall.command", "serve", "--port", str(self.port)]
        command += self._options
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    async def ready(self) -> bool:
        """Whether it says that it is ready. AssertionError when the process has ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended: {self.log.read_text()[-2000:]}"
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=5) as client:
                return (await client.get(f"{self.base}/readyz")).status_code == 200
        return False

    async def start(self) -> float:
        """Start it and wait until it is ready; the seconds that it took."""
        self.launch()
        return await until(self.ready, "ready")

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Ctrl-C, as a person would; one that does not go is killed and the test fails."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def postmaster(self) -> int:
        """The process id of its own PostgreSQL."""
        return int((self.data / "postgres" / "postmaster.pid").read_text("ascii").split("\n", 1)[0])

    def has_postgres(self, postmaster: int) -> bool:
        """Whether this process is still a PostgreSQL on its data (one that only waits to be buried is none)."""
        return serves(postmaster, self.data / "postgres")

    def complaints(self) -> list[str]:
        """Lines of the log that speak of a mistake in the program."""
        return [line for line in self.log.read_text("utf-8").splitlines() if "Traceback" in line or " ERROR " in line]


class Proxy:
    """Stands between servers and PostgreSQL's Unix socket and can freeze everything that passes."""

    def __init__(self, url: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tidehall-proxy-"))  # short: a socket's path is bounded
        there = httpx.URL(url).params["host"]
        self._behind = str(Path(there, ".s.PGSQL.5432"))
        self._front = str(self._folder / ".s.PGSQL.5432")
        self.url = url.replace(httpx.URL(url).query.decode(), f"host={self._folder}&port=5432")
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._door: asyncio.Server | None = None

    async def start(self) -> None:
        """Let connections in."""
        self._door = await asyncio.start_unix_server(self._join, self._front)

    def freeze(self) -> None:
        """From now on nothing passes; connections stay, new ones are taken and get no answer."""
        self._flows.clear()

    def thaw(self) -> None:
        """What was held back passes, and so does everything after it."""
        self._flows.set()

    async def stop(self) -> None:
        """Cut everything off."""
        assert self._door is not None
        self._door.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._flows.wait()
            back_reader, back_writer = await asyncio.open_unix_connection(self._behind)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, back_writer))
                    both.create_task(self._pass(back_reader, writer))
            finally:
                back_writer.close()
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            piece = await reader.read(65_536)
            await self._flows.wait()
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()


@dataclass
class Servers:
    """What a test has started; `postgres`, `redis` and `proxy` where it asked for them."""

    servers: list[Server]
    clients: list[Client]
    data: Path
    url: str | None = None
    postgres: EmbeddedPostgres | None = None
    redis: RedisServer | None = None
    proxy: Proxy | None = None

    @property
    def server(self) -> Server:
        """The first one."""
        return self.servers[0]

    @property
    def client(self) -> Client:
        """Of the first server."""
        return self.clients[0]


@asynccontextmanager
async def houses(
    folder: Path, *, servers: int = 1, external: bool = False, redis: bool = False, proxy: bool = False,
    workers: int = 1, windows: int = 60, lines: str = "ABCDE", limits: Said | None = None,
    plan: Callable[[Path], None] = lambda path: None,
) -> AsyncIterator[Servers]:  # fmt: skip
    """Servers on one database: each with its own PostgreSQL (one server only), or all on one that the test owns.

    `plan` may change the plan file before they read it.
    """
    async with AsyncExitStack() as stack:
        data = folder / "data"
        found = Servers([], [], data)
        if external or proxy or servers > 1:
            found.postgres = EmbeddedPostgres(folder / "external")
            stack.push_async_callback(found.postgres.stop)
            found.url = await found.postgres.start()
        if proxy:
            assert found.url is not None
            found.proxy = Proxy(found.url)
            await found.proxy.start()
            stack.push_async_callback(found.proxy.stop)
        if redis:
            found.redis = RedisServer(folder)
            stack.callback(found.redis.kill)
            found.redis.start()
        url = found.proxy.url if found.proxy is not None else found.url
        file = write_plan(folder, windows=windows, lines=lines, limits=limits)
        plan(file)
        for _ in range(servers):
            server = Server(data, file, url=url, redis=found.redis.url if found.redis else None, workers=workers)
            stack.callback(server.stop)
            server.launch()
            found.servers.append(server)
            found.clients.append(await stack.enter_async_context(Client(server.base)))
        for server in found.servers:
            await until(server.ready, "ready")
        yield found
        if found.postgres is None:
            server = found.server
            if server.process is not None and server.process.poll() is None:
                postmaster = server.postmaster()
                server.stop()
                assert not server.has_postgres(postmaster), "a server in good order left its PostgreSQL behind"
