"""The market that a seed makes: the default of the paper exchange."""

from __future__ import annotations

from collections.abc import Sequence

from cryptox.errors import BadSymbol

from .listings import CHARACTERS
from .prices import SeededSpine
from .spined import SpineMarket

__all__ = ["SeededMarket"]


class SeededMarket(SpineMarket):
    """A market drawn from a seed, from 2017-08-17 to any moment; equal arguments give equal markets.

    Parameters
    ----------
    seed
        Any integer.
    symbols
        Names out of ``listings.CHARACTERS``; None for all of them.

    Raises
    ------
    BadSymbol
        The seeded market does not know a symbol.
    """

    def __init__(self, seed: int = 7, symbols: Sequence[str] | None = None) -> None:
        names = list(CHARACTERS if symbols is None else symbols)
        for name in names:
            if name not in CHARACTERS:
                raise BadSymbol(
                    f"The seeded market has no symbol {name}",
                    recovery_suggestions=[f"Choose among {', '.join(CHARACTERS)}, or serve a file with history=."],
                    context={"symbol": name},
                )
        super().__init__({name: SeededSpine(CHARACTERS[name], seed) for name in names}, seed, None)
