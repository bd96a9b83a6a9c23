"""Trades from a socket to one's own code: each client as its documentation has it, against ``mock_server.py``.

A part of ``peers.py``. The server sends 100,000 aggregate trades as fast as they are taken. The program of each client
takes the price of every one as a float; its process decodes them as well. The time is from the first byte that the
server sends until the program has seen the last trade, by one clock of the machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile

from measure import show
from mock_server import Addresses, started, trade_price
from venvs import python, surroundings, versions

COUNT = 100_000
EXPECTED = sum(trade_price(n) for n in range(COUNT))

# Ends once the last trade was seen, or three seconds after the newest where the last never comes. Until the first one
# was seen, processor time is noted over and over: what was used before the server began is not counted.
HEAD = """
import asyncio, json, os, sys, threading, time
url, last = sys.argv[1], 10**9 + int(sys.argv[2]) - 1
seen, total, newest, idle = 0, 0.0, 0.0, []
def note(price, number):
    global seen, total, newest
    seen += 1
    total += price
    if number == last:
        newest = time.time()
        end()
def end():
    print(json.dumps([seen, total, newest, time.process_time(), idle]), flush=True)
    os._exit(0)
def watch():
    global newest
    while not seen:
        idle.append((time.time(), time.process_time()))
        time.sleep(0.02)
    before = 0
    while before != seen or time.time() < newest + 3:
        if before != seen:
            before, newest = seen, time.time()
        time.sleep(0.2)
    end()
threading.Thread(target=watch, daemon=True).start()
"""

PROGRAMS = {
    "python-binance": """
from binance import AsyncClient, BinanceSocketManager
AsyncClient.API_URL = url.replace("ws:", "http:") + "/api"
BinanceSocketManager.STREAM_URL = url + "/"
async def main():
    client = await AsyncClient.create()
    async with BinanceSocketManager(client).aggtrade_socket("BTCUSDT") as stream:
        while True:
            told = await stream.recv()
            if told["e"] == "aggTrade":
                note(float(told["p"]), told["a"])
asyncio.run(main())
""",
    "ccxt": """
import ccxt.pro
async def main():
    only_spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    only_spot["watchTrades"] = {"name": "aggTrade"}
    client = ccxt.pro.binance({"options": only_spot})
    client.urls["api"] = {"public": url.replace("ws:", "http:") + "/api/v3", "ws": {"spot": url + "/ws"}}
    await client.load_markets()
    while True:
        for trade in await client.watch_trades("BTC/USDT"):
            note(trade["price"], int(trade["id"]))
asyncio.run(main())
""",
    "sdk": """
from binance_common.configuration import ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot
async def main():
    config = ConfigurationWebSocketStreams(stream_url=url + "/stream")
    connection = await Spot(config_ws_streams=config).websocket_streams.create_connection()
    stream = await connection.agg_trade(symbol="btcusdt")
    stream.on("message", lambda told: note(float(told.p), told.a))
    await asyncio.sleep(300)
asyncio.run(main())
""",
    "cryptofeed": """
from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, Routes, WebsocketEndpoint
from cryptofeed.defines import TRADES
from cryptofeed.exchanges import Binance
Binance.rest_endpoints = [RestEndpoint(url.replace("ws:", "http:"), routes=Routes("/api/v3/exchangeInfo"))]
Binance.websocket_endpoints = [WebsocketEndpoint(url.replace("ws:", "wss:"))]  # takes no other: what opens it is told
from cryptofeed import connection
opened = connection.connect
connection.connect = lambda address, **given: opened(address.replace("wss:", "ws:"), **given)
async def on_trade(trade, received):
    note(float(trade.price), int(trade.id))
handler = FeedHandler()
asyncio.set_event_loop(asyncio.new_event_loop())  # else run() finds none
handler.add_feed(Binance(symbols=["BTC-USDT"], channels=[TRADES], callbacks={TRADES: on_trade}))
handler.run()
""",
    "unicorn": """
from unicorn_binance_websocket_api import BinanceWebSocketApiManager
manager = None
async def read(stream_id=None):
    while manager is None:
        await asyncio.sleep(0.01)
    while True:
        told = await manager.get_stream_data_from_asyncio_queue(stream_id=stream_id)
        told = told.get("data", told)
        if told.get("e") == "aggTrade":
            note(float(told["p"]), told["a"])
        manager.asyncio_queue_task_done(stream_id=stream_id)
