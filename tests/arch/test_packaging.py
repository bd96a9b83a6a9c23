"""pyproject.toml, environment.yml, README and .ci/run say the same."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import cryptox

ROOT = Path(__file__).resolve().parents[2]
TESTS_COMMAND = "<!-- command: tests -->"


def pip_ranges(root: Path) -> dict[str, str]:
    """Package to version range of pyproject.toml: the dependencies, and the extras of ``dev`` spread out."""
    facts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = facts["optional-dependencies"]
    wanted, seen = [*facts["dependencies"]], set()
    queue = ["dev"]
    while queue:
        extra = queue.pop()
        seen.add(extra)
        for line in extras[extra]:
            inner = re.fullmatch(r"cryptox\[(.*)\]", line)
            if inner:
                queue += [one for one in inner[1].split(",") if one not in seen]
            else:
                wanted.append(line)
    ranges = {"python": facts["requires-python"]}
    for line in wanted:
        name, spec = re.match(r"([\w.-]+)\s*([^;]*)", line).groups()  # type: ignore[union-attr]  # fails loudly
        if "platform_system == 'Windows'" not in line:
            ranges[name.lower()] = spec.strip()
    return ranges


def conda_ranges(root: Path) -> dict[str, str]:
    """Package to version range of environment.yml, pip's own section included."""
    ranges = {}
    for line in (root / "environment.yml").read_text(encoding="utf-8").splitlines():
        found = re.match(r"\s*- ([A-Za-z][\w.-]*)\s*((?:[<>=!].*?)?)\s*(?:#.*)?$", line)
        if found and found[1] not in {"conda-forge", "nodefaults", "pip"}:
            name = {"python-build": "build"}.get(found[1].lower(), found[1].lower())
            ranges[name] = found[2].partition(";")[0].replace(" ", "")
    return ranges


def differences(root: Path) -> dict[str, tuple[str | None, str | None]]:
    """Packages whose range is not the same in both files: (pyproject, environment)."""
    pip, conda = pip_ranges(root), conda_ranges(root)
    return {one: (pip.get(one), conda.get(one)) for one in sorted(pip | conda) if pip.get(one) != conda.get(one)}


def test_conda_and_pip_install_the_same_ranges() -> None:
    assert len(conda_ranges(ROOT)) > 20
    assert differences(ROOT) == {}


def test_a_different_range_is_noticed(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "environment.yml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    text = (tmp_path / "environment.yml").read_text(encoding="utf-8")
    assert "- polars>=" in text
    (tmp_path / "environment.yml").write_text(re.sub(r"- polars>=.*", "- polars>=0.1", text), encoding="utf-8")
    assert list(differences(tmp_path)) == ["polars"]


def test_every_tested_python_is_declared() -> None:
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert facts["requires-python"] == ">=3.11"
    assert "Programming Language :: Python :: 3.11" in facts["classifiers"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", cryptox.__version__)


def command_of(readme: str) -> str:
    """The fenced block after the mark, as .ci/run takes it."""
    after = readme.split(TESTS_COMMAND, 1)[1]
    found = re.match(r"\s*```\w*\n(.*?)\n```", after, re.DOTALL)
    assert found is not None
    return found[1]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(TESTS_COMMAND) == 1
    command = command_of(readme)
    assert "venv" in command
    assert "pytest" in command
    done = subprocess.run(
        ["bash", ".ci/run", "--print-test-command"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == command.strip()


@pytest.mark.parametrize("name", ["run", "lowest"])
def test_ci_is_a_program(name: str) -> None:
    path = ROOT / ".ci" / name
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    if os.name == "posix":
        assert os.access(path, os.X_OK)
        subprocess.run(["bash", "-n", str(path)], check=True, timeout=30)


@pytest.mark.parametrize(
    "name",
    ["README.md", "LICENSE", "docs/ARCHITECTURE.md", "docs/CHANGELOG.md", "docs/ADAPTERS.md", "docs/SECURITY.md"],
)
def test_the_house_has_its_papers(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8")) > 200


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = facts["optional-dependencies"]
    lines = [*facts["dependencies"], *(line for name in extras if name not in ("all", "dev") for line in extras[name])]
    names = [re.match(r"[\w-]+", line)[0] for line in lines]  # type: ignore[index]  # fails loudly
    assert [name for name in names if f"| `{name}` |" not in text] == []


def unknown_names(architecture: str, package: Path) -> list[str]:
    """Names of the noun-by-floor grid that are no module of the package."""
    grid = architecture.partition("## Nouns by floor")[2].partition("\n## ")[0]
    there = {path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")}
    there |= {name.removesuffix("/__init__") for name in there}
    rows = [line for line in grid.splitlines() if line.startswith("| **")]
    names = {name.rstrip("/") for row in rows for name in re.findall(r"`([\w/]+)`", row)}
    return sorted(name for name in names if not any(f"/{module}".endswith(f"/{name}") for module in there))


def unnamed_modules(architecture: str, package: Path) -> list[str]:
    """Modules between the faces and the leaves that the grid does not name; the paper exchange's are too many."""
    grid = architecture.partition("## Nouns by floor")[2].partition("\n## ")[0]
    missing = []
    for floor in ("model", "sessions", "table", "transport", "venues"):
        (row,) = re.findall(rf"^\| \*\*\d {floor}\*\* .*$", grid, re.MULTILINE)
        names = re.findall(r"`([\w/]+)`", row)
        for path in sorted((package / floor).rglob("*.py")):
            module = "/" + path.relative_to(package).with_suffix("").as_posix()
            if path.stem != "__init__" and not any(module.endswith(f"/{name}") for name in names):
                missing.append(module[1:])
    return missing


def test_the_grid_names_what_is_there() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert unknown_names(text, ROOT / "cryptox") == []
    assert unnamed_modules(text, ROOT / "cryptox") == []
    assert unnamed_modules(text.replace("`resolution`", ""), ROOT / "cryptox") == ["sessions/resolution"]
    assert unknown_names("## Nouns by floor\n| **1** | `model/columns`, `gone` |\n", ROOT / "cryptox") == ["gone"]
