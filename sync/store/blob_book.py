"""Which events name which files: tables of `blobs.db` beside the bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sync.protocol.book import NamedFile
from sync.store.encrypted_file import EncryptedFile
from sync.store.sql import Connection, Cursor

_SELECT = "SELECT sha256, bytes, size, event, stream, source FROM "
_DELETES = (
    "DELETE FROM file_chunks WHERE file = ?",
    "DELETE FROM wishes WHERE sha256 = ?",
    "DELETE FROM owed WHERE sha256 = ?",
)


class SqliteBlobBook:
    """Implements `sync.protocol.book.BlobBook`."""

    def __init__(self, file: EncryptedFile) -> None:
        self._file = file

    def note(self, key: str) -> str:
        with self._file.read() as connection:
            row = connection.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
            return "" if row is None else str(row[0])

    def set_note(self, key: str, value: str) -> None:
        with self._file.write() as connection:
            connection.execute(
                "INSERT INTO notes (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def name(self, files: Iterable[NamedFile], parent: str | None) -> None:
        with self._file.write() as connection:
            for file in files:
                fresh = connection.execute(
                    "INSERT OR IGNORE INTO named (sha256, bytes, size, event, stream, source)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    tuple(file),
                ).rowcount
                if fresh and parent is not None and file.source != parent:
                    connection.execute(
                        "INSERT OR IGNORE INTO owed (sha256, size) VALUES (?, ?)",
                        (file.sha256, file.size),
                    )

    def unname(self, event: str) -> Sequence[str]:
        with self._file.write() as connection:
            rows = connection.execute("SELECT sha256 FROM named WHERE event = ?", (event,))
            files = [str(sha256) for (sha256,) in rows.fetchall()]
            connection.execute("DELETE FROM named WHERE event = ?", (event,))
            gone: list[str] = []
            for file in files:
                if _one(connection, "SELECT 1 FROM named WHERE sha256 = ?", file) is None:
                    gone += [file, *_dropped_chunks(connection, file)]
            return gone

    def named(self, sha256: str) -> Sequence[NamedFile]:
        with self._file.read() as connection:
            return _files(
                connection.execute(
                    "SELECT sha256, bytes, size, event, stream, source FROM named"
                    " WHERE sha256 = ? OR sha256 IN"
                    " (SELECT file FROM file_chunks WHERE chunk = ?) ORDER BY sha256, event",
                    (sha256, sha256),
                )
            )

    def named_in(self, *streams: str) -> Sequence[NamedFile]:
        # One JSON parameter: a page may speak of more streams than a statement has parameters.
        with self._file.read() as connection:
            return _files(
                connection.execute(
                    _SELECT + "named JOIN json_each(?) AS asked ON stream = asked.value"
                    " ORDER BY event, sha256",
                    (json.dumps(streams),),
                )
            )

    def bytes_of(self, station: str) -> int:
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM named"
                " WHERE event >= ? AND event < ? GROUP BY sha256)",
                (f"{station}/", f"{station}0"),  # "0" is what follows "/"
            ).fetchone()
            return int(row[0])

    def named_by(self, station: str) -> Sequence[NamedFile]:
        with self._file.read() as connection:
            return _files(
                connection.execute(
                    _SELECT + "named WHERE event >= ? AND event < ? ORDER BY event, sha256",
                    (f"{station}/", f"{station}0"),
                )
            )

    def list_chunks(self, sha256: str, chunks: Iterable[tuple[str, int]]) -> None:
        rows = [(sha256, at, chunk, size) for at, (chunk, size) in enumerate(chunks)]
        with self._file.write() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO file_chunks (file, place, chunk, size) VALUES (?, ?, ?, ?)",
                rows,
            )

    def chunks(self, sha256: str) -> Sequence[tuple[str, int]]:
        with self._file.read() as connection:
            rows = connection.execute(
                "SELECT chunk, size FROM file_chunks WHERE file = ? ORDER BY place", (sha256,)
            )
            return [(str(chunk), int(size)) for chunk, size in rows]

    def wish(self, files: Iterable[str]) -> None:
        with self._file.write() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO wishes (sha256) VALUES (?)", [(file,) for file in files]
            )

    def unwish(self, sha256: str) -> None:
        with self._file.write() as connection:
            connection.execute("DELETE FROM wishes WHERE sha256 = ?", (sha256,))

    def wished_bytes(self) -> tuple[int, int]:
        with self._file.read() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT max(size) AS size"
                " FROM wishes JOIN named USING (sha256) GROUP BY wishes.id)"
            ).fetchone()
            return int(row[0]), int(row[1])

    def wishes(self, limit: int) -> Sequence[NamedFile]:
        with self._file.read() as connection:
            return _files(
                connection.execute(
                    _SELECT + "wishes JOIN named USING (sha256)"
                    " GROUP BY wishes.id HAVING event = min(event) ORDER BY wishes.id LIMIT ?",
                    (limit,),
                )
            )

    def to_give(self, limit: int) -> Sequence[NamedFile]:
        return self._owed("WHERE turn = 0 ORDER BY size, sha256", limit)

    def refused(self, limit: int) -> Sequence[NamedFile]:
        return self._owed("WHERE turn > 0 ORDER BY turn", limit)

    def _owed(self, which: str, limit: int) -> Sequence[NamedFile]:
        select = (
            "SELECT named.sha256, bytes, named.size, event, stream, source"  # noqa: S608 (fixed fragments)
            f" FROM (SELECT sha256, turn FROM owed {which} LIMIT ?) AS next"
            " JOIN named ON named.sha256 = next.sha256"
            " GROUP BY named.sha256 HAVING event = min(event)"
            " ORDER BY turn, named.size, named.sha256"
        )
        with self._file.read() as connection:
            return _files(connection.execute(select, (limit,)))

    def refuse(self, sha256: str) -> None:
        with self._file.write() as connection:
            connection.execute(
                "UPDATE owed SET turn = (SELECT max(turn) FROM owed) + 1 WHERE sha256 = ?",
                (sha256,),
            )

    def owed(self) -> tuple[int, int]:
        return self._count("turn = 0")

    def refused_bytes(self) -> tuple[int, int]:
        return self._count("turn > 0")

    def _count(self, which: str) -> tuple[int, int]:
        select = f"SELECT count(*), coalesce(sum(size), 0) FROM owed WHERE {which}"  # noqa: S608 (fixed fragments)
        with self._file.read() as connection:
            row = connection.execute(select).fetchone()
            return int(row[0]), int(row[1])

    def given(self, sha256: str) -> None:
        with self._file.write() as connection:
            connection.execute("DELETE FROM owed WHERE sha256 = ?", (sha256,))

    def owe_all(self, parent: str) -> None:
        with self._file.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO owed (sha256, size)"
                " SELECT sha256, size FROM named WHERE source <> ?",
                (parent,),
            )
            connection.execute("UPDATE owed SET turn = 0")


def _one(connection: Connection, select: str, value: str) -> object:
    return connection.execute(select, (value,)).fetchone()


def _dropped_chunks(connection: Connection, file: str) -> list[str]:
    """Forget what a file is made of; return the chunks that no other file is made of."""
    rows = connection.execute("SELECT chunk FROM file_chunks WHERE file = ?", (file,)).fetchall()
    for delete in _DELETES:
        connection.execute(delete, (file,))
    chunks = dict.fromkeys(str(chunk) for (chunk,) in rows)
    select = "SELECT 1 FROM file_chunks WHERE chunk = ?"
    return [chunk for chunk in chunks if _one(connection, select, chunk) is None]


def _files(rows: Cursor) -> list[NamedFile]:
    return [NamedFile(*row) for row in rows]
