"""Accounts through a real server: who gets in, with what rights, until when; and what is never written down."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any, get_args

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live.servers import HALL, NO_TLS, PATIENCE_S, Servers, houses, tidehall
from tests.live.test_http import Stage, problem, stage
from tests.live.test_privacy import as_bytes, betrayed, forms, on_disk
from tidehall.command import main
from tidehall.display.http.access import KINDS, POSTS, Person, Principal
from tidehall.display.http.accounts import ACCOUNT_CALLS
from tidehall.display.http.api import CALLS
from tidehall.display.http.app import SYSTEM_CALLS
from tidehall.display.http.openapi import document
from tidehall.display.http.sessions import SESSION
from tidehall.hall.plan import Post as PlanPost
from tidehall.store.accounts import Account, SignedIn
from tidehall.store.passwords import Passwords
from tidehall.store.posts import Post, PostName

FIRST, OWN = "first-tide-4711", "my-own-tide-0815"
NAME = "欧阳长风"
PASSWORDS = [FIRST, OWN, "wrong-tide-1234", "another-tide-99"]
WINDOW = {"hall": "t", "zone": "g", "post": "acceptance"}


@asynccontextmanager
async def quick(folder: Path) -> AsyncIterator[Stage]:
    """A door without a network, whose passwords are hashed with the least effort."""
    async with stage(folder) as s:
        s.door.sessions.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield s


async def add(s: Stage, staff: str = "1042", *posts: dict[str, Any], **more: Any) -> Any:
    """A new account by the administrator."""
    body = {"staff": staff, "login": f"login-{staff}", "password": FIRST, "posts": list(posts)} | more
    answer = await s.post("/api/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def enter(s: Stage, staff: str = "1042", *, password: str = OWN) -> dict[str, Any]:
    """Sign in with the first password, change it, and return the headers of that browser."""
    login = f"login-{staff}"
    answer = await s.post("/api/v1/session", {"login": login, "password": FIRST}, token=None)
    assert answer.status_code == 201, answer.text
    cookie: dict[str, Any] = {"cookie": f"{SESSION}={answer.cookies[SESSION]}"}
    s.client.cookies.clear()
    body = {"password": FIRST, "new_password": password}
    answer = await s.post("/api/v1/session/password", body, token=None, **cookie)
    assert answer.status_code == 200, answer.text
    return cookie


async def test_a_person_signs_in_and_is_known(tmp_path: Path) -> None:
    """A login and its password give a cookie that scripts can't read; it says who one is and what one may do."""
    async with quick(tmp_path) as s:
        office = {"hall": "t", "post": "officer", "department": "d", "items": ["I-1"]}
        made = await add(s, "1042", WINDOW, office, name=NAME, employer="d")
        assert (made["name"], made["employer"], made["must_change_password"]) == (NAME, "d", True)
        assert [(p["post"], p["accept"], p["decide"]) for p in made["posts"]] == [
            ("acceptance", True, False), ("officer", False, True),
        ]  # fmt: skip
        answer = await s.post("/api/v1/session", {"login": " LOGIN-1042", "password": FIRST}, token=None)
        assert answer.status_code == 201
        attributes = answer.headers["set-cookie"].lower()
        assert "httponly" in attributes
        assert "samesite=lax" in attributes
        cookie: dict[str, Any] = {"cookie": f"{SESSION}={answer.cookies[SESSION]}"}
        s.client.cookies.clear()
        assert answer.cookies[SESSION] not in answer.text
        problem(await s.post("windows/w1/open", token=None, **cookie), 403, "must_change_password")
        me = (await s.get("/api/v1/session", token=None, **cookie)).json()
        assert (me["staff"], me["name"], me["principal"], me["must_change_password"]) == (
            "1042", NAME, "staff:1042", True,
        )  # fmt: skip
        assert me["rights"] == {"t": ["office", "staff", "take", "window"]}
        body = {"password": FIRST, "new_password": OWN}
        changed = await s.post("/api/v1/session/password", body, token=None, **cookie)
        assert (changed.status_code, changed.json()["must_change_password"]) == (200, False)
        answer = await s.post("windows/w1/sign-in", {"staff": "1042"}, token=None, **cookie)
        assert answer.json()["window"]["staff"] == "1042"
        assert s.keeper.committed.state.windows["w1"].staff == "1042"
        rows = await s.journal.read("t", 0)
        assert rows[-1].actor == "staff:1042"
        ended = await s.send("DELETE", "/api/v1/session", token=None, headers=cookie)
        assert ended.status_code == 200
        problem(await s.get("/api/v1/session", token=None, **cookie), 401, "not_signed_in")
        problem(await s.post("windows/w1/open", token=None, **cookie), 401, "not_signed_in")


