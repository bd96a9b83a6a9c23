"""Requests wait for their turn in front of the connections, not against their time limit."""

from __future__ import annotations

import threading

import cryptox as cx


def test_many_symbols_at_once_do_not_run_out_of_time_waiting_for_a_connection() -> None:
    names = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "ADAUSDT", "PEPEUSDT", "1INCHUSDT"]
    with (
        cx.PaperExchange(clock="2024-06-01", latency=0.1) as exchange,
        cx.connect(exchange, max_in_flight=2, timeout=0.9) as session,
    ):
        session.klines_bulk(names, "1h", 5000)  # the market draws its days; only then is the exchange fast
        began = len(exchange.requests)
        frame = session.klines_bulk(names, "1h", 5000)
        # 30 pages, two at a time, a tenth of a second each: the last ones wait 1.4 s for their turn.
        assert len(exchange.requests) - began >= 30
    assert frame.groupby("symbol").size().tolist() == [5000] * 6


def test_a_single_call_passes_a_long_download() -> None:
    with (
        cx.PaperExchange(clock="2024-06-01", latency=0.1) as exchange,
        cx.connect(exchange, max_in_flight=1) as session,
    ):
        session.klines_bulk("BTCUSDT", "1m", 30_000)
        exchange.requests.clear()
        download = threading.Thread(target=session.klines_bulk, args=("BTCUSDT", "1m", 30_000))
        download.start()
        while not exchange.requests.of("klines"):
            download.join(0.01)
        session.prices("BTCUSDT")
        assert len(exchange.requests.of("klines")) < 10
        download.join()
        assert len(exchange.requests.of("klines")) >= 30
