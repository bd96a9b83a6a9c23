"""Messages from a socket to a callback: our connection beside other clients, in one run, from one server.

    python benchmarks/sockets.py                    # about a minute
    python benchmarks/sockets.py --rounds 9 --loops asyncio

The server is a process of its own that writes prepared frames as fast as the reader takes them: the trades recorded in
``shared/data/hftbacktest``, about 170 bytes each, over loopback without TLS. Nobody decodes anything. All readers take
turns, so that a noisy moment hits all of them; what counts are the ratios within one run. "Latency" is from just before
the server's ``send`` to the reader's hands, with 2,000 messages sent one by one each second.

uvloop and picows take part where they are installed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import hashlib
import importlib.util
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from measure import machine, show

from cryptox.transport.socket import Socket

STAMP = 19  # digits of a time in ns
RATE = 2_000
BASE = "websockets"

Reader = Callable[[str, int, Callable[[bytes], None] | None], Awaitable[None]]


def trades() -> list[bytes]:
    """The recorded trades, as they came."""
    root = Path(os.environ.get("CRYPTOX_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    with gzip.open(root / "data/hftbacktest/btcusdt_20240808.gz", "rb") as file:
        return [line.split(b" ", 1)[1].strip() for line in file if b"@trade" in line]


def frame(payload: bytes) -> bytes:
    size = len(payload)
    return (struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)) + payload


# The server ----------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Say the port, then answer ``/flood/<messages>`` and ``/paced/<messages>`` until killed."""
    messages = trades()
    block = b"".join(map(frame, messages))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while True:
            line = listening.accept()[0]
            threading.Thread(target=talk, args=(line, messages, block), daemon=True).start()


def talk(line: socket.socket, messages: list[bytes], block: bytes) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(4096)
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]  # type: ignore[index]  # every client sends it
        proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        line.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )
        what, count = head.split()[1].decode().strip("/").split("/")
        try:
            flood(line, messages, block, int(count)) if what == "flood" else paced(line, messages, int(count))
            line.recv(4096)  # whatever the reader says to end it: then the line is closed
        except OSError:
            pass  # the reader has seen enough


def flood(line: socket.socket, messages: list[bytes], block: bytes, count: int) -> None:
    for _ in range(count // len(messages)):
        line.sendall(block)
    line.sendall(b"".join(map(frame, messages[: count % len(messages)])))


def paced(line: socket.socket, messages: list[bytes], count: int) -> None:
    began = time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, began + n / RATE - time.monotonic()))
        line.sendall(frame(b"%0*d" % (STAMP, time.monotonic_ns()) + messages[n % len(messages)]))


# The readers ---------------------------------------------------------------------------------------------------------


async def cryptox_reader(url: str, count: int, note: Callable[[bytes], None] | None) -> None:
    done = asyncio.get_running_loop().create_future()
    left = count

    def on_frames(frames: list[bytes], _received_ns: int) -> None:
        nonlocal left
        if note is not None:
            for one in frames:
                note(one)
        left -= len(frames)
        if left <= 0 and not done.done():
            done.set_result(None)

    made = await Socket.connect(url, on_frames=on_frames)
    await done
    await made.close()


async def websockets_reader(url: str, count: int, note: Callable[[bytes], None] | None) -> None:
    from websockets.asyncio.client import connect

    async with connect(url, compression=None, max_size=None) as connection:
        for _ in range(count):
            message = await connection.recv(decode=False)
            if note is not None:
                note(message)
        connection.transport.abort()


async def aiohttp_reader(url: str, count: int, note: Callable[[bytes], None] | None) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        connection = await session.ws_connect(url, compress=0, autoclose=False)
        for _ in range(count):
            message = await connection.receive()
            if note is not None:
                note(message.data.encode())
        response = connection._response.connection
        if response is not None and response.transport is not None:
            response.transport.abort()


