"""What sessions of one address share."""

from __future__ import annotations

import threading
import time

import pytest

import cryptox as cx
from cryptox.sessions import address
from cryptox.sessions.address import BETTER_TIMES, Address
from cryptox.transport.messages import Limit


def test_a_vague_clock_is_read_again_where_windows_are_short() -> None:
    limits = {"REQUEST_WEIGHT": (6_000, "1s")}
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT"], limits=limits, latency=0.15) as exchange:
        with cx.connect(exchange) as session:
            for _ in range(BETTER_TIMES + 4):
                session.klines("BTCUSDT", "1h", 2)
        assert len(exchange.requests.of("time")) == 1 + BETTER_TIMES


def test_a_vague_clock_is_good_enough_for_windows_of_a_minute() -> None:
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT"], latency=0.15) as exchange, cx.connect(exchange) as session:
        for _ in range(3):
            session.klines("BTCUSDT", "1h", 2)
        assert len(exchange.requests.of("time")) == 1


def test_a_good_reading_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Address("http://127.0.0.1:1", (Limit("REQUEST_WEIGHT", 100, 1_000),))
    assert not here.wants_better_time()  # nothing was read at all: that is another matter
    monkeypatch.setattr(address.time, "monotonic", lambda: 100.0)
    here.clock.observe(1_000_000, 99.9, 100.0, 0.0)
    assert here.wants_better_time()
    here.clock.observe(1_000_100, 99.999, 100.0, 0.0)
    assert not here.wants_better_time()


def test_a_better_reading_that_fails_or_hangs_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT"]) as exchange, cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 2)
        monkeypatch.setattr(address, "VAGUE", -1.0)  # no reading is good enough
        exchange.requests.clear()
        for kind in ("status", "drop"):
            fault = exchange.faults.add(kind, path="time", **({"code": 502} if kind == "status" else {}))
            assert len(session.klines("BTCUSDT", "1h", 2)) == 2
            exchange.faults.remove(fault)
        assert exchange.requests.of("time")


def test_limits_that_cannot_be_read_are_not_asked_for_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT"]) as exchange, cx.connect(exchange) as session:
        session._session._address.rules_wanted = True  # as when some use was made of a limit that is assumed
        exchange.faults.add("status", path="exchangeInfo", code=400, error_code=-1121, times=1)
        for _ in range(3):
            session.klines("BTCUSDT", "1h", 2)
        assert len(exchange.requests.of("exchangeInfo")) == 1
        assert not session._session._address.rules_known
        monkeypatch.setattr(session._session._address, "_rules_at", 0.0)  # half a minute later
        session.klines("BTCUSDT", "1h", 2)
        assert session._session._address.rules_known


@pytest.mark.parametrize("fails", [False, True])
def test_limits_that_are_higher_than_assumed_hold_nothing_back(fails: bool) -> None:
    limits = {"REQUEST_WEIGHT": (10**6, "1m")}
    with cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"], limits=limits) as exchange:
        with cx.connect(exchange) as session:
            while (session.weight_used() or (0, 0))[0] <= 7_000:  # of the assumed 6,000
                session.ticker()
        address._book._local.clear()  # a process that begins now knows nothing of that
        if fails:
            exchange.faults.add("status", path="exchangeInfo", code=400, error_code=-1121)
        with cx.connect(exchange, timeout=2.0) as late:
            for _ in range(3):
                assert len(late.klines("BTCUSDT", "1h", 2)) == 2
            assert late._session._address.limiter.assumed == fails


def test_the_rules_of_a_symbol_tell_the_limits_too() -> None:
    limits = {"REQUEST_WEIGHT": (7_777, "1m")}
    with cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"], limits=limits) as exchange:
        with cx.connect(exchange) as session:
            session.buy("BTCUSDT", "0.001", price="10000")
            assert session._session._address.rules_known
            assert session._session._address.limiter.limits[0].amount == 7_777
        assert len(exchange.requests.of("exchangeInfo")) == 1


def test_a_long_download_leaves_room_for_orders() -> None:
    limits = {"REQUEST_WEIGHT": (400, "10s")}
    with cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"], limits=limits) as exchange:
        with cx.connect(exchange) as session, cx.connect(exchange) as other:
            order = session.buy("BTCUSDT", "0.001", price="10000")
            used, enough = threading.Event(), threading.Event()
            rows: list[int] = []

            def download() -> None:
                while not enough.is_set():  # one may be over sooner than three orders are placed
                    rows.append(len(other.klines_bulk("BTCUSDT", "1m", 250_000, progress=lambda *_: used.set())))

            working = threading.Thread(target=download)
            working.start()
            assert used.wait(30)
            placed = 0
            while working.is_alive() and placed < 40:
                session.cancel_order("BTCUSDT", order)
                order = session.buy("BTCUSDT", "0.001", price="10000")
                placed += 1
                if placed > 2:
                    enough.set()
                time.sleep(0.3)
            working.join(60)
            assert set(rows) == {250_000}
            assert placed > 2  # none was refused; how many more there are is a matter of the machine
        assert all(one.status != 429 for one in exchange.requests)
