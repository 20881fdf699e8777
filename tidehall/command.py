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
import re
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec

from tidehall import __version__
from tidehall.audit import CaseTrace, case_trace, redecide, ticket_trace
from tidehall.hall.commands import AdoptPlan
from tidehall.hall.errors import PlanInvalid, Refusal
from tidehall.live import Ask, HallKeeper, LiveError
from tidehall.locales import say
from tidehall.server import StartError, demonstration_plan, listen, read_plan, serve, serve_workers
from tidehall.settings import Settings, SettingsError
from tidehall.store.accounts import EVERYBODY, Account, Change, Done, PostgresAccounts, plain_login
from tidehall.store.bus import open_bus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import DataInUse, EmbeddedError, EmbeddedPostgres, running_url
from tidehall.store.errors import StoreError
from tidehall.store.journal import PostgresJournal, connect, verify
from tidehall.store.passwords import LEAST_PASSWORD, Passwords, weak
from tidehall.store.persons import Persons
from tidehall.store.posts import Post, PostName, accepts, decides, faults
from tidehall.store.rows import Head

__all__ = ["main"]


#: Moments (µs) in an event's body.
MOMENTS = ("due", "due_at", "warn_at", "started_at", "contact_by", "callable_at", "booked_for")


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
    about.add_argument("--case", metavar="ID")
    trace.add_argument("--json", action="store_true")
    add_account_commands(commands)
    return top


