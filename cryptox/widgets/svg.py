"""Candles with their volume as one inline SVG: no script, no style sheet, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Final

import numpy as np

from cryptox.show.cards import BAD, GOOD, Html, safe
from cryptox.show.figures.look import moment
from cryptox.show.figures.precision import decimals, shown
from cryptox.table.batch import Array

__all__ = ["MOST_CANDLES", "candles"]

MOST_CANDLES: Final = 120

WIDTH: Final = 640
RIGHT: Final = 78  # of it for prices
PRICE_PX: Final = 180  # height of the candles
GAP_PX: Final = 8
VOLUME_PX: Final = 44
BELOW_PX: Final = 18  # for times
TOP_PX: Final = 6
FLOOR: Final = TOP_PX + PRICE_PX
MOST_HALF: Final = 6.0  # px, of a candle's width
PRICES: Final = ("open", "high", "low", "close")
TICKS: Final = 5
FAINT: Final = "stroke='#808080' stroke-opacity='.25'"


def candles(columns: Mapping[str, Array], label: str) -> Html:
    """The newest candles, at most 120; empty where there is none.

    Parameters
    ----------
    columns
        Of klines, oldest first, as a batch has them; numbers as floats.
    label
        What they are of, for those who do not see them.
    """
    prices = np.stack([columns[name] for name in PRICES])
    real = np.flatnonzero(np.isfinite(prices).all(axis=0))[-MOST_CANDLES:]
    if not len(real):
        return Html()
    times, prices, digits = columns["open_time"][real], prices[:, real], decimals(*prices[:, real])
    step = (WIDTH - RIGHT) / len(real)
    places, half = (np.arange(len(real)) + 0.5) * step, max(0.4, min(step * 0.35, MOST_HALF))
    rises = prices[3] >= prices[0]
    scale = _Scale(float(prices[2].min()), float(prices[1].max()))
    parts, bottom = [_prices(scale, digits)], FLOOR
    for own, colour, fill in ((rises, GOOD, ".3"), (~rises, BAD, "1")):
        path = _bodies(places[own], scale.heights(prices[:, own]), half)
        parts.append(f"<path d='{path}' fill='{colour}' fill-opacity='{fill}' stroke='{colour}'/>" if path else "")
    if "volume" in columns:
        volume, bottom = np.nan_to_num(columns["volume"][real]), FLOOR + GAP_PX + VOLUME_PX
        tall = volume * (VOLUME_PX / (float(volume.max()) or 1.0))
        for own, colour in ((rises, GOOD), (~rises, BAD)):
            path = _bars(places[own], tall[own], bottom, half)
            parts.append(f"<path d='{path}' fill='{colour}' fill-opacity='.6'/>" if path else "")
    parts.append(_times(times, places, bottom))
    told = f"{label}: {len(real)} candles from {moment(int(times[0]))} UTC, last {shown(float(prices[3, -1]), digits)}"
    return _svg("".join(parts), bottom + BELOW_PX, told)


class _Scale:
    """Prices as distances from the top."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most
        self._factor = PRICE_PX / (most - least) if most > least else 0.0
        self._floor = FLOOR if self._factor else FLOOR - PRICE_PX / 2

    def heights(self, prices: Array) -> Array:
        """In px."""
        return np.asarray(self._floor - (prices - self.least) * self._factor)


def _svg(body: str, height: int, told: str) -> Html:
    return Html(
        f"<svg role='img' aria-label='{escape(safe(told), quote=True)}' viewBox='0 0 {WIDTH} {height}' "
        f"width='{WIDTH}' height='{height}' style='max-width:100%;height:auto;display:block' font-family='sans-serif' "
        f"font-size='11' fill='currentColor'>{body}</svg>"
    )


def _bodies(places: Array, heights: Array, half: float) -> str:
    """Wicks and bodies of candles as one path; a body is at least half a pixel high."""
    words = []
    for x, (first, top, end, last) in zip(places.tolist(), heights.T.tolist(), strict=True):
        upper = min(first, last)
        lower = max(first, last, upper + 0.5)
        words.append(
            f"M{_px(x)} {_px(top)}V{_px(upper)}M{_px(x)} {_px(lower)}V{_px(max(end, lower))}"
            f"M{_px(x - half)} {_px(upper)}h{_px(2 * half)}V{_px(lower)}h{_px(-2 * half)}z"
        )
    return "".join(words)


def _bars(places: Array, heights: Array, bottom: float, half: float) -> str:
    return "".join(
        f"M{_px(x - half)} {_px(bottom)}v{_px(-height)}h{_px(2 * half)}v{_px(height)}z"
        for x, height in np.stack([places, heights], axis=1).tolist()
    )


def _prices(scale: _Scale, digits: int) -> str:
    """Lines at round prices, and these prices."""
    right, lines = WIDTH - RIGHT, []
    for price in _round_numbers(scale.least, scale.most):
        y = _px(float(scale.heights(np.array(price))))
        lines.append(
            f"<path d='M0 {y}H{right}' {FAINT}/><text x='{right + 6}' y='{y}' dy='.35em' opacity='.8'>"
            f"{shown(price, digits)}</text>"
        )
    return "".join(lines)


def _round_numbers(least: float, most: float) -> Sequence[float]:
    """A few round numbers between; the number itself where there is but one."""
    if not most > least:
        return [least]
    rough = (most - least) / TICKS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [count * step for count in range(ceil(least / step), floor(most / step) + 1)]


def _times(times: Array, places: Array, bottom: float) -> str:
    """When the first, the middle and the last candle begin."""
    chosen = sorted({0, len(times) // 2, len(times) - 1}) if len(times) > 2 else [0]
    anchors = {0: "start", len(times) - 1: "end"}
    return "".join(
        f"<text x='{_px(float(places[at]))}' y='{bottom + 14}' text-anchor='{anchors.get(at, 'middle')}' opacity='.8'>"
        f"{moment(int(times[at]))}</text>"
        for at in chosen
    )


def _px(value: float) -> str:
    """A length in px, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
