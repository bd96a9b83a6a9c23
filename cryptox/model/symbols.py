"""Symbols: their one spelling, and the trading rules of one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cryptox._display import Displayed

from .lines import amount, record_line

__all__ = ["Symbol"]


@dataclass(frozen=True, slots=True)
class Symbol(Displayed):
    """Trading rules of one symbol. None where the exchange states no such rule.

    Quantities are in base asset, prices in quote asset per base asset, notionals in quote asset.
    """

    symbol: str
    base: str
    quote: str
    status: str
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    order_types: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    max_notional: Decimal | None = None
    base_precision: int = 8
    quote_precision: int = 8
    is_spot_trading_allowed: bool = True
    is_margin_trading_allowed: bool = False

    def __repr__(self) -> str:
        """One line: its name, its state, and the rules that one meets first."""
        rules = (("tick", self.tick_size), ("step", self.step_size))
        return record_line(
            "Symbol",
            f"{self.symbol}: {self.base} in {self.quote}",
            self.status,
            *(f"{name} {amount(value)}" for name, value in rules if value is not None),
            None if self.min_notional is None else f"at least {amount(self.min_notional, self.quote)}",
        )
