"""The depth curve of a book: what could be bought or sold down to each price."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from cryptox.model.lines import count
from cryptox.table.batch import Array

from .look import BAD, GOOD, INK, About, Figure, build, faded, moment
from .precision import axis_format, decimals, shown
from .wishes import Wishes

__all__ = ["depth"]

NEAR: Final = 2.0  # levels farther from the middle than so many times the distance of nine in ten of them are left out
BASIS: Final = 10_000


def depth(prices: Array, quantities: Array, is_ask: Array, about: About, wishes: Wishes) -> Figure:
    """A figure of one book: running quantities of both sides over the price, with the middle and the spread.

    Parameters
    ----------
    prices, quantities, is_ask
        The levels, in any order.
    about
        Of what.
    wishes
        ``log`` (of quantities), ``height`` and ``theme`` are heeded.
    """
    real = np.isfinite(prices) & np.isfinite(quantities)
    bids, asks = (_side(prices, quantities, real & (is_ask == ask), falling=not ask) for ask in (False, True))
    digits, told = decimals(prices[real]), []
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    if len(bids[0]) and len(asks[0]):
        bid, ask = float(bids[0][0]), float(asks[0][0])
        middle = (bid + ask) / 2
        told, layout["shapes"] = [_top(bid, ask, digits)], [_middle(middle, wishes.theme)]
        reach = _reach(prices[real], middle)
        bids, asks, farther = _near(bids, asks, middle, reach)
        if farther:
            part = 100 * reach / middle
            told.append(f"{count(farther, 'level')} more than {part:.2g} % away left out")
    amounts = decimals(quantities[real])
    for name, side, colour in (("bids", bids, GOOD), ("asks", asks, BAD)):
        if len(side[0]):
            traces.append(_curve(name, *side, colour, digits, amounts, from_zero=not wishes.log))
    if about.as_of_ms is not None:
        told.append(f"{moment(about.as_of_ms)} UTC")
    layout |= {
        "xaxis": {"hoverformat": axis_format(digits), "exponentformat": "none", "separatethousands": True},
        "yaxis": {"type": "log" if wishes.log else "linear", "exponentformat": "SI", "rangemode": "tozero"},
        "hovermode": "closest",
        "showlegend": False,
    }
    return build(
        traces, layout, title=about.title("order book"), told=told, height=wishes.height, theme=wishes.theme,
        note=None if traces else "no levels",
    )  # fmt: skip


def _side(prices: Array, quantities: Array, own: Array, *, falling: bool) -> tuple[Array, Array]:
    """Prices of a side, best first, and the quantity up to each of them."""
    order = np.argsort(prices[own], kind="stable")
    if falling:
        order = order[::-1]
    return prices[own][order], np.cumsum(quantities[own][order])


def _reach(prices: Array, middle: float) -> float:
    """How far from the middle the figure goes: a few orders at absurd prices must not squeeze all others."""
    away = np.abs(prices - middle)
    return float(min(away.max(), NEAR * np.quantile(away, 0.9)))


def _near(
    bids: tuple[Array, Array], asks: tuple[Array, Array], middle: float, reach: float
) -> tuple[tuple[Array, Array], tuple[Array, Array], int]:  # fmt: skip
    """Both sides no farther than that, and how many levels lie beyond; the best ones stay."""
    kept = [max(1, int((np.abs(side[0] - middle) <= reach).sum())) for side in (bids, asks)]
    near = [(side[0][:most], side[1][:most]) for side, most in zip((bids, asks), kept, strict=True)]
    return near[0], near[1], len(bids[0]) + len(asks[0]) - sum(kept)


def _top(bid: float, ask: float, digits: int) -> str:
    middle, spread = (bid + ask) / 2, ask - bid
    part = BASIS * spread / middle if middle > 0 else 0.0
    words = f" ({part:,.0f} bps)" if part >= 10 else f" ({part:.2g} bps)" if part else ""
    return f"mid {shown(middle, digits + 1).rstrip('0').rstrip('.')} · spread {shown(spread, digits)}{words}"


def _middle(middle: float, theme: str) -> dict[str, Any]:
    line = {"color": INK[theme], "width": 1, "dash": "dot"}
    return {"type": "line", "x0": middle, "x1": middle, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _curve(
    name: str, prices: Array, totals: Array, colour: str, digits: int, amounts: int, *, from_zero: bool
) -> dict[str, Any]:  # fmt: skip
    if from_zero:
        prices, totals = np.r_[prices[0], prices], np.r_[0.0, totals]
    price, total = (f"%{{{axis}:{axis_format(places)}}}" for axis, places in (("x", digits), ("y", amounts)))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": prices,
        "y": totals,
        "line": {"shape": "hv", "color": colour, "width": 1.5},
        "fill": "tozeroy",
        "fillcolor": faded(colour, 0.22),
        "hovertemplate": f"{total} {'wanted at' if name == 'bids' else 'offered at'} {price} or better<extra></extra>",
    }
