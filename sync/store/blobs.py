"""`blobs.db`: scans, packs and releases by hash, in pieces, on an encrypted file of its own.

Pieces of one blob never overlap: of a piece that comes in, only what is not held yet is kept.
Bytes of an incomplete blob are not given out, because nothing proves them yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from pathlib import Path

from sync.protocol.ports import BlobAside
from sync.store import blob_sweep
from sync.store.blob_book import SqliteBlobBook
from sync.store.blob_names import ASIDE_KEPT, WRONG_ON_ARRIVAL, WRONG_ON_DISK, check_piece
from sync.store.blob_sweep import BlobFigures, Swept
from sync.store.encrypted_file import BUSY_MS, EncryptedFile
from sync.store.schema_blobs import BLOBS_SCHEMA
from sync.store.sql import Connection, Cursor

PIECE_BYTES = 256 * 1024
"""Whole blobs are cut into pieces of this size (the chunk of DESIGN 9)."""
READERS_IDLE_MAX = 1
_DATA = "SELECT start, data FROM pieces"
_STOP = "SELECT start, stop FROM pieces"
_BETWEEN = (
    " WHERE blob = ? AND start < ? AND start >= coalesce("
    "(SELECT max(start) FROM pieces WHERE blob = ? AND start <= ?), 0) ORDER BY start"
)


class SqliteBlobStore:
    """Implements `sync.protocol.ports.BlobStore`."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        *,
        must_exist: bool = False,
        quick_check: bool = False,
        busy_ms: int = BUSY_MS,
    ) -> None:
        """Open or create the file; errors are those of `EncryptedFile`.

        Shapes: `quick_check` is off by default: scans are large, and each is proved by its hash.
        """
        self._file = EncryptedFile(
            path,
            key,
            BLOBS_SCHEMA,
            must_exist=must_exist,
            quick_check=quick_check,
            busy_ms=busy_ms,
            readers_idle_max=READERS_IDLE_MAX,
        )
        self.book = SqliteBlobBook(self._file)

    def size(self, sha256: str) -> int | None:
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT size FROM blobs WHERE sha256 = ? AND complete = 1", (sha256,)
            ).fetchone()
            return None if row is None else int(row[0])

    def received(self, sha256: str) -> int:
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT id, size, complete FROM blobs WHERE sha256 = ?", (sha256,)
            ).fetchone()
            if row is None:
                return 0
            blob, size, complete = row
            return int(size) if complete else _contiguous(connection, blob)

    def read(self, sha256: str, offset: int, count: int) -> bytes:
        """Bytes of a complete blob, fewer at its end; none of a blob that is not complete."""
        if offset < 0 or count <= 0:
            return b""
        parts: list[bytes] = []
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT id FROM blobs WHERE sha256 = ? AND complete = 1", (sha256,)
            ).fetchone()
            if row is None:
                return b""
            for start, data in _overlapping(connection, row[0], offset, offset + count, _DATA):
                parts.append(data[max(offset - start, 0) : offset + count - start])
        return b"".join(parts)

    def put(self, data: bytes) -> str:
        """Store a whole blob and return its name. Durable when: it returns."""
        sha256 = hashlib.sha256(data).hexdigest()
        with self._file.write() as connection:
            row = connection.execute(
                "SELECT id, complete FROM blobs WHERE sha256 = ?", (sha256,)
            ).fetchone()
            if row is not None and row[1]:
                return sha256
            if row is not None:
                _forget(connection, row[0])
            blob = _begin(connection, sha256, len(data))
            for start in range(0, len(data), PIECE_BYTES):
                _insert(connection, blob, start, data[start : start + PIECE_BYTES])
            connection.execute("UPDATE blobs SET held = size, complete = 1 WHERE id = ?", (blob,))
        return sha256

    def put_piece(self, sha256: str, size: int, offset: int, data: bytes) -> bool:
        """Store a piece; see the port. A piece that names another size starts the blob anew.

        Durable when: it returns.
        Raises: Malformed, LimitExceeded, DiskFull, StorageError.
        """
        check_piece(sha256, size, offset, data)
        with self._file.write() as connection:
            row = connection.execute(
                "SELECT id, size, complete FROM blobs WHERE sha256 = ?", (sha256,)
            ).fetchone()
            if row is not None and row[2]:
                return True
            if row is not None and row[1] != size:
                _forget(connection, row[0])
                row = None
            blob = _begin(connection, sha256, size) if row is None else row[0]
            added = _insert_missing(connection, blob, offset, data)
            (held,) = connection.execute(
                "UPDATE blobs SET held = held + ? WHERE id = ? RETURNING held", (added, blob)
            ).fetchone()
            if held < size:
                return False
            if _digest(connection, blob) != sha256:
                _set_aside(connection, blob, sha256, WRONG_ON_ARRIVAL)
                return False
            connection.execute("UPDATE blobs SET complete = 1 WHERE id = ?", (blob,))
            return True

    def verify(self, sha256: str) -> bool:
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT id FROM blobs WHERE sha256 = ? AND complete = 1", (sha256,)
            ).fetchone()
            if row is None:
                return False
            if _digest(connection, row[0]) == sha256:
                return True
        with self._file.write() as connection:
            _set_aside(connection, row[0], sha256, WRONG_ON_DISK)
        return False

    def aside(self) -> Sequence[BlobAside]:
        with self._file.read() as connection:
            rows = connection.execute(
                "SELECT sha256, reason, length(data) FROM set_aside ORDER BY id DESC"
            )
            return [BlobAside(*row) for row in rows]

    def partial(self) -> Sequence[str]:
        with self._file.read() as connection:
            rows = connection.execute("SELECT sha256 FROM blobs WHERE complete = 0 ORDER BY sha256")
            return [str(sha256) for (sha256,) in rows]

    def forget(self, sha256: str) -> None:
        with self._file.write() as connection:
            row = connection.execute("SELECT id FROM blobs WHERE sha256 = ?", (sha256,)).fetchone()
            if row is not None:
                _forget(connection, row[0])

    def sweep_packs(self, kept: Set[str], now_ms: int, grace_ms: int) -> Swept:
        """Drop packs that no manifest named for so long; see `blob_sweep`."""
        with self._file.write() as connection:
            return blob_sweep.sweep_packs(connection, kept, now_ms, grace_ms)

    def figures(self) -> BlobFigures:
        """How full the file is."""
        with self._file.read() as connection:
            return blob_sweep.figures(connection)

    def close(self) -> None:
        """Finish what is queued, move the WAL into the file, close. Idempotent."""
        self._file.close()


