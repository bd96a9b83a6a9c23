"""A notebook full of text from outside, made a web page by nbconvert: all of it is text there, none of it a tag."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))
import test_every_card as every
import test_static as views

import cryptox as cx
from cryptox.errors import CryptoxError

HOSTILE = "<img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """What a page has of what it must not have, and how often it says it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bad: list[tuple[str, object]] = []
        self.said = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bad += [(tag, one) for one in attrs if one[0].startswith("on") or one == ("src", "x")]

    def handle_data(self, data: str) -> None:
        self.said += data.count(HOSTILE)


def page(*outputs: dict[str, Any]) -> Tags:
    # They take seconds to import: not in every process that collects tests.
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert")
    some = nbformat.from_dict(list(outputs))
    cell = nbformat.v4.new_code_cell("of_the_market", outputs=some)
    text, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    return Tags(text)


def shown(**data: str) -> dict[str, Any]:
    data = {f"text/{name}": text for name, text in data.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def failed(error: BaseException) -> dict[str, Any]:
    """As a kernel tells of an error that nobody caught."""
    lines = error._render_traceback_()  # type: ignore[attr-defined]
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": lines}


def raised(folder: Path) -> list[CryptoxError]:
    """Of a symbol, a setting, a venue, and of what stands in a file."""
    file = folder / "candles.csv"
    file.write_text(f"open_time,open,high,low,close,volume\n{HOSTILE},1,1,1,1,1\n", encoding="utf-8")
    with cx.connect("binance", rest_url="http://127.0.0.1:9") as session:
        some = []
        for work in (
            lambda: session.klines(HOSTILE),
            lambda: session.live.trades(HOSTILE),
            lambda: cx.connect(HOSTILE),
            lambda: cx.connect(**{HOSTILE: 1}),
            lambda: cx.PaperExchange(history={"BTCUSDT": file}),
        ):
            with pytest.raises(CryptoxError) as caught:
                work()
            some.append(caught.value)
    return some


def test_cards_views_and_errors_stay_text_in_a_converted_notebook(tmp_path: Path) -> None:
    records = [every.filled(kind) for kind in every.RECORDS]
    cards = [shown(html=one._repr_html_(), plain=repr(one)) for one in records]
    pictures = [shown(html=views.html(kind, venue=HOSTILE, interval=HOSTILE)) for kind in views.KINDS]
    texts = [shown(plain=repr(one)) for one in records]
    errors = [failed(one) for one in (*raised(tmp_path), every.error(CryptoxError))]
    found = page(*cards, *pictures, *texts, *errors)
    assert found.bad == []
    assert found.said >= len(cards) + len(pictures) + len(texts) + len(errors)


def test_and_were_it_a_tag_it_would_be_seen() -> None:
    assert sorted(page(shown(html=HOSTILE)).bad) == [("img", ("onerror", "alert(1)")), ("img", ("src", "x"))]
