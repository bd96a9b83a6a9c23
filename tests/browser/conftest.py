"""One JupyterLab and one browser for all browser tests; a notebook, and a count of what went wrong, for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from labs import Lab, Notebook, Window, browser_path, chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser, and on a busy machine its time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium; stopped before other tests begin, whose own event loops it would be in the way of."""
    for package in ("playwright", "jupyterlab"):
        pytest.importorskip(package, reason=f"browser tests need {package}, which is not installed")
    if browser_path() is None:
        pytest.skip("browser tests need Chromium: apt-get install chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture(scope="package")
def shared_window(browser: Any, lab: Lab) -> Iterator[Window]:
    window = Window(browser, lab)
    yield window
    window.close()


@pytest.fixture
def window(shared_window: Window, lab: Lab) -> Iterator[Window]:
    """The page; after the test it must have had no error, and neither it nor a kernel may have called elsewhere."""
    shared_window.forget()
    before = [*shared_window.opened]
    yield shared_window
    errors, elsewhere = [*shared_window.errors], shared_window.elsewhere()
    shared_window.clear(before)  # what a page says of a kernel that is gone is nobody's error
    assert errors == []
    assert elsewhere == []
    assert lab.called() == []


@pytest.fixture
def notebook(window: Window, request: pytest.FixtureRequest) -> Callable[..., Notebook]:
    """Open a notebook with these cells; it is closed after the test."""
    return lambda *cells: window.open(*cells, name=request.node.name.partition("[")[0])
