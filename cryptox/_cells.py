"""What a notebook's cell has made, and what becomes of it when the cell is run again. IPython is found, not imported.

A feed with callbacks lives without anybody who holds it. That is what a program wants, and a notebook does not: there a
cell that is run again would call back twice. So what the former run of a cell has made lives, from then on, only as
long as something refers to it. The shell's own history of outputs does not count.
"""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

__all__ = ["Lasting", "note"]


LOOKS = 3  # after a cell was run again: a callback that runs just then holds its feed


class Lasting(Protocol):
    """What goes on by itself."""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""

    def let_go(self, *, end: bool = False) -> None:
        """Live no longer than somebody holds it; with ``end`` no longer at all. From any thread."""


class _Made(NamedTuple):
    face: weakref.ref[Any]  # what the user holds
    core: weakref.ref[Any]


class _Notes:
    """What was made in the cells of one shell."""

    def __init__(self) -> None:
        self._shell: Any = None
        self._running: str | None = None
        self._made: dict[str, list[_Made]] = {}  # by cell
        self._former: list[_Made] = []  # by runs that are not the last of their cell
        self._looks = 0  # for circles, which takes tens of milliseconds

    def add(self, shell: Any, face: object, core: Lasting) -> None:
        """Something was made, in the cell that runs."""
        if shell is not self._shell:
            shell.events.register("pre_run_cell", self._begin)
            shell.events.register("post_run_cell", self._end)
            self._shell, self._running = shell, _running_cell(shell)
        if self._running is not None:
            made = self._made.setdefault(self._running, [])
            made[:] = [one for one in made if one.core() is not None]
            made.append(_Made(weakref.ref(face), weakref.ref(core)))

    def _begin(self, info: Any) -> None:
        """A cell begins to run, maybe again."""
        self._running = _cell(getattr(info, "cell_id", None), info.raw_cell)
        former = self._made.pop(self._running, [])
        for one in former:
            core = one.core()
            if core is not None:
                core.let_go()
        self._former += former
        self._looks = LOOKS if former else self._looks

    def _end(self, _result: object = None) -> None:
        """A cell has run: its names mean what it made."""
        self._running = None
        self._sweep()
        if self._former and self._looks:
            self._looks -= 1
            gc.collect()  # callbacks and their feeds may hold each other
            self._sweep()

    def _sweep(self) -> None:
        """End what only the outputs refer to, and forget what has ended."""
        left = []
        for one in self._former:
            is_forgotten = _only_outputs_hold(self._shell, one.face)
            core = one.core()
            if core is None or not core.is_running:
                continue
            if is_forgotten:
                core.let_go(end=True)
            else:
                left.append(one)
        self._former = left


_notes = _Notes()


def note(face: object, core: Lasting) -> None:
    """Remember that the notebook's cell that runs on this thread, if there is one, has made this.

    Parameters
    ----------
    face
        What the user gets.
    core
        What goes on behind it; may be the same.
    """
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and threading.current_thread() is threading.main_thread():
        _notes.add(shell, face, core)


def _cell(cell_id: str | None, text: str) -> str:
    """A cell by the frontend's name for it, or by its text where there is none."""
    return cell_id or text.strip()


def _running_cell(shell: Any) -> str | None:
    """The cell that runs, for the first time that anybody asks: later ones are told."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    texts = getattr(shell.history_manager, "input_hist_raw", None)
    return _cell((parent or {}).get("metadata", {}).get("cellId"), texts[-1] if texts else "") or None


def _only_outputs_hold(shell: Any, face: weakref.ref[Any]) -> bool:
    thing, measure = face(), object()
    if thing is None:
        return False
    references = sys.getrefcount(thing) - sys.getrefcount(measure)
    return references <= sum(value is thing for value in _outputs(shell))


def _outputs(shell: Any) -> Iterator[object]:
    """What the shell itself refers to."""
    names = shell.user_ns
    yield from names.get("_oh", {}).values()
    yield from [value for name, value in names.items() if not name.strip("_0123456789")]
    yield from shell.user_ns_hidden.values()
    yield from [getattr(shell.displayhook, name, None) for name in ("_", "__", "___")]
    yield getattr(getattr(shell, "last_execution_result", None), "result", None)
