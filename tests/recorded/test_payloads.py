"""Recorded answers of the real exchange, served over HTTP and read through the whole client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest

import cryptox as cx

TIME_MS = 1_634_944_440_000  # 2021-10-22 23:14, after the last recorded candle
FILES = {
    "klines": "klines", "aggTrades": "agg_trades", "trades": "trades", "depth": "depth", "avgPrice": "avg_price",
    "ticker/price": "ticker_price", "ticker/bookTicker": "book_ticker",
}  # fmt: skip


class Replay:
    """Answers each path with a recorded body, whatever is asked."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies, self.port = bodies, 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    async def _serve(self) -> None:
        from aiohttp import web

        async def answer(request: Any) -> Any:
            body = self.bodies.get(request.path.removeprefix("/api/v3/"))
            return web.Response(status=404 if body is None else 200, body=body, content_type="application/json")

        self._closing = asyncio.Event()
        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._closing.wait()
        await runner.cleanup()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def recorded(shared: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The recorded bodies as JSON values, and the address that serves them."""
    folder = shared / "data/nautilus/http_responses"
    bodies = {path: (folder / f"http_spot_market_{name}.json").read_bytes() for path, name in FILES.items()}
    bodies["time"] = json.dumps({"serverTime": TIME_MS}).encode()
    capture = (shared / "data/cryptofeed/BINANCE.0").read_text().splitlines()[0]
    bodies["exchangeInfo"] = capture[capture.index("{") :].encode()
    with Replay(bodies) as replay:
        yield {path: json.loads(body) for path, body in bodies.items()}, f"http://127.0.0.1:{replay.port}"


@pytest.mark.parametrize("exact", [False, True])
def test_recorded_answers_become_frames(recorded: tuple[dict[str, Any], str], exact: bool) -> None:
    said, url = recorded
    number = Decimal if exact else float
    with cx.connect("binance", rest_url=url, exact=exact) as session:
        candles = session.klines("BTCUSDT", "1m", 100)
        assert candles.index.asi8.tolist() == [row[0] for row in said["klines"]]
        for name, at in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5), ("quote_volume", 7)):
            assert candles[name].tolist() == [number(row[at]) for row in said["klines"]]
        assert candles["trades"].tolist() == [row[8] for row in said["klines"]]
        tape = session.agg_trades("BTCUSDT")
        assert tape["id"].tolist() == [row["a"] for row in said["aggTrades"]]
        assert tape["price"].tolist() == [number(row["p"]) for row in said["aggTrades"]]
        assert tape["quantity"].tolist() == [number(row["q"]) for row in said["aggTrades"]]
        assert tape["side"].tolist() == ["sell" if row["m"] else "buy" for row in said["aggTrades"]]
        trades = session.trades("BTCUSDT")
        assert trades["quote_quantity"].tolist() == [number(row["quoteQty"]) for row in said["trades"]]
        assert trades["side"].tolist() == ["sell" if row["isBuyerMaker"] else "buy" for row in said["trades"]]
        book = session.depth("BTCUSDT")
        both = said["depth"]["bids"] + said["depth"]["asks"]
        assert list(zip(book["price"], book["quantity"], strict=True)) == [(number(p), number(q)) for p, q in both]
        assert book.attrs["last_update_id"] == said["depth"]["lastUpdateId"]
        assert session.prices("BTCUSDT").price.tolist() == [number(said["ticker/price"]["price"])]
        quote = session.book_ticker("BTCUSDT").iloc[0]
        names = {"bid": "bidPrice", "bid_quantity": "bidQty", "ask": "askPrice", "ask_quantity": "askQty"}
        assert [quote[ours] for ours in names] == [number(said["ticker/bookTicker"][name]) for name in names.values()]
        mean = session.avg_price("BTCUSDT")
        assert mean.price.tolist() == [number(said["avgPrice"]["price"])]


def test_the_whole_exchange_information_of_2021(recorded: tuple[dict[str, Any], str]) -> None:
    said, url = recorded
    with cx.connect("binance", rest_url=url) as session:
        frame = session.symbols(None)
        assert frame.index.tolist() == [one["symbol"] for one in said["exchangeInfo"]["symbols"]]
        assert len(frame) == 1695
        trading = session.symbols()
        assert len(trading) == sum(one["status"] == "TRADING" for one in said["exchangeInfo"]["symbols"])
        exact = session.symbols(None, exact=True)
        for one in said["exchangeInfo"]["symbols"]:
            rules = {rule["filterType"]: rule for rule in one["filters"]}
            row = exact.loc[one["symbol"]]
            assert row["tick_size"] == Decimal(rules["PRICE_FILTER"]["tickSize"])
            assert row["min_notional"] == Decimal(rules["MIN_NOTIONAL"]["minNotional"])
            assert sorted(row["order_types"].split()) == sorted(one["orderTypes"])
        assert session.weight_used()[1] == 1200  # the limits of 2021, learned from the answer
        record = session.symbol("1inch/usdt")
        assert (record.base, record.quote) == ("1INCH", "USDT")