async def test_a_wrong_login_tells_nothing(tmp_path: Path) -> None:
    """A wrong password, an unknown login and a shut account get the very same answer; another site gets none."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        await add(s, "2", WINDOW)
        assert (await s.post("/api/v1/accounts/2/deactivate")).json()["active"] is False
        tried = [
            await s.post("/api/v1/session", {"login": login, "password": password}, token=None)
            for login, password in (("login-1", PASSWORDS[2]), ("nobody", FIRST), ("login-2", FIRST))
        ]
        assert len({answer.text for answer in tried}) == 1
        problem(tried[0], 401, "wrong_login")
        assert all("set-cookie" not in answer.headers for answer in tried)
        body = {"login": "login-1", "password": FIRST}
        foreign = await s.post("/api/v1/session", body, token=None, origin="http://elsewhere.test")
        problem(foreign, 403, "not_allowed")
        assert (await s.post("/api/v1/session", body, token=None, origin="http://hall.test")).status_code == 201


async def test_another_site_can_do_nothing_with_the_cookie(tmp_path: Path) -> None:
    """A cookie that comes with the Origin of another site, or of another port, counts for nothing."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        cookie = await enter(s, "1")
        for origin in ("http://elsewhere.test", "http://hall.test:81", "null"):
            problem(await s.post("windows/w1/open", token=None, origin=origin, **cookie), 401, "not_signed_in")
            ended = await s.send("DELETE", "/api/v1/session", token=None, headers=cookie | {"origin": origin})
            problem(ended, 401, "not_signed_in")
        answer = await s.post("windows/w1/sign-in", {"staff": "1"}, token=None, origin="http://hall.test", **cookie)
        assert answer.status_code == 200


async def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    """Ten tries lock a login for a while, the right password too, whether there is such a login or not; no other."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        await add(s, "2", WINDOW)
        for login in ("login-1", "no-such-login"):
            for _ in range(10):
                body = {"login": login, "password": PASSWORDS[2]}
                problem(await s.post("/api/v1/session", body, token=None), 401, "wrong_login")
            locked = await s.post("/api/v1/session", {"login": login.upper(), "password": FIRST}, token=None)
            problem(locked, 429, "account_locked")
            assert 0 < int(locked.headers["retry-after"]) <= 900
        body = {"login": "login-2", "password": FIRST}
        for _ in range(12):  # right passwords are no guesses
            assert (await s.post("/api/v1/session", body, token=None)).status_code == 201
        answers = [await s.post("/api/v1/session", body, token=None) for _ in range(60)]
        problem(answers[-1], 429, "too_many")


async def test_guessing_at_once_is_no_way_round(tmp_path: Path) -> None:
    """Tries that are sent together are counted before any of them is looked at."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        body = {"login": "login-1", "password": PASSWORDS[2]}
        answers = await asyncio.gather(*(s.post("/api/v1/session", body, token=None) for _ in range(30)))
        assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20


