"""Who may come through the HTTP door: principals, links, places, open channels."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from tests.live.door import ADMIN, problem, stage
from tidehall.display.http.access import COOKIE, Access, Grant, Principal
from tidehall.display.http.app import ALL_CALLS
from tidehall.display.http.problems import Problem


def test_a_principal_is_named_for_the_journal() -> None:
    """A desk acts under its window's name, and rights come from the kind of place alone."""

    found = Access.find([Grant("kiosk", "t"), Grant("window", "t", "s01")], ("window",), "t", "s01")
    assert found == Principal("window:s01", frozenset({"window", "take", "staff"}))
    assert Access.find([Grant("emperor")], ("take",), "t") is None


async def test_a_missing_principal_comes_before_every_other_error(tmp_path: Path) -> None:
    """Without a principal, or with a wrong token, it is 401 whatever else is wrong."""
    async with stage(tmp_path) as s:
        tokens = (None, "wrong", ADMIN[:-1], ADMIN + "\x80")
        for call, token in product((call for call in ALL_CALLS if call.rights), tokens):
            path = re.sub(r"\{\w+\}", "nowhere", call.path)
            answer = await s.send(
                call.method, path, token=token, headers={"idempotency-key": ""}, content=b"{" + b" " * 70_000
            )  # fmt: skip
            problem(answer, 401, "not_signed_in")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_link_lets_one_window_in_once(tmp_path: Path) -> None:
    """A link's code is good once and for its window; the cookie is HttpOnly and counts only on our own pages."""
    async with stage(tmp_path) as s:
        code = s.door.links.make(Grant("window", "t", "w1"), "/desk/t/window/w1")
        assert code not in str([path.read_text() + path.name for path in (tmp_path / "links").iterdir()])
        assert (await s.send("HEAD", f"/enter/{code}", token=None, headers={})).status_code == 204
        answer = await s.get(f"/enter/{code}", token=None)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/t/window/w1")
        assert {"HttpOnly", "SameSite=lax"} <= set(answer.headers["set-cookie"].split("; "))
        problem(await s.get(f"/enter/{code}", token=None), 410, "link_spent")
        await s.post("windows/w1/sign-in", {"staff": "clerk-w1"})
        assert (await s.post("windows/w1/open", token=None)).status_code == 200
        problem(await s.post("windows/w2/open", token=None), 403, "not_allowed")
        problem(await s.get("journal", token=None), 403, "not_allowed")
        problem(await s.post("windows/w1/close", token=None, origin="http://evil.test"), 401, "not_signed_in")
        assert (await s.post("windows/w1/close", token=None, origin="http://hall.test")).status_code == 200
        s.client.cookies.set(COOKIE, s.client.cookies[COOKIE][:-2])
        problem(await s.post("windows/w1/open", token=None), 401, "not_signed_in")


async def test_a_browser_may_hold_several_places(tmp_path: Path) -> None:
    """A second link adds to what the browser holds; each act bears the name of the place that allows it."""
    async with stage(tmp_path) as s:
        for grant in (Grant("kiosk", "t"), Grant("window", "t", "w2"), Grant("guide", "t")):
            code = s.door.links.make(grant, "/")
            assert (await s.get(f"/enter/{code}", token=None)).status_code == 303
        await s.post("windows/w2/sign-in", {"staff": "clerk-w2"})
        assert (await s.post("windows/w2/open", token=None)).status_code == 200
        assert (await s.post("tickets", {"line": "A", "channel": "kiosk"}, token=None)).status_code == 201
        events = (await s.get("journal?limit=9")).json()["events"]
        assert [e["actor"] for e in events[-2:]] == ["window:w2", "kiosk"]


async def test_a_link_that_may_be_used_again_ends_with_its_time(tmp_path: Path) -> None:
    """A demonstration's link works twice; one whose time is over works never."""
    async with stage(tmp_path) as s:
        links = s.door.links
        code = links.make(Grant("kiosk"), "/kiosk/t", again=True)
        assert links.use(code) == links.use(code) == (Grant("kiosk"), "/kiosk/t")
        late = links.make(Grant("kiosk"), "/kiosk/t", again=True, waits_s=-1)
        with pytest.raises(Problem, match="link_spent"):
            links.use(late)


async def test_the_phone_channel_is_open_but_not_for_everything(tmp_path: Path) -> None:
    """Without a principal only `phone` is let in, at a measured pace, with a key that cannot be guessed."""
    async with stage(tmp_path) as s:
        body = {"line": "A", "channel": "phone"}
        problem(await s.post("tickets", body | {"channel": "kiosk"}, token=None), 401, "not_signed_in")
        problem(await s.post("tickets", body, token=None, idempotency_key="short"), 422, "invalid")
        answers = [await s.post("tickets", body, token=None) for _ in range(25)]
        assert {answer.status_code for answer in answers} == {201, 429}
        document = problem(answers[-1], 429, "too_many")
        assert int(answers[-1].headers["retry-after"]) > 0
        assert document["code"] == "too_many"
        assert (await s.post("tickets", body)).status_code == 201, "the hall's own devices are not slowed"


async def test_the_guide_channel_needs_the_guide(tmp_path: Path) -> None:
    """A kiosk cannot pretend to be the guide desk."""
    async with stage(tmp_path) as s:
        kiosk = s.door.access.sign([Grant("kiosk", "t")])
        body = {"line": "A", "channel": "guide", "priority": "senior"}
        problem(await s.post("tickets", body, token=kiosk), 403, "not_allowed")
        problem(await s.post("windows/w1/open", token=kiosk), 403, "not_allowed")
        elsewhere = s.door.access.sign([Grant("guide", "other")])
        problem(await s.post("tickets", body, token=elsewhere), 403, "not_allowed")
