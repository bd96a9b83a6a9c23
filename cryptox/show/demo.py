"""The story that ``cryptox demo`` tells, offline: history fast, in any frame, and right under faults."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

from cryptox.errors import CryptoxError

__all__ = ["tell"]

T = TypeVar("T")

CLOCK = "2024-06-01 12:00"


class _Teller:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bold = ("\x1b[1m", "\x1b[0m") if out.isatty() else ("", "")
        self._dim = ("\x1b[2m", "\x1b[0m") if out.isatty() else ("", "")

    def head(self, text: str) -> None:
        self._out.write(f"\n{self._bold[0]}{text}{self._bold[1]}\n")

    def code(self, text: str) -> None:
        self._out.write(f"  {self._dim[0]}>>> {text}{self._dim[1]}\n")

    def say(self, text: object) -> None:
        for line in str(text).splitlines():
            self._out.write(f"  {line}\n")

    def timed(self, code: str, work: Callable[[], T]) -> tuple[T, float]:
        """Show the code, run it, and give its result and seconds."""
        self.code(code)
        self._out.flush()
        began = time.perf_counter()
        result = work()
        return result, time.perf_counter() - began


def tell(out: TextIO | None = None) -> None:
    """Run the demo; every figure it prints is measured while it runs."""
    from cryptox.paper.exchange import PaperExchange
    from cryptox.sync.connect import connect

    teller = _Teller(sys.stdout if out is None else out)
    teller.head("cryptox: crypto market history for notebooks")
    teller.say("Everything here runs on this machine: the paper exchange speaks Binance's own protocol on loopback.")
    with PaperExchange(clock=CLOCK) as exchange:
        teller.code("exchange = cx.PaperExchange(clock='2024-06-01 12:00').start()")
        teller.say(exchange)
        with connect(exchange) as session:
            _history(teller, session)
            _snapshots(teller, session)
            _faults(teller, session, exchange)
            _mistakes(teller, session)
    teller.head("Next")
    teller.say("In a notebook:  import cryptox as cx;  cx.use('paper');  cx.klines_bulk('BTCUSDT', '1h', 5000)")
    teller.say("For any other client:  cryptox paper --port 9000")


def _history(teller: _Teller, session: Any) -> None:
    teller.head("History, pages in parallel")
    code = "df = session.klines_bulk('BTCUSDT', '1h', 5000)"
    frame, seconds = teller.timed(code, lambda: session.klines_bulk("BTCUSDT", "1h", 5000))
    teller.say(frame[["open", "high", "low", "close", "volume", "trades"]].tail(4).to_string())
    teller.say(f"{len(frame):,} finished candles in {seconds:.2f} s, gaps of the exchange: {frame.attrs['gaps']}")
    code = "df = session.klines_bulk('BTCUSDT', '1m', 100_000)"
    frame, _ = teller.timed(code, lambda: session.klines_bulk("BTCUSDT", "1m", 100_000))
    frame, seconds = teller.timed(code + "  # again", lambda: session.klines_bulk("BTCUSDT", "1m", 100_000))
    used, limit = session.weight_used() or (0, 0)
    teller.say(f"{len(frame):,} candles in {seconds:.2f} s: {len(frame) / seconds:,.0f} rows/s; weight {used}/{limit}")


def _snapshots(teller: _Teller, session: Any) -> None:
    teller.head("Snapshots, in pandas, polars or arrow; floats or decimals")
    frame, _ = teller.timed("session.depth('BTCUSDT', 3)", lambda: session.depth("BTCUSDT", 3))
    teller.say(frame.to_string())
    code = "session.prices(['PEPEUSDT', 'BTCUSDT'], frame='polars', exact=True)"
    frame, _ = teller.timed(code, lambda: session.prices(["PEPEUSDT", "BTCUSDT"], frame="polars", exact=True))
    teller.say(frame)


def _faults(teller: _Teller, session: Any, exchange: Any) -> None:
    teller.head("Faults: 502s and cut connections in the middle of a download")
    teller.code("exchange.faults.add('status', code=502, path='klines', times=3)")
    exchange.faults.add("status", code=502, path="klines", times=3)
    teller.code("exchange.faults.add('reset', path='klines', times=2)")
    exchange.faults.add("reset", path="klines", times=2)
    code = "df = session.klines_bulk('ETHUSDT', '1h', 5000)"
    frame, seconds = teller.timed(code, lambda: session.klines_bulk("ETHUSDT", "1h", 5000))
    exchange.faults.clear()
    whole = frame.index.is_unique and frame.index.is_monotonic_increasing
    teller.say(f"{len(frame):,} rows in {seconds:.2f} s, sorted and unique: {whole}, missing: {frame.attrs['missing']}")


def _mistakes(teller: _Teller, session: Any) -> None:
    from cryptox.show.errors import text_lines

    teller.head("Mistakes carry their fix")
    for code, work in (
        ("session.klines('BTCUSD')", lambda: session.klines("BTCUSD")),
        ("session.klines('BTCUSDT', '1h', 5000)", lambda: session.klines("BTCUSDT", "1h", 5000)),
    ):
        try:
            teller.timed(code, work)
        except CryptoxError as error:
            teller.say("\n".join(text_lines(error)))
