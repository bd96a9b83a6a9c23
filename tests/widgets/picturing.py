"""Feeds that never were, the pictures painted of them, and a page that draws them."""

from __future__ import annotations

import functools
import json
import math
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from cryptox.model.columns import AGG_TRADES, BALANCES, BOOK_TICKER, CATEGORIES, DEPTH, TICKER, TRADES, Kind, Table
from cryptox.model.orders import Order
from cryptox.table.batch import Batch, dtype_of
from cryptox.table.records import orders_batch
from cryptox.widgets import book, own, tickers, trades
from cryptox.widgets.kinds import Change, Picture, Sight

HOSTILE = '<img src=x onerror="document.title=1">\u202e\n'
SYMBOLS = ("BTCUSDT", "SHIBUSDT", HOSTILE)
PAINTERS: dict[str, Any] = {"book": book, "trades": trades, "ticker": tickers, "orders": own, "account": own}


def batch(table: Table, rows: list[dict[str, Any]]) -> Batch:
    """Rows of a table; what is not given is zero."""
    zeros = {Kind.WORD: "", Kind.FLAG: False}
    columns = {}
    for column in table.columns:
        values = [row.get(column.name, zeros.get(column.kind, 0)) for row in rows]
        if column.kind in CATEGORIES:
            values = [CATEGORIES[column.kind].index(value) for value in values]
        columns[column.name] = np.array(values, dtype_of(column.kind, exact=False))
    return Batch(table, columns)


