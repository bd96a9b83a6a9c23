"""Requests wait for their turn in front of the connections, not against their time limit."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import cryptox as cx


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is left open is told here, as soon as it is collected."""
    heard: list[str] = []
    gc.collect()
    monkeypatch.setattr(sys, "unraisablehook", lambda told: heard.append(repr(told.exc_value)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield heard
        gc.collect()
    assert heard == []


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01", symbols=["BTCUSDT"]) as running:
        yield running


async def rows(session: Any, limit: int) -> int:
    return len(await session.klines("BTCUSDT", "1h", limit))


async def others_done() -> None:
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def test_a_session_goes_from_loop_to_loop_and_leaves_nothing_open(
    exchange: cx.PaperExchange, complaints: list[str]
) -> None:
    session = cx.aio.connect(exchange)
    for limit in (3, 4, 5):
        assert asyncio.run(rows(session, limit)) == limit
        gc.collect()
        assert complaints == []
    assert len(session._lines) == 1  # those of loops that have ended are gone
    del session  # closed by nobody: with its loop its connections are gone all the same


def test_loops_that_take_turns_keep_their_connections(exchange: cx.PaperExchange, complaints: list[str]) -> None:
    session = cx.aio.connect(exchange)
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for limit in (3, 4, 5):
        assert [loop.run_until_complete(rows(session, limit)) for loop in loops] == [limit] * 2
    assert list(session._lines) == loops
    for loop in loops:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    asyncio.run(session.close())
    assert complaints == []


def test_closing_from_another_loop_closes_on_the_one_that_runs(
    exchange: cx.PaperExchange, complaints: list[str]
) -> None:
    session, loop = cx.aio.connect(exchange), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert asyncio.run_coroutine_threadsafe(rows(session, 3), loop).result(20) == 3
    (line,) = session._lines.values()  # held: it must be closed, not collected
    asyncio.run(session.close())
    asyncio.run_coroutine_threadsafe(others_done(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()
    del line
    gc.collect()
    assert complaints == []


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
