"""Files of cases at this node: taken in, named by an event, listed, read back.

Chunks are written as they come, so a scan of any size takes little memory. The event is recorded
when the file is whole and durable here; it goes up at once, the file follows on the second lane.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import ClassVar, Final, NamedTuple

import msgspec

from sync.engine import case_blobs, record
from sync.engine.case_blobs import FetchesAhead
from sync.engine.core import Core
from sync.protocol.book import BlobBook
from sync.protocol.chunks import FileName, decode_manifest, encode_manifest, is_media_type, names_in
from sync.protocol.errors import SyncError
from sync.protocol.limits import CASE_FILES_BYTES_MAX, CHUNK_BYTES, FILE_BYTES_MAX
from sync.protocol.ports import GOOD, BlobStore, Store, Transaction

BLOBS_ADDED: Final = "sync.blobs_added"
"""Type of the event that names files; casework does not know it and need not."""
DISK_FLOOR_BYTES: Final = 512 * 1024 * 1024
"""With less room than this no file is taken: the cases need it."""
TITLE_LENGTH_MAX: Final = 60
OTHER_TYPE: Final = "application/octet-stream"


class FileRefused(SyncError):
    """A file that is not taken; nothing was saved of it."""

    code = "file_refused"
    sentence: ClassVar[str] = "这个文件没有保存。"


class FileTooLarge(FileRefused):
    code = "file_too_large"
    sentence = (
        f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB,没有保存。请分成几份,或调低扫描分辨率。"
    )


class FileEmpty(FileRefused):
    code = "file_empty"
    sentence = "没有选文件,或者文件是空的,没有保存。请重新选一次。"


class CaseFilesFull(FileRefused):
    code = "case_files_full"
    sentence = "这一件的附件合计已到上限,这个文件没有保存。办件不受影响。"


class StationFilesFull(FileRefused):
    code = "station_files_full"
    sentence = (
        "本站的附件合计已到上限,这个文件没有保存。办件不受影响,照常办理和上报。"
        "请调低扫描分辨率,或联系县运维调高上限。"
    )


class DiskNearlyFull(FileRefused):
    code = "disk_nearly_full"
    sentence = "本机磁盘快满了,附件没有保存。办件照常能收,请联系县运维清理空间。"


class FileNotHere(FileRefused):
    code = "file_not_here"
    sentence = "这个文件还没有传到本站,已请上级送来。请稍后再打开。"


class CaseFile(NamedTuple):
    """A file of a case as a page shows it.

    Units: `size` and `held` bytes. Shapes: `title` as its author called it; `name` is the event's.
    """

    sha256: str
    title: str
    size: int
    held: int
    station: str
    actor: str
    at_ms: int
    name: str

    @property
    def whole(self) -> bool:
        """Whether all of it is here."""
        return self.held == self.size


class FileWriter:
    """Takes a file as it comes."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._waiting = bytearray()
        self._chunks: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises: FileTooLarge, StorageError."""
        self._size += len(data)
        if self._size > FILE_BYTES_MAX:
            raise FileTooLarge
        self._waiting += data
        while len(self._waiting) >= CHUNK_BYTES:
            self._chunks.append(self._blobs.put(bytes(self._waiting[:CHUNK_BYTES])))
            del self._waiting[:CHUNK_BYTES]

    def finish(self, media_type: str) -> FileName:
        """Return the name of the file, which is durable now. Raises: FileEmpty, StorageError."""
        if not self._size:
            raise FileEmpty
        if self._waiting:
            self._chunks.append(self._blobs.put(bytes(self._waiting)))
            self._waiting.clear()
        kind = media_type if is_media_type(media_type) else OTHER_TYPE
        raw = encode_manifest(self._size, kind, self._chunks)
        return FileName(self._blobs.put(raw), len(raw), self._size)


class CaseFiles:
    """The files of the cases at one node."""

    def __init__(
        self,
        core: Core,
        store: Store,
        blobs: BlobStore,
        book: BlobBook,
        *,
        clock_ms: Callable[[], int],
        free_bytes: Callable[[], int],
        ahead: FetchesAhead,
    ) -> None:
        self._core = core
        self._store = store
        self._blobs = blobs
        self._book = book
        self._clock_ms = clock_ms
        self._free_bytes = free_bytes
        self._ahead = ahead
        self.station_bytes_max = 0
        """What the files added at this station may come to together; 0 sets no limit."""

    def _check_station(self, size: int) -> None:
        """Pass if this station may have so many bytes more. Raises: StationFilesFull."""
        most = self.station_bytes_max
        if most and self._book.bytes_of(self._core.station) + size > most:
            raise StationFilesFull

    def room(self) -> bool:
        """Return whether the disk can take more files."""
        return self._free_bytes() >= DISK_FLOOR_BYTES

    def catch_up(self) -> bool:
        """Note what new events name; return whether the second lane has something to do."""
        news = False
        while True:
            with self._store.read() as transaction:
                noted = case_blobs.note_names(
                    self._core, transaction, self._book, self._blobs, self._ahead
                )
            news = news or noted.news
            if not noted.events:
                return news

    def writer(self, stream: str) -> FileWriter:
        """Return what takes a file for a case.

        Raises: DiskNearlyFull, StationFilesFull, CaseFilesFull.
        """
        if not self.room():
            raise DiskNearlyFull
        self._check_station(1)
        if case_blobs.bytes_of_stream(self._book, stream) >= CASE_FILES_BYTES_MAX:
            raise CaseFilesFull
        return FileWriter(self._blobs)

    def attach(self, stream: str, file: FileName, *, title: str, actor: str) -> None:
        """Record that a file belongs to a case.

        Durable when: it returns.
        Raises: StationFilesFull, CaseFilesFull, LimitExceeded, StorageError.
        """
        self._check_station(file.size)
        if case_blobs.bytes_of_stream(self._book, stream) + file.size > CASE_FILES_BYTES_MAX:
            raise CaseFilesFull
        manifest = decode_manifest(self._blobs.read(file.sha256, 0, file.bytes))
        body = {"title": title[:TITLE_LENGTH_MAX], "blobs": [msgspec.structs.asdict(file)]}
        with self._store.write() as transaction:
            record.record(
                self._core,
                transaction,
                self._clock_ms(),
                stream=stream,
                kind=BLOBS_ADDED,
                actor=actor,
                added=(),
                body=body,
            )
        self._book.list_chunks(file.sha256, manifest.parts())
        self.catch_up()

    def listed(self, transaction: Transaction, stream: str) -> list[CaseFile]:
        """Return the files of a case in order of their events."""
        found: list[CaseFile] = []
        for stored in transaction.stream_events(stream):
            if stored.standing != GOOD:
                continue
            for file in names_in(stored.event.body):
                found.append(
                    CaseFile(
                        sha256=file.sha256,
                        title=_title(stored.event.body),
                        size=file.size,
                        held=self._held(file),
                        station=stored.name.station,
                        actor=stored.actor,
                        at_ms=stored.hlc // 1024,
                        name=str(stored.name),
                    )
                )
        return found

    def open_all(self, files: list[CaseFile]) -> bool:
        """Have what is missing fetched, because somebody opened it; return whether something is."""
        missing = [file.sha256 for file in files if not file.whole]
        if missing:
            self._book.wish(missing)
        return bool(missing)

    def read(self, sha256: str) -> tuple[str, int, Iterator[bytes]]:
        """Return (media type, size, bytes) of a file that is whole here.

        Each chunk is checked as it is read; one that is damaged ends the bytes early, is set aside
        and fetched again. Raises: FileNotHere.
        """
        named = self._book.named(sha256)
        raw = self._blobs.read(sha256, 0, named[0].bytes) if named else b""
        if not raw:
            raise FileNotHere
        manifest = decode_manifest(raw)
        if any(self._blobs.size(name) is None for name in manifest.chunks):
            self._book.wish([sha256])
            raise FileNotHere
        return manifest.type, manifest.size, self._bytes(sha256, manifest.parts())

    def _bytes(self, sha256: str, parts: list[tuple[str, int]]) -> Iterator[bytes]:
        for name, size in parts:
            data = self._blobs.read(name, 0, size)
            if hashlib.sha256(data).hexdigest() != name:
                self._blobs.verify(name)
                self._book.wish([sha256])
                return
            yield data

    def _held(self, file: FileName) -> int:
        if self._blobs.size(file.sha256) is None:
            return 0
        return sum(
            size for name, size in self._book.chunks(file.sha256) if self._blobs.size(name) == size
        )


def _title(body: bytes | None) -> str:
    try:
        title = msgspec.json.decode(body or b"{}").get("title", "")
    except (msgspec.DecodeError, AttributeError):
        return ""
    return title if isinstance(title, str) else ""
