"""How often a node calls its parent, and how much it says at a time: arithmetic without a clock.

Numbers: idle, a station calls every five minutes: 288 rounds of about 333 bytes, an hourly time
mark and an hourly word on its health come to about 105 KB a day. While something moves it calls
every half minute, for ten minutes after the last that moved.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.engine.outgoing import Budget
from sync.protocol.limits import ROUND_SENT_BYTES_MIN, ROUND_SENT_BYTES_TARGET

IDLE_SECONDS = 300.0
ACTIVE_SECONDS = 30.0
HINT_SECONDS = (5.0, 3600.0)
"""What a parent may ask for."""
ACTIVE_FOR_SECONDS = 600.0
START_SPREAD_SECONDS = 30.0
"""After a power cut a whole county starts at once; the first round waits for a part of this."""
BACKOFF_FACTOR_MAX = 4.0
AGAIN_SECONDS = 0.5
ROUND_SECONDS = 20.0
"""One round's request should take about this long at the measured rate."""
RATED_BYTES_MIN = 8 * 1024
"""Smaller exchanges measure the delay of the line, not its rate."""
FIRST_BUDGET_BYTES = 128 * 1024
_WEIGHT = 0.3


def pause(interval: float, *, failures: int, since_moved: float, jitter: float) -> float:
    """Return the seconds to wait before the next round.

    Units: seconds; `jitter` is in [0, 1), `since_moved` since anything went up or came down. One
    round in a storm must not meet all the others: the pause is drawn from half to one and a half
    of what it is on average.
    """
    base = interval if since_moved > ACTIVE_FOR_SECONDS else min(interval, ACTIVE_SECONDS)
    stretched = base * min(1.0 + failures / 4, BACKOFF_FACTOR_MAX)
    base = min(stretched, max(base, IDLE_SECONDS))
    return base * (0.5 + jitter)


def again_after_cut(jitter: float) -> float:
    """Return the seconds after which a round that was cut while it carried much is followed up.

    The road was there a moment ago: what it can carry is lost while nobody calls. Once only, the
    next failure waits as `pause` says; quiet stations, whose rounds are small, always do.
    """
    return AGAIN_SECONDS * (0.5 + jitter)


def hinted(hint_ms: int) -> float:
    """Return the interval a parent asks for, within reason; the usual one if it does not ask."""
    if hint_ms <= 0:
        return IDLE_SECONDS
    least, most = HINT_SECONDS
    return min(max(hint_ms / 1000, least), most)


def busy_pause(retry_after: float, interval: float, jitter: float) -> float:
    """Return the seconds to stay away from a parent that is busy: never less than it asked for."""
    wait = retry_after or min(interval, ACTIVE_SECONDS)
    return wait * (1.0 + jitter)


@dataclass(slots=True)
class Used:
    """What the link carried since this was last booked."""

    rounds: int = 0
    up: int = 0
    down: int = 0


class Meter:
    """Measures a link and gives the budget of its next round."""

    def __init__(self, ceiling: int = 0) -> None:
        """`ceiling`: bytes a round may take each way at most as set for the link, 0 for none."""
        self._ceiling = ceiling or ROUND_SENT_BYTES_TARGET
        self.rate = 0.0
        """Bytes per second as measured, 0 before the first measurement."""
        self._used = Used()

    def note(self, up: int, down: int, seconds: float) -> None:
        """Take in one answered round."""
        self.spent(up, down)
        if up + down >= RATED_BYTES_MIN and seconds > 0:
            now = (up + down) / seconds
            self.rate = now if not self.rate else self.rate + _WEIGHT * (now - self.rate)

    def spent(self, up: int, down: int) -> None:
        """Count what a round took, answered or not."""
        self._used.rounds += 1
        self._used.up += up
        self._used.down += down

    def broke(self, up: int) -> None:
        """Take in a round that went unanswered: the next one is smaller."""
        self.spent(up, 0)
        if up >= RATED_BYTES_MIN:
            rate = self.rate or FIRST_BUDGET_BYTES / ROUND_SECONDS
            self.rate = max(rate / 2, ROUND_SENT_BYTES_MIN / ROUND_SECONDS)

    def budget(self) -> Budget:
        """Return how much the next round may carry each way."""
        wanted = int(self.rate * ROUND_SECONDS) if self.rate else FIRST_BUDGET_BYTES
        share = min(max(wanted, ROUND_SENT_BYTES_MIN), max(self._ceiling, ROUND_SENT_BYTES_MIN))
        return Budget(share, share)

    def take_used(self) -> Used:
        """Return what was used since the last call, to be booked."""
        used, self._used = self._used, Used()
        return used
