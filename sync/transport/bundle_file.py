"""Bundles as files: written whole or not at all, read from a copy nobody else can change.

Nothing from inside a bundle ever names a path. Sizes are checked before anything is allocated,
signature and hash before anything is opened.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sync.protocol import bundles, frames, sealing
from sync.protocol.bundles import BundleManifest, PartReader
from sync.protocol.compression import LEVEL_TIGHT, Packing
from sync.protocol.errors import (
    BundleDamaged,
    BundleTooLarge,
    BundleTruncated,
    DiskFull,
    LimitExceeded,
    NotABundle,
)
from sync.protocol.frames import Frame
from sync.protocol.limits import (
    BUNDLE_BYTES_MAX,
    BUNDLE_HEAD_BYTES_MAX,
    BUNDLE_PART_BYTES_MAX,
    BUNDLE_PART_BYTES_TARGET,
    BUNDLE_RATIO_MAX,
    FRAME_DECODED_BYTES_MAX,
)
from sync.protocol.sealing import Chunks
from sync.protocol.statements import Statement

PACKING = Packing(level=LEVEL_TIGHT)
"""Without a shared dictionary, so that whoever checks a file needs nothing but the file."""
BLOCK_BYTES = 256 * 1024
FILE_MODE = 0o600
FILE_BYTES_MAX = bundles.START_BYTES + BUNDLE_HEAD_BYTES_MAX + BUNDLE_BYTES_MAX
Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


def nobody(_done: int, _total: int) -> None:
    """Tell progress to nobody."""


class Sealed:
    """The sealed part of a bundle on its way into a file, with what the manifest says of it."""

    def __init__(self) -> None:
        self.plain_bytes = 0
        self.sealed_bytes = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def write(self, spool: BinaryIO, chunks: Chunks, content: Iterable[Frame]) -> None:
        """Seal frames into a file. Raises: BundleTooLarge, OSError."""
        for piece in sealing.seal(chunks, self._parts(content)):
            self.sealed_bytes += len(piece)
            if self.sealed_bytes > BUNDLE_BYTES_MAX:
                raise BundleTooLarge("while being made")
            self._digest.update(piece)
            spool.write(piece)

    def _parts(self, content: Iterable[Frame]) -> Iterator[bytes]:
        batch: list[Frame] = []
        size = 0
        for frame in content:
            batch.append(frame)
            size += len(frame.payload)
            if size >= BUNDLE_PART_BYTES_TARGET:
                yield self._part(batch)
                batch, size = [], 0
        if batch:
            yield self._part(batch)

    def _part(self, batch: list[Frame]) -> bytes:
        part = bundles.encode_part(frames.encode_stream(batch, PACKING))
        self.plain_bytes += len(part)
        return part


def put_together(path: Path, head: bytes, spool: BinaryIO) -> int:
    """Write head and sealed part to a new file at `path`, durably; return its size.

    Durable when: this returns. A file of this name is never half there.
    Raises: OSError.
    """
    beside = path.with_name(path.name + ".part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(head)
        spool.seek(0)
        while block := spool.read(BLOCK_BYTES):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    os.replace(beside, path)
    _sync_folder(path.parent)
    return size


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some drivers of sticks cannot
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def copy_in(source: Path, spool: BinaryIO, progress: Progress = nobody) -> None:
    """Copy a file from a stick or an upload into a spool file.

    A file that is not as long as its head says is refused before it is copied.
    Raises: NotABundle (not a plain file, too short), BundleTooLarge, DiskFull, OSError, and what
    `BundleFile` raises.
    """
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NotABundle("not a plain file")
        if facts.st_size > FILE_BYTES_MAX:
            raise BundleTooLarge(str(facts.st_size))
        manifest, start = _head_of(file)[1:]
        _check_size(manifest, facts.st_size - start)
        file.seek(0)
        copied = 0
        block = file.read(BLOCK_BYTES)
        try:
            while block:
                copied += len(block)
                if copied > FILE_BYTES_MAX:
                    raise BundleTooLarge("it grew while being read")
                spool.write(block)
                progress(copied, facts.st_size)
                block = file.read(BLOCK_BYTES)
            spool.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull("spool") from error
            raise
    spool.seek(0)


def _head_of(file: BinaryIO) -> tuple[Statement, BundleManifest, int]:
    """Return head, manifest, and where the sealed part begins. Raises: as `BundleFile`."""
    length = bundles.head_length(file.read(bundles.START_BYTES))
    raw = file.read(length)
    if len(raw) < length:
        raise BundleTruncated("in its head")
    return *bundles.decode_head(raw), bundles.START_BYTES + length


def _check_size(manifest: BundleManifest, size: int) -> None:
    """Check how long the sealed part is. Raises: BundleTruncated, BundleDamaged."""
    if size < manifest.sealed_bytes:
        raise BundleTruncated(f"{size} of {manifest.sealed_bytes} bytes")
    if size > manifest.sealed_bytes:
        raise BundleDamaged("longer than it says")
    if sealing.sealed_size(manifest.plain_bytes) != size:
        raise BundleDamaged("its sizes do not agree")


class BundleFile:
    """A bundle in a spool file of this node."""

    def __init__(self, spool: BinaryIO) -> None:
        """Read the head.

        Raises: NotABundle, BundleTruncated, UnsupportedVersion, LimitExceeded, Malformed,
        BundleTooLarge.
        """
        self._spool = spool
        self.head, self.manifest, self._start = _head_of(spool)

    def check(self) -> None:
        """Compare size and hash of the sealed part with the manifest.

        Raises: BundleTruncated, BundleDamaged.
        """
        self._spool.seek(0, os.SEEK_END)
        _check_size(self.manifest, self._spool.tell() - self._start)
        digest = hashlib.sha256()
        self._spool.seek(self._start)
        while block := self._spool.read(BLOCK_BYTES):
            digest.update(block)
        if digest.digest() != self.manifest.sealed_sha256:
            raise BundleDamaged("hash")

    def content(self, chunks: Chunks, progress: Progress = nobody) -> Iterator[Frame]:
        """Yield the frames; memory holds one part and one chunk.

        Raises: BundleDamaged, LimitExceeded, Malformed, FrameDamaged, UnsupportedVersion.
        """
        reader = PartReader(BUNDLE_PART_BYTES_MAX)
        total, done, decoded = self.manifest.plain_bytes, 0, 0
        most = total * BUNDLE_RATIO_MAX + FRAME_DECODED_BYTES_MAX
        self._spool.seek(self._start)
        for plain in sealing.unseal(chunks, self._pieces()):
            done += len(plain)
            for part in reader.feed(plain):
                for frame in frames.decode_stream(part):
                    decoded += len(frame.payload)
                    if decoded > most:
                        raise LimitExceeded("a bundle decodes to too much")
                    yield frame
            progress(done, total)
        reader.end()

    def _pieces(self) -> Iterator[bytes]:
        size = sealing.CHUNK_BYTES + sealing.TAG_BYTES
        while piece := self._spool.read(size):
            yield piece
