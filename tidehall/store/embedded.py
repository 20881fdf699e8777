"""Our own real PostgreSQL: made, started, watched and stopped with this process, so that a newcomer needs no other.

The one law: the data outlives every crash (of this process, of PostgreSQL, in the middle of either's start), and two
processes never serve one folder. Below the data folder lie `postgres/` (the cluster), `postgres.log` (bounded, one
older piece beside it) and `postgres.lock`. Nothing listens on the network; the Unix socket lies in a 0700 folder.
Linux and macOS. Design section 7; the reasons for each precaution: facts, "Embedded PostgreSQL".
"""

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg

from tidehall.store.binaries import Account, EmbeddedError, Programs, alive, locate, serves, spawn

__all__ = ["DataInUse", "EmbeddedError", "EmbeddedPostgres", "running_url"]

logger = logging.getLogger(__name__)

NAME = "tidehall"  # of the database and of its owner
PORT = 5432  # only a part of the socket's file name
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
POLL_S = 0.1
READY_S = 120.0  # recovery after a power cut takes its time
RELEASE_S = 10.0  # for what a killed server leaves behind (shared memory)
FAREWELL_S = 30.0  # for an earlier server that is still shutting down
STEADY_S = 30.0  # a server that lived this long is restarted without a pause
LONGEST_PAUSE_S = 10.0
LOG_BYTES = 8_000_000
STILL_HELD = "shared memory block"

# Given on the command line, so that no file in the cluster overrides them.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",  # so that pg_basebackup works; costs a journal of inserts nothing
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",  # stderr is the log; this process bounds it
    "cluster_name": NAME,
}


class DataInUse(EmbeddedError):
    """Another process serves this data folder."""


