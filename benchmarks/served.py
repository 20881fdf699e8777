"""The reference hall on a server of its own, as the benchmarks and the pages' tests use it: open round the clock."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["always_open", "free_port", "serving"]

PLAN = Path(__file__).parent.parent / "halls" / "yangxin.toml"
LINK = re.compile(r"window +(http\S+)")


def always_open(folder: Path) -> Path:
    """The reference hall, open round the clock."""
    text = PLAN.read_text("utf-8")
    text = re.sub(r"(?m)^hours *=.*$", 'hours = [["00:00", "24:00"]]', text, count=1)
    days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
    text = re.sub(r"(?m)^open_days *=.*$", f"open_days = {days}", text, count=1)
    text = re.sub(r"(?ms)^\[calendar\].*?(?=^\[)", "", text, count=1)
    path = folder / "open.toml"
    path.write_text(text, "utf-8")
    return path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@asynccontextmanager
async def serving(folder: Path, token: str) -> AsyncIterator[tuple[str, str]]:
    """A server with the reference hall open, `token` its administrator's: its address, and the link to a window."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "tidehall"), "serve", "--port", str(port), "--data", str(folder / "data"),
        "--plan", str(always_open(folder)), env=os.environ | {"TIDEHALL_ADMIN_TOKEN": token},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        link = None
        while link is None:
            line = await server.stdout.readline()
            assert line, "the server ended before it was ready"
            link = LINK.search(line.decode())
        yield f"http://127.0.0.1:{port}", link[1]
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()
