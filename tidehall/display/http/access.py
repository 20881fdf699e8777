"""Who may come in: the admin's token, signed bearer tokens, and the page cookie that a one-time link gives.

Law: a right is granted to a kind of place (kiosk, window, guide desk …), never asked of the request; secrets are
compared in constant time and nothing secret is written down or logged. A link's code is kept only as its hash.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer
from msgspec import Struct
from starlette.requests import HTTPConnection

from tidehall.display.http.problems import Problem

__all__ = ["COOKIE", "KINDS", "LASTS_S", "Access", "Grant", "Links", "Principal"]

COOKIE = "tidehall"
#: Seconds for which a cookie or a bearer token is good.
LASTS_S = 90 * 24 * 3600
#: Seconds for which a link waits to be used.
LINK_WAITS_S = 12 * 3600
#: Places that one browser may hold at once (a demonstration opens several desks in one).
MOST_GRANTS = 24

#: kind → its rights. take: give numbers · window: act at windows · guide: the guide desk · staff: read everything that
#: staff may see · audit: the journal · admin: all of it.
KINDS: dict[str, frozenset[str]] = {
    "kiosk": frozenset({"take"}),
    "window": frozenset({"window", "take", "staff"}),
    "guide": frozenset({"guide", "take", "staff"}),
    "auditor": frozenset({"audit", "staff"}),
    "demo": frozenset({"take", "window", "guide", "staff"}),
    "admin": frozenset({"take", "window", "guide", "staff", "audit", "admin"}),
}


class Grant(Struct, frozen=True, array_like=True):
    """A place in a hall: of one of the KINDS, in `hall` (None: in every hall), at `window` (None: at all)."""

    kind: str
    hall: str | None = None
    window: str | None = None


class Principal(Struct, frozen=True):
    """Who acts, as the journal names it ("admin", "kiosk", "window:s01", "guide", "demo") and with what rights."""

    name: str
    rights: frozenset[str]


def _principal(grant: Grant) -> Principal:
    name = f"{grant.kind}:{grant.window}" if grant.window else grant.kind
    return Principal(name, KINDS.get(grant.kind, frozenset()))


class Access:
    """Says who asks. `secret` signs cookies and bearer tokens; it must be the same on all servers of a hall."""

    def __init__(self, secret: bytes, *, admin_token: str | None = None) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="tidehall access", signer_kwargs={"digest_method": sha256})
        self._admin = admin_token.encode() if admin_token else None

    def grants(self, connection: HTTPConnection) -> tuple[Grant, ...]:
        """What the request's bearer token, or else its cookie, holds; nothing when it is not genuine or too old."""
        header = connection.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            return self._bearer(token.strip()) if scheme.lower() == "bearer" else ()
        cookie = connection.cookies.get(COOKIE)
        return self._opened(cookie) if cookie and _same_origin(connection) else ()

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
        """The principal that has one of `rights` here. Raises Problem not_signed_in or not_allowed."""
        grants = self.grants(connection)
        if not grants:
            raise Problem("not_signed_in")
        found = self.find(grants, rights, hall, window)
        if found is None:
            raise Problem("not_allowed")
        return found

    @staticmethod
    def find(
        grants: Iterable[Grant], rights: Sequence[str], hall: str | None = None, window: str | None = None
    ) -> Principal | None:
        """The first of `grants` with one of `rights` in `hall` and, where one is named, at `window`."""
        for grant in grants:
            if grant.hall is not None and grant.hall != hall:
                continue
            if window is not None and grant.window is not None and grant.window != window:
                continue
            principal = _principal(grant)
            if any(right in principal.rights for right in rights):
                return principal
        return None


def _same_origin(connection: HTTPConnection) -> bool:
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

    def _file(self, code: str) -> Path:
        return self._folder / sha256(code.encode(errors="replace")).hexdigest()
