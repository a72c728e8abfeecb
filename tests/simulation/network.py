"""The simulated road between child and parent: what becomes of a request and of an answer.

Rounds are lost on the way there or back, delayed past each other, delivered twice (the second time
perhaps much later), or cut after some bytes. A cut link carries nothing for a while.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

STRAIGHT = "straight"
DROP = "drop"
DELAY = "delay"
DOUBLE = "double"
CUT = "cut"
POOL_MAX = 12
UP, DOWN, BOTH = "up", "down", "both"
"""Ways of a link that can be clogged: requests, answers."""


class Weights(NamedTuple):
    """How often what happens, out of their sum."""

    straight: int
    drop: int
    delay: int
    double: int
    cut: int


ROUGH = Weights(70, 7, 8, 7, 8)
CLEAN = Weights(1, 0, 0, 0, 0)


class Clog(NamedTuple):
    """A link that carries nothing one way or both, from a step on until another."""

    child: str
    first: int
    until: int
    way: str


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
    parent: str = ""
    """Whom the child called: it may have moved since."""


def parts_of(raw: bytes, rng: random.Random) -> list[bytes]:
    """Return a message as it arrives: in parts cut anywhere."""
    cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(rng.randrange(4)))
    return [raw[a:b] for a, b in pairwise([0, *cuts, len(raw)]) if a < b]


class Network:
    """Fates of messages, the pool of those still under way, and links that are cut."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.weights = ROUGH
        self.pool: list[Message] = []
        self.cut: dict[str, int] = {}
        """Child to the step at which its uplink works again."""
        self.clogs: list[Clog] = []
        self.packs_late: dict[str, int] = {}
        """Child to the step until which no pack of an edition comes to it."""
        self.counts: dict[str, int] = {}

    def is_cut(self, message: Message, step: int) -> bool:
        """Return whether the link of a message carries nothing its way now."""
        way = DOWN if message.is_answer else UP
        return self.cut.get(message.child, 0) > step or any(
            clog.child == message.child and clog.first <= step < clog.until
            and clog.way in (way, BOTH)
            for clog in self.clogs
        )  # fmt: skip

    def swizzle(self, children: list[str], step: int, gap: int) -> None:
        """Clog links one after the other, then let them go in another order."""
        last = step + gap * len(children)
        freed = self.rng.sample(range(len(children)), len(children))
        for at, child in enumerate(children):
            self.clogs.append(Clog(child, step + gap * at, last + gap * (freed[at] + 1), BOTH))

    def mend(self) -> None:
        """Let every link carry all it is given, whole and at once."""
        self.cut.clear()
        self.clogs.clear()
        self.packs_late.clear()
        self.weights = CLEAN

    def fate(self, message: Message, step: int) -> str:
        """Return what becomes of a message sent now."""
        cut = self.is_cut(message, step)
        return self._fate(cut, "answer_" if message.is_answer else "request_")

    def fate_of_ask(self, child: str, step: int) -> str:
        """Return what becomes of an ask on the second lane and of its answer."""
        ask, answer = (Message(child, b"", way, 0, 0) for way in (False, True))
        return self._fate(self.is_cut(ask, step) or self.is_cut(answer, step), "ask_")

    def _fate(self, cut: bool, kind: str) -> str:
        names = (STRAIGHT, DROP, DELAY, DOUBLE, CUT)
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
