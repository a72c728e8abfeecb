"""What this machine can do at all, taken in the same run: signatures checked, rows made durable."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from pathlib import Path

from sync.signing import Ed25519Signer, Ed25519Verifier, new_seed

CHECKS = 4000
MESSAGE_BYTES = 400


def checks_per_second() -> float:
    """Return Ed25519 verifications per second over all cores."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        began = time.monotonic()
        pool.map(_check, range(cores), chunksize=1)
        return cores * CHECKS / (time.monotonic() - began)


def _check(_: int) -> None:
    signer, verifier = Ed25519Signer(new_seed()), Ed25519Verifier()
    message = os.urandom(MESSAGE_BYTES)
    signature, key = signer.sign(message), signer.public_key()
    for _ in range(CHECKS):
        assert verifier.verify(key, message, signature)


def rows_per_second(folder: Path, rows: int, batch: int, row_bytes: int) -> float:
    """Return rows of one body each per second, WAL and FULL, so many to a commit."""
    path = folder / f"floor-{batch}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB)")
        body = os.urandom(row_bytes)
        began = time.monotonic()
        for start in range(0, rows, batch):
            connection.execute("BEGIN IMMEDIATE")
            values = ((i, f"E{i:09d}", body) for i in range(start, min(start + batch, rows)))
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", values)
            connection.execute("COMMIT")
        return rows / (time.monotonic() - began)
    finally:
        connection.close()
