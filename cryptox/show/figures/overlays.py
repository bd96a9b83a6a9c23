"""What is drawn over candles besides: columns of the frame, or values of the user's own beside its rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from cryptox.table.batch import Array
from cryptox.table.reading import Rows, column_names, numbers

from .wishes import PURPOSE, Wishes, near, wrong

__all__ = ["overlay_values"]


def overlay_values(rows: Rows, wanted: Wishes, kind: str) -> dict[str, Array]:
    """The values to be drawn besides, as floats, by the name that the legend has.

    Parameters
    ----------
    rows
        What was read of the frame.
    wanted
        The options: a column's name or values of the user's own, by name.
    kind
        What the frame is.

    Raises
    ------
    ValidationError
        The kind has none; a column that is not there or holds no numbers; values of another length.
    """
    wanted.check(kind)
    found: dict[str, Array] = {}
    for name, given in wanted.overlay.items():
        if isinstance(given, str):
            there = sorted(column_names(rows.frame))
            if given not in there:
                guess = near(given, there)[:1]
                raise wrong(
                    f"overlay={given!r} is no column of this frame, which has {', '.join(there)}.", "overlay",
                    {"overlay": guess[0]} if guess else None, 'Values that are no column: overlay={"mean": values}.',
                )  # fmt: skip
            found[name] = numbers(rows.frame, given, purpose=PURPOSE)
        else:
            found[name] = _values(rows, name, given)
    return found


def _values(rows: Rows, name: str, given: Any) -> Array:
    """Values of the user's own beside the frame's rows; a pandas Series by its index."""
    index = getattr(rows.frame, "index", None)
    own = getattr(given, "index", None)
    try:
        if index is not None and own is not None and hasattr(given, "reindex") and not own.equals(index):
            given = given.reindex(index)
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise wrong(f"overlay {name!r} does not hold numbers: {error}.", "overlay") from error
    if values.shape != (len(rows.batch),):
        raise wrong(
            f"overlay {name!r} has the shape {values.shape}; the frame has {len(rows.batch)} rows.", "overlay", None,
            "Give one value a row, NaN where there is none.",
        )  # fmt: skip
    return values
