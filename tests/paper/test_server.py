"""The server on its socket: encodings, limits seen from outside, keep-alive, start and stop."""

from __future__ import annotations

import asyncio
import gc
import gzip
import http.client
import json
import socket
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest

from cryptox.errors import ConfigurationError
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.pages import Page, Pages
from cryptox.venues.binance.sbe.codec import decode

BTC = {"symbol": "BTCUSDT"}
HOURS = {**BTC, "interval": "1h"}
PAST = {**HOURS, "startTime": 1_710_000_000_000, "endTime": 1_713_596_400_000}  # 1000 finished candles
ASKED = b"GET /api/v3/exchangeInfo HTTP/1.1\r\nHost: x\r\n\r\n"


def test_bodies_over_a_kilobyte_are_zipped_for_those_who_ask(ask: Any) -> None:
    plain = ask("klines", PAST)
    assert "content-encoding" not in plain.headers
    for accept in ("gzip", "deflate, gzip;q=0.5", "GZIP, br"):
        packed = ask("klines", PAST, Accept_Encoding=accept)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert int(packed.headers["content-length"]) == len(packed.body) < len(plain.body) // 2
    for accept in ("gzip;q=0", "br", "identity"):
        assert "content-encoding" not in ask("klines", PAST, Accept_Encoding=accept).headers
    assert "content-encoding" not in ask("time", Accept_Encoding="gzip").headers
    binary = ask("klines", PAST, Accept_Encoding="gzip", Accept="application/sbe", X_MBX_SBE="3:5")
    assert decode(gzip.decompress(binary.body)) == plain.json


def test_a_real_client_reads_it(ask: Any) -> None:
    with httpx.Client(base_url=ask.exchange.rest_url, trust_env=False) as client:
        answer = client.get("/api/v3/klines", params=PAST)
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json() == ask("klines", PAST).json


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (None, -1152),
        ("", -1152),
        ("3", -1152),
        ("three:five", -1152),
        ("3:5:1", -1152),
        ("3:6", -1153),
        ("4:0", -1153),
        ("3:1", -1153),
        ("3:0", -1153),
        ("2:1", -1153),
        ("1:0", -1153),
    ],
)
def test_only_sbe_with_a_bad_header_is_an_sbe_error(ask: Any, version: str | None, code: int) -> None:
    more = {} if version is None else {"X_MBX_SBE": version}
    got = ask("time", Accept="application/sbe", **more)
    assert (got.status, got.headers["content-type"]) == (400, "application/sbe")
    assert decode(got.body)["code"] == code
    both = ask("time", Accept="application/sbe, application/json", **more)
    assert (both.status, both.headers["content-type"]) == (200, "application/json;charset=UTF-8")
    assert "serverTime" in both.json


def test_deprecated_versions_are_answered_in_the_newest(ask: Any) -> None:
    newest = ask("time", Accept="application/sbe", X_MBX_SBE="3:5")
    assert "x-mbx-sbe-deprecated" not in newest.headers
    for version in ("3:2", "3:3", "3:4"):
        old = ask("time", Accept="application/sbe", X_MBX_SBE=version)
        assert (old.status, old.body) == (200, newest.body)
        assert "x-mbx-sbe-deprecated" in old.headers


def test_an_exchange_without_sbe(opened: Callable[..., Any]) -> None:
    ask = opened(sbe=False)
    only = ask("time", Accept="application/sbe", X_MBX_SBE="3:5")
    assert (only.status, only.json) == (406, {"code": -1155, "msg": "SBE is not enabled."})
    both = ask("time", Accept="application/sbe, application/json", X_MBX_SBE="3:5")
    assert (both.status, list(both.json)) == (200, ["serverTime"])


def test_errors_are_in_the_encoding_asked_for(ask: Any) -> None:
    got = ask("klines", {"symbol": "NOPE", "interval": "1h"}, Accept="application/sbe", X_MBX_SBE="3:5")
    assert (got.status, got.headers["content-type"]) == (400, "application/sbe")
    assert got.body.hex() == (  # sbe.md, section 7
        "12006400030005009ffb000000000000008000000000000000800f00496e76616c69642073796d626f6c2e00000000"
    )


