"""One simulated station: the production `Node` over a faulty disk, and its successive lives."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from casework.case import Case
from casework.case_table import SqlCaseTable
from casework.projection import CaseRow, CaseTable
from node.blobs import BlobExchange
from node.case_files import CaseFiles
from node.desk import CaseDesk
from node.lives import Keeper, VoucherFor
from node.program import Node
from node.rounds import Rounds
from node.schema import SCHEMA
from sync.engine import authority
from sync.engine.core import Core, Switched
from sync.protocol import statements
from sync.protocol.names import LogName
from sync.protocol.ports import Signer, Store, Transaction, Verifier
from sync.protocol.statements import Voucher
from sync.store.database import Database
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.memory_blobs import MemoryBlobStore
from tests.fakes.memory_case_table import MemoryCaseTable
from tests.fakes.memory_store import MemoryStore
from tests.simulation.clock import NodeClock
from tests.simulation.disk import FaultyStore
from tests.simulation.one_thread import DATABASE_KEY, OneThreadDatabase

Rows = dict[str, tuple[CaseRow, str]]
BREAKS_FOLD = "demo_breaks_fold"
"""Type of an event that stands for a body nobody foresaw: casework fails over it."""


class FoldBroken(ValueError):
    """What the stand-in for a casework bug raises."""


class SeededChance:
    """Implements `ports.Chance`; goes on where it was when its node is started again."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0

    def bytes(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(f"{self._seed}/{self._drawn}".encode()).digest(count)


class Identity(NamedTuple):
    """What a station is born with."""

    station: str
    epoch: int
    incarnation: str
    root: str
    parent: str | None
    authority: bytes
    certificate: bytes
    signer: Signer
    verifier: Verifier
    chance: SeededChance
    signer_from: Callable[[bytes], Signer]

    @property
    def log(self) -> LogName:
        """Return the name of its log."""
        return LogName(self.station, self.epoch)

    def core(self) -> Core:
        """Return the engine's view of this station."""
        return Core(
            station=self.station,
            epoch=self.epoch,
            incarnation=self.incarnation,
            root=self.root,
            parent=self.parent,
            authority=(self.authority,),
            certificate=self.certificate,
            signer=self.signer,
            verifier=self.verifier,
            chance=self.chance,
            signer_from=self.signer_from,
        )


class _UndoableRows(MemoryCaseTable):
    """Case rows that go back with the transaction they were written in."""

    def __init__(self, rows: Rows, transaction: Any) -> None:
        super().__init__()
        self._rows = rows
        self._transaction = transaction

    def put(self, row: CaseRow, state_json: str) -> None:
        self._transaction._put(self._rows, row.stream, (row, state_json))


class _Waiting:
    """In the place of the projector's thread: the world decides when the projection runs."""

    def __init__(self) -> None:
        self.pending = False

    def wake(self) -> None:
        self.pending = True

    def stop(self) -> None:
        self.pending = False


class SimDesk(CaseDesk):
    """The production desk, but for one planted failure of its fold."""

    def case(self, transaction: Transaction, stream: str) -> Case | None:
        """As the desk's; raises FoldBroken over a stream with the event that stands for a bug."""
        if any(s.type == BREAKS_FOLD for s in transaction.stream_events(stream)):
            raise FoldBroken(stream)
        return super().case(transaction, stream)


class SimNode(Node):
    """A node of the programs, opened over ports instead of a folder."""

    def __init__(
        self,
        identity: Identity,
        store: FaultyStore,
        blobs: MemoryBlobStore,
        clock: NodeClock,
        rows: Rows,
        projector: _Waiting | None,
        wake: Callable[[], None],
        keeper: Keeper,
        own_voucher: VoucherFor | None,
    ) -> None:
        self._wake = wake
        self._rows = rows
        self.keeper = keeper
        core = identity.core()
        joined: dict[str, Any] = {
            "core": core,
            "clock_ms": clock,
            "release": "simulation",
            "started_ms": clock(),
            "database": store,
            "blobs": blobs,
            "desk": SimDesk(core, self._case_table),
            "rounds": Rounds(core, store, blobs, clock, self._after_commit),
            "agent": None,
            "blob_lane": None,
            "_projector": None,
        }
        joined["case_files"] = CaseFiles(
            core, store, blobs, blobs.book, clock_ms=clock,
            free_bytes=lambda: 1 << 40, ahead=self._fetches_ahead,
        )  # fmt: skip
        joined["exchange"] = BlobExchange(
            core, store, blobs, blobs.book, clock, joined["rounds"].switch_complete
        )
        for name, part in joined.items():
            setattr(self, name, part)
        self._open()
        self._projector = projector  # type: ignore[assignment]
        self.life.own_voucher = own_voucher
        if core.is_root:
            self.tend_life()

    def _case_table(self, transaction: Transaction) -> Any:
        if isinstance(transaction, SqlTransaction):
            return SqlCaseTable(transaction.connection)
        return _UndoableRows(self._rows, transaction)

    def _form_used(self, transaction: Any, form_key: str) -> str | None:
        return None  # the simulated clerks fill in no forms

    def wake(self) -> None:
        """The agent would begin a round now."""
        self._wake()

    def refresh_index(self, switched: Sequence[Switched] = ()) -> None:
        """The search index is no part of the promises checked here."""


class Station:
    """A station's disk, which lasts, and the node that lives on it for a while."""

    core: Core
    """Who its node is, or was before it went down."""

    def __init__(
        self,
        identity: Identity,
        clock: NodeClock,
        folder: Path | None,
        *,
        lazy: bool,
        thread: bool = False,
        like: Station | None = None,
    ) -> None:
        """Make the disk: an empty one, or a copy of another station's."""
        self.identity = identity
        self.code = identity.station
        self.clock = clock
        self.life = 0
        self.up_again_at = 0
        self.rows: Rows = {}
        self.waiting = _Waiting()
        self._lazy = lazy
        self._folder = folder
        self._thread = thread
        # Packs are named by their hash and fetched again when lost: one kind of store will do.
        self.blobs = MemoryBlobStore() if like is None else like.blobs.copied()
        if like is not None and folder is None:
            self.rows = dict(like.rows)
            self.store = FaultyStore(like.store.inner.copied())  # type: ignore[attr-defined]
        else:
            self.store = FaultyStore(self._open_store())
        self.node: SimNode | None = None
        self.born: Callable[[int, bytes], None] = lambda epoch, key: None
        """Told the key of each further epoch."""
        self.own_voucher: VoucherFor | None = None

    def _open_store(self) -> Store:
        if self._folder is None:
            return MemoryStore()
        path = self._folder / f"{self.code}.db"
        if self._thread:
            return Database(path, DATABASE_KEY, schema=SCHEMA)
        return OneThreadDatabase(path)

    def start(self, wake: Callable[[], None]) -> None:
        """Begin a life over what is on the disk; may crash at once."""
        if self.life and self._folder is not None:
            self.store.inner.close()  # type: ignore[attr-defined]
            self.store.revive(self._open_store())
        else:
            self.store.revive(self.store.inner)
        self.life += 1
        self.waiting.pending = False
        projector = self.waiting if self._lazy else None
        self.node = SimNode(
            self.identity, self.store, self.blobs, self.clock, self.rows, projector, wake,
            self, self.own_voucher,
        )  # fmt: skip
        self.core = self.node.core

    def keep(self, voucher: bytes, one_use: Signer, incarnation: str) -> tuple[bytes, Signer]:
        """Implements `node.lives.Keeper`: who the station is outlasts a power cut."""
        held = self.identity
        epoch = statements.decode(voucher).read(Voucher).epoch
        if epoch != held.epoch:
            own = held.signer_from(held.chance.bytes(32))
            self.identity = held._replace(
                epoch=epoch,
                incarnation=incarnation,
                certificate=authority.make_certificate(
                    voucher, one_use, own.public_key(), bytes(32)
                ),
                signer=own,
            )
            self.born(epoch, own.public_key())
        return self.identity.certificate, self.identity.signer

    def image(self) -> Station:
        """Return a copy of the machine as it is now: disk, keys and all, not started."""
        folder = self._folder
        if folder is not None:
            folder = Path(tempfile.mkdtemp(dir=folder))
            for file in (self._folder or folder).glob(f"{self.code}.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, folder)
        chance = SeededChance(f"{self.code}/{self.clock()}/image")
        twin = Station(
            self.identity._replace(chance=chance), self.clock, folder,
            lazy=self._lazy, thread=self._thread, like=self,
        )  # fmt: skip
        twin.born, twin.own_voucher = self.born, self.own_voucher
        return twin

    def die(self, up_again_at: int) -> None:
        """Lose everything that is not on the disk."""
        self.store.dead = True
        self.node = None
        self.up_again_at = up_again_at

    @property
    def version(self) -> tuple[int, int]:
        """Return what changes with every commit on this disk."""
        return self.life, self.store.inner.commits  # type: ignore[attr-defined]

    @property
    def durable(self) -> Store:
        """The disk itself, for those who look from outside; works while the node is down."""
        return self.store.inner

    def table(self, transaction: Any) -> CaseTable:
        """Return the case rows on this disk."""
        if isinstance(transaction, SqlTransaction):
            return SqlCaseTable(transaction.connection)
        return _UndoableRows(self.rows, transaction)

    def close(self) -> None:
        """Close the files."""
        self.store.inner.close()  # type: ignore[attr-defined]
        self.blobs.close()
