"""Signing in: from a login and a password to a cookie, and from the cookie to the person at every request.

Law: the browser has a random token and the house its hash; a session that was ended opens nothing at the next request,
and its open sockets are closed within a second. Passwords, logins and tokens are never logged.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from hashlib import sha256

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tidehall.display.http.access import PERSON, UNKNOWN, Person, same_origin
from tidehall.display.http.limits import Rates
from tidehall.display.http.problems import Fault, Problem
from tidehall.live import House
from tidehall.store.accounts import Account, Change, SignedIn, plain_login
from tidehall.store.errors import StoreError, StoreRefused
from tidehall.store.passwords import LEAST_PASSWORD, Passwords, weak

__all__ = ["SESSION", "Recognition", "Sessions", "give_cookie", "keep_out_strangers"]

SESSION = "tidehall_session"
#: µs between two notes that a session is in use.
SEEN_EVERY = 60 * 1_000_000
#: While the database is away: µs for which whoever was in stays in (only reading goes on then), and how many.
REMEMBERED = 600 * 1_000_000
MOST_REMEMBERED = 5_000
#: Characters of a token at most; ours have 43.
MOST_TOKEN = 100


class Sessions:
    """The sessions of a house. `rates`: how often a password may be tried."""

    def __init__(self, house: House, *, rates: Rates | None = None, passwords: Passwords | None = None) -> None:
        self.accounts = house.accounts
        self.passwords = passwords or Passwords()
        self.rates = rates or Rates()
        #: Whether there is any account, as last looked at; without one, the pages tell of links only.
        self.exist = False
        self._persons = house.persons
        self._clock = house.clock
        self._remembered: OrderedDict[bytes, tuple[Person, int]] = OrderedDict()

    def now(self) -> int:
        """Real time in µs, whatever the speed of a demonstration."""
        return self._clock.real()

    def name(self, account: Account) -> str | None:
        """The display name, opened for whoever may see it."""
        if account.name is None:
            return None
        try:
            return self._persons.open_holder(account.name)["name"]
        except StoreRefused:  # sealed with a key that is not here: the id will do
            return None

    def fingerprint(self, request: bytes) -> bytes:
        """The keyed hash by which a repeated change is known; no password may be in it."""
        return self._persons.fingerprint(request)

    # ---- who asks

    async def read(self, connection: HTTPConnection) -> Person | str | None:
        """The person whose cookie this is; None for nobody, UNKNOWN when the database can't be asked."""
        token = connection.cookies.get(SESSION)
        if not token or len(token) > MOST_TOKEN or not same_origin(connection):
            return None
        digest, now = _digest(token), self.now()
        try:
            session = await self.accounts.session(digest, now)
            if session is None:
                self._remembered.pop(digest, None)
                return None
            if now - session.seen_at > SEEN_EVERY:
                await self.accounts.seen(digest, now)
        except StoreError:
            person, at = self._remembered.get(digest, (None, 0))
            return person if person is not None and now - at < REMEMBERED else UNKNOWN
        return self._remember(session, now)

    def _remember(self, session: SignedIn, now: int) -> Person:
        person = Person(session, self.name(session.account) or session.account.staff)
        self._remembered[session.digest] = (person, now)
        self._remembered.move_to_end(session.digest)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return person

    # ---- in, out, and another password

    async def sign_in(self, connection: HTTPConnection, login: str, password: str) -> tuple[str, Person]:
        """A new session's token, and whose it is.

        Raises Problem wrong_login (also for a login that is not there, or shut), account_locked, too_many; StoreError.
        """
        login = plain_login(login)
        async with self.rates.password(connection, login):
            return await self._enter(login, password)

    async def _enter(self, login: str, password: str) -> tuple[str, Person]:
        account = await self.accounts.by_login(login)
        known = account.password if account is not None and account.active else None
        verified = await self.passwords.verify(known, password)
        if account is None or not verified.right:
            raise Problem("wrong_login")
        if verified.anew is not None:
            await self.accounts.rehash(account.staff, account.password, verified.anew)
            account = await self.accounts.account(account.staff) or account
        token, now = secrets.token_urlsafe(32), self.now()
        session = None
        if await self.accounts.open_session(_digest(token), account, now):
            session = await self.accounts.session(_digest(token), now)
        if session is None:  # shut, or given another password, in this very moment
            raise Problem("wrong_login")
        return token, self._remember(session, now)

    async def sign_out(self, person: Person) -> None:
        """End this session."""
        self._remembered.pop(person.session.digest, None)
        await self.accounts.end_session(person.session.digest)

    async def change_password(self, connection: HTTPConnection, person: Person, old: str, new: str, key: str) -> None:
        """The person's own new password; all other sessions end.

        Raises Problem wrong_password, invalid, account_locked, too_many, key_reused; StoreError.
        """
        account = person.session.account
        async with self.rates.password(connection, account.login):
            if not (await self.passwords.verify(account.password, old)).right:
                raise Problem("wrong_password")
        if old == new:
            raise Problem("invalid", errors=[Fault("new_password", "same_password")])
        hashed = await self.hash(new, "new_password", account.login, account.staff)
        change = Change(f"staff:{account.staff}", key, self.fingerprint(b"own password"), self.now())
        done = await self.accounts.set_password(
            account.staff, hashed, change, must_change=False, old=account.password, keep=person.session.digest
        )
        if done == "key_reused":
            raise Problem("key_reused")
        if done == "unknown":
            raise Problem("wrong_password")

    async def hash(self, password: str, field: str, *names: str) -> str:
        """The hash of a new password. Raises Problem invalid for a weak one."""
        if weak(password, *names):
            raise Problem("invalid", errors=[Fault(field, "weak_password", {"least": LEAST_PASSWORD})])
        return await self.passwords.hash(password)

    async def look(self) -> None:
        """Look whether there are accounts. Raises StoreError."""
        self.exist = self.exist or await self.accounts.exist()


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()


def keep_out_strangers(connection: HTTPConnection) -> None:
    """No other site may sign a browser in or out here. Raises Problem not_allowed."""
    if not same_origin(connection):
        raise Problem("not_allowed")


def give_cookie(response: Response, connection: HTTPConnection, token: str) -> None:
    """Let the browser keep the token until it is closed; the session's own end comes first or later."""
    response.set_cookie(
        SESSION, token, path="/", httponly=True, samesite="lax", secure=connection.url.scheme in ("https", "wss")
    )


class Recognition:
    """ASGI middleware: puts the signed-in person into the scope, once for each request or socket."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not scope["path"].startswith("/static/"):
            scope[PERSON] = await self._sessions.read(HTTPConnection(scope))
        await self._app(scope, receive, send)
