"""Seeded bugs of trust: rights, clocks, copies of machines, what a newer release writes."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sync.engine import audience, clock, intake, parent, ratchet
from sync.protocol import rounds
from sync.protocol.errors import Malformed
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.ports import GOOD
from tests.simulation.planting import Patch


def audience_unchecked() -> list[Patch]:
    """Whoever signs may write to any stream and invite anybody."""
    return [(audience, "judge", lambda *_: (GOOD, ""))]


def newer_refused() -> list[Patch]:
    """An event of the next release is refused instead of carried."""
    original = intake._verified

    def verified(core: Any, transaction: Any, event: Any) -> Any:
        envelope = original(core, transaction, event)
        if envelope.v != PROTOCOL_VERSION:
            raise Malformed("version")
        return envelope

    return [(intake, "_verified", verified)]


def future_refused() -> list[Patch]:
    """An event from far in the future is refused: the wall clock judges what is true."""
    original = clock.follow

    def follow(transaction: Any, remote: int, now_ms: int) -> bool:
        if not original(transaction, remote, now_ms):
            raise Malformed("from the future")
        return True

    return [(clock, "follow", follow)]


def clock_followed() -> list[Patch]:
    """A hybrid clock follows any remote time, however far ahead."""
    return [(clock, "CLOCK_AHEAD_MS_MAX", 100 * 365 * 24 * 3600 * 1000)]


def old_token_accepted() -> list[Patch]:
    """Any ratchet token that was ever given is good enough."""

    def check(core: Any, transaction: Any, link: Any, hello: Any) -> Any:
        return rounds.OK, replace(link, token=link.token or core.chance.bytes(16))

    return [(ratchet, "check", check)]


def rewind_unseen() -> list[Patch]:
    """A parent minds neither a spent token nor a child that holds less of its own log."""
    original = parent._head_verdict

    def verdict(*given: Any) -> str:
        found: str = original(*given)
        return rounds.OK if found == rounds.REWIND else found

    def check(core: Any, transaction: Any, link: Any, hello: Any) -> Any:
        return rounds.OK, replace(link, token=link.token or core.chance.bytes(16))

    return [(parent, "_head_verdict", verdict), (ratchet, "check", check)]


def fork_unseen() -> list[Patch]:
    """A second content for a position passes for a duplicate."""
    original = parent._head_verdict

    def verdict(*given: Any) -> str:
        found: str = original(*given)
        return rounds.OK if found == rounds.FORK else found

    return [
        (parent, "_head_verdict", verdict),
        (intake, "_again", lambda *_: intake.DUPLICATE),
    ]
