"""Parameter checks over a real socket: codes and texts of the documentation."""

from __future__ import annotations

from typing import Any

import pytest

KLINES = {"symbol": "BTCUSDT", "interval": "1h"}
SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
SYMBOLS_RANGE = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'
INVALID = "Data sent for parameter '%s' is not valid."
MISSING = "Mandatory parameter '%s' was not sent, was empty/null, or malformed."
ILLEGAL = "Illegal characters found in parameter '%s'; legal range is '%s'."
COMBINATION = "Combination of optional parameters invalid."
HUNDRED_ONE = "[" + ",".join(f'"NO{number}"' for number in range(101)) + "]"


@pytest.mark.parametrize(
    ("tail", "query", "code", "text"),
    [
        ("klines", "", -1102, MISSING % "symbol"),
        ("klines", "symbol=&interval=1h", -1102, MISSING % "symbol"),
        ("klines", "symbol=BTCUSDT", -1102, MISSING % "interval"),
        ("klines", "symbol=BTCUSDT&interval=2m", -1120, "Invalid interval."),
        ("klines", "symbol=BTCUSDT&interval=1H", -1120, "Invalid interval."),
        ("klines", "symbol=NOPE&interval=1h", -1121, "Invalid symbol."),
        ("klines", "symbol=NEWUSDT&interval=1h", -1121, "Invalid symbol."),  # not yet listed
        ("klines", "symbol=btcusdt&interval=1h", -1100, ILLEGAL % ("symbol", SYMBOL_RANGE)),
        ("klines", "symbol=BTC%2FUSDT&interval=1h", -1100, ILLEGAL % ("symbol", SYMBOL_RANGE)),
        ("klines", "symbol=%FF&interval=1h", -1100, ILLEGAL % ("symbol", SYMBOL_RANGE)),
        ("klines", f"symbol={'A' * 51}&interval=1h", -1100, ILLEGAL % ("symbol", SYMBOL_RANGE)),
        ("klines", "symbol=BTCUSDT&interval=1h&limit=ten", -1100, ILLEGAL % ("limit", "^[0-9]{1,20}$")),
        ("klines", "symbol=BTCUSDT&interval=1h&limit=-1", -1100, ILLEGAL % ("limit", "^[0-9]{1,20}$")),
        ("klines", "symbol=BTCUSDT&interval=1h&limit=1.5", -1100, ILLEGAL % ("limit", "^[0-9]{1,20}$")),
        ("klines", "symbol=BTCUSDT&interval=1h&limit=", -1105, "Parameter 'limit' was empty."),
        ("klines", "symbol=BTCUSDT&interval=1h&limit=0", -1130, INVALID % "limit"),
        ("klines", "symbol=BTCUSDT&interval=1h&startTime=2024-01-01", -1100, ILLEGAL % ("startTime", "^[0-9]{1,20}$")),
        ("klines", "symbol=BTCUSDT&interval=1h&timeZone=15", -1130, INVALID % "timeZone"),
        ("klines", "symbol=BTCUSDT&interval=1h&timeZone=-12:15", -1130, INVALID % "timeZone"),
        ("klines", "symbol=BTCUSDT&interval=1h&timeZone=UTC", -1130, INVALID % "timeZone"),
        ("klines", "symbol=BTCUSDT&interval=1h&symbol=BTCUSDT", -1101, "Duplicate values for a parameter detected."),
        (
            "klines",
            "symbol=BTCUSDT&interval=1h&what=1",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
        ("ping", "a=1&b=2", -1101, "Too many parameters; expected '0' and received '2'."),
        ("avgPrice", "symbol=BTCUSDT&limit=5", -1101, "Too many parameters; expected '1' and received '2'."),
        ("aggTrades", "symbol=BTCUSDT&fromId=1&startTime=1", -1128, COMBINATION),
        ("aggTrades", "symbol=BTCUSDT&fromId=1&endTime=1", -1128, COMBINATION),
        ("historicalBlockTrades", "symbol=BTCUSDT", -1102, MISSING % "fromId"),
        (
            "depth",
            "symbol=BTCUSDT&symbolStatus=BREAK",
            -1220,
            "The symbol's status does not match the requested symbolStatus.",
        ),
        ("depth", "symbol=BTCUSDT&symbolStatus=CLOSED", -1122, "Invalid symbolStatus."),
        ("ticker/24hr", "symbol=BTCUSDT&type=BIG", -1139, "Invalid ticker type."),
        ("ticker/24hr", 'symbols=["BTCUSDT","BTCUSDT"]', -1151, "Symbol is present multiple times in the list."),
        ("ticker/24hr", 'symbols=["BTCUSDT",%20"ETHUSDT"]', -1100, ILLEGAL % ("symbols", SYMBOLS_RANGE)),
        ("ticker/24hr", "symbols=BTCUSDT", -1100, ILLEGAL % ("symbols", SYMBOLS_RANGE)),
        ("ticker/24hr", "symbols=[]", -1105, "Parameter 'symbols' was empty."),
        ("ticker/24hr", 'symbols=["BTCUSDT","NOPE"]', -1121, "Invalid symbol."),
        ("ticker/price", 'symbol=BTCUSDT&symbols=["BTCUSDT"]', -1128, COMBINATION),
        ("ticker/bookTicker", 'symbol=BTCUSDT&symbols=["BTCUSDT"]', -1128, COMBINATION),
        ("ticker", "", -1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"),
        ("ticker/tradingDay", "", -1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"),
        (
            "ticker",
            f"symbols={HUNDRED_ONE}",
            -1101,
            "Too many values sent for parameter 'symbols', maximum allowed up to 100.",
        ),
        (
            "ticker/tradingDay",
            f"symbols={HUNDRED_ONE}",
            -1101,
            "Too many values sent for parameter 'symbols', maximum allowed up to 100.",
        ),
        ("ticker", "symbol=BTCUSDT&windowSize=60m", -1130, INVALID % "windowSize"),
        ("ticker", "symbol=BTCUSDT&windowSize=24h", -1130, INVALID % "windowSize"),
        ("ticker", "symbol=BTCUSDT&windowSize=8d", -1130, INVALID % "windowSize"),
        ("ticker", "symbol=BTCUSDT&windowSize=1d4h", -1130, INVALID % "windowSize"),
        ("ticker", "symbol=BTCUSDT&windowSize=0m", -1130, INVALID % "windowSize"),
        ("exchangeInfo", 'symbol=BTCUSDT&symbols=["BTCUSDT"]', -1128, COMBINATION),
        ("exchangeInfo", "symbol=BTCUSDT&permissions=SPOT", -1128, COMBINATION),
        ("exchangeInfo", "symbol=BTCUSDT&symbolStatus=TRADING", -1128, COMBINATION),
        ("exchangeInfo", "symbolStatus=SLEEPING", -1122, "Invalid symbolStatus."),
        ("exchangeInfo", "permissions=FUTURES", -1130, INVALID % "permissions"),
        ("exchangeInfo", 'permissions=["SPOT"', -1130, INVALID % "permissions"),
        ("exchangeInfo", "showPermissionSets=1", -1100, ILLEGAL % ("showPermissionSets", "true|false")),
        ("exchangeInfo", "symbol=NOPE", -1121, "Invalid symbol."),
        ("executionRules", "symbol=BTCUSDT&symbolStatus=TRADING", -1128, COMBINATION),
        ("referencePrice", "symbol=BTCUSDT", -2043, "This symbol doesn't have a reference price."),
        ("referencePrice", "symbol=NOPE", -1121, "Invalid symbol."),
        ("referencePrice/calculation", "symbol=BTCUSDT", -2043, "This symbol doesn't have a reference price."),
    ],
)
def test_refusals(ask: Any, tail: str, query: str, code: int, text: str) -> None:
    got = ask(tail, query.replace('"', "%22").replace("[", "%5B"))
    assert (got.status, got.json) == (400, {"code": code, "msg": text})
    assert got.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    ("tail", "cap"),
    [("klines", 1_000), ("uiKlines", 1_000), ("trades", 1_000), ("historicalTrades", 1_000), ("aggTrades", 1_000)],
)
def test_limits_have_defaults_and_are_cut_at_the_cap(ask: Any, tail: str, cap: int) -> None:
    params = {"symbol": "ETHUSDT"} | ({"interval": "1h"} if "line" in tail else {})
    assert len(ask(tail, params).json) == 500
    for limit in (1, 7, cap, cap + 1, 10**19):
        assert len(ask(tail, {**params, "limit": limit}).json) == min(limit, cap)


def test_depth_is_cut_at_5000(ask: Any) -> None:
    for limit, levels in ((None, 100), (3, 3), (5_000, 5_000), (9_999, 5_000)):
        book = ask("depth", {"symbol": "BTCUSDT"} | ({"limit": limit} if limit else {})).json
        assert (len(book["bids"]), len(book["asks"])) == (levels, levels)


def test_symbols_need_not_be_ascii(ask: Any) -> None:
    assert ask("ticker/price", {"symbol": "币安人生USDT"}).json["symbol"] == "币安人生USDT"
    many = ask("ticker/price", {"symbols": '["BTCUSDT","币安人生USDT"]'})
    assert [one["symbol"] for one in many.json] == ["BTCUSDT", "币安人生USDT"]
    assert "币安人生USDT".encode() in many.body  # as it is, not escaped


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 5),
        ("permissions=SPOT", 5),
        ("permissions=MARGIN", 0),
        ('permissions=["MARGIN","SPOT"]', 5),
        ("symbolStatus=BREAK", 1),
        ("symbolStatus=TRADING", 4),
        ("symbolStatus=HALT", 0),
        ('symbols=["ETHUSDT"]', 1),
    ],
)
def test_which_symbols_the_exchange_information_lists(ask: Any, query: str, count: int) -> None:
    found = ask("exchangeInfo", query.replace('"', "%22").replace("[", "%5B"))
    assert found.status == 200
    assert len(found.json["symbols"]) == count


def test_permission_sets_can_be_left_out(ask: Any) -> None:
    assert ask("exchangeInfo", {"symbol": "BTCUSDT"}).json["symbols"][0]["permissionSets"] == [["SPOT"]]
    hidden = ask("exchangeInfo", {"symbol": "BTCUSDT", "showPermissionSets": "false"}).json["symbols"][0]
    assert hidden["permissionSets"] == []