def add_account_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall account …`: who works in the halls."""
    account = commands.add_parser("account", help="people who work in the halls: posts, passwords, sessions")
    below = account.add_subparsers(dest="account_command", required=True, metavar="COMMAND")

    def add(name: str, what: str, *, staff: bool = True) -> argparse.ArgumentParser:
        sub = below.add_parser(name, help=what, description=what)
        if staff:
            sub.add_argument("staff", metavar="STAFF", help="the staff id, as the journal names the person")
        sub.add_argument("--data", type=Path, default=None, metavar="DIR", help="the data folder (default: data)")
        return sub

    post = (
        "HALL:ZONE:POST[:DEPARTMENT[:ITEM,ITEM…]], ZONE empty or * for the whole hall; may be given several times; "
        f"posts: {', '.join(get_args(PostName))}"
    )
    password = "read the first line of FILE as the password (-: of standard input); else one is made up and printed"
    new = add("add", "a new account; its password must be changed at the first sign-in")
    new.add_argument("--login", required=True)
    new.add_argument("--name", help="the person's name, kept sealed")
    new.add_argument(
        "--employer", metavar="DEPARTMENT", help="the dispatching department (default: the hall authority)"
    )
    new.add_argument("--post", action="append", default=[], metavar="POST", help=post)
    new.add_argument("--password-from", metavar="FILE", help=password)
    shown = add("list", "all accounts", staff=False)
    shown.add_argument("--json", action="store_true")
    add("posts", "give a person these posts and no others").add_argument(
        "--post", action="append", default=[], metavar="POST", help=post
    )
    add("password", "another first password; the person's sessions end").add_argument(
        "--password-from", metavar="FILE", help=password
    )
    add("deactivate", "shut an account and end its sessions")
    add("activate", "open an account again")
    add("erase-name", "forget a person's name for ever")
    ends = add("end-sessions", "end the sessions of one person, or of everybody", staff=False)
    which = ends.add_mutually_exclusive_group(required=True)
    which.add_argument("staff", nargs="?", metavar="STAFF")
    which.add_argument("--all", action="store_true", help="everybody must sign in again")


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
    door = listen(arguments.host, arguments.port)
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    settings = replace(
        settings,
        plans=settings.plans + tuple(arguments.plan),
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


def run_plan(arguments: argparse.Namespace) -> int:
    plan = read_plan(arguments.file)
    if arguments.plan_command == "check":
        print(
            f"{arguments.file}: right. Hall {plan.hall.id}: {len(plan.zones)} zones, {len(plan.lines)} lines, "
            f"{len(plan.windows)} windows, {len(plan.departments)} departments, {len(plan.items)} items, "
            f"{len(plan.boards)} boards"
        )
        return 0

    async def adopt() -> int:
        settings = settings_of(arguments)
        wanted = demonstration_plan(plan) if (settings.data / "demonstration.json").exists() else plan
        async with open_journal(settings) as journal:
            await known_hall(journal, plan.hall.id)
            clock = HallClock()
            await clock.measure(journal)
            bus = open_bus(journal, settings.redis_url, single_process=False)
            keeper = HallKeeper(plan.hall.id, journal=journal, bus=bus, clock=clock)
            await keeper.start()
            try:
                key = f"adopt-{keeper.committed.state.seq}"
                command = AdoptPlan(wanted, now=arguments.now)
                before = keeper.committed.state.seq
                await keeper.submit(Ask(command, "command-line", key, b"", lambda hall, events: (200, b"{}")))
                if keeper.committed.state.seq == before:
                    print("the hall has this plan already")
                else:
                    print("adopted: it rules now" if arguments.now else "adopted: it rules from the next service day")
                return 0
            except Refusal as no:
                if no.code != "plan_blocked":
                    raise StartError(f"{arguments.file}: {no.code}: {no.details}") from no
                for against in no.details["against"]:
                    print(f"{arguments.file}: stands against it: {against}", file=sys.stderr)
                return 1
            finally:
                await keeper.stop()
                await bus.close()

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


def clock_text(at: int) -> str:
    """A moment for the terminal, UTC."""
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ")


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
            decided = None
            if arguments.rules and not faults:
                decided, differences = await redecide(journal, arguments.hall, upto=head.seq)
                faults += differences
        for fault in faults:
            print(f"hall {arguments.hall}: {fault}", file=sys.stderr)
        if faults:
            return 1
        print(f"hall {arguments.hall}: {found.seq} events, the chain is whole; head {found.digest.hex()}")
        if decided is not None:
            print(f"hall {arguments.hall}: {decided} commands decided again, event for event the same")
        return 0

    return asyncio.run(prove())


def run_trace(arguments: argparse.Namespace) -> int:
    async def show() -> int:
        async with open_journal(settings_of(arguments)) as journal:
            await known_hall(journal, arguments.hall)
            if arguments.case is not None:
                return print_case(await case_trace(journal, arguments.hall, arguments.case), arguments)
            steps = await ticket_trace(journal, arguments.hall, arguments.ticket)
        if not steps:
            raise StartError(f"--ticket {arguments.ticket}: hall {arguments.hall} has no such ticket")
        if arguments.json:
            print(json.dumps(steps, ensure_ascii=False))
        else:
            for step in steps:
                print_step(step["seq"], step["at"], step["kind"], step["body"], step["actor"])
        return 0

    return asyncio.run(show())


def print_case(trace: CaseTrace | None, arguments: argparse.Namespace) -> int:
    """A case's whole life with its durations; sealed texts stay references."""
    if trace is None:
        raise StartError(f"--case {arguments.case}: hall {arguments.hall} has no such case")
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(trace), ensure_ascii=False))
        return 0
    print(f"case {trace.case}  receipt {trace.receipt}  item {trace.item}  number {trace.number or '-'}")
    for step in trace.steps:
        print_step(step.seq, step.at, step.kind, step.body, step.actor)
    for leg in trace.durations.hand_offs:
        print(f"hand-off {leg.id}, leg {leg.leg}: {duration_text(leg.hand_off_s)}{' late' if leg.breached else ''}")
    for name in ("wait", "service", "visit", "review", "paused", "make", "delivery", "support", "whole"):
        print(f"{name:<9} {duration_text(getattr(trace.durations, f'{name}_s'))}")
    return 0


def duration_text(seconds: float | None) -> str:
    """Seconds for the terminal; what has not come to its end has none."""
    return "-" if seconds is None else f"{seconds:.1f} s"


def print_step(seq: int, at: int, kind: str, body: dict[str, object], actor: str) -> None:
    """One event of a trace."""
    hidden = ("kind", "at", "ticket", "rank", "papers", "shown")
    said = {k: clock_text(v) if isinstance(v, int) and k in MOMENTS and v else v for k, v in body.items()}
    rest = " ".join(f"{k}={v}" for k, v in said.items() if k not in hidden)
    print(f"{seq:>8}  {clock_text(at)}  {kind:<20} {rest}  [{actor}]")


def read_post(text: str) -> Post:
    """A post as the command line writes it. Raises StartError."""
    parts = [part.strip() for part in text.split(":")]
    if not 3 <= len(parts) <= 5 or not parts[0]:
        raise StartError(f"--post {text}: write HALL:ZONE:POST[:DEPARTMENT[:ITEM,ITEM]]")
    hall, zone, post, department, items = [*parts, "", ""][:5]
    try:
        name = msgspec.convert(post, PostName)
    except msgspec.ValidationError:
        raise StartError(f"--post {text}: {post!r} is no post; there are: {', '.join(get_args(PostName))}") from None
    return Post(
        hall=hall, zone=None if zone in ("", "*") else zone, post=name, department=department or None,
        items=tuple(item.strip() for item in items.split(",")) if items else None,
        accept=accepts(name), decide=decides(name),
    )  # fmt: skip


async def known_posts(settings: Settings, journal: PostgresJournal, texts: list[str]) -> tuple[Post, ...]:
    """The posts, checked against the plans of their halls. Raises StartError for the first that does not fit."""
    posts = tuple(read_post(text) for text in texts)
    clock = HallClock()
    await clock.measure(journal)
    plans = {}
    for hall in sorted({post.hall for post in posts}):
        await known_hall(journal, hall)
        bus = open_bus(journal, settings.redis_url, single_process=False)
        keeper = HallKeeper(hall, journal=journal, bus=bus, clock=clock)
        await keeper.start()
        try:
            plans[hall] = keeper.committed.state.rules
        finally:
            await keeper.stop()
            await bus.close()
    for text, post in zip(texts, posts, strict=True):
        for fault in faults(post, plans):
            raise StartError(f"--post {text}: {fault.field} {say(f'problem.field.{fault.word}', 'en', **fault.params)}")
    return posts


def first_password(source: str | None, *names: str) -> tuple[str, bool]:
    """A first password, and whether it was made up here. Raises StartError."""
    if source is None:
        return secrets.token_urlsafe(12), True
    try:
        text = sys.stdin.readline() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"--password-from {source}: cannot be read ({error}); name a text file, or -") from error
    password = text.split("\n", 1)[0].rstrip("\r")
    if weak(password, *names):
        sentence = say("problem.field.weak_password", "en", least=LEAST_PASSWORD)
        raise StartError(f"--password-from {source}: the password is {sentence}")
    return password, False


def run_account(arguments: argparse.Namespace) -> int:
    async def run() -> int:
        settings = settings_of(arguments)
        async with open_journal(settings) as journal:
            accounts = PostgresAccounts(journal)
            if arguments.account_command == "list":
                return await list_accounts(accounts, as_json=arguments.json)
            return await change_account(arguments, settings, journal, accounts)

    return asyncio.run(run())


async def list_accounts(accounts: PostgresAccounts, *, as_json: bool) -> int:
    """Every account, a line each; names stay sealed."""
    for account in await accounts.accounts():
        if as_json:
            shown = {k: v for k, v in msgspec.to_builtins(account).items() if k not in ("password", "name")}
            print(json.dumps(shown, ensure_ascii=False))
            continue
        posts = " ".join(
            ":".join(filter(None, (p.hall, p.zone or "*", p.post, p.department, ",".join(p.items or ()))))
            for p in account.posts
        )
        state = "shut" if not account.active else "must change password" if account.must_change else "active"
        print(f"{account.staff:<16} {account.login:<20} {state:<22} {account.employer or '-':<12} {posts}")
    return 0


async def change_account(
    arguments: argparse.Namespace, settings: Settings, journal: PostgresJournal, accounts: PostgresAccounts
) -> int:
    """Make one change, noted as one of the actor `command-line`. Raises StartError."""
    action, staff = arguments.account_command, arguments.staff
    change = Change("command-line", secrets.token_urlsafe(12), b"", await journal.clock())
    known = None if staff is None else await accounts.account(staff)
    done: Done
    made_up = None
    if action == "end-sessions":
        done = await accounts.end_sessions(EVERYBODY if arguments.all else staff, change)
    elif action == "add":
        if not re.fullmatch(r"[A-Za-z0-9._:@-]{1,80}", staff):
            raise StartError(f"STAFF {staff!r}: write letters, digits and . _ : @ - only")
        login = plain_login(arguments.login)
        if not login:
            raise StartError("--login: must not be empty")
        posts = await known_posts(settings, journal, arguments.post)
        password, printed = first_password(arguments.password_from, login, staff)
        made_up = password if printed else None
        persons = None if arguments.name is None else Persons.load(settings.data / "persons.key", create=False)
        account = Account(
            staff=staff, login=login, password=await Passwords().hash(password), employer=arguments.employer,
            name=None if persons is None else persons.seal_holder(arguments.name).row, posts=posts,
        )  # fmt: skip
        done = await accounts.add(account, change)
    elif action == "posts":
        done = await accounts.set_posts(staff, await known_posts(settings, journal, arguments.post), change)
    elif action == "password":
        password, printed = first_password(arguments.password_from, staff, known.login if known else staff)
        made_up = password if printed else None
        done = await accounts.set_password(staff, await Passwords().hash(password), change, must_change=True)
    elif action == "erase-name":
        done = await accounts.erase_name(staff, change)
    else:
        done = await accounts.set_active(staff, change, active=action == "activate")
    if done == "exists":
        raise StartError(f"{staff}: the staff id or the login {arguments.login!r} has an account already")
    if done != "done":
        raise StartError(f"{staff}: there is no such account; see: tidehall account list")
    print(f"{staff or 'everybody'}: {action} done" + (f"; first password: {made_up}" if made_up else ""))
    return 0


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
            "account": run_account,
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
        return 0
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
