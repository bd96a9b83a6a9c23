"""What to do about what health finds, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from cryptox._standstill import ADVICE as STANDSTILL_ADVICE

from .diagnosis import FIREWALL_ADVICE

__all__ = ["ADVICE", "Trouble"]

Trouble = Literal["banned", "limited", "resting", "busy", "blocked", "firewall", "refused", "unreachable", "silent"]

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "banned": "Nothing is sent until the ban is over. Ask for less at a time (weight_share=), and see which other "
        "programs use this address.",
        "limited": "Calls wait for the next window by themselves. Ask for less at a time, or lower weight_share.",
        "resting": "It is tried again by itself. See whether the network works; look at the exchange's status page.",
        "busy": "The exchange itself is in trouble: wait, and look at its status page.",
        "blocked": "The exchange does not serve this place: use a venue that does, or cx.connect('paper').",
        "firewall": FIREWALL_ADVICE,
        "refused": "See the reason; cx.doctor() looks for more.",
        "unreachable": "See whether the network, the proxy and the address are right: cx.doctor() tries each of them.",
        "silent": "Ask again; if nothing answers, see whether the network works.",
        "failed": "This is a defect of cryptox; the other components hold.",
        "slow": "The way to the exchange, or the exchange, is slow: orders and downloads take longer than usual.",
        "errors": "Requests fail and are repeated. cx.logs.configure(level='DEBUG') shows which.",
        "weight": "Little is left of the limit until the window ends: bulk downloads wait, orders go first.",
        "late": "Something holds up the loop: a coroutine of yours that computes, or a machine with too much to do.",
        "stuck": STANDSTILL_ADVICE,
        "again": "It goes on by itself. If it happens again and again that is a defect: tell us, with the log's lines.",
        "forked": "A process made by fork inherits no connection: make sessions and feeds of its own in it, "
        "cx.connect(...).",
        "standing": "Let its loop run; if the loop or its thread has ended, make what ran on it anew.",
        "down": "It connects again by itself, and what was missed is repaired. If it goes on, see the network.",
        "quiet": "The connection is asked for a sign of life and made anew if none comes.",
        "lag": "Events are late: callbacks on the loop, this machine or the network are too slow, or a clock is wrong.",
        "behind": "What was missed is being asked for over REST; until then a feed's status says not synced.",
        "unresolved": "Do not place them again: asking goes on, and session.unresolved() shows what became of them.",
        "long": "Look at the exchange itself what became of the orders of session.unresolved().",
        "slow_orders": "Orders take long: see exchange_api for the way, and whether calls wait for weight.",
        "user_down": "It connects again by itself. Until then orders are still placed, and session.orders(...) asks.",
        "user_ended": "Its key was refused: check the key and its rights, then connect the user again.",
        "skew": "Set this machine's clock. Requests are signed with the exchange's own time all the same.",
    }
)
