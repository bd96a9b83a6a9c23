"""Docstrings of the async core, rewritten for its blocking twins."""

from __future__ import annotations

import re
from typing import Final

from cryptox.model import columns

__all__ = ["blocking_docstring", "column_list", "column_section"]

_COLUMNS: Final = re.compile(r"^(\s*)Columns: (?:see model\.columns\.)?(\w+)\.?$")
_EXAMPLE: Final = re.compile(r"^\s*(>>>|\.\.\.)")


def blocking_docstring(doc: str, indent: str) -> list[str]:
    """Lines of a docstring literal: ``Columns: <table>`` expanded, ``await`` taken out of examples."""
    lines: list[str] = []
    for line in doc.splitlines():
        table = _COLUMNS.match(line)
        if table:
            lines += column_list(table[2], table[1]) if table[1] else column_section(table[2])
        else:
            lines.append(re.sub(r"\bawait ", "", line) if _EXAMPLE.match(line) else line)
    text = "\n".join(lines)
    quotes = 'r"""' if "\\" in text and '"""' not in text else '"""'
    if quotes == '"""':
        lines = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').split("\n")
    if len(lines) == 1:
        return [f'{indent}{quotes}{lines[0]}"""']
    return [f"{indent}{quotes}{lines[0]}", *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""']


def column_section(name: str) -> list[str]:
    """The NumPy section that lists a table's columns."""
    table = _table(name)
    lines = ["Columns", "-------"]
    for column in table.columns:
        lines.append(f"{column.name} : {column.kind}{' (index)' if column.name == table.index else ''}")
        lines.append(f"    {column.about}")
    return lines


def column_list(name: str, indent: str) -> list[str]:
    """The same as a list, for use within another section."""
    table = _table(name)
    lines = [f"{indent}Columns:", ""]
    for column in table.columns:
        kind = f"{column.kind}, index" if column.name == table.index else str(column.kind)
        lines.append(f"{indent}- {column.name} ({kind}): {column.about}")
    return [*lines, ""]


def _table(name: str) -> columns.Table:
    table = columns.TABLES.get(name.lower())
    if table is None:
        raise ValueError(f"a docstring says 'Columns: {name}', but model.columns has no such table")
    return table
