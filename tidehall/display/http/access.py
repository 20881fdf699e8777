"""Who may come in: the admin's token, signed bearer tokens, the page cookie of a one-time link, and signed-in people.

Law: a right is granted to a kind of place (kiosk, window, guide desk …) or to a person's posts, never asked of the
request; secrets are compared in constant time and nothing secret is written down or logged. A link's code is kept
only as its hash.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer
from msgspec import Struct
from starlette.requests import HTTPConnection

from tidehall.display.http.problems import Problem
from tidehall.live import JournalUnavailable
from tidehall.store.accounts import SignedIn
from tidehall.store.posts import Post

__all__ = [
    "COOKIE",
    "KINDS",
    "LASTS_S",
    "LINK_WAITS_S",
    "PERSON",
    "POSTS",
    "UNKNOWN",
    "Access",
    "Grant",
    "Links",
    "Person",
    "Principal",
    "reaches",
    "same_origin",
]

COOKIE = "tidehall"
#: Seconds for which a cookie or a bearer token is good.
LASTS_S = 90 * 24 * 3600
#: Seconds for which a link waits to be used.
LINK_WAITS_S = 12 * 3600
#: Places that one browser may hold at once (a demonstration opens several desks in one).
MOST_GRANTS = 24

#: Where in a connection's scope the signed-in person stands (sessions.py puts it there), or UNKNOWN when the sessions
#: could not be read.
PERSON = "tidehall.person"
UNKNOWN = "unknown"

_AT_WINDOW = frozenset({"window", "take", "staff"})
_GUIDING = frozenset({"guide", "take", "staff"})
#: A person's post → its rights in its hall. runner, middle, office, issue, make: the posts of the papers' way ·
#: supervise: zones and the hall · erase: forget a citizen; the others as below. What an officer or a clerk may do with
#: a case stands in his post (store/posts.py).
POSTS: dict[str, frozenset[str]] = {
    "acceptance": _AT_WINDOW,
    "precheck": _AT_WINDOW,
    "tidal": _AT_WINDOW,
    "issue": _AT_WINDOW | {"issue"},
    "consult": _GUIDING,
    "guide": _GUIDING,
    "service": _GUIDING,
    "assist": _GUIDING,
    "runner": frozenset({"runner", "staff"}),
    "middle": frozenset({"middle", "staff"}),
    "officer": frozenset({"office", "staff"}),
    "chief_representative": _AT_WINDOW | {"office"},
    "maker": frozenset({"make", "staff"}),
    "supervisor": frozenset({"supervise", "staff"}),
    "manager": frozenset({"supervise", "erase", "staff"}),
    "auditor": frozenset({"audit", "staff"}),
}

#: kind → its rights. take: give numbers · window: act at windows · guide: the guide desk · staff: read everything that
#: staff may see · audit: the journal · admin: accounts, and all of it.
KINDS: dict[str, frozenset[str]] = {
    "kiosk": frozenset({"take"}),
    "window": frozenset({"window", "take", "staff"}),
    "guide": frozenset({"guide", "take", "staff"}),
    "auditor": frozenset({"audit", "staff"}),
    "runner": POSTS["runner"],
    "middle": POSTS["middle"],
    "office": POSTS["officer"],
    "make": POSTS["maker"],
    "issue": frozenset({"issue", "staff"}),
    "supervise": POSTS["supervisor"],
    "demo": frozenset({"take", "window", "guide", "staff", "runner", "middle", "office", "make", "issue", "supervise"}),
    "admin": frozenset({"admin"}).union(*POSTS.values()),
}


class Grant(Struct, frozen=True, array_like=True):
    """A place in a hall: of one of the KINDS, in `hall` (None: in every hall), at `window` (None: at all)."""

    kind: str
    hall: str | None = None
    window: str | None = None


class Principal(Struct, frozen=True):
    """Who acts, as the journal names it ("admin", "window:s01", "guide", "staff:1042" …) and with what rights.

    `posts`: of a signed-in person, those in this hall (and, where a window is named, in its zone).
    """

    name: str
    rights: frozenset[str]
    posts: tuple[Post, ...] = ()

    @property
    def staff(self) -> str | None:
        """The staff id of a signed-in person; None for devices, links and tokens."""
        return self.name.removeprefix("staff:") if self.name.startswith("staff:") else None

    def having(self, right: str) -> tuple[Post, ...]:
        """The person's posts that give this right."""
        return tuple(post for post in self.posts if right in POSTS[post.post])

    def covers(
        self, right: str, *, zone: str | None = None, department: str | None = None, item: str | None = None
    ) -> bool:
        """Whether the right reaches there; whoever is no person has it everywhere. What is None is not asked."""
        if self.staff is None:
            return right in self.rights
        return any(reaches(post, zone, department, item) for post in self.having(right))


