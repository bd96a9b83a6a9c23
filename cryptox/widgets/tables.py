"""Books, trades, tickers, orders and balances as small HTML tables; text from outside is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cryptox.model.columns import CATEGORIES, Kind
from cryptox.model.lines import count, shortened
from cryptox.show import cards
from cryptox.show.cards import BAD, GOOD, Html
from cryptox.show.figures.look import faded, moment
from cryptox.show.figures.precision import decimals, shown
from cryptox.table.batch import Array, Batch

__all__ = ["MOST", "TABLES", "more", "percent", "table"]

LEVELS: Final = 10  # a side
LINES: Final = 15  # of a tape
MOST: Final = 20  # rows of other tables
WORDS: Final = frozenset({"time", "symbol", "side", "type", "status", "updated", "asset"})  # columns of words

_RIGHT: Final = "padding:0 1.2em 0 0;text-align:right;font-family:monospace;background:none"
_LEFT: Final = "padding:0 1.2em 0 0;text-align:left;font-family:monospace;background:none"
_TABLE: Final = "border:none;margin:.2em 0 0;font-size:inherit;color:inherit;border-collapse:separate"
_SIDES: Final = CATEGORIES[Kind.SIDE]


def percent(change: float) -> Html:
    """A change with its sign and colour; a dash where it is not known."""
    if not np.isfinite(change):
        return Html("–")
    return cards.marked("▲" if change >= 0 else "▼", GOOD if change >= 0 else BAD, f"{change:+.2f} %")


def _ladders(batches: Mapping[str, Batch]) -> Html:
    """A ladder of the best levels; of several books their best levels."""
    if len(batches) == 1:
        return _ladder(next(iter(batches.values())))
    rows = []
    for symbol, batch in list(batches.items())[:MOST]:
        (bids, bid_sizes), (asks, ask_sizes) = _side(batch, 0), _side(batch, 1)
        digits, sizes = decimals(bids, asks), decimals(bid_sizes, ask_sizes)
        best = [(bid_sizes, sizes), (bids, digits), (asks, digits), (ask_sizes, sizes)]
        rows.append((symbol, *(shown(float(one[0]), count_) if len(one) else "–" for one, count_ in best)))
    return Html(table(("symbol", "quantity", "bid", "ask", "quantity"), rows) + more(len(batches), MOST, "symbol"))


def _ladder(batch: Batch) -> Html:
    (bids, bid_sizes), (asks, ask_sizes) = _side(batch, 0), _side(batch, 1)
    if not len(bids) and not len(asks):
        return Html()
    digits, sizes = decimals(bids, asks), decimals(bid_sizes, ask_sizes)
    totals = np.r_[np.cumsum(bid_sizes)[-1:], np.cumsum(ask_sizes)[-1:]]
    most = float(totals.max()) or 1.0
    lines = [_rung(*rung, most, BAD, digits, sizes) for rung in _rungs(asks, ask_sizes)[::-1]]
    if len(bids) and len(asks):
        spread = f"spread {shown(float(asks[0] - bids[0]), digits)}"
        lines.append(f'<tr style="background:none"><td colspan="3" style="{_LEFT};opacity:.85">{spread}</td></tr>')
    lines += [_rung(*rung, most, GOOD, digits, sizes) for rung in _rungs(bids, bid_sizes)]
    return Html(_head(("price", "quantity", "total")) + "".join(lines) + "</tbody></table>")


def _rungs(prices: Array, sizes: Array) -> list[tuple[float, float, float]]:
    return list(zip(prices.tolist(), sizes.tolist(), np.cumsum(sizes).tolist(), strict=True))


def _rung(price: float, size: float, total: float, most: float, colour: str, digits: int, sizes: int) -> str:
    """A level, with its running quantity as a bar behind the figures."""
    width = f"{100 * total / most:.0f}%"
    bar = f"background:linear-gradient(to left,{faded(colour, 0.25)} {width},transparent {width})"
    return (
        f'<tr style="background:none"><td style="{_RIGHT};color:{colour}">{shown(price, digits)}</td>'
        f'<td style="{_RIGHT}">{shown(size, sizes)}</td>'
        f'<td style="{_RIGHT};min-width:12em;{bar}">{shown(total, sizes)}</td></tr>'
    )


def _side(batch: Batch, code: int) -> tuple[Array, Array]:
    own = (batch["side"] == code) & (batch["level"] < LEVELS)
    return batch["price"][own], batch["quantity"][own]


def _tape(batches: Mapping[str, Batch]) -> Html:
    """The newest trades, the newest at the top."""
    found = [(int(time), symbol, batch, at) for symbol, batch in batches.items() for at, time in _newest(batch)]
    found.sort(key=lambda one: (one[0], one[3]), reverse=True)
    several, rows = len(batches) > 1, []
    places = {symbol: (decimals(batch["price"]), decimals(batch["quantity"])) for symbol, batch in batches.items()}
    for time, symbol, batch, at in found[:LINES]:
        digits, sizes = places[symbol]
        row = [moment(time), cards.side(_SIDES[int(batch["side"][at])])]
        row += [shown(float(batch["price"][at]), digits), shown(float(batch["quantity"][at]), sizes)]
        rows.append([row[0], symbol, *row[1:]] if several else row)
    heads = ["time", *(["symbol"] if several else []), "side", "price", "quantity"]
    return table(heads, rows) if rows else Html()


def _newest(batch: Batch) -> Iterable[tuple[int, Any]]:
    first = max(0, len(batch) - LINES)
    return enumerate(batch["time"][first:].tolist(), start=first)


def _tickers(batches: Mapping[str, Batch]) -> Html:
    """One row a symbol: last price, change, range, volume."""
    rows = []
    for symbol, batch in list(batches.items())[:MOST]:
        if not len(batch):
            continue
        newest = {name: float(batch[name][-1]) for name in ("last", "high", "low", "volume", "price_change_percent")}
        digits = decimals(*(np.array([newest[name]]) for name in ("last", "high", "low")))
        prices = [shown(newest[name], digits) for name in ("last", "high", "low")]
        rows.append((symbol, prices[0], percent(newest["price_change_percent"]), *prices[1:], _short(newest["volume"])))
    if not rows:
        return Html()
    return Html(table(("symbol", "last", "24 h", "high", "low", "volume"), rows) + more(len(batches), MOST, "symbol"))


def _quotes(batches: Mapping[str, Batch]) -> Html:
    """One row a symbol: best bid and ask."""
    names, rows = ("bid_quantity", "bid", "ask", "ask_quantity"), []
    for symbol, batch in list(batches.items())[:MOST]:
        if len(batch):
            newest = {name: batch[name][-1:] for name in names}
            prices, sizes = (decimals(*(newest[name] for name in own)) for own in (names[1:3], names[::3]))
            digits = (sizes, prices, prices, sizes)
            rows.append(
                (symbol, *(shown(float(newest[name][0]), own) for name, own in zip(names, digits, strict=True)))
            )
    if not rows:
        return Html()
    return Html(table(("symbol", "quantity", "bid", "ask", "quantity"), rows) + more(len(batches), MOST, "symbol"))


def _orders(batches: Mapping[str, Batch]) -> Html:
    """The orders that changed last, the newest at the top."""
    whole = Batch.concat(list(batches.values()))
    order = np.argsort(whole["updated"], kind="stable")[::-1]
    rows = []
    for at in order[:MOST].tolist():
        amounts = [_short(float(whole[name][at])) for name in ("price", "quantity", "filled")]
        words = [whole["symbol"][at], cards.side(_SIDES[int(whole["side"][at])]), whole["type"][at]]
        rows.append([moment(int(whole["updated"][at])), *words, *amounts, str(whole["status"][at]).replace("_", " ")])
    if not rows:
        return Html("<div style='opacity:.85'>no orders</div>")
    heads = ("updated", "symbol", "side", "type", "price", "quantity", "filled", "status")
    return Html(table(heads, rows) + more(len(whole), MOST, "order"))


def _balances(batches: Mapping[str, Batch]) -> Html:
    """What the account has."""
    whole = Batch.concat(list(batches.values()))
    rows = [
        (whole["asset"][at], *(_short(float(whole[name][at])) for name in ("free", "locked", "total")))
        for at in range(min(len(whole), MOST))
    ]
    if not rows:
        return Html("<div style='opacity:.85'>no balances</div>")
    return Html(table(("asset", "free", "locked", "total"), rows) + more(len(whole), MOST, "asset"))


def _short(value: float) -> str:
    """A number in all its decimals, as the exchange writes them at most."""
    return shortened(f"{value:,.8f}") if np.isfinite(value) else "–"


def more(there: int, most: int, noun: str) -> Html:
    """How many are not shown; empty where all are."""
    return Html(f'<div style="opacity:.85">and {count(there - most, noun)} more</div>') if there > most else Html()


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table, escaped; words to the left, figures to the right."""
    styles = [_LEFT if head in WORDS else _RIGHT for head in heads]
    lines = []
    for row in rows:
        pairs = zip(row, styles, strict=True)
        cells = "".join(f'<td style="{style}">{cards.html_of(cell)}</td>' for cell, style in pairs)
        lines.append(f'<tr style="background:none">{cells}</tr>')
    return Html(f"{_head(heads)}{''.join(lines)}</tbody></table>")


def _head(heads: Sequence[str]) -> str:
    cells = "".join(
        f'<th scope="col" style="{_LEFT if head in WORDS else _RIGHT};font-weight:normal;opacity:.75">{head}</th>'
        for head in heads
    )
    return f'<table style="{_TABLE}"><thead><tr style="background:none">{cells}</tr></thead><tbody>'


TABLES: Final[Mapping[str, Callable[[Mapping[str, Batch]], Html]]] = {
    "trades": _tape,
    "agg_trades": _tape,
    "depth": _ladders,
    "book": _ladders,
    "ticker": _tickers,
    "book_ticker": _quotes,
    "orders": _orders,
    "account": _balances,
}
