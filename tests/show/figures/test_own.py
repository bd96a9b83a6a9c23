"""Orders and balances as tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cryptox.model.account import Balance
from cryptox.model.orders import Order
from cryptox.show.figures.look import BAD, GOOD, INK, About
from cryptox.show.figures.own import MOST_LINES, balances, orders
from cryptox.show.figures.wishes import Wishes
from cryptox.table.records import balances_batch, orders_batch

NOON_MS = 1_717_243_200_000
ABOUT = About(None, "paper", as_of_ms=NOON_MS)
D = Decimal


def order(number: int, **facts: Any) -> Order:
    told: dict[str, Any] = {
        "symbol": "BTCUSDT", "order_id": number, "client_order_id": "a", "side": "buy", "type": "LIMIT",
        "status": "partially_filled", "quantity": D("0.5"), "price": D("0.00001"), "filled": D("0.25"),
        "time_ms": NOON_MS, "updated_ms": NOON_MS + number,
    }  # fmt: skip
    return Order(**{**told, **facts})


def test_orders_the_newest_at_the_top() -> None:
    batch = orders_batch([order(1), order(2, side="sell", price=None, type="MARKET", status="<img src=x>")])
    figure = orders(batch, ABOUT, Wishes())
    (table,) = figure.data
    assert table.header.values[1] == "<b>symbol</b>"
    cells = dict(zip([name[3:-4] for name in table.header.values], table.cells.values, strict=True))
    assert cells == {
        "updated": ["2024-06-01 12:00:00.002", "2024-06-01 12:00:00.001"],
        "symbol": ["BTCUSDT", "BTCUSDT"],
        "side": ["▼ sell", "▲ buy"],
        "type": ["MARKET", "LIMIT"],
        "price": ["–", "0.00001"],
        "quantity": ["0.5", "0.5"],
        "filled": ["0.25", "0.25"],
        "status": ["&lt;img src=x&gt;", "partially filled"],
    }
    assert table.cells.font.color[2] == [BAD, GOOD]
    assert table.cells.font.color[0] == INK["auto"]
    assert figure.layout.title.subtitle.text == "2 orders · 2024-06-01 12:00 UTC"


def test_of_many_the_newest() -> None:
    figure = orders(orders_batch([order(number) for number in range(1, 90)]), ABOUT, Wishes(theme="dark", height=300))
    assert len(figure.data[0].cells.values[0]) == MOST_LINES
    assert figure.layout.title.subtitle.text.startswith("89 orders, 50 of them here")
    assert figure.layout.height == 300
    assert figure.data[0].cells.font.color[0] == INK["dark"]


def test_balances() -> None:
    figure = balances(balances_batch([Balance(asset="<b>", free=D("1.50"), locked=D(0))]), ABOUT, Wishes())
    assert [list(values) for values in figure.data[0].cells.values] == [["&lt;b&gt;"], ["1.5"], ["0"], ["1.5"]]


def test_none() -> None:
    assert orders(orders_batch([]), ABOUT, Wishes()).layout.annotations[0].text == "no orders"
    assert balances(balances_batch([]), ABOUT, Wishes()).layout.annotations[0].text == "no balances"
