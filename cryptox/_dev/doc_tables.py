"""Writes the reference tables of the docs from the tables of the code.

``python -m cryptox._dev.doc_tables`` writes ``docs/reference/*.md``; with ``--check`` it writes nothing and ends with
1 where a file is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cryptox import errors
from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, DECIMAL_SCALE, TABLES, Kind
from cryptox.venues.binance.codes import ROWS, TEXTS, name_of
from cryptox.venues.binance.endpoints import ENDPOINTS, Endpoint, Security

__all__ = ["PAGES", "main", "pages"]

_MARK = "<!-- Written by python -m cryptox._dev.doc_tables; changes by hand are lost. -->"
_CHECKOUT = Path(__file__).resolve().parents[2]


def _page(title: str, about: str, *parts: str) -> str:
    return "\n\n".join([_MARK, f"# {title}", about, *parts]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _codes(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} … {numbers[-1]}"


def _code_rows() -> Iterable[Sequence[object]]:
    """Rows of all codes; neighbours that are one range of nameless codes stand together."""
    group: list[int] = []
    for code in [*sorted(ROWS, reverse=True), 0]:
        nameless = bool(code) and name_of(code) == "FIX"
        if group and not (nameless and code == group[-1] - 1):
            yield _codes(group), "FIX", "`ExchangeError`", "no", "no", ""
            group = []
        if nameless:
            group.append(code)
        elif code:
            row = ROWS[code]
            yes_no = ("yes" if row.unknown else "no", "yes" if row.repeat else "no")
            yield code, name_of(code), f"`{row.error.__name__}`", *yes_no, row.advice


def errors_page() -> str:
    """Our classes, the exchange's codes, and the texts of its engine."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    classes = _table(
        ["class", "kind of", "category", "severity", "retryable", "meaning"],
        [
            (
                f"`{kind.__name__}`",
                f"`{kind.__base__.__name__}`" if kind is not errors.CryptoxError else "`Exception`",
                kind.category,
                kind.severity,
                "yes" if kind.default_retryable else "no",
                _first_line(kind),
            )
            for kind in kinds
        ],
    )
    codes = _table(["code", "name", "class", "may have been done", "may be repeated", "advice"], _code_rows())
    texts = _table(["text", "class"], [(f"``{text}``", f"`{kind.__name__}`") for text, kind in TEXTS.items()])
    return _page(
        "Errors",
        "Every error is a `CryptoxError`. What the same code means for a request that places or changes something is "
        "stricter: where it *may have been done*, the class is `OutcomeUnknown`; so it is for any 5xx status, and for "
        "any body whose code is not in this table.",
        "## Classes",
        classes,
        "## Codes of Binance",
        codes,
        "## Texts of the matching engine",
        "Some codes carry many reasons; the text tells them apart. A text that begins with `Filter failure: ` is a "
        "`FilterFailure`.",
        texts,
    )


def _weight(endpoint: Endpoint) -> str:
    if endpoint.free:
        return f"0, or {endpoint.weight} when refused"
    if isinstance(endpoint.weight, int):
        return str(endpoint.weight)
    many = '["' + '","'.join(f"S{n}" for n in range(1000)) + '"]'
    cases = [{"limit": str(n)} for n in (1, 101, 501, 1001)]
    cases += [{"symbol": "S"}, {}, {"symbols": '["A","B"]'}, {"symbols": many}]
    cases += [{"orderId": "1"}, {"computeCommissionRates": "true"}]
    costs = [endpoint.cost(case) for case in cases]
    return f"{min(costs)} to {max(costs)}, by parameters"


def endpoints_page() -> str:
    """Every endpoint with its weight, what a key must be allowed, and its SBE template."""
    rows = [
        (
            one.method,
            f"`{one.path}`",
            _weight(one),
            "" if one.security is Security.NONE else one.security,
            one.sbe or "",
        )
        for one in ENDPOINTS
    ]
    return _page(
        "Endpoints",
        "What is asked of Binance, and what it costs. The paper exchange answers the same list and charges the same "
        "weights.",
        _table(["method", "path", "weight", "signed for", "SBE template"], rows),
    )


def _dtypes(kind: Kind) -> tuple[str, str, str]:
    if kind is Kind.TIME:
        return "`datetime64[ms, UTC]`", '`Datetime("ms", "UTC")`', "same"
    if kind in DECIMAL_PRECISION:
        return "`float64`", "`Float64`", f"decimal({DECIMAL_PRECISION[kind]}, {DECIMAL_SCALE})"
    if kind in CATEGORIES:
        words = ", ".join(CATEGORIES[kind])
        return f"categorical of {words}", f"`Enum` of {words}", "same"
    return {
        Kind.INTEGER: ("`int64`", "`Int64`", "same"),
        Kind.FLAG: ("`bool`", "`Boolean`", "same"),
        Kind.WORD: ("`str`", "`String`", "same"),
    }[kind]


def columns_page() -> str:
    """Every table with its columns and dtypes."""
    parts = []
    for table in TABLES.values():
        index = f"pandas index: `{table.index}`" if table.index else "pandas index: a plain range"
        rows = [(f"`{one.name}`", one.about, *_dtypes(one.kind)) for one in table.columns]
        parts += [f"## {table.name}", index, _table(["column", "meaning", "pandas", "polars", "exact=True"], rows)]
    about = "A table's columns and dtypes depend on the table, never on its values. Before pandas 3 `str` is `object`."
    return _page("Columns", about, *parts)


PAGES: dict[str, Callable[[], str]] = {
    "columns.md": columns_page,
    "endpoints.md": endpoints_page,
    "errors.md": errors_page,
}


def pages() -> dict[str, str]:
    """File name to text of every generated page."""
    return {name: write() for name, write in PAGES.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` say which are stale."""
    folder = _CHECKOUT / "docs" / "reference"
    stale = 0
    for name, text in pages().items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"stale: {path.relative_to(_CHECKOUT)}")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(_CHECKOUT)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
