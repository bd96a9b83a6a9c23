"""A call as a line of Python to copy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

import cryptox
from cryptox._owner import Owner

__all__ = ["call_line"]

OWNED: Final = ("df.cx.", "feed.")  # calls of what the user has in hand, however it is named


def call_line(call: str | None, arguments: Mapping[str, Any], owner: Owner | None = None) -> str:
    """The call with its arguments; only the arguments where its name is not known.

    ``owner`` is what it is to be made on: the default session where it is None.
    """
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
        if owner is not None and owner.name is not None and call.startswith(f"{owner.noun}."):
            call = owner.name + call.removeprefix(owner.noun)
        return f"{call}({', '.join(words)})"
    return _made_on(owner, f"{call}({', '.join(words)})", call)


def _made_on(owner: Owner | None, line: str, call: str) -> str:
    """The call on the session that it is for; what the user's code has no name for is described behind it."""
    is_quick = call.partition(".")[0] in cryptox.__all__
    if owner is None:
        # Calls that need a key are a session's, however the user named it.
        return f"{'cx' if is_quick else 'session'}.{line}"
    # Imported by now: the owner is one.
    from cryptox.sessions.session import AsyncSession

    if not hasattr(AsyncSession, call.partition(".")[0]):
        return f"cx.{line}"
    is_default = owner.known == "cx"
    if is_default and is_quick:
        return f"cx.{line}"
    waits = owner.is_awaited and "." not in call and inspect.iscoroutinefunction(getattr(AsyncSession, call))
    found = owner.name or (None if is_default else owner.known)
    is_plain = found is not None or not owner.about or (is_default and owner.stand_in == owner.noun)
    about = "" if is_plain else f"  # the {'default ' if is_default else ''}{owner.noun} {owner.about}"
    return f"{'await ' if waits else ''}{found or owner.stand_in}.{line}{about}"


def _literal(value: object) -> str:
    kept = isinstance(value, (str, int, float, list, tuple, dict, bool)) or hasattr(value, "_argument")
    text = repr(value) if kept else repr(str(value))
    if hasattr(value, "_argument"):
        return text.replace("'", '"')
    if text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text.replace("'", '"') if isinstance(value, (list, tuple)) and '"' not in text else text
