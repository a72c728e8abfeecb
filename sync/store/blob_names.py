"""Checks shared by every blob store: a blob's name and a piece's bounds come from a peer."""

from __future__ import annotations

import re

from sync.protocol.errors import LimitExceeded, Malformed

_SHA256 = re.compile(r"[0-9a-f]{64}")
INTEGER_MAX = 2**53 - 1
ASIDE_KEPT = 8
"""Blobs with a wrong hash that are kept to be looked at."""
WRONG_ON_ARRIVAL = "wrong_on_arrival"
WRONG_ON_DISK = "wrong_on_disk"


def check_piece(sha256: str, size: int, offset: int, data: bytes) -> None:
    """Refuse a piece that cannot belong to its blob. Raises: Malformed, LimitExceeded."""
    if _SHA256.fullmatch(sha256) is None:
        raise Malformed("not a blob name")
    if not 0 <= size <= INTEGER_MAX or offset < 0:
        raise Malformed("piece out of bounds")
    if offset + len(data) > size:
        raise LimitExceeded("piece beyond the end of its blob")
