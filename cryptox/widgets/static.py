"""What a feed shows at a moment as self-contained HTML: in saved notebooks, nbconvert, and wherever no widget lives.

No script, no style sheet, nothing that is loaded; text from outside is escaped; colours are readable on light and dark
pages. A chart of 120 candles is less than 20 kB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from cryptox.model.lines import count
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.snapshot import Snapshot
from cryptox.sessions.live.status import Status
from cryptox.show import cards
from cryptox.show.cards import BAD, GOOD, PLAIN, Html
from cryptox.show.figures.look import moment
from cryptox.show.figures.precision import decimals, shown
from cryptox.sync.feed import Feed
from cryptox.table.batch import Batch

from .svg import MOST_CANDLES, candles
from .tables import MOST, TABLES, more, percent, table

__all__ = ["html", "of_feed", "picture"]

MOST_NAMED: Final = 4  # symbols in a title
MOST_CHARTS: Final = 4  # of a feed of several symbols; of the others the last price is told
ROWS: Final = 300  # that are asked of a feed: enough for every kind


def of_feed(feed: Feed | AsyncFeed) -> str:
    """What a feed shows now; of an ``AsyncFeed`` on its own loop."""
    snapshot = feed.snapshot(ROWS, include_unfinished=True)
    behind = feed._feed if isinstance(feed, Feed) else feed
    return html(snapshot, feed.status, is_running=feed.is_running, waits_for=behind._waits_for)


def html(snapshot: Snapshot, status: Status, *, is_running: bool = True, waits_for: str | None = None) -> str:
    """A card: what it is, how it was, and the picture."""
    symbols = [symbol for symbol in snapshot.batches if symbol]
    left = len(symbols) - MOST_NAMED
    named = ", ".join(symbols[:MOST_NAMED]) + (f" and {left} more" if left > 0 else "")
    words = [named, snapshot.kind.replace("_", " "), snapshot.interval or ""]
    title = " ".join(word for word in words if word)
    state, accent = _state(status, is_running=is_running)
    if waits_for is not None:
        state, accent = cards.marked("●", PLAIN, waits_for), PLAIN
    told = f"{snapshot.venue} · {moment(snapshot.as_of_ms)} UTC"
    line = f'<div style="opacity:.85">{cards.html_of(told)} · {state}</div>'
    return cards.card(title, line + picture(snapshot), accent=accent)


def picture(snapshot: Snapshot) -> Html:
    """The picture alone: a chart, a ladder, a tape or a table."""
    batches = snapshot.batches
    if snapshot.kind == "klines":
        return _charts(batches, snapshot.interval or "")
    draw = TABLES[snapshot.kind]
    return draw(batches) or Html('<div style="opacity:.85">nothing yet</div>')


def _state(status: Status, *, is_running: bool) -> tuple[Html, str]:
    """How it was in words, and the colour of the card's edge."""
    words = ["connected" if status.connected else "not connected"] if is_running else ["stopped"]
    if is_running:
        words += [word for word, said in (("stale", status.stale), ("not synced", not status.synced)) if said]
    words += [count(status.gaps, "gap")] if status.gaps else []
    words += [f"{status.dropped} dropped"] if status.dropped else []
    good = words == ["connected"]
    accent = GOOD if good else BAD if is_running else PLAIN
    return cards.marked("●", accent, ", ".join(words)), accent


def _charts(batches: Mapping[str, Batch], interval: str) -> Html:
    """A chart of each symbol."""
    several, parts = len(batches) > 1, []
    for symbol, batch in list(batches.items())[:MOST_CHARTS]:
        batch = batch.take(slice(-MOST_CANDLES, None))
        label = f"{symbol} {interval}".strip()
        chart = candles(batch.columns, label) or Html('<div style="opacity:.85">no candles yet</div>')
        head = f"<b>{cards.html_of(label)}</b>" if several else ""
        parts.append(f'<div style="margin-top:.4em">{head}{_last(batch)}{chart}</div>')
    left = list(batches.items())[MOST_CHARTS:]
    rows = [(symbol, _closes(batch)) for symbol, batch in left[:MOST]]
    rest = table(("symbol", "last"), rows) if rows else Html()
    return Html("".join(parts) + rest + more(len(left), MOST, "symbol"))


def _last(batch: Batch) -> Html:
    """The last price and how far it has come since the first candle."""
    closes = batch["close"][np.isfinite(batch["close"])]
    if not len(closes):
        return Html()
    begun = float(batch["open"][0])
    change = (float(closes[-1]) / begun - 1) * 100 if begun and np.isfinite(begun) else 0.0
    return Html(f' {cards.html_of(_closes(batch))} {percent(change)} <span style="opacity:.85">in what is shown</span>')


def _closes(batch: Batch) -> str:
    closes = batch["close"]
    return shown(float(closes[-1]), decimals(closes)) if len(closes) else "–"
