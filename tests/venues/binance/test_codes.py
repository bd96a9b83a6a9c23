"""The table of codes against the written documentation, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cryptox import errors
from cryptox.venues.binance.codes import FILTER_FAILURE, ROWS, TEXTS, Code, class_of, name_of


def documented(text: str) -> dict[int, tuple[str, str, str]]:
    """Code to (name, R, U) of section 2 of errors.md; ranges and pairs are spread out."""
    rows: dict[int, tuple[str, str, str]] = {}
    for line in text.partition("## 2. Codes")[2].partition("## 3.")[0].splitlines():
        if not re.match(r"\| -\d", line):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        numbers, names, repeat, unknown = cells[0], cells[1], cells[-2], cells[-1]
        found = [-int(number) for number in re.findall(r"-(\d+)", numbers)]
        if "…" in numbers:
            found = list(range(found[0], found[1] - 1, -1))
        called = re.findall(r"[A-Z_]{3,}", names)
        for place, code in enumerate(found):
            rows[code] = (called[place] if len(called) == len(found) else "", repeat, unknown)
    return rows


@pytest.fixture(scope="module")
def table(shared: Path) -> dict[int, tuple[str, str, str]]:
    rows = documented((shared / "binance" / "errors.md").read_text(encoding="utf-8"))
    assert len(rows) > 100  # the reading itself works
    return rows


def test_every_documented_code_has_its_row(table: dict[int, tuple[str, str, str]]) -> None:
    assert sorted(table.keys() - ROWS.keys()) == []


def test_unknown_agrees_with_the_documentation(table: dict[int, tuple[str, str, str]]) -> None:
    said = {code: bool(re.search(r"\by\b", unknown)) for code, (_, _, unknown) in table.items()}
    assert {code: row.unknown for code, row in ROWS.items() if code in said} == said


def test_repeat_agrees_with_the_documentation(table: dict[int, tuple[str, str, str]]) -> None:
    said = {code: repeat.startswith(("y", "wait")) for code, (_, repeat, _) in table.items()}
    assert {code: row.repeat for code, row in ROWS.items() if code in said} == said


def test_names_are_those_of_the_exchange(table: dict[int, tuple[str, str, str]]) -> None:
    said = {code: name for code, (name, _, _) in table.items() if name and name != "FIX"}
    assert len(said) > 80
    assert {code: name_of(code) for code in said} == said


def test_codes_that_only_clients_have_seen_have_rows_too(shared: Path) -> None:
    text = (shared / "binance" / "errors.md").read_text(encoding="utf-8")
    seen = re.search(r"Seen by clients.*", text)
    assert seen is not None
    assert {-int(n) for n in re.findall(r"-(\d{4})", seen[0])} <= ROWS.keys()


def test_every_engine_text_of_the_documentation_is_in_the_table(shared: Path) -> None:
    text = (shared / "binance" / "errors.md").read_text(encoding="utf-8").split("## 3.")[1].split("## 4.")[0]
    first_cells = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    whole = [found for cell in first_cells for found in re.findall(r"`` (.+?) ``|(?<!`)`([^`]+)`(?!`)", cell)]
    texts = {a or b for a, b in whole}
    abbreviated = {one for one in texts if "…" in one}  # "`Iceberg…` / `Stop loss…`"
    assert len(texts) > 35
    assert texts - abbreviated <= TEXTS.keys()
    assert {one.split("…")[0] for one in abbreviated if one[0] != "…"} == {
        "Iceberg",
        "Stop loss",
        "Stop loss limit",
        "Take profit",
    }


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (-2010, "Account has insufficient balance for requested action.", errors.InsufficientFunds),
        (-2010, "Market is closed.", errors.MarketClosed),
        (-2010, "Duplicate order sent.", errors.OrderRejected),
        (-2011, "Unknown order sent.", errors.OrderNotFound),
        (-2011, "Order was not canceled due to cancel restrictions.", errors.OrderRejected),
        (-1013, "Filter failure: LOT_SIZE", errors.FilterFailure),
        (-1013, "Price * QTY is zero or less.", errors.FilterFailure),
        (-1013, "This symbol is not permitted for this account.", errors.AuthenticationError),
        (-1013, "anything new", errors.OrderRejected),
        (-2013, "Order does not exist.", errors.OrderNotFound),
        (-1121, "Invalid symbol.", errors.BadSymbol),
        (-1120, "Invalid interval.", errors.BadInterval),
        (-1021, "Timestamp for this request is outside of the recvWindow.", errors.ClockSkew),
        (-1022, "Signature for this request is not valid.", errors.AuthenticationError),
        (-2014, "API-key format invalid.", errors.AuthenticationError),
        (-2015, "Invalid API-key, IP, or permissions for action.", errors.AuthenticationError),
        (-1003, "Too many requests queued.", errors.RateLimited),
        (-1015, "Too many new orders.", errors.RateLimited),
        (-1008, "", errors.NotSent),
        (-4001, "a futures code means nothing here", errors.ExchangeError),
    ],
)
def test_a_code_and_its_text_have_one_class(code: int, words: str, kind: type[errors.CryptoxError]) -> None:
    assert class_of(code, words) is kind


def test_where_the_original_was_wrong() -> None:
    """CryptoExchange looked funds up under futures codes, had no -1013, and never repeated -1021."""
    assert Code.INVALID_MESSAGE in ROWS
    assert ROWS[Code.INVALID_TIMESTAMP].repeat
    assert class_of(-2019, "Margin is insufficient.") is errors.ExchangeError
    assert not ROWS[Code.TIMEOUT].repeat
    assert not ROWS[Code.UNEXPECTED_RESP].repeat


def test_a_text_decides_only_where_the_code_says_nothing() -> None:
    assert class_of(Code.BAD_SYMBOL, "Market is closed.") is errors.BadSymbol
    assert class_of(Code.UNKNOWN, FILTER_FAILURE + "LOT_SIZE") is errors.NetworkError


def test_a_code_is_an_int_with_a_name() -> None:
    assert Code.BAD_SYMBOL == -1121
    assert name_of(-1121) == "BAD_SYMBOL"
    assert name_of(-1175) == "FIX"
    assert name_of(-9) == ""
    assert ROWS[-1121] is Code.BAD_SYMBOL.row
