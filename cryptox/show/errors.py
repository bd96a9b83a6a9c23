"""The card of an error, in text and in HTML: what happened, why, what to do now, and the corrected call to copy."""

from __future__ import annotations

import linecache
import sys
from html import escape
from types import FrameType
from typing import Final

from cryptox._boundary import PACKAGE
from cryptox._secrets import scrub
from cryptox.errors import CryptoxError
from cryptox.model.lines import duration
from cryptox.show import cards
from cryptox.show.calls import call_line
from cryptox.show.cards import safe

__all__ = ["corrected_call", "html", "text_lines", "traceback_lines"]

ACCENTS: Final = {"info": "#3b82c4", "warning": "#b87a0a", "error": "#d0453b", "critical": "#c2326a"}
_HEAD: Final = "margin-top:.5em;font-weight:600"
WIDEST: Final = 400  # characters of a technical detail on a card; last_error() has all


def text_lines(error: BaseException) -> list[str]:
    """The card as lines of text, the headline first."""
    lines = [f"{type(error).__name__}: {safe(str(error))}"]
    if not isinstance(error, CryptoxError):
        return lines
    why = _why(error)
    if why:
        lines += ["", "Why", *(f"  {line}" for line in why)]
    todo = _todo(error)
    if todo:
        lines += ["", "What to do", *(f"  - {line}" for line in todo)]
    call = corrected_call(error)
    if call:
        lines += ["", "Try", f"  {call}"]
    return lines


def traceback_lines(error: BaseException) -> list[str]:
    """What IPython prints for an uncaught error: where it was called, and the card."""
    headline, *card = text_lines(error)
    return [headline, *_users_line(error), *card, "", "Full chain: print(cx.last_error())"]


def html(error: BaseException) -> str:
    """The card as HTML, every text escaped."""
    headline, *_ = text_lines(error)
    kind, _, message = headline.partition(": ")
    if not isinstance(error, CryptoxError):
        return cards.card(kind, f"<div>{escape(message)}</div>", accent=ACCENTS["error"])
    parts = [f"<div>{escape(message)}</div>"]
    why = _why(error)
    if why:
        parts.append(f'<div style="opacity:.7;margin-top:.3em">{"<br>".join(map(escape, why))}</div>')
    todo = _todo(error)
    if todo:
        parts.append(f'<div style="{_HEAD}">What to do</div>{cards.listed(todo)}')
    call = corrected_call(error)
    if call:
        parts.append(f'<div style="{_HEAD}">Try</div>{cards.copied(call)}')
    return cards.card(kind, "".join(parts), accent=ACCENTS.get(error.severity, ACCENTS["error"]))


def corrected_call(error: CryptoxError) -> str | None:
    """``suggested`` as a line of Python to copy; only the changed arguments where the call's name is not known."""
    if not error.suggested:
        return None
    arguments = dict(error.suggested)
    call = arguments.pop("call", None) or error.context.get("operation")
    return scrub(call_line(call, arguments, error._owner))


def _why(error: CryptoxError) -> list[str]:
    """The developer's words where they add something, and where it happened."""
    lines = []
    details = safe(error.technical_details.strip())
    # Causes follow the details; a cause alone is said without repeating the message.
    details = details.removeprefix(error.user_message).strip()
    if details and details not in str(error):
        short = details if len(details) <= WIDEST else details[: WIDEST - 3] + "..."
        lines += short.splitlines()
    where = ", ".join(f"{name} {cards.value_text(value)}" for name, value in error.context.items() if value is not None)
    if where:
        lines.append(safe(where))
    return lines


def _todo(error: CryptoxError) -> list[str]:
    lines = [safe(line) for line in error.recovery_suggestions]
    if error.retry_after is not None:
        lines.insert(0, f"Wait {duration(error.retry_after)}.")
    if error.partial is not None and len(error.partial):
        lines.append("What was fetched so far is in the error's .partial.")
    return lines


def _users_line(error: BaseException) -> list[str]:
    """The line of the user's that made the call, as deep as the user's own code goes."""
    frame: FrameType | None = None
    number = 0
    traceback = error.__traceback__
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(PACKAGE):
            frame, number = traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
    if frame is None:
        return []
    name = frame.f_code.co_filename
    line = linecache.getline(name, number, frame.f_globals).strip()
    lines = ["", f"{_place(name)}, line {number}"]
    return [*lines, f"----> {number} {scrub(line)}"] if line else lines


def _place(name: str) -> str:
    """``Cell In[3]`` for the file of a notebook's cell, else the file's name."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    label = shell.compile.format_code_name(name) if shell is not None else None
    return " ".join(label) if label else f"File {name}"