async def test_a_session_ends_at_once(tmp_path: Path) -> None:
    """Signing out, a new password, the administrator and a shut account all end sessions with the next request."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        cookie = await enter(s, "1")
        body = {"login": "login-1", "password": OWN}

        async def again() -> dict[str, Any]:
            answer = await s.post("/api/v1/session", body, token=None)
            assert answer.status_code == 201, answer.text
            s.client.cookies.clear()
            return {"cookie": f"{SESSION}={answer.cookies[SESSION]}"}

        async def holds(one: dict[str, Any]) -> bool:
            return (await s.get("tickets", token=None, **one)).status_code == 200

        other = await again()
        assert await holds(cookie)
        assert await holds(other)
        change = {"password": OWN, "new_password": PASSWORDS[3]}
        assert (await s.post("/api/v1/session/password", change, token=None, **cookie)).status_code == 200
        assert (await holds(cookie), await holds(other)) == (True, False)
        body["password"] = PASSWORDS[3]
        third = await again()
        assert (await s.post("/api/v1/accounts/1/end-sessions")).status_code == 200
        assert (await holds(cookie), await holds(third)) == (False, False)
        for end in ("deactivate", "activate"):
            fourth = await again()
            assert await holds(fourth)
            assert (await s.post("/api/v1/accounts/1/deactivate")).status_code == 200
            assert not await holds(fourth), end
            assert (await s.post("/api/v1/accounts/1/activate")).status_code == 200
            assert not await holds(fourth), end
        fifth = await again()
        assert (await s.post("/api/v1/accounts/end-sessions")).json() == {"staff": "*"}
        assert not await holds(fifth)
        sixth = await again()
        assert (await s.post("/api/v1/accounts/1/password", {"password": FIRST})).json()["must_change_password"]
        assert not await holds(sixth)


async def test_signing_in_again_ends_the_session_of_this_browser(tmp_path: Path) -> None:
    """Whoever signs in where somebody else was signed in takes that session's place."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        await add(s, "2", WINDOW)
        former = await enter(s, "1")
        answer = await s.post("/api/v1/session", {"login": "login-2", "password": FIRST}, token=None, **former)
        assert answer.json()["staff"] == "2"
        s.client.cookies.clear()
        problem(await s.get("/api/v1/session", token=None, **former), 401, "not_signed_in")


async def test_posts_give_rights_in_their_hall_alone(tmp_path: Path) -> None:
    """Rights come from posts: only in their hall and zone, from the next request on; nobody's posts give `admin`."""
    async with quick(tmp_path) as s:
        await add(s, "1", {"hall": "t", "post": "guide"})
        cookie = await enter(s, "1")
        assert (await s.get("tickets", token=None, **cookie)).status_code == 200
        problem(await s.post("windows/w1/open", token=None, **cookie), 403, "not_allowed")
        problem(await s.get("/api/v1/accounts", token=None, **cookie), 403, "not_allowed")
        problem(await s.get("journal", token=None, **cookie), 403, "not_allowed")
        problem(await s.get("/api/v1/halls/elsewhere/tickets", token=None, **cookie), 403, "not_allowed")
        posts = [{"hall": "t", "post": "auditor"}, WINDOW]
        assert (await s.post("/api/v1/accounts/1/posts", {"posts": posts})).status_code == 200
        assert (await s.get("journal", token=None, **cookie)).status_code == 200
        assert (await s.post("windows/w1/sign-in", {"staff": "1"}, token=None, **cookie)).status_code == 200
        taken = await s.post("tickets", {"line": "A", "channel": "guide"}, token=None, **cookie)
        problem(taken, 403, "not_allowed")
        problem(await s.post("windows/none/open", token=None, **cookie), 404, "unknown_window")
        assert (await s.post("/api/v1/accounts/1/posts", {"posts": []})).json()["posts"] == []
        problem(await s.post("windows/w1/open", token=None, **cookie), 403, "not_allowed")