def depth(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> Batch:
    """The rows of a book, best first."""
    sides = (("bid", bids), ("ask", asks))
    rows = [
        {"side": side, "level": place, "price": price, "quantity": quantity}
        for side, levels in sides
        for place, (price, quantity) in enumerate(levels)
    ]
    return batch(DEPTH, rows)


def order(number: int, **facts: Any) -> Order:
    """A limit order to buy, unless said otherwise."""
    said = {
        "symbol": "BTCUSDT", "order_id": number, "client_order_id": "mine", "side": "buy", "type": "LIMIT",
        "status": "new", "price": Decimal("60000.5"), "quantity": Decimal("0.01"), "time_ms": 1_000,
        "updated_ms": 1_000,
    }  # fmt: skip
    return Order(**{**said, **facts})


def sight(kind: str, batches: dict[str, Batch]) -> Sight:
    """What there is to see."""
    return Sight(kind, None, batches)


def painted(kind: str, *sights: Sight) -> tuple[Picture, list[Change | None], Picture]:
    """The first picture, what the page is told step by step, and the last picture."""
    painter = PAINTERS[kind]
    pictures = [painter.picture(one) for one in sights]
    changes = [painter.change(was, now) for was, now in pairwise(pictures)]
    for told in [*pictures, *changes]:
        json.dumps(told, allow_nan=False)
    return pictures[0], changes, pictures[-1]


def keyed(rows: list[list[Any]], change: Change) -> list[list[Any]]:
    """Rows after a change."""
    by_key = {row[0]: row for row in rows if row[0] not in change.get("gone", ())}
    return list((by_key | {row[0]: row for row in change.get("put", ())}).values())


# What feeds may look like from one moment to the next, by chance. Prices and quantities are multiples of ticks.

Story = list[Sight]


def book_story(chance: Random) -> Story:
    """Books of the same symbols, each unlike the one before, or nearly like it."""
    symbols = SYMBOLS[: chance.randint(1, 3)]
    levels = {symbol: {tick / 100: tick / 8 for tick in chance.sample(range(1, 60), 20)} for symbol in symbols}
    story = []
    for _ in range(chance.randint(2, 4)):
        for known in levels.values():
            for tick in chance.sample(range(1, 60), chance.choice([0, 1, 12])):
                known[tick / 100] = chance.choice([0, 0, chance.randint(1, 9_999) / 1_000])
        story.append(sight("book", {symbol: _split(known, chance.randint(0, 60)) for symbol, known in levels.items()}))
    return story


def _split(levels: dict[float, float], middle: int) -> Batch:
    there = sorted((price, quantity) for price, quantity in levels.items() if quantity)
    bids = [level for level in reversed(there) if level[0] < middle / 100]
    return depth(bids[:15], [level for level in there if level[0] >= middle / 100][:15])


def tape_story(chance: Random) -> Story:
    """Tapes that go on, a little or by more than a page shows."""
    table, symbols = chance.choice([TRADES, AGG_TRADES]), SYMBOLS[: chance.randint(1, 3)]
    rows: dict[str, list[dict[str, Any]]] = {symbol: [] for symbol in symbols}
    story, now = [], 1_700_000_000_000
    for _ in range(chance.randint(2, 5)):
        for symbol in symbols:
            for _ in range(chance.choice([0, 1, 3, 40])):
                now += chance.randint(0, 3)
                facts = {"price": chance.randint(1, 10**6) / 100, "quantity": chance.randint(1, 999) / 1_000}
                side = chance.choice(["buy", "sell"])
                rows[symbol].append({"time": now, "id": len(rows[symbol]), "side": side, **facts})
        kept = chance.choice([0, 10, 30, 30, 30])  # what is older than a day is forgotten
        story.append(sight("trades", {symbol: batch(table, some[len(some) - kept :]) for symbol, some in rows.items()}))
    return story


def ticker_story(chance: Random) -> Story:
    """Figures of the same symbols, some of them not known at first."""
    table, symbols = chance.choice([TICKER, BOOK_TICKER]), SYMBOLS[: chance.randint(1, 3)]
    numbers = (Kind.PRICE, Kind.QUANTITY, Kind.VOLUME, Kind.PERCENT)
    names = [one.name for one in table.columns if one.kind in numbers]
    known: dict[str, list[dict[str, Any]]] = {symbol: [] for symbol in symbols}
    story = []
    for _ in range(chance.randint(2, 5)):
        for symbol in symbols:
            if chance.random() < 0.6:
                known[symbol] = [{name: _figure(chance) for name in names}]
        story.append(sight("ticker", {symbol: batch(table, rows) for symbol, rows in known.items()}))
    return story


def _figure(chance: Random) -> float:
    return chance.choice([0.0, math.nan, chance.randint(-(10**6), 10**6) / 100, chance.randint(1, 10**14) / 10**8])


def order_story(chance: Random) -> Story:
    """The user's orders, which come, change and are forgotten."""
    known: dict[int, Order] = {}
    story = []
    for step in range(chance.randint(2, 4)):
        for number in chance.sample(range(40), chance.choice([0, 1, 25])):
            known[number] = order(
                number,
                symbol=SYMBOLS[number % 3],
                side=("buy", "sell")[number % 2],
                status=chance.choice(["new", "partially_filled", "filled", "canceled", HOSTILE]),
                filled=Decimal(chance.randint(0, 10)) / 1_000,
                stop_price=chance.choice([None, Decimal("59000.25")]),
                updated_ms=1_000 * step + chance.randint(0, 5),
            )
        for number in chance.sample(sorted(known), len(known) // 4):
            del known[number]
        story.append(sight("orders", {"": orders_batch(known.values())}))
    return story


def account_story(chance: Random) -> Story:
    """What the user has, from one moment to the next."""
    story = []
    for _ in range(chance.randint(2, 4)):
        rows = []
        for asset in chance.sample(["BTC", "USDT", "BNB", HOSTILE], chance.randint(0, 4)):
            free, locked = (chance.choice([0.0, 1.5, chance.randint(1, 10**12) / 10**8]) for _ in range(2))
            rows.append({"asset": asset, "free": free, "locked": locked, "total": free + locked})
        story.append(sight("account", {"": batch(BALANCES, rows)}))
    return story


STORIES: dict[str, Callable[[Random], Story]] = {
    "book": book_story,
    "trades": tape_story,
    "ticker": ticker_story,
    "orders": order_story,
    "account": account_story,
}


@functools.cache
def scripts() -> str:
    """Everything that ladders, tapes and tables are drawn by."""
    folder = files("cryptox.widgets") / "js"
    frame = (folder / "frame.js").read_text("utf-8")
    make = frame[frame.index("function make(") : frame.index("// A number with all its digits")]
    parts = ("dom.js", "book.js", "trades.js", "ticker.js", "orders.js", "account.js", "health.js")
    return "\n".join([make, *((folder / part).read_text("utf-8") for part in parts)])


def drawn(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page shows in each case: ``kind``, ``first`` picture, ``updates`` (changes, state, picture instead)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node to run the scripts of the page in")
    page = Path(__file__).with_name("page.mjs")
    done = subprocess.run(
        [node, str(page)], input=json.dumps([scripts(), cases]), capture_output=True, text=True, timeout=100,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
