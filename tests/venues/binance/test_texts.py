"""Texts of the matching engine: each has its class, and each stands in the documentation."""

from __future__ import annotations

from pathlib import Path

from cryptox.venues.binance.codes import TEXTS
from cryptox.venues.binance.texts import REJECT_REASONS, EngineText
from cryptox.venues.binance.words import RejectReason


def test_every_text_has_its_class() -> None:
    assert set(TEXTS) == set(EngineText)


def test_reasons_are_those_of_the_documentation(shared: Path) -> None:
    printed = (shared / "binance" / "ws-api.md").read_text(encoding="utf-8")
    assert set(REJECT_REASONS.values()) == set(RejectReason) - {RejectReason.NONE}
    for text, reason in REJECT_REASONS.items():
        assert f"| {reason} | {text} |" in printed, text


def test_texts_are_those_of_the_documentation(shared: Path) -> None:
    text = (shared / "binance" / "errors.md").read_text(encoding="utf-8").split("## 3.")[1]
    # Texts that differ only in the type are printed as "Iceberg… / Stop loss… orders are not supported".
    common = " orders are not supported for this symbol."
    for one in EngineText:
        printed = one.replace("`MARKET_LOT_SIZE`", "`LOT_SIZE`")  # the second one is printed as its name alone
        assert printed in text or one.removesuffix(common) in text, one
