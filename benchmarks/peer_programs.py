"""What each client is asked to do over REST, as one would write it; a program of its own for each, in its environment.

``SETUP`` makes the client, which is part of a first call. ``PAGE`` defines ``page(start, end)``: up to 1,000 candles as
rows of six floats, with us as a frame. ``HISTORY`` reads a long range with the client's own pager, or the usual loop.
``AT_ONCE`` asks for 300 pages, sixteen at a time, each by itself, the client's rate limiting as it is by default.
"""

from __future__ import annotations

HEAD = """
import json, sys, time
url, given = sys.argv[1], json.loads(sys.argv[2])
began = time.perf_counter()
"""

SETUP = {
    "python-binance": """
from binance.client import Client
Client.API_URL = url + "/api"
client = Client()
""",
    "ccxt": """
import ccxt
only_spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
client = ccxt.binance({"enableRateLimit": False, "options": only_spot})
client.urls["api"] = {"public": url + "/api/v3", "private": url + "/api/v3"}
client.load_markets()
""",
    "sdk": """
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.spot import Spot
client = Spot(config_rest_api=ConfigurationRestAPI(api_key="", api_secret="", base_path=url)).rest_api
""",
    "cryptofeed": """
from cryptofeed.connection import RestEndpoint, Routes
from cryptofeed.exchanges import Binance
Binance.rest_endpoints = [RestEndpoint(url, routes=Routes("/api/v3/exchangeInfo"))]
Binance.api = url + "/api/v3/"
client = Binance()
""",
    "pybotters": """
import asyncio, pybotters
loop = asyncio.new_event_loop()
async def made():
    return pybotters.Client(base_url=url)
client = loop.run_until_complete(made())
""",
    "cryptox": """
import cryptox as cx
session = cx.connect("binance", rest_url=url)
""",
}

PAGE = {
    "python-binance": """
def page(start, end):
    rows = client.get_klines(symbol="BTCUSDT", interval="1m", startTime=start, endTime=end - 1, limit=1000)
    return [[float(value) for value in row[:6]] for row in rows]
""",
    "ccxt": """
def page(start, end):
    return client.fetch_ohlcv("BTC/USDT", "1m", since=start, limit=1000)
""",
    "sdk": """
def page(start, end):
    rows = client.klines("BTCUSDT", "1m", start_time=start, end_time=end - 1, limit=1000).data()
    return [[float(value) for value in row[:6]] for row in rows]
""",
    "cryptofeed": """
def page(start, end):
    pages = client.candles_sync("BTC-USDT", start=start / 1000, end=(end - 1) / 1000, interval="1m")
    return [
        [row.start * 1000, float(row.open), float(row.high), float(row.low), float(row.close), float(row.volume)]
        for row in next(iter(pages))
    ]
""",
    "pybotters": """
def page(start, end):
    given = {"symbol": "BTCUSDT", "interval": "1m", "startTime": start, "endTime": end - 1, "limit": 1000}
    rows = loop.run_until_complete(client.fetch("GET", "/api/v3/klines", params=given)).data
    return [[float(value) for value in row[:6]] for row in rows]
""",
    "cryptox": """
def page(start, end):
    return session.klines("BTCUSDT", "1m", 1000, start=start, end=end)
""",
}

HISTORY = {
    "python-binance": """
found = client.get_historical_klines("BTCUSDT", "1m", start, end - 1)
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "ccxt": """
found, since = [], start
while since < end:
    page = client.fetch_ohlcv("BTC/USDT", "1m", since=since, limit=1000)
    page = [row for row in page if row[0] < end]
    if not page:
        break
    found += page
    since = page[-1][0] + 60_000
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(row[5] for row in found)
""",
    "sdk": """
found, since = [], start
while since < end:
    page = client.klines("BTCUSDT", "1m", start_time=since, end_time=end - 1, limit=1000).data()
    if not page:
        break
    found += page
    since = page[-1][0] + 60_000
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "cryptofeed": """
pages = client.candles_sync("BTC-USDT", start=start / 1000, end=(end - 1) / 1000, interval="1m")
found = [row for page in pages for row in page]
count, first, last = len(found), round(found[0].start * 1000), round(found[-1].start * 1000)
total = float(sum(row.volume for row in found))
""",
    "pybotters": """
async def main():
    room = asyncio.Semaphore(16)
    async def page(since):
        given = {"symbol": "BTCUSDT", "interval": "1m", "startTime": since, "endTime": end - 1, "limit": 1000}
        async with room:
            return (await client.fetch("GET", "/api/v3/klines", params=given)).data
    pages = await asyncio.gather(*(page(since) for since in range(start, end, 60_000_000)))
    return [row for page in pages for row in page]
found = loop.run_until_complete(main())
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "cryptox": """
found = session.klines_bulk("BTCUSDT", "1m", start=start, end=end)
count, first, last = len(found), int(found.index.asi8[0]), int(found.index.asi8[-1])
total = float(found["volume"].sum())
""",
}

TELL_HISTORY = """
def history(start, end):
{work}
    return count, first, last, total
history(given["end"] - 2_999 * 60_000, given["end"])
wall, cpu = time.perf_counter(), time.process_time()
count, first, last, total = history(given["start"], given["end"])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps([wall, cpu, count, first, last, total]))
"""

TELL_PAGES = """
end = given["end"]
starts = [end - n * 60_000_000 for n in range(1, given["pages"] + 1)]
found = page(starts[0], end)
first = time.perf_counter() - began
for since in starts[:5]:
    page(since, since + 60_000_000)
