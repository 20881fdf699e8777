"""The look-ahead worker beside an event loop: answers, crashes, impatience."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from time import monotonic, thread_time

import pytest
from msgspec.structs import replace

from tests.simulation.mornings import busy
from tidehall.simulation.ahead import Ahead, AheadFailed, QuestionRefused
from tidehall.simulation.lookahead import look_ahead
from tidehall.simulation.questions import Question, tidal_choices
from tidehall.simulation.tables import Scenario


@pytest.fixture(scope="module")
def morning() -> tuple[Scenario, bytes, Question]:
    """A scenario, a snapshot and a question that takes a moment."""
    scenario, hall, now = busy()
    return scenario, hall.snapshot(), Question("z", now, tidal_choices("t1"), runs=150)


async def gone(pid: int) -> None:
    """Until the process has ended, and its end was noticed."""
    deadline = monotonic() + 30
    with suppress(ProcessLookupError):
        while monotonic() < deadline:
            os.kill(pid, 0)
            await asyncio.sleep(0.01)
        pytest.fail("the process does not end")


async def test_a_worker_answers_beside_the_event_loop(morning: tuple[Scenario, bytes, Question]) -> None:
    """The answer is the one that is computed here; while the worker computes, the loop turns on and computes hardly
    anything itself; close ends the process."""
    scenario, snapshot, question = morning
    ahead = Ahead(scenario)
    await ahead.start()
    pid = ahead.pid
    assert pid is not None
    begun, turns = thread_time(), 0
    asked = asyncio.create_task(ahead.ask(snapshot, question))
    while not asked.done():
        await asyncio.wait({asked}, timeout=0.005)
        turns += 1
    waited = thread_time()
    assert await asked == look_ahead(snapshot, scenario, question)
    computed = thread_time() - waited
    assert turns > 10
    assert waited - begun < computed / 3
    await ahead.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(AheadFailed):
        await ahead.ask(snapshot, question)


async def test_a_dead_worker_is_one_lost_answer(morning: tuple[Scenario, bytes, Question]) -> None:
    """Killed while it computes: that question fails, the one behind it is answered by a new worker; killed while nobody
    asks: the next question does not notice."""
    scenario, snapshot, question = morning
    ahead = Ahead(scenario)
    await ahead.start()
    assert ahead.pid is not None
    first = asyncio.create_task(ahead.ask(snapshot, replace(question, runs=5000)))
    behind = asyncio.create_task(ahead.ask(snapshot, replace(question, runs=2)))
    await asyncio.wait({first}, timeout=0.2)
    os.kill(ahead.pid, signal.SIGKILL)
    with pytest.raises(AheadFailed):
        await first
    assert (await behind).runs == 2
    assert ahead.pid is not None
    os.kill(ahead.pid, signal.SIGKILL)
    await gone(ahead.pid)
    assert (await ahead.ask(snapshot, replace(question, runs=2))).runs == 2
    await ahead.close()


async def test_closed_while_the_worker_starts(morning: tuple[Scenario, bytes, Question]) -> None:
    """Whoever asks then is told so, and no process is left."""
    scenario, snapshot, question = morning
    ahead = Ahead(scenario)
    asked = asyncio.create_task(ahead.ask(snapshot, question))
    await asyncio.wait({asked}, timeout=0.05)
    pool = ahead.pool
    assert pool is not None
    assert ahead.pid is None
    await ahead.close()
    with pytest.raises(AheadFailed):
        await asked
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(os.getpid)


async def test_impatience_frees_the_worker(morning: tuple[Scenario, bytes, Question]) -> None:
    """Who asks too much in too little time gets a TimeoutError, a cancelled question is gone; the next is answered. A
    question that cannot be answered says why, and costs no worker."""
    scenario, snapshot, question = morning
    ahead = Ahead(scenario)
    await ahead.start()
    with pytest.raises(TimeoutError):
        await ahead.ask(snapshot, replace(question, runs=100_000), within_s=0.2)
    assert (await ahead.ask(snapshot, replace(question, runs=2))).runs == 2
    long = asyncio.create_task(ahead.ask(snapshot, replace(question, runs=100_000)))
    await asyncio.wait({long}, timeout=0.2)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert (await ahead.ask(snapshot, replace(question, runs=2))).runs == 2
    pid = ahead.pid
    with pytest.raises(QuestionRefused, match="unknown_zone"):
        await ahead.ask(snapshot, replace(question, zone="nowhere"))
    assert ahead.pid == pid
    await ahead.close()
