"""A stop that one process is told is heeded by every other: real processes, sockets and the file between them.

Nothing is shared for loopback addresses, so each process reaches the paper exchange by a name that only its own look-up
takes to this machine, as an entry in a hosts file would.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx

ROOT = Path(__file__).resolve().parents[2]
HOST = "api.exchange.invalid"
LEAST_STOP_S = 3.0
STARTS = 4  # a stop lasts as long as so many programs take to start, one after the other

CLIENT = """
import json, socket, sys, time
import cryptox as cx

host, port, timeout = sys.argv[1], sys.argv[2], float(sys.argv[3])
look_up = socket.getaddrinfo
socket.getaddrinfo = lambda name, *rest, **more: look_up("127.0.0.1" if name == host else name, *rest, **more)
with cx.connect("binance", rest_url=f"http://{host}:{port}", timeout=timeout) as session:
    print("ready", flush=True)
    for symbol in sys.stdin:
        told = {"asked_at": time.time()}
        try:
            told["rows"] = len(session.klines(symbol.strip(), "1h", 5))
        except cx.errors.CryptoxError as error:
            told |= {"error": type(error).__name__, "retry_after": error.retry_after, "sent": error.context.get("sent")}
        print(json.dumps(told | {"done_at": time.time()}), flush=True)
"""


class Client:
    """A program of its own with one session; asks for candles when told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, symbol: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(symbol + "\n")
        self._process.stdin.flush()

    def told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program ended"
        return json.loads(line)


@contextmanager
def running(port: int, cache: Path, timeout_s: float) -> Iterator[Client]:
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = {**own, "CRYPTOX_CACHE": str(cache), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, HOST, str(port), str(timeout_s)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Client(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(60) == 0


def until(holds: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("code", "timeout_s"), [(429, 90.0), (418, 1.0)], ids=["limited", "banned"])
def test_a_stop_of_one_process_stops_those_before_and_after_it(
    code: int, timeout_s: float, exchange: cx.PaperExchange, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        began = time.monotonic()
        early, provoker = (stack.enter_context(running(exchange.port, tmp_path, timeout_s)) for _ in range(2))
        for client in (early, provoker):
            client.ask("BTCUSDT")
            assert client.told()["rows"] == 5
        stop_s = max(LEAST_STOP_S, STARTS * (time.monotonic() - began) / 2)
        exchange.requests.clear()
        exchange.faults.add("limit", code=code, retry_after=math.ceil(stop_s), path="klines", times=1)
        provoker.ask("BTCUSDT")
        until(lambda: list(tmp_path.glob("stop-*.json")))
        (stopped,) = exchange.requests.of("klines")
        over = stopped.time + math.ceil(stop_s)

        early.ask("ETHUSDT")
        late = stack.enter_context(running(exchange.port, tmp_path, timeout_s))
        late.ask("BNBUSDT")
        told = [client.told() for client in (provoker, early, late)]

        assert stopped.status == code
        assert all(one["asked_at"] < over for one in told), "too slow a machine: the stop was over before"
        assert [one.path for one in exchange.requests if stopped.time < one.time < over] == []
        if code == 429:  # they wait for its end, as far as they have the patience, and go on
            assert [one.get("rows") for one in told] == [5, 5, 5]
        else:  # they say at once how long it lasts
            assert [one.get("error") for one in told] == ["Banned"] * 3
            assert [one["sent"] for one in told[1:]] == [False] * 2
            for one in told[1:]:
                assert one["done_at"] < over
                assert one["done_at"] + one["retry_after"] == pytest.approx(over, abs=1.0)
            until(lambda: time.time() > over + 0.1)
            for client in (provoker, early, late):
                client.ask("BTCUSDT")
                assert client.told()["rows"] == 5
        asked = {one.params["symbol"] for one in exchange.requests.of("klines") if one.time >= over}
        assert asked >= ({"BTCUSDT", "ETHUSDT", "BNBUSDT"} if code == 429 else {"BTCUSDT"})
