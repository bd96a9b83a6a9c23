"""Cells that are run again, with a shell of our own in the place of IPython's; the real one: ``tests/notebooks``."""

from __future__ import annotations

import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from cryptox import _cells


class Shell:
    """As much of IPython's shell as is asked for."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {"_oh": {}}
        self.user_ns_hidden: dict[str, Any] = {}
        self.displayhook = types.SimpleNamespace(_=None, __=None, ___=None)
        self.history_manager = types.SimpleNamespace(input_hist_raw=[])
        self.events = self
        self.hooks: dict[str, list[Callable[..., None]]] = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, name: str, hook: Callable[..., None]) -> None:
        self.hooks[name].append(hook)

    def run(self, text: str, work: Callable[[], Any], cell_id: str | None = None) -> None:
        """Run a cell; what comes of it is kept, as the value of a last expression is."""
        for hook in self.hooks["pre_run_cell"]:
            hook(types.SimpleNamespace(raw_cell=text, cell_id=cell_id))
        self.history_manager.input_hist_raw.append(text)
        value = work()
        if value is not None:
            count = len(self.history_manager.input_hist_raw)
            self.user_ns["_oh"][count] = self.user_ns[f"_{count}"] = self.user_ns_hidden[f"_{count}"] = value
            self.displayhook._ = self.user_ns["_"] = value
        del value
        for hook in self.hooks["post_run_cell"]:
            hook(None)


class Thing:
    """Goes on by itself."""

    def __init__(self) -> None:
        self.is_running = True
        self.told: list[bool] = []
        _cells.note(self, self)

    def let_go(self, *, end: bool = False) -> None:
        self.told.append(end)
        self.is_running = self.is_running and not end


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(_cells, "_notes", _cells._Notes())
    return shell


def test_what_only_the_outputs_hold_ends_with_the_next_run(shell: Shell) -> None:
    told: list[list[bool]] = []

    def work() -> Thing:
        thing = Thing()
        told.append(thing.told)
        return thing

    shell.run("a", work)
    shell.run("b", lambda: None)
    assert told == [[]]
    shell.run(" a\n", work)
    assert told == [[False, True], []]
    shell.run("a", work)
    assert told == [[False, True], [False, True], []]


def test_what_is_held_is_let_go_and_ends_when_it_is_held_no_more(shell: Shell) -> None:
    held: list[Thing] = []

    def work() -> Thing:
        held.append(Thing())
        return held[-1]

    shell.run("a", work)
    shell.run("a", work)
    assert [thing.told for thing in held] == [[False], []]
    told = held[0].told
    del held[0]
    shell.run("something else", lambda: None)
    assert told == [False, True]
    assert held[0].told == []


def test_a_cell_has_the_frontends_name_or_that_of_its_text(shell: Shell) -> None:
    named: list[Thing] = []
    plain: list[Thing] = []
    shell.run("first", lambda: named.append(Thing()))  # from then on cells are told
    shell.run("a", lambda: named.append(Thing()), cell_id="x")
    shell.run("a", lambda: plain.append(Thing()))
    shell.run("b", lambda: None, cell_id="y")
    assert named[1].told == plain[0].told == []
    shell.run("b", lambda: None, cell_id="x")
    assert (named[1].told, plain[0].told) == ([False], [])
    shell.run("a", lambda: None)
    assert (named[0].told, plain[0].told) == ([], [False])


def test_the_first_cell_of_a_kernel_is_known_by_its_request(shell: Shell) -> None:
    shell.get_parent = lambda: {"metadata": {"cellId": "x"}}  # type: ignore[attr-defined]
    made: list[Thing] = []
    shell.run("a", lambda: made.append(Thing()), cell_id="x")
    shell.run("changed", lambda: None, cell_id="x")
    assert made[0].told == [False]


def test_other_threads_and_programs_without_a_notebook_make_things_as_ever(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Thing] = []
    thread = threading.Thread(target=lambda: made.append(Thing()))
    thread.start()
    thread.join()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    made.append(Thing())
    monkeypatch.delitem(sys.modules, "IPython")
    made.append(Thing())
    assert shell.hooks == {"pre_run_cell": [], "post_run_cell": []}
    assert [thing.told for thing in made] == [[], [], []]


def test_what_is_made_between_cells_belongs_to_none(shell: Shell) -> None:
    made: list[Thing] = []
    shell.run("a", lambda: made.append(Thing()))
    made.append(Thing())
    shell.run("a", lambda: None)
    shell.run("a", lambda: None)
    assert [thing.told for thing in made] == [[False], []]


def test_circles_are_looked_for_when_a_cell_is_run_again(shell: Shell) -> None:
    class Core(Thing):
        def __init__(self) -> None:
            self.is_running, self.told = True, []

    class Face:
        def __init__(self, core: Core) -> None:
            self.core, self.circle = core, self
            _cells.note(self, core)

    gone: list[Any] = []

    def work() -> None:
        core = Core()
        Face(core)
        gone.append(weakref.ref(core))

    shell.run("a", work)
    assert gone[0]() is not None
    shell.run("a", work)
    assert gone[0]() is None
