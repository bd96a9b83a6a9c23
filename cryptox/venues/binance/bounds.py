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

    ``worth`` turns the number into what the rule is really about: with a price, a quantity into a notional, of which
    ``lines`` are the bounds. ``open`` leaves ``high`` itself out.
    """

    rule: str
    low: Fraction | None = None
    high: Fraction | None = None
    step: Fraction | None = None
    open: bool = False
    worth: Fraction | None = None
    lines: tuple[Fraction | None, Fraction | None] = (None, None)

    def fault(self, name: str, value: Fraction) -> str | None:
        """What is wrong with a number, in a sentence without its dot; None where nothing is."""
        if self.low is not None and value < self.low:
            return f"{self._told(name, value)} is below {_shown(self.lines[0] or self.low)}"
        if self.high is not None and (value >= self.high if self.open else value > self.high):
            word = "not below" if self.open else "above"
            return f"{self._told(name, value)} is {word} {_shown(self.lines[1] or self.high)}"
        if self.step is not None and value % self.step:
            return f"{name} {_shown(value)} is not a multiple of {_shown(self.step)}"
        return None

    def _told(self, name: str, value: Fraction) -> str:
        """The number, or what it is worth."""
        return f"{name} {_shown(value)}" if self.worth is None else f"price times {name}, {_shown(value * self.worth)},"

    def most(self, step: Fraction) -> Fraction | None:
        """The largest multiple of a step that keeps it; None where there is no largest."""
        if self.high is None:
            return None
        found = math.floor(self.high / step) * step
        return found - step if self.open and found == self.high else found


def place(value: Fraction, bounds: Iterable[Bound], *, up: bool = False) -> Fraction | None:
    """The number above zero next to a value that keeps all bounds: down to the step, or ``up``; None for none.

    What comes to lie below the lowest is raised to it, whatever the direction, and the other way round.
    """
    every = list(bounds)
    step = _common([bound.step for bound in every if bound.step is not None])
    low = max([step, *(bound.low for bound in every if bound.low is not None)])
    highs = [most for bound in every if (most := bound.most(step)) is not None]
    found = (math.ceil(value / step) if up else math.floor(value / step)) * step
    if found < low:
        found = math.ceil(low / step) * step
    found = min([found, *highs])
    return None if found < low else found


def decimal_from(number: Fraction) -> Decimal:
    """The same number; sixty digits of one that has no end."""
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


def _common(steps: list[Fraction]) -> Fraction:
    """The smallest number above zero that is a multiple of all of them."""
    bottom = math.lcm(*(step.denominator for step in steps))
    return Fraction(math.lcm(*(int(step * bottom) for step in steps)), bottom)


def _shown(number: Fraction) -> str:
    exact = decimal_from(number)
    return plain(exact) if Fraction(exact) == number and len(exact.as_tuple().digits) < 30 else f"{float(number):.10g}"
