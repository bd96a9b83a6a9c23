"""The static picture of every kind of feed: self-contained, escaped, small."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from cryptox.model.account import Balance
from cryptox.model.columns import AGG_TRADES, BOOK_TICKER, DEPTH, KLINES, TICKER, TRADES, Kind, Table
from cryptox.model.orders import Order
from cryptox.sessions.live.status import Status
from cryptox.show.cards import BAD, GOOD, PLAIN
from cryptox.table.batch import Batch, dtype_of
from cryptox.table.records import balances_batch, orders_batch
from cryptox.widgets import static, tables

NOON_MS = 1_717_243_200_000
HOSTILE = "<img src=x onerror=alert(1)>"
GOOD_STATUS = Status(True, False, True, 0, 0, 0, 5, 0.1)
D = Decimal


class Moment:
    """What ``static`` reads of a snapshot."""

    def __init__(self, kind: str, batches: dict[str, Batch], interval: str | None = None, venue: str = "paper") -> None:
        self.kind, self.batches, self.interval, self.venue, self.as_of_ms = kind, batches, interval, venue, NOON_MS
        self.is_of_several = len(batches) > 1


class Tree(HTMLParser):
    """Tags, attributes and the text of a page; tags that do not close are found."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def batch(table: Table, **columns: Any) -> Batch:
    """Rows of a table; columns that are not given are zeros."""
    count = len(next(iter(columns.values())))
    arrays = {
        column.name: np.array(columns.get(column.name, [0] * count), dtype_of(column.kind, exact=False))
        for column in table.columns
        if column.kind is not Kind.WORD
    }
    return Batch(table, arrays)


def candles(count: int = 300) -> Batch:
    close = np.round(100 + np.sin(np.arange(count) / 9), 2)
    return batch(
        KLINES, open_time=NOON_MS + 60_000 * np.arange(count), open=np.r_[100.0, close[:-1]][:count],
        high=close + 2, low=close - 2, close=close, volume=np.arange(count) + 1.5,
    )  # fmt: skip


def levels(price: float = 100.0, count: int = 12) -> Batch:
    steps = np.arange(count)
    return batch(
        DEPTH, side=np.r_[steps * 0, steps * 0 + 1], level=np.r_[steps, steps],
        price=np.r_[price - steps / 4 - 0.25, price + steps / 4 + 0.25], quantity=np.r_[steps + 1.5, steps + 2],
    )  # fmt: skip


def order(number: int, **facts: Any) -> Order:
    told: dict[str, Any] = {
        "symbol": HOSTILE, "order_id": number, "client_order_id": "a", "side": "buy", "type": "LIMIT", "status": "new",
        "quantity": D("0.5"), "price": D("0.00001"), "time_ms": NOON_MS, "updated_ms": NOON_MS + number,
    }  # fmt: skip
    return Order(**{**told, **facts})


def trades(table: Table, count: int, price: float = 10.5) -> Batch:
    at = np.arange(count)
    return batch(table, time=NOON_MS + at, id=at, price=price + at, quantity=at + 0.25, side=at % 2)


def ticker(last: float, change: float) -> Batch:
    return batch(TICKER, last=[1, last], price_change_percent=[0, change], high=[1, 6], low=[1, 5], volume=[1, 1234.5])


KINDS: dict[str, dict[str, Batch]] = {
    "klines": {HOSTILE: candles()},
    "trades": {HOSTILE: trades(TRADES, 40), "B": trades(TRADES, 2)},
    "agg_trades": {HOSTILE: trades(AGG_TRADES, 40)},
    "depth": {HOSTILE: levels()},
    "book": {HOSTILE: levels(), "B": levels(5.0)},
    "ticker": {HOSTILE: ticker(5.25, -1.5)},
    "book_ticker": {HOSTILE: batch(BOOK_TICKER, bid=[2.5], ask=[3], bid_quantity=[1], ask_quantity=[0.125])},
    "orders": {"": orders_batch([order(1), order(2, type=HOSTILE)])},
    "account": {"": balances_batch([Balance(asset=HOSTILE, free=D("1.50"), locked=D(0))])},
}


def html(kind: str, batches: dict[str, Batch] | None = None, status: Status = GOOD_STATUS, **facts: Any) -> str:
    running = facts.pop("is_running", True)
    moment: Any = Moment(kind, KINDS[kind] if batches is None else batches, **facts)
    return static.html(moment, status, is_running=running)


