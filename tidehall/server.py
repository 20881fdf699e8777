"""The composition root: it puts the rooms together and keeps no rule of its own.

Law: whatever goes wrong at the start is one sentence on standard error and exit code 2, never a traceback.
The command line is in tidehall/command/.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette

from tidehall.dashboards.live import dashboards
from tidehall.dashboards.monthly import month_page
from tidehall.dashboards.outlook import Known, Outlook
from tidehall.demonstration import SERVICE_S
from tidehall.display.alert_messages import Webhook
from tidehall.display.door import Door
from tidehall.display.messages import open_gateway
from tidehall.hall.errors import PlanInvalid
from tidehall.hall.plan import Calendar, Plan, Service, TideRule, parse_plan
from tidehall.live import HallKeeper, House
from tidehall.records import CaseRegister, DayRecords, Follower
from tidehall.settings import Settings
from tidehall.simulation.scenario import ScenarioInvalid, plan_source, read_scenario
from tidehall.simulation.tables import Scenario
from tidehall.store.accounts import PostgresAccounts
from tidehall.store.bus import open_bus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import connect
from tidehall.store.persons import Persons
from tidehall.store.projections import PostgresProjections

__all__ = [
    "StartError", "app", "beside", "demonstration_plan", "known_scenarios", "main", "open_house", "read_plan",
    "read_scenario_file", "read_tables", "serve", "serve_workers",
]  # fmt: skip

log = logging.getLogger("tidehall")

#: A visitor should see the tide come and go within the hour; a real hall's thresholds stand in its plan.
DEMO_TIDE = TideRule(
    open_waiting_per_window=2, open_wait_s=480, open_for_s=60, close_waiting_per_window=1, close_wait_s=240,
    close_for_s=120, settle_s=120, min_open_s=300,
)  # fmt: skip
ALL_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The listening socket's send buffer: a stalled display must not hide thousands of stale frames (facts.md 3).
SEND_BUFFER = 16_384


class StartError(Exception):
    """Something at the start is not as it must be; the message says what, where and how to mend it."""


def read_tables(path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file, which is a `what`. Raises StartError with the place of a mistake."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # Windows' editors write a byte-order mark
    except OSError as error:
        raise StartError(f"{path}: {error.strerror or error}; name a {what} that can be read") from error
    except UnicodeDecodeError as error:
        raise StartError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"{path}: {error}; mend the TOML there") from error


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file. Raises StartError with the place of a syntax error, PlanInvalid with all mistakes."""
    return parse_plan(read_tables(path, "plan file"))


def read_scenario_file(path: Path) -> Scenario:
    """The scenario in a TOML file, with its plan. Raises StartError with all mistakes, a line each."""
    tables = read_tables(path, "scenario file")
    try:
        source = plan_source(tables)
        if isinstance(source, str):
            # beside the scenario, then in the working folder; scenarios/… of a project finds its halls/… from anywhere
            places = (path.parent / source, Path(source), path.absolute().parent.parent / source)
            plan_path = next((place for place in places if place.exists()), None)
            if plan_path is None:
                raise StartError(
                    f"{path}: plan: there is no {source} beside this file, in the working folder {Path.cwd()} or in "
                    "the folder above this file's; name the plan's file"
                )
            try:
                source = read_plan(plan_path)
            except StartError as no:
                raise StartError(f"{path}: plan: {no}") from no
            except PlanInvalid as wrong:
                raise StartError(
                    "\ntidehall: ".join(f"{plan_path}: {problem}" for problem in wrong.problems)
                ) from wrong
        return read_scenario(tables, source)
    except ScenarioInvalid as wrong:
        raise StartError("\ntidehall: ".join(f"{path}: {problem}" for problem in wrong.problems)) from wrong


def known_scenarios(settings: Settings, halls: Collection[str]) -> dict[str, Known]:
    """What look-ahead rests on: the scenarios named at the start; else, in a real hall, what was calibrated into
    DATA/scenarios/HALL.toml, put aside with a warning where it is wrong. Raises StartError."""
    found: dict[str, Known] = {}
    for path in settings.scenarios:
        scenario = read_scenario_file(path)
        hall = scenario.plan.hall.id
        if hall not in halls:
            raise StartError(f"{path}: is for hall {hall!r}, which is not here; the halls are {', '.join(halls)}")
        if hall in found:
            raise StartError(f"{path}: hall {hall!r} has two scenario files; give each hall one")
        found[hall] = Known(scenario, "scenario")
    for hall in halls:
        path = settings.data / "scenarios" / f"{hall}.toml"
        if settings.demo is None and hall not in found and path.exists():
            try:
                found[hall] = Known(read_scenario_file(path), "calibrated")
            except StartError as wrong:
                log.warning("hall %s: its calibrated scenario is put aside: %s", hall, wrong)
    return found


