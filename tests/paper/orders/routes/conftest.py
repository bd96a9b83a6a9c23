"""A trader on an exchange on which nothing moves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from asking import Trader


@pytest.fixture
def trader(flat: Any) -> Trader:
    return Trader(flat)
