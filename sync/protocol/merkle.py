"""The logical root of an edition: a Merkle root over its entries, in order of their keys.

Leaf and node tags as in RFC 9162; an odd one is carried up. Reckoned from a stream of leaves with
one hash kept per level, so that a shelf of any size takes no memory to speak of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sync.protocol.registers import Entry

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()


def leaf(entry: Entry) -> bytes:
    """Return the leaf hash (32 bytes) of one entry."""
    return hashlib.sha256(b"\0" + entry.key.encode() + b"\0" + entry.raw).digest()


class RootSum:
    """Sums leaves, given in order of their keys, to a root.

    Whole subtrees stand on a stack, the largest first: as many as there are ones in the count.
    """

    def __init__(self) -> None:
        self._stack: list[bytes] = []
        self.count = 0

    def add(self, node: bytes) -> None:
        """Take the next leaf hash."""
        self.count += 1
        carried = self.count
        while not carried & 1:
            node = hashlib.sha256(b"\1" + self._stack.pop() + node).digest()
            carried >>= 1
        self._stack.append(node)

    def root(self) -> str:
        """Return the root, hex SHA-256, of the leaves so far."""
        if not self._stack:
            return EMPTY_ROOT
        *stack, top = self._stack
        while stack:
            top = hashlib.sha256(b"\1" + stack.pop() + top).digest()
        return top.hex()


def merkle_root(entries: Iterable[Entry]) -> str:
    """Return the logical root, hex SHA-256, over entries in whatever order they are given."""
    total = RootSum()
    for entry in sorted(entries):
        total.add(leaf(entry))
    return total.root()


def beside(leaves: Sequence[bytes], at: int) -> list[bytes]:
    """Return what stands beside the way from one leaf to the root, from below (RFC 9162, 2.1.3)."""
    if len(leaves) <= 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if at < half:
        return [*beside(leaves[:half], at), _root_of(leaves[half:])]
    return [*beside(leaves[half:], at - half), _root_of(leaves[:half])]


def _root_of(leaves: Sequence[bytes]) -> bytes:
    total = RootSum()
    for node in leaves:
        total.add(node)
    return bytes.fromhex(total.root())


def root_by(node: bytes, at: int, count: int, besides: Sequence[bytes]) -> str:
    """Return the root that a leaf at a place among `count` leads to; "" where it leads nowhere."""
    if not 0 <= at < count:
        return ""
    last = count - 1
    for other in besides:
        if not last:
            return ""
        if at & 1 or at == last:
            node = hashlib.sha256(b"\1" + other + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + other).digest()
        at, last = at >> 1, last >> 1
    return "" if last else node.hex()
