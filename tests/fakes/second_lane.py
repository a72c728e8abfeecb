"""The second lane by hand: every ask of a child answered by its parent at once."""

from __future__ import annotations

from collections.abc import Callable

from node.blobs import BlobExchange, Taken
from sync.engine import blobs as engine
from sync.protocol.errors import StaleAsk

ASKS_MAX = 200
BYTES_PER_ASK = 1 << 20


def fetch(
    child: BlobExchange,
    parent: BlobExchange,
    *,
    alter: Callable[[bytes], bytes] = bytes,
    bytes_per_ask: int = BYTES_PER_ASK,
    asks_max: int = ASKS_MAX,
) -> Taken:
    """Fetch what the child wants, each blob asked for once; return what came of it.

    Shapes: `alter` changes, cuts or replaces the bytes of each answer on their way.
    """
    wants = left = child.wanted()
    stored = whole = missing = 0
    for _ in range(asks_max):
        parts = engine.parts_of(left, bytes_per_ask)
        ask = child.ask(parts) if parts else None
        if ask is None:
            break
        taker = child.taker(wants, parts)
        try:
            taker.feed(alter(b"".join(parent.serve(ask).pieces)))
        except StaleAsk:
            break  # the next round brings a token that counts
        finally:
            taker.flush()
        taken = taker.taken()
        stored, whole, missing = (
            stored + taken.stored,
            whole + taken.whole,
            missing + taken.missing,
        )
        left = engine.rest_after(left, parts)
    if whole:
        child.switch()
    return Taken(stored, whole, missing)
