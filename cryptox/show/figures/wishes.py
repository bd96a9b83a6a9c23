"""What a figure is asked to be like: the options of ``df.cx.plot()`` and ``feed.figure()``, judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final

from cryptox.errors import ValidationError
from cryptox.model.names import check_flag, is_list

from .look import THEMES

__all__ = ["HEIGHTS", "PURPOSE", "Wishes", "near", "wishes", "wrong"]

PURPOSE: Final = "plot()"

HEIGHTS: Final = (120, 4_000)
MOST_OVERLAYS: Final = 12

# Which options what is drawn can heed, beside height, theme and symbol.
_HEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "klines": ("overlay", "log", "volume"),
    "trades": ("log",),
    "depth": ("log",),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options that fit to each other; ``overlay`` maps the name in the legend to a column's name or to values."""

    overlay: Mapping[str, Any] = field(default_factory=dict)
    log: bool = False
    volume: bool | None = None
    symbol: str | None = None
    height: int | None = None
    theme: str = "auto"

    def check(self, kind: str) -> None:
        """Raise a ``ValidationError`` where something was asked for that figures of this kind have not."""
        given = {"overlay": bool(self.overlay), "log": self.log, "volume": self.volume is not None}
        for name, is_given in given.items():
            if is_given and name not in _HEEDED.get(kind, ()):
                homes = " and ".join(home for home, names in _HEEDED.items() if name in names)
                raise wrong(f"{name}= is for figures of {homes}, not of {kind.replace('_', ' ')}.", name)


def wishes(
    *, overlay: Any = None, log: Any = False, volume: Any = None, symbol: Any = None, height: Any = None,
    theme: Any = "auto",
) -> Wishes:  # fmt: skip
    """The options, each of the right kind; what it says in ``Accessor.plot``.

    Raises
    ------
    ValidationError
        One of them is not what it can be.
    """
    return Wishes(
        overlay=_overlays(overlay),
        log=check_flag(log, name="log"),
        volume=None if volume is None else check_flag(volume, name="volume"),
        symbol=_symbol(symbol),
        height=_height(height),
        theme=_theme(theme),
    )


def near(word: str, known: Iterable[str]) -> list[str]:
    """Names that may have been meant, best first."""
    return get_close_matches(word.lower(), list(known), n=3)


def _overlays(overlay: Any) -> dict[str, Any]:
    if overlay is None:
        return {}
    given = [overlay] if isinstance(overlay, str) else overlay
    if not isinstance(given, Mapping) and is_list(given):
        names = list(given)
        given = {name: name for name in names} if all(isinstance(name, str) for name in names) else None
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise wrong(
            "overlay is a column's name, a list of names, or a dict of values by name; this one is "
            f"a {type(overlay).__name__}.",
            "overlay",
            advice='Values that are no column: overlay={"mean": df["close"].rolling(20).mean()}.',
        )
    if len(given) > MOST_OVERLAYS:
        raise wrong(f"{len(given)} overlays are more than one can read: {MOST_OVERLAYS} at most.", "overlay")
    return dict(given)


def _symbol(symbol: Any) -> str | None:
    if symbol is None or isinstance(symbol, str):
        return symbol
    raise wrong(f"symbol is one symbol as text, not a {type(symbol).__name__}.", "symbol")


def _height(height: Any) -> int | None:
    least, most = HEIGHTS
    if height is None:
        return None
    is_number = isinstance(height, (int, float)) and not isinstance(height, bool) and isfinite(height)
    if is_number and int(height) == height and least <= height <= most:
        return int(height)
    guess = {"height": int(min(max(height, least), most))} if is_number else None
    raise wrong(f"height={height!r:.60} is not a whole number of pixels from {least} to {most}.", "height", guess)


def _theme(theme: Any) -> str:
    if isinstance(theme, str) and theme in THEMES:
        return theme
    guess = [*(near(theme, THEMES) if isinstance(theme, str) else []), "auto"]
    raise wrong(
        f"theme={theme!r:.60} is not one of {', '.join(THEMES)}.",
        "theme",
        {"theme": guess[0]},
        'A look of plotly\'s own: figure.update_layout(template="plotly_dark").',
    )


def wrong(
    message: str, argument: str, guess: Mapping[str, Any] | None = None, advice: str | None = None
) -> ValidationError:  # fmt: skip
    """The error for an option that is not what it can be, or does not fit; ``guess`` are arguments that would do."""
    advices = [f"Did you mean {name}={value!r}?" for name, value in (guess or {}).items()]
    return ValidationError(
        message,
        recovery_suggestions=[*advices, *([advice] if advice else [])] or [f"Leave {argument}= out."],
        suggested=None if guess is None else dict(guess),
        context={"operation": PURPOSE, "argument": argument},
    )