def test_a_window_post_reaches_the_windows_of_its_zone() -> None:
    """Where a window is named, only the posts of its zone, or of the whole hall, count."""
    account = Account(staff="7", login="l", password="h", posts=(
        Post(hall="t", zone="g", post="acceptance", items=("I-1",)), Post(hall="t", post="middle"),
        Post(hall="u", post="officer", department="d"),
    ))  # fmt: skip
    person = Person(SignedIn(b"", account, 0, 0, 1), "x")
    here, there = person.principal("t", "g"), person.principal("t", "p")
    assert "window" in here.rights
    assert "window" not in there.rights
    assert "middle" in there.rights
    assert person.principal(None).rights == frozenset()
    whole = person.principal("t")
    assert whole.staff == "7"
    assert [post.post for post in whole.having("window")] == ["acceptance"]
    assert whole.covers("window", zone="g", item="I-1")
    assert not whole.covers("window", zone="g", item="I-2")
    assert not whole.covers("window", zone="p")
    assert not whole.covers("office")
    assert person.principal("u").covers("office", department="d")
    assert not person.principal("u").covers("office", department="e")
    assert Principal("admin", KINDS["admin"]).covers("office", department="e")
    assert Principal("admin", KINDS["admin"]).staff is None


def test_every_post_has_rights() -> None:
    """Every post that an account may have gives rights, and the admin token has all of them."""
    assert set(get_args(PostName)) == POSTS.keys()
    assert set(get_args(PlanPost)) <= POSTS.keys()
    assert all("staff" in rights and "admin" not in rights for rights in POSTS.values())
    assert KINDS["admin"] >= frozenset().union(*POSTS.values())


async def test_a_person_acts_under_no_other_name(tmp_path: Path) -> None:
    """Nobody sits down as somebody else, nor presses the keys of a window where another sits."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        await add(s, "2", WINDOW)
        one, two = await enter(s, "1"), await enter(s, "2")
        problem(await s.post("windows/w1/sign-in", {"staff": "2"}, token=None, **one), 403, "not_allowed")
        assert (await s.post("windows/w1/sign-in", {"staff": "1"}, token=None, **one)).status_code == 200
        said = problem(await s.post("windows/w1/open", token=None, **two), 409, "window_taken")
        assert (said["staff"], said["allowed"]) == ("1", ["take_over"])
        body = {"staff": "2", "take_over": True}
        assert (await s.post("windows/w1/sign-in", body, token=None, **two)).status_code == 200
        assert (await s.post("windows/w1/open", token=None, **two)).status_code == 200
        assert (await s.post("windows/w1/call")).status_code == 200, "the admin token acts anywhere"


async def test_the_administrators_calls_say_everything_that_is_wrong(tmp_path: Path) -> None:
    """Unknown halls, zones, departments and items, weak passwords, doubles and unknown accounts each have their no."""
    async with quick(tmp_path) as s:
        wrong = [
            {"hall": "x", "post": "guide"},
            {"hall": "t", "post": "officer"},
            {"hall": "t", "post": "tidal", "zone": "x", "items": ["I-1", "I-9"]},
        ]
        body = {"staff": "1", "login": "l-1", "password": FIRST, "posts": wrong}
        fields = [e["field"] for e in problem(await s.post("/api/v1/accounts", body), 422, "invalid")["errors"]]
        assert fields == ["posts[0].hall", "posts[1].department", "posts[2].zone", "posts[2].items"]
        for change in (
            {"posts": [], "employer": "x"},
            {"posts": [], "login": "\u3000"},
            {"posts": [], "password": "0"},
        ):
            problem(await s.post("/api/v1/accounts", body | change), 422, "invalid")
        problem(await s.post("/api/v1/accounts", body | {"posts": [], "staff": "王丽"}), 422, "invalid")
        await add(s, "1")
        problem(await s.post("/api/v1/accounts", body | {"posts": [], "login": "other"}), 409, "account_exists")
        problem(await s.post("/api/v1/accounts/1/posts", {"posts": wrong}), 422, "invalid")
        for action, more in (
            ("posts", {"posts": []}), ("password", {"password": FIRST}), ("deactivate", {}), ("activate", {}),
            ("end-sessions", {}), ("erase-name", {}),
        ):  # fmt: skip
            problem(await s.post(f"/api/v1/accounts/9/{action}", more), 404, "unknown_account")
        problem(await s.get("/api/v1/accounts/9"), 404, "unknown_account")
        assert [a["staff"] for a in (await s.get("/api/v1/accounts")).json()] == ["1"]


async def test_own_password_needs_the_old_one(tmp_path: Path) -> None:
    """The old password must be right and the new one neither weak nor the same."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        cookie = await enter(s, "1")
        path = "/api/v1/session/password"
        for body, status, code in (
            ({"password": PASSWORDS[2], "new_password": PASSWORDS[3]}, 403, "wrong_password"),
            ({"password": OWN, "new_password": OWN}, 422, "invalid"),
            ({"password": OWN, "new_password": "login-1 x9"}, 422, "invalid"),
        ):
            problem(await s.post(path, body, token=None, **cookie), status, code)
        problem(await s.post(path, {"password": OWN, "new_password": FIRST}, token=None), 401, "not_signed_in")