def demonstration_plan(plan: Plan) -> Plan:
    """The same hall, open round the clock, with services as short as the demonstration's clerks make them, and with
    tides that come and go while somebody looks on."""
    replace = msgspec.structs.replace
    hall = replace(plan.hall, hours=(("00:00", "24:00"),), open_days=ALL_DAYS)
    lines = tuple(replace(line, service_s=None) for line in plan.lines)
    tide = {zone: replace(DEMO_TIDE, confirm=rule.confirm, policy=rule.policy) for zone, rule in plan.tide.items()}
    zones = tuple(replace(zone, roster=()) for zone in plan.zones)  # its hours are others
    service = Service(default_s=SERVICE_S)
    return replace(plan, hall=hall, calendar=Calendar(), zones=zones, lines=lines, service=service, tide=tide)


def mark_data(settings: Settings) -> int:
    """Make the data folder and say what it is for: demonstration data never shares a folder with a real hall.

    Returns the demonstration's origin, µs: the moment from which its clock runs at its own speed.
    """
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / "demonstration.json"
        if settings.demo is None:
            if mark.exists():
                raise StartError(f"{folder} holds demonstration data; name another folder with --data")
            (folder / "hall").touch()
            return 0
        if (folder / "hall").exists():
            raise StartError(f"{folder} holds a real hall; name another folder with --data for a demonstration")
        if not mark.exists():
            origin = time.time_ns() // 1000
            mark.write_text(json.dumps({"origin": origin, "speed": settings.demo}))
        kept = json.loads(mark.read_text())
        if kept["speed"] != settings.demo:
            raise StartError(
                f"the demonstration in {folder} runs at speed {kept['speed']:g}; "
                f"use --demo {kept['speed']:g} or another folder"
            )
        return int(kept["origin"])
    except OSError as error:
        raise StartError(
            f"{folder}: {error.strerror or error}; name a folder that can be written with --data"
        ) from error


@contextlib.asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open the store and all halls; close them in order. Raises StartError, PlanInvalid and the store's errors."""
    origin = mark_data(settings)
    plans: dict[str, Plan] = {}
    for path in settings.plans:
        plan = read_plan(path)
        if plan.hall.id in plans:
            raise StartError(f"{path}: hall {plan.hall.id!r} stands in two plan files; give each hall once")
        plans[plan.hall.id] = plan if settings.demo is None else demonstration_plan(plan)
    async with contextlib.AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            postgres = EmbeddedPostgres(settings.data)
            stack.push_async_callback(postgres.stop)
            url = await postgres.start()
        journal = await connect(url)
        stack.push_async_callback(journal.close)
        persons = Persons.load(settings.data / "persons.key")
        clock = HallClock(speed=settings.demo or 1.0, origin=origin)
        await clock.measure(journal)
        sampling = asyncio.create_task(clock.follow(journal), name="clock")
        stack.callback(sampling.cancel)
        bus = open_bus(journal, settings.redis_url, single_process=settings.single)
        stack.push_async_callback(bus.close)
        house = House(
            {}, journal, persons, bus, clock, demo=settings.demo is not None, accounts=PostgresAccounts(journal),
            projections=PostgresProjections(journal),
        )  # fmt: skip
        ids = sorted(plans.keys() | set(await journal.halls()))
        if not ids:
            raise StartError("there is no hall yet: give its plan with --plan FILE (try halls/yangxin.toml)")
        for id in ids:
            keeper = HallKeeper(id, journal=journal, bus=bus, clock=clock)
            await keeper.start(plans.get(id))
            stack.push_async_callback(keeper.stop)
            house.halls[id] = keeper
            for kept, projection in ((house.records, CaseRegister()), (house.days, DayRecords())):
                follower = Follower(id, projection, journal=journal, store=house.projections)
                beside(stack, follower.run(bus, keeper.epoch), f"{projection.name}-{id}")
                kept[id] = follower
            ruling = keeper.committed.state.plan
            if id in plans and ruling != plans[id]:
                log.warning(
                    "hall %s: the plan file differs from the plan in the journal, which rules; "
                    "adopt the file with: tidehall plan adopt FILE", id,
                )  # fmt: skip
        outlook = Outlook(known_scenarios(settings, ids))
        for keeper in house.halls.values():
            beside(stack, outlook.follow(keeper), f"outlook-{keeper.id}")
        house.outlook = outlook
        gc.freeze()
        yield house


