"""Every public endpoint over a real socket: shapes of the documentation, window rules, and both encodings alike."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cryptox.paper.routes import ROUTES
from cryptox.venues.binance.endpoints import ENDPOINTS
from cryptox.venues.binance.sbe.codec import decode

LISTED_MS = 1_704_067_200_000
OUTAGE = (1_709_251_200_000, 1_709_258_400_000)
BTC = {"symbol": "BTCUSDT"}
BINARY = {"Accept": "application/sbe", "X_MBX_SBE": "3:5"}
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
ALL = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")

EVERY: list[tuple[str, dict[str, Any]]] = [
    ("ping", {}),
    ("time", {}),
    ("exchangeInfo", {}),
    ("exchangeInfo", BTC),
    ("executionRules", BTC),
    ("depth", {**BTC, "limit": 7}),
    ("trades", {**BTC, "limit": 7}),
    ("historicalTrades", {**BTC, "limit": 7, "fromId": 12}),
    ("historicalBlockTrades", {**BTC, "fromId": 0}),
    ("aggTrades", {**BTC, "limit": 7}),
    ("klines", {**BTC, "interval": "1h", "limit": 7}),
    ("klines", {"symbol": "PEPEUSDT", "interval": "1M"}),
    ("uiKlines", {**BTC, "interval": "1d", "limit": 7, "timeZone": "-3:30"}),
    ("avgPrice", BTC),
    ("ticker/24hr", BTC),
    ("ticker/24hr", {}),
    ("ticker/24hr", {**BTC, "type": "MINI"}),
    ("ticker/24hr", {"type": "MINI", "symbols": '["OLDUSDT","PEPEUSDT"]'}),
    ("ticker/tradingDay", BTC),
    ("ticker/tradingDay", {"symbols": '["BTCUSDT","PEPEUSDT"]', "timeZone": "8"}),
    ("ticker/tradingDay", {**BTC, "type": "MINI"}),
    ("ticker", {**BTC, "windowSize": "7d"}),
    ("ticker", {"symbols": '["BTCUSDT"]', "type": "MINI"}),
    ("ticker/price", BTC),
    ("ticker/price", {}),
    ("ticker/bookTicker", BTC),
    ("ticker/bookTicker", {}),
    ("referencePrice", BTC),
    ("referencePrice/calculation", BTC),
]


def open_times(interval: str, start_ms: int, end_ms: int, shift_ms: int = 0) -> list[int]:
    """Starts of the candles that open in [start, end], read off a calendar."""
    found: list[datetime] = []
    local_start = datetime.fromtimestamp((start_ms + shift_ms) / 1000, UTC)
    local_end = datetime.fromtimestamp((end_ms + shift_ms) / 1000, UTC)
    if interval == "1M":
        year, month = local_start.year, local_start.month
        while (moment := datetime(year, month, 1, tzinfo=UTC)) <= local_end:
            found.append(moment)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    else:
        count, unit = int(interval[:-1]), interval[-1]
        step = timedelta(weeks=1) if unit == "w" else timedelta(seconds=count * UNITS[unit])
        origin = datetime(1970, 1, 5 if unit == "w" else 1, tzinfo=UTC)
        moment = origin + (local_start - origin) // step * step
        while moment <= local_end:
            found.append(moment)
            moment += step
    times = [round(moment.timestamp() * 1000) - shift_ms for moment in found]
    return [time for time in times if start_ms <= time <= end_ms]


def lasting(interval: str) -> int:
    """Milliseconds from which a candle is too long to vanish in the outage of the test's market."""
    return 10**18 if interval[-1] in "dwM" else int(interval[:-1]) * UNITS[interval[-1]] * 1000


