"""What becomes of an exchange in a forked child process: it lets go there, and its parent notices nothing.

A forked child has copies of the sockets and of the open file, but no thread that serves them. Of the sockets the child
would keep the port and the connections open after the parent has closed them; closing its copy of the file would take
SQLite's log away from the parent.
"""

from __future__ import annotations

import functools
import os
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["keep_forever", "let_go", "watch"]

T = TypeVar("T")


def watch(owner: T, deed: Callable[[T], object]) -> None:
    """Do ``deed(owner)`` in every child process that is forked from now on while there is an ``owner``."""
    _watched()[owner] = deed


@functools.cache
def _watched() -> weakref.WeakKeyDictionary[Any, Callable[[Any], object]]:
    found: weakref.WeakKeyDictionary[Any, Callable[[Any], object]] = weakref.WeakKeyDictionary()

    def after_fork() -> None:
        for owner, deed in list(found.items()):
            deed(owner)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)
    return found


def let_go(descriptors: Iterable[int]) -> None:
    """Put nothing in the place of these; whoever still uses or closes them does no harm."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for one in {*descriptors} - {-1, nothing}:
        with suppress(OSError):
            os.dup2(nothing, one, inheritable=False)
    os.close(nothing)


def keep_forever(thing: object) -> None:
    """Never collect a thing, not even at the interpreter's end: its end would reach what the parent uses."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