def test_paths_and_methods_that_do_not_exist(ask: Any) -> None:
    for path in ("/api/v3/kline", "/api/v3/klines/", "/api/v1/time", "/", "/sapi/v1/x"):
        got = ask(path)
        assert (got.status, got.body) == (404, b"")
        assert got.headers["content-type"] == "text/plain"  # an empty body is no JSON: the official SDK would read it
        page = ask(path, Accept="text/html,*/*")
        assert (page.status, page.headers["content-type"]) == (404, "text/html;charset=UTF-8")
        assert b"<html>" in page.body
        assert "x-mbx-used-weight-1m" in page.headers
    got = ask("klines", PAST, method="POST")
    assert (got.status, got.headers["allow"], got.headers["content-type"]) == (405, "GET", "text/plain")
    for path in ("/ws/btcusdt@trade", "/stream", "/ws-api/v3"):
        assert ask(path, Connection="Upgrade", Upgrade="websocket").status == 400  # no handshake


@pytest.mark.usefixtures("wall")
def test_every_answer_tells_weight_and_market_speed(opened: Callable[..., Any]) -> None:
    for clock, header in (("2024-06-01", "0"), (("2024-06-01", 60), "60"), (("2024-06-01", 1), "1"), ("now", None)):
        ask = opened(clock=clock)
        answers = [ask("ping"), ask("klines"), ask("nothing"), ask("klines", PAST)]
        assert [one.headers.get("x-paper-clock") for one in answers] == [header] * 4
        assert [one.status for one in answers] == [200, 400, 404, 200]
        assert answers[3].headers["x-mbx-used-weight"] == answers[3].headers["x-mbx-used-weight-1m"] == "5"


def test_real_time_is_told(opened: Callable[..., Any]) -> None:
    before = time.time_ns() // 1_000_000
    told = opened(clock=None)("time").json["serverTime"]
    assert before <= told <= time.time_ns() // 1_000_000


