"""The logical root of an edition: a Merkle root over its entries, in order of their keys.

Leaf and node tags as in RFC 9162; an odd one is carried up. Reckoned from a stream of leaves with
one hash kept per level, so that a shelf of any size takes no memory to speak of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sync.protocol.registers import Entry

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()


def leaf(entry: Entry) -> bytes:
    """Return the leaf hash (32 bytes) of one entry."""
    return hashlib.sha256(b"\0" + entry.key.encode() + b"\0" + entry.raw).digest()


def root_of_leaves(leaves: Iterable[bytes]) -> str:
    """Return the root, hex SHA-256, over leaf hashes in order of their keys.

    Whole subtrees stand on a stack, the largest first: as many as there are ones in the count.
    """
    stack: list[bytes] = []
    for count, given in enumerate(leaves, start=1):
        node, carried = given, count
        while not carried & 1:
            node = hashlib.sha256(b"\1" + stack.pop() + node).digest()
            carried >>= 1
        stack.append(node)
    if not stack:
        return EMPTY_ROOT
    top = stack.pop()
    while stack:
        top = hashlib.sha256(b"\1" + stack.pop() + top).digest()
    return top.hex()


def merkle_root(entries: Iterable[Entry]) -> str:
    """Return the logical root, hex SHA-256, over entries in whatever order they are given."""
    return root_of_leaves(leaf(entry) for entry in sorted(entries))
