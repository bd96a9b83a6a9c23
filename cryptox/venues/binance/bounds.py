"""What one number of an order may be: bounds and steps, each with the rule that it comes from. Exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from cryptox.model.numbers import EXACT, plain

__all__ = ["Bound", "decimal_from", "place"]


@dataclass(frozen=True, slots=True)
class Bound:
    """From ``low`` to ``high``, both included, in multiples of ``step`` from zero; None where there is no such rule.

    With ``worth`` the rule is about the product of the number and a price (or ``factor``), the first for ``low`` and
    the second for ``high``. ``open`` leaves ``high`` itself out.
    """

    rule: str
    low: Decimal | None = None
    high: Decimal | None = None
    step: Decimal | None = None
    open: bool = False
    worth: tuple[Decimal, Decimal] | None = None
    factor: str = "price"

    def fault(self, name: str, value: Decimal) -> str | None:
        """What is wrong with a number, in a sentence without its dot; None where nothing is."""
        below, above = value, value
        if self.worth is not None:
            below, above = (EXACT.multiply(value, price) for price in self.worth)
            name = f"{self.factor} times {name}"
        if self.low is not None and below < self.low:
            return f"{name} {_shown(below)} is below {_shown(self.low)}"
        if self.high is not None and (above >= self.high if self.open else above > self.high):
            word = "not below" if self.open else "above"
            return f"{name} {_shown(above)} is {word} {_shown(self.high)}"
        if self.step is not None and EXACT.remainder(value, self.step):
            return f"{name} {_shown(value)} is not a multiple of {_shown(self.step)}"
        return None

    def least(self, step: Fraction) -> Fraction | None:
        """The smallest multiple of a step that keeps it; None where there is no smallest."""
        if self.low is None:
            return None
        low = Fraction(self.low) if self.worth is None else Fraction(self.low) / Fraction(self.worth[0])
        return math.ceil(low / step) * step

    def most(self, step: Fraction) -> Fraction | None:
        """The largest multiple of a step that keeps it; None where there is no largest."""
        if self.high is None:
            return None
        high = Fraction(self.high) if self.worth is None else Fraction(self.high) / Fraction(self.worth[1])
        found = math.floor(high / step) * step
        return found - step if self.open and found == high else found


def place(value: Decimal, bounds: Iterable[Bound], *, up: bool = False) -> Decimal | None:
    """The number above zero next to a value that keeps all bounds: down to the step, or ``up``; None for none.

    What comes to lie below the lowest is raised to it, whatever the direction, and the other way round.
    """
    every = list(bounds)
    step = _common([Fraction(bound.step) for bound in every if bound.step is not None])
    low = max([step, *(least for bound in every if (least := bound.least(step)) is not None)])
    highs = [most for bound in every if (most := bound.most(step)) is not None]
    count = Fraction(value) / step
    found = min([max((math.ceil(count) if up else math.floor(count)) * step, low), *highs])
    return None if found < low else decimal_from(found)


def decimal_from(number: Fraction) -> Decimal:
    """The same number; sixty digits of one that has no end."""
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


def _common(steps: list[Fraction]) -> Fraction:
    """The smallest number above zero that is a multiple of all of them."""
    bottom = math.lcm(*(step.denominator for step in steps))
    return Fraction(math.lcm(*(int(step * bottom) for step in steps)), bottom)


def _shown(number: Decimal) -> str:
    return plain(number) if len(number.as_tuple().digits) < 30 else f"{number:.10g}"
