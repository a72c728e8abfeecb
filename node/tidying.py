"""Pruning of a whole node: which cases may go, log by log, page by page, and what it freed."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial
from typing import NamedTuple, Protocol

import structlog

from casework.projection import TAB_ENDED, CaseTable
from node.situation import situation
from sync.engine import pruning, purge, registers
from sync.engine.core import Core
from sync.engine.pruning import Freed
from sync.protocol.errors import StorageError
from sync.protocol.names import LogName
from sync.protocol.ports import Store, Transaction

log = structlog.get_logger("node.tidying")

DAY_MS = 24 * 3600 * 1000
KEEP_DAYS = 365
"""How long bodies stay here at least, unless set otherwise; a setting and no rule of law."""
PACKS_KEPT_MS = 7 * DAY_MS
"""A pack of an edition that was replaced stays so long: a child, or a stick under way, may still be
at it."""
_SWEPT = "packs_swept"
_PRUNED = "pruned"
"""Meta: when the last pass ended, bodies and bytes it freed."""


class LastPass(NamedTuple):
    """The last pass of pruning. Units: milliseconds, bytes."""

    at_ms: int
    bodies: int
    bytes: int


def last_pass(transaction: Transaction) -> LastPass | None:
    """Return the last pass, None before the first."""
    noted = transaction.meta(_PRUNED)
    return LastPass(*map(int, noted.split())) if noted else None


def may_go(table: CaseTable, stream: str) -> bool:
    """Return whether nobody works with a case any more: ended, handed out, nothing to confirm."""
    row = table.get(stream)
    if row is None or row.cannot_be_shown or row.to_check:
        return False
    return row.tab == TAB_ENDED and not row.tasks


def prune(
    core: Core,
    store: Store,
    table_of: Callable[[Transaction], CaseTable],
    now_ms: int,
    keep_ms: int,
) -> Freed:
    """Drop the bodies of ended cases that are backed up and older than `keep_ms`.

    Each page of a log is a transaction of its own, so that nobody waits long.
    """
    with store.read() as transaction:
        logs = [log.name for log in transaction.logs() if log.backup_position]
    freed = pruning.NOTHING
    for name in logs:
        freed = freed.add(_prune_log(core, store, table_of, name, now_ms - keep_ms))
    with store.write() as transaction:
        transaction.set_meta(_PRUNED, f"{now_ms} {freed.bodies} {freed.bytes}")
    return freed


def _prune_log(
    core: Core,
    store: Store,
    table_of: Callable[[Transaction], CaseTable],
    name: LogName,
    before_ms: int,
) -> Freed:
    freed, after = pruning.NOTHING, 0
    while True:
        with store.write() as transaction:
            table = table_of(transaction)
            log = transaction.log(name)
            assert log is not None, "a log is never forgotten"
            more, after = pruning.page(
                core, transaction, log, after, before_ms, partial(may_go, table)
            )
        freed = freed.add(more)
        if not after:
            return freed


def due(core: Core, transaction: Transaction, now_ms: int) -> bool:
    """Return whether the node has nothing better to do than its daily pass."""
    before = last_pass(transaction)
    if before is not None and now_ms - before.at_ms < DAY_MS:
        return False
    state = situation(core, transaction)
    return not state.rungs.local and not state.carried


class PackSweeper(Protocol):
    """The part of the blob store that lets go of old packs."""

    def sweep_packs(self, kept: Set[str], now_ms: int, grace_ms: int) -> tuple[int, int]:
        """Drop packs outside `kept` for so long; return how many, and their bytes."""


def sweep_packs(store: Store, blobs: PackSweeper, now_ms: int) -> None:
    """Once a day drop the packs of editions that no manifest held here names any more."""
    with store.read() as transaction:
        if now_ms - int(transaction.meta(_SWEPT) or "0") < DAY_MS:
            return
        held = registers.manifests(transaction)
    kept = {pack.sha256 for _, manifest in held for pack in manifest.blobs}
    packs, freed = blobs.sweep_packs(kept, now_ms, PACKS_KEPT_MS)
    if packs:
        log.info("old_packs_dropped", packs=packs, bytes=freed)
    with store.write() as transaction:
        transaction.set_meta(_SWEPT, str(now_ms))


def erase_traces(store: Store) -> None:
    """After a purge: leave no copy of what was erased in the database's own files.

    What fails, for want of room, say, is noted and tried again later.
    """
    with store.read() as transaction:
        due_for = transaction.meta(purge.TRACES)
    if not due_for:
        return
    try:
        store.scrub()
    except StorageError as error:
        log.warning("traces_not_erased_yet", code=error.code)
        return
    with store.write() as transaction:
        if transaction.meta(purge.TRACES) == due_for:
            transaction.set_meta(purge.TRACES, "")