def _begin(connection: Connection, sha256: str, size: int) -> int:
    (blob,) = connection.execute(
        "INSERT INTO blobs (sha256, size, held, complete) VALUES (?, ?, 0, 0) RETURNING id",
        (sha256, size),
    ).fetchone()
    return int(blob)


def _set_aside(connection: Connection, blob: int, sha256: str, reason: str) -> None:
    """Keep what was wrong apart, the newest few of it, and have the blob fetched anew."""
    rows = connection.execute("SELECT data FROM pieces WHERE blob = ? ORDER BY start", (blob,))
    data = b"".join(piece for (piece,) in rows.fetchall())
    connection.execute(
        "INSERT INTO set_aside (sha256, reason, data) VALUES (?, ?, ?)", (sha256, reason, data)
    )
    connection.execute(
        "DELETE FROM set_aside WHERE id NOT IN (SELECT id FROM set_aside ORDER BY id DESC LIMIT ?)",
        (ASIDE_KEPT,),
    )
    _forget(connection, blob)


def _forget(connection: Connection, blob: int) -> None:
    connection.execute("DELETE FROM pieces WHERE blob = ?", (blob,))
    connection.execute("DELETE FROM blobs WHERE id = ?", (blob,))


def _insert(connection: Connection, blob: int, start: int, data: bytes) -> None:
    connection.execute(
        "INSERT INTO pieces (blob, start, stop, data) VALUES (?, ?, ?, ?)",
        (blob, start, start + len(data), data),
    )


def _insert_missing(connection: Connection, blob: int, offset: int, data: bytes) -> int:
    """Store those parts of a piece that no held piece covers; return how many bytes they are."""
    end = offset + len(data)
    held = _overlapping(connection, blob, offset, end, _STOP).fetchall()
    at, added = offset, 0
    for start, stop in [*held, (end, end)]:
        if at < start:
            _insert(connection, blob, at, data[at - offset : start - offset])
            added += start - at
        at = max(at, stop)
    return added


def _overlapping(connection: Connection, blob: int, offset: int, end: int, select: str) -> Cursor:
    """Pieces that may touch [offset, end): as they do not overlap, one begins before it at most."""
    return connection.execute(select + _BETWEEN, (blob, end, blob, offset))


def _contiguous(connection: Connection, blob: int) -> int:
    reached = 0
    rows = connection.execute(
        "SELECT start, stop FROM pieces WHERE blob = ? ORDER BY start", (blob,)
    )
    for start, stop in rows:
        if start != reached:
            break
        reached = stop
    return reached


def _digest(connection: Connection, blob: int) -> str:
    digest = hashlib.sha256()
    rows = connection.execute("SELECT data FROM pieces WHERE blob = ? ORDER BY start", (blob,))
    for (data,) in rows:
        digest.update(data)
    return digest.hexdigest()
