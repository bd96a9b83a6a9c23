"""A server of market data alone, without a clock and without exchange information: mocks, caches and proxies are so."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

import cryptox as cx

MINUTE = 60_000


class _KlinesOnly(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the base class says so
        url = urlsplit(self.path)
        asked = dict(parse_qsl(url.query))
        status, body = 404, b"<html>nothing here</html>"
        if url.path.endswith("/klines"):
            start, end = int(asked["startTime"]), int(asked["endTime"])
            times = range(start, min(end + 1, start + int(asked["limit"]) * MINUTE), MINUTE)
            rows = [[t, "1", "2", "0.5", "1.5", "10", t + MINUTE - 1, "15", 3, "5", "7.5", "0"] for t in times]
            status, body = 200, json.dumps(rows).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status == 200 else "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _KlinesOnly)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_history_comes_from_a_server_that_does_not_tell_its_time(server: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cryptox"), cx.connect("binance", rest_url=server) as session:
        frame = session.klines_bulk("BTCUSDT", "1m", start="2024-01-01", end="2024-01-03")
        newest = session.klines("BTCUSDT", "1m", start="10 minutes ago")
    assert len(frame) == 2 * 24 * 60
    assert frame.index.is_unique
    assert len(newest) in (9, 10)
    assert "clock.assumed" in caplog.text
    with cx.connect("binance", rest_url=server) as session, pytest.raises(cx.errors.ExchangeError, match="404"):
        session.server_time()
