"""How tests go to several workers: a file to one of them, and all files of browser tests to the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("xdist")


class Config:
    """What a scheduler asks of pytest's configuration."""

    def __init__(self, dist: str) -> None:
        self._values = {"dist": dist, "tx": ["popen", "popen"]}

    def getvalue(self, name: str) -> Any:
        return self._values[name]


def scheduler(dist: str) -> Any:
    spec = importlib.util.spec_from_file_location("house_conftest", Path(__file__).parents[1] / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    return conftest.pytest_xdist_make_scheduler(Config(dist), None)


def test_all_browser_tests_go_to_one_worker() -> None:
    unit = scheduler("loadfile")._split_scope
    assert unit("tests/browser/test_a.py::test_it") == unit("tests/browser/test_b.py::test_it") == "tests/browser"
    assert unit("tests/show/test_a.py::test_it[x::y]") == "tests/show/test_a.py"


def test_other_ways_of_dealing_are_left_alone() -> None:
    assert scheduler("load") is None
