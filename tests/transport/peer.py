"""The other side of a WebSocket, byte by byte: what it says after the handshake and how it ends."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import re
import socket
import time
from collections.abc import Awaitable, Callable

from cryptox.transport.socket import Terms

QUICK = Terms(connect_s=2.0, silence_s=0.2, pong_s=0.2, close_s=0.2)
CALM = Terms(connect_s=5.0, silence_s=30.0, pong_s=10.0, close_s=0.1)
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Heard:
    """Notes what ``on_frames`` is told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.calls: list[tuple[int, int]] = []

    def __call__(self, frames: list[bytes], received_ns: int) -> None:
        self.messages += frames
        self.calls.append((len(frames), received_ns))


async def until(true: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.005)


def frame(payload: bytes, opcode: int = TEXT, final: bool = True) -> bytes:
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 2**16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size = await reader.readexactly(2)
    assert size & 0x80, "a client must mask"
    assert size & 0x7F < 126
    key = await reader.readexactly(4)
    data = await reader.readexactly(size & 0x7F)
    return first & 0xF, bytes(byte ^ key[at % 4] for at, byte in enumerate(data))


def accepted(head: bytes) -> bytes:
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + proof
        + b"\r\n\r\n"
    )


def talks(conversation: Conversation, first: bytes = b"", piece: int = 2**16):
    """A server that takes every handshake, sends ``first`` in the same breath and goes on with the conversation."""

    async def talk(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = accepted(head) + first
        for at in range(0, len(answer), piece):
            writer.write(answer[at : at + piece])
            await asyncio.sleep(0)
        await conversation(reader, writer)

    return talk


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def says(data: bytes, then: Conversation = nothing):
    async def conversation(reader, writer) -> None:
        writer.write(data)
        await writer.drain()
        await then(reader, writer)

    return talks(conversation)


def ws(server) -> str:
    return f"ws://127.0.0.1:{server.port}/stream?streams=btcusdt@trade"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(main: Awaitable[None]) -> None:
    asyncio.run(main)
    gc.collect()  # a socket left open would complain here
