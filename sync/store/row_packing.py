"""Rows of a shelf compressed one by one with a dictionary trained on the shelf's own entries.

So a single row is read without its neighbours, in a fifth of its size. A dictionary is named by its
content, is never changed, and stays as long as rows need it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import zstandard

from sync.store.sql import Connection

PLAIN: Final = 0
"""Stands for no dictionary: the row is stored as it is."""
LEVEL: Final = 3
DICTIONARY_BYTES_MAX: Final = 110 * 1024
"""Larger gains little; smaller costs a fifth at 64 KiB, measured on the benchmark's matters."""
DICTIONARY_SHARE: Final = 10
"""A dictionary takes at most a tenth of what it was trained on."""
SAMPLES_MIN: Final = 32
SAMPLE_BYTES_MAX: Final = 1280 * 1024
SAMPLE_SEGMENT: Final = 1024
SAMPLE_STEP: Final = 8
"""Parameters of the trainer; given, so that it does not spend seconds looking for them."""
_KEPT = 8

_kept: OrderedDict[int, zstandard.ZstdCompressionDict] = OrderedDict()
_lock = threading.Lock()


def train(connection: Connection, rows: Sequence[bytes]) -> int:
    """Return the name of a dictionary trained on rows and stored, `PLAIN` where none would pay."""
    samples: list[bytes | bytearray | memoryview] = []
    total = 0
    for row in rows:
        if total + len(row) > SAMPLE_BYTES_MAX:
            break
        samples.append(row)
        total += len(row)
    size = min(DICTIONARY_BYTES_MAX, total // DICTIONARY_SHARE)
    if len(samples) < SAMPLES_MIN or size < SAMPLE_SEGMENT:
        return PLAIN
    try:
        made = zstandard.train_dictionary(size, samples, k=SAMPLE_SEGMENT, d=SAMPLE_STEP)
    except zstandard.ZstdError:
        return PLAIN  # too little to learn from
    data = made.as_bytes()
    name = int.from_bytes(hashlib.sha256(data).digest()[:7], "big") + 1
    connection.execute(
        "INSERT INTO row_dictionaries (id, data) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
        (name, data),
    )
    return name


def forget_unused(connection: Connection) -> None:
    """Drop dictionaries that no row and no shelf needs any more."""
    connection.execute(
        "DELETE FROM row_dictionaries WHERE id NOT IN (SELECT dictionary FROM editions)"
        " AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.dictionary = row_dictionaries.id)"
    )


class RowPacking:
    """Packs and unpacks rows within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._packers: dict[int, zstandard.ZstdCompressor] = {}
        self._unpackers: dict[int, zstandard.ZstdDecompressor] = {}

    def pack(self, dictionary: int, raw: bytes) -> tuple[int, bytes]:
        """Return the dictionary used and the bytes to store."""
        if dictionary == PLAIN:
            return PLAIN, raw
        packer = self._packers.get(dictionary)
        if packer is None:
            packer = self._packers[dictionary] = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=self._dictionary(dictionary), write_dict_id=False
            )
        packed = packer.compress(raw)
        return (dictionary, packed) if len(packed) < len(raw) else (PLAIN, raw)

    def unpack(self, dictionary: int, stored: bytes) -> bytes:
        """Return the row that was stored."""
        if dictionary == PLAIN:
            return stored
        unpacker = self._unpackers.get(dictionary)
        if unpacker is None:
            unpacker = self._unpackers[dictionary] = zstandard.ZstdDecompressor(
                dict_data=self._dictionary(dictionary)
            )
        return unpacker.decompress(stored)

    def _dictionary(self, name: int) -> zstandard.ZstdCompressionDict:
        with _lock:
            found = _kept.get(name)
            if found is not None:
                _kept.move_to_end(name)
                return found
        (data,) = self._connection.execute(
            "SELECT data FROM row_dictionaries WHERE id = ?", (name,)
        ).fetchone()
        made = zstandard.ZstdCompressionDict(bytes(data))
        with _lock:
            _kept[name] = made
            while len(_kept) > _KEPT:
                _kept.popitem(last=False)
        return made
