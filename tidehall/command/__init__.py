"""The command line: `tidehall …` as contract.md names it.

Law: exit 0 done, 1 a check failed, 2 wrong use or wrong input: one line on standard error that says what, where
and how to mend it (a wrong plan lists all its mistakes, a line each).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from pathlib import Path

import msgspec

from tidehall import __version__
from tidehall.audit import case_trace, redecide, ticket_trace
from tidehall.command.calibrating import run_calibrate
from tidehall.command.people import (
    add_account_commands,
    add_person_commands,
    change_account,
    erase_one,
    find_person,
    list_accounts,
    read_post,
)  # fmt: skip
from tidehall.command.planning import add_simulation_commands, run_compare, run_simulate, run_size
from tidehall.command.reporting import add_report_command, make_report
from tidehall.command.terminal import clock_text, print_case, print_step, progress
from tidehall.display.http.access import Grant, Links
from tidehall.hall.commands import AdoptPlan
from tidehall.hall.doubts import doubts
from tidehall.hall.errors import PlanInvalid, Refusal
from tidehall.hall.handbook import ELEMENTS, completeness, lacking
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import Ask, HallKeeper, LiveError
from tidehall.locales import say
from tidehall.records import CaseRegister, DayRecords, Follower, Projection
from tidehall.server import (
    StartError,
    demonstration_plan,
    listen,
    read_plan,
    read_scenario_file,
    read_tables,
    serve,
    serve_workers,
)
from tidehall.settings import Settings, SettingsError
from tidehall.store.accounts import PostgresAccounts
from tidehall.store.bus import open_bus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import DataInUse, EmbeddedError, EmbeddedPostgres, running_url
from tidehall.store.errors import StoreError
from tidehall.store.journal import PostgresJournal, connect, verify
from tidehall.store.posts import Post, faults
from tidehall.store.projections import PostgresProjections
from tidehall.store.rows import Head

__all__ = ["main"]


#: What `device link` can open → the kind of place (display/http/access.py).
PLACES = {
    "kiosk": "kiosk", "guide": "guide", "runner": "runner", "middle": "middle", "issue": "issue",
    "handoffs": "supervise",
}  # fmt: skip


#: Items with the least complete guides that `plan check` names.
WORST = 5


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="tidehall", description="TideHall (潮汐大厅): a government-service hall, live")
    top.add_argument("--version", action="version", version=f"tidehall {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        sub.add_argument("--data", type=Path, default=None, metavar="DIR", help="the data folder (default: data)")
        return sub

    run = add("serve", "run halls: API, feed and pages")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=8000)
    run.add_argument("--plan", type=Path, action="append", default=[], metavar="FILE", help="a new hall's plan")
    run.add_argument(
        "--demo", type=float, nargs="?", const=1.0, default=None, metavar="SPEED",
        help="open at once, with simulated citizens and clerks; SPEED scales the hall's clock",
    )  # fmt: skip
    run.add_argument(
        "--scenario", type=Path, action="append", default=[], metavar="FILE",
        help="what look-ahead rests on, for its hall (default: DATA/scenarios/HALL.toml, or the last half hour)",
    )  # fmt: skip
    run.add_argument("--workers", type=int, default=1, metavar="N", help="processes on one database")

    plan = commands.add_parser("plan", help="check or adopt a hall plan")
    plans = plan.add_subparsers(dest="plan_command", required=True, metavar="check|adopt")
    check = plans.add_parser("check", help="list every mistake of a plan, with its place")
    check.add_argument("file", type=Path)
    adopt = plans.add_parser("adopt", help="adopt a plan, from the next service day or --now")
    adopt.add_argument("file", type=Path)
    adopt.add_argument("--now", action="store_true", help="at once; refused with the list of what stands against it")
    adopt.add_argument("--data", type=Path, default=None, metavar="DIR")

    show = add("journal", "print a hall's events")
    show.add_argument("--hall", required=True)
    show.add_argument("--after", type=int, default=0, metavar="SEQ")
    show.add_argument("--jsonl", action="store_true", help="one JSON object a line")

    prove = add("verify", "prove that the journal is whole")
    prove.add_argument("--hall", required=True)
    prove.add_argument("--rules", action="store_true", help="decide every command again and compare the events")
    prove.add_argument("--anchor", type=Path, metavar="FILE", help="a head kept elsewhere: shows a cut-off tail")

    trace = add("trace", "one ticket's or one case's whole life")
    trace.add_argument("--hall", required=True)
    about = trace.add_mutually_exclusive_group(required=True)
    about.add_argument("--ticket", metavar="ID")
    about.add_argument("--case", metavar="ID", help="a case's id, or its receipt's number")
    trace.add_argument("--json", action="store_true")

    again = add("rebuild", "drop what is kept beside the journal (cases, statistics) and make it again from it")
    again.add_argument("--hall", required=True)
    add_account_commands(commands)
    add_device_commands(commands)
    add_person_commands(commands)
    add_report_command(commands)
    add_simulation_commands(commands)
    return top


def add_device_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall device …`: browsers that belong to a place in the hall, not to a person."""
    device = commands.add_parser("device", help="browsers of a place: kiosk, window, desk")
    below = device.add_subparsers(dest="device_command", required=True, metavar="COMMAND")
    what = "a link that lets one browser in at a place; good once, within 12 hours"
    link = below.add_parser("link", help=what, description=what)
    link.add_argument("place", metavar="PLACE", help=f"{', '.join(PLACES)}, office:DEPARTMENT or window:WINDOW")
    link.add_argument("--hall", required=True)
    link.add_argument("--data", type=Path, default=None, metavar="DIR", help="the data folder (default: data)")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The environment, overridden by the options."""
    settings = Settings.read()
    if getattr(arguments, "data", None) is not None:
        settings = replace(settings, data=arguments.data)
    return settings


@contextlib.asynccontextmanager
async def open_journal(settings: Settings) -> AsyncIterator[PostgresJournal]:
    """The journal, of a running server or of our own PostgreSQL started for the moment."""
    url, postgres = settings.database_url, None
    if url is None:
        if not settings.data.is_dir():
            raise StartError(f"{settings.data}: there is no such data folder; name it with --data")
        url = running_url(settings.data)
        if url is None:
            if not (settings.data / "postgres").is_dir():
                raise StartError(f"{settings.data}: holds no hall yet; name the folder that `serve` uses with --data")
            postgres = EmbeddedPostgres(settings.data)
            try:
                url = await postgres.start()
            except DataInUse:
                postgres, url = None, running_url(settings.data)
                if url is None:
                    raise
    try:
        journal = await connect(url)
        try:
            yield journal
        finally:
            await journal.close()
    finally:
        if postgres is not None:
            await postgres.stop()


async def known_hall(journal: PostgresJournal, hall: str) -> Head:
    """The head of a hall's journal. Raises StartError for a hall that has none."""
    head = await journal.head(hall)
    if head is None:
        halls = ", ".join(await journal.halls()) or "none"
        raise StartError(f"--hall {hall}: there is no such hall here; there are: {halls}")
    return head


