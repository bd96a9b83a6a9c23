"""What a frame says of itself: venue, symbol, source, moment. JSON values only, so that files keep them.

pandas keeps them in ``df.attrs``, arrow in the schema's metadata. polars has no such place, so they are kept beside the
frame while it lives; a frame that polars derives from it (``filter``, ``select``, ...) starts without.
"""

from __future__ import annotations

import json
import math
import sys
import weakref
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

__all__ = ["attach", "attrs", "is_from"]

_KEY = b"cryptox"
_polars: dict[int, dict[str, Any]] = {}  # by id; weakref.finalize removes the entry with its frame


def attach(frame: Any, mapping: Mapping[str, Any]) -> Any:
    """The frame with these attributes in place of any it had; for arrow a new table over the same columns.

    Raises
    ------
    TypeError
        A key is not text, or a value is not None, bool, int, finite float, str, or a list or dict of such.
    """
    values = {key: _json(value, key) for key, value in mapping.items()}
    _json(values, "attrs")
    if is_from(frame, "pandas", "DataFrame") or is_from(frame, "pandas", "Series"):
        frame.attrs = values
    elif is_from(frame, "pyarrow", "Table"):
        text = json.dumps(values, ensure_ascii=False).encode()
        frame = frame.replace_schema_metadata({**(frame.schema.metadata or {}), _KEY: text})
    elif is_from(frame, "polars", "DataFrame") or is_from(frame, "polars", "Series"):
        if id(frame) not in _polars:
            weakref.finalize(frame, _polars.pop, id(frame), None).atexit = False
        _polars[id(frame)] = values
    else:
        raise TypeError(f"a {type(frame).__name__} cannot carry attributes")
    return frame


def attrs(frame: Any) -> dict[str, Any]:
    """The attributes of a frame, as a copy; an empty dict for frames that carry none and for anything else.

    Examples
    --------
    >>> cx.attrs(cx.klines("BTCUSDT", "1h", 24, frame="polars"))["interval"]
    '1h'
    """
    if is_from(frame, "pandas", "DataFrame") or is_from(frame, "pandas", "Series"):
        return deepcopy(dict(frame.attrs))
    if is_from(frame, "pyarrow", "Table"):
        return _read((frame.schema.metadata or {}).get(_KEY))
    if is_from(frame, "polars", "DataFrame") or is_from(frame, "polars", "Series"):
        return deepcopy(_polars.get(id(frame), {}))
    return {}


def is_from(frame: Any, package: str, name: str) -> bool:
    """Whether it is such an object of a package, without importing the package."""
    module = sys.modules.get(package)
    return module is not None and isinstance(frame, getattr(module, name, ()))


def _read(text: bytes | None) -> dict[str, Any]:
    try:
        values = json.loads(text or b"{}")
    except (ValueError, RecursionError):  # written by someone else
        return {}
    return values if isinstance(values, dict) else {}


def _json(value: Any, where: str) -> Any:
    """A copy of a JSON value."""
    if value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value)):
        return value
    if type(value) is list:
        return [_json(item, where) for item in value]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _json(item, f"{where}.{key}") for key, item in value.items()}
    raise TypeError(f"attribute {where} holds a {type(value).__name__}, which JSON does not know: {value!r:.80}")
