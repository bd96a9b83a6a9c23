"""A frame taken apart again: the columns that a calculation needs, as a batch, with the symbols beside them.

Reads pandas and polars frames of ours and what users make of them: a part of the columns, another order of the rows,
the index moved to columns, times in other units. What is not there, or is of another kind, is a ``ValidationError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cryptox.errors import CryptoxError, ValidationError
from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, Column, Kind, Table

from .attrs import attach, attrs, is_from
from .batch import Array, Batch
from .frames import Frame, build
from .leading import Leading

__all__ = ["Rows", "backend_of", "column_names", "numbers", "read", "wrong_kind"]


class Reader(Protocol):
    """How one backend's columns become arrays. Anything but plain values is a ``TypeError`` or ``ValueError``."""

    def times(self, column: Any) -> Array:
        """Milliseconds since the epoch."""

    def floats(self, column: Any) -> Array:
        """Numbers as float64."""

    def is_exact(self, column: Any) -> bool:
        """Whether the column holds decimals."""

    def decimals(self, column: Any) -> Array:
        """Decimals in the ``DECIMAL`` layout."""

    def leading(self, column: Any) -> Leading:
        """A column of few different words."""

    def one(self, series: Any, like: Any) -> Any:
        """A column of a new frame, standing beside the rows of the frame ``like``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read of a frame: its columns, the symbol of each row where the frame tells it, and its attributes."""

    frame: Frame
    batch: Batch
    leading: Leading | None
    attrs: Mapping[str, Any]

    @property
    def symbols(self) -> tuple[str | None, ...]:
        """The symbols, in the order of ``codes``; None for one that the frame does not tell."""
        if self.leading is not None:
            return self.leading.labels
        told = self.attrs.get("symbol")
        return (told if isinstance(told, str) else None,)

    @property
    def codes(self) -> Array:
        """For each row the place of its symbol among ``symbols``."""
        return np.zeros(len(self.batch), np.int32) if self.leading is None else self.leading.codes

    def built(self, batch: Batch, codes: Array | None = None, **facts: Any) -> Frame:
        """A new frame of the same backend with these attributes added; ``codes`` give its rows' symbols."""
        leading = None
        if self.leading is not None and codes is not None:
            leading = Leading(self.leading.name, self.leading.labels, codes)
        return build(batch, backend_of(self.frame), {**self.attrs, **facts}, leading=leading)

    def series(self, name: str, kind: Kind, values: Array, *, exact: bool = False) -> Any:
        """A Series of the same backend beside the frame's rows, with the frame's attributes."""
        table = Table(name, None, (Column(name, kind, name),))
        made = build(Batch(table, {name: values}, exact), backend_of(self.frame), {})
        return attach(_reader(self.frame).one(made[name], self.frame), self.attrs)


def backend_of(frame: Any) -> str:
    """``"pandas"`` or ``"polars"``.

    Raises
    ------
    ValidationError
        Neither of them.
    """
    for package in ("pandas", "polars"):
        if is_from(frame, package, "DataFrame"):
            return package
    raise ValidationError(
        f"This needs a DataFrame of pandas or polars, not a {type(frame).__name__}.",
        recovery_suggestions=['Ask for one: frame="pandas" or frame="polars".'],
    )


def column_names(frame: Frame) -> set[str]:
    """The columns, and in pandas the levels of the index."""
    if backend_of(frame) == "polars":
        return set(frame.columns)
    found = set(frame.columns.get_level_values(0)) if frame.columns.nlevels == 1 else set()
    return {name for name in (*found, *frame.index.names) if isinstance(name, str)}


def read(frame: Frame, table: Table, needed: Sequence[str], *, wanted: Sequence[str] = (), purpose: str) -> Rows:
    """The columns ``needed``, and of those ``wanted`` the ones that are there; a column ``symbol`` goes beside them.

    Parameters
    ----------
    frame
        A frame of pandas or polars.
    table
        What the columns are.
    needed, wanted
        Names of its columns, without ``symbol``.
    purpose
        What the user called, for errors: ``"resample()"``.

    Raises
    ------
    ValidationError
        A needed column is not there, a column holds nulls or things of another kind, or decimals beside floats.
    """
    there = column_names(frame)
    missing = [name for name in needed if name not in there]
    if missing:
        raise wrong_kind(table, purpose, missing)
    chosen = [column for column in table.columns if column.name in {*needed, *wanted} & there]
    reader = _reader(frame)
    taken = {column.name: _take(frame, column.name) for column in chosen}
    exact = _exactness(reader, [column for column in chosen if column.kind in DECIMAL_PRECISION], taken, purpose)
    part = Table(table.name, table.index if table.index in taken else None, tuple(chosen))
    columns = {column.name: _array(reader, column, taken[column.name], exact, purpose) for column in chosen}
    leading = _leading(reader, frame, purpose) if "symbol" in there else None
    return Rows(frame, Batch(part, columns, exact), leading, attrs(frame))


