"""The exchange's limits over real sockets: learned from it, shared by all sessions, never passed."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

import cryptox as cx

CLOCK = "2024-06-01 12:00:30"


def statuses(exchange: cx.PaperExchange) -> set[int]:
    return {one.status for one in exchange.requests}


@pytest.mark.slow
def test_no_429_beside_another_client(exchange: Any) -> None:
    limits = {"REQUEST_WEIGHT": (100, "1s")}
    with cx.PaperExchange(clock=CLOCK, limits=limits, symbols=["BTCUSDT"]) as exchange:
        exchange.faults.add("weight", rate=30)
        with cx.connect(exchange) as session:
            frame = session.klines_bulk("BTCUSDT", "1m", 200_000)
        assert len(frame) == 200_000
        assert statuses(exchange) == {200}
        assert len(exchange.requests.of("exchangeInfo")) == 1
        by_second = Counter(int(one.time) for one in exchange.requests for _ in range(one.weight))
        assert max(by_second.values()) <= 100


def test_single_calls_learn_the_limits_too() -> None:
    with cx.PaperExchange(clock=CLOCK, limits={"REQUEST_WEIGHT": (60, "1s")}) as exchange, cx.connect(exchange) as one:
        for _ in range(60):
            one.klines("BTCUSDT", "1h", 5)
        assert statuses(exchange) == {200}
        assert len(exchange.requests.of("exchangeInfo")) == 1
        assert one.weight_used()[1] == 60


def test_two_sessions_share_one_limit() -> None:
    import threading

    with cx.PaperExchange(clock=CLOCK, limits={"REQUEST_WEIGHT": (100, "1s")}) as exchange:
        sessions = [cx.connect(exchange, max_in_flight=8) for _ in range(2)]
        sessions[0].symbol("BTCUSDT")
        assert sessions[1].weight_used()[1] == 100
        frames: list[Any] = []
        threads = [
            threading.Thread(target=lambda s=session: frames.append(s.klines_bulk("BTCUSDT", "1m", 45_000)))
            for session in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(frame) for frame in frames] == [45_000] * 2
        assert statuses(exchange) == {200}
        for session in sessions:
            session.close()


def test_each_session_keeps_to_its_own_share() -> None:
    with cx.PaperExchange(clock=CLOCK, limits={"REQUEST_WEIGHT": (200, "1s")}) as exchange:
        with cx.connect(exchange) as whole, cx.connect(exchange, weight_share=0.3) as part:
            whole.klines("BTCUSDT", "1h", 5)
            part.symbol("BTCUSDT")
            time.sleep(1.05)  # the window in which the limits were learned is no matter here
            exchange.requests.clear()
            part.klines_bulk("BTCUSDT", "1m", 60_000)
        spent = Counter()
        for one in exchange.requests:
            spent[int(one.time)] += one.weight
        assert max(spent.values()) <= 0.3 * 200 + 4  # a request may arrive just after the second it was granted in
