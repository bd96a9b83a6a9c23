"""Trading rules of symbols: bounds that let an ordinary amount of money through, whatever a coin is worth."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from cryptox.paper.history import HistoryMarket
from cryptox.paper.listings import CHARACTERS
from cryptox.paper.market import Listing
from cryptox.paper.symbols import filters_of

NOON = "2024-06-01 12:00"


def largest(listing: Listing) -> tuple[Decimal, Decimal]:
    """maxQty of LOT_SIZE and of MARKET_LOT_SIZE."""
    found = {one["filterType"]: one for one in filters_of(listing)}
    return Decimal(found["LOT_SIZE"]["maxQty"]), Decimal(found["MARKET_LOT_SIZE"]["maxQty"])


def test_bounds_of_dear_coins_are_those_of_the_real_exchange() -> None:
    # https://developers.binance.com/docs/binance-spot-api-docs/filters (July 2026), plausible values of BTCUSDT
    assert largest(CHARACTERS["BTCUSDT"].listing) == (9000, 120)
    assert largest(Listing("BTCUSDT", "BTC", "USDT", 0)) == (9000, 120)


@pytest.mark.parametrize("symbol", sorted(CHARACTERS))
def test_a_market_order_of_a_hundred_thousand_passes(symbol: str) -> None:
    character = CHARACTERS[symbol]
    amount = {"USDT": 100_000, "BTC": 2}[character.listing.quote]
    limit, market = largest(character.listing)
    assert min(limit, market) * Decimal(character.price) * Decimal(min(1.0, character.growth)) > amount
    assert market <= limit <= Decimal(2**63 - 1).scaleb(-8)


@pytest.mark.parametrize(("exponent", "ticks"), [(0, 1), (-8, 1), (-2, 10**12), (0, 10**12)])
def test_bounds_can_be_counted_in_atoms(exponent: int, ticks: int) -> None:
    listing = Listing("AB", "A", "B", 0, price_exponent=-8, quantity_exponent=exponent, usual_ticks=ticks)
    limit, market = largest(listing)
    assert 0 < market <= limit <= Decimal(2**63 - 1).scaleb(-8)


def test_a_coin_of_a_file_has_bounds_by_its_own_price() -> None:
    hours = [1_700_000_000_000 // 3_600_000 * 3_600_000 + hour * 3_600_000 for hour in range(3)]
    rows: dict[str, Any] = {"open_time": hours, "volume": [5e9] * 3}
    rows |= {name: [1.2e-6] * 3 for name in ("open", "high", "low", "close")}
    listing = HistoryMarket({"PEPEUSDT": pd.DataFrame(rows)}, None, seed=7).listings["PEPEUSDT"]
    assert listing.usual_ticks * Decimal(10) ** listing.price_exponent == Decimal("0.0000012")
    assert largest(listing)[1] * Decimal("1.2e-6") > 10**4
    assert filters_of(listing) == filters_of(replace(listing, status="BREAK"))


def test_fifty_dollars_of_a_cheap_coin_are_bought(trading: Any, opened: Any) -> None:
    trader = trading(opened(clock=NOON))
    told = trader("POST", "order", symbol="PEPEUSDT", side="BUY", type="MARKET", quoteOrderQty="50").json
    assert told["status"] == "FILLED", told
    assert Decimal("49.9") < Decimal(told["cummulativeQuoteQty"]) <= 50