class Person(Struct, frozen=True):
    """Somebody who has signed in; `name` is the display name, the staff id where there is none."""

    session: SignedIn
    name: str

    @property
    def staff(self) -> str:
        """The staff id."""
        return self.session.account.staff

    @property
    def must_change(self) -> bool:
        """Whether the password must be changed before anything else."""
        return self.session.account.must_change

    def principal(self, hall: str | None, zone: str | None = None) -> Principal:
        """What this person is in a hall, by the posts that reach `zone` (None: by all)."""
        posts = tuple(
            post
            for post in self.session.account.posts
            if post.hall == hall and (zone is None or post.zone in (None, zone))
        )
        return Principal(f"staff:{self.staff}", frozenset().union(*(POSTS[post.post] for post in posts)), posts)


def reaches(post: Post, zone: str | None = None, department: str | None = None, item: str | None = None) -> bool:
    """Whether a post's zone, department and items hold these; what is None is not asked."""
    return (
        (zone is None or post.zone in (None, zone))
        and (department is None or post.department in (None, department))
        and (item is None or post.items is None or item in post.items)
    )


def _principal(grant: Grant) -> Principal:
    name = f"{grant.kind}:{grant.window}" if grant.window else grant.kind
    return Principal(name, KINDS.get(grant.kind, frozenset()))


class Access:
    """Says who asks. `secret` signs cookies and bearer tokens; it must be the same on all servers of a hall.

    `zone_of`: the zone of a window in a hall, None for a window that is not there.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        admin_token: str | None = None,
        zone_of: Callable[[str, str], str | None] = lambda hall, window: None,
    ) -> None:
        self._zone_of = zone_of
        self._signer = URLSafeTimedSerializer(secret, salt="tidehall access", signer_kwargs={"digest_method": sha256})
        self._admin = admin_token.encode() if admin_token else None

    def grants(self, connection: HTTPConnection) -> tuple[Grant, ...]:
        """What the request's bearer token, or else its cookie, holds; nothing when it is not genuine or too old."""
        header = connection.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            return self._bearer(token.strip()) if scheme.lower() == "bearer" else ()
        cookie = connection.cookies.get(COOKIE)
        return self._opened(cookie) if cookie and same_origin(connection) else ()

    @staticmethod
    def person(connection: HTTPConnection) -> Person | None:
        """Who has signed in; a bearer token stands before a session. Raises Problem journal_unavailable."""
        found = connection.scope.get(PERSON)
        if found is None or "authorization" in connection.headers:
            return None
        if not isinstance(found, Person):
            raise Problem("journal_unavailable", retry_after_s=JournalUnavailable.retry_after_s)
        return found

    def _bearer(self, token: str) -> tuple[Grant, ...]:
        if self._admin is not None and hmac.compare_digest(token.encode(errors="replace"), self._admin):
            return (Grant("admin"),)
        return self._opened(token)

    def _opened(self, signed: str) -> tuple[Grant, ...]:
        try:
            return tuple(msgspec.convert(self._signer.loads(signed, max_age=LASTS_S), list[Grant]))
        except (BadData, msgspec.ValidationError):
            return ()

    def sign(self, grants: Iterable[Grant]) -> str:
        """A bearer token or cookie value that holds these grants."""
        return str(self._signer.dumps(msgspec.to_builtins(list(grants))))

    def joined(self, connection: HTTPConnection, grant: Grant) -> str:
        """The cookie value that adds `grant` to what this browser holds already."""
        cookie = connection.cookies.get(COOKIE)
        held = [old for old in (self._opened(cookie) if cookie else ()) if old != grant]
        return self.sign([*held, grant][-MOST_GRANTS:])

    def allow(
        self, connection: HTTPConnection, rights: Sequence[str], hall: str | None = None, window: str | None = None
    ) -> Principal:
        """The principal that has one of `rights` here.

        Raises Problem not_signed_in, not_allowed, must_change_password, journal_unavailable.
        """
        found = self.admits(connection, rights, hall, window)
        if found is not None:
            return found
        person = self.person(connection)
        if person is not None and person.must_change:
            raise Problem("must_change_password")
        raise Problem("not_signed_in" if person is None and not self.grants(connection) else "not_allowed")

    def admits(
        self, connection: HTTPConnection, rights: Sequence[str], hall: str | None = None, window: str | None = None
    ) -> Principal | None:
        """The principal that has one of `rights` here: the signed-in person before the place; None: nobody has."""
        person = connection.scope.get(PERSON)
        if isinstance(person, Person) and not person.must_change and "authorization" not in connection.headers:
            zone = self._zone_of(hall, window) if hall is not None and window is not None else None
            principal = person.principal(hall, zone)
            if any(right in principal.rights for right in rights):
                return principal
        page = urlsplit(connection.headers.get("referer", "")).path
        return self.find(self.grants(connection), rights, hall, window, page)

    @staticmethod
    def find(
        grants: Iterable[Grant], rights: Sequence[str], hall: str | None = None, window: str | None = None,
        page: str = "",
    ) -> Principal | None:  # fmt: skip
        """Who of `grants` has one of `rights` in `hall` and, where one is named, at `window`.

        Of several in one browser the one of this very window, then the one of the page that asks, then the first.
        """
        found: list[tuple[bool, bool, Principal]] = []
        for grant in grants:
            if grant.hall is not None and grant.hall != hall:
                continue
            if window is not None and grant.window is not None and grant.window != window:
                continue
            principal = _principal(grant)
            if any(right in principal.rights for right in rights):
                here = page.startswith(_page_of(grant))
                found.append((grant.window is not None and grant.window == window, here, principal))
        return max(found, key=lambda f: f[:2])[2] if found else None


