"""Databases as each release left them: SQL text with a few rows, kept for every later release.

`python -m tests.releases.stored_schema` writes the folder of this release where it is missing and
never touches one that is there. A release whose migrations cannot bring such a file up, or that
cannot read what stands in it, fails `tests/contract/test_stored_schemas.py`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from casework.case_table import SqlCaseTable
from casework.projection import CaseRow
from node.schema import SCHEMA
from sync.protocol.book import NamedFile
from sync.protocol.names import LogName
from sync.protocol.ports import LogState
from sync.protocol.registers import Entry, Shelf
from sync.store.blobs import SqliteBlobStore
from sync.store.database import Database
from sync.store.migrations import Schema
from sync.store.schema_blobs import BLOBS_SCHEMA
from sync.store.sql import Connection
from tests.fakes.sample_events import EPOCH, SAMPLE_KEY, sample_event

FOLDER = Path(__file__).with_name("stored")
SUMS = "SHA256SUMS"
SCHEMAS = {"node": SCHEMA, "blobs": BLOBS_SCHEMA}
SHELF = Shelf("matters", "530114000000", "village")
ENTRY = Entry("M1", b'{"code":"M1","name":"\xe6\xbc\x94\xe7\xa4\xba"}')
EVENT = sample_event(1)
CASE = CaseRow(
    stream=str(EVENT.name), receipt_no="演示-1", matter_name="演示事项", status="已收件",
    holder="CG0111", tab="办理中", opened_day="2026-11-22", audience=("CG0101", "CG0111"),
)  # fmt: skip
BLOB = b"bytes of a pack"
FILE = NamedFile("ab" * 32, 180, 300_000, str(EVENT.name), str(EVENT.name), "")


class Column(NamedTuple):
    """A column of a table as SQLite tells it."""

    table: str
    name: str
    type: str
    not_null: int
    default: str
    key: int


def releases() -> list[str]:
    """Return the releases whose databases are kept, the oldest first."""
    return sorted(path.name for path in FOLDER.glob("r*"))


def sums(release: str) -> dict[str, str]:
    """Return what the folder's list says of each file."""
    lines = (FOLDER / release / SUMS).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def found(release: str) -> dict[str, str]:
    """Return what each file of a folder comes to."""
    paths = sorted((FOLDER / release).glob("*.sql"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def dump(connection: Connection) -> str:
    """Return a database as SQL text: number, tables, rows, then indexes and triggers.

    What full text search keeps for itself is made by its table and left out, its rows too.
    """
    (release,) = connection.execute("PRAGMA user_version").fetchone()
    shadows = {n for n, k in _tables(connection) if k in ("shadow", "virtual")}
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    ).fetchall()
    plain = [one for one in rows if one[1] not in shadows or one[2].startswith("CREATE VIRTUAL")]
    parts = [f"PRAGMA user_version = {release}"]
    parts += [sql for kind, name, sql in plain if kind == "table" and name != "sqlite_sequence"]
    for kind, name, _ in plain:
        if kind == "table" and name not in shadows:
            parts += _rows(connection, name)
    parts += [sql for kind, _, sql in plain if kind != "table"]
    return "".join(f"{part};\n\n" for part in parts)


def _rows(connection: Connection, table: str) -> Iterator[str]:
    names = [
        one[0] for one in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    ]
    quoted = " || ', ' || ".join(f'quote("{name}")' for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    select = f'SELECT {quoted} FROM "{table}" ORDER BY 1'
    for (values,) in connection.execute(select).fetchall():
        yield f'INSERT INTO "{table}" ({columns}) VALUES ({values})'


def _tables(connection: Connection) -> list[tuple[str, str]]:
    sql = "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"
    return [(str(name), str(kind)) for name, kind in connection.execute(sql).fetchall()]


def shape(connection: Connection) -> tuple[set[Column], set[tuple[str, str, str]]]:
    """Return the columns of all tables, and the (kind, name, table) of all else, in any order."""
    columns = {
        Column(table, name, kind, int(not_null), str(default), int(key))
        for table, _ in _tables(connection)
        if not table.startswith("sqlite_")
        for _, name, kind, not_null, default, key in connection.execute(
            "SELECT * FROM pragma_table_info(?)", (table,)
        ).fetchall()
    }
    others = connection.execute(
        "SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN ('index', 'trigger')"
    ).fetchall()
    return columns, {(str(k), str(n), str(t)) for k, n, t in others}


def build(path: Path, release: str) -> None:
    """Make the encrypted file a release left, from its text."""
    text = (FOLDER / release / f"{path.stem}.sql").read_text(encoding="utf-8")
    with Database(path, SAMPLE_KEY, schema=Schema(0, ())) as database, database.write() as t:
        t.connection.execute("PRAGMA defer_foreign_keys = ON")
        for statement in text.split(";\n\n"):
            if statement:
                t.connection.execute(statement)


def fill(node: Path, blobs: Path) -> None:
    """Make both files of this release with a little of everything that must not be lost."""
    with Database(node, SAMPLE_KEY, schema=SCHEMA) as database, database.write() as transaction:
        transaction.put_event(EVENT)
        transaction.put_log(LogState(LogName("CG0111", EPOCH), position=1, chain=EVENT.chain))
        transaction.add_audience(EVENT.stream, EVENT.audience)
        transaction.replace_shelf(SHELF, EPOCH, [ENTRY])
        transaction.put_statement("time_mark", "演示", b"raw bytes")
        transaction.set_meta("release_note", "演示")
        SqlCaseTable(transaction.connection).put(CASE, "{}")
    with closing(SqliteBlobStore(blobs, SAMPLE_KEY)) as store:
        store.put(BLOB)
        store.book.name([FILE], "CG0101")


def write() -> str:
    """Write the folder of this release if it is not there; return its name."""
    name = f"r{SCHEMA.release}"
    target = FOLDER / name
    if target.exists():
        return name
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        paths = {one: Path(folder) / f"{one}.db" for one in SCHEMAS}
        fill(paths["node"], paths["blobs"])
        for one, schema in SCHEMAS.items():
            with Database(paths[one], SAMPLE_KEY, schema=schema) as database, database.read() as t:
                (target / f"{one}.sql").write_text(dump(t.connection), encoding="utf-8")
    lines = [f"{digest}  {file}\n" for file, digest in found(name).items()]
    (target / SUMS).write_text("".join(lines), encoding="ascii")
    return name


if __name__ == "__main__":
    print(write())
