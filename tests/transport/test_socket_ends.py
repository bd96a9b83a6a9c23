"""How a WebSocket ends: by the other side, by ours, by a line that breaks; what is delivered and left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
import time
from pathlib import Path

import pytest

from cryptox.errors import (
    NetworkError,
    NotSent,
    RateLimited,
)
from cryptox.transport.socket import Socket

sys.path.insert(0, str(Path(__file__).parent))
from peer import CALM, CLOSE, PING, QUICK, Heard, frame, nothing, read_frame, run, says, talks, until, ws


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    ("data", "then", "reason", "code", "text"),
    [
        (frame(struct.pack("!H", 1001) + b"Server shutdown", CLOSE), nothing, "peer", 1001, "Server shutdown"),
        (frame(b"", CLOSE), nothing, "peer", 1005, ""),
        (b"\xff\xfe\xfd garbage", nothing, "protocol", None, "no frame begins with the byte 0xff"),
        (b"\x81\x82abcdef", nothing, "protocol", None, "a server must not mask its frames"),
        (b"\x81\x7f" + (2**40).to_bytes(8, "big"), nothing, "too_large", None, "1099511627776 bytes"),
    ],
    ids=["close", "close-without-code", "garbage", "masked", "too-large"],
)
def test_how_the_other_side_ends_it(serve, data, then, reason, code, text) -> None:
    async def main() -> None:
        async with serve(says(frame(b"before") + data, then)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            began = time.monotonic()
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert (ended.reason, ended.code) == (reason, code)
            assert text in ended.text
            assert began - 1 < ended.at <= time.monotonic()
            assert heard.messages == [b"before"]
            assert not made.is_open

    run(main())


def test_a_close_is_echoed(serve) -> None:
    answers = []

    async def conversation(reader, writer) -> None:
        writer.write(frame(struct.pack("!H", 1001) + b"bye", CLOSE))
        answers.append(await read_frame(reader))
        await reader.read()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            assert (await made.wait_closed()).reason == "peer"
            await until(lambda: answers)

    run(main())
    assert answers == [(CLOSE, struct.pack("!H", 1001) + b"bye")]


@pytest.mark.parametrize("how", ["reset", "eof", "half-a-frame"])
def test_a_line_that_breaks_is_lost(serve, how) -> None:
    async def cut(reader, writer) -> None:
        if how == "reset":
            reset(writer)
        elif how == "half-a-frame":
            writer.write(frame(b"x" * 100)[:50])
            await writer.drain()

    async def conversation(reader, writer) -> None:
        writer.write(frame(b"before"))
        await writer.drain()
        await read_frame(reader)  # the client has read it
        await cut(reader, writer)
        writer.close()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            await until(lambda: heard.messages)
            made.send(b"read")
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert (ended.reason, ended.code) == ("lost", None)
            assert heard.messages == [b"before"]

    run(main())


def test_a_side_that_never_reads_cannot_fill_our_memory(serve) -> None:
    async def conversation(reader, writer) -> None:
        writer.transport.pause_reading()
        pings = frame(b"p" * 125, PING) * 1_000
        while not writer.is_closing():
            writer.write(pings)
            await writer.drain()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            ended = await asyncio.wait_for(made.wait_closed(), 20)
            assert ended.reason == "backlog"
            with pytest.raises(NotSent):
                made.send(b"x")

    run(main())


def test_a_handler_that_raises_ends_it_and_is_reported(serve) -> None:
    reported = []

    def broken(frames: list[bytes], received_ns: int) -> None:
        raise LookupError("ours")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))
        async with serve(says(frame(b"x"))) as server:
            made = await Socket.connect(ws(server), on_frames=broken, terms=CALM)
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert ended.reason == "handler"
            assert isinstance(ended.error, LookupError)
            assert "LookupError" in ended.text

    run(main())
    assert [type(error) for error in reported] == [LookupError]


def test_after_close_nothing_is_delivered_and_a_deaf_side_is_not_waited_for(serve) -> None:
    async def conversation(reader, writer) -> None:
        while True:
            writer.write(frame(b"tick"))
            await asyncio.sleep(0.001)

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=QUICK)
            await until(lambda: heard.messages)
            began, closing = time.monotonic(), asyncio.ensure_future(made.close())
            await asyncio.sleep(0)
            count = len(heard.messages)
            assert (await made.close()).reason == "closed"
            assert (await closing).reason == "closed"
            assert 0.15 < time.monotonic() - began < 60
            assert len(heard.messages) == count

    run(main())


def test_a_cancelled_wait_leaves_the_connection_alone(serve) -> None:
    async def main() -> None:
        async with serve(talks(nothing)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            waiting = asyncio.ensure_future(made.wait_closed())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not made.closed.done()
            assert (await made.close()).reason == "closed"

    run(main())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors where they can be counted")
def test_many_connections_leave_nothing_open(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        kind = counter.pop()
        if kind == 0:
            writer.write(reply(b"no", status="429 Too Many Requests"))
        elif kind == 1:
            reset(writer)
        else:
            await talks(nothing, first=frame(b"x") + (b"\xff" if kind == 2 else b""))(head, reader, writer)

    counter = [n % 4 for n in range(40)]

    async def main() -> None:
        async with serve(talk) as server:
            before = set(os.listdir("/proc/self/fd"))
            for _ in range(40):
                try:
                    made = await Socket.connect(ws(server), on_frames=Heard(), terms=QUICK)
                except NetworkError:
                    continue
                except RateLimited:
                    continue
                await made.close()
            await until(lambda: len(set(os.listdir("/proc/self/fd")) - before) == 0)
            assert len(asyncio.all_tasks()) <= 2

    run(main())
