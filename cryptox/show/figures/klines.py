"""Candles with their volume below them, and further columns over them or in panels of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from cryptox.table.batch import Array

from .look import BAD, GOOD, PALETTE, About, Figure, build, escaped, faded, span, time_axis
from .merge import MOST_CANDLES, buckets, interval_of, merged
from .precision import axis_format, decimals
from .wishes import Wishes

__all__ = ["klines"]

PRICES: Final = ("open", "high", "low", "close")
HEIGHT: Final = 480  # with volume or without
PANEL_PX: Final = 110  # that each further panel adds
SHARES: Final = {"volume": 0.24, "panel": 0.3}  # of the height, in parts of that of the candles
BETWEEN: Final = 0.03
MOST_BARS: Final = 1_000
FINER: Final = 2  # decimals that a mean of prices has more than the prices
_DASHES: Final = ("solid", "dash", "dot")


def klines(columns: Mapping[str, Array], about: About, overlays: Mapping[str, Array], wishes: Wishes) -> Figure:
    """A figure of candles.

    Parameters
    ----------
    columns
        ``open_time`` in ms, ``open``, ``high``, ``low``, ``close`` and, where they are known, ``volume`` and
        ``close_time``; numbers as floats. In any order of time.
    about
        Of what.
    overlays
        Further values by name, as long as the candles: over the candles where they lie at prices, else below them.
    wishes
        ``log``, ``volume``, ``height`` and ``theme`` are heeded.
    """
    order = np.argsort(columns["open_time"], kind="stable")
    kept = ["open_time", *PRICES, *(["volume"] if wishes.volume is not False and "volume" in columns else [])]
    candles = {name: columns[name][order] for name in kept}
    further = {name: values[order] for name, values in overlays.items()}
    told = _told(candles["open_time"], columns, about)
    if len(order) > MOST_CANDLES:
        candles, further, told[0] = _fewer(candles, further)
    over, below = _parted(further, candles)
    traces = [_candles(candles), *(_line(name, values, candles, at) for at, (name, values) in enumerate(over.items()))]
    for at, (name, values) in enumerate(below.items(), start=2):
        traces.append({**_line(name, values, candles, len(over) + at - 2), "yaxis": f"y{at}"})
    if "volume" in candles:
        traces += [{**trace, "yaxis": f"y{len(below) + 2}"} for trace in _volume(candles)]
    return build(
        traces,
        {**_axes(candles, below, wishes), "hovermode": "x unified", "showlegend": bool(overlays)},
        title=about.title(),
        told=told,
        height=wishes.height or HEIGHT + PANEL_PX * len(below),
        theme=wishes.theme,
        note=None if len(order) else "no candles",
    )


def _told(times: Array, columns: Mapping[str, Array], about: About) -> list[str]:
    """How many candles, from when to when, and whether the newest is still forming."""
    if not len(times):
        return []
    told = [f"{len(times):,} candle{'' if len(times) == 1 else 's'}", span(int(times[0]), int(times[-1]))]
    if "close_time" in columns and about.as_of_ms is not None and int(columns["close_time"].max()) >= about.as_of_ms:
        told.append("the newest is still forming")
    return told


def _fewer(
    candles: dict[str, Array], further: dict[str, Array]
) -> tuple[dict[str, Array], dict[str, Array], str]:  # fmt: skip
    """Candles put together until there are few enough, further values as they are at the end of each, and words."""
    times = candles["open_time"]
    first, what = buckets(times)
    source = interval_of(times)
    parts = merged({**candles, **{f"+{name}": values for name, values in further.items()}}, first)
    words = f"{len(first):,} {what}, merged from {len(times):,}{f' of {source.name}' if source else ''}"
    return {name: parts[name] for name in candles}, {name: parts[f"+{name}"] for name in further}, words


def _parted(further: Mapping[str, Array], candles: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Values that lie at prices, and those that would squeeze the candles: these have panels of their own."""
    over: dict[str, Array] = {}
    below: dict[str, Array] = {}
    low, high = _range(candles["low"]), _range(candles["high"])
    for name, values in further.items():
        own = _range(values)
        if own is None or low is None or high is None:
            over[name] = values
            continue
        room = max(high[1] - low[0], 0.01 * abs(high[1]))
        at_prices = own[0] >= low[0] - room and own[1] <= high[1] + room
        (over if at_prices else below)[name] = values
    return over, below


