"""From a batch to a frame of the backend that was asked for.

Dtypes follow from the table alone. Absent numbers are NaN in pandas and null elsewhere, which every number that is not
an integer can hold; integers and flags of our tables are never absent, and a null there is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from cryptox._accessor import register
from cryptox.errors import ConfigurationError, ExchangeError
from cryptox.model.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Kind
from cryptox.settings import BACKENDS

from .attrs import attach
from .batch import Batch
from .decimals import fits, to_decimals
from .leading import Leading

__all__ = ["BACKENDS", "Frame", "build", "check_backend"]

Frame = Any
"""A pandas DataFrame, a polars DataFrame or a pyarrow Table."""

_NEEDED = {"pandas": ("pandas", "pandas"), "polars": ("polars", "polars"), "arrow": ("pyarrow", "cryptox[arrow]")}


def build(batch: Batch, backend: str, attrs: Mapping[str, Any], *, leading: Leading | None = None) -> Frame:
    """The batch as a frame that carries ``attrs``; ``leading`` goes first, in pandas first in the index.

    The frame may share memory with the batch, which must not be written to afterwards.

    Raises
    ------
    ConfigurationError
        No such backend, or its package is not installed.
    ExchangeError
        A number does not fit its decimal column (``exact``), or an integer is absent.
    """
    check_backend(backend, exact=batch.exact)
    _check_nulls(batch)
    if batch.exact:
        _check_precision(batch)
    make: Callable[[Batch, Leading | None], Frame] = import_module(f"cryptox.table.{backend}").frame
    register()
    return attach(make(batch, leading), attrs)


def check_backend(backend: str, *, exact: bool = False) -> None:
    """Raise a ``ConfigurationError`` unless frames of that backend can be built here."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        names = ", ".join(f'"{name}"' for name in BACKENDS)
        raise ConfigurationError(
            f"frame={backend!r} is not a kind of frame: {names}.",
            recovery_suggestions=[f"Choose one of {names}."],
            suggested={"frame": "pandas"},
        )
    _need(*_NEEDED[backend], f'frame="{backend}"')
    if exact and backend == "pandas":
        _need("pyarrow", "cryptox[arrow]", "exact=True in pandas")


def _need(package: str, install: str, purpose: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise ConfigurationError(
            f"{purpose} needs {package}, which is not installed here.",
            recovery_suggestions=[f'Install it: pip install "{install}"'],
            technical_details=str(error),
        ) from error


def _check_nulls(batch: Batch) -> None:
    for name, mask in batch.nulls.items():
        if batch.table[name].kind in (Kind.INTEGER, Kind.FLAG, Kind.SIDE, Kind.BOOK_SIDE) and mask.any():
            raise ExchangeError(
                f"Row {int(np.flatnonzero(mask)[0])} of {batch.table.name} has no {name}, which is never absent.",
                context={"table": batch.table.name, "column": name},
            )


def _check_precision(batch: Batch) -> None:
    for column in batch.table.columns:
        precision = DECIMAL_PRECISION.get(column.kind)
        if precision is None:
            continue
        good = fits(batch[column.name], precision)
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            value = to_decimals(batch[column.name][row : row + 1])[0]
            raise ExchangeError(
                f"{column.name} {value} in row {row} does not fit decimal({precision}, {DECIMAL_SCALE}), "
                "the exact type of that column.",
                recovery_suggestions=["Ask for floats: exact=False."],
                context={"table": batch.table.name, "column": column.name, "value": str(value)},
                suggested={"exact": False},
            )
