"""The book of files in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync.protocol.book import NamedFile


class MemoryBlobBook:
    """Implements `sync.protocol.book.BlobBook`."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}
        self._named: dict[tuple[str, str], NamedFile] = {}
        self._chunks: dict[str, list[tuple[str, int]]] = {}
        self._wishes: dict[str, None] = {}
        self._owed: dict[str, int] = {}
        self._turns: dict[str, int] = {}

    def note(self, key: str) -> str:
        return self._notes.get(key, "")

    def set_note(self, key: str, value: str) -> None:
        self._notes[key] = value

    def name(self, files: Iterable[NamedFile], parent: str | None) -> None:
        for file in files:
            if (file.sha256, file.event) not in self._named:
                self._named[file.sha256, file.event] = file
                if parent is not None and file.source != parent:
                    self._owed[file.sha256] = file.size

    def unname(self, event: str) -> Sequence[str]:
        files = sorted(sha for sha, one in self._named if one == event)
        gone: list[str] = []
        for file in files:
            del self._named[file, event]
            if not any(sha == file for sha, _ in self._named):
                mine = dict.fromkeys(chunk for chunk, _ in self._chunks.pop(file, []))
                self._wishes.pop(file, None)
                self.given(file)
                left = {chunk for others in self._chunks.values() for chunk, _ in others}
                gone += [file, *(chunk for chunk in mine if chunk not in left)]
        return gone

    def named(self, sha256: str) -> Sequence[NamedFile]:
        found = {f for f, chunks in self._chunks.items() if any(c == sha256 for c, _ in chunks)}
        return [f for _, f in sorted(self._named.items()) if f.sha256 in {sha256, *found}]

    def named_in(self, *streams: str) -> Sequence[NamedFile]:
        found = [f for f in self._named.values() if f.stream in streams]
        return sorted(found, key=lambda f: (f.event, f.sha256))

    def bytes_of(self, station: str) -> int:
        own = (f for f in self._named.values() if f.event.startswith(f"{station}/"))
        return sum({f.sha256: f.size for f in own}.values())

    def named_by(self, station: str) -> Sequence[NamedFile]:
        own = (f for f in self._named.values() if f.event.startswith(f"{station}/"))
        return sorted(own, key=lambda f: (f.event, f.sha256))

    def list_chunks(self, sha256: str, chunks: Iterable[tuple[str, int]]) -> None:
        self._chunks.setdefault(sha256, list(chunks))

    def chunks(self, sha256: str) -> Sequence[tuple[str, int]]:
        return self._chunks.get(sha256, [])

    def wish(self, files: Iterable[str]) -> None:
        for file in files:
            self._wishes.setdefault(file)

    def unwish(self, sha256: str) -> None:
        self._wishes.pop(sha256, None)

    def wishes(self, limit: int) -> Sequence[NamedFile]:
        found = [self._one(file) for file in self._wishes]
        return [file for file in found if file is not None][:limit]

    def to_give(self, limit: int) -> Sequence[NamedFile]:
        ours = sorted(self._fresh(), key=lambda sha: (self._owed[sha], sha))[:limit]
        return [file for file in map(self._one, ours) if file is not None]

    def refuse(self, sha256: str) -> None:
        if sha256 in self._owed:
            self._turns[sha256] = max(self._turns.values(), default=0) + 1

    def refused(self, limit: int) -> Sequence[NamedFile]:
        ours = sorted(self._turns, key=lambda sha: self._turns[sha])[:limit]
        return [file for file in map(self._one, ours) if file is not None]

    def owed(self) -> tuple[int, int]:
        return len(self._fresh()), sum(self._owed[sha] for sha in self._fresh())

    def refused_bytes(self) -> tuple[int, int]:
        return len(self._turns), sum(self._owed[sha] for sha in self._turns)

    def _fresh(self) -> list[str]:
        return [sha for sha in self._owed if sha not in self._turns]

    def wished_bytes(self) -> tuple[int, int]:
        found = self.wishes(len(self._wishes))
        return len(found), sum(file.size for file in found)

    def _one(self, sha256: str) -> NamedFile | None:
        mine = [f for f in self._named.values() if f.sha256 == sha256]
        return min(mine, key=lambda f: f.event, default=None)

    def given(self, sha256: str) -> None:
        self._owed.pop(sha256, None)
        self._turns.pop(sha256, None)

    def owe_all(self, parent: str) -> None:
        self._turns.clear()
        for file in self._named.values():
            if file.source != parent:
                self._owed[file.sha256] = file.size
