"""Live feeds, whole: from the socket's bytes to the ring, the book and the callback, beside a bare ``websockets`` loop.

    python benchmarks/live.py                    # about a minute
    python benchmarks/live.py --rounds 9 --loops asyncio

A server in a process of its own sends what was recorded in ``shared/data/hftbacktest``. The bare loop takes messages
with ``recv()`` and does nothing with them; the feed decodes each, sees that ids are contiguous and nothing comes twice,
and keeps the columns in its ring, or the order book in step. All take turns; what counts are the ratios of one run.
"Latency" is from just before the server's ``send`` to the callback, 2,000 messages sent one by one each second.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gzip
import hashlib
import importlib.util
import json
import os
import random
import re
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from measure import machine, show

import cryptox as cx

SYMBOL = "BTCUSDT"
RATE = 2_000
WRAP = 100.0  # seconds: stamps stay as large as quantities are
BARE = "websockets recv()"
PRICE = b'{"symbol":"BTCUSDT","price":"1.0"}'
QUOTE = b'{"symbol":"BTCUSDT","bidPrice":"1.0","bidQty":"1.0","askPrice":"2.0","askQty":"1.0"}'

# The server ----------------------------------------------------------------------------------------------------------


def recorded() -> dict[str, Any]:
    """Trades, changes of the book, and the snapshot, as they came."""
    root = Path(os.environ.get("CRYPTOX_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    with gzip.open(root / "data/hftbacktest/btcusdt_20240808.gz", "rb") as file:
        lines = [line.split(b" ", 1)[1].strip() for line in file if line.strip()]
    return {
        "trade": [line for line in lines if b"@trade" in line[:40]],
        "depth": [line for line in lines if b"@depth" in line[:40]],
        "quote": [line for line in lines if b"@bookTicker" in line[:40]],
        "snapshot": next(line for line in lines if line.startswith(b'{"lastUpdateId')),
    }


def frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    return struct.pack("!BBH" if size < 2**16 else "!BBQ", 0x81, 126 if size < 2**16 else 127, size) + payload


class Server:
    """Says the port, then answers ``/<what>/<count>/stream`` and the few requests over REST, until killed."""

    def __init__(self) -> None:
        self.data = recorded()
        self.asked = threading.Event()
        self.flooded: dict[int, bytes] = {}

    def run(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            print(listening.getsockname()[1], flush=True)
            while True:
                line = listening.accept()[0]
                threading.Thread(target=self.talk, args=(line,), daemon=True).start()

    def talk(self, line: socket.socket) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with line, contextlib.suppress(OSError):
            while head := self.head(line):
                key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
                if key is None:
                    self.answer(line, head.split()[1].decode())
                    continue
                proof = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                line.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
                )
                what, count = head.split()[1].decode().strip("/").split("/")[:2]
                said = line.recv(4096)
                number = json.loads(unmasked(said)[0])["id"]
                self.asked.clear()
                line.sendall(frame(b'{"result":null,"id":%d}' % number))
                getattr(self, what)(line, int(count))
                while line.recv(4096):
                    pass
                return

    def head(self, line: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = line.recv(4096)
            if not piece:
                return b""
            head += piece
        return head

    def answer(self, line: socket.socket, path: str) -> None:
        body = self.data["snapshot"] if "depth" in path else QUOTE if "bookTicker" in path else PRICE
        line.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        if "depth" in path:
            self.asked.set()

    def trades(self, line: socket.socket, count: int) -> None:
        """As many trades as are wanted, as fast as they are taken, their ids counting up."""
        if count not in self.flooded:
            some = [re.sub(rb'"t":\d+', b'"t":%d', one.replace(b"%", b"%%")) for one in self.data["trade"]]
            self.flooded[count] = b"".join(frame(some[n % len(some)] % (10**9 + n)) for n in range(count))
        line.sendall(self.flooded[count])

    def book(self, line: socket.socket, count: int) -> None:
        """The changes of the book, once the snapshot has been asked for; the bare loop does not ask."""
        if count:
            self.asked.wait(5)
            time.sleep(0.1)
        line.sendall(b"".join(map(frame, self.data["depth"])))

    def flood(self, line: socket.socket, count: int) -> None:
        """Trades, best quotes and changes of the book, 3 : 1 : 1, so many in all, once the book has been asked for."""
        until = float("inf")
        while time.monotonic() < until:  # the other subscriptions are still to come
            self.heed(line)
            if self.asked.wait(0.01):
                until = min(until, time.monotonic() + 1)
        first, told = json.loads(self.data["snapshot"])["lastUpdateId"], self.endless()
        trades, quotes, changes = (told[name] for name in ("trade", "quote", "depth"))
        for start in range(0, count // 5, 1_000):
            self.heed(line)
            pieces: list[bytes] = []
            for n in range(start, min(start + 1_000, count // 5)):
                pieces += [frame(trades[k % len(trades)] % (10**9 + k)) for k in range(3 * n, 3 * n + 3)]
                pieces.append(frame(quotes[n % len(quotes)] % (10**10 + n)))
                pieces.append(frame(changes[n % len(changes)] % (first + 1 + n, first + 1 + n)))
            line.sendall(b"".join(pieces))

    def heed(self, line: socket.socket) -> None:
        """Answer the control messages that have come."""
        while select.select([line], [], [], 0)[0]:
            said = line.recv(4096)
            if not said:
                raise OSError("the other side has left")
            for number in re.findall(rb'"id":(\d+)', b"\n".join(unmasked(said))):
                line.sendall(frame(b'{"result":null,"id":%b}' % number))

    def endless(self) -> dict[str, list[bytes]]:
        """Messages with places for their ids; changes are of levels of the snapshot, so that the book does not grow."""
        chance, snapshot = random.Random(1), json.loads(self.data["snapshot"])
        changes = []
        for _ in range(1_000):
            some = {
                side: [[price, f"{chance.uniform(0.1, 9):.8f}"] for price, _ in chance.sample(snapshot[name], 10)]
                for side, name in (("b", "bids"), ("a", "asks"))
            }
            levels = json.dumps(some, separators=(",", ":")).encode()[1:-1]
            changes.append(
                b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723075200000,"s":"BTCUSDT",'
                b'"U":%d,"u":%d,' + levels + b"}}"
            )
        trades = [re.sub(rb'"t":\d+', b'"t":%d', one.replace(b"%", b"%%")) for one in self.data["trade"]]
        quotes = [re.sub(rb'"u":\d+', b'"u":%d', one.replace(b"%", b"%%")) for one in self.data["quote"]]
        return {"trade": trades, "quote": quotes, "depth": changes}

    def paced(self, line: socket.socket, count: int) -> None:
        """One trade after another, the moment of sending (seconds, the last two digits) in place of the quantity."""
        some = self.data["trade"]
        began = time.monotonic()
        for n in range(count):
            time.sleep(max(0.0, began + n / RATE - time.monotonic()))
            message = re.sub(rb'"t":\d+', b'"t":%d' % (10**9 + n), some[n % len(some)])
            line.sendall(frame(re.sub(rb'"q":"[0-9.]+"', b'"q":"%.8f"' % (time.monotonic() % WRAP), message)))


def unmasked(data: bytes) -> list[bytes]:
    """The payloads of whole masked frames."""
    found = []
    while data:
        size = data[1] & 0x7F
        at = 2 if size < 126 else 4
        size = size if size < 126 else int.from_bytes(data[2:4], "big")
        mask, body, data = data[at : at + 4], data[at + 4 : at + 4 + size], data[at + 4 + size :]
        found.append(bytes(byte ^ mask[n % 4] for n, byte in enumerate(body)))
    return found


# Those who read ------------------------------------------------------------------------------------------------------


async def bare(url: str, what: str, count: int, note: Callable[[bytes], None] | None = None) -> Took:
    """From the answer to the subscription until all messages were taken."""
    from websockets.asyncio.client import connect

    async with connect(f"{url}/{what}/{count}/stream", compression=None, max_size=None) as connection:
        await connection.send(b'{"method":"SUBSCRIBE","params":[],"id":1}', text=True)
        await connection.recv(decode=False)
        began = Took.now()
        for _ in range(count or BOOK):
            message = await connection.recv(decode=False)
            if note is not None:
                note(message)
        took = began.since()
        connection.transport.abort()
    return took


async def feed(url: str, what: str, count: int, note: Callable[[Any], None] | None, how: str = "callback") -> Took:
    """The same by a feed."""
    rest = url.replace("ws:", "http:")
    async with cx.aio.connect("binance", rest_url=rest, stream_url=f"{url}/{what}/{count}", encoding="json") as session:
        made = session.live.book(SYMBOL) if what == "book" else session.live.trades(SYMBOL)
        if note is not None:
            await noted(made, note, count, how)
            took = Took(0.0, 0.0)
        else:
            await made
            topic = made._topics[SYMBOL]
            while topic.received < (BOOK if what == "book" else count):  # noqa: ASYNC110 - nothing shall have to tell
                await asyncio.sleep(0.001)
            took = FIRST.pop().since()
        if what == "book":
            assert made.status.synced, "the book is not in step"
        elif note is None:
            assert len(made.frame()) == min(count, 100_000), "trades are missing"
        assert made.status.gaps == 0
    return took


async def noted(made: Any, note: Callable[[Any], None], count: int, how: str) -> None:
    """Let each of so many events be noted; nothing else happens on the loop meanwhile."""
    loop, done, left = asyncio.get_running_loop(), asyncio.Event(), count

    def one(event: Any) -> None:
        nonlocal left
        note(event)
        left -= 1
        if not left:
            loop.call_soon_threadsafe(done.set)

    if how == "callback":
        await made.on(one)
        await done.wait()
        return
    async for event in made:
        note(event)
        count -= 1
        if not count:
            return


class Took(NamedTuple):
    """Seconds by the clock, and of the processor for this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Took:
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> Took:
        now = Took.now()
        return Took(now.wall - self.wall, now.cpu - self.cpu)


