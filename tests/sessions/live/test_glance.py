"""What views look at: the newest rows of each symbol, and no more than they show."""

from __future__ import annotations

import asyncio
from typing import Any

import cryptox as cx


def test_a_glance_has_the_newest_rows_by_symbol(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            async with session.live.klines(["BTCUSDT", "ETHUSDT"], history=20) as candles:
                found = candles.glance(5)
                assert list(found) == ["BTCUSDT", "ETHUSDT"]
                await until(lambda: candles.latest is not None and not candles.latest.is_closed)
                rows = candles.glance(5)[candles.latest.symbol]["open_time"].tolist()
                assert len(rows) == 5
                assert rows[-1] == candles.latest.open_time_ms, "the forming one too"
            async with session.live.book("BTCUSDT", levels=3) as book:
                await until(lambda: book.status.synced)
                assert [len(book.glance(rows)["BTCUSDT"]) for rows in (2, 50)] == [4, 6]
                assert len(book.frame()) > 6
            assert len(book.glance(50)["BTCUSDT"]) == 6, "what it showed last"

    asyncio.run(main())


def test_a_glance_at_what_has_not_begun_is_empty(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            assert {name: len(rows) for name, rows in session.live.ticker("BTCUSDT").glance(1).items()} == {
                "BTCUSDT": 0
            }

    asyncio.run(main())
