"""Names as users write them: symbols, intervals and counts, brought to their one form or refused with a guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cryptox.errors import BadInterval, BadSymbol, ValidationError

from .interval import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS

__all__ = ["check_flag", "check_interval", "check_limit", "is_list", "near_names", "normalise_symbol"]

LONGEST_SYMBOL = 40
_STRAY = 2  # so many characters may have slipped into a name; a text with more of them is none
_CANDIDATES = 40
_NEAR = 0.6
_QUOTE, _SAME_COIN = 4, 0.5  # letters of the usual quote assets; how alike the bases before the same one must be
_UNITS = {"s": "s", "m": "m", "h": "h", "d": "d", "w": "w"} | {
    word: unit
    for unit, words in {
        "s": "sec secs second seconds",
        "m": "min mins minute minutes t",
        "h": "hr hrs hour hours",
        "d": "day days",
        "w": "wk week weeks",
        "M": "mo mon month months",
    }.items()
    for word in words.split()
}
_LENGTHS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}
_INTERVAL = re.compile(r"([0-9]{0,6})[\s_-]*([a-z]+)", re.ASCII)
_INTERVAL_REVERSED = re.compile(r"([a-z]+)[\s_-]*([0-9]{1,6})", re.ASCII)


def normalise_symbol(text: object) -> str:
    """A symbol's one spelling: ``BTCUSDT`` for "btcusdt", "BTC/USDT", "BTC-USDT", "BTC_USDT" or " BTCUSDT ".

    Digits and non-ASCII letters are letters like any other. Whether the symbol exists is not asked here.

    Raises
    ------
    BadSymbol
        Not text, empty, longer than 40 characters, or with any other character; ``suggested`` holds what remains
        without one or two that slipped in.
    """
    if not isinstance(text, str):
        hint = "Pass one symbol; klines_bulk takes a list." if is_list(text) else _EXAMPLE
        raise BadSymbol(f"A symbol is text, such as 'BTCUSDT', not {_kind(text)}.", recovery_suggestions=[hint])
    parts = re.split(r"[/_-]", text.strip())
    name = _upper("".join(parts))
    if 0 < len(name) <= LONGEST_SYMBOL and len(parts) <= 2 and all(parts) and name.isalnum():
        return name
    raise _bad_symbol(text)


def is_list(value: object) -> bool:
    """Whether a value is a list of things: list, set, generator, array, column or index, but neither text nor table."""
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping)) or not isinstance(value, Iterable):
        return False
    return getattr(value, "ndim", 1) == 1


def near_names(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Up to ``n`` of the known names that ``name`` may have meant, best first; [] where none is near."""
    name, names = _upper(name), tuple(known)
    endings = Counter(candidate[-_QUOTE:] for candidate in names)  # of equally near names the common quote asset wins
    pairs = _pairs(name)
    scored = []
    for candidate in names:
        shared = len(pairs & _pairs(candidate))
        if shared:
            score = 1.0 if candidate.startswith(name) else shared / (len(pairs) + len(candidate))
            scored.append((-score, -endings[candidate[-_QUOTE:]], len(candidate), candidate))
    scored.sort()
    ranked = sorted((-_likeness(name, entry[-1]), *entry[1:]) for entry in scored[:_CANDIDATES])
    return [candidate for likeness, _, _, candidate in ranked[:n] if likeness <= -_NEAR]


def check_interval(text: object, known: Iterable[str]) -> str:
    """The interval itself, when it is one of the known ones, in exactly their spelling (``1m`` is not ``1M``).

    Raises
    ------
    BadInterval
        Any other; it lists the known ones, and ``suggested`` holds the one that was probably meant.
    """
    names = tuple(known)
    if isinstance(text, str) and text in names:
        return text
    guess = _guess_interval(text, names) if isinstance(text, str) else None
    listed = " ".join(names)
    suggestions = [f"Choose one of: {listed}."]
    number = _whole(text)
    if guess:
        suggestions.insert(0, f"Did you mean {guess!r}?")
    elif number is not None and number > 0:
        suggestions.insert(0, f"Did you mean limit={_shown(number)}? The interval stands before it.")
    raise BadInterval(
        f"interval={_shown(text)} is not a candle interval here.",
        recovery_suggestions=suggestions,
        suggested={"interval": guess} if guess else None,
        context={"argument": "interval"},
    )


def check_limit(limit: Any, *, most: int | None, name: str = "limit", bulk: str | None = None) -> int:
    """A count of rows as int, between 1 and ``most`` (None: no bound).

    Raises
    ------
    ValidationError
        Not a whole number, below 1, or above ``most``; then ``suggested`` names the call ``bulk``, or else the cap.
    """
    number = _whole(limit)
    if number is None:
        guess = _whole_meant(limit)
        raise _bad_limit(f"{name}={_shown(limit)} is {_kind(limit)}, not a whole number of rows.", name, guess)
    if number < 1:
        raise _bad_limit(f"{name}={_shown(number)} is not a positive number of rows.", name, None)
    if most is None or number <= most:
        return number
    message = f"{name}={_shown(number)} is more than the {most} that one request can give."
    if bulk is None:
        raise _bad_limit(message, name, most)
    raise ValidationError(
        message,
        recovery_suggestions=[f"Use {bulk}, which takes any number.", f"Or ask for at most {most}."],
        suggested={"call": bulk, name: number},
        context={"argument": name},
    )


