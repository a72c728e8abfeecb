"""Packs nobody names any more leave `blobs.db`, and how full it is."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from sync.store.sql import Connection

PACKS_PER_SWEEP_MAX = 200
"""Others wait for the file's one writer meanwhile."""
_PACKS = (
    "SELECT b.id, b.sha256, b.size FROM blobs b"
    " JOIN pieces p ON p.blob = b.id AND p.start = 0"
    " WHERE b.complete = 1 AND substr(p.data, 1, 3) IN (x'595A50', x'595A44')"
    " AND NOT EXISTS (SELECT 1 FROM named n WHERE n.sha256 = b.sha256)"
    " AND NOT EXISTS (SELECT 1 FROM file_chunks c WHERE c.chunk = b.sha256)"
)
"""Whole blobs that begin as packs and deltas do (YZP, YZD) and are no part of any case's file."""
_LACKING = (
    "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT n.sha256, max(n.size) AS size"
    " FROM named n LEFT JOIN blobs b ON b.sha256 = n.sha256 AND b.complete = 1"
    " WHERE b.id IS NULL OR EXISTS (SELECT 1 FROM file_chunks c LEFT JOIN blobs d"
    " ON d.sha256 = c.chunk AND d.complete = 1 WHERE c.file = n.sha256 AND d.id IS NULL)"
    " GROUP BY n.sha256)"
)


class Swept(NamedTuple):
    """What left, and how much room that gave."""

    packs: int
    bytes: int


class BlobFigures(NamedTuple):
    """How full the file is: whole blobs, those set aside, files of cases that are not whole."""

    whole: int
    whole_bytes: int
    set_aside: int
    waiting: int
    waiting_bytes: int


def sweep_packs(connection: Connection, kept: Set[str], now_ms: int, grace_ms: int) -> Swept:
    """Drop packs outside `kept` that were outside it for so long; note since when others are.

    Shapes: `kept` are the names in manifests held. A clock set back begins the time anew.
    """
    loose = {
        str(sha256): (int(blob), int(size))
        for blob, sha256, size in connection.execute(_PACKS).fetchall()
        if sha256 not in kept
    }
    since = dict(connection.execute("SELECT sha256, since_ms FROM loose_packs").fetchall())
    gone = [s for s in loose if now_ms - since.get(s, now_ms) >= grace_ms][:PACKS_PER_SWEEP_MAX]
    connection.execute("DELETE FROM loose_packs")
    for sha256 in loose.keys() - set(gone):
        marked = min(since.get(sha256, now_ms), now_ms)
        connection.execute("INSERT INTO loose_packs VALUES (?, ?)", (sha256, marked))
    for sha256 in gone:
        connection.execute("DELETE FROM pieces WHERE blob = ?", (loose[sha256][0],))
        connection.execute("DELETE FROM blobs WHERE id = ?", (loose[sha256][0],))
    return Swept(len(gone), sum(loose[sha256][1] for sha256 in gone))


def figures(connection: Connection) -> BlobFigures:
    """Return how full the file is."""
    whole, whole_bytes = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM blobs WHERE complete = 1"
    ).fetchone()
    (aside,) = connection.execute("SELECT count(*) FROM set_aside").fetchone()
    waiting, waiting_bytes = connection.execute(_LACKING).fetchone()
    return BlobFigures(int(whole), int(whole_bytes), int(aside), int(waiting), int(waiting_bytes))
