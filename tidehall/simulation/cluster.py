"""Studies on many machines: a Dask cluster that runs already, used through joblib.

Law: a cluster changes where a day is played and nothing else. Every worker must hold the very version that asks, since
the same seed gives the same journal only by the same rules; joblib's pools in study.py and sizing.py know no cluster.
"""

from __future__ import annotations

import logging
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from tidehall import __version__

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterUnusable", "on_cluster"]

#: Seconds until a cluster that does not answer is none.
PATIENCE_S = 5
#: What a client says of itself when it has given the scheduler up.
GONE = ("closed", "closing")
#: Seconds without any worker until a cluster is lost: one that is started again is back before.
ALONE_S = 30.0
#: On whose versions a journal depends.
NAMES = ("tidehall", "numpy")


class ClusterUnusable(Exception):
    """The cluster can't be used; the text says why and what to do."""


def version_here() -> tuple[str, str]:
    """What a worker says of itself: the versions of NAMES."""
    import numpy

    from tidehall import __version__

    return __version__, numpy.__version__


@contextmanager
def on_cluster(address: str) -> Iterator[int]:
    """While this lasts, joblib's pools play on the cluster at `address` (host:port or a URL of Dask's); how many
    processes it has. Raises ClusterUnusable, ModuleNotFoundError without the extra."""
    from distributed import Client
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker
    from joblib import parallel_config  # type: ignore[import-untyped] # it ships no types

    for name in ("distributed", "distributed.client"):  # what goes wrong is said in one line, below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE_S)  # type: ignore[no-untyped-call] # Dask has few types
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise ClusterUnusable(
            f"no Dask cluster answers at {address}; start one: dask scheduler, dask worker"
        ) from error
    with client:
        check_workers(address, client.run(version_here, on_error="return"))
        processes = sum(client.nthreads().values())  # type: ignore[no-untyped-call] # as above
        over, alone = Event(), Event()
        Thread(target=watch, args=(client, over, alone), daemon=True).start()
        try:
            with parallel_config(backend="dask"):
                yield max(2, processes)  # for one process nobody would ask joblib
        except (FutureCancelledError, KilledWorker) as error:
            raise ClusterUnusable(f"the cluster at {address} was lost: {error}") from error
        except KeyboardInterrupt as error:
            if alone.is_set():
                raise ClusterUnusable(
                    f"the cluster at {address} was lost: it has had no worker for {ALONE_S:g} s; start some again"
                ) from error
            if client.status not in GONE:
                raise
            raise ClusterUnusable(f"the cluster at {address} was lost; start it again") from error
        finally:
            over.set()


def watch(client: Client, over: Event, alone: Event) -> None:
    """Interrupt the main thread when the scheduler is lost, or its last worker (`alone`, after a while): joblib would
    wait for its answers for ever."""
    since = monotonic()
    while not over.wait(1.0):
        if client.status in GONE:
            interrupt_main()
            return
        if has_workers(client):
            since = monotonic()
        elif monotonic() - since > ALONE_S:
            alone.set()
            interrupt_main()
            return


def has_workers(client: Client) -> bool:
    """Whether anybody plays; a scheduler that does not answer is `status`'s affair."""
    try:
        found = client.sync(client.scheduler.ncores, callback_timeout=PATIENCE_S)  # type: ignore[no-untyped-call,union-attr] # Dask has few types
    except (OSError, TimeoutError, AttributeError):  # closed in this moment, or slow
        return True
    return bool(found)


def check_workers(address: str, found: dict[str, tuple[str, str] | Exception]) -> None:
    """All of them must be as we are. Raises ClusterUnusable."""
    if not found:
        raise ClusterUnusable(
            f"the cluster at {address} has no workers; start some: dask worker {address} --nthreads 1"
        )
    ours = version_here()
    for worker, theirs in found.items():
        if isinstance(theirs, Exception):
            raise ClusterUnusable(f"{worker} has no tidehall {__version__} ({theirs}); install it there")
        if tuple(theirs) != ours:
            told = " and ".join(f"{name} {version}" for name, version in zip(NAMES, theirs, strict=True))
            wanted = " and ".join(f"{name} {version}" for name, version in zip(NAMES, ours, strict=True))
            raise ClusterUnusable(f"{worker} has {told}; install {wanted} there, or the same seed gives other days")