def _range(values: Array) -> tuple[float, float] | None:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def _times(candles: Mapping[str, Array]) -> Array:
    # As numbers: a fifth of the bytes of texts, and nothing to format. Floats hold every ms exactly.
    return candles["open_time"].astype(np.float64)


def _candles(candles: Mapping[str, Array]) -> dict[str, Any]:
    # Filled or not says the same as the colour, to those who see no red and green.
    return {
        "type": "candlestick",
        "name": "",
        "x": _times(candles),
        **{name: candles[name] for name in PRICES},
        "increasing": {"line": {"color": GOOD, "width": 1}, "fillcolor": faded(GOOD, 0.25)},
        "decreasing": {"line": {"color": BAD, "width": 1}, "fillcolor": BAD},
        "showlegend": False,
    }


def _volume(candles: Mapping[str, Array]) -> list[dict[str, Any]]:
    rises = candles["close"] >= candles["open"]
    if len(rises) > MOST_BARS:
        return _areas(candles, rises)
    # A byte a candle in place of a colour's name.
    shades = {"cmin": 0, "cmax": 1, "colorscale": [[0, BAD], [1, GOOD]], "showscale": False}
    return [
        {
            "type": "bar",
            "name": "volume",
            "x": _times(candles),
            "y": candles["volume"],
            "marker": {"color": rises.astype(np.uint8), **shades, "line": {"width": 0}},
            "opacity": 0.7,
            "showlegend": False,
        }
    ]


def _areas(candles: Mapping[str, Array], rises: Array) -> list[dict[str, Any]]:
    """The same look as two steps of one shape each: a page takes seconds to draw a bar for each of thousands."""
    times, volume = _times(candles), candles["volume"]
    steps = np.diff(times)
    step = float(np.median(steps))
    holes = np.flatnonzero(steps > 1.5 * step)
    # In a hole nothing is traded: the steps go down at its edges instead of meeting in its middle.
    places = np.repeat(holes + 1, 2)
    x = np.insert(times, places, np.c_[times[holes] + step, times[holes + 1] - step].ravel())
    both = {"type": "scatter", "mode": "lines", "x": x, "fill": "tozeroy", "showlegend": False}
    parts = ((volume, BAD, {"name": "volume"}), (np.where(rises, volume, 0.0), GOOD, {"hoverinfo": "skip"}))
    return [
        {
            **both,
            **facts,
            "y": np.insert(values, places, 0.0),
            "line": {"width": 0, "shape": "hvh", "color": colour},
            "fillcolor": colour,
        }
        for values, colour, facts in parts
    ]


def _line(name: str, values: Array, candles: Mapping[str, Array], place: int) -> dict[str, Any]:
    colour = PALETTE[place % len(PALETTE)]
    digits = decimals(*(candles[one] for one in PRICES)) + FINER
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escaped(name),
        "x": _times(candles),
        "y": values,
        "yhoverformat": axis_format(decimals(values, most=min(digits, 8))),
        "line": {"color": colour, "width": 1.5, "dash": _DASHES[place // len(PALETTE) % len(_DASHES)]},
    }


def _axes(candles: Mapping[str, Array], below: Mapping[str, Array], wishes: Wishes) -> dict[str, Any]:
    """The axes, one above the other: candles, panels, volume."""
    shares = [1.0, *(SHARES["panel"] for _ in below), *([SHARES["volume"]] if "volume" in candles else [])]
    unit = (1 - BETWEEN * (len(shares) - 1)) / sum(shares)
    axes: dict[str, Any] = {}
    top = 1.0
    for at, share in enumerate(shares, start=1):
        axes["yaxis" if at == 1 else f"yaxis{at}"] = {"domain": [round(top - share * unit, 6), round(top, 6)]}
        top -= share * unit + BETWEEN
    digits = axis_format(decimals(*(candles[name] for name in PRICES)))
    axes["yaxis"] |= {"hoverformat": digits, "type": "log" if wishes.log else "linear"}
    for at, name in enumerate(below, start=2):
        axes[f"yaxis{at}"]["title"] = {"text": escaped(name), "font": {"size": 11}}
    if "volume" in candles:
        last = axes[f"yaxis{len(shares)}"]
        last |= {"hoverformat": axis_format(decimals(candles["volume"])), "exponentformat": "SI", "nticks": 4}
        last["title"] = {"text": "volume", "font": {"size": 11}}
    steps = np.diff(candles["open_time"])
    bottom = "y" if len(shares) == 1 else f"y{len(shares)}"
    axes["xaxis"] = {**time_axis(int(steps.min()) if len(steps) else None), "anchor": bottom}
    return axes
