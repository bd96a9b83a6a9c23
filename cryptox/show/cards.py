"""The one look of all cards: a box, a title, names and values, small tables; readable on light and dark pages.

What comes in is text and is escaped here; only :class:`Html`, which is made here and in the modules beside, is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Final

from cryptox._secrets import HIDDEN, is_secret, scrub
from cryptox.model.lines import one_line
from cryptox.model.numbers import plain
from cryptox.model.time import iso

__all__ = [
    "BAD",
    "GOOD",
    "Html",
    "card",
    "copied",
    "folded",
    "html_of",
    "listed",
    "marked",
    "rows",
    "safe",
    "side",
    "table",
    "unbroken",
    "value_text",
]

# Colours of marks and edges stand out at least 3 : 1 from a white and from a black page; text is the page's own colour.
GOOD: Final = "#1f9d61"
BAD: Final = "#d0453b"
PLAIN: Final = "rgba(128,128,128,.6)"
MOST_ITEMS: Final = 12  # of a list in a cell

_BOX = (
    "display:inline-block;border:1px solid rgba(128,128,128,.45);border-left:4px solid {accent};border-radius:4px;"
    "padding:.5em .8em;margin:.2em 0;font-size:13px;line-height:1.45;max-width:60em;text-align:left;"
    "overflow-wrap:anywhere"
)
_NAME = "padding:0 1.2em 0 0;opacity:.75;text-align:left;vertical-align:top;background:none;overflow-wrap:normal"
_VALUE = "padding:0;text-align:left;font-family:monospace;background:none"
# Tables of a page may have a size and a colour of their own; these are the card's.
_TABLE = "border:none;margin:.2em 0 0;font-size:inherit;color:inherit"
_CELL = "padding:0 1.2em 0 0;text-align:left;vertical-align:top;font-family:monospace;background:none"


class Html(str):
    """Text that is HTML already: what came from outside is escaped in it."""

    __slots__ = ()


def safe(text: str) -> str:
    """Text from anywhere without secrets and without characters that move a terminal's cursor; lines stay."""
    return "\n".join(map(one_line, scrub(text).split("\n")))


def html_of(value: object) -> Html:
    """A value as HTML, escaped unless it is ``Html``."""
    return value if isinstance(value, Html) else Html(escape(safe(value_text(value))))


def card(title: str, body: str, *, accent: str = PLAIN, about: object = None) -> str:
    """A box with a title around HTML that is already escaped; the title, and what it is about, are escaped here."""
    subject = "" if about is None else f" {html_of(about)}"
    return f'<div style="{_BOX.format(accent=accent)}"><b>{escape(safe(title))}</b>{subject}{body}</div>'


def rows(facts: Iterable[tuple[str, object]]) -> Html:
    """Names and values as a table, escaped; the values of secret names are hidden."""
    lines = [
        f'<tr style="background:none"><td style="{_NAME}">{html_of(name)}</td>'
        f'<td style="{_VALUE}">{HIDDEN if is_secret(name) else html_of(value)}</td></tr>'
        for name, value in facts
    ]
    return Html(f'<table style="{_TABLE}">{"".join(lines)}</table>')


def table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> Html:
    """A small table with a head, escaped."""
    head = "".join(f'<th scope="col" style="{_NAME};font-weight:normal">{html_of(one)}</th>' for one in heads)
    body = "".join(
        f'<tr style="background:none">{"".join(f"<td style={_CELL!r}>{html_of(cell)}</td>" for cell in line)}</tr>'
        for line in lines
    )
    return Html(
        f'<table style="{_TABLE}"><thead><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def listed(lines: Iterable[object]) -> Html:
    """Sentences as a list."""
    items = "".join(f"<li>{html_of(line)}</li>" for line in lines)
    return Html(f'<ul style="margin:.3em 0 0;padding-left:1.4em">{items}</ul>') if items else Html()


def folded(summary: str, body: Html) -> Html:
    """Something that opens when its summary is clicked."""
    return Html(
        f'<details style="margin:.3em 0 0"><summary style="cursor:pointer">{html_of(summary)}</summary>{body}</details>'
    )


def copied(call: str) -> Html:
    """A line of code, selected whole by a click."""
    return Html(
        f'<pre style="margin:.4em 0 0;user-select:all;background:none;white-space:pre-wrap">{html_of(call)}</pre>'
    )


def marked(sign: str, colour: str, text: object) -> Html:
    """Text after a coloured sign; the sign says nothing that the text does not."""
    return Html(f'<span style="color:{colour}" aria-hidden="true">{escape(sign)}</span> {html_of(text)}')


def unbroken(html: Html) -> Html:
    """On one line, however narrow the table."""
    return Html(f'<span style="white-space:nowrap">{html}</span>')


def side(word: str) -> Html:
    """A side of a trade with its sign: up and green to buy, down and red to sell."""
    signs = {"buy": ("▲", GOOD), "sell": ("▼", BAD)}
    return marked(*signs[word], word) if word in signs else html_of(word)


def value_text(value: object) -> str:
    """A value as one reads it: no ``Decimal(...)``, a dash for None, times in ISO, lists by commas."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, datetime):
        return iso(round(value.timestamp() * 1000))
    if isinstance(value, Mapping):
        return value_text([f"{name} {value_text(one)}" for name, one in value.items()])
    if isinstance(value, (tuple, list, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        texts = [value_text(item) for item in items[:MOST_ITEMS]]
        more = [f"{len(items) - MOST_ITEMS} more"] if len(items) > MOST_ITEMS else []
        return ", ".join(texts + more) or "–"
    return str(value)
