"""How much anybody may send, how often strangers may ask, and what every answer tells the browser.

Law: nothing beyond the limit is kept or understood, and a stranger's pace never slows the hall. Rates are counted per
process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from weakref import WeakValueDictionary

from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidehall.display.http.problems import Problem

__all__ = [
    "LOGIN_RATE",
    "MOST_BYTES",
    "PHONE_RATE",
    "PROGRESS_RATE",
    "RECEIPT_RATE",
    "SIGN_IN_RATE",
    "TICKET_RATE",
    "Rates",
    "SecurityHeaders",
    "body_of",
]

#: Bytes in a request's body.
MOST_BYTES = 64 * 1024
#: Bytes, and seconds, for which the rest of a body that is too long is thrown away before the answer.
MOST_DISCARDED = 4 * 1024 * 1024
DISCARD_S = 2.0
#: Numbers taken without a principal, per address: a hall's whole wireless network may stand behind one.
PHONE_RATE = "20/minute; 300/hour"
#: Steps by one ticket's token; each is an event in the journal for ever.
TICKET_RATE = "20/minute; 120/hour"
#: Wrong passwords tried for one login, and sign-ins from one address: a hall's whole morning shift may
#: stand behind one.
LOGIN_RATE = "10/15minute"
SIGN_IN_RATE = "60/minute; 600/hour"
#: Questions for a case's progress: from one address, and about one receipt (its four digits must not be guessed).
PROGRESS_RATE = "30/minute; 300/hour"
RECEIPT_RATE = "10/minute; 40/hour"

_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": _CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=()",
}


async def body_of(request: Request) -> bytes:
    """The request's body. Raises Problem too_large for more than MOST_BYTES, which are never kept."""
    declared = request.headers.get("content-length", "0")
    parts: list[bytes] = []
    size = 0
    if not declared.isdecimal() or int(declared) <= MOST_BYTES:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BYTES:
                break
            parts.append(part)
        else:
            return b"".join(parts)
    await _let_pass(request)
    raise Problem("too_large", headers={"Connection": "close"}, sentence={"most": MOST_BYTES // 1024})


async def _let_pass(request: Request) -> None:
    """Throw away what is still coming, up to MOST_DISCARDED bytes and DISCARD_S seconds.

    Whoever hangs up on a client that is still sending resets the connection, and the answer is often lost with it
    (RFC 9112, 9.6). A client that asked before sending is answered at once.
    """
    if "expect" in request.headers:
        return
    passed = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(DISCARD_S):
            while passed < MOST_DISCARDED:
                message = await request.receive()
                passed += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return


class Rates:
    """How often strangers have asked of late."""

    def __init__(
        self,
        *,
        phone: str = PHONE_RATE,
        ticket: str = TICKET_RATE,
        login: str = LOGIN_RATE,
        sign_in: str = SIGN_IN_RATE,
        progress: str = PROGRESS_RATE,
        receipt: str = RECEIPT_RATE,
    ) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._phone: list[RateLimitItem] = parse_many(phone)
        self._ticket: list[RateLimitItem] = parse_many(ticket)
        self._login: list[RateLimitItem] = parse_many(login)
        self._sign_in: list[RateLimitItem] = parse_many(sign_in)
        self._progress: list[RateLimitItem] = parse_many(progress)
        self._receipt: list[RateLimitItem] = parse_many(receipt)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def phone(self, connection: HTTPConnection) -> None:
        """Count a number wanted from this address. Raises Problem too_many."""
        await self._count(self._phone, "phone", _address(connection))

    async def ticket(self, ticket: str) -> None:
        """Count a step by this ticket's token. Raises Problem too_many."""
        await self._count(self._ticket, "ticket", ticket)

    async def progress(self, connection: HTTPConnection, receipt: str) -> None:
        """Count a question about a receipt, from this address and by anybody. Raises Problem too_many."""
        await self._count(self._progress, "progress", _address(connection))
        await self._count(self._receipt, "receipt", receipt)

    @contextlib.asynccontextmanager
    async def password(self, connection: HTTPConnection, login: str) -> AsyncIterator[None]:
        """Around one try of a password, which is counted when it ends with Problem wrong_login or wrong_password.

        Tries for one login go one after the other, so that many at once are no way round. Raises Problem too_many,
        account_locked.
        """
        await self._count(self._sign_in, "sign-in", _address(connection))
        async with self._turns.setdefault(login, asyncio.Lock()):
            for item in self._login:
                if not await self._limiter.test(item, "login", login):
                    raise Problem("account_locked", retry_after_s=item.get_expiry())
            try:
                yield
            except Problem as no:
                if no.code in ("wrong_login", "wrong_password"):
                    for item in self._login:
                        await self._limiter.hit(item, "login", login)
                raise

    async def _count(self, items: list[RateLimitItem], purpose: str, who: str) -> None:
        for item in items:
            if not await self._limiter.hit(item, purpose, who):
                raise Problem("too_many", retry_after_s=item.get_expiry())


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else "unknown"


class SecurityHeaders:
    """Adds the headers that keep a page to itself; what an answer sets itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                have = {name.lower() for name, _ in headers}
                message = {**message, "headers": headers + [pair for pair in _HEADERS.items() if pair[0] not in have]}
            await send(message)

        await self._app(scope, receive, with_headers)
