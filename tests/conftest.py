"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded data and protocol facts beside the checkout; skips where it is not there."""
    path = Path(os.environ.get("CRYPTOX_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("no recorded data: the folder shared/ is not beside the checkout")
    return path
