"""A station that stores events from several threads and says which ones are durable.

Run as a process of its own by test_kill9_store.py, which kills it. Each line it prints is the
position of an event whose `run` has returned.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from pathlib import Path

from sync.store.database import Database
from sync.store.sql_transaction import SqlTransaction
from tests.fakes.sample_events import SAMPLE_KEY, sample_event

THREADS = 3
BODY = b"b" * 2000
"""Large enough that checkpoints come often while the test runs."""


def main() -> None:
    database = Database(Path(sys.argv[1]), SAMPLE_KEY)
    start = int(sys.argv[2])

    def store(t: SqlTransaction, position: int) -> None:
        stored = t.put_event(sample_event(position, stream="A", body=BODY))
        t.enqueue("parent", "event", str(stored.name))

    def store_events(position: int) -> None:
        while True:
            database.run(partial(store, position=position))
            os.write(1, f"{position}\n".encode())
            position += THREADS

    for thread in range(THREADS):
        threading.Thread(target=store_events, args=(start + thread,)).start()


if __name__ == "__main__":
    main()
