"""Whose call it was that failed, in words of the user's own code: what a corrected call has to be made on.

Asked only where an error leaves the house. Keeps words, never a frame, a session or a feed.
"""

from __future__ import annotations

import inspect
import keyword
import os
import sys
from types import FrameType
from typing import Any, Final, NamedTuple

__all__ = ["PACKAGE", "Owner", "owner_of"]

PACKAGE: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep
_HELD_BY_ITS_FRAME: Final = 3  # references to its variables: the frame's, ours, and that of who counts them


class Owner(NamedTuple):
    """What a call was made on."""

    noun: str  # session, replay or feed
    name: str | None  # the caller's own name for it; None where it has none, or several
    known: str | None  # what finds it from anywhere: "cx" for the default session, 'cx.session("ann")'
    stand_in: str  # for its name; nothing else has this one
    about: str  # which one it is: "on paper"
    is_awaited: bool


def owner_of(thing: Any, frame: FrameType | None) -> Owner | None:
    """The session, replay or feed that ``thing`` is or belongs to; None for anything else.

    Parameters
    ----------
    thing
        What a public method was called on.
    frame
        That method's own.
    """
    while (of := getattr(thing, "_of", None)) is not None:
        thing = of()
    noun = getattr(type(thing), "_noun", None)
    if noun is None:
        return None
    venue, user = getattr(getattr(thing, "venue", None), "name", None), getattr(thing, "user", None)
    about = " ".join([*([] if user is None else [f"of {user!r}"]), *([] if venue is None else [f"on {venue}"])])
    known = "cx" if getattr(thing, "_is_default", False) else None if user is None else thing._known_as()
    try:
        name, taken = _names(_callers(frame), thing)
    except Exception:  # noqa: BLE001  # whatever stands in for a user's variables: the user's error goes on
        name, taken = None, {noun}
    stand_in = f"that_{noun}" if noun in taken else noun
    return Owner(noun, name, known, stand_in, about, type(thing).__name__.startswith("Async"))


def _callers(frame: FrameType | None) -> FrameType | None:
    """The user's frame that a frame of ours was called from, or awaited in."""
    while frame is not None and (
        frame.f_code.co_filename.startswith(PACKAGE)
        or str(frame.f_globals.get("__name__")).partition(".")[0] == "asyncio"
    ):
        frame = frame.f_back
    return frame


def _names(frame: FrameType | None, thing: object) -> tuple[str | None, set[str]]:
    """The one plain name that a frame knows a thing by, and all names there that are of something else.

    A call is copied to the prompt as well as into the function that made it: a name that is another thing's there is
    none, and one that is known to both goes before a function's own.
    """
    prompt = dict(vars(sys.modules["__main__"])) if "__main__" in sys.modules else {}
    if frame is None:
        return None, {*prompt}
    code, wide, known = frame.f_code, dict(frame.f_globals), frame.f_locals
    near = dict(known)
    if code.co_flags & inspect.CO_OPTIMIZED and type(known) is dict and sys.getrefcount(known) == _HELD_BY_ITS_FRAME:
        # A copy, made for us (up to 3.12), which would hold what the user's function lets go until it returns.
        known.clear()
    spaces = (near, wide, prompt)
    taken = {name for space in spaces for name, value in space.items() if value is not thing}
    names = [name for name in {**wide, **near} if name not in taken and _is_plain(name)]
    names = [name for name in names if name in wide] or names
    if len(names) > 1:
        names = [name for name in names if name in code.co_names + code.co_varnames + code.co_freevars]
    return (names[0] if len(names) == 1 else None), taken


def _is_plain(name: str) -> bool:
    """Whether a user would write it: not one of the underscores that IPython keeps results under."""
    return name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)
