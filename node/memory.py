"""Keeps the process small on glibc: few arenas, and large blocks handed back as soon as freed.

Without it glibc raises its mmap threshold after the first password is reckoned (19 MiB) and keeps
such blocks for ever, and every thread gets an arena of its own. Elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
ARENAS: Final = 2
LARGE_BYTES: Final = 256 * 1024


def keep_small() -> None:
    """Tell the allocator; to be called before threads start."""
    library = ctypes.CDLL(None)
    mallopt = getattr(library, "mallopt", None)
    if mallopt is None:
        return
    mallopt(_ARENA_MAX, ARENAS)
    mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, LARGE_BYTES)


def settle() -> None:
    """Give back what starting left over, and spare the rest from further collections."""
    gc.collect()
    gc.freeze()
    give_back()


def give_back() -> None:
    """Hand memory no longer in use back to the system."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
