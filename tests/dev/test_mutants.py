"""The program that breaks the code: its table names what exists, and it counts what mutmut says."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = """
    cryptox.model.book.x_total__mutmut_1: killed
    cryptox.model.book.xǁBookǁtop__mutmut_12: survived
    cryptox.model.book.xǁBookǁtop__mutmut_13: no tests
    cryptox.transport.clock.x_now__mutmut_3: timeout
    cryptox.transport.clock.x_now__mutmut_4: not checked
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("benchmarks_mutants", ROOT / "benchmarks" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_areas_are_of_files_that_exist(program: Any) -> None:
    for area in program.AREAS.values():
        for path in (*(f"cryptox/{one}" for one in area.sources), *(f"tests/{one}" for one in area.tests)):
            assert (ROOT / path).exists(), path


def test_settings_name_the_sources_and_the_tests_of_an_area(program: Any) -> None:
    area = program.AREAS["time"]
    told = tomllib.loads(program.settings_of(area, properties=False))["tool"]["mutmut"]
    assert told["only_mutate"] == [f"cryptox/{one}" for one in area.sources]
    assert told["pytest_add_cli_args"][-2:] == ["-m", "not hypothesis"]
    assert told["pytest_add_cli_args_test_selection"] == [f"tests/{one}" for one in area.tests]


def test_results_are_counted_by_module(program: Any) -> None:
    found = program.statuses(RESULTS)
    assert len(found) == 5
    assert program.counted(found) == [
        ("module", "mutants", "killed", "survived", "no tests", "not checked"),
        ("model/book", "3", "1", "1", "1", "0"),
        ("transport/clock", "2", "1", "0", "0", "1"),
        ("all", "5", "2", "1", "1", "1"),
    ]


def test_an_area_that_there_is_not(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["mutants.py", "money"])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 2
