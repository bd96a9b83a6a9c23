"""A server of prepared bytes for the comparison with other clients; it knows nothing of cryptox, nor of any of them.

    python benchmarks/mock_server.py [--latency 0.02] [--limit 6000] [--refuse-after N --retry-after 5] [--trades N]

It prints one line of JSON with its addresses, and ends with its standard input. Candles (``1m``, ``1h``) and trades are
made up by arithmetic, the same in each run, and rendered before the line is printed; an answer is a slice of them. Over
REST: ``ping``, ``time``, ``exchangeInfo``, ``klines``, ``ticker/price``. Weights are counted in
``X-MBX-USED-WEIGHT-1M``, and above the limit the answer is 429 with ``Retry-After``; ``--refuse-after N`` does so after
N pages of candles, whatever was used. Nothing is compressed, nobody is banned.

On ``/ws/<stream>``, ``/stream?streams=``, or after SUBSCRIBE, all trades are sent as fast as they are taken, once.
``GET /mock/log`` tells each request (when it came and was answered, its target and status) and forgets them all; a line
``FLOOD`` says when the first trade was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

END_MS = 1_717_243_200_000  # 2024-06-01 12:00 UTC: the newest candle has just closed
INTERVALS = {"1m": (60_000, 10**6), "1h": (3_600_000, 10_000)}  # ms, and the most candles there are
SYMBOLS = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
WEIGHTS = {"ping": 1, "time": 1, "exchangeInfo": 20, "klines": 2, "ticker/price": 2}
MOST = 1_000  # candles of a page
PAUSE_S = 0.5  # from a subscription to the first trade, so that whoever asked is ready
AT_ONCE = 1_000  # trades that are written together

# What is served ------------------------------------------------------------------------------------------------------


class Candles:
    """Candles of an interval up to :data:`END_MS`, as one text of which a page is a slice."""

    def __init__(self, step_ms: int, rows: int) -> None:
        self.step_ms, self.rows = step_ms, rows
        self.first_ms = END_MS - rows * step_ms
        texts = [self._row(self.first_ms // step_ms + n) for n in range(rows)]
        self.offsets = [0]
        for text in texts:
            self.offsets.append(self.offsets[-1] + len(text))
        self.text = b"".join(texts)

    def _row(self, number: int) -> bytes:
        """A row of the exchange's twelve values, and a comma."""
        seed = number * 2_654_435_761 % 2**32
        price, width, volume = 6_000_000 + seed % 100_003, seed % 997, 1 + seed % 9_999_991
        taken, quote = volume * 3 // 5, volume * price // 100
        opened = number * self.step_ms
        prices = (price, price + width, price - width, price + width // 2)
        return (
            b'[%d,"%d.%02d000000","%d.%02d000000","%d.%02d000000","%d.%02d000000","%d.%05d000",%d,"%d.%05d000",%d,"%d.%05d000",'
            b'"%d.%05d000","0"],'
            % (opened, *(part for one in prices for part in divmod(one, 100)), *divmod(volume, 100_000),
               opened + self.step_ms - 1, *divmod(quote, 100_000), 1 + seed % 1_999, *divmod(taken, 100_000),
               *divmod(quote * 3 // 5, 100_000))
        )  # fmt: skip

    def page(self, start_ms: int | None, end_ms: int | None, limit: int) -> bytes:
        """Rows that open in [start, end], the first ones, or the last ones where no start is given."""
        last = self.rows if end_ms is None else min(self.rows, (end_ms - self.first_ms) // self.step_ms + 1)
        first = 0 if start_ms is None else max(0, -((self.first_ms - start_ms) // self.step_ms))
        if start_ms is None:
            first = max(0, last - limit)
        last = min(last, first + limit)
        return b"[" + self.text[self.offsets[first] : self.offsets[last] - 1] + b"]" if first < last else b"[]"


def exchange_info(limit: int) -> bytes:
    """Rules of two symbols: what the clients need of them, in the exchange's form."""
    kinds = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
         "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
         "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "100.00000000", "stepSize": "0.00000000"},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]  # fmt: skip
    symbols = [
        {"symbol": name, "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": quote,
         "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
         "orderTypes": kinds, "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True, "opoAllowed": True,
         "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
         "amendAllowed": True, "pegInstructionsAllowed": True, "isSpotTradingAllowed": True,
         "isMarginTradingAllowed": False, "filters": filters, "permissions": [], "permissionSets": [["SPOT"]],
         "defaultSelfTradePreventionMode": "EXPIRE_MAKER", "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"]}
        for name, (base, quote) in SYMBOLS.items()
    ]  # fmt: skip
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
    return json.dumps(
        {"timezone": "UTC", "serverTime": END_MS, "rateLimits": limits, "exchangeFilters": [], "symbols": symbols}
    ).encode()


def trade_price(number: int) -> float:
    """The price of the trade with this number, which is its id without 10**9."""
    return 60_000 + number % 13 + number % 100 / 100


def trades(count: int, now_ms: int) -> list[bytes]:
    """Aggregate trades as the stream sends them, their ids counting up."""
    return [
        b'{"e":"aggTrade","E":%d,"s":"BTCUSDT","a":%d,"p":"%d.%02d000000","q":"0.%05d000","f":%d,"l":%d,"T":%d,"m":%b,"M":true}'
        % (now_ms + n // 100, 10**9 + n, 60_000 + n % 13, n % 100, 1 + n % 99_991, 2 * 10**9 + n, 2 * 10**9 + n,
           now_ms + n // 100, b"false" if n % 2 else b"true")
        for n in range(count)
    ]  # fmt: skip


# The limit -----------------------------------------------------------------------------------------------------------


@dataclass
class Weights:
    """What was used of this minute, and whether to refuse; seconds are an argument."""

    limit: int
    refuse_after: int | None = None
    retry_after_s: float = 5.0
    used: int = 0
    minute: int = -1
    pages: int = 0
    until_s: float = 0.0

    def take(self, what: str, now_s: float) -> int:
        """Count a request; 0 where it is answered, else the seconds of ``Retry-After``."""
        if self.until_s > now_s:
            return math.ceil(self.until_s - now_s)
        if int(now_s // 60) != self.minute:
            self.minute, self.used = int(now_s // 60), 0
        self.used += WEIGHTS.get(what, 1)
        self.pages += what == "klines"
        if self.refuse_after is not None and self.pages > self.refuse_after:
            self.refuse_after, self.until_s = None, now_s + self.retry_after_s
            return math.ceil(self.retry_after_s)
        return 0 if self.used <= self.limit else math.ceil(60 * (self.minute + 1) - now_s) or 1


# The server ----------------------------------------------------------------------------------------------------------


@dataclass
class Mock:
    """Answers; :meth:`answer` is all that REST is, and needs no socket."""

    weights: Weights
    rows: int
    latency_s: float = 0.0
    trades: int = 0
    log: list[tuple[float, float, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.candles = {name: Candles(step, min(self.rows, most)) for name, (step, most) in INTERVALS.items()}
        self.info = exchange_info(self.weights.limit)
        raw = trades(self.trades, int(time.time() * 1000))
        wrapped = [b'{"stream":"btcusdt@aggTrade","data":%b}' % one for one in raw]
        self.flood = {
            way: [b"".join(map(frame, some[at : at + AT_ONCE])) for at in range(0, len(some), AT_ONCE)]
            for way, some in ((False, raw), (True, wrapped))
        }

    def answer(self, target: str, now_s: float) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a GET, ``now_s`` in seconds since 1970."""
        parts = urlsplit(target)
        what, given = parts.path.removeprefix("/api/v3/"), dict(parse_qsl(parts.query))
        wait = self.weights.take(what, now_s)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.weights.used), "X-MBX-USED-WEIGHT": str(self.weights.used)}
        if wait:
            words = (
                b"Too much request weight used; current limit is %d request weight per 1 MINUTE." % self.weights.limit
            )
            return 429, {**headers, "Retry-After": str(wait)}, b'{"code":-1003,"msg":"%b"}' % words
        if what == "ping":
            return 200, headers, b"{}"
        if what == "time":
            return 200, headers, b'{"serverTime":%d}' % int(now_s * 1000)
        if what == "exchangeInfo":
            return 200, headers, self.info
        if what == "ticker/price":
            return 200, headers, b'{"symbol":"BTCUSDT","price":"60000.00000000"}'
        if what != "klines":
            return 404, headers, b"<html><body><h2>404 Not found</h2></body></html>"
        if given.get("symbol") not in SYMBOLS:
            return 400, headers, b'{"code":-1121,"msg":"Invalid symbol."}'
        if given.get("interval") not in self.candles:
            return 400, headers, b'{"code":-1120,"msg":"Invalid interval."}'
        start, end = (int(given[name]) if name in given else None for name in ("startTime", "endTime"))
        return 200, headers, self.candles[given["interval"]].page(start, end, min(MOST, int(given.get("limit", 500))))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                came, target = time.time(), head.split(" ", 2)[1]
                names = {
                    key.strip().lower(): value.strip()
                    for key, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
                }
                await reader.readexactly(int(names.get("content-length", 0)))
                if "sec-websocket-key" in names:
                    await self.stream(reader, writer, target, names["sec-websocket-key"])
                    return
                if target == "/mock/log":
                    told, self.log = self.log, []
                    status, headers, body = 200, {}, json.dumps(told).encode()
                else:
                    status, headers, body = self.answer(target, came)
                    if self.latency_s:
                        await asyncio.sleep(self.latency_s)
                    self.log.append((came, time.time(), target, status))
                kind = "text/html" if body.startswith(b"<") else "application/json;charset=UTF-8"
                headers = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
                lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
                writer.write(f"HTTP/1.1 {status} -\r\n{lines}\r\n".encode() + body)
                await writer.drain()

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, key: str) -> None:
        """Accept a stream; send the trades when they are asked for, and answer what is said meanwhile."""
        proof = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        lines = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}".encode() + proof + b"\r\n\r\n")
        wrapped = target.startswith("/stream")
        sending = asyncio.ensure_future(self.send(writer, wrapped)) if "@" in target else None
        while True:
            code, said = await self.said(reader)
            if code == 8:
                writer.write(frame(said, 8))
                break
            if code == 9:
                writer.write(frame(said, 10))
            elif code in (1, 2):
                asked = json.loads(said)
                writer.write(frame(b'{"result":null,"id":%b}' % json.dumps(asked.get("id")).encode()))
                if asked.get("method") == "SUBSCRIBE" and sending is None and "rade" in str(asked.get("params")):
                    sending = asyncio.ensure_future(self.send(writer, wrapped))
        if sending is not None:
            sending.cancel()

    async def send(self, writer: asyncio.StreamWriter, wrapped: bool) -> None:
        """All trades, as fast as they are taken; whole frames at a time, so that a pong may come between."""
        await asyncio.sleep(PAUSE_S)
        self.log.append((time.time(), time.time(), "FLOOD", 101))
        with contextlib.suppress(ConnectionError):
            for piece in self.flood[wrapped]:
                writer.write(piece)
                await writer.drain()

    @staticmethod
    async def said(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        """Kind and payload of a client's frame."""
        code, size = await reader.readexactly(2)
        size &= 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask, body = await reader.readexactly(4), await reader.readexactly(size)
        return code & 15, bytes(byte ^ mask[n % 4] for n, byte in enumerate(body))


def frame(payload: bytes, code: int = 1) -> bytes:
    """An unmasked frame of a stream."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | code, size) + payload
    return struct.pack("!BBH" if size < 2**16 else "!BBQ", 0x80 | code, 126 if size < 2**16 else 127, size) + payload


async def serve(mock: Mock) -> None:
    """Say where, and serve until the standard input ends."""
    server = await asyncio.start_server(mock.talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"rest": f"http://127.0.0.1:{port}", "stream": f"ws://127.0.0.1:{port}"}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # connections that are still open are not worth a word


class Addresses(NamedTuple):
    """Where a mock in another process listens."""

    rest: str
    stream: str

    def log(self) -> list[list[Any]]:
        """Each request since the last look: when it came and was answered, its target and status."""
        with urllib.request.urlopen(f"{self.rest}/mock/log") as answer:
            found: list[list[Any]] = json.load(answer)
        return found


@contextlib.contextmanager
def started(*arguments: object) -> Iterator[Addresses]:
    """A mock in a process of its own, with these arguments of the command line."""
    line = [sys.executable, __file__, *map(str, arguments)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Addresses(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def options(arguments: list[str] | None = None) -> Any:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="candles of each interval")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before an answer")
    parser.add_argument("--limit", type=int, default=6_000, help="weight a minute")
    parser.add_argument("--refuse-after", type=int, metavar="PAGES")
    parser.add_argument("--retry-after", type=float, default=5.0, metavar="SECONDS")
    parser.add_argument("--trades", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asked = options()
    limit = Weights(asked.limit, asked.refuse_after, asked.retry_after)
    asyncio.run(serve(Mock(limit, asked.rows, asked.latency, asked.trades)))