async def test_a_repeated_change_is_answered_again(tmp_path: Path) -> None:
    """The same key gives the same answer, with another body `key_reused`; a repeat never makes a second account."""
    async with quick(tmp_path) as s:
        body = {"staff": "1", "login": "l-1", "password": FIRST, "posts": [WINDOW], "name": NAME}
        first = await s.post("/api/v1/accounts", body, idempotency_key="one")
        again = await s.post("/api/v1/accounts", body, idempotency_key="one")
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        other = await s.post("/api/v1/accounts", body | {"staff": "2"}, idempotency_key="one")
        problem(other, 422, "key_reused")
        for key in ("two", "two"):
            assert (await s.post("/api/v1/accounts/1/erase-name", idempotency_key=key)).json()["name"] is None
        problem(await s.post("/api/v1/accounts/1/deactivate", idempotency_key="two"), 422, "key_reused")


def test_the_document_has_these_calls() -> None:
    """OpenAPI holds every call of accounts with its body, statuses and schemas; passwords are write-only."""
    data = document(CALLS + ACCOUNT_CALLS + SYSTEM_CALLS)
    for call in ACCOUNT_CALLS:
        said = data["paths"][call.path][call.method.lower()]
        assert set(said["responses"]) == {str(call.status), *map(str, call.answering())}
        assert ("security" in said) == bool(call.rights)
        assert ("requestBody" in said) == (call.method == "POST")
    assert data["components"]["schemas"]["LoginBody"]["properties"]["password"]["writeOnly"] is True
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(data)):
        assert reference.removeprefix("#/components/schemas/") in data["components"]["schemas"]
    kinds = product(ACCOUNT_CALLS, ("AccountView", "SessionView"))
    assert not [call.name for call, kind in kinds if "password" in data["components"]["schemas"][kind]["properties"]]


# ---- pages


def visible(page: str) -> str:
    """A page without its marks."""
    return re.sub(r"<[^>]+>", " ", page)


async def submit(s: Stage, path: str, /, cookie: dict[str, Any] | None = None, **form: str) -> Any:
    """Send a page's form as a browser does."""
    headers = {"accept": "text/html", "origin": "http://hall.test", **(cookie or {})}
    answer = await s.client.post(path, data=form, headers=headers)
    s.client.cookies.clear()
    return answer


