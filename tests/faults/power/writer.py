"""A station's store at work, for a recorder to watch; each batch it saved prints its last event.

Run as a process of its own: PATH START BATCHES SYNCHRONOUS. The content of every event follows from
its position alone, so that a checker needs nothing of this process but the file and what it said.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from node.schema import SCHEMA
from sync.protocol.ports import LogState, StoredEvent
from sync.store import encrypted_file
from sync.store.database import Database
from sync.store.sql import Connection
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.sample_events import SAMPLE_KEY, sample_event

LAST = "last"
LINK = "parent"
BATCH_MAX = 4
BODY_BYTES_MAX = 5000


def event(position: int) -> StoredEvent:
    """Return the event every life writes at this position."""
    chance = random.Random(position)
    body = chance.randbytes(chance.randrange(100, BODY_BYTES_MAX))
    return sample_event(position, stream=f"S{position % 7}", body=body)


def batch_after(position: int) -> range:
    """Return the positions the batch after this one writes in one transaction."""
    return range(position + 1, position + 2 + random.Random(~position).randrange(BATCH_MAX))


def store(transaction: SqlTransaction, positions: range) -> None:
    """Write a batch: events, their log, what is owed, a setting."""
    for position in positions:
        stored = transaction.put_event(event(position))
        transaction.enqueue(LINK, "event", str(stored.name))
        transaction.put_log(LogState(stored.name.log, position, stored.chain))
    transaction.set_meta(LAST, str(positions[-1]))


def weaken(synchronous: str) -> None:
    """Make the product's writer connection sync less, to show that this suite bites."""
    open_writer = encrypted_file.open_writer

    def weaker(path: Path, key: bytes, *, busy_ms: int) -> Connection:
        connection = open_writer(path, key, busy_ms=busy_ms)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    encrypted_file.open_writer = weaker


def main() -> None:
    path, start, batches, synchronous = sys.argv[1:]
    if synchronous != "FULL":
        weaken(synchronous)
    database = Database(Path(path), SAMPLE_KEY, schema=SCHEMA)
    position = int(start)
    for _ in range(int(batches)):
        positions = batch_after(position)
        with database.write() as transaction:
            store(transaction, positions)
        position = positions[-1]
        os.write(1, b"%d\n" % position)
    if random.Random(int(start)).random() < 0.5:
        database.close()  # moves the WAL in; the other lives end without
    os._exit(0)


if __name__ == "__main__":
    main()
