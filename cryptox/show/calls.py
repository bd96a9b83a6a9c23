"""A call as a line of Python to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import cryptox

__all__ = ["call_line"]

OWNED: Final = ("df.cx.", "feed.")  # calls of what the user has in hand, however it is named


def call_line(call: str | None, arguments: Mapping[str, Any]) -> str:
    """The call with its arguments; only the arguments where its name is not known."""
    words: list[str] = []
    is_owned = call is not None and call.startswith(OWNED)
    for name, value in sorted(arguments.items(), key=lambda one: one[0] != "symbol"):
        # What comes first in every call of a session needs no name.
        plain = (
            call is not None
            and not is_owned
            and name in ("symbol", "interval")
            and not any("=" in word for word in words)
        )
        words.append(_literal(value) if plain else f"{name}={_literal(value)}")
    if call is None:
        return ", ".join(words)
    if is_owned:
        return f"{call}({', '.join(words)})"
    # Calls that need a key are a session's, however the user named it.
    owner = "cx" if call.split(".")[0] in cryptox.__all__ else "session"
    return f"{owner}.{call}({', '.join(words)})"


def _literal(value: object) -> str:
    kept = isinstance(value, (str, int, float, list, tuple, dict, bool)) or hasattr(value, "_argument")
    text = repr(value) if kept else repr(str(value))
    if hasattr(value, "_argument"):
        return text.replace("'", '"')
    if text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text.replace("'", '"') if isinstance(value, (list, tuple)) and '"' not in text else text