def test_limits_from_outside(opened: Callable[..., Any], wall: Any) -> None:
    """429 with Retry-After, on until the ban, all of it counted; afterwards all is well."""
    ask = opened(limits={"REQUEST_WEIGHT": (30, "1s")}, ban_after=3, ban_seconds=1.0)
    rules = ask("exchangeInfo", BTC).json["rateLimits"]
    assert rules[0] == {"rateLimitType": "REQUEST_WEIGHT", "interval": "SECOND", "intervalNum": 1, "limit": 30}
    seen: list[Any] = []
    wall.now += 1  # a new window
    while not (seen and seen[-1].status == 418) and len(seen) < 30:
        seen.append(ask("aggTrades", {**BTC, "limit": 1}))
    statuses = [one.status for one in seen]
    assert 200 in statuses
    assert statuses[-4:] == [429, 429, 429, 418]
    limited, banned = seen[-2], seen[-1]
    assert limited.headers["retry-after"] == "1"
    assert limited.json["code"] == banned.json["code"] == -1003
    assert limited.json["msg"] == (
        "Too much request weight used; current limit is 30 request weight per 1 SECOND. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    assert int(limited.headers["x-mbx-used-weight-1s"]) > 30
    assert banned.headers["retry-after"] == "1"
    assert "IP banned until" in banned.json["msg"]
    until = int(banned.json["msg"].split("until ")[1].split(".")[0])
    assert ask("ping").status == 418
    wall.now = until / 1_000
    assert ask("ping").status == 200


@pytest.mark.usefixtures("wall")
def test_finished_pages_are_rendered_once(opened: Callable[..., Any], flat: Any) -> None:
    ask = opened(market=flat)
    first = ask("klines", PAST)
    asked = flat.asked
    assert [ask("klines", PAST).body for _ in range(3)] == [first.body] * 3
    assert flat.asked == asked
    ask("klines", PAST, X_MBX_TIME_UNIT="MICROSECOND")
    assert flat.asked == asked + 1
    assert ask("ping").headers["x-mbx-used-weight"] == "11"  # kept pages cost as much


def test_unfinished_pages_move_with_the_market(ask: Any) -> None:
    open_ended = {**HOURS, "startTime": 1_717_236_000_000}
    sliding = [open_ended, HOURS, {**HOURS, "endTime": 1_717_300_000_000}]
    before = [ask("klines", params).json for params in sliding]
    ask.exchange.clock.advance("1h")
    after = [ask("klines", params).json for params in sliding]
    assert [rows[-1][0] for rows in after] == [rows[-1][0] + 3_600_000 for rows in before]
    today = {**BTC, "interval": "1d", "endTime": 1_717_200_000_000}  # its window is past, its last candle is not
    later = {**HOURS, "startTime": 1_717_250_400_000, "endTime": 1_717_257_600_000}
    first = ask("klines", today).json
    assert ask("klines", later).json == []
    ask.exchange.clock.advance("2h")
    assert ask("klines", today).json[-1] != first[-1]
    assert ask("klines", today).json[:-1] == first[:-1]
    assert len(ask("klines", later).json) == 2
    full = {**open_ended, "limit": 2}  # two finished candles and more to come
    assert ask("klines", full).json == before[0][:2]


def test_kept_pages_are_bounded() -> None:
    pages = Pages(1_000)
    for number in range(30):
        pages.keep(number, Page(b"x" * 300, 1))
        assert pages.size <= 1_000
    assert [number for number in range(30) if pages.find(number)] == [27, 28, 29]
    pages.find(27)
    pages.keep("new", Page(b"x" * 300, 1))
    assert pages.find(27) is not None
    assert pages.find(28) is None
    pages.keep("huge", Page(b"x" * 1_001, 1))
    assert pages.find("huge") is None


def test_connections_are_kept_alive(ask: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ask.exchange.port, timeout=5)
    connection.request("GET", "/api/v3/time")
    connection.getresponse().read()
    kept = connection.sock
    for _ in range(5):
        connection.request("GET", "/api/v3/time")
        answer = connection.getresponse()
        assert "date" in {name.lower() for name, _ in answer.getheaders()}
        answer.read()
        assert connection.sock is kept
    connection.close()


@pytest.mark.usefixtures("wall")
def test_many_at_once(opened: Callable[..., Any]) -> None:
    ask = opened(latency=0.3)
    port = ask.exchange.port

    def fetch(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", f"/api/v3/historicalTrades?symbol=BTCUSDT&limit=1&fromId={number}")
        body = connection.getresponse().read()
        connection.close()
        return int(json.loads(body)[0]["id"])

    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(fetch, range(40))) == list(range(40))
    assert time.monotonic() - started >= 0.6
    arrived = sorted(one.time for one in ask.exchange.requests)
    assert sum(later - one < 0.3 for one, later in pairwise(arrived)) > 20  # while the one before was still served
    assert ask("ping").headers["x-mbx-used-weight-1m"] == str(40 * 25 + 1)


def test_long_work_for_one_does_not_hold_up_the_others(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    market, go_on = ask.exchange.market, threading.Event()
    candles = market.candles

    def slow(*arguments: Any, **more: Any) -> Any:
        assert go_on.wait(10)
        return candles(*arguments, **more)

    monkeypatch.setattr(market, "candles", slow)
    port = ask.exchange.port

    def fetch() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1h")
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fetch)
        assert ask("time").status == 200
        assert ask("ping").status == 200
        assert not waiting.done()
        go_on.set()
        assert waiting.result(10) == 200


def test_start_and_stop_are_idempotent_and_leave_no_thread() -> None:
    from cryptox.paper.market import Market

    market: Market = _NoMarket()
    exchange = PaperExchange(market=market, clock="2024-06-01")
    with pytest.raises(ConfigurationError, match="not running"):
        _ = exchange.rest_url
    exchange.stop()
    ports = set()
    before = _threads()  # other tests' exchanges, the embedded one among them
    for _ in range(3):
        assert exchange.start() is exchange.start()
        ports.add(exchange.port)
        assert len(_threads() - before) == 1
        exchange.stop()
        exchange.stop()
        assert _threads() <= before
    with pytest.raises(ConfigurationError, match="not running"):
        _ = exchange.port


def test_a_port_in_use_is_an_error(ask: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on 127\.0\.0\.1:\d+: the port is in use\."):
        PaperExchange(market=ask.exchange.market, clock="2024-06-01", port=ask.exchange.port).start()


def test_an_exchange_that_could_not_start_goes_on_as_if_nothing_had_been(flat: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        exchange = PaperExchange(market=flat, clock="2024-06-01", port=other.getsockname()[1])
        with pytest.raises(ConfigurationError, match="cannot listen"):
            exchange.start()
        assert exchange.clock.watchers == []
        exchange.clock.advance("1h")
        with pytest.raises(ConfigurationError, match="not running"):
            exchange.replay("nothing.gz")
    with exchange:
        exchange.clock.advance("1h")
        assert exchange.is_running
    exchange.clock.advance("1h")


@pytest.mark.parametrize("host", ["a" * 70, "\ud800"])
def test_a_host_that_is_none_is_an_error(flat: Any, host: str) -> None:
    exchange = PaperExchange(market=flat, clock="2024-06-01", host=host)
    with pytest.raises(ConfigurationError, match="cannot listen on "):
        exchange.start()
    assert not exchange.is_running
    exchange.stop()


def test_the_clock_can_be_moved_while_the_exchange_starts_and_stops(flat: Any) -> None:
    exchange, errors, over = PaperExchange(market=flat, clock="2024-06-01"), [], threading.Event()

    def move() -> None:
        while not over.is_set():
            try:
                exchange.clock.advance(1)
                faults.remove(faults.add("frame", how="drop"))
            except Exception as error:
                errors.append(error)

    faults = exchange.faults
    mover = threading.Thread(target=move)
    mover.start()
    for _ in range(10):
        exchange.start()
        exchange.stop()
    over.set()
    mover.join()
    assert errors == []


def test_a_loop_that_is_closed_is_no_error_for_who_moves_the_clock(flat: Any) -> None:
    exchange = PaperExchange(market=flat, clock="2024-06-01").start()
    watchers, actions = tuple(exchange.clock.watchers), exchange.faults._actions
    exchange.stop()
    assert len(watchers) == 2
    for watcher in watchers:  # that it was about to call
        watcher()
    actions.tamper(active=False)


def test_stopping_just_as_the_loop_ends_is_no_error(flat: Any) -> None:
    exchange = PaperExchange(market=flat).start()
    server = exchange._server
    loop, closing = server._loop, server._closing
    ended = asyncio.new_event_loop()
    ended.close()
    server._loop = ended
    assert loop is not None
    assert closing is not None
    loop.call_soon_threadsafe(loop.call_later, 0.2, closing.set)
    exchange.stop()
    assert not exchange.is_running


def test_an_unexpected_error_is_told_to_who_asked_and_to_the_loop(
    opened: Callable[..., Any], flat: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = opened(market=flat)
    monkeypatch.setattr(flat, "candles", lambda *_, **__: 1 // 0)
    got = ask("klines", HOURS)
    assert (got.status, got.headers["content-type"]) == (500, "application/json;charset=UTF-8")
    assert got.json == {"code": -1000, "msg": "An unknown error occurred while processing the request."}
    assert int(got.headers["x-mbx-used-weight-1m"]) >= 2
    assert ask.exchange.requests[-1].status == 500
    monkeypatch.setattr(ask.exchange._state.answers, "admit", lambda *_: 1 // 0)
    assert (ask("ping").status, ask("ping").json["code"]) == (500, -1000)
    told = [record for record in caplog.records if record.name == "asyncio" and record.exc_info]
    assert [record.exc_info[0] for record in told if record.exc_info] == [ZeroDivisionError] * 3
    assert "/api/v3/klines failed" in told[0].message


def test_stopping_ends_open_connections_at_once(opened: Callable[..., Any]) -> None:
    others = set(threading.enumerate())
    ask = opened()
    ask.exchange.faults.add("drop", path="time")
    waiting = socket.create_connection(("127.0.0.1", ask.exchange.port))
    waiting.sendall(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n")
    ask("ping")  # and one that is idle
    (serving,) = {one for one in threading.enumerate() if one.name == "cryptox-paper"} - others
    ask.exchange.stop()
    assert not serving.is_alive()  # it has not been waited for in vain
    waiting.settimeout(5)
    try:
        assert waiting.recv(100) == b""
    except ConnectionResetError:
        pass
    finally:
        waiting.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /api/v3/exchangeInfo HTTP/1.1\r\nHost: x\r\n\r\n" * 40], ids=["new", "unread"]
)
def test_stopping_leaves_no_connection_open_whatever_it_is_doing(sent: bytes) -> None:
    """Some are made at the very moment of the stop, some have asked and do not read."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(4):
            exchange = PaperExchange(clock="2024-06-01 12:00").start()
            port, stopped = exchange.port, threading.Event()
            dialled: list[socket.socket] = []

            def dial(port: int = port, stopped: threading.Event = stopped, into: list[Any] = dialled) -> None:
                while not stopped.wait(0.0005):
                    with suppress(OSError):
                        into.append(socket.create_connection(("127.0.0.1", port), timeout=1))
                        into[-1].sendall(sent)

            threads = [threading.Thread(target=dial) for _ in range(2)]
            for thread in threads:
                thread.start()
            while len(dialled) < 20:
                time.sleep(0.001)
            exchange.stop()
            stopped.set()
            for thread in threads:
                thread.join()
            for one in dialled:
                one.close()
            dialled.clear()
            del exchange
            gc.collect()
    assert [str(one.message) for one in heard if issubclass(one.category, ResourceWarning)] == []


class _NoMarket:
    """A market without symbols."""

    end_ms = None

    def __init__(self) -> None:
        self.listings: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "cryptox-paper"}
