"""Python, kernel and packages: judged from facts, and gathered from what is here."""

from __future__ import annotations

import re
import sys
import tomllib
import types
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from cryptox.model.doctor import Finding
from cryptox.sync import surroundings
from cryptox.sync.surroundings import (
    EXTRAS,
    NEWEST_PYTHON,
    OLDEST_PYTHON,
    REQUIRED,
    Kernel,
    findings,
    is_older,
    judged_extra,
    judged_kernel,
    judged_packages,
    judged_python,
    judged_version,
)

ROOT = Path(__file__).resolve().parents[2]
ARROW = EXTRAS[0]
GOOD = dict(REQUIRED)

CASES: list[tuple[Finding, str, str, str]] = [
    (judged_version("0.1.0", "0.1.0"), "ok", "0.1.0", ""),
    (judged_version("0.1.0", None), "ok", "0.1.0", ""),
    (judged_version("0.1.0", "0.0.9"), "warning", "0.1.0 runs, 0.0.9 is installed", "restart the kernel"),
    (judged_python((3, 11, 0), "CPython"), "ok", "CPython 3.11.0", ""),
    (judged_python((3, 10, 9), "CPython"), "problem", "3.10.9", "Use Python 3.11"),
    (judged_python((3, 14, 0), "CPython"), "warning", "3.14.0", "3.11 to 3.13"),
    (judged_python((3, 11, 9), "PyPy"), "warning", "PyPy", "CPython"),
    (judged_kernel(Kernel("script")), "ok", "a script", ""),
    (judged_kernel(Kernel("terminal", "9.1")), "ok", "IPython 9.1", ""),
    (judged_kernel(Kernel("notebook", "6.29.5")), "ok", "ipykernel 6.29.5", ""),
    (judged_kernel(Kernel("notebook", "5.5.6")), "warning", "5.5.6", "pip install -U ipykernel"),
    (judged_kernel(Kernel("notebook", None)), "unknown", "not ipykernel", "JupyterLab"),
    (judged_packages(GOOD), "ok", f"{len(REQUIRED)} packages", ""),
    (judged_packages({**GOOD, "polars": None}), "problem", "polars is missing", "pip install -U cryptox"),
    (judged_packages({**GOOD, "plotly": "5.24.1"}), "problem", "plotly 5.24.1 is older than 6.0", "pip install"),
    (judged_extra(ARROW, "17.0.0", found=True, wanted=True), "ok", "pyarrow 17.0.0", ""),
    (judged_extra(ARROW, None, found=False, wanted=False), "ok", "not installed", "'cryptox[arrow]', if you want"),
    (judged_extra(ARROW, None, found=False, wanted=True), "problem", "not installed", "'cryptox[arrow]'"),
    (judged_extra(ARROW, "16.1", found=True, wanted=False), "warning", "older than 17", "'cryptox[arrow]'"),
    (judged_extra(ARROW, "17.0", found=False, wanted=False), "problem", "cannot be found", "--force-reinstall"),
    (judged_extra(ARROW, None, found=True, wanted=False), "unknown", "version is not known", ""),
]


@pytest.mark.parametrize(("finding", "verdict", "found", "advice"), CASES, ids=lambda case: str(case)[:50])
def test_what_is_found_is_judged(finding: Finding, verdict: str, found: str, advice: str) -> None:
    assert finding.verdict == verdict
    assert found in finding.found
    assert advice in " ".join(finding.advice)


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("2.0", "2.0", False),
        ("2", "2.0.0", False),
        ("2.0.0", "2", False),
        ("1.20.1", "1.20", False),
        ("1.9", "1.20", True),
        ("0.9.12", "0.9.13", True),
        ("6.0rc1", "6.0", False),
        ("43.0.1.dev2", "43", False),
        ("unknown", "1", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, least: str, older: bool) -> None:
    assert is_older(version, least) is older


def test_the_tables_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def named(lines: list[str]) -> dict[str, str]:
        pairs = [re.match(r"([\w-]+)>=([\d.]+)(.*)", line) for line in lines]
        return {pair[1]: pair[2] for pair in pairs if pair and not pair[3].startswith("; platform_system == 'Windows'")}

    assert named(project["dependencies"]) == REQUIRED
    extras = {
        name: named(lines) for name, lines in project["optional-dependencies"].items() if name not in ("all", "dev")
    }
    assert extras == {one.name: {one.package: one.oldest} for one in EXTRAS}
    assert project["requires-python"] == f">={OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"
    tested = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert tested[-1] == f"{NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]}"


def test_a_missing_extra_is_a_problem_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package == "pyarrow":
            raise metadata.PackageNotFoundError(package)
        return "99"

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(surroundings, "is_found", lambda module: module != "pyarrow")
    plain = {one.what: one.verdict for one in findings()}
    assert plain["arrow"] == "ok"
    assert {one.what: one.verdict for one in findings(["arrow"])} == {**plain, "arrow": "problem"}


def test_a_broken_package_takes_no_other_line_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: str) -> Any:
        raise ValueError(f"{module}.__spec__ is None")

    monkeypatch.setattr(surroundings, "find_spec", broken)
    monkeypatch.delitem(sys.modules, "uvloop", raising=False)
    found = {one.what: one for one in findings()}
    assert (found["uvloop"].verdict, found["uvloop"].found) == ("unknown", "could not be looked at: ValueError")
    assert found["Python"].found.endswith(".".join(map(str, sys.version_info[:3])))


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (None, Kernel("script")),
        (types.SimpleNamespace(), Kernel("terminal", "9.0")),
        (types.SimpleNamespace(kernel=object()), Kernel("notebook", "7.1")),
    ],
)
def test_the_kernel_is_known_by_its_shell(shell: Any, expected: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = types.SimpleNamespace(get_ipython=lambda: shell, __version__="9.0")
    monkeypatch.setitem(sys.modules, "IPython", ipython)  # type: ignore[arg-type]  # as far as it is asked
    monkeypatch.setattr(metadata, "version", lambda package: {"ipykernel": "7.1"}[package])
    assert surroundings.kernel() == expected