def numbers(frame: Frame, name: str, *, purpose: str) -> Array:
    """Any one column as floats, NaN where there is none; decimals as the floats nearest to them.

    Raises
    ------
    ValidationError
        It holds something else, or stands there twice.
    """
    column = _take(frame, name)
    try:
        if getattr(column, "ndim", 1) != 1:
            raise TypeError("there are several columns of that name")
        return _reader(frame).floats(column)
    except (TypeError, ValueError) as error:
        raise _unreadable(name, "numbers", purpose, error) from error


def wrong_kind(table: Table, purpose: str, missing: Sequence[str]) -> ValidationError:
    """The error for a frame that is not of that table."""
    calls = {"klines": "cx.klines(...)", "trades": "cx.trades(...)", "depth": "cx.depth(...)"}
    return ValidationError(
        f"df.cx.{purpose} needs a frame of {table.name}; this one has no {', '.join(missing)}.",
        recovery_suggestions=[
            f"Such a frame comes from {calls.get(table.name, table.name)}; keep these columns in it."
        ],
        context={"operation": purpose, "table": table.name, "columns": list(missing)},
    )


def _reader(frame: Frame) -> Reader:
    if backend_of(frame) == "pandas":
        from . import reading_pandas

        return reading_pandas
    from . import reading_polars

    return reading_polars


def _take(frame: Frame, name: str) -> Any:
    if backend_of(frame) == "polars" or name in frame.columns:
        return frame[name]
    return frame.index.get_level_values(name)


def _exactness(reader: Reader, columns: Sequence[Column], taken: Mapping[str, Any], purpose: str) -> bool:
    exact = [column.name for column in columns if reader.is_exact(taken[column.name])]
    floats = [column.name for column in columns if column.name not in exact]
    if exact and floats:
        raise ValidationError(
            f"df.cx.{purpose} needs one kind of numbers: {', '.join(exact)} hold decimals, {', '.join(floats)} do not.",
            recovery_suggestions=["Convert them all to floats, or leave the frame exact."],
            context={"operation": purpose},
        )
    return bool(exact)


def _leading(reader: Reader, frame: Frame, purpose: str) -> Leading:
    try:
        return reader.leading(_take(frame, "symbol"))
    except (TypeError, ValueError) as error:
        raise _unreadable("symbol", "names", purpose, error) from error


def _array(reader: Reader, column: Column, values: Any, exact: bool, purpose: str) -> Array:
    kind = column.kind
    try:
        if kind is Kind.TIME:
            return reader.times(values)
        if kind in DECIMAL_PRECISION:
            return reader.decimals(values) if exact else reader.floats(values)
        if kind in CATEGORIES:
            return _category(values, CATEGORIES[kind])
        return _integers(reader.floats(values), values)
    except (TypeError, ValueError, CryptoxError) as error:
        raise _unreadable(column.name, f"{kind}s without nulls", purpose, error) from error


def _category(values: Any, words: tuple[str, ...]) -> Array:
    matches = [np.asarray(values == word, np.bool_) for word in words]
    if not np.logical_or.reduce(matches).all():
        raise ValueError(f"something that is none of {', '.join(words)}")
    return np.asarray(np.argmax(matches, axis=0), np.int8)


def _integers(floats: Array, values: Any) -> Array:
    """Integers as they are; floats only where nothing is lost."""
    plain = np.asarray(values)
    if plain.dtype.kind in "iu":
        return plain.astype(np.int64)
    whole = np.isfinite(floats) & (np.abs(floats) < 2**53)
    if not whole.all() or (floats != np.trunc(floats)).any():
        raise ValueError("something that is not a whole number")
    return floats.astype(np.int64)


def _unreadable(name: str, kind: str, purpose: str, error: Exception) -> ValidationError:
    return ValidationError(
        f"df.cx.{purpose} needs {kind} in the column {name}: {error}",
        recovery_suggestions=[f"Leave the column {name} as cryptox made it, and drop rows without a value."],
        context={"operation": purpose, "column": name},
    )
