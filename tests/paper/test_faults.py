"""Faults on request, seen by a plain client."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from cryptox.errors import ValidationError
from cryptox.paper.faults import KINDS, Faults, Seen, SeenFrame

BTC = {"symbol": "BTCUSDT"}
HOURS = {**BTC, "interval": "1h", "limit": 50}
SEEN = Seen("GET", "/api/v3/klines", {"symbol": "BTCUSDT"}, {})


def raw(ask: Any, tail: str = "klines?symbol=BTCUSDT&interval=1h&limit=50", timeout: float = 2.0) -> tuple[bytes, str]:
    """All bytes of an answer, and how the connection ended: closed, reset or silent."""
    with socket.create_connection(("127.0.0.1", ask.exchange.port), timeout=timeout) as line:
        line.sendall(f"GET /api/v3/{tail} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        found = b""
        while True:
            try:
                piece = line.recv(65_536)
            except TimeoutError:
                return found, "silent"
            except ConnectionResetError:
                return found, "reset"
            if not piece:
                return found, "closed"
            found += piece


def test_latency_is_added_and_jitters(opened: Callable[..., Any]) -> None:
    ask = opened()
    ask.exchange.faults.add("latency", seconds=0.1, jitter=0.1, path="time")
    started = time.monotonic()
    assert ask("time").status == 200
    assert time.monotonic() - started >= 0.1
    latency = next(iter(ask.exchange.faults))
    assert ask("ping").status == 200
    assert latency.hits == 1
    delays = {latency.delay() for _ in range(50)}
    assert len(delays) == 50
    assert 0.1 <= min(delays) < max(delays) <= 0.2


@pytest.mark.usefixtures("wall")
def test_drop_takes_the_request_and_never_answers(ask: Any) -> None:
    ask.exchange.faults.add("drop", path="klines", times=1)
    assert raw(ask, timeout=0.3) == (b"", "silent")
    assert ask.exchange.requests[-1].status == 0
    assert ask.exchange.requests[-1].fault == "drop"
    assert ask("ping").headers["x-mbx-used-weight"] == "3"  # the exchange counted it all the same
    assert raw(ask)[0].startswith(b"HTTP/1.1 200")


def test_reset_before_and_within_the_body(ask: Any) -> None:
    whole, end = raw(ask)
    assert end == "closed"
    ask.exchange.faults.add("reset", times=1)
    assert raw(ask) == (b"", "reset")
    ask.exchange.faults.add("reset", at="body", times=1)
    part, end = raw(ask)
    assert end == "reset"
    assert part.startswith(b"HTTP/1.1 200 OK")
    body = whole.partition(b"\r\n\r\n")[2]
    assert part.partition(b"\r\n\r\n")[2] == body[: len(body) // 2]


def test_truncated_by_length_and_by_content(ask: Any) -> None:
    body = raw(ask)[0].partition(b"\r\n\r\n")[2]
    ask.exchange.faults.add("truncate", times=1)
    part, end = raw(ask)
    assert end == "closed"
    assert f"Content-Length: {len(body)}".encode() in part
    assert part.partition(b"\r\n\r\n")[2] == body[: len(body) // 2]
    ask.exchange.faults.add("truncate", times=1)
    with pytest.raises(http.client.IncompleteRead):
        ask("klines", HOURS)
    ask.close()
    ask.exchange.faults.add("truncate", how="body", times=1)
    cut = ask("klines", HOURS)
    assert (cut.status, cut.body) == (200, body[: len(body) // 2])
    assert int(cut.headers["content-length"]) == len(body) // 2


def test_a_request_that_arrives_twice(trader: Any) -> None:
    """Both are worked on, and the second answer is the one that is told."""
    trader.exchange.faults.add("repeat", method="POST", times=2)
    assert trader.place("rests").status == 400
    assert trader.open_orders() == ["rests"]
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001", "newClientOrderId": "taken"}
    second = trader("POST", "order", **market).json["orderId"]
    assert [one["orderId"] for one in trader("GET", "allOrders", **BTC).json if one["type"] == "MARKET"] == [
        second - 1,
        second,
    ]
    assert [one.fault for one in trader.exchange.requests if one.method == "POST"] == ["repeat", "repeat"]


@pytest.mark.parametrize(
    ("settings", "kind", "part"),
    [
        ({"code": 500}, "application/json", b'{"code":-1000,"msg":"An unknown error occurred'),
        ({"code": 500, "body": "html"}, "text/html", b"<h1>500 Internal Server Error</h1>"),
        ({"code": 502}, "text/html", b"<h1>502 Bad Gateway</h1>"),
        ({"code": 503}, "application/json", b'{"code":-1008,'),
        ({"code": 504}, "text/html", b"<h1>504 Gateway"),
        ({"code": 504, "body": "json"}, "application/json", b'{"code":-1007,"msg":"Timeout waiting'),
        ({"code": 503, "error_code": -1001, "message": "Down."}, "application/json", b'{"code":-1001,"msg":"Down."}'),
        ({"code": 403}, "text/html", b"403 Forbidden"),
        ({"code": 451}, "application/json", b"restricted location"),
        ({"code": 500, "body": "empty"}, "text/plain", b""),
        ({"code": 400, "body": "what?"}, "text/plain", b"what?"),
    ],
)
def test_statuses(ask: Any, settings: dict[str, Any], kind: str, part: bytes) -> None:
    ask.exchange.faults.add("status", **settings)
    got = ask("klines", HOURS)
    assert got.status == settings["code"]
    assert got.headers["content-type"].startswith(kind)
    assert part in got.body
    assert (got.body == b"") == (part == b"")
    assert "x-mbx-used-weight-1m" in got.headers
    ask.exchange.faults.clear()
    assert ask("klines", HOURS).status == 200


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects(ask: Any, code: int) -> None:
    ask.exchange.faults.add("status", code=code, location="http://127.0.0.1:9/elsewhere")
    got = ask("time")
    assert (got.status, got.headers["location"], got.body) == (code, "http://127.0.0.1:9/elsewhere", b"")


@pytest.mark.parametrize(
    ("settings", "status", "code", "accepted"),
    [
        ({"error_code": -1007}, 504, -1007, True),
        ({"error_code": -1007, "accepted": False}, 504, -1007, False),
        ({"error_code": -1006}, 500, -1006, True),
        ({"error_code": -1008}, 503, -1008, False),
        ({"error_code": -1008, "accepted": True}, 503, -1008, True),
        ({"error_code": -2015}, 400, -2015, False),
        ({"code": 500}, 500, -1000, True),
        ({"code": 500, "accepted": False}, 500, -1000, False),
        ({"code": 502}, 502, None, True),
        ({"code": 503}, 503, -1008, False),
        ({"code": 403}, 403, None, False),
        ({"code": 502, "error_code": -1007}, 502, -1007, True),
    ],
)
def test_an_order_is_placed_or_not_whatever_is_answered(
    trader: Any, settings: dict[str, Any], status: int, code: int | None, accepted: bool
) -> None:
    trader.exchange.faults.add("status", path="order", method="POST", times=1, **settings)
    got = trader.place("first")
    assert got.status == status
    assert (got.json["code"] if "json" in got.headers["content-type"] else None) == code
    if code == -1007:
        assert got.json["msg"].startswith("Timeout waiting for response from backend server. Send status unknown;")
    assert trader.place("second").status == 200
    assert trader.open_orders() == (["first", "second"] if accepted else ["second"])


def test_what_a_limit_refuses_is_not_worked_on(trader: Any) -> None:
    trader.exchange.faults.add("limit", retry_after=3, method="POST", times=1)
    assert trader.place("first").status == 429
    assert trader.open_orders() == []


@pytest.mark.parametrize("kind", ["drop", "reset"])
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.usefixtures("wall")
def test_an_order_that_is_not_answered(trader: Any, kind: str, accepted: bool) -> None:
    trader.exchange.faults.add(kind, method="POST", accepted=accepted)
    weight = int(trader.ask("ping").headers["x-mbx-used-weight"])
    patient, trader.ask.timeout = trader.ask.timeout, 0.5
    trader.ask.close()
    with pytest.raises((TimeoutError, ConnectionError)) as caught:
        trader.place("first")
    assert isinstance(caught.value, TimeoutError) == (kind == "drop")
    trader.ask.close()
    trader.ask.timeout = patient
    assert trader.open_orders() == (["first"] if accepted else [])
    assert [(one.status, one.fault) for one in trader.exchange.requests.of("order")] == [(0, kind)]
    assert int(trader.ask("ping").headers["x-mbx-used-weight"]) - weight == 81  # openOrders of all symbols, and ping


def test_an_order_that_was_not_taken_is_not_counted(trader: Any) -> None:
    trader.exchange.faults.add("status", code=500, method="POST", times=2, accepted=False)
    for _ in range(3):
        counted = trader.place("one").headers.get("x-mbx-order-count-1d")
    assert counted == "1"


def test_forced_limits(ask: Any) -> None:
    ask.exchange.faults.add("limit", retry_after=7, times=1)
    got = ask("klines", HOURS)
    assert (got.status, got.headers["retry-after"], got.json["code"]) == (429, "7", -1003)
    ask.exchange.faults.add("limit", code=418, retry_after=120, times=1)
    got = ask("klines", HOURS)
    assert (got.status, got.headers["retry-after"]) == (418, "120")
    until = int(got.json["msg"].split("banned until ")[1].split(".")[0])
    assert 110_000 < until - time.time() * 1000 <= 120_000
    assert ask("klines", HOURS).status == 200


def test_wrong_bodies(ask: Any) -> None:
    faults = ask.exchange.faults
    faults.add("body", how="html", times=1)
    got = ask("klines", HOURS)
    assert (got.status, got.headers["content-type"]) == (200, "text/html")
    faults.add("body", how="empty", times=1)
    got = ask("klines", HOURS)
    assert (got.status, got.headers["content-type"], got.body) == (200, "application/json;charset=UTF-8", b"")
    faults.add("body", how="gzip", times=1)
    got = ask("klines", HOURS)
    assert got.headers["content-encoding"] == "gzip"
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(got.body)
    faults.add("body", how="huge", size=3_000_000, times=1)
    assert len(ask("klines", HOURS).json) == 1_500_001
    faults.add("body", how="bomb", size=3_000_000, times=1)
    got = ask("klines", HOURS)
    assert len(got.body) < 10_000
    assert len(gzip.decompress(got.body)) == 3_000_002
    assert len(ask("klines", HOURS).json) == 50


def test_skew_moves_the_told_time_only(ask: Any, now_ms: int) -> None:
    newest = ask("klines", HOURS).json[-1]
    ask.exchange.faults.add("skew", seconds=-61.5)
    assert ask("time").json == {"serverTime": now_ms - 61_500}
    assert ask("klines", HOURS).json[-1] == newest


def test_weight_of_another_client(ask: Any, wall: Any) -> None:
    ask.exchange.faults._clock = wall.time
    ask.exchange.faults.add("weight", amount=1_000)
    assert ask("ping").headers["x-mbx-used-weight-1m"] == "1001"
    ask.exchange.faults.add("weight", amount=5_100)
    got = ask("ping")
    assert (got.headers["x-mbx-used-weight-1m"], got.status) == ("6102", 429)
    ask.exchange.faults.clear()
    assert ask("ping").status == 200


def others(faults: Faults, start: float, now: float) -> int:
    return faults.others(start, now)


def test_steady_and_bursting_others_by_window() -> None:
    now = [1_000.0]
    faults = Faults(lambda: now[0])
    steady = faults.add("weight", rate=80)
    assert [others(faults, 1_000, t) for t in (1_000, 1_000.5, 1_001)] == [0, 40, 80]
    assert others(faults, 1_001, 1_001.25) == 20  # a new window begins at zero
    assert others(faults, 990, 1_000.5) == 40  # nothing before it was added
    faults.remove(steady)
    assert others(faults, 1_000, 1_001) == 0
    faults.add("weight", amount=4, every=0.25)
    assert [others(faults, 1_000, t) for t in (1_000, 1_000.2, 1_000.25, 1_000.9, 1_001)] == [4, 4, 8, 16, 20]
    assert others(faults, 1_001, 1_001.1) == 4
    assert others(faults, 1_001.1, 1_001.2) == 0
    faults.clear()
    faults.add("weight", amount=100, seconds_long=1.0)
    assert [others(faults, 1_000, 1_000), others(faults, 999, 1_500), others(faults, 1_001, 1_002)] == [100, 100, 0]


def test_reach_of_a_fault() -> None:
    now = 1_000.0
    faults = Faults(lambda: now)
    hit = lambda seen=SEEN, at=now: [one.kind for one in faults.struck(seen, at)]  # noqa: E731
    thrice = faults.add("status", code=502, path="klines", times=3, after=2)
    assert [bool(hit()) for _ in range(7)] == [False, False, True, True, True, False, False]
    assert thrice.hits == 3
    faults.clear()
    faults.add("drop", path="klines")
    assert not hit(Seen("GET", "/api/v3/uiKlines", {}, {}))
    assert hit(Seen("GET", "/api/v3/klines", {}, {}))
    faults.clear()
    faults.add("drop", when=lambda seen: seen.params.get("symbol") == "ETHUSDT")
    assert not hit()
    assert hit(Seen("GET", "/api/v3/klines", {"symbol": "ETHUSDT"}, {}))
    faults.clear()
    faults.add("drop", seconds_long=2)
    assert [bool(hit(at=at)) for at in (999.9, 1_000, 1_001.9, 1_002)] == [False, True, True, False]
    faults.clear()
    faults.add("drop", probability=0.25, seed=3)
    first = [bool(hit()) for _ in range(2_000)]
    assert 400 < sum(first) < 600
    faults.clear()
    faults.add("drop", probability=0.25, seed=3)
    assert [bool(hit()) for _ in range(2_000)] == first
    faults.clear()
    assert len(faults) == 0
    assert hit() == []


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("explode", {}, "'explode' is no kind of fault"),
        ("droop", {}, "Did you mean 'drop'"),
        ("latency", {}, "needs seconds"),
        ("latency", {"seconds": -1}, "seconds=-1"),
        ("latency", {"second": 1}, "Did you mean 'seconds'"),
        ("status", {"code": 200}, "code=200"),
        ("status", {"code": 502, "path": "kline"}, "Did you mean 'klines'"),
        ("status", {"code": 502, "times": -1}, "times=-1"),
        ("status", {"code": 502, "probability": 1.5}, "probability=1.5"),
        ("limit", {"code": 500, "retry_after": 1}, "code=500"),
        ("reset", {"at": "end"}, "'end' is no at of the fault"),
        ("body", {"how": "long"}, "'long' is no how"),
        ("weight", {"amount": 1, "every": 0}, "every=0"),
        ("weight", {"rate": float("nan")}, "rate=nan"),
        ("status", {}, "needs code= or error_code="),
        ("status", {"error_code": "x"}, "error_code='x'"),
        ("status", {"code": True}, "code=True"),
        ("status", {"code": 302, "location": "a\r\nb"}, "location="),
        ("status", {"code": 500, "accepted": 1}, "accepted=1"),
        ("status", {"code": 500, "body": 7}, "body=7"),
        ("limit", {"retry_after": 1.5}, "retry_after=1.5 is not a whole"),
        ("body", {"how": "huge", "size": 2**31}, "size=2147483648"),
        ("skew", {"seconds": float("inf")}, "seconds=inf"),
        ("drop", {"path": "order.plac"}, "Did you mean 'order.place'"),
        ("drop", {"path": 7}, "path=7"),
        ("drop", {"stream": "btcusdt@trade"}, "stream= does not fit the fault 'drop', which hits requests"),
        ("drop", {"times": "3"}, "times='3'"),
        ("drop", {"probability": "x"}, "probability='x'"),
        ("drop", {"seed": None}, "seed=None"),
        ("frame", {}, "needs how"),
        ("frame", {"how": "duplicat"}, "Did you mean 'duplicate'"),
        ("frame", {"how": "delay"}, "needs seconds= above zero"),
        ("frame", {"how": "drop", "path": "klines"}, "path= does not fit the fault 'frame', which hits messages"),
        ("freeze", {"seconds": -1}, "seconds=-1"),
        ("freeze", {"seconds": 1e308}, r"seconds=1e\+308"),
        ("skew", {"seconds": 1e308}, r"seconds=1e\+308"),
        ("skew", {"seconds": -(10**400)}, "seconds=-1000"),
        ("latency", {"seconds": float("inf")}, "seconds=inf"),
        ("latency", {"seconds": 1, "jitter": float("inf")}, "jitter=inf"),
        ("limit", {"retry_after": 10**400}, "retry_after=1000"),
        ("limit", {"retry_after": 10**5_000}, "retry_after=that"),
        ("status", {"code": 10**5_000}, "code=that"),
        ("status", {"error_code": 2**15}, "error_code=32768"),
        ("weight", {"amount": 10**30}, "amount=1000"),
        ("weight", {"rate": 1e308}, r"rate=1e\+308"),
        ("weight", {"amount": 1, "every": 1e-308}, "every=1e-308"),
        ("drop", {"times": 1.5}, "times=1.5 is not a whole"),
        ("drop", {"times": True}, "times=True"),
        ("drop", {"after": 0.5}, "after=0.5 is not a whole"),
        ("drop", {"seconds_long": float("inf")}, "seconds_long=inf"),
        ("drop", {"probability": True}, "probability=True"),
        ("drop", {"method": "PSOT"}, "Did you mean 'POST'"),
        ("skip_depth", {"event": "trade"}, "event= does not fit"),
    ],
)
def test_nonsense_is_refused_with_a_hint(kind: str, settings: dict[str, Any], words: str) -> None:
    faults = Faults()
    with pytest.raises(ValidationError, match=words):
        faults.add(kind, **settings)
    assert len(faults) == 0


def test_reach_by_method_call_and_message() -> None:
    faults = Faults(lambda: 0.0)
    faults.add("drop", path="order", method="post")
    hit = lambda *seen: bool(faults.struck(Seen(*seen), 1.0))  # noqa: E731
    assert hit("POST", "/api/v3/order", {}, {})
    assert hit("POST", "/api/v3/order", {}, {}, "order.place")
    assert not hit("DELETE", "/api/v3/order", {}, {})
    faults.clear()
    faults.add("drop", path="session.logon")
    assert hit("", "session.logon", {}, {}, "session.logon")
    assert not hit("GET", "/api/v3/order", {}, {}, "order.status")
    faults.clear()
    faults.add("frame", how="drop", stream="btcusdt@depth*", event="depth*")
    (fault,) = faults.frames
    assert fault.strikes(SeenFrame("btcusdt@depth@100ms", "depthUpdate", b""), 1.0)
    assert not fault.strikes(SeenFrame("btcusdt@trade", "trade", b""), 1.0)
    assert not fault.strikes(SeenFrame("btcusdt@depth5", "", b""), 1.0)
    assert not hit("GET", "/api/v3/depth", {}, {})
    skip = faults.add("skip_depth")
    assert skip.strikes(SeenFrame("ethusdt@depth", "depthUpdate", b""), 1.0)
    faults.remove(fault.id)
    assert list(faults) == [skip]
    assert skip.id != fault.id
    only = faults.add("frame", how="drop", when=lambda seen: b"7" in seen.payload)
    assert not only.strikes(SeenFrame("a", "", b"8"), 1.0)
    assert only.strikes(SeenFrame("a", "", b"78"), 1.0)


def test_every_kind_is_described() -> None:
    from cryptox.paper import faults

    assert faults.__doc__ is not None
    for kind, settings in KINDS.items():
        assert f"\n{kind} " in faults.__doc__
        for name in settings:
            assert f"``{name}" in faults.__doc__, (kind, name)


def test_requests_are_written_down(ask: Any) -> None:
    log = ask.exchange.requests
    before = time.time()
    ask("klines", HOURS)
    ask("klines", {**BTC, "interval": "7h"})
    ask.exchange.faults.add("status", code=502, times=1)
    ask("depth", {**BTC, "limit": 500})
    ask("nothing")
    assert [(one.method, one.path, one.status, one.weight, one.fault) for one in log] == [
        ("GET", "/api/v3/klines", 200, 2, None),
        ("GET", "/api/v3/klines", 400, 2, None),
        ("GET", "/api/v3/depth", 502, 25, "status"),
        ("GET", "/api/v3/nothing", 404, 0, None),
    ]
    assert log[0].params == {"symbol": "BTCUSDT", "interval": "1h", "limit": "50"}
    assert before <= log[0].time <= log[-1].time <= time.time()
    assert len(log.of("klines")) == 2
    assert (len(log), log.total) == (4, 4)
    log.clear()
    assert (len(log), log.total) == (0, 0)


def test_the_log_is_bounded() -> None:
    from cryptox.paper.requests import Logged, RequestLog

    log = RequestLog(3)
    for number in range(10):
        log.add(Logged("GET", f"/{number}", "", 200, 0.0, 1))
    assert ([one.path for one in log], log.total) == (["/7", "/8", "/9"], 10)