async def picows_reader(url: str, count: int, note: Callable[[bytes], None] | None) -> None:
    import picows

    done = asyncio.get_running_loop().create_future()
    left = count

    class Listener(picows.WSListener):  # type: ignore[misc]  # not installed where types are checked
        def on_ws_frame(self, _transport: Any, got: Any) -> None:
            nonlocal left
            message = got.get_payload_as_bytes()
            if note is not None:
                note(message)
            left -= 1
            if not left:
                done.set_result(None)

    transport, _ = await picows.ws_connect(Listener, url)
    await done
    transport.disconnect(False)


READERS: dict[str, Reader] = {
    BASE: websockets_reader,
    "aiohttp": aiohttp_reader,
    "picows": picows_reader,
    "cryptox": cryptox_reader,
}


def run(loop: str, reader: Reader, url: str, count: int, note: Callable[[bytes], None] | None = None) -> None:
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(reader(url, count, note))


# What is measured ----------------------------------------------------------------------------------------------------


def throughput(base: str, loops: list[str], readers: dict[str, Reader], count: int, rounds: int) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for turn in range(rounds + 1):
        for loop in loops:
            for name, reader in readers.items():
                wall, cpu = time.perf_counter(), time.process_time()
                run(loop, reader, f"{base}/flood/{count}", count)
                took = (time.perf_counter() - wall, time.process_time() - cpu)
                if turn:  # the first one warms up
                    found.setdefault((loop, name), []).append(took)
    rows = [("loop", "reader", "messages/s", "times", "CPU µs/message", "times")]
    for (loop, name), took in found.items():
        rate = statistics.median(count / wall for wall, _ in took)
        cpu = statistics.median(cpu for _, cpu in took) / count * 1e6
        less = statistics.median(one / other for (_, one), (_, other) in zip(found[loop, BASE], took, strict=True))
        faster = statistics.median(one / other for (one, _), (other, _) in zip(found[loop, BASE], took, strict=True))
        rows.append((loop, name, f"{rate:,.0f}", f"{faster:.2f}", f"{cpu:.2f}", f"{less:.2f} less"))
    show(rows, f"Throughput: medians of {rounds} rounds of {count:,} messages; times: {BASE} recv() of the same round.")


def latency(base: str, loops: list[str], readers: dict[str, Reader], count: int, rounds: int) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for loop in loops:
            for name, reader in readers.items():
                delays: list[int] = []
                run(
                    loop,
                    reader,
                    f"{base}/paced/{count}",
                    count,
                    lambda message: delays.append(time.monotonic_ns() - int(message[:STAMP])),  # noqa: B023 - run is over by then
                )
                delays = sorted(delays[count // 10 :])
                found.setdefault((loop, name), []).append(
                    (delays[len(delays) // 2] / 1e3, delays[len(delays) * 99 // 100] / 1e3)
                )
    rows = [("loop", "reader", "p50 µs", "times", "p99 µs", "times")]
    for (loop, name), seen in found.items():
        cells = [loop, name]
        for which in (0, 1):
            base_seen = found[loop, BASE]
            ratio = statistics.median(one[which] / other[which] for one, other in zip(seen, base_seen, strict=True))
            cells += [f"{statistics.median(one[which] for one in seen):.0f}", f"{ratio:.2f}"]
        rows.append(tuple(cells))
    show(rows, f"Latency at {RATE:,} messages/s: medians of {rounds} rounds of {count:,}; times: {BASE}, same loop.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loops", nargs="+", default=["asyncio", "uvloop"], choices=["asyncio", "uvloop"])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
    loops = [loop for loop in chosen.loops if loop == "asyncio" or importlib.util.find_spec("uvloop")]
    readers = {name: reader for name, reader in READERS.items() if name == "cryptox" or importlib.util.find_spec(name)}
    print(machine())
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            base = f"ws://127.0.0.1:{server.stdout.readline().strip()}"
            throughput(base, loops, readers, chosen.messages, chosen.rounds)
            latency(base, loops, readers, 2 * RATE, max(1, chosen.rounds - 2))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
