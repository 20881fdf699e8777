"""The command line's part about people: accounts of those who work in the halls, and citizens who are forgotten.

Law: names stay sealed on the way in, and none is ever printed; a wrong use is one sentence (StartError).
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
from pathlib import Path
from typing import get_args

import msgspec

from tidehall.display.http.persons import ERASE_REASONS
from tidehall.hall.errors import Refusal
from tidehall.hall.papers.commands import ErasePerson
from tidehall.live import Ask, HallKeeper
from tidehall.locales import say
from tidehall.server import StartError
from tidehall.settings import Settings
from tidehall.store.accounts import EVERYBODY, Account, Change, Done, PostgresAccounts, plain_login
from tidehall.store.erasure import erase_person, persons_of
from tidehall.store.journal import PostgresJournal
from tidehall.store.passwords import LEAST_PASSWORD, Passwords, weak
from tidehall.store.persons import Persons
from tidehall.store.posts import RIGHTS, Post, PostName, given_rights, rights_of

__all__ = [
    "add_account_commands", "add_person_commands", "change_account", "erase_one", "find_person", "list_accounts",
    "read_post",
]  # fmt: skip


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
        "HALL:ZONE:POST[:DEPARTMENT[:ITEM,ITEM…[:RIGHT,RIGHT…]]], ZONE empty or * for the whole hall; may be given "
        f"several times; posts: {', '.join(get_args(PostName))}; rights over cases: {', '.join(RIGHTS)}, or none; "
        "left out: as the post usually has them"
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


def add_person_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tidehall person …`: citizens whom the hall knows."""
    person = commands.add_parser("person", help="citizens: whom a ticket or case names, and forgetting them")
    below = person.add_subparsers(dest="person_command", required=True, metavar="COMMAND")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        sub = below.add_parser(name, help=what, description=what)
        sub.add_argument("--hall", required=True)
        sub.add_argument("--data", type=Path, default=None, metavar="DIR", help="the data folder (default: data)")
        return sub

    find = add("find", "the ids of the persons whom a ticket or case names, or who has an identity number")
    about = find.add_mutually_exclusive_group(required=True)
    about.add_argument("--ticket", metavar="ID")
    about.add_argument("--case", metavar="ID")
    number = "read the identity number from the first line of FILE (-: of standard input)"
    about.add_argument("--id-number-from", metavar="FILE", help=number)
    erase = add("erase", "forget a person for ever: name, numbers, address, signature, personal notes")
    erase.add_argument("--person", required=True, metavar="ID", help="the id, as events name the person")
    erase.add_argument("--reason", choices=sorted(ERASE_REASONS), default="own_request", help="why, for the journal")
    erase.add_argument("--force", action="store_true", help="even though a ticket or case of the person is open")


def read_post(text: str) -> Post:
    """A post as the command line writes it. Raises StartError."""
    parts = [part.strip() for part in text.split(":")]
    if not 3 <= len(parts) <= 6 or not parts[0]:
        raise StartError(f"--post {text}: write HALL:ZONE:POST[:DEPARTMENT[:ITEM,ITEM[:RIGHT,RIGHT]]]")
    hall, zone, post, department, items, rights = [*parts, "", "", ""][:6]
    try:
        name = msgspec.convert(post, PostName)
    except msgspec.ValidationError:
        raise StartError(f"--post {text}: {post!r} is no post; there are: {', '.join(get_args(PostName))}") from None
    said = [right.strip() for right in rights.split(",")] if rights not in ("", "none") else []
    if unknown := [right for right in said if right not in RIGHTS]:
        raise StartError(f"--post {text}: {unknown[0]!r} is no right; there are: {', '.join(RIGHTS)}, or none")
    return Post(
        hall=hall, zone=None if zone in ("", "*") else zone, post=name, department=department or None,
        items=tuple(item.strip() for item in items.split(",")) if items else None,
        **given_rights(name, {right: right in said for right in RIGHTS} if rights else {}),
    )  # fmt: skip


def first_line(source: str, option: str) -> str:
    """The first line of a file, or of standard input for "-". Raises StartError."""
    try:
        text = sys.stdin.readline() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{option} {source}: cannot be read ({error}); name a text file, or -") from error
    return text.split("\n", 1)[0].rstrip("\r")


