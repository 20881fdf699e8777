"""Our own PostgreSQL against the real programs: it starts, is watched, and outlives every crash we could think of."""

import asyncio
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tidehall.store.binaries import Account, locate
from tidehall.store.embedded import LOG_BYTES, DataInUse, EmbeddedError, EmbeddedPostgres

PATIENCE_S = 20.0
ROOT = os.geteuid() == 0

# A whole application in small: it starts its PostgreSQL, commits one row, says the server's process id, and works on.
APPLICATION = """
import asyncio, sys
from pathlib import Path
import asyncpg
from tidehall.store.embedded import EmbeddedPostgres

async def main():
    postgres = EmbeddedPostgres(Path(sys.argv[1]))
    connection = await asyncpg.connect(await postgres.start())
    try:
        await connection.execute("CREATE TABLE ticket (number int)")
        await connection.execute("INSERT INTO ticket VALUES (12)")
        print(postgres.pid, flush=True)
        await asyncio.Event().wait()
    finally:
        await postgres.stop()

asyncio.run(main())
"""


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for `condition`, with a deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.01)


def named_by_a_process(folder: Path) -> bool:
    """Whether a process has the folder on its command line (where /proc tells)."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            lines.append(file.read_bytes())
    return any(os.fsencode(folder) in line for line in lines)


def alive(pid: int) -> bool:
    """Whether the process runs (one that is dead but not yet reaped doesn't)."""
    try:
        os.kill(pid, 0)
        return sys.platform != "linux" or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(path: Path) -> int:
    """The user id of the owner."""
    return path.stat().st_uid


def sockets_of(url: str) -> Path:
    """The folder with the socket, as any client reads it from the address."""
    return Path(parse_qs(urlsplit(url).query)["host"][0])


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A started server that is stopped whatever happens."""
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


async def ask(url: str, query: str) -> object:
    """One value from a fresh connection."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that doesn't exist yet."""
    return tmp_path / "data"


@pytest.fixture
def application(data: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts the small application on `data`; every one is killed at the end."""
    begun: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", APPLICATION, str(data)]
        begun.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def says(process: subprocess.Popen[str]) -> str:
    """The next line the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_cold_start_makes_a_safe_cluster_and_warm_start_finds_the_data(data: Path) -> None:
    """A first start makes the cluster with our choices; a second one is quick and finds what was committed."""
    async with running(data) as postgres:
        await ask(postgres.url, "CREATE TABLE ticket AS SELECT 12 AS number")
        for setting, value in {
            "listen_addresses": "",
            "data_checksums": "on",
            "fsync": "on",
            "synchronous_commit": "on",
            "server_encoding": "UTF8",
        }.items():
            assert await ask(postgres.url, f"SHOW {setting}") == value
        assert await ask(postgres.url, "SELECT current_database()") == "tidehall"
        served_by = postgres.pid
        assert served_by is not None
        assert (owner_of(data / "postgres") != os.geteuid()) == ROOT
    assert not alive(served_by)
    assert not (data / "postgres" / "postmaster.pid").exists()

    began = time.monotonic()
    async with running(data) as postgres:
        assert time.monotonic() - began < 5
        assert await ask(postgres.url, "SELECT number FROM ticket") == 12


async def test_second_process_is_refused(data: Path, application: Callable[[], subprocess.Popen[str]]) -> None:
    """While one process serves the folder, another gets a sentence that names it; after the first's Ctrl-C it may."""
    first = application()
    served_by = int(says(first))
    with pytest.raises(DataInUse, match=f"process {first.pid}"):
        await EmbeddedPostgres(data).start()
    assert alive(served_by)
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    first.wait(PATIENCE_S)
    assert not alive(served_by)
    async with running(data) as postgres:
        assert await ask(postgres.url, "SELECT number FROM ticket") == 12


async def test_stop_frees_the_folder_and_may_come_twice(data: Path) -> None:
    """After `stop` the address is gone, another supervisor may start, and a second `stop` does nothing to it."""
    first = EmbeddedPostgres(data)
    await first.start()
    await first.stop()
    with pytest.raises(EmbeddedError):
        _ = first.url
    async with running(data) as second:
        await first.stop()
        assert await ask(second.url, "SELECT 1") == 1


async def test_killed_server_is_started_again(data: Path) -> None:
    """kill -9 of the postmaster: the watch starts a new one at the same address, with every committed row."""
    async with running(data) as postgres:
        await ask(postgres.url, "CREATE TABLE ticket AS SELECT 12 AS number")
        for turn in (1, 2):
            killed = postgres.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            await until(lambda turn=turn: postgres.restarts == turn, "the restart")  # type: ignore[misc]
            assert postgres.pid not in {None, killed}
            assert postgres.failure is None
            assert await ask(postgres.url, "SELECT number FROM ticket") == 12


@pytest.mark.parametrize("wait_for_the_end", [True, False], ids=["later", "at once"])
async def test_crashed_application_takes_its_server_along(
    data: Path, application: Callable[[], subprocess.Popen[str]], wait_for_the_end: bool
) -> None:
    """kill -9 of the application: its server goes by itself, and the next start (later or at once) has the data."""
    crashed = application()
    served_by = int(says(crashed))
    crashed.kill()
    crashed.wait()
    if wait_for_the_end:
        await until(lambda: not alive(served_by), "the server's end")
    async with running(data) as postgres:
        assert postgres.pid != served_by
        assert not alive(served_by)
        assert await ask(postgres.url, "SELECT number FROM ticket") == 12


async def test_crash_while_the_cluster_is_made(data: Path, application: Callable[[], subprocess.Popen[str]]) -> None:
    """kill -9 in the middle of initdb leaves no half cluster: the next start makes a whole one."""
    crashed = application()
    await until(lambda: any(data.glob(".postgres-*/PG_VERSION")), "initdb at work")
    crashed.kill()
    crashed.wait()
    assert not (data / "postgres").exists()
    async with running(data) as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1
    # the orphaned initdb may have written on into its folder that was just removed: what it leaves goes the next time
    await until(lambda: not named_by_a_process(data), "the orphaned initdb has ended")
    async with running(data):
        assert not any(name.startswith(".postgres-") for name in os.listdir(data))


async def test_spaces_and_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    """A data folder with spaces, quotes and 200 bytes works; the socket moves to a private folder elsewhere."""
    data = tmp_path / '大厅 one\'s, "two"' / ("long " * 30 + "end")
    async with running(data) as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1
        sockets = sockets_of(postgres.url)
        assert not sockets.is_relative_to(data)
        assert mode(sockets) == 0o700
    assert sockets.name not in os.listdir(sockets.parent)


@pytest.fixture
def stranger() -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts a process that has nothing to do with PostgreSQL, as the given user."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(user: int) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(["sleep", "60"], cwd="/", user=user if ROOT else None))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


@pytest.mark.parametrize("leftover", ["foreign", "empty", "torn"])
async def test_leftover_pid_file(data: Path, leftover: str, stranger: Callable[[int], subprocess.Popen[bytes]]) -> None:
    """A postmaster.pid that names a live stranger (a reused number) or is damaged doesn't keep the server away."""
    pid_file = data / "postgres" / "postmaster.pid"
    async with running(data) as postgres:
        await ask(postgres.url, "CREATE TABLE ticket AS SELECT 12 AS number")
        lines = pid_file.read_text().splitlines()
    owner = owner_of(data / "postgres")
    other = stranger(owner)
    foreign = "\n".join([str(other.pid), *lines[1:], ""])
    pid_file.write_text({"foreign": foreign, "empty": "", "torn": "tidehall\n"}[leftover])
    os.chown(pid_file, owner, -1)
    async with running(data) as postgres:
        assert await ask(postgres.url, "SELECT number FROM ticket") == 12
    assert other.poll() is None, "the stranger was hurt"


async def test_other_version_is_refused(data: Path) -> None:
    """A cluster of another major version is left as it is; the sentence says dump and restore."""
    cluster = data / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"(?s)made by PostgreSQL 9.*pg_dump.*restore"):
        await EmbeddedPostgres(data).start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


async def test_foreign_folder_is_never_overwritten(data: Path) -> None:
    """Files that are no cluster stay; the sentence asks to move them."""
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "letter.txt").write_text("keep me")
    with pytest.raises(EmbeddedError, match="neither empty nor a PostgreSQL database"):
        await EmbeddedPostgres(data).start()
    assert (data / "postgres" / "letter.txt").read_text() == "keep me"


