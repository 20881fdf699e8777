"""The listening socket: what a small answer must not wait for."""

from __future__ import annotations

import asyncio
import socket

from tidehall.server import listen


async def test_small_answers_leave_at_once() -> None:
    """A connection accepted by asyncio's own loop (where there is no uvloop) does not wait for the other side's
    acknowledgement before it sends the second piece of an answer."""
    sends_at_once: list[int] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sends_at_once.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    door = listen("127.0.0.1", 0)
    async with await asyncio.start_server(answer, sock=door):
        reader, writer = await asyncio.open_connection(*door.getsockname())
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert sends_at_once
    assert all(sends_at_once)