def _page_of(grant: Grant) -> str | tuple[str, ...]:
    """Where the pages of a place begin."""
    pages: dict[str, str | tuple[str, ...]] = {
        "kiosk": "/kiosk/",
        "window": f"/desk/{grant.hall}/window/{grant.window or ''}",
        "supervise": (f"/desk/{grant.hall}/handoffs", f"/dashboard/{grant.hall}", f"/statistics/{grant.hall}"),
    }
    return pages.get(grant.kind, f"/desk/{grant.hall}/{grant.kind}")


def same_origin(connection: HTTPConnection) -> bool:
    """A cookie counts only for our own pages: SameSite=Lax still lets another port of this host in."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


class _Link(Struct, frozen=True):
    grant: Grant
    page: str
    until: float
    again: bool


class Links:
    """Links that let a browser in, kept as hashed codes in a folder; a used one is gone for all processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, grant: Grant, page: str, *, again: bool = False, waits_s: float = LINK_WAITS_S) -> str:
        """A new code for /enter/{code} that grants `grant` and leads to `page`.

        It is good once, or with `again` (the demonstration's printed links) until it is `waits_s` seconds old.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        code = secrets.token_urlsafe(12)
        draft = self._folder / f".{secrets.token_hex(6)}"
        draft.write_bytes(msgspec.json.encode(_Link(grant, page, time.time() + waits_s, again)))
        draft.chmod(0o600)
        os.replace(draft, self._file(code))
        return code

    def use(self, code: str) -> tuple[Grant, str]:
        """What the code grants, and the page it leads to. Raises Problem link_spent."""
        file = self._file(code)
        try:
            link = msgspec.json.decode(file.read_bytes(), type=_Link)
            if not link.again or link.until < time.time():
                file.unlink()  # of two that use it at once, only one finds it
        except (FileNotFoundError, msgspec.DecodeError) as error:
            raise Problem("link_spent") from error
        if link.until < time.time():
            raise Problem("link_spent")
        return link.grant, link.page

    def sweep(self) -> None:
        """Forget the links whose time is over."""
        for file in self._folder.glob("[!.]*"):
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):  # another process was first
                if msgspec.json.decode(file.read_bytes(), type=_Link).until < time.time():
                    file.unlink()

    def _file(self, code: str) -> Path:
        return self._folder / sha256(code.encode(errors="replace")).hexdigest()
