"""A short campaign of faults: afterwards every feed equals the exchange's own record. The long one is a benchmark."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parents[3] / "benchmarks" / "live_campaign.py"


def program() -> Any:
    spec = importlib.util.spec_from_file_location("live_campaign", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [5])
def test_after_faults_every_feed_equals_the_record(seed: int) -> None:
    campaign = asyncio.run(program().run(seconds=4, seed=seed, pause_s=(0.05, 0.25), connection_life=4.0))
    assert campaign.wrong == []
    assert campaign.lost == []
    assert campaign.reconnects >= 10
    assert len(campaign.counts) == 10
    assert campaign.compared > 100
    assert campaign.repaired
    assert campaign.ends["socket.opened"] > 2
    assert campaign.books > 0