def expected(
    interval: str, start: int | None, end: int | None, limit: int, now_ms: int, shift_ms: int = 0
) -> list[int]:
    low = LISTED_MS if start is None else max(start, LISTED_MS)
    high = now_ms if end is None else min(end, now_ms)
    if start is None:
        span = 31 * 86_400_000 if interval == "1M" else 7 * 86_400_000 if interval == "1w" else lasting_ms(interval)
        low = max(low, high - (limit + 2) * span - 8_000_000)
    else:
        high = min(high, low + (limit + 2) * lasting_ms(interval) + 8_000_000) if interval != "1M" else high
    times = open_times(interval, low, high, shift_ms)
    step = lasting(interval)
    times = [t for t in times if not (OUTAGE[0] <= t and t + step <= OUTAGE[1])]
    return times[-limit:] if start is None else times[:limit]


def lasting_ms(interval: str) -> int:
    days = {"d": 86_400_000, "w": 7 * 86_400_000, "M": 31 * 86_400_000}
    return days.get(interval[-1], 0) * int(interval[:-1]) or lasting(interval)


def test_every_endpoint_of_the_table_is_served() -> None:
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if endpoint.method == "GET"} <= set(ROUTES)


def test_every_documented_public_endpoint_is_served(ask: Any, shared: Path) -> None:
    text = (shared / "binance" / "rest.md").read_text(encoding="utf-8")
    tails = [tail for line in re.findall(r"\| GET ([\w/, ]+) \| - ", text) for tail in line.split(", ")]
    assert len(tails) == 19
    for tail in tails:
        assert ask(tail).status != 404, tail


@pytest.mark.parametrize("interval", ALL)
def test_window_rules(ask: Any, now_ms: int, interval: str) -> None:
    rng = random.Random(interval)
    step = lasting_ms(interval)
    for _ in range(10):
        limit = rng.choice([1, 2, 5, 30])
        near = rng.choice([LISTED_MS, OUTAGE[0], OUTAGE[1], now_ms - 40 * step, now_ms])
        start = max(0, near + rng.randint(-20, 20) * step + rng.choice([0, 0, 1, -1, 500]))
        start -= rng.choice([0, start % 60_000])
        end = start + rng.choice([0, 1, step - 1, step, 17 * step])
        for given in (
            {},
            {"startTime": start},
            {"endTime": end},
            {"startTime": start, "endTime": end},
            {"startTime": start, "endTime": start},
        ):
            rows = ask("klines", {**BTC, "interval": interval, "limit": limit, **given}).json
            wanted = expected(interval, given.get("startTime"), given.get("endTime"), limit, now_ms)
            assert [row[0] for row in rows] == wanted, (given, limit)


@pytest.mark.parametrize(
    ("zone", "hours"), [("0", 0), ("8", 8), ("-1:00", -1), ("05:45", 5.75), ("-12:00", -12), ("14:00", 14), ("+3", 3)]
)
@pytest.mark.parametrize("interval", ["1h", "4h", "1d", "3d", "1w", "1M"])
def test_a_time_zone_moves_the_bars_only(ask: Any, now_ms: int, zone: str, hours: float, interval: str) -> None:
    shift = round(hours * 3_600_000)
    start, end = LISTED_MS + 40 * 86_400_000 + 1, now_ms - 5 * 86_400_000
    params = {**BTC, "interval": interval, "limit": 9, "startTime": start, "endTime": end}
    rows = ask("uiKlines", {**params, "timeZone": zone}).json
    assert [row[0] for row in rows] == open_times(interval, start, end, shift)[:9]
    assert rows == ask("klines", {**params, "timeZone": zone}).json


def test_times_may_come_in_microseconds(ask: Any) -> None:
    start, end = 1_710_000_000_000, 1_710_036_000_000
    params = {**BTC, "interval": "1h"}
    plain = ask("klines", {**params, "startTime": start, "endTime": end}).json
    assert len(plain) == 11
    assert ask("klines", {**params, "startTime": start * 1000, "endTime": end * 1000}).json == plain
    # One microsecond past the opening leaves that candle out; one before the last keeps it out.
    assert ask("klines", {**params, "startTime": start * 1000 + 1, "endTime": end * 1000}).json == plain[1:]
    assert ask("klines", {**params, "startTime": start * 1000, "endTime": end * 1000 - 1}).json == plain[:-1]


