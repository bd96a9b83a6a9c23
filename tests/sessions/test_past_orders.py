"""Orders and executions of the past, page by page: each once, whatever a page ends with."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx

sys.path.insert(0, str(Path(__file__).parent))
from outsider import SYMBOL, Outsider


@pytest.fixture
def exchange() -> Iterator[Any]:
    with cx.PaperExchange(limits={"REQUEST_WEIGHT": (1_000_000, "1m")}) as made:
        yield made


@pytest.fixture
def outsider(exchange: Any) -> Iterator[Outsider]:
    made = Outsider(exchange, exchange.create_account({"USDT": 1_000_000, "BTC": 20}))
    yield made
    made.close()


def asked(outsider: Outsider, cap: int, ask: Callable[[Any], Any]) -> Any:
    """What a session says that gets pages of ``cap`` rows."""

    async def main() -> Any:
        keys = outsider.keys
        async with cx.aio.connect(outsider.exchange, api_key=keys.api_key, secret_key=keys.secret_key) as session:
            session.venue.capabilities = dataclasses.replace(session.venue.capabilities, orders_cap=cap)
            return await ask(session)

    return asyncio.run(main())


@pytest.mark.parametrize("cap", [2, 3, 4, 1_000])
@pytest.mark.parametrize("how", [{}, {"limit": None}, {"limit": 1_000, "start": "1 hour ago"}, {"limit": 5}])
def test_a_trade_with_oneself_is_an_execution_of_either_order(outsider: Outsider, cap: int, how: Any) -> None:
    for _ in range(3):
        maker = outsider.rest("1.0", "0.05")
        outsider.order(symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="IOC", quantity="1",
                       price=maker["price"], selfTradePreventionMode="NONE")  # fmt: skip
    rows = outsider("GET", "myTrades", symbol=SYMBOL)
    names = sorted((one["id"], one["orderId"], Decimal(one["qty"])) for one in rows)
    assert len({one[0] for one in names}) < len(names)  # or this tests nothing
    if "limit" in how and how["limit"] == 5:
        names = names[-5:]
    found = asked(outsider, cap, lambda session: session.fills(SYMBOL, **how, exact=True, frame="polars"))
    got = found.select("id", "order_id", "quantity").rows()
    assert sorted(got) == names


@pytest.mark.parametrize("cap", [1, 2, 1_000])
@pytest.mark.parametrize("how", [{}, {"limit": None}, {"limit": 1_000, "start": "1 hour ago"}])
def test_orders_come_once(outsider: Outsider, cap: int, how: Any) -> None:
    placed = [outsider.rest()["orderId"] for _ in range(5)]
    found = asked(outsider, cap, lambda session: session.orders(SYMBOL, **how))
    assert list(found.index) == placed
