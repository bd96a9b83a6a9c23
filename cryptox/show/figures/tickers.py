"""Tickers and best quotes: bars of all symbols against each other, lines of one symbol over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from cryptox.table.batch import Array

from .look import BAD, GOOD, PALETTE, About, Figure, build, escaped, moment, span, time_axis
from .merge import outline
from .precision import axis_format, decimals, shown
from .wishes import Wishes

__all__ = ["quotes", "quotes_over_time", "tickers", "tickers_over_time"]

MOST_BARS: Final = 40
MOST_POINTS: Final = 5_000
BASIS: Final = 10_000
BAR_PX: Final = 22
AROUND_PX: Final = 130  # title and axis
ROOM: Final = 0.12  # beside the bars, in parts of the longest


def tickers(symbols: Sequence[str], columns: Mapping[str, Array], about: About, wishes: Wishes) -> Figure:
    """A figure of the changes of all symbols, one bar each; of many the strongest rises and falls.

    Parameters
    ----------
    symbols
        One a row.
    columns
        ``price_change_percent``, ``last``, and what is known of ``high``, ``low`` and ``volume``, as floats.
    about
        Of what.
    wishes
        ``height`` and ``theme`` are heeded.
    """
    change = columns["price_change_percent"]
    chosen, told = _strongest(change)
    order = chosen[np.argsort(change[chosen], kind="stable")]
    texts = [_details(symbols[row], columns, row) for row in order]
    bars = _bars([symbols[row] for row in order], change[order], texts)
    bars["marker"] = {"color": [GOOD if value >= 0 else BAD for value in change[order]], "line": {"width": 0}}
    bars["texttemplate"] = "%{x:+.2f} %"
    when = [f"{moment(about.as_of_ms)} UTC"] if about.as_of_ms is not None else []
    return _figure([bars], "change in percent", about.title("tickers"), [*told, *when], len(order), wishes)


def quotes(symbols: Sequence[str], columns: Mapping[str, Array], about: About, wishes: Wishes) -> Figure:
    """A figure of the spreads of all symbols in basis points, one bar each; of many the widest.

    Parameters
    ----------
    symbols
        One a row.
    columns
        ``bid`` and ``ask`` as floats.
    about, wishes
        As in ``tickers``.
    """
    bids, asks = columns["bid"], columns["ask"]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (asks - bids) / ((asks + bids) / 2) * BASIS
    widest = np.argsort(np.nan_to_num(spread, nan=-1.0), kind="stable")[-MOST_BARS:]
    told = [f"the {MOST_BARS} widest of {len(symbols):,}"] if len(symbols) > MOST_BARS else []
    texts = [_quote(symbols[row], bids[row], asks[row]) for row in widest]
    bars = _bars([symbols[row] for row in widest], spread[widest], texts)
    bars["marker"] = {"color": PALETTE[0], "line": {"width": 0}}
    bars["texttemplate"] = "%{x:.3~g}"
    return _figure([bars], "spread in basis points", about.title("best quotes"), told, len(widest), wishes)


def tickers_over_time(columns: Mapping[str, Array], about: About, wishes: Wishes) -> Figure:
    """A figure of one symbol's last price, with its best bid and ask.

    Parameters
    ----------
    columns
        ``close_time`` in ms, ``last`` and, where they are known, ``bid`` and ``ask``. In any order of time.
    about, wishes
        As in ``tickers``.
    """
    order = np.argsort(columns["close_time"], kind="stable")
    times, last = columns["close_time"][order], columns["last"][order]
    chosen, digits = outline(last, MOST_POINTS), decimals(last)
    shades = {"last": (PALETTE[0], "solid"), "bid": (GOOD, "dot"), "ask": (BAD, "dot")}
    traces = [
        _line(name, times[chosen].astype(np.float64), columns[name][order][chosen], *shades[name])
        for name in ("bid", "ask", "last")
        if name in columns
    ]
    told = [f"{len(times):,} messages", span(int(times[0]), int(times[-1]))] if len(times) else []
    return _over(traces, {"xaxis": time_axis(None)}, about.title("ticker"), told, digits, wishes)


def quotes_over_time(columns: Mapping[str, Array], about: About, wishes: Wishes) -> Figure:
    """A figure of one symbol's best bid and ask by the number of their change: their messages tell no time.

    Parameters
    ----------
    columns
        ``bid`` and ``ask``, oldest first.
    about, wishes
        As in ``tickers``.
    """
    newest = slice(-MOST_POINTS, None)
    bids, asks = columns["bid"][newest], columns["ask"][newest]
    places = np.arange(1 - len(bids), 1, dtype=np.int32)
    traces = [_line("bid", places, bids, GOOD, "solid"), _line("ask", places, asks, BAD, "solid")]
    told = [f"the newest {len(bids):,} changes"] if len(bids) else []
    axis = {"title": {"text": "changes before the newest"}, "zeroline": False}
    return _over(traces, {"xaxis": axis}, about.title("best quotes"), told, decimals(bids, asks), wishes)


def _strongest(change: Array) -> tuple[Array, list[str]]:
    """Which rows have bars, and what is said of the others."""
    there = np.flatnonzero(np.isfinite(change))
    if len(there) <= MOST_BARS:
        return there, []
    order = there[np.argsort(change[there], kind="stable")]
    half = MOST_BARS // 2
    return np.r_[order[:half], order[-half:]], [f"the {half} strongest rises and falls of {len(change):,}"]


def _details(symbol: str, columns: Mapping[str, Array], row: int) -> str:
    prices = [name for name in ("last", "high", "low") if name in columns]
    digits = decimals(*(columns[name][row : row + 1] for name in prices))
    lines = [f"<b>{escaped(symbol)}</b>", *(f"{name} {shown(columns[name][row], digits)}" for name in prices)]
    if "volume" in columns:
        lines.append(f"volume {shown(columns['volume'][row], decimals(columns['volume'][row : row + 1]))}")
    return "<br>".join(lines)


def _quote(symbol: str, bid: float, ask: float) -> str:
    digits = decimals(np.array([bid, ask]))
    return f"<b>{escaped(symbol)}</b><br>bid {shown(bid, digits)}<br>ask {shown(ask, digits)}"


def _bars(symbols: Sequence[str], values: Array, texts: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": [escaped(symbol) for symbol in symbols],
        "hovertext": list(texts),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "textposition": "outside",
        "cliponaxis": False,
    }


def _figure(
    traces: list[dict[str, Any]], what: str, title: str, told: Sequence[str], count: int, wishes: Wishes
) -> Figure:  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": what}, "zeroline": True, "range": _roomy(traces[0]["x"])},
        "yaxis": {"type": "category", "side": "left", "showgrid": False},
        "hovermode": "closest",
        "showlegend": False,
        "bargap": 0.25,
    }
    return build(
        traces, layout, title=title, told=told, height=wishes.height or AROUND_PX + BAR_PX * max(count, 4),
        theme=wishes.theme, note=None if count else "no symbols",
    )  # fmt: skip


def _roomy(values: Array) -> list[float] | None:
    """From where to where the axis goes, so that the figures at the ends of the bars fit in."""
    there = values[np.isfinite(values)]
    if not len(there):
        return None
    low, high = min(0.0, float(there.min())), max(0.0, float(there.max()))
    room = ROOM * (high - low or 1.0)
    return [low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.0]


def _line(name: str, x: Array, y: Array, colour: str, dash: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1.5 if dash == "solid" else 1, "dash": dash, "shape": "hv"}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": line}


def _over(
    traces: list[dict[str, Any]], layout: Mapping[str, Any], title: str, told: Sequence[str], digits: int,
    wishes: Wishes,
) -> Figure:  # fmt: skip
    shared = {"yaxis": {"hoverformat": axis_format(digits)}, "hovermode": "x unified", "showlegend": True}
    return build(
        traces, {**shared, **layout}, title=title, told=told, height=wishes.height, theme=wishes.theme,
        note=None if told else "no messages",
    )  # fmt: skip