@pytest.mark.parametrize("start", [0, 1, 1_483_228_800_000, 99_999_999_999_999_999_999])
def test_times_out_of_range_are_clamped(ask: Any, now_ms: int, start: int) -> None:
    rows = ask("klines", {**BTC, "interval": "1d", "startTime": start, "limit": 2})
    assert rows.status == 200
    past = start < LISTED_MS
    assert [row[0] for row in rows.json] == ([LISTED_MS, LISTED_MS + 86_400_000] if past else [])
    assert ask("klines", {**BTC, "interval": "1d", "startTime": LISTED_MS, "endTime": 0}).json == []


@pytest.mark.parametrize("unit", ["MICROSECOND", "microsecond", "MILLISECOND", "millisecond"])
def test_time_unit_of_answers(ask: Any, now_ms: int, unit: str) -> None:
    factor = 1_000 if unit.lower() == "microsecond" else 1
    assert ask("time", X_MBX_TIME_UNIT=unit).json == {"serverTime": now_ms * factor}
    (row,) = ask("klines", {**BTC, "interval": "1m", "limit": 1}, X_MBX_TIME_UNIT=unit).json
    opened = now_ms // 60_000 * 60_000
    assert (row[0], row[6]) == (opened * factor, (opened + 60_000) * factor - 1)
    (trade,) = ask("historicalTrades", {**BTC, "fromId": 5, "limit": 1}, X_MBX_TIME_UNIT=unit).json
    exact = LISTED_MS * 1_000 + 5_000_000 + 5 * 7_919
    assert trade["time"] == (exact if factor > 1 else exact // 1_000)


@pytest.mark.parametrize("unit", ["SECOND", "Microsecond", "", "us"])
def test_other_time_units_are_refused(ask: Any, unit: str) -> None:
    got = ask("time", X_MBX_TIME_UNIT=unit)
    assert (got.status, got.json) == (
        400,
        {"code": -1194, "msg": "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."},
    )


@pytest.mark.parametrize(("tail", "params"), EVERY)
def test_both_encodings_say_the_same(ask: Any, tail: str, params: dict[str, Any]) -> None:
    text, binary = ask(tail, params, X_MBX_TIME_UNIT="MICROSECOND"), ask(tail, params, **BINARY)
    assert binary.headers["content-type"] == "application/sbe"
    assert binary.status == text.status
    told, seen = text.json, decode(binary.body, microseconds=True)
    if tail == "exchangeInfo":
        for name in ("timezone", "serverTime"):  # sbe.md, section 1
            told.pop(name)
        told, seen = _alike(told), _alike(seen)
    assert seen == told


def _alike(info: dict[str, Any]) -> dict[str, Any]:
    """Exchange information without what SBE cannot say: three fields, the order of a set, zeros at an end."""
    for symbol in info["symbols"]:
        for name in ("opoAllowed", "quotePrecision", "permissions"):
            symbol.pop(name, None)
        symbol["orderTypes"].sort()
        for rule in symbol["filters"]:
            rule.update({name: float(value) for name, value in rule.items() if "Multiplier" in name})
    return info


def test_the_documentation_s_shapes(ask: Any, shared: Path) -> None:
    """Field names and order of the JSON examples of rest.md, section 3."""
    text = (shared / "binance" / "rest.md").read_text(encoding="utf-8").partition("## 3. Market data")[2]

    def fields(example: str) -> list[str]:
        return re.findall(r'"(\w+)":', example)

    def documented(begin: str) -> list[str]:
        at = text.index(begin)
        return fields(text[at : text.index("}", at)])

    assert list(ask("depth", BTC).json) == documented('{"lastUpdateId"')
    assert list(ask("trades", BTC).json[0]) == documented('[{"id":28457')
    assert list(ask("aggTrades", BTC).json[0]) == documented('[{"a":26129')
    assert list(ask("avgPrice", BTC).json) == documented('{"mins"')
    full = documented('{"symbol":"BTCUSDT","priceChange"')
    assert list(ask("ticker/24hr", BTC).json) == full
    assert list(ask("ticker/price", BTC).json) == documented('{"symbol":"BTCUSDT","price":')
    assert list(ask("ticker/bookTicker", BTC).json) == documented('{"symbol":"BTCUSDT","bidPrice"')
    less = {"prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"}
    for tail in ("ticker", "ticker/tradingDay"):
        assert sorted(ask(tail, BTC).json) == sorted(set(full) - less)
    mini = re.search(r"MINI: `([^`]+)`", text)
    assert mini is not None
    for tail in ("ticker/24hr", "ticker", "ticker/tradingDay"):
        assert list(ask(tail, {**BTC, "type": "MINI"}).json) == mini[1].split(", ")


def test_the_documentation_s_exchange_information(ask: Any, shared: Path) -> None:
    text = (shared / "binance" / "rest.md").read_text(encoding="utf-8")
    example = text[text.index('{"timezone"') : text.index('"sors"')]
    names = re.findall(r'"(\w+)":', example)
    found = ask("exchangeInfo", BTC)
    assert [name for name in names if f'"{name}":'.encode() not in found.body] == []
    symbol = found.json["symbols"][0]
    wanted = names[names.index("baseAsset") - 2 :]
    wanted = [name for name in dict.fromkeys(wanted) if name not in ("filterType", "minPrice", "maxPrice", "tickSize")]
    assert list(symbol) == wanted
    assert symbol["filters"][0] == {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    }
    assert found.json["rateLimits"] == [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300000},
    ]


