"""The calls of accounts: signing in and out, who am I, another password; and the administrator's.

Law: no answer holds a password or a token, and no wrong login says whether there is such a login. What an account may
do is said by its posts alone (R112); the employer is for reports (R113).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tidehall.display.http.access import Access, Person
from tidehall.display.http.api import good
from tidehall.display.http.bodies import Body, Empty, Id, Text
from tidehall.display.http.calls import Asked, Call, Edge
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.http.sessions import SESSION, give_cookie, keep_out_strangers
from tidehall.hall.calendar import local_text
from tidehall.store.accounts import EVERYBODY, Account, Change, Done, plain_login
from tidehall.store.posts import Post, PostName, faults, given_rights

__all__ = ["ACCOUNT_CALLS", "AccountView", "SessionView", "signed_in"]

Password = Annotated[
    str, Meta(min_length=1, max_length=200, extra_json_schema={"format": "password", "writeOnly": True})
]


class PostBody(Body, frozen=True):
    """A post; `zone` null: in the whole hall; `items` null: every item.

    The rights over cases, null: as the post usually has them. `accept`: take papers in, immediate ones to their end;
    `decide`: approve or refuse; `opine`: give opinions; `coordinate`: open and decide joint cases.
    """

    hall: Id
    post: PostName
    zone: Id | None = None
    department: Id | None = None
    items: Annotated[list[Id], Meta(min_length=1, max_length=500)] | None = None
    accept: bool | None = None
    decide: bool | None = None
    opine: bool | None = None
    coordinate: bool | None = None

    def post_of(self) -> Post:
        """The post with its rights."""
        said = {"accept": self.accept, "decide": self.decide, "opine": self.opine, "coordinate": self.coordinate}
        return Post(
            hall=self.hall, post=self.post, zone=self.zone, department=self.department,
            items=None if self.items is None else tuple(self.items), **given_rights(self.post, said),
        )  # fmt: skip


Posts = Annotated[list[PostBody], Meta(max_length=50)]


class LoginBody(Body, frozen=True):
    """Who signs in."""

    login: Text
    password: Password


class OwnPasswordBody(Body, frozen=True):
    """The password until now, and the new one."""

    password: Password
    new_password: Password


class AccountBody(Body, frozen=True):
    """A new account; its first `password` must be changed at the first sign-in. `employer` null: the hall authority."""

    staff: Id
    login: Text
    password: Password
    posts: Posts = msgspec.field(default_factory=list)
    name: Text | None = None
    employer: Id | None = None


class PostsBody(Body, frozen=True):
    """All posts of the person from now on."""

    posts: Posts


class PasswordBody(Body, frozen=True):
    """Another first password, which must be changed."""

    password: Password


class AccountView(Struct, frozen=True):
    """An account. `name` is null when it was not given, or erased."""

    staff: str
    login: str
    name: str | None
    employer: str | None
    active: bool
    must_change_password: bool
    posts: tuple[Post, ...]
    created_at: str


class SessionView(Struct, frozen=True):
    """Who is signed in; `principal` as the journal names it; `rights`: by hall; `ends_at`: at the latest."""

    staff: str
    name: str
    principal: str
    employer: str | None
    must_change_password: bool
    posts: tuple[Post, ...]
    rights: dict[str, list[str]]
    since: str
    ends_at: str


class EndedView(Struct, frozen=True):
    """Whose sessions were ended; `*`: everybody's."""

    staff: str


def session_view(person: Person) -> SessionView:
    """Who is signed in."""
    session, account = person.session, person.session.account
    halls = sorted({post.hall for post in account.posts})
    return SessionView(
        account.staff, person.name, f"staff:{account.staff}", account.employer, account.must_change, account.posts,
        {hall: sorted(person.principal(hall).rights) for hall in halls},
        local_text(session.created_at, "UTC"), local_text(session.ends_at, "UTC"),
    )  # fmt: skip


def signed_in(connection: HTTPConnection) -> Person:
    """Who has signed in. Raises Problem not_signed_in, journal_unavailable."""
    person = Access.person(connection)
    if person is None:
        raise Problem("not_signed_in")
    return person


# ---- one's own session


async def sign_in(edge: Edge, asked: Asked) -> Response:
    """A session for a login and its password; one that this browser had ends."""
    keep_out_strangers(asked.request)
    token, person = await edge.sessions.sign_in(asked.request, asked.body.login, asked.body.password)
    await end_former(edge, asked.request, person)
    response = good(session_view(person), 201)
    give_cookie(response, asked.request, token)
    return response


