"""A forked child lets go of its parent's exchange, and the parent notices nothing. Programs of their own fork here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cryptox.paper.exchange import PaperExchange

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")

NOON = "2024-06-01 12:00"
BEGIN = """
import contextlib, gc, json, os, signal, sys, time, traceback, warnings
import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from cryptox.errors import ConfigurationError
from cryptox.paper.exchange import PaperExchange

warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
def forked(deed):
    pid = os.fork()
    if pid:
        return pid
    try:
        deed()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    gc.collect()
    sys.exit(0)  # with all that is done at an interpreter's end

def ended(pid, within_s=20.0):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False

def refused(deed):
    try:
        deed()
    except ConfigurationError as error:
        return str(error)

def ping(url):
    try:
        return httpx.get(url + "/api/v3/ping", trust_env=False, timeout=5).status_code
    except httpx.ConnectError:
        return "refused"
"""


def told(program: str, *arguments: str, status: int = 0) -> Any:
    """What a program prints as JSON; it must end as expected, and say nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stderr, done.returncode) == ("", status)
    return json.loads(done.stdout)


CHILDREN = """
path = sys.argv[1]
exchange = PaperExchange(clock="2024-06-01 12:00", path=path, symbols=["BTCUSDT"]).start()
keys, url = exchange.create_account({"USDT": 5}), exchange.rest_url
found = {}
opened = contextlib.ExitStack()  # no with block: a child that leaves it would close them
streams = [
    opened.enter_context(connect(exchange.stream_url + "/ws/btcusdt@trade", ping_interval=None, open_timeout=20))
    for _ in range(2)
]
client = httpx.Client(base_url=url, trust_env=False)
client.get("/api/v3/ping")
exchange.faults.freeze(0.2)  # it reads nothing for a moment

def child():
    exchange.stop()
    exchange.clock.advance("1h")
    assert not exchange.is_running
    assert "not running" in refused(exchange.faults.cut)
    assert len(exchange.requests.of("ping")) == 1
    assert "locked" in refused(exchange.start)  # the file is the parent's

found["child ended"] = ended(forked(child))
found["log"] = os.path.exists(path + "-wal")
exchange.clock.advance("2s")
found["events"] = [json.loads(one.recv(timeout=10))["e"] for one in streams]
found["kept alive"] = client.get("/api/v3/ping").status_code
exchange.create_account({"USDT": 7})
reading, writing = os.pipe()

def stays():
    os.close(writing)
    os.read(reading, 1)  # until the parent closes its end

pid = forked(stays)
exchange.stop()
for one in streams:
    try:
        while True:
            one.recv(timeout=10)
    except ConnectionClosed:
        pass
found["then"] = ping(url)
opened.close()
os.close(writing)
found["other child ended"] = ended(pid)
client.close()
print(json.dumps(found))
"""


def test_a_child_neither_stops_nor_keeps_its_parents_exchange(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    assert told(CHILDREN, str(path)) == {
        "child ended": True,
        "log": True,
        "events": ["trade", "trade"],
        "kept alive": 200,
        "then": "refused",
        "other child ended": True,
    }
    with PaperExchange(clock=NOON, path=path, symbols=["BTCUSDT"]) as exchange:
        held = [account.balances["USDT"].free for account in exchange._state.accounts.accounts.values()]
    assert held == [500_000_000, 700_000_000]


KILLED = """
exchange = PaperExchange(clock="2024-06-01 12:00", path=sys.argv[1])
exchange.create_account({"USDT": 5})  # the file is open, and nothing listens
assert ended(forked(lambda: None))
exchange.create_account({"USDT": 7})
print(json.dumps(None), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_happens_after_a_childs_end_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    told(KILLED, str(path), status=-signal.SIGKILL)
    exchange = PaperExchange(clock=NOON, path=path)
    held = [account.balances["USDT"].free for account in exchange._state.accounts.accounts.values()]
    exchange.stop()
    assert held == [500_000_000, 700_000_000]


OWN = """
from cryptox.paper.venue import _embedded
exchange = PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"]).start()
exchange.create_account()
embedded = _embedded.get()
reading, writing = os.pipe()

def child():
    exchange.start()
    own = exchange.create_account()
    found = [ping(exchange.rest_url), exchange.rest_url, len(exchange._state.accounts.accounts)]
    exchange.stop()
    other = _embedded.get()
    found += [other is embedded, ping(other.rest_url), other.rest_url]
    other.stop()
    os.write(writing, json.dumps(found).encode())

assert ended(forked(child))
(one, url, accounts, same, two, other) = json.loads(os.read(reading, 4096))
print(json.dumps([one, two, accounts, same, len({url, other, exchange.rest_url, embedded.rest_url}),
                  ping(exchange.rest_url), ping(embedded.rest_url)]))
"""


def test_a_child_may_start_one_of_its_own() -> None:
    assert told(OWN) == [200, 200, 1, False, 4, 200, 200]


PROCESS = """
from cryptox.paper.process import PaperProcess
paper = PaperProcess(clock="2024-06-01", symbol=["BTCUSDT"]).start()

def child():
    paper.stop()
    assert paper.pid is None

found = [ended(forked(child)), ping(paper.rest_url)]
reading, writing = os.pipe()
stays = forked(lambda: (os.close(writing), os.read(reading, 1)))
paper._process.stdin.close()  # as at the parent's end
found += [paper._process.wait(20), ping(paper.rest_url)]
os.close(writing)
found.append(ended(stays))
paper._process.stdout.close()
print(json.dumps(found))
"""


def test_a_process_of_its_own_lives_and_ends_with_who_started_it() -> None:
    assert told(PROCESS) == [True, 200, 0, "refused", True]