manager = BinanceWebSocketApiManager(
    exchange="binance.com", process_asyncio_queue=read, output_default="dict", warn_on_update=False,
    websocket_base_uri=url + "/", restful_base_uri=url.replace("ws:", "http:") + "/", disable_colorama=True,
)
manager.create_stream("aggTrade", "btcusdt")
time.sleep(300)
""",
    "pybotters": """
import pybotters
def on_message(told, connection):
    if "p" in told:
        note(float(told["p"]), told["a"])
async def main():
    async with pybotters.Client() as client:
        asked = {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1}
        await client.ws_connect(url + "/ws", send_json=asked, hdlr_json=on_message)
        await asyncio.sleep(300)
asyncio.run(main())
""",
    "cryptox, callback": """
import cryptox as cx
async def main():
    async with cx.aio.connect("binance", rest_url=url.replace("ws:", "http:"), stream_url=url) as session:
        feed = session.live.agg_trades("BTCUSDT")
        await feed.on(lambda trade: note(trade.price, trade.id))
        await asyncio.sleep(300)
asyncio.run(main())
""",
    "cryptox, async for": """
import cryptox as cx
async def main():
    async with cx.aio.connect("binance", rest_url=url.replace("ws:", "http:"), stream_url=url) as session:
        async for trade in session.live.agg_trades("BTCUSDT"):
            note(trade.price, trade.id)
asyncio.run(main())
""",
}


HOW = {
    "python-binance": "`aggtrade_socket`, `recv()`: dictionaries",
    "ccxt": "`watch_trades`: dictionaries in one form",
    "sdk": "`agg_trade`, callback: models",
    "cryptofeed": "callback: objects, decimals",
    "unicorn": "asyncio queue: dictionaries",
    "pybotters": "`hdlr_json`: dictionaries",
    "cryptox, callback": "`feed.on`: records",
    "cryptox, async for": "`async for`: records",
}


def streams(folder: str | None, rounds: int, only: list[str] | None) -> None:
    """Trades a second to one's own code, of all that were sent."""
    there = versions(folder, list(dict.fromkeys(map(client, PROGRAMS))))
    names = [
        name for name in PROGRAMS if client(name) in there and (only is None or client(name) in (*only, "cryptox"))
    ]
    found: dict[str, list[tuple[int, float, float]]] = {name: [] for name in names}
    with started("--trades", COUNT, "--rows", 1_000, "--limit", 10**6) as server:
        for _ in range(rounds):
            for name in names:
                if (took := once(folder, name, server)) is not None:
                    found[name].append(took)
    lines = [("client", "how", "trades/s", "cryptox is faster", "CPU a trade", "seen of 100,000")]
    ours = statistics.median(rate for _, rate, _ in found["cryptox, callback"])
    for name, runs in found.items():
        if runs:
            seen, rate, cpu = (statistics.median(one[at] for one in runs) for at in range(3))
            ratio = "" if client(name) == "cryptox" else f"{ours / rate:.1f} times"
            lines.append((name, HOW[name], f"{rate:,.0f}", ratio, f"{cpu * 1e6:.1f} µs", f"{seen:,.0f}"))
    show(lines, f"{COUNT:,} aggregate trades at once, medians of {rounds} rounds; faster: than our callback.")


def client(name: str) -> str:
    """Whose program it is."""
    return name.partition(",")[0]


def once(folder: str | None, name: str, server: Addresses) -> tuple[int, float, float] | None:
    """How many trades were seen, how many a second, and seconds of processor time for each."""
    line = [str(python(folder, client(name))), "-c", HEAD + PROGRAMS[name], server.stream, str(COUNT)]
    server.log()
    with tempfile.TemporaryDirectory() as room:  # where one of them writes its log
        done = subprocess.run(
            line, capture_output=True, text=True, cwd=room, env=surroundings(client(name)), timeout=120, check=False
        )
    if done.returncode:
        print(f"{name}: left out ({(done.stderr.strip() or '?').splitlines()[-1]})")
        return None
    seen, total, newest, cpu, idle = json.loads(done.stdout.splitlines()[-1])
    began = next(at for at, _, what, _ in server.log() if what == "FLOOD")
    if seen == COUNT and abs(total - EXPECTED) > 1e-9 * EXPECTED:
        raise SystemExit(f"{name}: prices add up to {total}, not {EXPECTED}")
    before = max((used for at, used in idle if at <= began), default=0.0)
    return seen, seen / (newest - began), (cpu - before) / seen
