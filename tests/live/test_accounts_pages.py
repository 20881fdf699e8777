"""The pages of signing in and out: they lead to a desk and back, and to no other site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.live.door import Stage
from tests.live.people import FIRST, NAME, OWN, PASSWORDS, WINDOW, add, enter, quick
from tidehall.display.http.sessions import SESSION


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
        weak = await submit(
            s, "/sign-in/password?lang=en", cookie, password=FIRST, new_password="short", again="short", to=desk
        )
        assert (weak.status_code, "too weak" in weak.text) == (422, True)
        changed = await submit(s, "/sign-in/password", cookie, password=FIRST, new_password=OWN, again=OWN, to=desk)
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


async def test_without_a_wanted_page_everybody_arrives_at_his_own(tmp_path: Path) -> None:
    """Who supervises comes to the dashboard, who has one desk to that, who has to choose to the front door; a page that
    was wanted goes before."""
    async with quick(tmp_path) as s:
        for staff, post, home in (
            ("m", {"hall": "t", "post": "manager"}, "/dashboard/t"),
            ("s", {"hall": "t", "post": "supervisor", "zone": "g"}, "/dashboard/t"),
            ("r", {"hall": "t", "post": "runner"}, "/desk/t/runner"),
            ("c", WINDOW, "/"),
        ):
            await add(s, staff, post)
            await enter(s, staff)
            for to, where in (("/", home), ("/guide/t", "/guide/t"), ("//elsewhere.test", home)):
                answer = await submit(s, "/sign-in", login=f"login-{staff}", password=OWN, to=to)
                assert (answer.status_code, answer.headers["location"]) == (303, where), staff
        assert (await s.post("windows/w1/sign-in", {"staff": "c"})).status_code == 200
        seated = await submit(s, "/sign-in", login="login-c", password=OWN, to="/")
        assert seated.headers["location"] == "/desk/t/window/w1"


async def test_a_new_password_is_given_twice(tmp_path: Path) -> None:
    """Nobody sees what he types: a slip is told, by the field's name, and changes nothing."""
    async with quick(tmp_path) as s:
        await add(s, "m", {"hall": "t", "post": "manager"})
        entered = await submit(s, "/sign-in", login="login-m", password=FIRST, to="/")
        cookie: dict[str, Any] = {"cookie": f"{SESSION}={entered.cookies[SESSION]}"}
        form = {"password": FIRST, "new_password": OWN, "to": "/"}
        for again in ({}, {"again": OWN + "x"}):
            slip = await submit(s, "/sign-in/password?lang=en", cookie, **form, **again)
            assert slip.status_code == 422
            assert "New password once more: is not the same" in visible(slip.text)
        changed = await submit(s, "/sign-in/password", cookie, **form, again=OWN)
        assert (changed.status_code, changed.headers["location"]) == (303, "/dashboard/t")
