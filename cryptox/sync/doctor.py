"""``cx.doctor()``: what may be wrong with this machine, its packages, the way to the exchange, and the key."""

from __future__ import annotations

from typing import Any

from cryptox._standstill import Standstill
from cryptox.errors import CryptoxError
from cryptox.model.diagnosis import judged_loop, judged_session
from cryptox.model.doctor import Report
from cryptox.sessions.doctor import examine
from cryptox.sessions.session import AsyncSession
from cryptox.sync import connect, door, stuck, surroundings
from cryptox.sync.face import Session

__all__ = ["doctor"]


def doctor(session: Any = None) -> Report:
    """What may be wrong, line by line, and what to do about it. Never raises.

    Looks at versions, kernel and packages; asks each address of the venue whether it answers; compares clocks; asks
    what the key may do; and looks at limits, proxy and the folder of the orders' journal. All at once: each question
    may take eight seconds. No key, password or signature is in it, so it can be shown to others.

    Parameters
    ----------
    session
        A session, of either face; None for the one behind the functions of the module, as it is or would be. Or what
        ``connect`` takes as a venue (``"binance-testnet"``), for a session that ends with the examination.

    Returns
    -------
    Report
        Findings with ``verdict`` (ok, warning, problem, unknown), ``what``, ``found`` and ``advice``; ``verdict`` of
        all, ``problems``; and each by its name: ``report["clock"]``.

    Notes
    -----
    Cost: weight 22 once, then 2 of it; 1 more with a key, 20 where the exchange does not tell what a key may do.

    Examples
    --------
    >>> report = cx.doctor("paper")
    >>> report["REST"].verdict
    <Verdict.OK: 'ok'>
    >>> report.problems
    ()
    """
    own: Session | None = None
    try:
        with door.boundary():
            if isinstance(session, AsyncSession):
                core = session
            elif isinstance(session, Session):
                core = session._session
            elif session is None and (default := door.current_session()) is not None:
                core = default._session
            else:  # one that ends with the examination, also in the place of a default session that is still to be made
                own = connect.connect(session)
                core = own._session
            local = surroundings.findings(_wanted(core))
            try:
                return Report((*local, *stuck.waited(examine(core))))
            except Standstill as still:
                return Report((*local, judged_loop(still.as_error())))
    except CryptoxError as error:
        return Report((*surroundings.findings(), judged_session(error)))
    finally:
        if own is not None:
            own.retire("The doctor's own session has ended.")  # waits for nothing: this may be the loop thread


def _wanted(session: AsyncSession) -> list[str]:
    """Extras that the session's own settings need."""
    frame, exact = session.form
    return ["arrow"] if frame == "arrow" or (exact and frame == "pandas") else []