async def test_a_desk_leads_to_the_sign_in_and_back(tmp_path: Path) -> None:
    """Without accounts a desk tells how to get in; with them it leads over signing in and a first own password back."""
    async with quick(tmp_path) as s:
        html: dict[str, Any] = {"accept": "text/html"}
        desk = "/desk/t/window/w1?lang=en"
        kept_out = await s.get(desk, token=None, **html)
        assert (kept_out.status_code, "This page is for staff" in kept_out.text) == (401, True)
        await add(s, "1042", WINDOW, name=NAME)
        sent = await s.get(desk, token=None, **html)
        assert sent.status_code == 303
        assert sent.headers["location"] == "/sign-in?to=/desk/t/window/w1%3Flang%3Den"
        assert (await s.get("/desk/t/guide/state", token=None)).status_code == 401, "a script gets no page"
        page = await s.get(sent.headers["location"], token=None, **html)
        assert f'value="{desk}"' in page.text

        wrong = await submit(s, "/sign-in?lang=en", login="login-1042", password=PASSWORDS[2], to=desk)
        assert wrong.status_code == 401
        assert "Wrong login" not in wrong.text
        assert "do not fit" in visible(wrong.text)
        assert f'value="{desk}"' in wrong.text
        assert PASSWORDS[2] not in wrong.text
        entered = await submit(s, "/sign-in", login="login-1042", password=FIRST, to=desk)
        assert (entered.status_code, entered.headers["location"]) == (
            303, "/sign-in/password?to=/desk/t/window/w1%3Flang%3Den",
        )  # fmt: skip
        cookie: dict[str, Any] = {"cookie": f"{SESSION}={entered.cookies[SESSION]}"}
        first = await s.get(desk, token=None, **html, **cookie)
        assert first.headers["location"] == entered.headers["location"]
        weak = await submit(s, "/sign-in/password?lang=en", cookie, password=FIRST, new_password="short", to=desk)
        assert (weak.status_code, "too weak" in weak.text) == (422, True)
        changed = await submit(s, "/sign-in/password", cookie, password=FIRST, new_password=OWN, to=desk)
        assert (changed.status_code, changed.headers["location"]) == (303, desk)

        opened = await s.get(desk, token=None, **html, **cookie)
        assert opened.status_code == 200
        assert NAME in visible(opened.text)
        assert 'value="1042" readonly' in opened.text
        other = await s.get("/desk/t/guide?lang=en", token=None, **html, **cookie)
        assert (other.status_code, "another post" in other.text) == (403, True)
        left = await submit(s, "/sign-out", cookie)
        assert (left.status_code, left.headers["location"]) == (303, "/")
        assert (await s.get(desk, token=None, **html, **cookie)).status_code == 303


async def test_the_sign_in_leads_to_no_other_site(tmp_path: Path) -> None:
    """Whatever is given as the wanted page, the way goes on inside this house; another site's form does nothing."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW)
        await enter(s, "1")
        for to in (
            "https://elsewhere.test/",
            "//elsewhere.test",
            "/\\elsewhere.test",
            "javascript:alert(1)",
            "/\n/x",
            "",
        ):
            answer = await submit(s, "/sign-in", login="login-1", password=OWN, to=to)
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), to
        form = {"login": "login-1", "password": OWN}
        foreign = await s.client.post("/sign-in", data=form, headers={"origin": "http://elsewhere.test"})
        assert foreign.status_code == 403
        assert "set-cookie" not in foreign.headers


async def test_signing_out_asks_first(tmp_path: Path) -> None:
    """Opening /sign-out by a link ends nothing; it names who is signed in."""
    async with quick(tmp_path) as s:
        await add(s, "1", WINDOW, name=NAME)
        cookie = await enter(s, "1")
        page = await s.get("/sign-out", token=None, **cookie)
        assert NAME in page.text
        assert (await s.get("/api/v1/session", token=None, **cookie)).status_code == 200
        assert (await s.get("/sign-in/password", token=None)).status_code == 303


# ---- over the network, on PostgreSQL


@asynccontextmanager
async def browser(base: str, login: str, password: str, own: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in, and has chosen its `own` password."""
    async with httpx.AsyncClient(base_url=base, trust_env=False, verify=NO_TLS, timeout=25) as client:
        answer = await client.post("/api/v1/session", json={"login": login, "password": password})
        assert answer.status_code == 201, answer.text
        if own is not None:
            body = {"password": password, "new_password": own}
            answer = await client.post("/api/v1/session/password", json=body)
            assert answer.status_code == 200, answer.text
        yield client


