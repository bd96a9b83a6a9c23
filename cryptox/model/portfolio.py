"""What balances are worth in one asset. Pure: the prices are an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from cryptox._display import Displayed

from .account import Balance
from .lines import amount, count, record_line
from .numbers import EXACT

__all__ = ["Portfolio", "rate", "valued"]

SHOWN = 5
"""Assets that the text of a portfolio names."""

BRIDGES = ("USDT", "BTC", "BNB", "ETH", "FDUSD", "USDC", "EUR", "TRY")
"""Assets that a price may go through, the deepest markets first."""

ATOM = Decimal("1E-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio(Displayed):
    """What an account is worth, in ``quote``.

    Attributes
    ----------
    total
        Sum of what could be priced; free and locked.
    by_asset
        Value of each asset, most valuable first.
    unpriced
        Assets that no price leads to; they are not in ``total``.
    """

    quote: str
    total: Decimal
    by_asset: Mapping[str, Decimal]
    unpriced: tuple[str, ...]

    def __repr__(self) -> str:
        """One line: how much, and the most valuable assets."""
        shown = [f"{asset} {amount(value)}" for asset, value in list(self.by_asset.items())[:SHOWN]]
        more = f"{len(self.by_asset) - SHOWN} more" if len(self.by_asset) > SHOWN else None
        unpriced = f"no price for {count(len(self.unpriced), 'asset')}" if self.unpriced else None
        return record_line(
            "Portfolio", f"{amount(self.total, self.quote)}: {', '.join(shown) or 'nothing'}", more, unpriced
        )


def valued(balances: Iterable[Balance], prices: Mapping[str, Decimal], quote: str) -> Portfolio:
    """The worth of balances; each value is rounded to eight decimals once.

    Parameters
    ----------
    balances
        What there is; assets of which there is nothing are left out.
    prices
        Last prices by symbol, in the spelling ``BTCUSDT``.
    quote
        Asset to count in.
    """
    values: dict[str, Decimal] = {}
    unpriced: list[str] = []
    for balance in balances:
        if not balance.total:
            continue
        price = rate(balance.asset, quote, prices)
        if price is None:
            unpriced.append(balance.asset)
        else:
            values[balance.asset] = EXACT.multiply(balance.total, price).quantize(ATOM, context=EXACT)
    return Portfolio(
        quote=quote,
        total=sum(values.values(), Decimal(0)),
        by_asset=dict(sorted(values.items(), key=lambda item: (-item[1], item[0]))),
        unpriced=tuple(sorted(unpriced)),
    )


def rate(asset: str, quote: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    """What one of ``asset`` is worth: by their own symbol, either way round, else through a bridge; None for no way."""
    direct = _pair(asset, quote, prices)
    if direct is not None:
        return direct
    for bridge in BRIDGES:
        there, back = _pair(asset, bridge, prices), _pair(bridge, quote, prices)
        if there is not None and back is not None:
            return EXACT.multiply(there, back)
    return None


def _pair(asset: str, quote: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    if asset == quote:
        return Decimal(1)
    price = prices.get(asset + quote)
    if price:
        return price
    inverse = prices.get(quote + asset)
    return EXACT.divide(Decimal(1), inverse) if inverse else None
