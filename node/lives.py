"""What a halted node does by itself: takes up a new incarnation, and opens the next epoch.

The engine says when a voucher is there and everything within reach is back; here the keys are made,
written down before they are used, and the epoch is opened. A power cut between the two is made
good at the next start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from node import enrolment
from node.schema import SCHEMA
from sync.engine import asks, authority, halt, lives, tree
from sync.engine.core import Core, Effects
from sync.engine.halt import Halt
from sync.protocol import statements
from sync.protocol.lives import REBUILT
from sync.protocol.ports import Signer, Store, Transaction
from sync.protocol.statements import Voucher
from sync.signing import Ed25519Signer, read_key
from sync.store.database import Database

log = structlog.get_logger("node.lives")

VoucherFor = Callable[[bytes, int], bytes]
"""Makes a voucher for a one-use public key at a time: only central can, for itself."""


class Keeper(Protocol):
    """Where a node writes down who it is."""

    def keep(self, voucher: bytes, one_use: Signer, incarnation: str) -> tuple[bytes, Signer]:
        """Make keys for the voucher's epoch; return its certificate and signer, kept for good."""
        ...


class FolderKeeper:
    """Keeps keys and `node.json` in the node's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, voucher: bytes, one_use: Signer, incarnation: str) -> tuple[bytes, Signer]:
        node = enrolment.next_epoch(self._folder, voucher, one_use, incarnation)
        return node.certificate, Ed25519Signer(read_key(self._folder / node.sign_key))


class LifeKeeper:
    """Tends one node's life after its commits; idempotent, whatever brought it here."""

    def __init__(
        self, core: Core, store: Store, clock_ms: Callable[[], int], keeper: Keeper | None
    ) -> None:
        self._core = core
        self._store = store
        self._clock_ms = clock_ms
        self._keeper = keeper
        self._lock = threading.Lock()
        self.own_voucher: VoucherFor | None = None
        self.halted = False

    def tend(self) -> bool:
        """Do what can be done now; return whether an epoch was opened."""
        with self._lock:
            with self._store.write() as transaction:
                halt.adopt(self._core, transaction)
                halted = halt.halted(transaction)
                self.halted = halted is not None
                if halted is None or not lives.may_open(self._core, transaction, self._clock_ms()):
                    return False
                ready = self._ready(transaction, halted)
            if not ready:
                return False
            return self._open(ready)

    def _ready(self, transaction: Transaction, halted: Halt) -> Halt | None:
        """Return the halt with a voucher and the key it is made out to, None while it waits."""
        if self._core.epoch_unopened(transaction):
            return halted
        core, own = self._core, self.own_voucher
        if core.is_root and own and core.signer_from and not halted.voucher:
            seed = core.chance.bytes(32)
            voucher = own(core.signer_from(seed).public_key(), self._clock_ms())
            halted = halt.with_voucher(halted, seed, voucher)
            halt.put(transaction, halted)
        return halted if halted.voucher else None

    def _open(self, halted: Halt) -> bool:
        core = self._core
        voucher = statements.decode(halted.voucher).read(Voucher) if halted.voucher else None
        signer: Signer | None = None
        certificate = b""
        if voucher is not None and voucher.epoch != core.epoch:
            if self._keeper is None or core.signer_from is None:
                return False
            with self._store.write() as transaction:
                # Neighbours are told the new epoch's certificate with a new incarnation.
                halt.new_life(core, transaction, self._clock_ms(), Effects())
                drawn = transaction.meta(halt.INCARNATION) or core.incarnation
            one_use = core.signer_from(halted.seed)
            certificate, signer = self._keeper.keep(halted.voucher, one_use, drawn)
        with self._store.write() as transaction:
            if signer is not None and voucher is not None:
                core.signer, core.certificate, core.epoch = signer, certificate, voucher.epoch
            halt.adopt(core, transaction)
            opened = lives.open_next(core, transaction, self._clock_ms())
        self.halted = False
        log.info("epoch_opened", station=core.station, epoch=core.epoch, opened=str(opened.name))
        return True


def mark(folder: Path, reason: str, now_ms: int) -> None:
    """Halt the stopped node in a folder before its next start: its disk is not what it was."""
    node = enrolment.read_node(folder)
    core = enrolment.core_of(node, folder)
    key = read_key(folder / enrolment.DATABASE_KEY)
    database = Database(
        folder / enrolment.NODE_DATABASE, key, schema=SCHEMA, must_exist=reason != REBUILT
    )
    try:
        with database.write() as transaction:
            halt.put(transaction, None)
            halt.adopt(core, transaction)
            lives.stop(core, transaction, now_ms, reason, Effects())
    finally:
        database.close()


def grant(
    core: Core, transaction: Transaction, now_ms: int, signer: Signer, key: bytes, station: str,
    *, profile: str, serial: str,
) -> Voucher:  # fmt: skip
    """At central: make out a voucher to an ask's key and owe it downwards."""
    epoch = enrolment.next_free_epoch(transaction, station, now_ms)
    raw = authority.make_voucher(signer, station, epoch, key, profile, serial)
    shape = tree.load(core, transaction, now_ms)
    return asks.take_voucher(core, shape, transaction, statements.decode(raw))
