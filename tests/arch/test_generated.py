"""What is generated is fresh: the blocking faces and the reference tables of the docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(tool: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m cryptox._dev.<tool> --check`` on the checkout ``root``."""
    return subprocess.run(
        [sys.executable, "-m", f"cryptox._dev.{tool}", "--check"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def copy_of(root: Path, target: Path) -> Path:
    """The package and its docs, so that something can be broken."""
    import shutil

    for folder in ("cryptox", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "_build")
        shutil.copytree(root / folder, target / folder, ignore=ignored)
    shutil.copy(root / "pyproject.toml", target)
    return target


@pytest.mark.parametrize("tool", ["sync_face", "doc_tables"])
def test_generated_files_are_fresh(tool: str) -> None:
    done = check(tool, ROOT)
    assert done.returncode == 0, f"run: python -m cryptox._dev.{tool}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "file"),
    [
        ("sync_face", "cryptox/sync/face.py"),
        ("sync_face", "cryptox/sync/quick.py"),
        ("sync_face", "cryptox/sync/live.py"),
        ("doc_tables", "docs/reference/errors.md"),
        ("doc_tables", "docs/reference/endpoints.md"),
        ("doc_tables", "docs/reference/columns.md"),
    ],
)
def test_a_stale_file_is_noticed(tool: str, file: str, tmp_path: Path) -> None:
    root = copy_of(ROOT, tmp_path)
    path = root / file
    path.write_text(path.read_text(encoding="utf-8") + "\n# by hand\n", encoding="utf-8")
    done = check(tool, root)
    assert done.returncode == 1, done.stdout + done.stderr
    assert Path(file).name in done.stdout + done.stderr