async def close_code(socket: ClientConnection) -> int | None:
    """The code with which the server ends this socket."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


async def new_account(house: Servers, staff: str = "1042") -> None:
    """A window clerk."""
    body = {
        "staff": staff, "login": f"login-{staff}", "password": FIRST, "name": NAME,
        "posts": [{"hall": HALL, "zone": "g", "post": "acceptance"}],
    }  # fmt: skip
    answer = await house.client.request("POST", "accounts", body)
    assert answer.status == 201, answer


async def test_a_session_ends_at_once_on_every_server(tmp_path: Path) -> None:
    """A session made at one server holds at the other, and ends at both at once; its open socket closes with 4401."""
    async with houses(tmp_path, servers=2, windows=2) as house:
        await new_account(house)
        first, second = house.servers
        async with browser(first.base, "login-1042", FIRST, OWN) as client:
            cookie = {"Cookie": f"{SESSION}={client.cookies[SESSION]}"}
            path = f"/api/v1/halls/{HALL}/tickets"
            assert (await client.get(f"{second.base}{path}", headers=cookie)).status_code == 200
            live = f"ws://127.0.0.1:{second.port}/api/v1/halls/{HALL}/live?window=w01"
            async with connect(live, additional_headers=cookie) as socket:
                await asyncio.wait_for(socket.recv(), PATIENCE_S)
                assert (await house.client.request("POST", "accounts/1042/end-sessions")).status == 200
                for server in (first, second):
                    answer = await client.get(f"{server.base}{path}", headers=cookie)
                    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
                assert await asyncio.wait_for(close_code(socket), PATIENCE_S) == 4401
            listed = await house.client.get(f"halls/{HALL}/tickets")
            assert listed.status == 200, "the admin token has no session to lose"


async def test_no_password_is_ever_written_down(tmp_path: Path) -> None:
    """Passwords, tokens and names of people stand in no table, log, metric, journal or file; hashes are Argon2id."""
    found: list[str] = []
    async with houses(tmp_path, external=True, windows=2) as house:
        assert house.postgres is not None
        assert house.url is not None
        await new_account(house)
        base = house.server.base
        async with browser(base, "login-1042", FIRST, OWN) as client:
            wrong = await client.post("/api/v1/session", json={"login": "login-1042", "password": PASSWORDS[2]})
            assert wrong.status_code == 401
            odd = await client.post("/api/v1/session", json={"login": PASSWORDS[3], "password": [PASSWORDS[2]]})
            assert odd.status_code == 422
            assert betrayed("a refusal", odd.content, PASSWORDS) == []
            seated = await client.post(f"/api/v1/halls/{HALL}/windows/w01/sign-in", json={"staff": "1042"})
            assert seated.status_code == 200
            token = client.cookies[SESSION]
        events = await house.client.journal()
        assert events[-1]["actor"] == "staff:1042"
        metrics = (await house.client.get("/metrics", token=None)).body
        secrets = [*PASSWORDS, NAME, token]
        found += betrayed("the journal", json.dumps(events, ensure_ascii=False).encode(), secrets)
        found += betrayed("the metrics", metrics.encode(), secrets)
        for path in ("/", f"/board/{HALL}/main", f"/api/v1/halls/{HALL}"):
            page = await house.client.get(path, token=None)
            found += betrayed(path, str(page.body).encode(), secrets)
        house.server.stop()
        assert house.server.complaints() == []
        connection = await asyncpg.connect(house.url)
        try:
            hashed = await connection.fetchval("SELECT password FROM tidehall.account")
            assert hashed.startswith("$argon2id$")
            assert await Passwords().verify(hashed, OWN) == (True, None)
            for name in ("account", "account_name", "session", "account_change", "event", "command", "sealed"):
                rows = await connection.fetch(f"SELECT * FROM tidehall.{name}")
                content = b"\n".join(as_bytes(value) for row in rows for value in row.values())
                assert rows or name == "sealed", name
                found += betrayed(f"table {name}", content, secrets)
            actions = await connection.fetch("SELECT actor, action FROM tidehall.account_change ORDER BY at")
            assert [tuple(row) for row in actions] == [("admin", "add"), ("staff:1042", "password")]
        finally:
            await connection.close()
        await house.postgres.stop()
        found += betrayed("the log", house.server.log.read_bytes(), secrets)
        found += on_disk(tmp_path, secrets)
    assert found == []
    assert len(list(forms(NAME))) > 1, "names are looked for in every form"


async def test_a_hash_is_renewed_when_its_parameters_have_changed(tmp_path: Path) -> None:
    """Whoever signs in with an old hash has one of today's afterwards, under the same password and session."""
    async with houses(tmp_path, external=True, windows=2) as house:
        assert house.url is not None
        await new_account(house)
        old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(FIRST)
        connection = await asyncpg.connect(house.url)
        try:
            await connection.execute("UPDATE tidehall.account SET password = $1", old)
            async with browser(house.server.base, "login-1042", FIRST) as client:
                assert (await client.get("/api/v1/session")).json()["staff"] == "1042"
            new = await connection.fetchval("SELECT password FROM tidehall.account")
        finally:
            await connection.close()
        assert new != old
        assert await Passwords().verify(new, FIRST) == (True, None)