wall, cpu = time.perf_counter(), time.process_time()
for since in starts:
    found = page(since, since + 60_000_000)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
total = sum(row[5] for row in found) if isinstance(found, list) else float(found["volume"].sum())
print(json.dumps([first, wall / len(starts), cpu / len(starts), len(found), total]))
"""

# Pages side by side, sixteen at a time, each by itself: what one of them raises does not end the others.

MANY = """
import asyncio
from collections import Counter
start, end = given["start"], given["end"]
starts = range(start, end, 60_000_000)
def told(found):
    pages = sum(not isinstance(one, BaseException) for one in found)
    raised = Counter(type(one).__name__ for one in found if isinstance(one, BaseException))
    print(json.dumps([pages, raised]), flush=True)
async def many(page):
    room = asyncio.Semaphore(16)
    async def one(since):
        async with room:
            return await page(since)
    told(await asyncio.gather(*map(one, starts), return_exceptions=True))
"""

AT_ONCE = {
    "python-binance": """
from binance import AsyncClient
AsyncClient.API_URL = url + "/api"
async def main():
    client = await AsyncClient.create()
    await many(lambda since: client.get_klines(
        symbol="BTCUSDT", interval="1m", startTime=since, endTime=since + 59_999_999, limit=1000))
    await client.close_connection()
asyncio.run(main())
""",
    "ccxt": """
import ccxt.async_support as ccxt
async def main():
    only_spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    client = ccxt.binance({"enableRateLimit": True, "options": only_spot})
    client.urls["api"] = {"public": url + "/api/v3", "private": url + "/api/v3"}
    await client.load_markets()
    await many(lambda since: client.fetch_ohlcv("BTC/USDT", "1m", since=since, limit=1000))
    await client.close()
asyncio.run(main())
""",
    "sdk": """
from concurrent.futures import ThreadPoolExecutor
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.spot import Spot
client = Spot(config_rest_api=ConfigurationRestAPI(api_key="", api_secret="", base_path=url)).rest_api
def one(since):
    try:
        return client.klines("BTCUSDT", "1m", start_time=since, end_time=since + 59_999_999, limit=1000).data()
    except Exception as error:
        return error
with ThreadPoolExecutor(16) as room:
    told(list(room.map(one, starts)))
""",
    "cryptofeed": """
from cryptofeed.connection import RestEndpoint, Routes
from cryptofeed.exchanges import Binance
Binance.rest_endpoints = [RestEndpoint(url, routes=Routes("/api/v3/exchangeInfo"))]
Binance.api = url + "/api/v3/"
client = Binance()
async def page(since):
    span = {"start": since / 1000, "end": (since + 59_999_999) / 1000, "interval": "1m"}
    async for rows in client.candles("BTC-USDT", **span):
        return rows
asyncio.run(many(page))
""",
    "pybotters": """
import pybotters
async def main():
    async with pybotters.Client(base_url=url) as client:
        async def page(since):
            span = {"startTime": since, "endTime": since + 59_999_999}
            given = {"symbol": "BTCUSDT", "interval": "1m", "limit": 1000, **span}
            answer = await client.fetch("GET", "/api/v3/klines", params=given)
            if not isinstance(answer.data, list):
                raise type("StatusInTheAnswer", (Exception,), {})
            return answer.data
        await many(page)
asyncio.run(main())
""",
    "cryptox": """
import cryptox as cx
session = cx.connect("binance", rest_url=url)
try:
    found = session.klines_bulk("BTCUSDT", "1m", start=start, end=end, progress=False)
    print(json.dumps([len(found) // 1000, {}]))
except cx.errors.CryptoxError as error:
    print(json.dumps([0, {type(error).__name__: 1}]))
""",
}
