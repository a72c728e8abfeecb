"""The port to the book of files; adapters live in `store` and tests, beside those of the blobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class NamedFile(NamedTuple):
    """A file as one event names it.

    Shapes: `bytes` of its manifest, `size` of the file; `source` as of the event that names it.
    """

    sha256: str
    bytes: int
    size: int
    event: str
    stream: str
    source: str


class BlobBook(Protocol):
    """Which events name which files, what files are made of, what is wished for and handed up.

    Kept beside the blobs and filled from the events by a cursor: it can be thrown away.
    """

    def note(self, key: str) -> str:
        """Return a small setting, empty when it was never made."""
        ...

    def set_note(self, key: str, value: str) -> None: ...

    def name(self, files: Iterable[NamedFile], parent: str | None) -> None:
        """Note that events name files, and owe those to the parent that did not come from it.

        A node without a parent owes nothing. What is noted already changes nothing.
        """
        ...

    def unname(self, event: str) -> Sequence[str]:
        """Forget that an event names files; return those no event names any more, and their chunks
        that belong to no other file."""
        ...

    def named(self, sha256: str) -> Sequence[NamedFile]:
        """Return who names a file, by its manifest's name or that of any of its chunks."""
        ...

    def named_in(self, *streams: str) -> Sequence[NamedFile]:
        """Return the files of these streams, in order of the events' names."""
        ...

    def bytes_of(self, station: str) -> int:
        """Return the bytes of all files that a station's events name, each file once."""
        ...

    def named_by(self, station: str) -> Sequence[NamedFile]:
        """Return the files a station's events name, once for each event, in order of names."""
        ...

    def list_chunks(self, sha256: str, chunks: Iterable[tuple[str, int]]) -> None:
        """Note what the file of this manifest is made of."""
        ...

    def chunks(self, sha256: str) -> Sequence[tuple[str, int]]:
        """Return (name, size) of a file's chunks in order; none before they were listed."""
        ...

    def wish(self, files: Iterable[str]) -> None:
        """Have files fetched, by their manifests' names."""
        ...

    def unwish(self, sha256: str) -> None: ...

    def wished_bytes(self) -> tuple[int, int]:
        """Return how many files are wished for, and their bytes together."""
        ...

    def wishes(self, limit: int) -> Sequence[NamedFile]:
        """Return files wished for, oldest wish first, each as one event names it."""
        ...

    def to_give(self, limit: int) -> Sequence[NamedFile]:
        """Return files owed to the parent, small ones first, each as one event names it.

        Without those the parent refused: they hold up no other.
        """
        ...

    def refuse(self, sha256: str) -> None:
        """The parent does not take this file now: it is the last to be offered again."""
        ...

    def refused(self, limit: int) -> Sequence[NamedFile]:
        """Return files the parent refused, the one longest ago first."""
        ...

    def owed(self) -> tuple[int, int]:
        """Return how many files are owed and not refused, and their bytes together."""
        ...

    def refused_bytes(self) -> tuple[int, int]:
        """Return how many files the parent refused, and their bytes together."""
        ...

    def given(self, sha256: str) -> None:
        """The parent holds this file whole."""
        ...

    def owe_all(self, parent: str) -> None:
        """The parent is another one or begins a new life: what it holds and takes is asked anew."""
        ...
