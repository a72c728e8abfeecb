"""Every implementation of the storage ports, opened the same way.

A further implementation is one line in `STORES` or `BLOB_STORES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from sync.protocol.book import BlobBook
from sync.protocol.ports import BlobStore, Store
from sync.store.blobs import SqliteBlobStore
from sync.store.database import Database
from sync.store.postgres_database import PostgresDatabase
from tests.fakes.memory_store import MemoryBlobStore, MemoryStore
from tests.fakes.sample_events import SAMPLE_KEY


class OpenStore(Store, Protocol):
    """A store that can be closed."""

    def close(self) -> None: ...


class OpenBlobStore(BlobStore, Protocol):
    """A blob store that can be closed, with the book kept beside it."""

    @property
    def book(self) -> BlobBook: ...

    def close(self) -> None: ...


Asked = pytest.FixtureRequest
STORES: dict[str, Callable[[Path, Asked], OpenStore]] = {
    "sqlite": lambda folder, _: Database(folder / "node.db", SAMPLE_KEY),
    "memory": lambda *_: MemoryStore(),
    "postgres": lambda _, asked: PostgresDatabase(asked.getfixturevalue("cluster").database()),
}
BLOB_STORES: dict[str, Callable[[Path], OpenBlobStore]] = {
    "sqlite": lambda folder: SqliteBlobStore(folder / "blobs.db", SAMPLE_KEY),
    "memory": lambda folder: MemoryBlobStore(),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each implementation."""
    opened = STORES[request.param](tmp_path, request)
    yield opened
    opened.close()


@pytest.fixture(params=sorted(set(STORES) - {"memory"}))
def kept_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each implementation that outlives its process."""
    opened = STORES[request.param](tmp_path, request)
    yield opened
    opened.close()


@pytest.fixture(params=sorted(BLOB_STORES))
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    """An empty blob store of each implementation."""
    opened = BLOB_STORES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An SQLite store, for what only SQLite promises."""
    with Database(tmp_path / "node.db", SAMPLE_KEY) as opened:
        yield opened


@pytest.fixture
def book(blobs: OpenBlobStore) -> BlobBook:
    """An empty book of files of each implementation."""
    return blobs.book