def beside(stack: contextlib.AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Run something beside the halls until the house is closed; if it fails, that is said."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(said)
    stack.push_async_callback(cancelled, task)


def said(task: asyncio.Task[None]) -> None:
    """Nothing ends in silence."""
    if not task.cancelled() and task.exception() is not None:
        log.error("%s failed", task.get_name(), exc_info=task.exception())


async def cancelled(task: asyncio.Task[None]) -> None:
    """End a task before what it uses is closed."""
    task.cancel()
    await asyncio.wait([task])


class Server(uvicorn.Server):
    """uvicorn, telling when it has begun to listen."""

    def __init__(self, config: uvicorn.Config, ready: Any) -> None:
        super().__init__(config)
        self.ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the serving, not the process: uvicorn would raise them again before we have closed anything."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()


def listen(host: str, port: int) -> socket.socket:
    """The listening socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named as TCP: asyncio's own loop sends small answers at once only then (TCP_NODELAY), else 40 ms late
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise StartError(f"{host}:{port}: {error.strerror}; choose another --port or end the other server") from error
    door.listen(2048)
    return door


def enter(house: House, settings: Settings) -> Door:
    """The door of this house."""
    return Door(
        house,
        data=settings.data,
        base_url=settings.base_url,
        admin_token=settings.admin_token,
        gateway=None if settings.sms is None else open_gateway(settings.sms),
        webhook=None if settings.webhook is None else Webhook(settings.webhook, settings.webhook_secret),
        duty=settings.duty,
        more=dashboards,
        report=month_page,
    )


async def serve(settings: Settings, door: socket.socket, *, announce: bool = True, worker: bool = False) -> None:
    """Serve until told to stop; a worker also ends with its parent, who holds the other end of its standard input."""
    if worker:  # the port must be free at once, and nothing acknowledged can be lost: as if killed itself
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), os._exit, 1)
    async with open_house(settings) as house:
        entrance = enter(house, settings)
        config = uvicorn.Config(
            entrance.app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False,
            server_header=False, ws_ping_interval=20, ws_ping_timeout=20, timeout_graceful_shutdown=5,
            ws_per_message_deflate=False, ws_max_size=65_536,
        )  # fmt: skip
        traffic: asyncio.subprocess.Process | None = None

        def ready() -> None:
            if announce:
                for line in entrance.greeting():
                    print(line, flush=True)

        server = Server(config, ready)
        try:
            if settings.demo is not None and announce:
                traffic = await demonstrate(settings, entrance)
            await entrance.begin()
            await server.serve(sockets=[door])
        finally:
            await entrance.end()
            if traffic is not None and traffic.returncode is None:
                traffic.terminate()
                await traffic.wait()


async def demonstrate(settings: Settings, entrance: Door) -> asyncio.subprocess.Process:
    """Simulated citizens and clerks, in a process of their own, through the public API."""
    environment = os.environ | {
        "TIDEHALL_DEMO_URL": settings.base_url,
        "TIDEHALL_DEMO_TOKEN": entrance.demonstration_token(),
        "TIDEHALL_DEMO_SPEED": str(settings.demo),
        "TIDEHALL_DEMO_PARENT": str(os.getpid()),
    }
    environment.pop("TIDEHALL_ADMIN_TOKEN", None)
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tidehall.demonstration", env=environment)


async def serve_workers(settings: Settings, door: socket.socket, workers: int) -> None:
    """Several processes on one listening socket and one database; one that dies is started again."""
    async with contextlib.AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            settings.data.mkdir(parents=True, exist_ok=True)
            postgres = EmbeddedPostgres(settings.data)
            stack.push_async_callback(postgres.stop)
            url = await postgres.start()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        environment = os.environ | {
            "TIDEHALL_DATABASE_URL": url,
            "TIDEHALL_DATA": str(settings.data),
            "TIDEHALL_PLANS": os.pathsep.join(map(str, settings.plans)),
            "TIDEHALL_SCENARIOS": os.pathsep.join(map(str, settings.scenarios)),
            "TIDEHALL_BASE_URL": settings.base_url,
            "TIDEHALL_SINGLE": "0",
            "TIDEHALL_ADMIN_TOKEN": settings.admin_token or secrets.token_urlsafe(24),
        }
        if settings.demo is not None:
            environment["TIDEHALL_DEMO"] = str(settings.demo)

        async def keep(n: int) -> None:
            while not stop.is_set():
                child = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "tidehall.command", "worker", str(door.fileno()), str(n),
                    env=environment, pass_fds=[door.fileno()], stdin=asyncio.subprocess.PIPE,
                )  # fmt: skip
                ended = asyncio.create_task(child.wait())
                stopped = asyncio.create_task(stop.wait())
                await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    if child.returncode is None:
                        child.send_signal(signal.SIGINT)
                    await ended
                else:
                    log.error("worker %d ended with %s and is started again", n, child.returncode)
                    await asyncio.sleep(0.5)
                stopped.cancel()

        await asyncio.gather(*(keep(n) for n in range(workers)))


@contextlib.asynccontextmanager
async def lifespan(outer: Starlette) -> AsyncIterator[None]:
    """For `uvicorn server:app`: everything from the environment."""
    settings = Settings.read()
    async with open_house(settings) as house:
        entrance = enter(house, settings)
        outer.mount("/", entrance.app)
        await entrance.begin()
        for line in entrance.greeting():
            print(line, flush=True)
        yield
        await entrance.end()


app = Starlette(lifespan=lifespan)


def main(arguments: list[str] | None = None) -> int:
    """The command line's entry (tidehall/command/)."""
    from tidehall.command import main as command

    return command(arguments)
