"""The server that clients are compared against: its pages, its limit, its streams, and that it knows none of them."""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parents[2] / "benchmarks"
NOW_S = 1_800_000_000.0  # the beginning of a minute
MINUTE_MS = 60_000


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import mock_server

    yield mock_server
    sys.modules.pop("mock_server", None)


def rows(mock: Any, query: str, now_s: float = NOW_S) -> list[Any]:
    status, _, body = mock.answer(f"/api/v3/klines?symbol=BTCUSDT&{query}", now_s)
    assert status == 200, body
    found: list[Any] = json.loads(body)
    return found


def test_it_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse((PROGRAMS / "mock_server.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_pages_are_the_exact_rows_that_were_asked_for(program: Any) -> None:
    mock = program.Mock(program.Weights(10**6), rows=1_500)
    end, first = program.END_MS, program.END_MS - 1_500 * MINUTE_MS

    def opens(query: str) -> list[int]:
        return [row[0] for row in rows(mock, f"interval=1m&{query}")]

    assert opens(f"startTime={end - 3 * MINUTE_MS}&endTime={end - MINUTE_MS}") == [
        end - 3 * MINUTE_MS, end - 2 * MINUTE_MS, end - MINUTE_MS
    ]  # fmt: skip
    assert opens(f"startTime={end - 3 * MINUTE_MS + 1}&endTime={end - MINUTE_MS - 1}") == [end - 2 * MINUTE_MS]
    assert opens("limit=2") == [end - 2 * MINUTE_MS, end - MINUTE_MS]
    assert opens(f"endTime={end - 5 * MINUTE_MS}&limit=2") == [end - 6 * MINUTE_MS, end - 5 * MINUTE_MS]
    assert opens("startTime=0&limit=5000") == [first + n * MINUTE_MS for n in range(1_000)]
    assert len(opens("")) == 500
    assert opens(f"startTime={end}") == opens(f"endTime={first - 1}") == []
    assert rows(mock, "interval=1h&limit=1")[0][0] == end - 60 * MINUTE_MS


def test_candles_are_the_exchanges_rows_and_the_same_each_time(program: Any) -> None:
    mock, other = (program.Mock(program.Weights(10**6), rows=count) for count in (50, 1_000))
    found = rows(mock, "interval=1m&limit=50")
    assert found == rows(other, "interval=1m&limit=50")
    for row in found:
        assert len(row) == 12
        assert row[6] == row[0] + MINUTE_MS - 1
        opened, high, low, close, volume, quote, taken, taken_quote = (
            float(row[at]) for at in (1, 2, 3, 4, 5, 7, 9, 10)
        )
        assert low <= min(opened, close) <= max(opened, close) <= high
        assert quote == pytest.approx(volume * opened, abs=1e-4)
        assert 0 <= taken <= volume
        assert 0 <= taken_quote <= quote
    assert len({row[5] for row in found}) == 50


def test_above_the_limit_it_answers_429_until_the_minute_is_over(program: Any) -> None:
    mock = program.Mock(program.Weights(limit=25), rows=10)

    def status(at_s: float, what: str = "klines?symbol=BTCUSDT&interval=1m") -> tuple[int, str, str | None]:
        code, headers, _ = mock.answer(f"/api/v3/{what}", at_s)
        return code, headers["X-MBX-USED-WEIGHT-1M"], headers.get("Retry-After")

    assert status(NOW_S, "exchangeInfo") == (200, "20", None)
    assert [status(NOW_S + n) for n in range(3)] == [(200, "22", None), (200, "24", None), (429, "26", "58")]
    assert status(NOW_S + 59.5)[0::2] == (429, "1")
    assert status(NOW_S + 60, "ping") == (200, "1", None)
    assert b'"limit": 25' in mock.info


def test_it_refuses_after_so_many_pages_for_as_long_as_it_says(program: Any) -> None:
    mock = program.Mock(program.Weights(6_000, refuse_after=2, retry_after_s=5.0), rows=10)
    asked = "/api/v3/klines?symbol=BTCUSDT&interval=1m"
    codes = [mock.answer(asked, NOW_S + at)[::2] for at in (0, 1, 2, 6.9, 7.1, 8)]
    assert [code for code, _ in codes] == [200, 200, 429, 429, 200, 200]
    assert json.loads(codes[2][1])["code"] == -1003
    assert mock.weights.used == 10  # what was refused is not counted but for the first


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [("klines?symbol=NONE&interval=1m", 400, -1121), ("klines?symbol=BTCUSDT&interval=7m", 400, -1120)],
)
def test_what_it_has_not_is_refused(program: Any, target: str, status: int, code: int) -> None:
    got, _, body = program.Mock(program.Weights(10**6), rows=10).answer(f"/api/v3/{target}", NOW_S)
    assert (got, json.loads(body)["code"]) == (status, code)


def test_over_sockets_answers_streams_and_the_log(program: Any) -> None:
    with program.started("--rows", 10, "--trades", 30, "--limit", 30) as server:
        with urllib.request.urlopen(f"{server.rest}/api/v3/exchangeInfo") as answer:
            assert {one["symbol"] for one in json.load(answer)["symbols"]} == {"BTCUSDT", "ETHUSDT"}
        with contextlib.closing(Reader(server.stream, "/ws/btcusdt@aggTrade")) as reader:
            told = [reader.message() for _ in range(30)]
        assert [one["a"] for one in told] == [10**9 + n for n in range(30)]
        assert [float(one["p"]) for one in told] == pytest.approx([program.trade_price(n) for n in range(30)])
        with contextlib.closing(Reader(server.stream, "/stream")) as reader:
            reader.say({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 7})
            assert reader.message() == {"result": None, "id": 7}
            assert reader.message() == {"stream": "btcusdt@aggTrade", "data": told[0]}
        with pytest.raises(urllib.error.HTTPError, match="429"):
            ping_until_refused(f"{server.rest}/api/v3/ping")
        log = server.log()
        assert [(what, status) for _, _, what, status in log[:3]] == [
            ("/api/v3/exchangeInfo", 200), ("FLOOD", 101), ("FLOOD", 101)
        ]  # fmt: skip
        codes = [status for *_, status in log[3:]]
        assert codes == [200] * (len(codes) - 1) + [429]
        assert 11 <= len(codes) <= 41  # more than 11 where a minute ended meanwhile
        assert all(came <= done for came, done, *_ in log)
        assert server.log() == []


def ping_until_refused(url: str) -> None:
    """Raises what the server answers in the end; a minute may end once meanwhile."""
    for _ in range(60):
        urllib.request.urlopen(url).close()


class Reader:
    """A stream, as bare as can be."""

    def __init__(self, url: str, target: str) -> None:
        host, _, port = url.removeprefix("ws://").partition(":")
        self.line = socket.create_connection((host, int(port)), timeout=10)
        key = base64.b64encode(bytes(16)).decode()
        head = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        self.line.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{head}{key}\r\n\r\n".encode())
        self.file = self.line.makefile("rb")
        assert self.file.readline().startswith(b"HTTP/1.1 101")
        while self.file.readline().strip():
            pass

    def message(self) -> Any:
        """The next one; all are shorter than 64 kB."""
        size = self.file.read(2)[1]
        return json.loads(self.file.read(int.from_bytes(self.file.read(2), "big") if size == 126 else size))

    def say(self, told: dict[str, Any]) -> None:
        """A masked frame, its mask of zeros."""
        body = json.dumps(told).encode()
        self.line.sendall(bytes((0x81, 0x80 | len(body), 0, 0, 0, 0)) + body)

    def close(self) -> None:
        """Break it off."""
        self.file.close()
        self.line.close()