def first_password(source: str | None, *names: str) -> tuple[str, bool]:
    """A first password, and whether it was made up here. Raises StartError."""
    if source is None:
        return secrets.token_urlsafe(12), True
    password = first_line(source, "--password-from")
    if weak(password, *names):
        sentence = say("problem.field.weak_password", "en", least=LEAST_PASSWORD)
        raise StartError(f"--password-from {source}: the password is {sentence}")
    return password, False


def post_text(post: Post) -> str:
    """A post as `--post` takes it; rights only where they are not the usual ones."""
    parts = [post.hall, post.zone or "*", post.post, post.department or "", ",".join(post.items or ())]
    own = rights_of(post)
    if dict.fromkeys(own, True) != {right: True for right, has in given_rights(post.post, {}).items() if has}:
        parts.append(",".join(own) or "none")
    return ":".join(parts).rstrip(":")


async def list_accounts(accounts: PostgresAccounts, *, as_json: bool) -> int:
    """Every account, a line each; names stay sealed."""
    for account in await accounts.accounts():
        if as_json:
            shown = {k: v for k, v in msgspec.to_builtins(account).items() if k not in ("password", "name")}
            print(json.dumps(shown, ensure_ascii=False))
            continue
        posts = " ".join(post_text(post) for post in account.posts)
        state = "shut" if not account.active else "must change password" if account.must_change else "active"
        print(f"{account.staff:<16} {account.login:<20} {state:<22} {account.employer or '-':<12} {posts}")
    return 0


async def change_account(
    arguments: argparse.Namespace, settings: Settings, accounts: PostgresAccounts, posts: tuple[Post, ...], now: int
) -> int:
    """Make one change at `now` (µs) as the actor `command-line`; `posts` fit their halls. Raises StartError."""
    action, staff = arguments.account_command, arguments.staff
    change = Change("command-line", secrets.token_urlsafe(12), b"", now)
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
        password, printed = first_password(arguments.password_from, login, staff)
        made_up = password if printed else None
        persons = None if arguments.name is None else Persons.load(settings.data / "persons.key", create=False)
        account = Account(
            staff=staff, login=login, password=await Passwords().hash(password), employer=arguments.employer,
            name=None if persons is None else persons.seal_holder(arguments.name).row, posts=posts,
        )  # fmt: skip
        done = await accounts.add(account, change)
    elif action == "posts":
        done = await accounts.set_posts(staff, posts, change)
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


async def find_person(arguments: argparse.Namespace, settings: Settings, journal: PostgresJournal) -> int:
    """Print whom a ticket or case names, by id. Exit 1 when it names nobody."""
    if arguments.id_number_from is not None:
        persons = Persons.load(settings.data / "persons.key", create=False)
        number = first_line(arguments.id_number_from, "--id-number-from").strip()
        id = await journal.find_holder(arguments.hall, persons.lookup(number))
        found = {} if id is None else {"person": id}
    else:
        found = await persons_of(journal, arguments.hall, arguments.ticket or arguments.case)
    there = await journal.sealed(arguments.hall, list(found.values()))
    for role, id in found.items():
        print(f"{role}: {id}" + ("" if id in there else " (erased)"))
    if not found:
        print(f"hall {arguments.hall}: nobody is named there", file=sys.stderr)
    return 0 if found else 1


async def erase_one(arguments: argparse.Namespace, keeper: HallKeeper) -> int:
    """Forget one person, as the actor `command-line`. Exit 1 while something open needs him."""
    person, journal = arguments.person, keeper.journal
    row = (await journal.sealed(keeper.id, [person])).get(person)
    if row is None or row.kind != "holder":
        raise StartError(f"--person {person}: hall {keeper.id} keeps nobody under this id; see: tidehall person find")
    command = ErasePerson(person, arguments.reason, arguments.force)
    key = secrets.token_urlsafe(12)
    try:
        await keeper.submit(Ask(command, "command-line", key, b"", lambda hall, events: (200, b"{}")))
    except Refusal as no:
        sentence = say(f"problem.{no.code}.detail", "en", **no.details)
        print(f"--person {person}: {sentence} (--force)", file=sys.stderr)
        return 1
    gone = await erase_person(journal, keeper.id, person)
    print(f"{person}: erased, {gone} sealed rows; the journal keeps the id alone")
    return 0