FIRST: list[Took] = []  # when the first messages came
DELAYS: list[float] = []
BOOK = 3_451  # changes of the book that were recorded


def time_first() -> None:
    """Note when the first messages of a stream are handed to their topic."""
    from cryptox.sessions.live import executed, localbook

    for kind in (executed.ExecutedTopic, localbook.BookTopic):

        def take(self: Any, told: Any, take: Any = kind.take) -> None:
            if not self.received:
                FIRST[:] = [Took.now()]
            take(self, told)

        kind.take = take  # type: ignore[method-assign]  # only here


def run(loop: str, work: Coroutine[Any, Any, Took]) -> Took:
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


# What is measured ----------------------------------------------------------------------------------------------------


def flooded(about: str, url: str, loops: list[str], what: str, counts: tuple[int, int], rounds: int) -> None:
    """As many messages as there are at once, to the bare loop and to a feed in turn."""
    asked, count = counts
    rows = [("loop", "reader", "messages/s", "best round", "times", "CPU us a message", "times", "messages/s of CPU")]
    for loop in loops:
        took: dict[str, list[Took]] = {BARE: [], f"feed, {what}": []}
        for turn in range(rounds + 1):
            one = run(loop, bare(url, what, asked if what == "trades" else 0))
            other = run(loop, feed(url, what, asked, None))
            if turn:  # the first one warms up
                took[BARE].append(one)
                took[f"feed, {what}"].append(other)
        for name, seen in took.items():
            pairs = list(zip(took[BARE], seen, strict=True))
            wall, cpu = (statistics.median(one[which] for one in seen) for which in (0, 1))
            rates = [f"{count / one:,.0f}" for one in (wall, min(one.wall for one in seen), cpu)]
            times = [statistics.median(one[which] / other[which] for one, other in pairs) for which in (0, 1)]
            rows.append(
                (loop, name, *rates[:2], f"{times[0]:.2f}", f"{cpu / count * 1e6:.2f}", f"{times[1]:.2f}", rates[2])
            )
    show(rows, about)


