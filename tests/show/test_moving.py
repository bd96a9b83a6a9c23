"""What moves is shown by widgets where there is a kernel, and by its card everywhere else."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import cryptox as cx
from cryptox import _display, show
from cryptox.show import moving


def pretend(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    """Be in a process where that is IPython's shell."""
    module: Any = ModuleType("IPython")
    module.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", module)


@pytest.mark.parametrize(
    ("shell", "has"), [(None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=object()), True)]
)
def test_a_kernel_is_seen_by_its_shell(shell: Any, has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, shell)
    assert moving.has_kernel() is has


def test_without_ipython_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not moving.has_kernel()


class Thing(_display.Moving):
    """Something that moves and has no widget."""

    def __repr__(self) -> str:
        return "<Thing>"

    def _facts(self) -> dict[str, Any]:
        return {"is": "here"}


def test_without_a_kernel_nothing_of_the_widgets_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, None)
    for name in [name for name in sys.modules if name.startswith("cryptox.widgets")]:
        monkeypatch.delitem(sys.modules, name)
    bundle = Thing()._repr_mimebundle_()
    assert bundle == {"text/plain": "<Thing>", "text/html": show.html(Thing())}
    assert not [name for name in sys.modules if name.startswith("cryptox.widgets")]


def test_in_a_kernel_what_has_no_view_has_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, SimpleNamespace(kernel=object()))
    assert Thing()._repr_mimebundle_() == {"text/plain": "<Thing>", "text/html": show.html(Thing())}


def test_a_widget_that_cannot_be_made_leaves_the_card_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretend(monkeypatch, SimpleNamespace(kernel=object()))
    broken: Any = ModuleType("cryptox.widgets.shown")

    def bundle(thing: object) -> None:
        raise RuntimeError("no channel")

    broken.bundle = bundle
    monkeypatch.setitem(sys.modules, "cryptox.widgets.shown", broken)
    assert Thing()._repr_mimebundle_()["text/html"] == show.html(Thing())
    (record,) = caplog.records
    assert "view.failed" in record.getMessage()
    assert "RuntimeError: no channel" in str(vars(record))


def test_a_feed_outside_of_a_kernel_is_a_card() -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        feed = session.live.klines("BTCUSDT", "1m", history=3)
        bundle = feed._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html"}
        assert bundle["text/plain"] == repr(feed)
        feed.stop()
