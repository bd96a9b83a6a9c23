"""The user's own orders and balances as figures: tables, newest orders first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from cryptox.model.columns import CATEGORIES, Kind
from cryptox.model.numbers import plain
from cryptox.show.cards import value_text
from cryptox.table.batch import Batch

from .look import BAD, CLEAR, FAINT, GOOD, INK, About, Figure, build, escaped, moment
from .wishes import Wishes

__all__ = ["balances", "orders"]

MOST_LINES: Final = 50
LINE_PX: Final = 26
AROUND_PX: Final = 120
WIDE: Final = 1.7  # column of a time, in parts of the others
_SIGNS: Final = {"buy": "▲", "sell": "▼"}


def orders(batch: Batch, about: About, wishes: Wishes) -> Figure:
    """A figure of orders, those that changed last at the top.

    Parameters
    ----------
    batch
        Rows of the table ``orders``, those that changed last at the end.
    about
        Of what.
    wishes
        ``height`` and ``theme`` are heeded.
    """
    shown = batch.take(np.arange(len(batch))[::-1][:MOST_LINES])
    sides = [CATEGORIES[Kind.SIDE][code] for code in shown["side"].tolist()]
    cells = {
        "updated": [moment(time_ms) for time_ms in shown["updated"].tolist()],
        "symbol": _texts(shown, "symbol"),
        "side": [f"{_SIGNS[side]} {side}" for side in sides],
        "type": _texts(shown, "type"),
        "price": _texts(shown, "price"),
        "quantity": _texts(shown, "quantity"),
        "filled": _texts(shown, "filled"),
        "status": [text.replace("_", " ") for text in _texts(shown, "status")],
    }
    colours = {"side": [GOOD if side == "buy" else BAD for side in sides]}
    return _table(cells, colours, len(batch), "orders", about, wishes)


def balances(batch: Batch, about: About, wishes: Wishes) -> Figure:
    """A figure of what an account has, asset by asset.

    Parameters
    ----------
    batch
        Rows of the table ``balances``.
    about, wishes
        As in ``orders``.
    """
    shown = batch.take(slice(0, MOST_LINES))
    cells = {name: _texts(shown, name) for name in ("asset", "free", "locked", "total")}
    return _table(cells, {}, len(batch), "balances", about, wishes)


def _texts(batch: Batch, name: str) -> list[str]:
    return [escaped(_text(value)) for value in batch[name].tolist()]


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return value_text(value)
    return plain(Decimal(repr(value))) if np.isfinite(value) else "–"


def _table(
    cells: dict[str, list[str]], colours: dict[str, list[str]], count: int, what: str, about: About, wishes: Wishes
) -> Figure:  # fmt: skip
    ink = INK[wishes.theme]
    rows = min(count, MOST_LINES)
    trace: dict[str, Any] = {
        "type": "table",
        "columnwidth": [WIDE if name == "updated" else 1 for name in cells],
        "header": _row([f"<b>{name}</b>" for name in cells], ink),
        "cells": _row(list(cells.values()), [colours.get(name, ink) for name in cells]),
    }
    told = [f"{count:,} {what}" + (f", {rows} of them here" if rows < count else "")]
    if about.as_of_ms is not None:
        told.append(f"{moment(about.as_of_ms)} UTC")
    bare = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
    return build(
        [trace] if count else [], bare, title=about.title(what), told=told,
        height=wishes.height or AROUND_PX + LINE_PX * (max(rows, 3) + 1), theme=wishes.theme,
        note=None if count else f"no {what}",
    )  # fmt: skip


def _row(values: Sequence[Any], colour: Any) -> dict[str, Any]:
    return {
        "values": list(values),
        "align": "left",
        "fill": {"color": CLEAR},
        "line": {"color": FAINT, "width": 1},
        "font": {"color": colour, "size": 12},
        "height": LINE_PX,
    }