def drained(url: str, loops: list[str], count: int, rounds: int) -> None:
    about = f"Trades drained into the ring: medians of {rounds} rounds of {count:,}."
    flooded(about, url, loops, "trades", (count, count), rounds)


def kept(url: str, loops: list[str], rounds: int) -> None:
    about = f"Changes into a kept book: medians of {rounds} rounds of {BOOK:,} recorded ones."
    flooded(about, url, loops, "book", (1, BOOK), rounds)


def latency(url: str, loops: list[str], count: int, rounds: int) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def note(event: Any) -> None:
        DELAYS.append((time.monotonic() - event.quantity) % WRAP)

    for _ in range(rounds):
        for loop in loops:
            for name in (BARE, "feed, callback", "feed, async for"):
                DELAYS.clear()
                if name == BARE:
                    raw: list[tuple[float, bytes]] = []
                    run(loop, bare(url, "paced", count, lambda one: raw.append((time.monotonic(), one))))  # noqa: B023
                    DELAYS.extend((at - float(re.search(rb'"q":"([0-9.]+)"', one)[1])) % WRAP for at, one in raw)  # type: ignore[index]
                else:
                    run(loop, feed(url, "paced", count, note, "callback" if "callback" in name else "for"))
                delays = sorted(DELAYS[count // 10 :])
                found.setdefault((loop, name), []).append(
                    (delays[len(delays) // 2] * 1e6, delays[len(delays) * 99 // 100] * 1e6)
                )
    rows = [("loop", "reader", "p50 µs", "times", "p99 µs", "times")]
    for (loop, name), seen in found.items():
        cells = [loop, name]
        for which in (0, 1):
            pairs = zip(seen, found[loop, BARE], strict=True)
            ratio = statistics.median(one[which] / other[which] for one, other in pairs)
            cells += [f"{statistics.median(one[which] for one in seen):.0f}", f"{ratio:.2f}"]
        rows.append(tuple(cells))
    show(rows, f"Latency at {RATE:,} messages/s: medians of {rounds} rounds of {count:,}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loops", nargs="+", default=["asyncio", "uvloop"], choices=["asyncio", "uvloop"])
    parser.add_argument("--only", choices=["drained", "kept", "latency"])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        Server().run()
    loops = [loop for loop in chosen.loops if loop == "asyncio" or importlib.util.find_spec("uvloop")]
    time_first()
    print(machine())
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"ws://127.0.0.1:{server.stdout.readline().strip()}"
            if chosen.only in (None, "drained"):
                drained(url, loops, chosen.messages, chosen.rounds)
            if chosen.only in (None, "kept"):
                kept(url, loops, chosen.rounds)
            if chosen.only in (None, "latency"):
                latency(url, loops, 2 * RATE, max(1, chosen.rounds - 2))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
