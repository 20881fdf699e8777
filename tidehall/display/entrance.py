"""The pages of signing in and out, and the way there from a desk that is not open to everybody.

Law: they work as plain forms, on the oldest browser; who has signed in goes on to the page that was wanted, which is
always one of ours. What is asked here goes through the same sessions as the API's.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tidehall.display.desks import desks_of, home_of
from tidehall.display.http.access import Person
from tidehall.display.http.accounts import end_former, signed_in
from tidehall.display.http.calls import Edge
from tidehall.display.http.limits import body_of
from tidehall.display.http.problems import Fault, Problem, of_field
from tidehall.display.http.sessions import SESSION, give_cookie, keep_out_strangers
from tidehall.display.rendering import Renderer, visitor_language
from tidehall.live import JournalUnavailable
from tidehall.locales import say
from tidehall.store.errors import StoreError
from tidehall.store.passwords import LEAST_PASSWORD

__all__ = ["Entrance", "way_in", "who"]


def who(edge: Edge, request: Request) -> dict[str, Any] | None:
    """Who has signed in, for the head of a desk page (templates/_who.html), with the desks of his posts in this hall.

    None where a link or token let in.
    """
    try:
        person = edge.access.person(request)
    except Problem:
        return None
    if person is None:
        return None
    keeper = edge.house.halls.get(str(request.path_params.get("hall", "")))
    desks: list[dict[str, Any]] = []
    if keeper is not None and keeper.committed.state.plan is not None:
        posts = person.principal(keeper.id).posts
        desks = desks_of(posts, person.staff, keeper.committed.state, request.url.path)
    return {"name": person.name, "staff": person.staff, "desks": desks}


def way_in(edge: Edge, request: Request, no: Problem) -> Response | None:
    """Where a browser that was kept out of a page goes: to sign in, or to choose a password; None: nowhere."""
    if "text/html" not in request.headers.get("accept", ""):
        return None
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"?to={quote(wanted, safe='/')}"
    if no.code == "must_change_password":
        return RedirectResponse(f"/sign-in/password{to}", 303, {"Cache-Control": "no-store"})
    if edge.sessions.exist and who(edge, request) is None and no.code in ("not_signed_in", "not_allowed"):
        return RedirectResponse(f"/sign-in{to}", 303, {"Cache-Control": "no-store"})
    return None


def inside(to: str | None) -> str:
    """The wanted page if it is one of ours, else the front door."""
    if not to or not to.startswith("/") or to.startswith("//") or "\\" in to or not to.isprintable():
        return "/"
    return to if not urlsplit(to).netloc else "/"


class Entrance:
    """The pages /sign-in, /sign-in/password and /sign-out."""

    def __init__(self, edge: Edge, render: Renderer) -> None:
        self.edge = edge
        self.render = render

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            Route("/sign-in", self.sign_in, methods=["GET"]),
            Route("/sign-in", self.enter, methods=["POST"]),
            Route("/sign-in/password", self.password, methods=["GET"]),
            Route("/sign-in/password", self.change, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["GET"]),
            Route("/sign-out", self.leave, methods=["POST"]),
        ]

    def page(self, request: Request, name: str, to: str, *, status: int = 200, said: str = "") -> Response:
        """One of the forms, with what was wrong."""
        lang = visitor_language(request)
        return self.render.page(
            "sign_in.html", lang, status=status, form=name, to=to, said=said, least=LEAST_PASSWORD,
            who=who(self.edge, request),
        )  # fmt: skip

    def wrong(self, request: Request, name: str, to: str, no: Problem) -> Response:
        """The form again, with the problem's sentence."""
        lang = visitor_language(request)
        said = say(f"problem.{no.code}.detail", lang)
        if no.errors:
            told = [(fault.field, say(f"problem.field.{fault.word}", lang, **fault.params)) for fault in no.errors]
            said = " ".join(of_field(field, detail, lang) for field, detail in told)
        answer = self.page(request, name, to, status=no.status, said=said)
        if no.retry_after_s is not None:
            answer.headers["Retry-After"] = str(no.retry_after_s)
        return answer

    # ---- in

    async def sign_in(self, request: Request) -> Response:
        """`/sign-in?to=…`."""
        return self.page(request, "sign_in", inside(request.query_params.get("to")))

    async def enter(self, request: Request) -> Response:
        """The form of /sign-in."""
        form = await read_form(request)
        to = inside(form.get("to"))
        try:
            keep_out_strangers(request)
            token, person = await self.edge.sessions.sign_in(request, form.get("login", ""), form.get("password", ""))
            await end_former(self.edge, request, person)
        except (Problem, StoreError) as no:
            return self.wrong(request, "sign_in", to, as_problem(no))
        further = f"/sign-in/password?to={quote(to, safe='/')}" if person.must_change else self.arrival(person, to)
        response = RedirectResponse(further, 303, {"Cache-Control": "no-store"})
        give_cookie(response, request, token)
        return response

    # ---- another password

    async def password(self, request: Request) -> Response:
        """`/sign-in/password`: for whoever has signed in."""
        to = inside(request.query_params.get("to"))
        person = self.person(request)
        if not isinstance(person, Person):
            return RedirectResponse(f"/sign-in?to={quote(to, safe='/')}", 303, {"Cache-Control": "no-store"})
        return self.page(request, "password", to)

    async def change(self, request: Request) -> Response:
        """The form of /sign-in/password."""
        form = await read_form(request)
        to = inside(form.get("to"))
        try:
            person = signed_in(request)
            old, new = form.get("password", ""), form.get("new_password", "")
            if form.get("again", "") != new:  # nobody sees what he types, and there is no way back to the old one
                raise Problem("invalid", errors=[Fault("again", "not_the_same")])
            await self.edge.sessions.change_password(request, person, old, new, secrets.token_urlsafe(12))
        except (Problem, StoreError) as no:
            return self.wrong(request, "password", to, as_problem(no))
        return RedirectResponse(self.arrival(person, to), 303, {"Cache-Control": "no-store"})

    def arrival(self, person: Person, to: str) -> str:
        """Where somebody arrives: at the page that was wanted, and where none was, at his own."""
        if to != "/":
            return to
        halls = {post.hall for post in person.session.account.posts}
        keeper = self.edge.house.halls.get(next(iter(halls))) if len(halls) == 1 else None
        if keeper is None or keeper.committed.state.plan is None:
            return to
        return home_of(person.principal(keeper.id).posts, person.staff, keeper.committed.state)

    # ---- out

    async def sign_out(self, request: Request) -> Response:
        """`/sign-out`: asks, so that no link signs anybody out."""
        return self.page(request, "sign_out", "/")

    async def leave(self, request: Request) -> Response:
        """The form of /sign-out."""
        person = self.person(request)
        if isinstance(person, Person):
            try:
                await self.edge.sessions.sign_out(person)
            except StoreError as error:
                return self.wrong(request, "sign_out", "/", as_problem(error))
        response = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        response.delete_cookie(SESSION, path="/")
        return response

    def person(self, request: Request) -> Person | None:
        """Who has signed in; None also while that can't be known."""
        try:
            return self.edge.access.person(request)
        except Problem:
            return None


async def read_form(request: Request) -> Mapping[str, Any]:
    """The fields of a form; a body that is too large has none."""
    try:
        return dict(parse_qsl((await body_of(request)).decode("utf-8", "replace"), max_num_fields=10))
    except (Problem, ValueError):
        return {}


def as_problem(no: Problem | StoreError) -> Problem:
    """What went wrong, in our words."""
    if isinstance(no, Problem):
        return no
    return Problem("journal_unavailable", retry_after_s=JournalUnavailable.retry_after_s)
