"""Whether the hall's kiosks are there: each page says so every few seconds.

Law: only a kiosk that the administrator has let in counts; a citizen's browser on the same page is nobody. A kiosk is
known by a name of its own that says nothing, kept in a cookie; it is never in the journal but in its alert.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidehall.display.http.access import LASTS_S, Access
from tidehall.display.hub import Hub

__all__ = ["KioskWatch"]

_COOKIE = "tidehall_kiosk"
_NAME = re.compile(r"kiosk-[0-9a-f]{6}")


class KioskWatch:
    """The address to which kiosks report."""

    def __init__(self, hubs: Mapping[str, Hub], access: Access) -> None:
        self._hubs = hubs
        self._access = access

    def routes(self) -> list[Route]:
        """`POST /kiosk/{hall}/here`."""
        return [Route("/kiosk/{hall}/here", self.here, methods=["POST"])]

    async def here(self, request: Request) -> Response:
        """A kiosk is there; one that has no name yet gets it."""
        hall = str(request.path_params["hall"])
        hub = self._hubs.get(hall)
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
        if hub is None or self._access.admits(request, ("take",), hall) is None:
            return answer
        name = request.cookies.get(_COOKIE, "")
        if _NAME.fullmatch(name) is None:
            name = f"kiosk-{secrets.token_hex(3)}"
            answer.set_cookie(
                _COOKIE, name, max_age=LASTS_S, path=f"/kiosk/{hall}", httponly=True, samesite="strict",
                secure=request.url.scheme == "https",
            )  # fmt: skip
        hub.hear_kiosk(name)
        return answer
