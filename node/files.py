"""Bundles between a node and a folder: made up, sealed and written; or read and taken in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from node.rounds import AfterCommit, Rounds
from sync.engine import file_book, file_make, file_take, parent
from sync.engine.core import Core, Effects
from sync.engine.file_make import Draft
from sync.engine.file_session import Gap, Session
from sync.protocol import bundles, canonical, sealing
from sync.protocol.bodies import SealedFor
from sync.protocol.bundles import BundleManifest
from sync.protocol.errors import (
    BundleNotForUs,
    BundleStopped,
    BundleWrongKey,
    PeerProtocolError,
)
from sync.protocol.frames import Frame
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, Store
from sync.protocol.sealing import Sealing
from sync.protocol.statements import Statement
from sync.transport.bundle_file import BundleFile, Progress, Sealed, copy_in, nobody, put_together

SPOOL = "spool"
_HEAD_DIGITS = 8


class Exported(NamedTuple):
    """A bundle that was written. Shapes: `readers` are station codes; `way` is `up` or `down`."""

    path: Path
    way: str
    number: int
    readers: list[str]
    events: int
    packs: int
    size: int


class Imported(NamedTuple):
    """What became of a bundle.

    Shapes: `already` it was taken in whole before; `taken` events new here, `known` held already,
    `failed` not taken; `covered` own events newly known to be held above; `gaps` logs it could not
    go on with, `missing` the (first, last) numbers of the maker's bundles not seen here, (0, 0) for
    none; `told` a verdict, empty for none; `past` made before something newer of the same maker.
    """

    maker: str
    way: str
    number: int
    already: bool
    past: bool
    taken: int
    known: int
    failed: int
    covered: int
    shelves: int
    gaps: list[Gap]
    missing: tuple[int, int]
    contiguous: bool
    told: str


class Files:
    """The file road of one node."""

    def __init__(
        self,
        rounds: Rounds,
        sealing_port: Sealing,
        folder: Path,
        clock_ms: Callable[[], int],
        after_commit: AfterCommit,
    ) -> None:
        """Shapes: `folder` is the node's data folder; what is under way lies in its `spool`."""
        self._core: Core = rounds.core
        self._store: Store = rounds.store
        self._blobs: BlobStore = rounds.blobs
        self._rounds = rounds
        self._sealing = sealing_port
        self._spool = folder / SPOOL
        self._clock_ms = clock_ms
        self._after_commit = after_commit

    def export_up(self, folder: Path) -> Exported:
        """Write what no node above is known to hold to a new file in `folder`.

        Durable when: this returns. Nothing is let go of before the receipt comes back.
        Raises: BundleNotOurs, BundleTooLarge, StorageError, OSError.
        """
        with self._store.write() as transaction:
            draft = file_make.begin_up(self._core, transaction, self._clock_ms())
        return self._export(draft, folder)

    def export_down(self, station: str, folder: Path) -> Exported:
        """Write receipts and what is owed to one station below to a new file in `folder`.

        Raises: BundleNotOurs (never heard of), BundleTooLarge, StorageError, OSError.
        """
        with self._store.write() as transaction:
            draft = file_make.begin_down(self._core, transaction, self._clock_ms(), station)
        return self._export(draft, folder)

    def _export(self, draft: Draft, folder: Path) -> Exported:
        core = self._core
        file_key = core.chance.bytes(sealing.FILE_KEY_BYTES)
        salt = core.chance.bytes(sealing.SALT_BYTES)
        readers = [
            self._sealing.wrap(f"{log.station}/{log.epoch}", key, file_key)
            for log, key in draft.readers
        ]
        self._spool.mkdir(mode=0o700, exist_ok=True)
        sealed = Sealed()
        with tempfile.TemporaryFile(dir=self._spool) as spool:
            with self._store.read() as snapshot:
                content = (
                    file_make.up_frames(snapshot, draft)
                    if draft.way == bundles.UP
                    else file_make.down_frames(snapshot, draft, self._blobs)
                )
                sealed.write(spool, self._sealing.chunks(file_key, salt), content)
            head = self._head(draft, readers, salt, sealed)
            path = folder / _name(core, draft, head)
            size = put_together(path, bundles.encode_head(head), spool)
        with self._store.write() as transaction:
            made = file_book.Made(draft.number, self._clock_ms(), draft.events)
            file_book.note_made(transaction, draft.way, draft.to, made)
        stations = [log.station for log, _ in draft.readers]
        return Exported(
            path, draft.way, draft.number, stations, draft.events, len(draft.packs), size
        )

    def _head(
        self, draft: Draft, readers: list[SealedFor], salt: bytes, sealed: Sealed
    ) -> Statement:
        core = self._core
        manifest = BundleManifest(
            v=PROTOCOL_VERSION,
            way=draft.way,
            station=core.station,
            epoch=core.epoch,
            incarnation=core.incarnation,
            to=draft.to,
            number=draft.number,
            created_ms=self._clock_ms(),
            alg=sealing.ALGORITHM,
            salt=salt,
            readers=readers,
            ranges=draft.ranges,
            events=draft.events,
            plain_bytes=sealed.plain_bytes,
            sealed_bytes=sealed.sealed_bytes,
            sealed_sha256=sealed.sha256,
            certificate=core.certificate,
            authority=core.authority[0],
        )
        payload = canonical.dumps(manifest)
        unsigned = Statement(bundles.KIND, payload, b"", core.signer_name)
        signature = core.signer.sign(unsigned.message())
        return Statement(bundles.KIND, payload, signature, core.signer_name)

    def import_file(self, path: Path, progress: Progress = nobody) -> Imported:
        """Take in a bundle from a file; the file is left as it is.

        Idempotent: taken in whole before, it says so and changes nothing.
        Raises: BundleRefused and its kinds (only after BundleStopped was anything taken),
        PeerProtocolError, StorageError, OSError.
        """
        self._spool.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._spool) as spool:
            copy_in(path, spool)
            return self._take(BundleFile(spool), progress)

    def import_upload(self, upload: BinaryIO) -> Imported:
        """Take in a bundle from a file that is this process's own already.

        Raises: as `import_file`.
        """
        upload.seek(0)
        return self._take(BundleFile(upload), nobody)

    def _take(self, bundle: BundleFile, progress: Progress) -> Imported:
        with self._store.write() as transaction:
            session = file_take.admit(
                self._core, transaction, self._clock_ms(), bundle.head, bundle.manifest
            )
        bundle.check()
        file_key = self._file_key(bundle.manifest)
        shelves = 0
        if not session.already:
            chunks = self._sealing.chunks(file_key, bundle.manifest.salt)
            try:
                shelves = self._take_content(bundle.content(chunks, progress), session)
            except PeerProtocolError as error:
                if session.taken:
                    raise BundleStopped(error.code) from error
                raise
        return _imported(session, shelves)

    def _take_content(self, content: Iterable[Frame], session: Session) -> int:
        """Take the content slice by slice; return how many shelves were switched.

        What a slice leaves to be done is handed on after its commit, so that memory does not grow
        with the bundle.
        """
        for some in file_take.slices(content):
            parent.foresee(self._core, self._store, *some)
            self._take_slice(some, session)
        with self._store.write() as transaction:
            file_take.finish(self._core, transaction, self._clock_ms(), session)
        switched = self._rounds.switch_editions()
        self._after_commit(switched)
        return len(switched.shelves)

    def _take_slice(self, some: Sequence[Frame], session: Session) -> None:
        """Take frames in one transaction; those before one that is refused are kept.

        Durable when: it returns. Raises: what refused a frame, after the commit; StorageError.
        """
        effects, refusal = Effects(), None
        with self._store.write() as transaction:
            for frame in some:
                try:
                    with transaction.savepoint():
                        effects.add(
                            file_take.take_frame(
                                self._core,
                                transaction,
                                self._clock_ms(),
                                session,
                                self._blobs,
                                frame,
                            )
                        )
                except PeerProtocolError as error:
                    refusal = error
                    break
        self._after_commit(effects)
        if refusal is not None:
            raise refusal

    def _file_key(self, manifest: BundleManifest) -> bytes:
        """Return the file key. Raises: BundleNotForUs, BundleWrongKey."""
        mine = [r for r in manifest.readers if LogName.parse(r.to).station == self._core.station]
        if not mine:
            raise BundleNotForUs(manifest.to or "other nodes above")
        for sealed in mine[:-1]:
            try:
                return self._sealing.unwrap(sealed)
            except BundleWrongKey:
                continue
        return self._sealing.unwrap(mine[-1])


def _name(core: Core, draft: Draft, head: Statement) -> str:
    """Return a file name nobody else gives: station codes, number, and a piece of the signature."""
    to = f"-to-{draft.to}" if draft.to else "-up"
    mark = head.signature.hex()[:_HEAD_DIGITS]
    return f"{core.station}{to}-{draft.number:04d}-{mark}{bundles.SUFFIX}"


def _imported(session: Session, shelves: int) -> Imported:
    made = session.manifest
    return Imported(
        maker=made.station,
        way=made.way,
        number=made.number,
        already=session.already,
        past=session.past,
        taken=session.taken,
        known=session.known,
        failed=session.failed,
        covered=session.covered,
        shelves=shelves,
        gaps=sorted(session.gaps.values()),
        missing=session.missing,
        contiguous=session.contiguous,
        told=session.told,
    )
