"""The simulated road between child and parent: what becomes of a request and of an answer.

Rounds are lost on the way there or back, delayed past each other, delivered twice (the second time
perhaps much later), or cut after some bytes. A cut link carries nothing for a while.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

STRAIGHT = "straight"
DROP = "drop"
DELAY = "delay"
DOUBLE = "double"
CUT = "cut"
POOL_MAX = 12


class Weights(NamedTuple):
    """How often what happens, out of their sum."""

    straight: int
    drop: int
    delay: int
    double: int
    cut: int


ROUGH = Weights(70, 7, 8, 7, 8)
CLEAN = Weights(1, 0, 0, 0, 0)


@dataclass(slots=True)
class Message:
    """A request or an answer under way; `life` is that of the child that waits for the answer."""

    child: str
    raw: bytes
    is_answer: bool
    life: int
    serial: int
    ghost: bool = False
    """Nobody waits for what comes of it: a second copy, or its caller gave up."""


class Network:
    """Fates of messages, the pool of those still under way, and links that are cut."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.weights = ROUGH
        self.pool: list[Message] = []
        self.cut: dict[str, int] = {}
        """Child to the step at which its uplink works again."""
        self.counts: dict[str, int] = {}

    def is_cut(self, child: str, step: int) -> bool:
        """Return whether the uplink of a child carries nothing now."""
        return self.cut.get(child, 0) > step

    def fate(self, message: Message, step: int) -> str:
        """Return what becomes of a message sent now."""
        return self._fate(message.child, step, "answer_" if message.is_answer else "request_")

    def fate_of_ask(self, child: str, step: int) -> str:
        """Return what becomes of an ask on the second lane and of its answer."""
        return self._fate(child, step, "ask_")

    def _fate(self, child: str, step: int, kind: str) -> str:
        names = (STRAIGHT, DROP, DELAY, DOUBLE, CUT)
        cut = self.is_cut(child, step)
        chosen = DROP if cut else self.rng.choices(names, self.weights)[0]
        self.counts[kind + chosen] = self.counts.get(kind + chosen, 0) + 1
        return chosen

    def shorten(self, raw: bytes) -> bytes:
        """Return a message cut somewhere."""
        return raw[: self.rng.randrange(len(raw))]

    def keep(self, message: Message) -> None:
        """Let a message arrive later; a full pool loses its oldest."""
        self.pool.append(message)
        if len(self.pool) > POOL_MAX:
            self.pool.pop(0)

    def pick(self) -> Message:
        """Take any message that is still under way: order is nobody's promise."""
        return self.pool.pop(self.rng.randrange(len(self.pool)))
