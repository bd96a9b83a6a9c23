"""Which venues there are: name -> "module:function". Adding an exchange is one folder and one row here.

A row's function is called as ``open_venue(name, settings, environment)`` and gives a ``Venue``. Packages outside
cryptox add rows by the entry point group ``cryptox.venues``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import cast

from cryptox.errors import ConfigurationError
from cryptox.settings import Settings
from cryptox.venues.port import Venue

__all__ = ["DEFAULT_VENUE", "check_name", "names", "open_venue"]

Opener = Callable[[str, Settings, Mapping[str, str]], Venue]

DEFAULT_VENUE = "binance"
ENTRY_POINTS = "cryptox.venues"

# What a venue cannot leave out.
_PORT = (*Venue.__annotations__, *(name for name in vars(Venue) if not name.startswith("_")))

_ROWS: dict[str, str] = {
    "binance": "cryptox.venues.binance.venue:open_venue",
    "binance-testnet": "cryptox.venues.binance.venue:open_venue",
    "binance-demo": "cryptox.venues.binance.venue:open_venue",
    "binance-us": "cryptox.venues.binance.venue:open_venue",
    "paper": "cryptox.paper.venue:open_venue",
}


def names() -> list[str]:
    """Names of all venues, those of other installed packages included."""
    return [*_ROWS, *sorted(_foreign())]


def open_venue(name: str, settings: Settings, environment: Mapping[str, str]) -> Venue:
    """The venue of that name.

    Raises
    ------
    ConfigurationError
        For an unknown name, with the nearest known one, for addresses that do not fit, or for an adapter of another
        package that lacks something of the port.
    """
    check_name(name)
    row = _ROWS.get(name) or _foreign()[name]
    module, _, function = row.partition(":")
    venue = cast(Opener, getattr(importlib.import_module(module), function))(name, settings, environment)
    lacking = [one for one in _PORT if not hasattr(venue, one)]
    if lacking:
        raise ConfigurationError(
            f"The adapter of {name!r} lacks {', '.join(lacking)}.",
            recovery_suggestions=[f"Add them to {type(venue).__name__}: cryptox.venues.port.Venue says what each is."],
        )
    return venue


def check_name(name: str) -> None:
    """Refuse what is no venue; raises as ``open_venue``."""
    if name not in _ROWS and name not in _foreign():
        known = names()
        from difflib import get_close_matches

        near = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
        raise ConfigurationError(
            f"There is no venue {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
            recovery_suggestions=[f"Venues are: {', '.join(known)}."],
            suggested={"call": "connect", "venue": near[0]} if near else None,
        )


def _foreign() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS) if point.name not in _ROWS}
