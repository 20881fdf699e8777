"""Committed commands/s of one hall, fsync on, 50 clients at the keeper.

Baseline in the same run: the same four steps as one PL/pgSQL call each (`FOR UPDATE SKIP LOCKED`), 50 connections,
on the same database. Bar: at least twice the baseline.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter

import asyncpg
import uvloop

from benchmarks.day import reference_plan
from tidehall.hall import commands as c
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.live import Ask, HallKeeper
from tidehall.server import demonstration_plan
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import connect

__all__ = ["main"]

CLIENTS = 50
ROUNDS = 25  # per client and run, four commands each
RUNS = 15

BASELINE = """
CREATE SCHEMA baseline;
CREATE TABLE baseline.ticket (
    id bigserial PRIMARY KEY, line text NOT NULL, number integer NOT NULL, state text NOT NULL, serving text,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(), changed_at timestamptz);
CREATE INDEX ON baseline.ticket (line, id) WHERE state = 'waiting';
CREATE TABLE baseline.log (
    id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), what text, ticket bigint);
CREATE TABLE baseline.command (key text PRIMARY KEY, answer bigint);
CREATE SEQUENCE baseline.number;
CREATE FUNCTION baseline.step(the_key text, what text, the_line text, the_window text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE found bigint;
BEGIN
    IF what = 'take' THEN
        INSERT INTO baseline.ticket (line, number, state) VALUES (the_line, nextval('baseline.number'), 'waiting')
        RETURNING id INTO found;
    ELSIF what = 'call' THEN
        SELECT id INTO found FROM baseline.ticket WHERE line = the_line AND state = 'waiting'
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
        UPDATE baseline.ticket SET state = 'called', serving = the_window, changed_at = clock_timestamp()
        WHERE id = found;
    ELSE
        UPDATE baseline.ticket SET state = what, changed_at = clock_timestamp()
        WHERE id = (SELECT id FROM baseline.ticket WHERE serving = the_window AND state IN ('called', 'serving')
                    ORDER BY id DESC LIMIT 1)
        RETURNING id INTO found;
    END IF;
    INSERT INTO baseline.log (what, ticket) VALUES (what, found);
    INSERT INTO baseline.command VALUES (the_key, found);
    RETURN found;
END $$;
CREATE INDEX ON baseline.ticket (serving, id) WHERE state IN ('called', 'serving');
"""


def plain(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
    """The least answer."""
    return 200, b"{}"


async def crowd(client: Callable[[int], Awaitable[None]]) -> float:
    """Commands/s of all clients together."""
    begun = perf_counter()
    await asyncio.gather(*(client(i) for i in range(CLIENTS)))
    return CLIENTS * ROUNDS * 4 / (perf_counter() - begun)


async def at_the_keeper(keeper: HallKeeper, run: int) -> float:
    """Each client serves one window: take, call, start, finish."""
    plan = keeper.committed.state.rules
    windows = [w for w in plan.windows if w.lines and w.post == "acceptance"][:CLIENTS]
    n = 0

    async def do(command: Command) -> None:
        nonlocal n
        n += 1
        await keeper.submit(Ask(command, "bench", f"{run}-{n}", b"fingerprint", plain))

    if not run:
        for window in windows:
            await do(c.SignIn(window.id, f"clerk-{window.id}"))
            await do(c.OpenWindow(window.id))

    async def client(i: int) -> None:
        window = windows[i]
        for k in range(ROUNDS):
            await do(c.TakeTicket(f"t{run}-{i}-{k}", window.lines[(i + run) % len(window.lines)]))
            await do(c.CallTicket(window.id))
            await do(c.StartService(window.id))
            await do(c.FinishTicket(window.id))

    for line in [*keeper.committed.state.lines.values(), *keeper.draft.state.lines.values()]:
        line.numbering.issued = 0  # the run is no day: numbers begin again
    return await crowd(client)


async def in_sql(pool: asyncpg.Pool, run: int) -> float:
    """The same by one database call for each step."""

    async def client(i: int) -> None:
        async with pool.acquire() as connection:
            for k in range(ROUNDS):
                for what in ("take", "call", "serving", "finished"):
                    key = f"{run}-{i}-{k}-{what}"
                    await connection.fetchval("SELECT baseline.step($1, $2, $3, $4)", key, what, f"L{i % 6}", f"w{i}")

    return await crowd(client)


async def measure() -> None:
    """Both, in turn, on one database."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        url = await postgres.start()
        journal = await connect(url, timeout_s=10)
        clock = HallClock()
        await clock.measure(journal)
        plan = demonstration_plan(reference_plan())
        keeper = HallKeeper(plan.hall.id, journal=journal, bus=LocalBus(), clock=clock)
        await keeper.start(plan)
        pool = await asyncpg.create_pool(url, min_size=CLIENTS, max_size=CLIENTS)
        await pool.execute(BASELINE)
        gc.freeze()  # as the server does once its halls are loaded
        ours, theirs = [], []
        for run in range(RUNS):
            await clock.measure(journal)
            ours.append(await at_the_keeper(keeper, run))
            theirs.append(await in_sql(pool, run))
        us, them = statistics.median(ours), statistics.median(theirs)
        print(f"baseline: PL/pgSQL SKIP LOCKED, {CLIENTS} connections  {them:10,.0f} commands/s")
        print(f"keeper, group commit, {CLIENTS} clients             {us:10,.0f} commands/s   bar 2×   {us / them:.2f}×")
        await pool.close()
        await keeper.stop()
        await journal.close()
        await postgres.stop()


def main() -> None:
    """Print the figures."""
    uvloop.run(measure())


if __name__ == "__main__":
    main()
