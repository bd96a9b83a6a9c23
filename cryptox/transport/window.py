"""One limit's current window: what the exchange has counted in it, and what may still come. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from .clock import Moment
from .messages import Limit

__all__ = ["Sent", "Verdict", "Window"]

OPENING = 4  # requests that may be under way in a window of which no answer has come back yet
FIRST = 2  # the same, while nothing at all is known of what others do
RESERVE = 0.03  # of the limit, kept back at the start of a window, less and less towards its end
SPREAD = 0.15  # the same where others are active: given out over the window, so that the count we go by stays fresh
LITTLE = 0.01  # of a window: what we assume of others before we see anything weighs as much as so long a look
MUCH = 0.5  # of a window: all that we saw in the windows before weighs as much, at most
NEWCOMER = 0.1  # kept back in the first window that we see: somebody of our kind may have come at the same time
FOOTHOLD = 0.12  # of the limit: ours over a window, even where others are expected to take all
FOOT_IN = 0.02  # the same at first: others do not know of us yet; it grows by as much with every window
CONTESTED = 0.02  # of the limit: with so much used by others they count as active
BURST_MOST = 0.03  # of the limit: surprises beyond are somebody coming or going, which the forecast learns
BURST = 1.25  # times the largest surprise of late, for the next
JUMP_MS = 500.0  # further than this ahead of the monotonic clock, the clock was set, and no such time has passed
TWIN = 1.75  # others that behave like us have as much under way as we have, and no header shows it yet


class Sent(NamedTuple):
    """What a window notes about a request when it goes out."""

    window: int  # the index of the one that was current
    counted: float  # the exchange's count, known before sending: in the same window no answer can show less
    weight: int
    moment: Moment


class Verdict(NamedTuple):
    """Whether a request may go; if not, whether it can only go in a later window."""

    granted: bool
    later_window: bool


class Window:
    """Fixed, aligned windows of one limit. Not safe for threads: the limiter locks.

    What others will use until the window ends is forecast from how the exchange's count moves beyond our own sends,
    and left to them; towards the end of the window the forecast, and with it the reserve, goes to nothing.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.index: int | None = None
        self.counted = 0.0  # the exchange's count, as far as headers and failed requests tell
        self.own = 0.0  # our requests that the count includes
        self.opened = False
        self._met = False  # whether any answer ever came
        self.opening = 0  # our requests sent in this window before its first answer
        self._counted_ms = 0.0  # when the exchange had counted so
        self._rate = (
            limit.amount / limit.window_ms
        )  # what others used per ms in the windows before: the worst, at first
        self._seen = LITTLE  # windows' worth of looking that the rate rests on
        self._foothold = FOOT_IN * limit.amount
        self._burst = 0.0  # by how much others lately surprised us at once
        self._round_trip_ms = 0.0
        self._shortest_ms = math.inf
        self._next: tuple[float, float, float] | None = None  # (count, own, when) seen of the window to come
        self._latest: Moment | None = None
        self._booked_at = float("-inf")  # monotonic time of the last answer or loss
        self._kept = False  # whether the count may be from before the clock was set

    def roll(self, now: Moment) -> None:
        """Enter the window that has begun for certain; a moment from before the last one changes nothing."""
        last = self._latest
        if last is not None and now.at < last.at:
            return
        self._latest = now
        index = math.floor(now.low_ms / self.limit.window_ms)
        if self.index is None or last is None:
            self.index = index
            self._counted_ms = max(now.low_ms, 0.0)
            return
        passed_ms = (now.at - last.at) * 1000
        ahead = index > self.index and now.low_ms - last.high_ms > passed_ms + JUMP_MS
        if ahead or now.high_ms < self._start_ms:
            self._anchor(index, now)
        elif index > self.index:
            self._learn(index)
            self.index = index
            self.counted = self.own = 0.0
            self.opened, self.opening, self._kept = False, 0, False
            self._counted_ms = self._start_ms
            if self._next is not None and self._next[2] >= self._start_ms:
                self.counted, self.own, self._counted_ms = self._next
                self.opened = True
            self._next = None

    def judge(self, weight: int, in_flight: float, now: Moment, share: float, *, urgent: bool = False) -> Verdict:
        """Whether ``weight`` more fits, with ``in_flight`` of our own not answered yet.

        What is urgent, a single call or an order, goes as long as there is room: long downloads leave to others what
        these may yet use, and at first send a few and wait for their answers, which may be long in coming.
        """
        full = not self.opened and self.opening >= (OPENING if self._met else FIRST)
        # Where the answers told nothing because the clock was at a boundary, one more goes beyond it.
        if full and not urgent and (in_flight > 0 or now.high_ms >= self.end_ms()):
            return Verdict(False, False)
        room = self.limit.amount * share - self.counted
        twin = TWIN if self._contested else 1.0
        if twin * (in_flight + weight) <= room - self._forecast() - self._margin(in_flight, now):
            return Verdict(True, False)
        safe = 2.0 * (in_flight + weight) <= room - RESERVE * self.limit.amount
        if safe and (urgent or self._has_foothold(weight, in_flight, now)):
            return Verdict(True, False)
        alone = in_flight == 0 and self.own == 0 and not (self._met and self._contested)
        if alone and self.counted + weight <= self.limit.amount:
            # Dearer than a whole share: it goes when it is the only one.
            return Verdict(True, False)
        return Verdict(False, in_flight + weight > room)

    def sent(self, weight: int, now: Moment) -> Sent:
        """Note that a request goes out now."""
        assert self.index is not None
        if not self.opened:
            self.opening += 1
        return Sent(self.index, self.counted, weight, now)

    def answered(self, sent: Sent, used: int | None, now: Moment) -> None:
        """Book an answer to the window in which the exchange counted it."""
        assert self.index is not None
        round_trip = max(0.0, (now.at - sent.moment.at) * 1000)
        self._round_trip_ms += (round_trip - self._round_trip_ms) * (0.2 if self._round_trip_ms else 1.0)
        self._shortest_ms = min(self._shortest_ms, round_trip)
        # By the clock as it is now: it may have been set since the request went out.
        first = math.floor((now.low_ms - round_trip) / self.limit.window_ms)
        last = math.floor(now.high_ms / self.limit.window_ms)
        if last < self.index:
            return
        self._booked_at = max(self._booked_at, now.at)
        fresh = used is not None and used < sent.counted  # the count began anew after sending
        # Most of a long round trip is waiting for the answer, at the exchange or here: others went on meanwhile.
        when_ms = (now.low_ms + now.high_ms) / 2 - round_trip + self._shortest_ms / 2
        if sent.window != self.index and not self._kept:
            if fresh or first >= self.index:
                self._book(used, sent.weight, max(when_ms, self._start_ms))
            elif used is None:
                self.own += sent.weight
                self.counted = max(self.counted, self.own)
            else:
                # Sent in the window before, without proof that this one counted it. Taken for ours, it would hide as
                # much of what others use, and the forecast would be too low.
                self.counted = max(self.counted, self.own + sent.weight)
            return
        if not fresh:
            if last > self.index and not self.opened and used is not None:
                return  # of which window this is the count, nothing proves yet
            self._book(used, sent.weight, when_ms)
            return
        assert used is not None
        if last > self.index:
            count, own, _ = self._next or (0.0, 0.0, 0.0)
            start = (self.index + 1) * self.limit.window_ms
            self._next = (max(count, used), own + sent.weight, max(when_ms, float(start)))
            return
        # The count began anew in the middle of what we take for one window: our clock is off. Believe the exchange.
        others = max(0.0, self.counted - self.own)
        self.counted = float(used)
        self.own = max(float(min(used, sent.weight)), used - others)
        self._counted_ms = when_ms
        self.opened = self._met = True
        self._kept = False

    def lost(self, sent: Sent, now: Moment) -> None:
        """No answer came: the exchange may have counted the request in any window since."""
        assert self.index is not None
        if math.floor(now.high_ms / self.limit.window_ms) < self.index:
            return
        self._booked_at = max(self._booked_at, now.at)
        self.counted += sent.weight
        self.own += sent.weight
        if not self.opened and sent.window == self.index:
            self.opening -= 1

    def unsent(self, sent: Sent) -> None:
        """The request never left."""
        if not self.opened and sent.window == self.index:
            self.opening -= 1

    def end_ms(self) -> float:
        """When the current window ends."""
        return self._start_ms + self.limit.window_ms

    @property
    def _start_ms(self) -> float:
        return float((self.index or 0) * self.limit.window_ms)

    @property
    def _contested(self) -> bool:
        return max(self._pace() * self.limit.window_ms, self._others) > CONTESTED * self.limit.amount

    @property
    def _others(self) -> float:
        return max(0.0, self.counted - self.own)

    def _anchor(self, index: int, now: Moment) -> None:
        """Take ``index`` for the window, as the clock was set: what was counted since it began counts in it.

        That is kept until a header corrects it; if there is nothing, it is a new window.
        """
        start_ms = float(index * self.limit.window_ms)
        self._kept = self._booked_at >= now.at - (now.high_ms - start_ms) / 1000
        if not self._kept:
            assert self.index is not None
            self._learn(self.index + 1)
            self.counted = self.own = 0.0
            self.opened = False
        elif self._next is not None:
            self.counted, self.own, _ = self._next
            self.opened, self._kept = True, False
        self.opening = 0
        self.index = index
        self._counted_ms = max(now.low_ms, start_ms)
        self._next = None

    def _book(self, used: int | None, weight: int, when_ms: float) -> None:
        self.own += weight
        self._met = True
        if used is None:
            if self._others == 0:  # nothing will ever tell of others where the exchange does not say its count
                self._counted_ms = max(self._counted_ms, when_ms)
            self.counted = max(self.counted, self.own)
            self.opened = True
            return
        before, since_ms = self._others, self._counted_ms
        if used > self.counted:
            surprise = (used - self.own) - before - self._pace() * (when_ms - since_ms)
            if self.opened:
                self._burst = max(self._burst, min(surprise, BURST_MOST * self.limit.amount))
            self.counted = float(used)
            self._counted_ms = max(self._counted_ms, when_ms)
        self.counted = max(self.counted, self.own)
        self.opened = True

    def _pace(self) -> float:
        """What others use per ms, from this window and those before."""
        elapsed = max(0.0, self._counted_ms - self._start_ms)
        weight = self._seen * self.limit.window_ms
        return (self._rate * weight + self._others) / (weight + elapsed)

    def _has_foothold(self, weight: int, in_flight: float, now: Moment) -> bool:
        """Whether this is ours even where others are expected to take all: those of our kind will make room.

        It is given out over the whole window, so that there is always a fresh count to go by.
        """
        elapsed = (now.low_ms - self._start_ms) / self.limit.window_ms
        if elapsed > 0.9:
            return False
        return self.own + in_flight + weight <= self._foothold * (0.1 + max(0.0, elapsed))

    def _forecast(self) -> float:
        """What others will have used when the window ends, beyond the count we know."""
        if not self._met:
            return 0.0  # somebody must ask, to see anything
        left_ms = max(0.0, self.end_ms() - self._counted_ms)
        return self._pace() * left_ms

    def _margin(self, in_flight: float, now: Moment) -> float:
        """What is kept back beyond the forecast: for newcomers, for bursts, and so that something is left to send."""
        amount, trip_ms = self.limit.amount, self._round_trip_ms
        middle_ms = (now.low_ms + now.high_ms) / 2
        if not self._contested:
            left = self._left(middle_ms)
            return max(RESERVE * amount * left, 2 * self._pace() * min(trip_ms, left * self.limit.window_ms))
        # What followed the last count is as unknown as what is to come. Only a request that will bring a new count
        # in time may go on less, or with nothing under way nothing would ever be sent again.
        tells = not in_flight and middle_ms + trip_ms < self.end_ms()
        left = self._left(middle_ms if tells else self._counted_ms)
        new = 1 - self._seen / MUCH
        newcomer = NEWCOMER * amount * new
        # A burst may come at the very end, where the even forecast has gone to nothing.
        return newcomer + max(SPREAD * amount * left * (1 + new), BURST * self._burst - self._forecast())

    def _left(self, since_ms: float) -> float:
        """What part of the window is still to come after ``since_ms``."""
        if not self.opened:
            return 1.0
        return min(1.0, max(0.0, (self.end_ms() - since_ms) / self.limit.window_ms))

    def _learn(self, index: int) -> None:
        """Carry what others used over into the next windows."""
        assert self.index is not None
        if self.opened:
            self._rate = self._pace()
            self._seen = min(MUCH, self._seen + max(0.0, self._counted_ms - self._start_ms) / self.limit.window_ms)
            first = FOOT_IN * self.limit.amount
            grown = min(FOOTHOLD * self.limit.amount, self._foothold + first)
            self._foothold = first if self.counted > self.limit.amount else grown
        self._rate *= 0.5 ** min(index - self.index - 1, 60)
        self._burst *= 0.8