def cells(page: str) -> list[list[str]]:
    rows = re.findall("<tr[^>]*>(.*?)</tr>", page)
    return [
        [unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in rows
    ]


def test_every_kind_has_one() -> None:
    assert set(KINDS) == set(tables.TABLES) | {"klines"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_whole_escaped_and_without_script(kind: str) -> None:
    page = html(kind, interval="<b>1m", venue=HOSTILE)
    tree = Tree(page)
    assert tree.tags <= {"div", "b", "span", "svg", "path", "text", "table", "thead", "tbody", "tr", "td", "th"}
    assert not {name for name in tree.names if name.startswith("on") or name in ("href", "src", "class", "id")}
    assert "url(" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert len(page) < 20_000


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_yet(kind: str) -> None:
    empty = {symbol: one.take(slice(0, 0)) for symbol, one in KINDS[kind].items()}
    page = html(kind, empty)
    Tree(page)
    words = {"klines": "no candles yet", "orders": "no orders", "account": "no balances"}
    assert words.get(kind, "nothing yet" if len(empty) == 1 or kind != "book" else "–") in page


def test_the_title_and_the_state() -> None:
    page = html("klines", {"BTCUSDT": candles()}, interval="1m")
    text = unescape(re.sub("<[^>]*>", "", page))
    assert text.startswith("BTCUSDT klines 1mpaper · 2024-06-01 12:00 UTC · ● connected")
    assert f"border-left:4px solid {GOOD}" in page


@pytest.mark.parametrize(
    ("status", "is_running", "words", "accent"),
    [
        (GOOD_STATUS, False, "stopped", PLAIN),
        (Status(False, True, False, 0, 0, 0, 0, None), True, "not connected, stale, not synced", BAD),
        (Status(True, False, True, 3, 2, 7, 0, None), True, "connected, 2 gaps, 7 dropped", BAD),
        (Status(False, True, False, 0, 1, 0, 0, None), False, "stopped, 1 gap", PLAIN),
    ],
)
def test_how_it_was(status: Status, is_running: bool, words: str, accent: str) -> None:
    page = html("ticker", status=status, is_running=is_running)
    assert f"</span> {words}</div>" in page
    assert f"border-left:4px solid {accent}" in page


def test_the_chart_tells_the_last_price_and_its_change_in_what_is_shown() -> None:
    rows = candles(300)
    page = html("klines", {"BTCUSDT": rows}, interval="1m")
    last, begun = float(rows["close"][-1]), float(rows["open"][-120])
    text = unescape(re.sub("<[^>]*>", "", page))
    assert f"{last:,.2f}" in text
    assert f"{(last / begun - 1) * 100:+.2f} % in what is shown" in text
    assert page.count("<svg") == 1


def test_charts_of_several_symbols_are_few() -> None:
    page = html("klines", {f"S{at}": candles(9) for at in range(40)}, interval="1m")
    assert page.count("<svg") == static.MOST_CHARTS
    assert "S0, S1, S2, S3 and 36 more klines" in page
    assert ["S4", "100.78"] in cells(page)
    assert "and 16 symbols more" in page
    assert len(page) < 30_000


def test_a_ladder() -> None:
    found = cells(html("depth"))
    assert found[0] == ["price", "quantity", "total"]
    assert len(found) == 1 + 2 * tables.LEVELS + 1
    assert found[1] == ["102.50", "11.0", "65.0"]
    assert found[10:13] == [["100.25", "2.0", "2.0"], ["spread 0.50"], ["99.75", "1.5", "1.5"]]
    assert found[-1] == ["97.50", "10.5", "60.0"]


def test_ladders_of_several_books_are_their_best_levels() -> None:
    assert cells(html("book")) == [
        ["symbol", "quantity", "bid", "ask", "quantity"],
        [HOSTILE, "1.5", "99.75", "100.25", "2.0"],
        ["B", "1.5", "4.75", "5.25", "2.0"],
    ]


def test_a_tape_begins_with_the_newest() -> None:
    found = cells(html("agg_trades"))
    assert found[0] == ["time", "side", "price", "quantity"]
    assert found[1] == ["2024-06-01 12:00:00.039", "▼ sell", "49.5", "39.25"]
    assert found[2][1] == "▲ buy"
    assert len(found) == 1 + tables.LINES
    assert cells(html("trades"))[0] == ["time", "symbol", "side", "price", "quantity"]
    same = trades(TRADES, 3)
    same.columns["time"][:] = NOON_MS
    assert [row[2] for row in cells(html("trades", {"A": same}))[1:]] == ["12.5", "11.5", "10.5"]


def test_tickers_and_quotes() -> None:
    assert cells(html("ticker"))[1] == [HOSTILE, "5.25", "▼ -1.50 %", "6.00", "5.00", "1,234.5"]
    assert cells(html("ticker", {"A": ticker(1, float("nan"))}))[1][2] == "–"
    assert cells(html("book_ticker"))[1] == [HOSTILE, "1.000", "2.5", "3.0", "0.125"]
    many = cells(html("ticker", {f"S{at}": ticker(1, 1) for at in range(30)}))
    assert len(many) == 1 + tables.MOST
    assert "and 10 symbols more" in html("ticker", {f"S{at}": ticker(1, 1) for at in range(30)})


def test_what_is_the_users_own() -> None:
    found = cells(
        html("orders", {"": orders_batch([order(1), order(2, side="sell", price=None, status="partially_filled")])})
    )
    assert found[1] == ["2024-06-01 12:00:00.002", HOSTILE, "▼ sell", "LIMIT", "–", "0.5", "0", "partially filled"]
    assert found[2][4] == "0.00001"
    assert cells(html("account"))[1] == [HOSTILE, "1.5", "0", "1.5"]
    assert "and 5 orders more" in html("orders", {"": orders_batch([order(at) for at in range(1, 26)])})


def test_of_a_real_feed() -> None:
    import cryptox as cx

    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        with session.live.klines("BTCUSDT", "1h", history=150) as feed:
            page = static.of_feed(feed)
            assert "BTCUSDT klines 1h" in page
            assert page.count("<svg") == 1
            assert len(page) < 20_000
        assert "stopped" in static.of_feed(feed)
