"""Reading a dead machine's disk: its unsent records are handed in, to be checked by a person.

What is read is verified against the certificates on the same disk, up to the authority's key. Rows
that cannot be read are counted and passed over; the others are still good.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from node import enrolment
from node.program import Node
from sync.engine import recovery, tree, trust
from sync.protocol.errors import PeerProtocolError, StorageError, SyncError
from sync.signing import read_key
from sync.store.salvage import Salvaged, read_rows


class NotSalvaged(SyncError):
    """Nothing could be taken from the old disk; nothing was changed."""

    code = "not_salvaged"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code  # type: ignore[misc]
        self.sentence = sentence  # type: ignore[misc]


class Outcome(NamedTuple):
    """How many records were handed in, were held already, did not verify, could not be read."""

    taken: int
    held: int
    refused: int
    unreadable: int


def salvage(node: Node, old: Path) -> Outcome:
    """Take this station's own records from an old data folder; the folder is only read.

    Raises: NotSalvaged.
    """
    read = _read(node, old)
    taken = held = refused = 0
    with node.database.write() as transaction:
        now = node.clock_ms()
        shape = tree.load(node.core, transaction, now)
        for raw in read.certificates:
            try:
                trust.take_certificate(node.core, transaction, raw, first_hand_ms=None)
            except PeerProtocolError:
                refused += 1
        for event in read.events:
            try:
                stored = recovery.verified(node.core, transaction, now, event, "")
            except PeerProtocolError:
                refused += 1
                continue
            if recovery.keep(node.core, shape, transaction, stored):
                taken += 1
            else:
                held += 1
    node.wake()
    return Outcome(taken, held, refused, read.unreadable)


def _read(node: Node, old: Path) -> Salvaged:
    try:
        station = enrolment.read_node(old).station
        key = read_key(old / enrolment.DATABASE_KEY)
    except (OSError, ValueError, SyncError) as error:
        raise NotSalvaged(
            "unreadable", f"{old} 里读不出站点身份或数据库密钥,没有取回任何记录。"
        ) from error
    if station != node.core.station:
        raise NotSalvaged(
            "another_station", f"{old} 是站点 {station} 的,不是本站的。没有取回任何记录。"
        )
    with tempfile.TemporaryDirectory(prefix="yizhan-salvage-") as scratch:
        # A copy: opening a database would already write beside it, and the old disk may be failing.
        for path in old.glob(f"{enrolment.NODE_DATABASE}*"):
            shutil.copyfile(path, Path(scratch) / path.name)
        try:
            return read_rows(Path(scratch) / enrolment.NODE_DATABASE, key, station)
        except StorageError as error:
            raise NotSalvaged(
                "unreadable", f"{old} 里的数据库打不开,没有取回任何记录。可以换一台电脑再试。"
            ) from error
