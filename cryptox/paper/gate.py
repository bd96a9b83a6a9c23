"""Who may come in: key, signature, timing and permission of signed requests, in the order in which they are checked.

Pure: market time is an argument. Timestamps are judged only while market time runs at real speed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.endpoints import Security

from .accounts import Accounts
from .refusals import Refused
from .signatures import SIGNATURE, call_payloads, check_signature, rest_payload, text_of
from .timing import RECEIVE_WINDOW, TIMESTAMP, Timing, read_timing
from .trading.accounts import Account, Key

__all__ = ["API_KEY_PARAMETER", "SIGNING", "Gate", "Pass"]

API_KEY_PARAMETER = "apiKey"
SIGNING = frozenset({TIMESTAMP, RECEIVE_WINDOW, SIGNATURE})
"""Parameters that every signed endpoint takes."""

_KEY = re.compile("[A-Za-z0-9]{64}")


@dataclass(frozen=True, slots=True)
class Pass:
    """What lets a request through."""

    account: Account
    key: Key
    timing: Timing | None  # None where timestamps are not judged


class Gate:
    """Checks signed requests.

    Parameters
    ----------
    accounts
        Who is known.
    judged
        Whether market time runs at real speed now.
    """

    def __init__(self, accounts: Accounts, judged: Callable[[], bool]) -> None:
        self._accounts, self._judged = accounts, judged

    def key(self, api_key: str | None) -> Key:
        """The key of that name.

        Raises
        ------
        Refused : 401, -2014 for what is no key, -2015 for one that nobody has.
        """
        if api_key is None or not _KEY.fullmatch(api_key):
            raise Refused(Code.BAD_API_KEY_FMT, status=401)
        key = self._accounts.by_api_key(api_key)
        if key is None or key.account not in self._accounts.accounts:
            raise Refused(Code.REJECTED_MBX_KEY, status=401)
        return key

    def request(
        self,
        security: Security,
        api_key: str | None,
        params: Mapping[str, str],
        sent: tuple[bytes, bytes],
        now_us: int,
    ) -> Pass:
        """Check a REST request: ``params`` is what it says, ``sent`` its query and body as they were received.

        Raises
        ------
        Refused : the first thing wrong.
        """
        key = self.key(api_key)
        payload, signature = rest_payload(*sent)
        return self._passed(security, key, params, ((payload,), signature), now_us)

    def call(self, security: Security, params: Mapping[str, Any], now_us: int, session: Key | None = None) -> Pass:
        """Check a call of the WebSocket API; ``session`` is the key that its connection is logged on with.

        Raises
        ------
        Refused : the first thing wrong.
        """
        texts = {name: text_of(value) for name, value in params.items() if value is not None}
        if session is not None and API_KEY_PARAMETER not in texts and SIGNATURE not in texts:
            return self._passed(security, self.key(session.api_key), texts, None, now_us)
        if not texts.get(API_KEY_PARAMETER):
            raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, API_KEY_PARAMETER)
        key = self.key(texts[API_KEY_PARAMETER])
        return self._passed(security, key, texts, (call_payloads(params), texts.get(SIGNATURE)), now_us)

    def _passed(
        self,
        security: Security,
        key: Key,
        params: Mapping[str, str],
        signed: tuple[tuple[bytes, ...], str | None] | None,
        now_us: int,
    ) -> Pass:
        if not params.get(TIMESTAMP):
            raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, TIMESTAMP)
        if signed is not None:
            check_signature(key, *signed)
        timing = read_timing(params)
        judged = self._judged()
        if judged:
            timing.check(now_us)
        if security is Security.TRADE and not key.can_trade:
            raise Refused(Code.REJECTED_MBX_KEY, status=401)
        return Pass(self._accounts.accounts[key.account], key, timing if judged else None)