async def test_setting_without_programs_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong TIDEHALL_POSTGRES_BIN is said, not passed over; the folder is free for the corrected start."""
    monkeypatch.setenv("TIDEHALL_POSTGRES_BIN", str(data))
    with pytest.raises(EmbeddedError, match="TIDEHALL_POSTGRES_BIN"):
        await EmbeddedPostgres(data).start()
    monkeypatch.delenv("TIDEHALL_POSTGRES_BIN")
    async with running(data) as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1


async def test_log_is_bounded(data: Path) -> None:
    """A log beyond its bound is moved on to one older piece, and the server writes on into the fresh one."""
    log = data / "postgres.log"
    async with running(data) as postgres:
        os.truncate(log, LOG_BYTES + 1)
        await until(lambda: log.stat().st_size < LOG_BYTES, "the fresh log")
        assert (data / "postgres.log.1").stat().st_size == LOG_BYTES + 1
        with pytest.raises(asyncpg.UndefinedTableError):
            await ask(postgres.url, "SELECT 1 FROM lost_property")
        await until(lambda: "lost_property" in log.read_text(), "the server's new line")
    assert mode(log) == 0o600


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may walk through (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.skipif(not ROOT, reason="only root lends its programs to another account")
def test_programs_below_a_closed_home_are_copied(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that `nobody` can't reach are copied to where it can; the closed folder stays closed."""
    nobody = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    package = locate(None).folder.parent.parent
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        (closed / part.name).symlink_to(part)
    monkeypatch.setenv("TIDEHALL_POSTGRES_BIN", str(closed / package.name / "pginstall" / "bin"))
    first = locate(nobody, cache=open_folder / "cache")
    assert first.folder.is_relative_to(open_folder / "cache")
    made = first.folder.stat().st_ino
    assert locate(nobody, cache=open_folder / "cache").folder.stat().st_ino == made, "copied twice"
    assert mode(closed) == 0o700
