"""Threads, running loops, several sessions and users, interrupts: over real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

import cryptox as cx
from cryptox.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def sockets(exchange: cx.PaperExchange) -> int:
    """Connections of this process to the exchange that are up."""
    own = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == exchange.port and one.status == "ESTABLISHED" for one in own)


def until(holds: Any, within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


def test_twenty_threads_on_one_session(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session, ThreadPoolExecutor(20) as pool:
        expected = session.klines_bulk("BTCUSDT", "1m", 3000)["close"].tolist()
        frames = list(pool.map(lambda _: session.klines_bulk("BTCUSDT", "1m", 3000), range(20)))
        assert all(frame["close"].tolist() == expected for frame in frames)
        singles = list(pool.map(lambda rows: session.klines("BTCUSDT", "1m", rows), range(1, 41)))
        assert [len(frame) for frame in singles] == list(range(1, 41))


def test_inside_a_running_loop(exchange: cx.PaperExchange) -> None:
    async def cell() -> list[int]:
        with cx.connect(exchange) as session:
            blocking = len(session.klines_bulk("BTCUSDT", "1h", 1500))
        async with cx.aio.connect(exchange) as other:
            several = await asyncio.gather(*(other.klines("BTCUSDT", "1h", rows) for rows in (3, 4, 5)))
        return [blocking, *map(len, several)]

    assert asyncio.run(cell()) == [1500, 3, 4, 5]


def test_a_user_connected_again_ends_the_former_session(exchange: cx.PaperExchange) -> None:
    former = cx.connect(exchange, user="ann")
    former.klines("BTCUSDT", "1h", 5)
    with cx.connect(exchange, user="ann") as session, cx.connect(exchange, user="bob"):
        with pytest.raises(ConfigurationError, match="ann"):
            former.klines("BTCUSDT", "1h", 5)
        assert len(session.klines("BTCUSDT", "1h", 5)) == 5
        assert cx.users() == ["ann", "bob"]
        assert cx.session("ann") is session
        former.close()  # the former one takes nothing from its successor
        assert cx.session("ann") is session
        cx.disconnect("bob")
        assert cx.users() == ["ann"]
        with pytest.raises(ConfigurationError):
            cx.session("bob")
    assert cx.users() == []  # closed by their owner they are gone as well
    with pytest.raises(ConfigurationError):
        session.klines("BTCUSDT", "1h", 5)


@pytest.mark.parametrize("end", ["collected", "closed", "disconnected"])
def test_an_ended_session_leaves_no_socket(end: str, exchange: cx.PaperExchange) -> None:
    until(lambda: (gc.collect(), sockets(exchange) == 0)[1])
    session = cx.connect(exchange, user="eve" if end == "disconnected" else None)
    session.klines_bulk("BTCUSDT", "1m", 5000)
    assert sockets(exchange) > 0
    if end == "closed":
        session.close()
    elif end == "disconnected":
        cx.disconnect("eve")
    else:
        del session
        gc.collect()
    until(lambda: sockets(exchange) == 0)


INTERRUPTED = """
import json, os, signal, threading, time
import cryptox as cx

with cx.PaperExchange(clock="2024-06-01 12:00:30", latency=0.05, symbols=["BTCUSDT"]) as exchange:
    with cx.connect(exchange, max_in_flight=2) as session:
        def interrupt():
            while len(exchange.requests.of("klines")) < 8:
                time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            session.klines_bulk("BTCUSDT", "1h", 30_000)
            caught = False
        except KeyboardInterrupt:
            caught = True
        partial = session.last_partial()
        usable = len(session.klines("BTCUSDT", "1h", 3))
        exchange.requests.clear()
        frame = session.klines_bulk("BTCUSDT", "1h", 30_000)
        pages = [one for one in exchange.requests.of("klines") if one.params.get("limit") == "1000"]
        print(json.dumps({
            "caught": caught, "partial": len(partial), "usable": usable, "rows": len(frame), "pages": len(pages),
            "same": bool((frame.loc[partial.index, "close"] == partial["close"]).all()),
            "missing": partial.attrs["missing"], "left": session.last_partial() is None,
        }))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to oneself ends the process there")
def test_an_interrupt_keeps_what_was_fetched() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["caught"]
    # Four pages at least; the third of them holds the outage of 2021-04-25, three hours long.
    assert 4 * 1000 - 3 <= told["partial"] < 30_000
    assert told["usable"] == 3
    assert told["rows"] == 30_000
    assert told["pages"] == 30 - -(-told["partial"] // 1000)  # outages make some pages short of a thousand
    assert told["same"]
    assert told["left"]
    assert told["missing"]
