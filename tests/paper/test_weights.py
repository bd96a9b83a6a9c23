"""Limits of an address: windows, 429, 418, and the weights of the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.paper.refusals import Refused
from cryptox.paper.weights import Meter, announced, read_limits

MINUTE = 1_800_000_000.0  # a full minute and a full 5 minutes
SYMBOLS = '["BTCUSDT","ETHUSDT","PEPEUSDT"]'


def test_windows_are_aligned_to_the_wall_clock() -> None:
    meter = Meter(read_limits({"REQUEST_WEIGHT": (100, "10s")}))
    for now, used in ((MINUTE + 9.9, 60), (MINUTE + 9.99, 100), (MINUTE + 10.0, 40), (MINUTE + 19.99, 80)):
        meter.charge(60 if used == 60 else 40, now)
        assert meter.headers(now) == {"x-mbx-used-weight": str(used), "x-mbx-used-weight-10s": str(used)}


def test_over_the_limit_is_429_until_the_window_ends() -> None:
    meter = Meter(read_limits(None))
    meter.charge(5_999, MINUTE + 12.5)
    meter.charge(1, MINUTE + 12.5)
    with pytest.raises(Refused) as caught:
        meter.charge(1, MINUTE + 12.5)
    assert (caught.value.status, int(caught.value.code), caught.value.retry_after) == (429, -1003, 48)
    assert caught.value.text == (
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    assert meter.headers(MINUTE + 13)["x-mbx-used-weight-1m"] == "6001"  # the refused one counts
    meter.charge(1, MINUTE + 60)
    assert meter.headers(MINUTE + 60)["x-mbx-used-weight-1m"] == "1"


def test_retry_after_always_reaches_the_next_window() -> None:
    for tenth in range(1, 600):
        meter, now = Meter(read_limits({"REQUEST_WEIGHT": (1, "1m")})), MINUTE + tenth / 10
        meter.charge(1, now)
        with pytest.raises(Refused) as caught:
            meter.charge(1, now)
        assert caught.value.retry_after is not None
        assert MINUTE + 60 <= now + caught.value.retry_after < MINUTE + 61
        meter.charge(1, now + caught.value.retry_after)


def test_raw_requests_have_their_own_limit() -> None:
    meter = Meter(read_limits({"RAW_REQUESTS": (3, "5m")}))
    for _ in range(3):
        meter.charge(0, MINUTE + 299)
    with pytest.raises(Refused, match=r"Too many requests queued\.") as caught:
        meter.charge(0, MINUTE + 299)
    assert (caught.value.status, caught.value.retry_after) == (429, 1)
    meter.charge(0, MINUTE + 300)


def test_all_windows_of_a_kind_must_have_room() -> None:
    meter = Meter(read_limits({"REQUEST_WEIGHT": [(10, "1s"), (15, "1m")]}))
    meter.charge(10, MINUTE)
    with pytest.raises(Refused, match="current limit is 15 request weight per 1 MINUTE"):
        meter.charge(10, MINUTE + 1)
    assert meter.headers(MINUTE + 1) == {
        "x-mbx-used-weight": "10",
        "x-mbx-used-weight-1s": "10",
        "x-mbx-used-weight-1m": "20",
    }


def test_going_on_after_429_is_a_ban_that_grows_to_three_days() -> None:
    meter = Meter(read_limits({"REQUEST_WEIGHT": (1, "1m")}), ban_after=3, ban_seconds=120)
    now, lengths = MINUTE, []
    for _ in range(14):
        statuses = []
        while 418 not in statuses:
            try:
                meter.charge(1, now)
                statuses.append(200)
            except Refused as refused:
                statuses.append(refused.status)
                last = refused
        assert statuses == [200, 429, 429, 429, 418]
        assert last.text == (
            f"Way too much request weight used; IP banned until {int(meter.banned_until * 1000)}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        lengths.append(meter.banned_until - now)
        with pytest.raises(Refused) as still:
            meter.charge(1, meter.banned_until - 0.5)
        assert (still.value.status, still.value.retry_after) == (418, 1)
        now = (meter.banned_until // 60 + 1) * 60
    assert lengths[:4] == [120, 240, 480, 960]
    assert lengths[-1] == 3 * 86_400
    meter.charge(1, now)


def test_a_new_window_forgives_what_came_after_the_429() -> None:
    meter = Meter(read_limits({"REQUEST_WEIGHT": (1, "1m")}), ban_after=3)
    for minute in range(20):
        statuses = []
        for _ in range(4):  # one too few for a ban
            try:
                meter.charge(1, MINUTE + 60 * minute)
            except Refused as refused:
                statuses.append(refused.status)
        assert statuses == [429, 429, 429]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 130)), max_size=60), st.integers(1, 3_000))
def test_counts_are_the_sum_of_the_window(calls: list[tuple[int, int]], limit: int) -> None:
    """Against a plain list of what was asked when."""
    meter = Meter(read_limits({"REQUEST_WEIGHT": (limit, "1m")}), ban_after=10**9)
    asked: list[tuple[int, int]] = []
    second = 0
    for weight, pause in calls:
        second += pause
        asked.append((second, weight))
        used = sum(w for when, w in asked if when // 60 == second // 60)
        if used <= limit:
            meter.charge(weight, MINUTE + second)
        else:
            with pytest.raises(Refused) as caught:
                meter.charge(weight, MINUTE + second)
            assert caught.value.retry_after == 60 - second % 60
        assert meter.headers(MINUTE + second)["x-mbx-used-weight"] == str(used)


@pytest.mark.parametrize(
    "changes",
    [
        {"WEIGHT": (1, "1s")},
        {"REQUEST_WEIGHT": 5},
        {"REQUEST_WEIGHT": (0, "1s")},
        {"REQUEST_WEIGHT": (True, "1s")},
        {"REQUEST_WEIGHT": (1.5, "1s")},
        {"REQUEST_WEIGHT": (5, "1w")},
        {"REQUEST_WEIGHT": (5, "0s")},
        {"REQUEST_WEIGHT": (5, 1)},
        {"REQUEST_WEIGHT": (5, "1s", 3)},
        [("REQUEST_WEIGHT", (5, "1s"))],
    ],
)
def test_unreadable_limits_are_refused_with_the_value(changes: Any) -> None:
    with pytest.raises(ValidationError, match="limits"):
        read_limits(changes)


def test_limits_are_announced() -> None:
    rules = announced(read_limits({"REQUEST_WEIGHT": (200, "1s")}))
    assert [(one.kind, one.interval, one.interval_count, one.limit) for one in rules] == [
        ("REQUEST_WEIGHT", "SECOND", 1, 200),
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    ]


def documented(shared: Path) -> dict[str, str]:
    """The weight column of the overview of rest.md, by the end of the path, public endpoints only."""
    text = (shared / "binance" / "rest.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"\| GET ([\w/, ]+) \| - [^|]*\| ([^|]+) \|", line)
        if match:
            found.update(dict.fromkeys(match[1].split(", "), match[2].strip()))
    return found


@pytest.mark.usefixtures("wall")
def test_every_plain_weight_is_the_documented_one(opened: Callable[..., Any], shared: Path) -> None:
    ask, weights = opened(), documented(shared)
    assert {"ping", "klines", "uiKlines", "ticker/bookTicker", "referencePrice/calculation"} <= set(weights)
    needed = {"symbol": "BTCUSDT", "interval": "1h", "fromId": "1", "limit": "1"}
    checked = 0
    for tail, weight in weights.items():
        if not weight.isdigit():
            continue
        takes = {
            "klines": ("symbol", "interval"),
            "uiKlines": ("symbol", "interval"),
            "ping": (),
            "time": (),
            "exchangeInfo": ("symbol",),
            "historicalBlockTrades": ("symbol", "fromId"),
        }.get(tail, ("symbol",))
        before = used(ask)
        assert ask(tail, {name: needed[name] for name in takes}).status in (200, 400)
        assert used(ask) - before - 1 == int(weight), tail
        checked += 1
    assert checked >= 11


@pytest.mark.parametrize(
    ("tail", "params", "weight"),
    [
        # limits.md, section 4
        *(
            ("depth", {"symbol": "BTCUSDT", "limit": limit}, weight)
            for limit, weight in (
                (1, 5),
                (100, 5),
                (101, 25),
                (500, 25),
                (501, 50),
                (1_000, 50),
                (1_001, 250),
                (5_000, 250),
                (99_999, 250),
            )
        ),
        ("depth", {"symbol": "BTCUSDT"}, 5),
        ("ticker/24hr", {"symbol": "BTCUSDT"}, 2),
        ("ticker/24hr", {"symbols": SYMBOLS}, 2),
        ("ticker/24hr", {}, 80),
        ("ticker/price", {"symbol": "BTCUSDT"}, 2),
        ("ticker/price", {"symbols": SYMBOLS}, 4),
        ("ticker/price", {}, 4),
        ("ticker/bookTicker", {"symbol": "BTCUSDT"}, 2),
        ("ticker/bookTicker", {}, 4),
        ("ticker", {"symbols": SYMBOLS}, 12),
        ("ticker/tradingDay", {"symbol": "BTCUSDT"}, 4),
        ("executionRules", {"symbol": "BTCUSDT"}, 2),
        ("executionRules", {"symbols": SYMBOLS}, 6),
        ("executionRules", {}, 40),
        ("executionRules", {"symbolStatus": "TRADING"}, 40),
    ],
)
def test_weights_that_depend_on_parameters(ask: Any, tail: str, params: dict[str, Any], weight: int) -> None:
    before = used(ask)
    assert ask(tail, params).status == 200
    assert used(ask) - before - 1 == weight


@pytest.mark.parametrize(("count", "weight"), [(20, 2), (21, 40), (100, 40), (101, 80)])
def test_weight_of_many_daily_tickers_is_charged_even_when_refused(ask: Any, count: int, weight: int) -> None:
    names = ",".join(f'"NO{number}"' for number in range(count))
    before = used(ask)
    assert ask("ticker/24hr", {"symbols": f"[{names}]"}).json["code"] == -1121
    assert used(ask) - before - 1 == weight


def used(ask: Any) -> int:
    return int(ask("ping").headers["x-mbx-used-weight"])
