"""The exchange itself: a small server on loopback whose market is arithmetic and whose clock stands still.

It shares nothing with the adapter. ``refuse`` makes it answer the next requests with a status of yours.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOW = 1_717_243_230  # 2024-06-01 12:00:30 UTC
LISTED = 1_704_067_200  # 2024-01-01
PAIRS = {"BTC_USDT": 6_000_000, "ETH_EUR": 300_000, "ADA_USDT": 50}  # where their prices begin, in cents
PER_MINUTE = 1200
EVERY = 10  # seconds from one trade to the next
Given = dict[str, str]


class NoPairError(Exception):
    """Nothing trades under that name."""


def price(pair: str, n: int) -> int:
    """Price of trade ``n``, in cents."""
    return PAIRS[pair] + (n * 7919) % 997 % 41


def lots(n: int) -> int:
    """Its size in units of 0.001."""
    return 1 + (n * 31) % 17


def cents(value: int) -> str:
    return f"{value // 100}.{value % 100:02}"


def thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03}"


def worth(value: int) -> str:
    """Cents times thousandths."""
    return f"{value // 100_000}.{value % 100_000:05}"


def last_trade(until: float) -> int:
    """Number of the newest trade at or before a moment; -1 for none."""
    return int(min(until, NOW) - LISTED) // EVERY


def candle(pair: str, at: int, width: int) -> list[Any]:
    """One candle, of the trades within it."""
    ns = range((at - LISTED) // EVERY, last_trade(at + width - 0.001) + 1)
    prices = [price(pair, n) for n in ns]
    taker = [n for n in ns if n % 3]
    return [
        at,
        cents(prices[0]),
        cents(max(prices)),
        cents(min(prices)),
        cents(prices[-1]),
        thousandths(sum(map(lots, ns))),
        worth(sum(price(pair, n) * lots(n) for n in ns)),
        len(ns),
        thousandths(sum(map(lots, taker))),
        worth(sum(price(pair, n) * lots(n) for n in taker)),
    ]


def candles(given: Given) -> Any:
    pair, width, count = pair_in(given), int(given["width"]), int(given["count"])
    since = max(float(given.get("from", LISTED)), LISTED)
    until = min(float(given.get("until", NOW)), NOW)
    first = -int(-since // width) * width
    found = range(first, int(until) + 1, width)
    chosen = found[:count] if "oldest" in given else found[-count:]
    return [candle(pair, at, width) for at in chosen][::-1]


def trades(given: Given) -> Any:
    pair, count = pair_in(given), int(given["count"])
    low = max(0, -int(-(float(given.get("from", LISTED)) - LISTED) // EVERY), int(given.get("from_n", 0)))
    found = range(low, last_trade(float(given.get("until", NOW))) + 1)
    chosen = found[:count] if "oldest" in given or "from_n" in given else found[-count:]
    return [trade(pair, n) for n in reversed(chosen)]


def trade(pair: str, n: int) -> dict[str, Any]:
    at, value, size = LISTED + n * EVERY, cents(price(pair, n)), thousandths(lots(n))
    return {"n": n, "at": at, "price": value, "size": size, "bought": n % 3 > 0}


def book(given: Given) -> Any:
    pair, levels = pair_in(given), int(given["levels"])
    middle = price(pair, last_trade(NOW))
    bids = [(cents(middle - 1 - step), thousandths(5 + step)) for step in range(min(levels, 40))]
    asks = [(cents(middle + 1 + step), thousandths(4 + step)) for step in range(min(levels, 40))]
    return {"version": 77, "bids": bids, "asks": asks}


def summary(given: Given) -> Any:
    return [_summary(pair) for pair in pairs_in(given)]


def _summary(pair: str) -> dict[str, Any]:
    first, last = last_trade(NOW - 86_400), last_trade(NOW)
    at, low, high, close, volume, value = _day(pair, first, last)
    return {
        "pair": pair, "since": NOW - 86_400, "until": NOW, "before": cents(price(pair, first - 1)), "open": cents(at),
        "low": cents(low), "high": cents(high), "last": cents(close), "last_size": thousandths(lots(last)),
        "bid": cents(close - 1), "bid_size": "0.005", "ask": cents(close + 1), "ask_size": "0.004",
        "volume": volume, "value": value, "first": first, "count": last - first + 1,
    }  # fmt: skip


def _day(pair: str, first: int, last: int) -> tuple[int, int, int, int, str, str]:
    ns = range(first, last + 1)
    prices = [price(pair, n) for n in ns]
    value = sum(price(pair, n) * lots(n) for n in ns)
    return prices[0], min(prices), max(prices), prices[-1], thousandths(sum(map(lots, ns))), worth(value)


def average(given: Given) -> Any:
    last = last_trade(NOW)
    prices = [price(pair_in(given), n) for n in range(last - 29, last + 1)]
    return {"price": cents(sum(prices) // len(prices)), "minutes": 5, "at": LISTED + last * EVERY}


def listed(given: Given) -> Any:
    rules = [{"pair": pair, "open": True, "tick": "0.01", "lot": "0.001", "least": "5"} for pair in pairs_in(given)]
    return {"per_minute": PER_MINUTE, "pairs": rules}


ROUTES: dict[str, Callable[[Given], Any]] = {
    "/v1/clock": lambda _: {"seconds": NOW},
    "/v1/pairs": listed,
    "/v1/candles": candles,
    "/v1/trades": trades,
    "/v1/book": book,
    "/v1/summary": summary,
    "/v1/average": average,
}


def pairs_in(given: Given) -> list[str]:
    """The pairs that are named; without any, all."""
    named = given["pair"].split(",") if "pair" in given else list(PAIRS)
    for pair in named:
        if pair not in PAIRS:
            raise NoPairError(pair)
    return named


def pair_in(given: Given) -> str:
    return pairs_in({"pair": given.get("pair", "")})[0]


class Server:
    """The exchange, listening until ``stop``."""

    def __init__(self) -> None:
        self.asked = 0
        self._refusals: list[tuple[int, bytes]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = owner.answer(self.path)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.send_header("x-left", str(PER_MINUTE - owner.asked))
                self.send_header("x-clock-stands", "yes")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self, status: int, body: bytes, times: int) -> None:
        """Answer so many requests like this."""
        self._refusals = [(status, body)] * times

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self.asked += 1
        if self._refusals:
            return self._refusals.pop()
        where = urlsplit(path)
        given = {name: values[-1] for name, values in parse_qs(where.query).items()}
        try:
            return 200, json.dumps(ROUTES[where.path](given)).encode()
        except NoPairError as error:
            return 404, json.dumps({"problem": "no_such_pair", "text": f"There is no pair {error}."}).encode()
        except (KeyError, ValueError) as error:
            return 400, json.dumps({"problem": "bad_question", "text": f"What is {error}?"}).encode()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
