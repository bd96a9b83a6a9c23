"""Health in a process made by fork: what it has of its parent receives nothing there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")

PROGRAM = """
import json, os, sys, time, warnings
import cryptox as cx
from cryptox.model import judging
from cryptox.sessions import tending

judging.LATE_LOOP_MS = judging.SLOW_MS = 1e9  # of a machine with too much to do
warnings.simplefilter("ignore")

def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)

def told(found):
    sockets, users = found["websocket_connections"], found["user_connections"]
    return {
        "status": found.status,
        "sockets": [sockets.status, sockets.connected, list(sockets.reasons), list(sockets.advice),
                    [one.state for one in sockets.connections]],
        "users": [users.status, list(users.reasons), [[one.state, one.logged_on] for one in users.users]],
        "active": found["trading_system"].active_connections,
        "application": list(found["application"].reasons),
    }

exchange = cx.PaperExchange().start()
rest = dict(rest_url=exchange.rest_url, stream_url=exchange.stream_url, ws_api_url=exchange.ws_api_url)
keys = exchange.create_account({"USDT": 100_000})
session = cx.connect("binance-testnet", api_key=keys.api_key, secret_key=keys.secret_key, **rest)
feed, orders = session.live.depth("BTCUSDT"), session.live.orders()
until(lambda: feed.status.received and orders.status.connected)
tending.note("a task of the parent", "cancelled")
read, write = os.pipe()
if not os.fork():
    try:
        found = {"inherited": told(session.health()), "all": told(cx.health())}
        own = session.live.depth("BTCUSDT"), session.live.orders()
        until(lambda: own[0].status.received and own[1].status.connected)
        found["own"] = told(session.health())
    except BaseException as error:
        found = repr(error)
    os.write(write, json.dumps(found).encode())
    os._exit(0)
os.close(write)
text = b""
while more := os.read(read, 65536):
    text += more
os.wait()
received = feed.status.received
until(lambda: feed.status.received > received)
print(json.dumps({"child": json.loads(text), "parent": told(session.health())}))
session.close()
exchange.stop()
"""


def test_a_child_says_that_its_parents_connections_are_not_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    why = "It belongs to the process that this one was forked from: nothing is received here."
    for name in ("inherited", "all"):
        child = found["child"][name]
        status, connected, reasons, advice, states = child["sockets"]
        assert (child["status"], status, connected, reasons) == ("unhealthy", "unhealthy", False, [why])
        assert states == ["inherited"]
        assert advice[0].startswith("A process made by fork inherits no connection")
        assert child["users"] == ["unhealthy", [why], [["inherited", False]]]
        assert (child["active"], child["application"]) == (0, [])
    own = found["child"]["own"]
    assert (own["status"], own["sockets"][0], own["sockets"][1]) == ("healthy", "healthy", True)
    assert sorted(own["sockets"][4]) == ["carrying", "inherited"]
    assert own["users"] == ["healthy", [], [["carrying", True]]]
    assert own["active"] == 1
    parent = found["parent"]
    assert (parent["status"], parent["sockets"][2], parent["users"][1]) == ("healthy", [], [])
    assert parent["sockets"][4] == ["carrying"]