async def test_accounts_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside a running server: add, list, give posts, reset, shut; a wrong use is one line and exit code 2."""
    secret = tmp_path / "first"
    secret.write_text(FIRST + "\n", "utf-8")
    async with houses(tmp_path, windows=2) as house:

        async def account(*arguments: str) -> tuple[int, str, str]:
            code = await asyncio.to_thread(main, ["account", *arguments, "--data", str(house.data)])
            return code, *capsys.readouterr()

        async def enters(password: str) -> int:
            body = {"login": "wang.li", "password": password}
            async with httpx.AsyncClient(base_url=house.server.base, trust_env=False, verify=NO_TLS) as client:
                return (await client.post("/api/v1/session", json=body)).status_code

        post = f"{HALL}:g:acceptance"
        new = ("add", "1042", "--login", "Wang.Li", "--name", NAME, "--password-from", str(secret), "--post", post)
        ran = await asyncio.to_thread(tidehall, "account", *new, data=house.data)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert await enters(FIRST) == 201
        for wrong, what in (
            (new, "already"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:moon:guide"), "zone"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:g:emperor"), "emperor"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:g"), "HALL:ZONE:POST"),
            (("add", "1", "--login", "x", "--post", "elsewhere:g:guide"), "elsewhere"),
            (("add", "王丽", "--login", "x"), "letters"),
            (("add", "1", "--login", "x", "--password-from", str(tmp_path / "none")), "none"),
            (("posts", "9", "--post", post), "no such account"),
            (("deactivate", "9"), "no such account"),
        ):
            code, said, complaint = await account(*wrong)
            assert (code, said, complaint.count("\n")) == (2, "", 1), (wrong, complaint)
            assert what in complaint
            assert "Traceback" not in complaint
        code, said, _ = await account("list")
        assert (code, said.split()[:2], said.count("\n")) == (0, ["1042", "wang.li"], 1)
        assert post in said
        assert NAME not in said
        assert (await account("posts", "1042", "--post", f"{HALL}::auditor", "--post", f"{HALL}:*:middle"))[0] == 0
        shown = json.loads((await account("list", "--json"))[1])
        assert [(p["zone"], p["post"]) for p in shown["posts"]] == [(None, "auditor"), (None, "middle")]
        assert "argon2" not in json.dumps(shown)
        code, said, _ = await account("password", "1042")
        assert code == 0
        assert await enters(FIRST) == 401
        assert await enters(said.split()[-1]) == 201
        assert (await account("end-sessions", "--all"))[0] == 0
        assert (await account("end-sessions", "1042"))[0] == 0
        assert (await account("deactivate", "1042"))[0] == 0
        assert await enters(said.split()[-1]) == 401
        assert (await account("activate", "1042"))[0] == 0
        assert await enters(said.split()[-1]) == 201
        assert (await account("erase-name", "1042"))[0] == 0
        answer = await house.client.get("accounts/1042")
        assert (answer.body["name"], answer.body["must_change_password"]) == (None, True)
        assert betrayed("the log", house.server.log.read_bytes(), [*PASSWORDS, said.split()[-1]]) == []
