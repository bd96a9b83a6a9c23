"""The generated reference pages say what the tables of the code say."""

from __future__ import annotations

import re

import pytest

from cryptox import errors
from cryptox._dev import doc_tables
from cryptox.model.columns import TABLES
from cryptox.venues.binance.codes import ROWS, TEXTS, Code
from cryptox.venues.binance.endpoints import (
    ACCOUNT,
    DEPTH,
    ENDPOINTS,
    MY_TRADES,
    NEW_ORDER,
    TEST_ORDER,
    TICKER_24H,
    Endpoint,
)


def rows(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line[:2] == "| "]


def test_every_class_code_and_text_is_on_the_page_of_errors() -> None:
    page = doc_tables.errors_page()
    first = [row[0] for row in rows(page)]
    assert {f"`{name}`" for name in errors.__all__} <= set(first)
    assert {str(int(code)) for code in Code} <= set(first)
    assert {f"``{text}``" for text in TEXTS} <= set(first)
    ranges = [list(map(int, re.findall(r"-\d+", one))) for one in first if "…" in one]
    spread = {code for low, high in ranges for code in range(high, low + 1)}
    assert spread | {int(code) for code in Code} == set(ROWS)
    assert spread & {int(code) for code in Code} == set()


def test_a_code_that_may_have_been_done_says_so() -> None:
    said = {row[0]: row[1:5] for row in rows(doc_tables.errors_page())}
    assert said["-1007"] == ["TIMEOUT", "`NetworkError`", "yes", "no"]
    assert said["-1121"] == ["BAD_SYMBOL", "`BadSymbol`", "no", "no"]
    assert said["`Banned`"] == ["`RateLimited`", "rate_limiting", "critical", "no"]


def test_endpoints_with_their_weights() -> None:
    said = {(row[0], row[1]): row[2:4] for row in rows(doc_tables.endpoints_page())}
    assert {(one.method, f"`{one.path}`") for one in ENDPOINTS} == said.keys() - {("method", "path"), ("---", "---")}

    def of(endpoint: Endpoint) -> list[str]:
        return said[endpoint.method, f"`{endpoint.path}`"]

    assert of(DEPTH) == ["5 to 250, by parameters", ""]
    assert of(TICKER_24H) == ["2 to 80, by parameters", ""]
    assert of(NEW_ORDER) == ["0, or 1 when refused", "TRADE"]
    assert of(TEST_ORDER) == ["1 to 20, by parameters", "TRADE"]
    assert of(MY_TRADES) == ["5 to 20, by parameters", "USER_DATA"]
    assert of(ACCOUNT) == ["20", "USER_DATA"]


def test_every_column_of_every_table() -> None:
    page = doc_tables.columns_page()
    for name, table in TABLES.items():
        part = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert [row[0] for row in rows(part)][2:] == [f"`{one}`" for one in table.names]
    assert "| `price` | price | `float64` | `Float64` | decimal(18, 8) |" in page


def test_an_argument_decides_whether_files_are_written(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doc_tables, "_CHECKOUT", tmp_path)
    assert doc_tables.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"stale: docs/reference/{name}" for name in doc_tables.PAGES]
    assert doc_tables.main([]) == 0
    assert doc_tables.main(["--check"]) == 0
