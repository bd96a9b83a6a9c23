"""The paper exchange in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest

from cryptox.errors import ConfigurationError
from cryptox.paper.process import PaperProcess


def get(url: str) -> tuple[Any, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read()), {name.lower(): value for name, value in answer.getheaders()}


def gone(pid: int, within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_it_serves_until_the_block_ends() -> None:
    options: dict[str, Any] = {"clock": "2024-06-01", "speed": 60, "limit": ["REQUEST_WEIGHT=200/1s"]}
    with PaperProcess(**options, symbol=["BTCUSDT"], latency=0.02) as paper:
        pid = paper.pid
        assert pid is not None
        assert pid != os.getpid()
        started = time.monotonic()
        told, headers = get(f"{paper.rest_url}/api/v3/exchangeInfo")
        assert time.monotonic() - started >= 0.02
        assert [one["symbol"] for one in told["symbols"]] == ["BTCUSDT"]
        assert told["rateLimits"][0]["limit"] == 200
        assert headers["x-paper-clock"] == "60"
        assert paper.stream_url.startswith("ws://127.0.0.1:")
        assert paper.stream_sbe_url == f"{paper.stream_url}/sbe"
        assert paper.ws_api_url.endswith("/ws-api/v3")
    assert gone(pid)
    assert paper.pid is None


@pytest.mark.parametrize(("options", "stdin"), [([], subprocess.DEVNULL), (["--keep"], subprocess.PIPE)])
def test_it_stops_when_asked_to(options: list[str], stdin: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "cryptox.paper.process", *options], stdin=stdin, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    if server.stdin is not None:
        server.stdin.close()
    url = json.loads(server.stdout.readline())["rest_url"]
    assert get(f"{url}/api/v3/ping")[0] == {}
    server.send_signal(signal.SIGTERM)
    assert server.wait(5) == 0
    server.stdout.close()


def test_nobody_sees_the_token_of_the_control_endpoint() -> None:
    token = "a-token-of-some-length"
    with PaperProcess(control=token, keep=False) as paper:
        assert paper._process is not None
        assert token not in " ".join(paper._process.args)  # type: ignore[arg-type]  # a list of texts
        assert paper.control_token == token
        asked = urllib.request.Request(paper.control_url, b'{"list": true}', {"X-Paper-Token": token}, method="POST")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert json.load(answer) == {"result": []}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clock": "whenever"}, "whenever"),
        ({"control": "short"}, "nor a token"),
        ({"speed": 60}, "--speed 60 needs --clock"),
        ({"limit": ["REQUEST_WEIGHT=many"]}, "REQUEST_WEIGHT=many"),
    ],
)
def test_what_went_wrong_is_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match="did not start") as caught, PaperProcess(**options):
        pass
    assert words in caught.value.technical_details
    assert "Traceback" not in caught.value.technical_details