class EmbeddedPostgres:
    """One PostgreSQL server on `data`, alive from `start` to `stop` and restarted whenever it dies.

    Start it from the main thread: Linux ties "end when the parent ends" to the thread that forked.

    `restarts` counts the restarts; `failure` is the sentence that says why there is no server right now, else None.
    """

    def __init__(self, data: Path) -> None:
        self._data = data.absolute()
        self._cluster = self._data / "postgres"
        self._log = self._data / "postgres.log"
        self._lock: int | None = None
        self._account: Account | None = None
        self._programs: Programs | None = None
        self._sockets: Path | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self.restarts = 0
        self.failure: str | None = None

    @property
    def url(self) -> str:
        """The address of our database over the Unix socket; the same across restarts. EmbeddedError before `start`."""
        return self._address(NAME)

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    async def start(self) -> str:
        """Make the cluster if there is none, start the server, and return `url` once it answers.

        Raises DataInUse when another process serves `data`, EmbeddedError for everything else that stands in the way.
        """
        if self._watch is not None:
            return self.url
        self._take_lock()
        try:
            self._prepare()
            if not (self._cluster / "PG_VERSION").exists():
                await self._make_cluster()
            await self._launch()
            await self._make_database()
        except OSError as error:
            await self._leave()
            raise EmbeddedError(f"PostgreSQL couldn't be started in {self._data}: {error}.") from error
        except BaseException:
            await self._leave()
            raise
        self._watch = asyncio.create_task(self._keep_alive(), name="embedded-postgres")
        return self.url

    async def stop(self) -> None:
        """Shut the server down in order (open transactions are rolled back) and free the folder. Harmless twice."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        await self._leave()

    # --- before the server runs

    def _take_lock(self) -> None:
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._data / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(f"The data folder {self._data} can't be used: {error}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise DataInUse(
                f"The data folder {self._data} is in use by another TideHall (process {holder}). "
                "Stop it first, or name another folder with --data."
            ) from None
        self._lock = lock
        with contextlib.suppress(OSError):  # who holds it is only said, the lock itself stands
            os.truncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode("ascii"))

    def _prepare(self) -> None:
        """Settle who runs which programs on what, and refuse what can't work."""
        account = Account.for_cluster(self._cluster)
        programs = locate(account)
        version = self._cluster / "PG_VERSION"
        if version.exists():
            made_by = version.read_text("ascii").strip()
            if made_by != str(programs.major):
                raise EmbeddedError(
                    f"The database in {self._cluster} was made by PostgreSQL {made_by}, but the programs in "
                    f"{programs.folder} are version {programs.major}. Dump it with the old version (pg_dump) and "
                    "restore it into a new data folder, or name the old programs in TIDEHALL_POSTGRES_BIN."
                )
            owner = self._cluster.stat().st_uid
            if account is None and owner != os.geteuid():
                raise EmbeddedError(
                    f"The database in {self._cluster} belongs to another user (id {owner}); "
                    "start TideHall as that user."
                )
            if account is not None and owner != account.uid:
                for path in (self._cluster, *self._cluster.rglob("*")):
                    os.chown(path, account.uid, account.gid, follow_symlinks=False)
        for leftover in self._data.glob(".postgres-*"):  # an initdb that never ended
            shutil.rmtree(leftover, ignore_errors=True)
        self._account, self._programs = account, programs
        self._sockets = self._socket_folder()

    def _socket_folder(self) -> Path:
        """In the data folder, else in the temporary folder: short enough, reachable, and nobody else's."""
        private = f"{NAME}-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]}"
        for folder in (self._data / "socket", Path(tempfile.gettempdir(), private), Path("/tmp", private)):
            if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH_BYTES or set(str(folder)) & set(',"\\'):
                continue
            if self._account is not None and not self._account.reaches(folder.parent):
                continue
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            ours = {os.geteuid(), self._account.uid} if self._account is not None else {os.geteuid()}
            if folder.is_symlink() or not folder.is_dir() or found.st_uid not in ours:
                continue
            folder.chmod(0o700)
            if self._account is not None:
                os.chown(folder, self._account.uid, self._account.gid, follow_symlinks=False)
            return folder
        raise EmbeddedError(f"No private folder for PostgreSQL's socket could be made for {self._data}.")

    async def _make_cluster(self) -> None:
        """initdb beside the cluster's place, then one rename: a crash leaves all of it or none."""
        assert self._programs is not None
        if self._cluster.exists() and any(self._cluster.iterdir()):
            raise EmbeddedError(
                f"The folder {self._cluster} is neither empty nor a PostgreSQL database; "
                "move it away or name another folder with --data."
            )
        draft = Path(tempfile.mkdtemp(prefix=".postgres-", dir=self._data))
        if self._account is not None:
            os.chown(draft, self._account.uid, self._account.gid)
        command = [str(self._programs.folder / "initdb"), "-D", self._name_for_server(draft), "-U", NAME, "-E", "UTF8"]
        command += ["--locale=C", "--data-checksums", "--auth-local=trust", "--auth-host=scram-sha-256"]
        if self._programs.major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        mark = self._log_size()
        self._child = spawn([*command, "--no-instructions"], draft, log=self._log, account=self._account)
        if not await self._ended(self._child, READY_S) or self._child.returncode != 0:
            raise EmbeddedError(f"PostgreSQL's initdb failed; {self._log} says: {self._log_since(mark)}")
        self._put_in_place(draft)

    def _put_in_place(self, draft: Path) -> None:
        draft.rename(self._cluster)
        folder = os.open(self._data, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # --- running it

    async def _launch(self) -> None:
        """Start the server and wait until it is ready; EmbeddedError with its own words when it isn't."""
        assert self._programs is not None
        assert self._sockets is not None
        command = [str(self._programs.folder / "postgres"), "-D", self._name_for_server(self._cluster)]
        for name, value in {**SETTINGS, "unix_socket_directories": str(self._sockets)}.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + RELEASE_S
        while True:
            await self._settle_pid_file()
            for leftover in self._sockets.iterdir():  # a socket's own lock file may name a reused number, too
                leftover.unlink()
            mark = self._log_size()
            self._child = spawn(command, self._cluster, log=self._log, account=self._account)
            if await self._ready(self._child):
                return
            said = self._log_since(mark)
            if time.monotonic() > deadline or STILL_HELD not in said:
                raise EmbeddedError(f"PostgreSQL did not start; {self._log} says: {said}")
            await asyncio.sleep(POLL_S)

    async def _settle_pid_file(self) -> None:
        """See that a leftover postmaster.pid doesn't keep the server from starting.

        An earlier server of ours that is still there is asked to go, and waited for. A process that only inherited
        the number, or a damaged file: the file stays (its shared memory key is PostgreSQL's own guard against a
        second server), with our pid in line 1, which PostgreSQL takes for stale because we are its parent.
        """
        path = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + FAREWELL_S
        asked = False
        while path.exists():
            lines = _lines(path)
            first = lines[0].strip().lstrip("-") if lines else ""
            pid = int(first) if first.isdecimal() else 0
            if pid == os.getpid() or (pid and not alive(pid)):
                return
            if not pid or not serves(pid, self._cluster):
                logger.warning("postmaster.pid names process %s, which is no server of ours; corrected", first or "?")
                with path.open("r+b") as file:  # in place: owner and mode stay
                    file.write("\n".join([str(os.getpid()), *lines[1:], ""]).encode())
                    file.truncate()
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"An earlier PostgreSQL (process {pid}) still serves {self._cluster}; stop it first."
                )
            if not asked:
                os.kill(pid, signal.SIGINT)
                asked = True
            await asyncio.sleep(POLL_S / 5)

    async def _ready(self, child: subprocess.Popen[bytes]) -> bool:
        """True when the pid file is our child's and says so (lines 1 and 8), False when the child has ended."""
        deadline = time.monotonic() + READY_S
        while child.poll() is None:
            lines = _lines(self._cluster / "postmaster.pid")
            if len(lines) >= 8 and lines[0].strip() == str(child.pid) and lines[7].strip() == "ready":
                return True
            if time.monotonic() > deadline:
                await self._halt()
                raise EmbeddedError(f"PostgreSQL was not ready after {READY_S:.0f} seconds; see {self._log}.")
            await asyncio.sleep(POLL_S / 20)
        return False

    async def _make_database(self) -> None:
        try:
            connection = await asyncpg.connect(self._address("postgres"), timeout=RELEASE_S)
            try:
                if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", NAME):
                    await connection.execute(f"CREATE DATABASE {NAME}")
            finally:
                await connection.close()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError) as error:
            raise EmbeddedError(f"PostgreSQL started but did not answer: {error}.") from error

    async def _keep_alive(self) -> None:
        """Restart the server whenever it is gone; at once after a steady life, else with growing pauses."""
        pause, began = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(POLL_S)
            self._bound_log()
            if self._child is not None and self._child.poll() is None:
                continue
            if self.failure is None:
                self.failure = "PostgreSQL ended unexpectedly and is being started again."
                logger.error("%s See %s.", self.failure, self._log)
            if time.monotonic() - began > STEADY_S:
                pause = 0.0
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause or 0.5)
            began = time.monotonic()
            try:
                await self._launch()
            except (EmbeddedError, OSError) as error:
                self.failure = str(error)
                logger.error("PostgreSQL could not be started again: %s", error)
            else:
                self.failure = None
                self.restarts += 1
                logger.warning("PostgreSQL runs again (restart %d).", self.restarts)

    async def _halt(self) -> None:
        """Fast shutdown; if that hangs, immediate shutdown (the next start recovers); at last the axe."""
        for sent, seconds in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self._child is None or self._child.poll() is not None:
                break
            self._child.send_signal(sent)
            await self._ended(self._child, seconds)
        self._child = None

    async def _leave(self) -> None:
        await self._halt()
        sockets, self._sockets = self._sockets, None
        if sockets is not None:
            shutil.rmtree(sockets, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    async def _ended(self, child: subprocess.Popen[bytes], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while child.poll() is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_S / 20)
        return True

    # --- small matters

    def _name_for_server(self, folder: Path) -> str:
        """What the server calls the folder it starts in.

        Below a closed home folder (/root is 0700 and stays so) the other account can't walk to the data, but it may
        use the folder that it was started in; Linux has a name for that.
        """
        if self._account is None or self._account.reaches(folder.parent):
            return str(folder)
        assert self._programs is not None
        if sys.platform == "linux" and self._programs.major >= 16:  # older ones leave that folder for a moment
            return "/proc/self/cwd"
        raise EmbeddedError(
            f"PostgreSQL may not run as root, and user {self._account.uid} can't reach {self._data}; "
            "name another folder with --data or start TideHall as an ordinary user."
        )

    def _address(self, database: str) -> str:
        if self._sockets is None:
            raise EmbeddedError("Our own PostgreSQL is not running.")
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._sockets))}&port={PORT}"

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _log_since(self, mark: int) -> str:
        with self._log.open("rb") as log:
            log.seek(mark)
            return " / ".join(log.read(20_000).decode("utf-8", "replace").splitlines()[-6:])

    def _bound_log(self) -> None:
        """The server appends, so that its log can be moved on in place; lines of that very moment may be lost."""
        with contextlib.suppress(OSError):  # a full disk must not end the watch
            if self._log_size() > LOG_BYTES:
                shutil.copy(self._log, self._log.with_suffix(".log.1"))  # with its mode
                os.truncate(self._log, 0)


def running_url(data: Path) -> str | None:
    """The address of the server that another process runs on `data`, for tools beside it; None when none runs."""
    lines = _lines(data.absolute() / "postgres" / "postmaster.pid")
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return f"postgresql://{NAME}@/{NAME}?host={quote(lines[4].strip())}&port={PORT}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
