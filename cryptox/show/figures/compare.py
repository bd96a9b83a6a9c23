"""Several symbols in one figure: how far each has come since its first row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from cryptox.errors import ValidationError
from cryptox.table.batch import Array

from .look import PALETTE, TOP, About, Figure, build, escaped, span, time_axis
from .merge import outline
from .wishes import Wishes

__all__ = ["compare"]

MOST_LINES: Final = 24
MOST_POINTS: Final = 5_000  # of all lines together
_DASHES: Final = ("solid", "dash", "dot", "dashdot")


def compare(lines: Mapping[str, tuple[Array, Array]], about: About, wishes: Wishes, what: str) -> Figure:
    """A figure of changes in percent.

    Parameters
    ----------
    lines
        By symbol: times in ms and prices, in any order of time.
    about
        Of what.
    wishes
        ``height`` and ``theme`` are heeded.
    what
        Which price it is: ``"close"``.

    Raises
    ------
    ValidationError
        More symbols than one can tell apart.
    """
    if len(lines) > MOST_LINES:
        raise ValidationError(
            f"A figure of {len(lines)} symbols cannot be read; {MOST_LINES} at most.",
            recovery_suggestions=["Take fewer, or one: symbol=..."],
            suggested={"symbol": next(iter(lines))},
            context={"operation": "plot()"},
        )
    traces, cut, steps = [], False, []
    moments: list[int] = []
    for place, (symbol, (times, prices)) in enumerate(lines.items()):
        order = np.argsort(times, kind="stable")
        times, prices = times[order], prices[order]
        chosen = outline(prices, MOST_POINTS // len(lines))
        cut = cut or len(chosen) < len(times)
        begun = prices[np.isfinite(prices) & (prices != 0)][:1]
        change = (prices[chosen] / begun - 1) * 100 if len(begun) else np.full(len(chosen), np.nan)
        steps += np.diff(times)[:1].tolist()
        moments += times[[0, -1]].tolist() if len(times) else []
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": escaped(symbol),
                "x": times[chosen].astype(np.float64),
                "y": change,
                "line": {
                    "color": PALETTE[place % len(PALETTE)],
                    "width": 1.5,
                    "dash": _DASHES[place // len(PALETTE) % len(_DASHES)],
                },
            }
        )
    told = [f"change of {what} since the first row", *([span(min(moments), max(moments))] if moments else [])]
    if cut:
        told.append("lines thinned out, every high and low among what is left")
    layout = {
        "xaxis": time_axis(min(steps, default=None)),
        "legend": {"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"},
        "margin": {"t": TOP},
        "yaxis": {"side": "left", "ticksuffix": " %", "hoverformat": "+.2f", "zeroline": True},
        "hovermode": "x unified" if not cut else "closest",
        "showlegend": True,
    }
    about = replace(about, symbol=f"{len(lines)} symbols")
    return build(
        traces, layout, title=about.title(), told=told, height=wishes.height, theme=wishes.theme,
        note=None if moments else "no rows",
    )  # fmt: skip
