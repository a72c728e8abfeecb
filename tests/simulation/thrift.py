"""What a seed in memory does at less cost, checked no less: seeds on real files do it in full.

A third of the time went into packing a few hundred bytes as tightly as a slow link wants them, and
into packing the same register entries anew for every seed. What is packed is read back by the
production code, whichever level wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest.mock import patch

import zstandard

from sync.engine import publishing
from sync.protocol import compression, packs
from sync.protocol.compression import Packing
from sync.protocol.packs import Pack
from sync.protocol.registers import Entry

LEVEL = 1


@contextmanager
def thrifty() -> Iterator[None]:
    """Run a block with quick packing, and with each set of register entries packed once."""
    with (
        patch.object(compression, "compress", _compress),
        patch.object(publishing, "encode_packs", _encode_packs),
    ):
        yield


@lru_cache(maxsize=4)
def _compressor(dictionary: int) -> zstandard.ZstdCompressor:
    shared = compression._dictionary(dictionary) if dictionary else None
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=shared, write_dict_id=False)


def _compress(plain: bytes, packing: Packing) -> bytes:
    return _compressor(packing.dictionary).compress(plain)


def _encode_packs(entries: Iterable[Entry]) -> list[Pack]:
    return list(_packed(tuple(entries)))


@lru_cache(maxsize=256)
def _packed(entries: tuple[Entry, ...]) -> tuple[Pack, ...]:
    return tuple(packs.encode_packs(entries))
