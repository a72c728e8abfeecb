"""What a parent keeps of the last exchange with each child, for the next to be squeezed against."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

NAME_BYTES = 6
CONTEXTS_MAX = 4096
CONTEXT_BYTES_MAX = 8 * 1024 * 1024


def name_of(context: bytes) -> bytes:
    """Return the name by which a request refers to a context."""
    return hashlib.sha256(context).digest()[:NAME_BYTES]


class Contexts:
    """The contexts a parent keeps for its children, the newest of them; lost with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: bytes) -> bytes | None:
        """Return a context by its name."""
        with self._lock:
            return self._kept.get(name)

    def keep(self, context: bytes, *, instead_of: bytes = b"") -> None:
        """Keep the context of an exchange; its predecessor stays for a repeated request."""
        with self._lock:
            if self._kept.setdefault(name_of(context), context) is context:
                self._bytes += len(context)
            if instead_of and name_of(instead_of) in self._kept:
                self._kept.move_to_end(name_of(instead_of), last=False)
            while len(self._kept) > CONTEXTS_MAX or self._bytes > CONTEXT_BYTES_MAX:
                self._bytes -= len(self._kept.popitem(last=False)[1])