def test_rows_of_candles_are_exact_text(ask: Any) -> None:
    opened = 1_710_000_000_000
    (row,) = ask("klines", {**BTC, "interval": "1h", "startTime": opened, "limit": 1}).json
    k = opened // 1000
    base, volume = 4_000_000 + k % 1_000, 1_000 + k % 99_991
    cents = lambda ticks: f"{ticks // 100}.{ticks % 100:02d}000000"  # noqa: E731
    small = lambda steps, places: f"{steps // 10**places}.{steps % 10**places:0{places}d}{'0' * (8 - places)}"  # noqa: E731
    assert row == [
        opened,
        cents(base),
        cents(base + 60),
        cents(base - 70),
        cents(base + k % 13),
        small(volume, 5),
        opened + 3_599_999,
        small(volume * base, 7),
        5 + k % 7,
        small(volume // 3, 5),
        small(volume // 3 * base, 7),
        "0",
    ]
    (tiny,) = ask("klines", {"symbol": "PEPEUSDT", "interval": "1h", "startTime": opened, "limit": 1}).json
    assert (tiny[1], tiny[5]) == (f"0.0{base}", f"{volume}.00000000")


def test_trades_by_id(ask: Any) -> None:
    newest = ask("trades", {**BTC, "limit": 3}).json
    last = newest[-1]["id"]
    assert [one["id"] for one in newest] == [last - 2, last - 1, last]
    tail = ask("historicalTrades", {**BTC, "fromId": last - 1, "limit": 500}).json
    assert [one["id"] for one in tail] == [last - 1, last]
    assert ask("historicalTrades", {**BTC, "fromId": last + 1}).json == []
    assert ask("historicalTrades", {**BTC, "limit": 3}).json == newest
    first = ask("historicalTrades", {**BTC, "fromId": 0, "limit": 1}).json
    assert first == [
        {
            "id": 0,
            "price": "40000.00000000",
            "qty": "0.00001000",
            "quoteQty": "0.40000000",
            "time": LISTED_MS,
            "isBuyerMaker": True,
            "isBestMatch": True,
        }
    ]


def test_aggregate_trades_by_id_and_time(ask: Any, now_ms: int) -> None:
    """Against the plain list of aggregates: one every two seconds, a little later each time."""
    newest = ask("aggTrades", {**BTC, "limit": 1}).json[0]["a"]
    exact = {
        number: LISTED_MS * 1000 + 2 * number * 1_000_000 + 2 * number * 7_919 % 1_000_000
        for number in range(newest + 1 - 400, newest + 1)
    }
    assert [one["a"] for one in ask("aggTrades", {**BTC, "fromId": newest - 3, "limit": 2}).json] == [
        newest - 3,
        newest - 2,
    ]
    rng = random.Random(5)
    for _ in range(40):
        start_us = now_ms * 1000 - rng.randint(0, 700) * 1_000_000 + rng.randint(0, 999_999)
        end_us = start_us + rng.randint(-1, 200) * 1_000_000
        if rng.random() < 0.5:  # exactly on a trade
            start_us = exact[rng.choice(sorted(exact))]
        limit = rng.choice([1, 3, 1000])
        seen = [
            one["a"] for one in ask("aggTrades", {**BTC, "startTime": start_us, "endTime": end_us, "limit": limit}).json
        ]
        assert seen == [number for number, time in exact.items() if start_us <= time <= end_us][:limit]
        if rng.random() < 0.5:
            end_us = exact[rng.choice(sorted(exact))]
            seen = [one["a"] for one in ask("aggTrades", {**BTC, "startTime": start_us, "endTime": end_us}).json]
            assert seen == [number for number, time in exact.items() if start_us <= time <= end_us]
        start, end = start_us // 1000, end_us // 1000
        seen = [one["a"] for one in ask("aggTrades", {**BTC, "startTime": start, "endTime": end}).json]
        assert seen == [number for number, time in exact.items() if start <= time // 1000 <= end]
        seen = [one["a"] for one in ask("aggTrades", {**BTC, "endTime": end_us, "limit": 5}).json]
        assert seen == [number for number, time in exact.items() if time <= end_us][-5:] or end_us < min(exact.values())
        seen = [one["a"] for one in ask("aggTrades", {**BTC, "startTime": start_us, "limit": 5}).json]
        assert seen == [number for number, time in exact.items() if start_us <= time][:5]


def test_a_symbol_in_break_keeps_its_history_and_has_no_book(ask: Any) -> None:
    old = {"symbol": "OLDUSDT"}
    assert ask("exchangeInfo", old).json["symbols"][0]["status"] == "BREAK"
    rows = ask("klines", {**old, "interval": "1d", "limit": 2}).json
    assert [row[0] for row in rows] == [LISTED_MS + 58 * 86_400_000, LISTED_MS + 59 * 86_400_000]
    book = ask("depth", old).json
    assert (book["bids"], book["asks"]) == ([], [])
    last = ask("klines", {**old, "interval": "1m", "limit": 1}).json[0]
    assert ask("ticker/price", old).json == {"symbol": "OLDUSDT", "price": last[4]}
    best = ask("ticker/bookTicker", old).json
    assert set(best.values()) == {"OLDUSDT", "0.00000000"}
    daily = ask("ticker/24hr", old).json
    assert (daily["lastPrice"], daily["firstId"], daily["lastId"], daily["count"]) == ("0.00000000", -1, -1, 0)
    assert ask("ticker/24hr", {"symbols": '["BTCUSDT","OLDUSDT"]', "symbolStatus": "TRADING"}).json[0]["symbol"] == (
        "BTCUSDT"
    )
    assert ask("ticker/24hr", {"symbols": '["OLDUSDT"]', "symbolStatus": "TRADING"}).json == []
    assert ask("ticker/24hr", {**old, "symbolStatus": "TRADING"}).json["code"] == -1220


def test_status_follows_market_time(opened: Callable[..., Any]) -> None:
    early = opened(clock="2024-01-15")
    assert early("exchangeInfo", {"symbol": "OLDUSDT"}).json["symbols"][0]["status"] == "TRADING"
    early.exchange.clock.advance("300d")
    assert early("exchangeInfo", {"symbol": "OLDUSDT"}).json["symbols"][0]["status"] == "BREAK"
    assert early("klines", {"symbol": "NEWUSDT", "interval": "1d"}).status == 200