async def end_former(edge: Edge, connection: HTTPConnection, person: Person) -> None:
    """The session that this browser came with, if any, is over."""
    former = await edge.sessions.read(connection)
    if isinstance(former, Person) and former.session.digest != person.session.digest:
        await edge.sessions.sign_out(former)


async def sign_out(edge: Edge, asked: Asked) -> Response:
    """The session is over at once, wherever its token is."""
    person = signed_in(asked.request)
    await edge.sessions.sign_out(person)
    response = good(EndedView(person.staff))
    response.delete_cookie(SESSION, path="/")
    return response


async def who_am_i(edge: Edge, asked: Asked) -> Response:
    """The person of this session."""
    return good(session_view(signed_in(asked.request)))


async def own_password(edge: Edge, asked: Asked) -> Response:
    """Another password; all other sessions of this person end."""
    person, body = signed_in(asked.request), asked.body
    await edge.sessions.change_password(asked.request, person, body.password, body.new_password, asked.key)
    account = msgspec.structs.replace(person.session.account, must_change=False)
    renewed = msgspec.structs.replace(person, session=msgspec.structs.replace(person.session, account=account))
    return good(session_view(renewed))


# ---- the administrator's


def account_view(edge: Edge, account: Account) -> AccountView:
    """An account as the administrator sees it."""
    return AccountView(
        account.staff, account.login, edge.sessions.name(account), account.employer, account.active,
        account.must_change, account.posts, local_text(account.created_at, "UTC"),
    )  # fmt: skip


def posts_of(edge: Edge, bodies: list[PostBody]) -> tuple[Post, ...]:
    """The posts that were asked for. Raises Problem invalid with everything that their halls' plans do not have."""
    plans = {id: keeper.committed.state.plan for id, keeper in edge.house.halls.items()}
    known = {id: plan for id, plan in plans.items() if plan is not None}
    posts = tuple(body.post_of() for body in bodies)
    wrong = [
        Fault(f"posts[{place}].{fault.field}", fault.word, fault.params)
        for place, post in enumerate(posts)
        for fault in faults(post, known)
    ]
    if wrong:
        raise Problem("invalid", errors=wrong)
    return posts


def change_of(edge: Edge, asked: Asked) -> Change:
    """Who changes what under which key. Passwords stay out of the fingerprint: a quick hash must never see one."""
    plain = msgspec.to_builtins(asked.body)
    plain.pop("password", None)
    request = f"{asked.request.url.path}\n".encode() + msgspec.json.encode(plain, order="sorted")
    return Change(asked.who.name, asked.key, edge.sessions.fingerprint(request), edge.sessions.now())


async def settled(edge: Edge, staff: str, done: Done, status: int = 200) -> Response:
    """The account after a change. Raises Problem unknown_account, account_exists, key_reused."""
    if done == "exists":
        raise Problem("account_exists")
    if done == "key_reused":
        raise Problem("key_reused")
    account = None if done == "unknown" else await edge.sessions.accounts.account(staff)
    if account is None:
        raise Problem("unknown_account")
    return good(account_view(edge, account), status)


async def list_accounts(edge: Edge, asked: Asked) -> Response:
    """All accounts."""
    return good([account_view(edge, account) for account in await edge.sessions.accounts.accounts()])


async def get_account(edge: Edge, asked: Asked) -> Response:
    """One account."""
    return await settled(edge, asked.path("staff"), "done")


async def add_account(edge: Edge, asked: Asked) -> Response:
    """A new account."""
    body: AccountBody = asked.body
    posts = posts_of(edge, body.posts)
    login = plain_login(body.login)
    if not login:
        raise Problem("invalid", errors=[Fault("login", "missing")])
    departments = {
        department.id
        for keeper in edge.house.halls.values()
        if keeper.committed.state.plan is not None
        for department in keeper.committed.state.plan.departments
    }
    if body.employer is not None and body.employer not in departments:
        choices = ", ".join(sorted(departments))
        raise Problem("invalid", errors=[Fault("employer", "choice", {"choices": choices})])
    account = Account(
        staff=body.staff,
        login=login,
        password=await edge.sessions.hash(body.password, "password", login, body.staff),
        name=None if body.name is None else edge.house.persons.seal_holder(body.name).row,
        employer=body.employer,
        posts=posts,
    )
    done = await edge.sessions.accounts.add(account, change_of(edge, asked))
    edge.sessions.exist = True
    return await settled(edge, body.staff, done, 201)


async def set_posts(edge: Edge, asked: Asked) -> Response:
    """Other posts; they rule from the next request on."""
    posts, staff = posts_of(edge, asked.body.posts), asked.path("staff")
    return await settled(edge, staff, await edge.sessions.accounts.set_posts(staff, posts, change_of(edge, asked)))


