"""A card for a record: its name and its fields, as a small HTML table that suits light and dark pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from html import escape

__all__ = ["card", "html", "rows", "value_text"]

# Colours are the page's own (currentColor), so that a card is readable on a light and on a dark page.
_BOX = (
    "display:inline-block;border:1px solid rgba(128,128,128,.45);border-left:4px solid {accent};border-radius:4px;"
    "padding:.5em .8em;margin:.2em 0;font-size:13px;line-height:1.45;max-width:60em;text-align:left"
)
_NAME = "padding:0 1.2em 0 0;opacity:.7;text-align:left;vertical-align:top;background:none"
_VALUE = "padding:0;text-align:left;font-family:monospace;background:none"


def html(thing: object) -> str | None:
    """The card of a dataclass record; None for anything else."""
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        return None
    fields = [(field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing) if field.repr]
    shown = [(name, value) for name, value in fields if not name.startswith("_")]
    return card(type(thing).__name__, rows(shown))


def card(title: str, body: str, *, accent: str = "rgba(128,128,128,.6)") -> str:
    """A box with a title around HTML that is already escaped; the title is escaped here."""
    return f'<div style="{_BOX.format(accent=accent)}"><b>{escape(title)}</b>{body}</div>'


def rows(facts: Iterable[tuple[str, object]]) -> str:
    """Names and values as a table, escaped."""
    lines = [
        f'<tr style="background:none"><td style="{_NAME}">{escape(name)}</td>'
        f'<td style="{_VALUE}">{escape(value_text(value))}</td></tr>'
        for name, value in facts
    ]
    return f'<table style="border:none;margin:.2em 0 0">{"".join(lines)}</table>'


def value_text(value: object) -> str:
    """A value as one reads it: no ``Decimal(...)``, a dash for None, lists by commas."""
    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (tuple, list, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return ", ".join(value_text(item) for item in items) or "–"
    return str(value)
