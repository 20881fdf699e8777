"""Accounts through the HTTP door: who gets in, with what rights, until when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args

from tests.live.door import problem
from tests.live.people import FIRST, NAME, OWN, PASSWORDS, WINDOW, add, enter, quick
from tidehall.display.http.access import KINDS, POSTS, Person, Principal
from tidehall.display.http.sessions import SESSION
from tidehall.hall.plan import Post as PlanPost
from tidehall.store.accounts import Account, SignedIn
from tidehall.store.posts import Post, PostName


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
