"""Look-ahead in a process of its own: one warm worker, asked from an event loop.

Law: nothing is computed on the loop; one question is under way at a time, the others wait for their turn. Who loses
patience (cancel, timeout) takes the worker along, so that nobody behind him waits for an answer that nobody wants; a
worker that dies is an error for its own question only. The next question finds a new one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING

from tidehall.hall.engine import Hall
from tidehall.hall.errors import HallError
from tidehall.simulation.questions import Answer, Question

if TYPE_CHECKING:  # the worker alone needs numpy and SimPy
    from tidehall.simulation.tables import Scenario

__all__ = ["Ahead", "AheadFailed", "QuestionRefused"]

#: The worker steps back when the machine is busy.
NICE = 10


class AheadFailed(Exception):
    """The worker died over this question; ask again, or let it be."""


class QuestionRefused(ValueError):
    """The question cannot be answered: why."""


# ---- in the worker


class Worker:
    """What the worker knows."""

    scenario: Scenario | None = None


def begin(scenario: Scenario | None) -> int:
    """The worker's first task: everything that is slow the first time; answers its process id."""
    from scipy import special  # type: ignore[import-untyped] # noqa: F401 # no types; loaded for its slow import

    from tidehall.simulation import lookahead  # noqa: F401 # the same

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a keyboard's interrupt is the server's affair
    if hasattr(os, "nice"):
        os.nice(NICE)
    threading.Thread(target=follow_parent, daemon=True).start()
    Worker.scenario = scenario
    return os.getpid()


def follow_parent() -> None:
    """No worker outlives its server, however that ended."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def answer(snapshot: bytes, question: Question, rates: dict[str, float] | None) -> Answer:
    """Answer one question."""
    from tidehall.simulation.lookahead import look_ahead
    from tidehall.simulation.recent import recent_scenario

    try:
        hall = Hall.restore(snapshot, estimates=False)
        scenario = Worker.scenario if rates is None else recent_scenario(hall.state, rates, question.now)
        if scenario is None:
            raise ValueError("there is no scenario to rest on")
        return look_ahead(hall, scenario, question)
    except (HallError, ValueError) as no:  # a plain text travels between processes; not every error does
        raise QuestionRefused(str(no)) from None


# ---- in the server


class Ahead:
    """Owns the worker. `scenario`: the calibrated profile that the forecasts rest on; None: every question brings the
    rates of today (recent.py)."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.scenario = scenario
        self.turn = asyncio.Lock()
        self.pool: ProcessPoolExecutor | None = None
        self.pid: int | None = None
        self.closed = False

    async def start(self) -> None:
        """Have the worker ready; without it the first question waits for it."""
        async with self.turn:
            await self.ready()

    async def ask(
        self, snapshot: bytes, question: Question, *, rates: dict[str, float] | None = None, within_s: float = 30.0
    ) -> Answer:
        """The answer. `snapshot`: of a hall, or of a slice; `rates`: line → citizens per hour, for the scenario.

        Raises QuestionRefused; AheadFailed when the worker died; TimeoutError after `within_s`, waiting for the turn
        and a new worker included.
        """
        async with asyncio.timeout(within_s), self.turn:
            pool = await self.ready()
            try:
                task = pool.submit(answer, snapshot, question, rates)
            except BrokenProcessPool:  # it died while nobody asked
                self.drop()
                task = (await self.ready()).submit(answer, snapshot, question, rates)
            try:
                return await asyncio.wrap_future(task)
            except BrokenProcessPool as died:
                self.drop()
                raise AheadFailed("the look-ahead worker died") from died
            except asyncio.CancelledError:
                self.drop()
                raise

    async def ready(self) -> ProcessPoolExecutor:
        """The pool with its warm worker."""
        if self.closed:
            raise AheadFailed("look-ahead is closed")
        if self.pool is None:
            self.pool = pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            try:
                # a process is started by whoever submits: not on the loop
                task = await asyncio.to_thread(pool.submit, begin, self.scenario)
                pid = await asyncio.wrap_future(task)
            except RuntimeError as died:  # broken, or shut down before it began
                self.drop()
                raise AheadFailed("the look-ahead worker does not start") from died
            except asyncio.CancelledError:
                self.drop()
                raise
            if self.closed:  # meanwhile: whoever closes waits for the pool's end
                raise AheadFailed("look-ahead is closed")
            self.pid = pid
        return self.pool

    def kill(self) -> None:
        """End the worker, whatever it does."""
        pid, self.pid = self.pid, None
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def drop(self) -> None:
        """Let pool and worker go; the next question finds new ones."""
        pool, self.pool = self.pool, None
        self.kill()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def close(self) -> None:
        """End the worker and wait for its end; a question under way fails, and so do those behind it."""
        self.closed = True
        pool, self.pool = self.pool, None
        self.kill()
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)