async def set_password(edge: Edge, asked: Asked) -> Response:
    """Another first password; all sessions end."""
    accounts, staff = edge.sessions.accounts, asked.path("staff")
    account = await accounts.account(staff)
    if account is None:
        raise Problem("unknown_account")
    hashed = await edge.sessions.hash(asked.body.password, "password", account.login, staff)
    done = await accounts.set_password(staff, hashed, change_of(edge, asked), must_change=True)
    return await settled(edge, staff, done)


async def deactivate(edge: Edge, asked: Asked) -> Response:
    """The account is shut and its sessions are over."""
    staff, change = asked.path("staff"), change_of(edge, asked)
    return await settled(edge, staff, await edge.sessions.accounts.set_active(staff, change, active=False))


async def activate(edge: Edge, asked: Asked) -> Response:
    """The account is open again."""
    staff, change = asked.path("staff"), change_of(edge, asked)
    return await settled(edge, staff, await edge.sessions.accounts.set_active(staff, change, active=True))


async def end_sessions(edge: Edge, asked: Asked) -> Response:
    """All sessions of one person are over."""
    staff, change = asked.path("staff"), change_of(edge, asked)
    return await settled(edge, staff, await edge.sessions.accounts.end_sessions(staff, change))


async def end_all_sessions(edge: Edge, asked: Asked) -> Response:
    """Everybody must sign in again."""
    if await edge.sessions.accounts.end_sessions(EVERYBODY, change_of(edge, asked)) == "key_reused":
        raise Problem("key_reused")
    return good(EndedView(EVERYBODY))


async def erase_name(edge: Edge, asked: Asked) -> Response:
    """The person's name is forgotten for ever; the staff id stays in the journal."""
    staff, change = asked.path("staff"), change_of(edge, asked)
    return await settled(edge, staff, await edge.sessions.accounts.erase_name(staff, change))


# ---- the table

_SESSION = "/api/v1/session"
_ACCOUNTS = "/api/v1/accounts"
_AWAY = "journal_unavailable"
_TRIED = ("account_locked", "too_many")


def _admin(action: str, about: str, body: type[Any], run: Any) -> Call:
    return Call(
        "POST", f"{_ACCOUNTS}/{{staff}}/{action}", f"account_{action.replace('-', '_')}", about, run, AccountView,
        body=body, rights=("admin",), problems=("unknown_account",), part="accounts",
    )  # fmt: skip


ACCOUNT_CALLS: tuple[Call, ...] = (
    Call("GET", _SESSION, "get_session", "Who am I, and what may I do where?", who_am_i, SessionView,
         problems=("not_signed_in", _AWAY), part="session"),
    Call("POST", _SESSION, "sign_in", "Sign in: a cookie, and who has signed in.", sign_in, SessionView, status=201,
         body=LoginBody, problems=("wrong_login", "not_allowed", *_TRIED), part="session"),
    Call("DELETE", _SESSION, "sign_out", "Sign out: the session ends at once.", sign_out, EndedView,
         problems=("not_signed_in", _AWAY), part="session"),
    Call("POST", f"{_SESSION}/password", "change_password", "One's own new password; other sessions end.",
         own_password, SessionView, body=OwnPasswordBody, problems=("not_signed_in", "wrong_password", *_TRIED),
         part="session"),
    Call("GET", _ACCOUNTS, "list_accounts", "All accounts.", list_accounts, list[AccountView], rights=("admin",),
         problems=(_AWAY,), part="accounts"),
    Call("POST", _ACCOUNTS, "add_account", "A new account.", add_account, AccountView, status=201, body=AccountBody,
         rights=("admin",), problems=("account_exists", "unknown_account"), part="accounts"),
    Call("POST", f"{_ACCOUNTS}/end-sessions", "end_all_sessions", "Everybody must sign in again.", end_all_sessions,
         EndedView, body=Empty, rights=("admin",), part="accounts"),
    Call("GET", f"{_ACCOUNTS}/{{staff}}", "get_account", "One account.", get_account, AccountView, rights=("admin",),
         problems=("unknown_account", _AWAY), part="accounts"),
    _admin("posts", "Other posts, from the next request on.", PostsBody, set_posts),
    _admin("password", "Another first password, which must be changed; sessions end.", PasswordBody, set_password),
    _admin("deactivate", "Shut the account and end its sessions.", Empty, deactivate),
    _admin("activate", "Open the account again.", Empty, activate),
    _admin("end-sessions", "End all sessions of this person.", Empty, end_sessions),
    _admin("erase-name", "Forget the person's name for ever.", Empty, erase_name),
)  # fmt: skip