def check_flag(value: Any, *, name: str) -> bool:
    """True or False, numpy's included; nothing else, because "no" would count as true.

    Raises
    ------
    ValidationError
        Anything else.
    """
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValidationError(
        f"{name} is True or False, not {_shown(value)}.",
        recovery_suggestions=[f"Pass {name}=True or {name}=False."],
        context={"argument": name},
    )


_EXAMPLE = "Write a symbol such as 'BTCUSDT', 'btcusdt' or 'BTC/USDT'."


def _bad_symbol(text: str) -> BadSymbol:
    kept = "".join(character for character in _upper(text) if character.isalnum())
    strays = [character for character in text.strip() if not character.isalnum()]
    is_slip = len(strays) <= _STRAY and "<" not in strays  # what looks like markup is no name with a slip
    guess = kept if is_slip and 2 <= len(kept) <= LONGEST_SYMBOL else None
    if not text.strip():
        message = "The symbol is empty."
    elif len(text.strip()) > LONGEST_SYMBOL:
        message, guess = f"symbol={_shown(text)} is longer than {LONGEST_SYMBOL} characters.", None
    else:
        odd = sorted({character for character in strays if character not in "/_-"})
        message = f"symbol={_shown(text)} holds " + (f"{' '.join(map(repr, odd))}" if odd else "separators")
        message += ", where only letters and digits belong." if odd else " that do not part a base from a quote."
    suggestions = [f"Did you mean {guess!r}?", _EXAMPLE] if guess else [_EXAMPLE]
    if sum(bool(part.strip()) for part in text.split(",")) > 1:  # and both as one word would be none
        guess, suggestions = None, ["Pass several as a list: ['BTCUSDT', 'ETHUSDT'], where the call takes one."]
    return BadSymbol(
        message,
        recovery_suggestions=suggestions,
        suggested={"symbol": guess} if guess else None,
        context={"argument": "symbol"},
    )


def _upper(text: str) -> str:
    """In upper case, ASCII only: other letters may grow ("ß") or change their name's identity."""
    return "".join(character.upper() if character.isascii() else character for character in text)


def _pairs(name: str) -> set[str]:
    """Neighbouring letters, which names with swapped halves still share."""
    return {name[place : place + 2] for place in range(len(name) - 1)}


def _likeness(name: str, candidate: str) -> float:
    """About 1 for names that differ little; swapped halves, swapped letters and mere beginnings count for more."""
    if len(name) == len(candidate) and name in candidate + candidate:
        return 2.0
    if candidate.startswith(name):
        return 1.0
    if name[-_QUOTE:] == candidate[-_QUOTE:] and _ratio(name[:-_QUOTE], candidate[:-_QUOTE]) < _SAME_COIN:
        return 0.0  # alike in the quote asset alone: XRPUSDT is not PEPEUSDT
    return _ratio(name, candidate) + 0.1 * (sorted(candidate) == sorted(name))


def _ratio(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _guess_interval(text: str, names: tuple[str, ...]) -> str | None:
    word = text.strip().lower()
    if match := _INTERVAL.fullmatch(word):
        count, unit = match.groups()
    elif match := _INTERVAL_REVERSED.fullmatch(word):
        unit, count = match.groups()
    else:
        return None
    unit = {"hourly": "h", "daily": "d", "weekly": "w", "monthly": "M"}.get(unit) or _UNITS.get(unit, "")
    number = int(count or 1)
    if f"{number}{unit}" in names:
        return f"{number}{unit}"
    length = number * _LENGTHS.get(unit, 0)
    same = (f"{length // size}{other}" for other, size in _LENGTHS.items() if length and length % size == 0)
    return next((name for name in same if name in names), None)


def _kind(value: object) -> str:
    name = type(value).__name__
    return "nothing" if value is None else f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def _whole(value: Any) -> int | None:
    """Integers of any kind, numpy's included; neither bool nor anything that would have to be rounded or read."""
    if type(value).__name__ in ("bool", "bool_") or not hasattr(value, "__index__") or hasattr(value, "__len__"):
        return None
    return int(value.__index__())


def _whole_meant(value: Any) -> int | None:
    try:
        number = int(value) if isinstance(value, (str, float)) and float(value) == int(float(value)) else 0
    except (ValueError, OverflowError):
        return None
    return number if 0 < number <= 10**9 else None


def _bad_limit(message: str, name: str, guess: int | None) -> ValidationError:
    advice = "Pass a whole number of rows, 1 or more."
    return ValidationError(
        message,
        recovery_suggestions=[advice] if guess is None else [f"Did you mean {name}={guess}?"],
        suggested=None if guess is None else {name: guess},
        context={"argument": name},
    )


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a foreign object's repr must not hide the real error
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
