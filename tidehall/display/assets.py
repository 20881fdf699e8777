"""The pages' static files: styles, scripts, fonts, pictures, under addresses that name their content.

Law: one hash over all files stands in every address, so a page and its scripts always fit together, a browser may keep
them for ever, and nothing is fetched from elsewhere.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

__all__ = ["Assets"]

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to send; `packed` is gzip, None where that gains nothing."""

    body: bytes
    packed: bytes | None
    media_type: str


class Assets:
    """All static files in memory (about 1.5 MB), read once at start-up."""

    def __init__(self) -> None:
        self.files: dict[str, Asset] = {}
        digest = hashlib.sha256()
        for path, file in sorted(walk(files("tidehall.display").joinpath("static"))):
            ending = path.rpartition(".")[2]
            if ending not in TYPES:
                continue
            body = file.read_bytes()
            digest.update(path.encode() + b"\0" + body)
            packed = None if ending == "woff2" else gzip.compress(body, 6, mtime=0)
            self.files[path] = Asset(body, packed, TYPES[ending])
        self.build = digest.hexdigest()[:12]

    def url(self, path: str) -> str:
        """The address of a file, e.g. css/base.css. Raises KeyError when there is none."""
        self.files[path]
        return f"/static/{self.build}/{path}"

    async def serve(self, request: Request) -> Response:
        """A file; a page of an earlier build gets the present one, but may not keep it."""
        asset = self.files.get(request.path_params["path"])
        if asset is None:
            return PlainTextResponse("not found\n", status_code=404)
        fresh = request.path_params["build"] == self.build
        headers = {"Cache-Control": IMMUTABLE if fresh else "no-cache", "Vary": "Accept-Encoding"}
        body = asset.body
        if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"], body = "gzip", asset.packed
        return Response(body, headers=headers, media_type=asset.media_type)

    def route(self) -> Route:
        """Where they are served."""
        return Route("/static/{build}/{path:path}", self.serve, name="static")


def walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    """All files below a folder with their paths."""
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry))
    return found
