"""A scripted day of a store whose disk fails once at some call: refuse, try again, lose nothing.

Run as a process of its own under a fault: PATH. Prints the last event of each batch it saved; each
refusal is a line `refused CODE`. The store is opened anew when it could not be opened.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from node.schema import SCHEMA
from sync.protocol.errors import StorageError
from sync.store.database import Database
from tests.fakes.sample_events import SAMPLE_KEY
from tests.faults.power import writer

BATCHES = 12
OPENINGS = 3
TRIES_MAX = 10


def main() -> None:
    path = Path(sys.argv[1])
    position = 0
    for _ in range(OPENINGS):
        database = _opened(path)
        for _ in range(BATCHES):
            positions = writer.batch_after(position)
            _saved(database, positions)
            position = positions[-1]
            os.write(1, b"%d\n" % position)
        with suppress(StorageError):
            database.close()


def _opened(path: Path) -> Database:
    for _ in range(TRIES_MAX):
        try:
            return Database(path, SAMPLE_KEY, schema=SCHEMA)
        except StorageError as error:
            _refused(error)
    sys.exit("the store never opened")


def _saved(database: Database, positions: range) -> None:
    for _ in range(TRIES_MAX):
        try:
            with database.write() as transaction:
                writer.store(transaction, positions)
        except StorageError as error:
            _refused(error)
        else:
            return
    sys.exit(f"{positions} were never saved")


def _refused(error: StorageError) -> None:
    os.write(1, b"refused %s\n" % error.code.encode())


if __name__ == "__main__":
    main()