# ---- the commands


def run_serve(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    if arguments.workers < 1:
        raise StartError("--workers must be at least 1")
    if not 0 <= arguments.port <= 65535:
        raise StartError(f"--port {arguments.port}: must lie between 0 and 65535")
    if arguments.demo is not None and not 0.1 <= arguments.demo <= 1000:
        raise StartError(f"--demo {arguments.demo:g}: a speed must lie between 0.1 and 1000")
    if arguments.demo is not None and settings.database_url is not None:
        raise StartError("--demo uses a database of its own: unset TIDEHALL_DATABASE_URL")
    for path in arguments.plan:
        read_plan(path)
    for path in arguments.scenario:
        read_scenario_file(path)
    door = listen(arguments.host, arguments.port)
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    settings = replace(
        settings,
        plans=settings.plans + tuple(arguments.plan),
        scenarios=settings.scenarios + tuple(arguments.scenario),
        demo=arguments.demo if arguments.demo is not None else settings.demo,
        base_url=os.environ.get("TIDEHALL_BASE_URL") or f"http://{host}:{door.getsockname()[1]}",
    )
    with door:
        if arguments.workers == 1:
            run_loop(serve(settings, door))
        else:
            run_loop(serve_workers(settings, door, arguments.workers))
    return 0


def run_worker(fd: int, number: int) -> int:
    """One of several processes behind one listening socket (started by `serve --workers`)."""
    with socket.socket(fileno=fd) as door:
        run_loop(serve(Settings.read(), door, announce=number == 0, worker=True))
    return 0


def run_loop(work: Coroutine[None, None, None]) -> None:
    """Run on uvloop where it is."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def print_handbook(plan: Plan) -> None:
    """How complete the items' guides are: information, not a mistake (R64)."""
    found = completeness(plan)
    if not found.items:
        return
    guided = sum(item.guide is not None for item in plan.items)
    print(
        f"guides: {found.share:.1%} of the {len(ELEMENTS)} elements over {found.items} items; "
        f"{guided} items have a guide of their own"
    )
    items = {item.code: item for item in plan.items}
    for code, filled in found.worst[:WORST]:
        print(f"  {code}: {filled} of {len(ELEMENTS)}, lacks {', '.join(lacking(plan, items[code]))}")


def run_plan(arguments: argparse.Namespace) -> int:
    tables = read_tables(arguments.file, "plan file")
    plan = parse_plan(tables)
    if arguments.plan_command == "check":
        for doubt in doubts(plan, tables):
            print(f"{arguments.file}: warning: {doubt}", file=sys.stderr)
        print(
            f"{arguments.file}: right. Hall {plan.hall.id}: {len(plan.zones)} zones, {len(plan.lines)} lines, "
            f"{len(plan.windows)} windows, {len(plan.departments)} departments, {len(plan.items)} items, "
            f"{len(plan.boards)} boards"
        )
        print_handbook(plan)
        return 0

    async def adopt() -> int:
        settings = settings_of(arguments)
        wanted = demonstration_plan(plan) if (settings.data / "demonstration.json").exists() else plan
        async with open_journal(settings) as journal, open_hall(settings, journal, plan.hall.id) as keeper:
            key = f"adopt-{keeper.committed.state.seq}"
            command = AdoptPlan(wanted, now=arguments.now)
            try:
                # The answer says whether anything came of it: the hall's seq may rise by what time brings meanwhile.
                done = await keeper.submit(
                    Ask(command, "command-line", key, b"", lambda hall, events: (200 if events else 204, b"{}"))
                )
            except Refusal as no:
                if no.code != "plan_blocked":
                    raise StartError(f"{arguments.file}: {no.code}: {no.details}") from no
                for against in no.details["against"]:
                    print(f"{arguments.file}: stands against it: {against}", file=sys.stderr)
                return 1
            if done.status == 204:
                print("the hall has this plan already")
            else:
                print("adopted: it rules now" if arguments.now else "adopted: it rules from the next service day")
            return 0

    return asyncio.run(adopt())


def run_journal(arguments: argparse.Namespace) -> int:
    async def show() -> int:
        async with open_journal(settings_of(arguments)) as journal:
            await known_hall(journal, arguments.hall)
            after = arguments.after
            while rows := await journal.read(arguments.hall, after):
                for row in rows:
                    body = json.loads(row.body)
                    if arguments.jsonl:
                        entry = msgspec.to_builtins(row) | {"body": body, "digest": row.digest.hex()}
                        print(json.dumps(entry, ensure_ascii=False))
                    else:
                        what = " ".join(
                            f"{name}={value}" for name, value in body.items()
                            if name not in ("kind", "at", "plan", "rank")
                        )  # fmt: skip
                        print(f"{row.seq:>8}  {clock_text(row.at)}  {row.kind:<20} {what}  [{row.actor}]")
                after = rows[-1].seq
        return 0

    return asyncio.run(show())


def run_verify(arguments: argparse.Namespace) -> int:
    async def prove() -> int:
        anchor = None
        if arguments.anchor is not None:
            try:
                anchor = msgspec.json.decode(arguments.anchor.read_bytes(), type=Head)
            except OSError as error:
                raise StartError(f"{arguments.anchor}: {error.strerror}; name a file with a head") from error
            except msgspec.DecodeError as error:
                raise StartError(f"{arguments.anchor}: holds no head of a journal ({error})") from error
        async with open_journal(settings_of(arguments)) as journal:
            head = await known_hall(journal, arguments.hall)
            found = await verify(journal, arguments.hall, anchor=anchor)
            faults = list(found.faults)
            again = None
            if arguments.rules and not faults:
                again = await redecide(journal, arguments.hall, upto=head.seq)
                faults += again.differences
        for fault in faults:
            print(f"hall {arguments.hall}: {fault}", file=sys.stderr)
        if faults:
            return 1
        print(f"hall {arguments.hall}: {found.seq} events, the chain is whole; head {found.digest.hex()}")
        if again is not None:
            print(f"hall {arguments.hall}: {again.commands} commands decided again, event for event the same")
            if again.estimates:
                print(f"hall {arguments.hall}: {again.estimates} numbers would be shown another wait by this version")
        return 0

    return asyncio.run(prove())


def run_trace(arguments: argparse.Namespace) -> int:
    async def show() -> int:
        async with open_journal(settings_of(arguments)) as journal:
            await known_hall(journal, arguments.hall)
            store = PostgresProjections(journal)
            if arguments.case is not None:
                found = await case_trace(journal, store, arguments.hall, arguments.case)
                if found is None:
                    raise StartError(f"--case {arguments.case}: hall {arguments.hall} has no such case")
                print_case(found, as_json=arguments.json)
                return 0
            steps = await ticket_trace(journal, store, arguments.hall, arguments.ticket)
        if not steps:
            raise StartError(f"--ticket {arguments.ticket}: hall {arguments.hall} has no such ticket")
        if arguments.json:
            print(json.dumps(steps, ensure_ascii=False))
        else:
            for step in steps:
                print_step(step["seq"], step["at"], step["kind"], step["body"], step["actor"])
        return 0

    return asyncio.run(show())


def run_rebuild(arguments: argparse.Namespace) -> int:
    async def rebuild() -> int:
        hall = arguments.hall
        kept: dict[str, Projection] = {
            "the register of cases was": CaseRegister(), "the days of the statistics were": DayRecords(),
        }  # fmt: skip
        async with open_journal(settings_of(arguments)) as journal:
            await known_hall(journal, hall)
            for what, projection in kept.items():
                follower = Follower(hall, projection, journal=journal, store=PostgresProjections(journal))
                begun = time.monotonic()
                with progress(f"hall {hall}: {projection.name}") as bar:
                    seq = await follower.rebuild(bar.told)
                took = time.monotonic() - begun
                print(f"hall {hall}: {what} dropped and made again from {seq} events in {took:.1f} s")
        return 0

    return asyncio.run(rebuild())


def run_report(arguments: argparse.Namespace) -> int:
    async def report() -> int:
        settings = settings_of(arguments)
        async with open_journal(settings) as journal:
            plan = await ruling_plan(settings, journal, arguments.hall)
            return await make_report(arguments, journal, plan)

    return asyncio.run(report())


def run_device(arguments: argparse.Namespace) -> int:
    async def make() -> int:
        settings, hall = settings_of(arguments), arguments.hall
        place, _, id = arguments.place.partition(":")
        async with open_journal(settings) as journal:
            plan = await ruling_plan(settings, journal, hall)
        known = {"window": [w.id for w in plan.windows], "office": [d.id for d in plan.departments]}.get(place)
        if (known is None and (place not in PLACES or id)) or (known is not None and id not in known):
            names = f": {', '.join(known)}" if known else f"; places: {', '.join(PLACES)}, office:ID or window:ID"
            raise StartError(f"{arguments.place}: hall {hall} has no such place{names}")
        page = f"/kiosk/{hall}" if place == "kiosk" else f"/desk/{hall}/{place}" + (f"/{id}" if id else "")
        grant = Grant(PLACES.get(place, place), hall, id if place == "window" else None)
        links = Links(settings.data / "links")
        links.sweep()
        print(f"{settings.base_url.rstrip('/')}/enter/{links.make(grant, page)}")
        return 0

    return asyncio.run(make())


@contextlib.asynccontextmanager
async def open_hall(settings: Settings, journal: PostgresJournal, hall: str) -> AsyncIterator[HallKeeper]:
    """A hall for one command, beside whatever else serves it. Raises StartError for a hall that is not there."""
    await known_hall(journal, hall)
    clock = HallClock()
    await clock.measure(journal)
    bus = open_bus(journal, settings.redis_url, single_process=False)
    keeper = HallKeeper(hall, journal=journal, bus=bus, clock=clock)
    await keeper.start()
    try:
        yield keeper
    finally:
        await keeper.stop()
        await bus.close()


async def ruling_plan(settings: Settings, journal: PostgresJournal, hall: str) -> Plan:
    """The plan that rules in a hall now. Raises StartError for a hall that is not there."""
    async with open_hall(settings, journal, hall) as keeper:
        return keeper.committed.state.rules


def run_person(arguments: argparse.Namespace) -> int:
    async def run() -> int:
        settings = settings_of(arguments)
        async with open_journal(settings) as journal:
            await known_hall(journal, arguments.hall)
            if arguments.person_command == "find":
                return await find_person(arguments, settings, journal)
            async with open_hall(settings, journal, arguments.hall) as keeper:
                return await erase_one(arguments, keeper)

    return asyncio.run(run())


async def known_posts(settings: Settings, journal: PostgresJournal, texts: list[str]) -> tuple[Post, ...]:
    """The posts, checked against the plans of their halls. Raises StartError for the first that does not fit."""
    posts = tuple(read_post(text) for text in texts)
    plans = {hall: await ruling_plan(settings, journal, hall) for hall in sorted({post.hall for post in posts})}
    for text, post in zip(texts, posts, strict=True):
        for fault in faults(post, plans):
            raise StartError(f"--post {text}: {fault.field} {say(f'problem.field.{fault.word}', 'en', **fault.params)}")
    return posts


def run_account(arguments: argparse.Namespace) -> int:
    async def run() -> int:
        settings = settings_of(arguments)
        async with open_journal(settings) as journal:
            accounts = PostgresAccounts(journal)
            if arguments.account_command == "list":
                return await list_accounts(accounts, as_json=arguments.json)
            posts = await known_posts(settings, journal, getattr(arguments, "post", []))
            return await change_account(arguments, settings, accounts, posts, await journal.clock())

    return asyncio.run(run())


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its INFO lines hold paths, and so ticket tokens
    logging.getLogger("httpx").setLevel(logging.WARNING)
    options = argparse.Namespace()
    try:
        if given[:1] == ["worker"]:
            return run_worker(int(given[1]), int(given[2]))
        options = parser().parse_args(given)
        run = {
            "serve": run_serve, "plan": run_plan, "journal": run_journal, "verify": run_verify, "trace": run_trace,
            "rebuild": run_rebuild, "report": run_report,
            "account": run_account, "device": run_device, "person": run_person,
            "simulate": run_simulate, "compare": run_compare, "size": run_size,
            "calibrate": run_calibrate,
        }  # fmt: skip
        return run[options.command](options)
    except PlanInvalid as wrong:
        named = f"{options.file}: " if getattr(options, "file", None) is not None else ""
        for problem in wrong.problems:
            print(f"{named}{problem}", file=sys.stderr)
        return 1 if given[:2] == ["plan", "check"] else 2
    except (StartError, SettingsError, EmbeddedError, StoreError, LiveError) as error:
        print(f"tidehall: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if given[:1] == ["serve"]:
            return 0  # that is how a server is ended
        print("tidehall: stopped before the end", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
