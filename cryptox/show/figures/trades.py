"""Trades: the price as a line, each trade marked with its taker's side and size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from cryptox.table.batch import Array

from .look import BAD, GOOD, About, Figure, build, faded, span, time_axis
from .merge import outline
from .precision import axis_format, decimals, shown
from .wishes import Wishes

__all__ = ["trades"]

MOST_POINTS: Final = 5_000
MOST_MARKS: Final = 2_000
SIZES: Final = (5.0, 20.0)  # px


def trades(columns: Mapping[str, Array], about: About, wishes: Wishes) -> Figure:
    """A figure of trades of one symbol.

    Parameters
    ----------
    columns
        ``time`` in ms, ``price`` and ``quantity`` as floats, ``side``: 0 where the taker bought, 1 where it sold. In
        any order of time.
    about
        Of what.
    wishes
        ``log``, ``height`` and ``theme`` are heeded.
    """
    order = np.argsort(columns["time"], kind="stable")
    times, prices, sizes, sides = (columns[name][order] for name in ("time", "price", "quantity", "side"))
    points, marks = outline(prices, MOST_POINTS), _largest(prices * sizes)
    digits, amounts = decimals(prices), decimals(sizes)
    line = {"color": faded("#808080", 0.9), "width": 1, "shape": "hv"}
    x = times.astype(np.float64)
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "price", "x": x[points], "y": prices[points], "line": line,
         "hoverinfo": "skip", "showlegend": False}
    ]  # fmt: skip
    scale = float(sizes[marks].max()) if len(marks) else 0.0
    for code, name, colour, sign in ((0, "buys", GOOD, "triangle-up"), (1, "sells", BAD, "triangle-down")):
        own = marks[sides[marks] == code]
        price, size = f"%{{y:{axis_format(digits)}}}", f"%{{customdata:{axis_format(amounts)}}}"
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": x[own],
                "y": prices[own],
                "customdata": sizes[own],
                "marker": {
                    "symbol": sign,
                    "color": colour,
                    "size": _widths(sizes[own], scale),
                    "opacity": 0.75,
                    "line": {"width": 0},
                },
                "hovertemplate": f"%{{x}}<br>{name[:-1]} {size} at {price}<extra></extra>",
            }
        )
    layout = {
        "xaxis": time_axis(None),
        "yaxis": {"hoverformat": axis_format(digits), "type": "log" if wishes.log else "linear"},
        "hovermode": "closest",
        "legend": {"itemsizing": "constant"},
        "showlegend": bool(len(order)),
    }
    told = _told(times, sizes, sides, amounts, len(points), len(marks))
    return build(
        traces, layout, title=about.title("trades"), told=told, height=wishes.height, theme=wishes.theme,
        note=None if len(order) else "no trades",
    )  # fmt: skip


def _told(times: Array, sizes: Array, sides: Array, amounts: int, points: int, marks: int) -> list[str]:
    count = len(times)
    if not count:
        return []
    bought, sold = (shown(float(np.nansum(sizes[sides == code])), amounts) for code in (0, 1))
    told = [
        f"{count:,} trade{'' if count == 1 else 's'}, {bought} bought, {sold} sold",
        span(int(times[0]), int(times[-1])),
    ]
    if marks < count:
        told.append(f"the {marks:,} largest are marked")
    if points < count:
        told.append(f"the line has {points:,} of them, every high and low among these")
    return told


def _largest(values: Array) -> Array:
    """Which trades are marked: all, or the most valuable ones."""
    if len(values) <= MOST_MARKS:
        return np.arange(len(values))
    return np.sort(np.argpartition(values, -MOST_MARKS)[-MOST_MARKS:])


def _widths(sizes: Array, scale: float) -> Array:
    """Widths of marks in px, so that areas go by the quantities."""
    least, most = SIZES
    part = np.sqrt(np.clip(np.nan_to_num(sizes) / scale, 0, 1)) if scale > 0 else np.zeros(len(sizes))
    return np.rint(least + (most - least) * part).astype(np.uint8)
