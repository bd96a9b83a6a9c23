"""The pages for those who come from another library: the right side of every row runs.

The names on the left are looked up in the libraries themselves by ``tests/clients/names_on_pages.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cryptox as cx

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "migrating").glob("*.md"))
ROW = re.compile(r"^\| `(?P<there>[^|]+)` \| `(?P<here>(?:cx|session)\.[^|]+)` \|$", re.MULTILINE)


def rows(page: Path) -> list[tuple[str, str]]:
    """A call there and one here."""
    return [(match["there"], match["here"]) for match in ROW.finditer(page.read_text(encoding="utf-8"))]


def test_the_pages_have_rows() -> None:
    assert {page.stem: len(rows(page)) for page in PAGES} == {"ccxt": 33, "python-binance": 39, "yfinance": 7}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_call_on_the_right_works(page: Path, frozen: cx.PaperExchange) -> None:  # frozen puts back what is used
    # An exchange for each page: what another session has just used is held back for it, and a bulk call waits.
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.use(exchange) as session:
        for _, here in rows(page):
            names = {"cx": cx, "session": session, "print": lambda _: None}
            if re.search(r"\border\b(?!_)", here):
                names["order"] = session.buy("BTCUSDT", "0.001", price="15000")
            if ".cancel_all(" in here:
                session.buy("BTCUSDT", "0.001", price="15000")
            result = eval(here, names)
            assert result is not None, here
            if isinstance(result, cx.Feed):
                result.stop()
