"""Ticks, steps and atoms against plain decimals."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.market import Listing
from cryptox.paper.trading.grid import Grid, amount_text, atoms_of

EXPONENTS = st.integers(-8, 0)
ATOM = Decimal("1E-8")


def grid(price: int, quantity: int) -> Grid:
    return Grid(Listing("AB", "A", "B", 0, price_exponent=price, quantity_exponent=quantity))


@given(EXPONENTS, EXPONENTS, st.integers(1, 10**10), st.integers(1, 10**10))
def test_money_is_what_decimals_say(price: int, quantity: int, ticks: int, steps: int) -> None:
    with localcontext(prec=60):
        one, size = Decimal(ticks).scaleb(price), Decimal(steps).scaleb(quantity)
        made = grid(price, quantity)
        assert made.quote(ticks, steps) == int((one * size / ATOM).to_integral_value(ROUND_FLOOR))
        assert made.base(steps) == int(size / ATOM)
        assert made.steps_of(made.base(steps)) == steps
        assert made.steps_of(made.base(steps) - 1) == steps - 1
        assert Decimal(made.price_text(ticks)) == one
        assert Decimal(made.quantity_text(steps)) == size
        assert len(made.price_text(ticks).partition(".")[2]) == 8


@given(EXPONENTS, EXPONENTS, st.integers(1, 10**6), st.integers(0, 10**16))
def test_what_money_buys_costs_no_more_and_one_step_more_does(
    price: int, quantity: int, ticks: int, atoms: int
) -> None:
    made = grid(price, quantity)
    steps = made.steps_for(atoms, ticks)
    assert made.quote(ticks, steps) <= atoms
    assert made.quote(ticks, steps + 1) > atoms


@given(EXPONENTS, EXPONENTS, st.decimals(0, 10**12, places=8))
def test_a_number_is_on_the_grid_or_it_is_not(price: int, quantity: int, number: Decimal) -> None:
    made = grid(price, quantity)
    for found, exponent in ((made.on_tick(number), price), (made.on_step(number), quantity)):
        units = number.scaleb(-exponent)
        assert found == (int(units) if units == units.to_integral_value() else None)


@given(st.decimals(-(10**10), 10**10, places=8))
def test_atoms_and_their_text_are_one_thing(amount: Decimal) -> None:
    assert Decimal(amount_text(atoms_of(amount))) == amount
    assert atoms_of(amount) == int(amount * 10**8)


def test_the_worked_example() -> None:
    btc = grid(-2, -5)  # 0.3 BTC at 94500.00
    assert amount_text(btc.quote(9_450_000, 30_000)) == "28350.00000000"
    assert btc.price_text(9_450_000) == "94500.00000000"
    assert btc.quantity_text(30_000) == "0.30000000"
    assert amount_text(0) == "0.00000000"


@pytest.mark.parametrize("amount", ["0.000000001", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=amount.replace(".", r"\.") if amount[0] != "0" else "decimals"):
        atoms_of(Decimal(amount))
