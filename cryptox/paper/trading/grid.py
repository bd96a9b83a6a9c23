"""A symbol's grid: integers of ticks, steps and atoms, and the exchange's decimal text of them."""

from __future__ import annotations

from decimal import Decimal

from cryptox.paper.market import Listing
from cryptox.paper.text import decimal

from .accounts import ATOMS

__all__ = ["PLACES", "Grid", "amount_text", "atoms_of"]

MOST_POWER = 64  # of ten, in an amount
PLACES = 8  # decimals of every asset: ``baseAssetPrecision``, ``quoteAssetPrecision``


def amount_text(atoms: int) -> str:
    """An amount of money as the exchange prints it."""
    return decimal(atoms, -PLACES)


def atoms_of(amount: Decimal) -> int:
    """An amount of money in atoms.

    Raises
    ------
    ValueError : more than eight decimals, or no finite number.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    if amount and not -MOST_POWER <= amount.adjusted() <= MOST_POWER:  # else its digits would fill the memory
        raise ValueError(f"{amount} is out of range")
    numerator, denominator = amount.as_integer_ratio()
    atoms, rest = divmod(numerator * ATOMS, denominator)
    if rest:
        raise ValueError(f"{amount} has more than {PLACES} decimals")
    return atoms


class Grid:
    """Conversions of one symbol. Money is in atoms (1e-8 of the asset); what does not come out even is cut off."""

    __slots__ = ("_base_factor", "_quote_divisor", "_quote_factor", "listing")

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._base_factor: int = 10 ** (PLACES + listing.quantity_exponent)  # no step is finer than an atom
        power = PLACES + listing.price_exponent + listing.quantity_exponent
        self._quote_factor: int = 10 ** max(power, 0)
        self._quote_divisor: int = 10 ** max(-power, 0)

    def quote(self, ticks: int, steps: int) -> int:
        """Atoms of the quote asset that so many steps cost at a price."""
        return ticks * steps * self._quote_factor // self._quote_divisor

    def base(self, steps: int) -> int:
        """Atoms of the base asset in so many steps."""
        return steps * self._base_factor

    def steps_of(self, atoms: int) -> int:
        """Whole steps in an amount of the base asset."""
        return atoms // self._base_factor

    def steps_for(self, atoms: int, ticks: int) -> int:
        """The most steps that cost no more than an amount of the quote asset at a price (``ticks`` > 0)."""
        return ((atoms + 1) * self._quote_divisor - 1) // (ticks * self._quote_factor)

    def on_tick(self, price: Decimal) -> int | None:
        """A price in ticks; None where it lies between two."""
        return _whole(price, self.listing.price_exponent)

    def on_step(self, quantity: Decimal) -> int | None:
        """A quantity in steps; None where it lies between two."""
        return _whole(quantity, self.listing.quantity_exponent)

    def price_text(self, ticks: int) -> str:
        """A price as the exchange prints it."""
        return decimal(ticks, self.listing.price_exponent)

    def quantity_text(self, steps: int) -> str:
        """A quantity as the exchange prints it."""
        return decimal(steps, self.listing.quantity_exponent)


def _whole(number: Decimal, exponent: int) -> int | None:
    numerator, denominator = number.as_integer_ratio()
    scale: int = 10**-exponent  # no grid is coarser than one unit
    units, rest = divmod(numerator * scale, denominator)
    return None if rest else units
